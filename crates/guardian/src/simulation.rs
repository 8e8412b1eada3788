//! Simulated figures, for trying an integration before there is anything to measure.
//!
//! The same model name and seed give the same figures on every machine and in every release: they
//! are drawn from SHA-256 in integer arithmetic, and divided by 10 or 100 only at the end. The
//! instants are made up too; no clock is read. Nothing here is a measurement, and
//! [`Simulation::simulated`] says so.

use sha2::{Digest, Sha256};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::metric::ComplianceStatus;
use crate::snapshot::Readings;
use crate::threshold::Thresholds;

/// Keeps these draws apart from any other use of the hash; a new recipe takes a new number.
const DOMAIN: &[u8] = b"probity-guardian simulation v1\n";
/// How many daily points a history has.
const POINTS: u32 = 30;
/// The instant of the first point.
const FIRST: OffsetDateTime = datetime!(2025-01-01 00:00 UTC);

/// One simulated evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedSnapshot {
    /// The made-up instant: midnight UTC of a day in January 2025.
    pub captured_at: OffsetDateTime,
    /// Drift, 0 to 100 with one decimal.
    pub drift_score: f64,
    /// Fairness, 0 to 100 with one decimal.
    pub fairness_score: f64,
    /// Population stability index with two decimals.
    pub psi: f64,
    /// Disparate impact, 0 to 1 with two decimals.
    pub disparate_impact: f64,
    /// How many samples: 1000 to 10000 in steps of 100.
    pub sample_size: u64,
    /// The verdict by [`Thresholds::GLOBAL_DEFAULTS`].
    pub status: ComplianceStatus,
}

/// Simulated figures of one model name and seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// The model name, any text.
    pub model_id: String,
    /// The seed, any text; `42` and `042` are different seeds.
    pub seed: String,
    /// Always true.
    pub simulated: bool,
    /// The newest point of the history.
    pub latest: SimulatedSnapshot,
    /// 30 daily points, oldest first.
    pub history: Vec<SimulatedSnapshot>,
}

impl Simulation {
    /// The figures of this model name and seed.
    #[must_use]
    pub fn new(model_id: &str, seed: &str) -> Self {
        let root = root(model_id, seed);
        let mut walk = Walk::start(root);
        let mut latest = walk.step(0);
        let mut history = vec![latest];
        for day in 1..POINTS {
            latest = walk.step(day);
            history.push(latest);
        }
        Self {
            model_id: model_id.to_owned(),
            seed: seed.to_owned(),
            simulated: true,
            latest,
            history,
        }
    }
}

/// The hash of domain, length of the model name (8 bytes, big endian), model name, and seed: the
/// length keeps `("a", "bc")` apart from `("ab", "c")`.
fn root(model_id: &str, seed: &str) -> [u8; 32] {
    let length = u64::try_from(model_id.len()).unwrap_or(u64::MAX);
    let hash = Sha256::new()
        .chain_update(DOMAIN)
        .chain_update(length.to_be_bytes())
        .chain_update(model_id)
        .chain_update(seed);
    hash.finalize().into()
}

/// Eight draws of 16 bits each from the first half of SHA-256(root, number).
fn draws(root: &[u8; 32], number: u32) -> [i32; 8] {
    let hash = Sha256::new()
        .chain_update(root)
        .chain_update(number.to_be_bytes());
    let bytes: [u8; 32] = hash.finalize().into();
    let mut drawn = [0; 8];
    for (draw, pair) in drawn.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *draw = i32::from(u16::from_be_bytes(*pair));
    }
    drawn
}

/// A draw brought into `low..=high`.
const fn between(draw: i32, low: i32, high: i32) -> i32 {
    low + draw % (high - low + 1)
}

/// The levels that the figures wander around, in tenths of a point, and their daily trend.
struct Walk {
    root: [u8; 32],
    drift: i32,
    drift_trend: i32,
    fairness: i32,
    fairness_trend: i32,
}

impl Walk {
    /// Drift starts at 4 to 30 and moves by -0.4 to 1.6 a day; fairness starts at 92 to 98.9 and
    /// moves by -0.4 to 0.3 a day: every model starts GREEN or near it, and some go bad within the
    /// month.
    fn start(root: [u8; 32]) -> Self {
        let [drift, drift_trend, fairness, fairness_trend, ..] = draws(&root, u32::MAX);
        Self {
            root,
            drift: between(drift, 40, 300),
            drift_trend: between(drift_trend, -4, 16),
            fairness: between(fairness, 920, 989),
            fairness_trend: between(fairness_trend, -4, 3),
        }
    }

    fn step(&mut self, day: u32) -> SimulatedSnapshot {
        let [drift, fairness, psi, impact, size, ..] = draws(&self.root, day);
        self.drift = (self.drift + self.drift_trend).clamp(20, 960);
        self.fairness = (self.fairness + self.fairness_trend).clamp(600, 995);
        let drift = (self.drift + between(drift, -25, 25)).clamp(0, 1000);
        let fairness = (self.fairness + between(fairness, -12, 12)).clamp(0, 1000);
        let psi = (drift / 50 + between(psi, -1, 1)).max(0);
        let impact = (fairness / 10 - 6 + between(impact, -2, 2)).clamp(0, 100);
        let readings = Readings {
            drift: f64::from(drift) / 10.0,
            fairness: f64::from(fairness) / 10.0,
            psi: Some(f64::from(psi) / 100.0),
            disparate_impact: Some(f64::from(impact) / 100.0),
        };
        SimulatedSnapshot {
            captured_at: FIRST + Duration::days(i64::from(day)),
            drift_score: readings.drift,
            fairness_score: readings.fairness,
            psi: f64::from(psi) / 100.0,
            disparate_impact: f64::from(impact) / 100.0,
            sample_size: u64::from(between(size, 10, 100).unsigned_abs()) * 100,
            status: Thresholds::GLOBAL_DEFAULTS.judge_readings(&readings),
        }
    }
}

#[cfg(test)]
mod tests;
