//! From samples to statistics, and from those to the figures of a snapshot.

use probity_kernel::FieldError;
use probity_stats::{
    Aggregate, BinnedPair, Estimate, Execution, GroupedCells, KsMethod, LogBase, Measurement,
    NumericOptions, NumericPair, Reason, StatsError,
};

use super::settings::Settings;
use crate::families::guardian::sample::{Column, ColumnData, Decisions, Samples, Sides};

/// Most steps that all exact p-values of one evaluation may take together, a few seconds' worth.
const MAX_EXACT_STEPS: u64 = 2_000_000_000;
/// Rows of the larger side up to which a p-value is exact at all.
const EXACT_ROWS: usize = 10_000;

/// One number, or why there is none.
#[derive(Debug)]
pub(super) struct Statistic {
    pub(super) metric: &'static str,
    /// The column, for drift.
    pub(super) column: Option<String>,
    pub(super) measurement: Measurement,
}

/// Why a side has no score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    /// The reason, as statistics name it; `not_given` if there was nothing to compute from.
    pub(super) reason: &'static str,
    /// The column to blame, if any.
    pub(super) column: Option<String>,
    /// The group to blame, if any.
    pub(super) group: Option<String>,
}

impl Gap {
    pub(super) const NOT_GIVEN: Self = Self {
        reason: "not_given",
        column: None,
        group: None,
    };

    fn of(estimate: &Estimate, column: Option<&str>) -> Self {
        let group = match estimate {
            Estimate::NotEstimable { group, .. } => group.clone(),
            Estimate::Value { .. } => None,
        };
        Self {
            reason: estimate.reason().map_or("not_measurable", Reason::as_str),
            column: column.map(str::to_owned),
            group,
        }
    }
}

/// The largest stability index, with all that is needed to compute it again.
#[derive(Debug)]
pub(super) struct LargestPsi {
    pub(super) column: String,
    pub(super) value: f64,
    pub(super) measurement: Measurement,
    pub(super) counts: BinnedPair,
    /// The edges of the bins, where the server made them.
    pub(super) edges: Option<Vec<f64>>,
}

/// The ratio of the smallest to the largest selection rate.
#[derive(Debug)]
pub(super) struct ImpactRatio {
    pub(super) value: f64,
    pub(super) measurement: Measurement,
}

/// All that was computed.
#[derive(Debug)]
pub(super) struct Evaluation {
    pub(super) statistics: Vec<Statistic>,
    pub(super) psi: Result<LargestPsi, Gap>,
    pub(super) impact: Result<ImpactRatio, Gap>,
    /// Decisions by group, where there are any.
    pub(super) groups: Option<Decisions>,
    /// Rows of the current sample.
    pub(super) sample_size: u64,
}

/// Computes every statistic that the samples allow.
///
/// The drift side has an index only if every column that counts has one: the largest of the others
/// could be smaller than the true largest, and would then pass for less drift than there is.
pub(super) fn evaluate(
    samples: Samples,
    settings: &Settings,
) -> Result<Evaluation, Vec<FieldError>> {
    check_psi_columns(&samples, settings)?;
    let ks_method = ks_method(&samples.columns);
    let mut statistics = Vec::new();
    let mut largest: Result<LargestPsi, Gap> = Err(Gap::NOT_GIVEN);
    let mut gap = None;
    for column in samples.columns {
        let name = column.name.clone();
        let candidate = drift(column, settings, ks_method, &mut statistics);
        let candidate = candidate.map_err(|error| vec![unmeasurable(&name, &error)])?;
        let wanted = settings.psi_columns.as_ref();
        if wanted.is_some_and(|wanted| !wanted.contains(&name)) {
            continue;
        }
        match (candidate, &largest) {
            (Err(missing), _) => gap = gap.or(Some(missing)),
            (Ok(new), Ok(old)) if new.value <= old.value => {}
            (Ok(new), _) => largest = Ok(new),
        }
    }
    let groups = samples.decisions;
    let impact = match &groups {
        Some(decisions) => fairness(decisions, settings, &mut statistics),
        None => Err(Gap::NOT_GIVEN),
    };
    Ok(Evaluation {
        statistics,
        psi: gap.map_or(largest, Err),
        impact,
        groups,
        sample_size: samples.current_rows,
    })
}

/// Exact p-values of sides that differ in length take as many steps as the product of the lengths:
/// a table of many columns gets asymptotic ones instead, all of them, so that the order of the
/// columns changes nothing. The recipes say which.
fn ks_method(columns: &[Column]) -> KsMethod {
    let steps = |column: &Column| match &column.data {
        ColumnData::Numbers(Sides { reference, current }) => {
            let (n, m) = (reference.len(), current.len());
            let is_cheap = n == m || n.max(m) > EXACT_ROWS;
            let product = u64::try_from(n.saturating_mul(m)).unwrap_or(u64::MAX);
            if is_cheap { 0 } else { product }
        }
        ColumnData::Categories(_) | ColumnData::Counts { .. } => 0,
    };
    let all = columns.iter().map(steps).fold(0, u64::saturating_add);
    if all <= MAX_EXACT_STEPS {
        KsMethod::Auto
    } else {
        KsMethod::Asymptotic
    }
}

fn check_psi_columns(samples: &Samples, settings: &Settings) -> Result<(), Vec<FieldError>> {
    let known = |name: &String| samples.columns.iter().any(|column| column.name == *name);
    let unknown = settings
        .psi_columns
        .iter()
        .flatten()
        .find(|name| !known(name));
    match unknown {
        None => Ok(()),
        Some(name) => {
            let message = format!("names `{name}`, which is not among the compared columns");
            let fault = FieldError::new("psiColumns", "unknown_column", message);
            Err(vec![fault])
        }
    }
}

fn unmeasurable(column: &str, error: &StatsError) -> FieldError {
    FieldError::new(column, "not_measurable", error.to_string())
}

fn drift(
    column: Column,
    settings: &Settings,
    ks_method: KsMethod,
    statistics: &mut Vec<Statistic>,
) -> Result<Result<LargestPsi, Gap>, StatsError> {
    let Column { name, data } = column;
    let mut note = |metric, measurement| {
        statistics.push(Statistic {
            metric,
            column: Some(name.clone()),
            measurement,
        });
    };
    let (psi, counts, edges) = match data {
        ColumnData::Numbers(numbers) => numeric(&numbers, settings, ks_method, &mut note)?,
        ColumnData::Categories(Sides { reference, current }) => {
            let pair = reference.pair_with(&current).counts;
            (binned(&pair, false, settings, &mut note)?, pair, None)
        }
        ColumnData::Counts { pair, ordered } => {
            (binned(&pair, ordered, settings, &mut note)?, pair, None)
        }
    };
    Ok(match psi.value() {
        None => Err(Gap::of(&psi.estimate, Some(&name))),
        // The terms of the index are never negative; their sum may be by a rounding error.
        Some(value) => Ok(LargestPsi {
            column: name,
            value: value.max(0.0),
            measurement: psi,
            counts,
            edges,
        }),
    })
}

type Binned = (Measurement, BinnedPair, Option<Vec<f64>>);

fn numeric(
    numbers: &Sides<Vec<f64>>,
    settings: &Settings,
    ks_method: KsMethod,
    note: &mut dyn FnMut(&'static str, Measurement),
) -> Result<Binned, StatsError> {
    let (reference, current) = (&numbers.reference, &numbers.current);
    let pair = NumericPair::with_execution(reference, current, Execution::SingleThread)?;
    let drift = pair.drift(&NumericOptions {
        binning: settings.binning,
        smoothing: settings.smoothing,
        log_base: LogBase::Natural,
        ks_method,
        min_samples: settings.min_samples,
    })?;
    note("psi", drift.psi.clone());
    note("js_distance", drift.js_distance);
    note("ks", drift.ks.measurement);
    note("wasserstein_1", drift.wasserstein);
    note("wasserstein_1_normed", drift.wasserstein_normed);
    Ok((drift.psi, drift.bins.counts, Some(drift.bins.edges)))
}

fn binned(
    pair: &BinnedPair,
    ordered: bool,
    settings: &Settings,
    note: &mut dyn FnMut(&'static str, Measurement),
) -> Result<Measurement, StatsError> {
    let rows = pair.n_reference().min(pair.n_current());
    let judge = |mut measurement: Measurement| {
        if rows > 0 && rows < settings.min_samples {
            measurement.estimate = Estimate::none(Reason::TooFewSamples);
        }
        measurement
    };
    let psi = judge(pair.psi(settings.smoothing)?);
    note("psi", psi.clone());
    note("js_distance", judge(pair.js_distance(LogBase::Natural)));
    note("chi_square", judge(pair.chi_square_contingency()));
    if ordered {
        note("wasserstein_1_index", judge(pair.wasserstein_index()));
    }
    Ok(psi)
}

fn fairness(
    decisions: &Decisions,
    settings: &Settings,
    statistics: &mut Vec<Statistic>,
) -> Result<ImpactRatio, Gap> {
    let small = smallest_group(&decisions.cells, settings.min_group_rows);
    let mut note = |metric, mut measurement: Measurement| {
        if let Some(group) = &small {
            measurement.estimate = Estimate::none_for(Reason::TooFewSamples, group);
        }
        statistics.push(Statistic {
            metric,
            column: None,
            measurement: measurement.clone(),
        });
        measurement
    };
    let cells = &decisions.cells;
    let selections = cells.selections();
    let ratio = note(
        "demographic_parity_ratio",
        selections.demographic_parity_ratio(),
    );
    let difference = selections.demographic_parity_difference();
    note("demographic_parity_difference", difference);
    if decisions.labelled {
        let worst = Aggregate::WorstCase;
        note(
            "equalized_odds_difference",
            cells.equalized_odds_difference(worst),
        );
        note("equalized_odds_ratio", cells.equalized_odds_ratio(worst));
        let difference = cells.equal_opportunity_difference();
        note("equal_opportunity_difference", difference);
        note("equal_opportunity_ratio", cells.equal_opportunity_ratio());
    }
    match ratio.value() {
        None => Err(Gap::of(&ratio.estimate, None)),
        Some(value) => Ok(ImpactRatio {
            value,
            measurement: ratio,
        }),
    }
}

/// The first group with fewer rows than there have to be.
fn smallest_group(cells: &GroupedCells, min_rows: u64) -> Option<String> {
    let mut groups = cells.iter();
    let small = groups.find(|(_, cells)| cells.rows() < min_rows);
    small.map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests;
