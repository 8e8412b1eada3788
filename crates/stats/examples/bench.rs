//! Times the exact drift measures and the fairness report on columns of ten million rows, and prints the peak memory.
//!
//! ```sh
//! cargo run --release -p probity-stats --example bench -- 10000000
//! ```
//!
//! With a directory as the second argument the columns are written there as little-endian 64-bit floats (and bytes for the
//! fairness columns), so that `bench/compare.py` measures other libraries on the same rows.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use probity_stats::{
    Binning, CategoryCounts, CodedRows, Execution, FairnessOptions, KsMethod, LogBase,
    NumericOptions, NumericPair, Smoothing,
};

/// A splitmix generator: the same rows on every machine.
struct Rows(u64);

impl Rows {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform on [0, 1).
    fn uniform(&mut self) -> f64 {
        f64::from_bits(0x3FF0_0000_0000_0000 | (self.bits() >> 12)) - 1.0
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A sum of two exponentials: gamma with shape 2.
    fn gamma(&mut self, scale: f64) -> f64 {
        -scale * ((1.0 - self.uniform()) * (1.0 - self.uniform())).ln()
    }

    fn column(&mut self, rows: usize, draw: impl Fn(&mut Self) -> f64) -> Vec<f64> {
        (0..rows).map(|_| draw(self)).collect()
    }
}

type Draw = fn(&mut Rows) -> f64;

/// Name, what it is, and how the reference and the current sample are drawn.
const SHAPES: [(&str, &str, Draw, Draw); 6] = [
    ("a", "normal, drifted", Rows::normal, |rows| {
        rows.normal().mul_add(1.1, 0.1)
    }),
    (
        "b",
        "lognormal, drifted",
        |rows| (0.5 * rows.normal()).exp(),
        |rows| 0.5f64.mul_add(rows.normal(), 0.05).exp(),
    ),
    (
        "c",
        "integers",
        |rows| rows.gamma(10.0).round(),
        |rows| rows.gamma(11.0).round(),
    ),
    (
        "d",
        "normal, no drift",
        |rows| rows.normal().mul_add(2.0, 5.0),
        |rows| rows.normal().mul_add(2.0, 5.0),
    ),
    ("e", "uniform, shifted", Rows::uniform, |rows| {
        rows.uniform() + 0.5
    }),
    (
        "f",
        "heavy tails, no drift",
        |rows| (3.0 * rows.normal()).exp(),
        |rows| (3.0 * rows.normal()).exp(),
    ),
];

const REPEATS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let rows: usize = arguments
        .next()
        .map_or(Ok(10_000_000), |text| text.parse())?;
    let directory = arguments.next();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{rows} + {rows} rows; seconds, best of {REPEATS}; threads 1 / 2"
    )?;
    writeln!(
        out,
        "{:24} {:>15} {:>15} {:>15} {:>15} {:>15}",
        "column", "all four", "psi+js, ks", "psi+js", "ks", "wasserstein"
    )?;
    for (seed, (name, what, reference, current)) in (1_u64..).zip(SHAPES) {
        let mut source = Rows(seed);
        let columns = (source.column(rows, reference), source.column(rows, current));
        if let Some(directory) = &directory {
            write_column(Path::new(directory), &format!("{name}_ref"), &columns.0)?;
            write_column(Path::new(directory), &format!("{name}_cur"), &columns.1)?;
        }
        let line = time_column(&columns.0, &columns.1)?;
        writeln!(out, "{:24} {line}", format!("{name} {what}"))?;
        print_values(&mut out, &columns.0, &columns.1)?;
    }
    bench_categories(&mut out, rows, directory.as_deref().map(Path::new))?;
    bench_fairness(&mut out, rows, directory.as_deref().map(Path::new))?;
    writeln!(
        out,
        "peak memory: {}",
        peak_memory().unwrap_or_else(|| "unknown".to_owned())
    )?;
    Ok(())
}

fn time_column(reference: &[f64], current: &[f64]) -> Result<String, Box<dyn Error>> {
    let options = NumericOptions::default();
    let deciles = Binning::QuantileBins(10);
    let timed = |execution, measure: &dyn Fn(&NumericPair<'_>)| {
        best(|| {
            let pair = NumericPair::with_execution(reference, current, execution)?;
            measure(&pair);
            Ok(())
        })
    };
    let measures: [&dyn Fn(&NumericPair<'_>); 5] = [
        &|pair| drop(std::hint::black_box(pair.drift(&options))),
        &|pair| {
            drop(std::hint::black_box(
                pair.bins(deciles).map(|bins| bins.psi(options.smoothing)),
            ));
            drop(std::hint::black_box(pair.ks(KsMethod::Auto)));
        },
        &|pair| {
            let both = pair.bins(deciles).map(|bins| {
                (
                    bins.psi(Smoothing::Epsilon(1e-4)),
                    bins.js_distance(LogBase::Natural),
                )
            });
            drop(std::hint::black_box(both));
        },
        &|pair| drop(std::hint::black_box(pair.ks(KsMethod::Auto))),
        &|pair| drop(std::hint::black_box(pair.wasserstein())),
    ];
    let mut cells = Vec::new();
    for measure in measures {
        let one = timed(Execution::SingleThread, measure)?.as_secs_f64();
        let two = timed(Execution::TwoThreads, measure)?.as_secs_f64();
        cells.push(format!("{:>15}", format!("{one:.3} / {two:.3}")));
    }
    Ok(cells.join(" "))
}

fn print_values(
    out: &mut impl Write,
    reference: &[f64],
    current: &[f64],
) -> Result<(), Box<dyn Error>> {
    let drift = NumericPair::new(reference, current)?.drift(&NumericOptions::default())?;
    let measured = [
        &drift.psi,
        &drift.js_distance,
        &drift.ks.measurement,
        &drift.wasserstein,
    ];
    for measurement in measured {
        let value = measurement.value().ok_or("not estimable")?;
        write!(out, "    {} {value:?}", measurement.recipe.estimator)?;
    }
    writeln!(out)?;
    Ok(())
}

fn bench_categories(
    out: &mut impl Write,
    rows: usize,
    directory: Option<&Path>,
) -> Result<(), Box<dyn Error>> {
    let mut source = Rows(77);
    let mut codes = |limits: [f64; 7]| -> Vec<u32> {
        let draw = |_| {
            let point = source.uniform();
            u32::try_from(limits.iter().filter(|&&limit| point >= limit).count())
                .unwrap_or_default()
        };
        (0..rows).map(draw).collect()
    };
    let reference = codes([0.3, 0.5, 0.65, 0.77, 0.87, 0.94, 0.99]);
    let current = codes([0.28, 0.5, 0.65, 0.75, 0.86, 0.94, 0.99]);
    if let Some(directory) = directory {
        write_codes(directory, "k_ref", &reference)?;
        write_codes(directory, "k_cur", &current)?;
    }
    let names = ["0", "1", "2", "3", "4", "5", "6", "7"];
    let time = best(|| {
        let pair = CategoryCounts::of_codes(&reference, &names)?;
        let pair = pair.pair_with(&CategoryCounts::of_codes(&current, &names)?);
        drop(std::hint::black_box(
            pair.counts.psi(Smoothing::RelativeEpsilon),
        ));
        Ok(())
    })?;
    writeln!(out, "k, 8 categories, psi: {:.4}", time.as_secs_f64())?;
    Ok(())
}

fn bench_fairness(
    out: &mut impl Write,
    rows: usize,
    directory: Option<&Path>,
) -> Result<(), Box<dyn Error>> {
    let mut source = Rows(99);
    let (mut groups, mut labels, mut predictions) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let point = source.uniform();
        let group = [0.5, 0.8, 0.95]
            .iter()
            .filter(|&&limit| point >= limit)
            .count();
        let rate = |rates: [f64; 4]| rates.get(group).copied().unwrap_or_default();
        let label = source.uniform() < rate([0.40, 0.35, 0.30, 0.25]);
        let hit = if label {
            rate([0.80, 0.76, 0.72, 0.70])
        } else {
            rate([0.10, 0.12, 0.09, 0.14])
        };
        groups.push(u32::try_from(group)?);
        labels.push(label);
        predictions.push(source.uniform() < hit);
    }
    if let Some(directory) = directory {
        write_codes(directory, "s", &groups)?;
        fs::write(
            directory.join("y.u8"),
            labels
                .iter()
                .map(|&flag| u8::from(flag))
                .collect::<Vec<_>>(),
        )?;
        fs::write(
            directory.join("yhat.u8"),
            predictions
                .iter()
                .map(|&flag| u8::from(flag))
                .collect::<Vec<_>>(),
        )?;
    }
    let coded = CodedRows {
        groups: &groups,
        labels: &labels,
        predictions: &predictions,
    };
    for execution in [Execution::SingleThread, Execution::TwoThreads] {
        let time = best(|| {
            let cells = coded.count(&["0", "1", "2", "3"], execution)?;
            drop(std::hint::black_box(
                cells.report(FairnessOptions::default()),
            ));
            Ok(())
        })?;
        writeln!(
            out,
            "fairness report, {rows} predictions, {execution:?}: {:.4}",
            time.as_secs_f64()
        )?;
    }
    Ok(())
}

fn best(mut run: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let mut fastest = Duration::MAX;
    for _ in 0..REPEATS {
        let start = Instant::now();
        run()?;
        fastest = fastest.min(start.elapsed());
    }
    Ok(fastest)
}

fn write_column(directory: &Path, name: &str, values: &[f64]) -> io::Result<()> {
    let mut file = io::BufWriter::new(fs::File::create(directory.join(format!("{name}.f64")))?);
    values
        .iter()
        .try_for_each(|value| file.write_all(&value.to_le_bytes()))?;
    file.flush()
}

fn write_codes(directory: &Path, name: &str, codes: &[u32]) -> io::Result<()> {
    let bytes: Vec<u8> = codes.iter().flat_map(|code| code.to_le_bytes()).collect();
    fs::write(directory.join(format!("{name}.u32")), bytes)
}

fn peak_memory() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.trim_start_matches("VmHWM:").trim().to_owned())
}
