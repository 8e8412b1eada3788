//! The drift measures of two numeric columns.

use crate::counts::BinnedPair;
use crate::error::StatsError;
use crate::estimate::{Estimate, Measurement, Reason};
use crate::num::to_f64;
use crate::numeric::gap::{self, LargestGap};
use crate::numeric::profile::{Plan, Profile};
use crate::numeric::results::{
    ColumnBins, GapLocation, KolmogorovSmirnov, KsMethod, NumericDrift, NumericOptions,
};
use crate::numeric::{NumericPair, edges};
use crate::recipe::{Binning, Recipe};
use crate::special::{kolmogorov, two_sample};

/// A reference with at most this many distinct values is categorical to [`Binning::SturgesBins`].
const FEW_DISTINCT: usize = 20;
/// Samples up to this size get the exact p-value of the Kolmogorov-Smirnov test.
const EXACT_ROWS: u64 = 10_000;
/// The normed Wasserstein distance divides by the reference's standard deviation, but by no less than this.
const DEVIATION_FLOOR: f64 = 0.001;

impl NumericPair<'_> {
    /// All measures at once; cheaper than one by one.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the binning or the smoothing is.
    pub fn drift(&self, options: &NumericOptions) -> Result<NumericDrift, StatsError> {
        options.binning.check()?;
        options.smoothing.check()?;
        let mut plan = self.plan_bins(options.binning);
        (plan.largest_gap, plan.area) = (true, true);
        let obstacle = self.obstacle(options.min_samples);
        let profile = (!self.is_empty()).then(|| self.profile(&plan));
        let mut bins = self.bins_of(options.binning, &plan, profile.as_ref());
        bins.obstacle = obstacle.or(bins.obstacle);
        let profile = obstacle.map_or_else(|| profile.as_ref().ok_or(Reason::EmptySample), Err);
        let (wasserstein, wasserstein_normed) = self.areas(profile);
        Ok(NumericDrift {
            psi: bins.psi(options.smoothing)?,
            js_distance: bins.js_distance(options.log_base),
            bins,
            ks: self.ks_of(options.ks_method, profile.map(gap::largest_gap)),
            wasserstein,
            wasserstein_normed,
        })
    }

    /// Bins and counts.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for fewer than 2 or more than 10 000 bins.
    pub fn bins(&self, binning: Binning) -> Result<ColumnBins, StatsError> {
        binning.check()?;
        let plan = self.plan_bins(binning);
        let profile = (!self.is_empty()).then(|| self.profile(&plan));
        Ok(self.bins_of(binning, &plan, profile.as_ref()))
    }

    /// Two-sample, two-sided Kolmogorov-Smirnov test.
    #[must_use]
    pub fn ks(&self, method: KsMethod) -> KolmogorovSmirnov {
        let plan = Plan {
            largest_gap: true,
            ..Plan::default()
        };
        let gap = self
            .obstacle(1)
            .map_or_else(|| Ok(gap::largest_gap(&self.profile(&plan))), Err);
        self.ks_of(method, gap)
    }

    /// Wasserstein-1 distance in the column's own unit.
    #[must_use]
    pub fn wasserstein(&self) -> Measurement {
        self.measured_areas().0
    }

    /// Wasserstein-1 distance divided by the reference's standard deviation (divisor n) or 0.001, if that is larger.
    #[must_use]
    pub fn wasserstein_normed(&self) -> Measurement {
        self.measured_areas().1
    }

    fn measured_areas(&self) -> (Measurement, Measurement) {
        let plan = Plan {
            area: true,
            ..Plan::default()
        };
        let profile = self
            .obstacle(1)
            .map_or_else(|| Ok(self.profile(&plan)), Err);
        self.areas(profile.as_ref().map_err(|reason| *reason))
    }

    fn profile(&self, plan: &Plan) -> Profile {
        Profile::new(
            (self.reference, self.current),
            self.bounds(),
            plan,
            self.execution,
        )
    }

    fn obstacle(&self, min_samples: u64) -> Option<Reason> {
        let (n, m) = self.rows();
        if self.is_empty() {
            Some(Reason::EmptySample)
        } else if n.min(m) < min_samples {
            Some(Reason::TooFewSamples)
        } else {
            None
        }
    }

    fn plan_bins(&self, binning: Binning) -> Plan {
        let (n, m) = self.rows();
        if self.is_empty() {
            return Plan::default();
        }
        let (reference, bounds) = (&self.scans.0, self.bounds());
        let width = |(low, high), bins| Plan {
            edges: edges::equal_width(low, high, bins),
            ..Plan::default()
        };
        match binning {
            Binning::QuantileBins(bins) => {
                let bins = u64::from(bins);
                let ranks = (0..=bins)
                    .map(|i| edges::quantile_rank(i, bins, n).0)
                    .collect();
                Plan {
                    ranks,
                    ..Plan::default()
                }
            }
            Binning::EqualWidthBins(bins) => width((reference.min, reference.max), bins.into()),
            Binning::JointWidthBins(bins) => width(bounds, bins.into()),
            Binning::SturgesBins => width(bounds, edges::sturges(n + m)),
        }
    }

    fn bins_of(&self, binning: Binning, plan: &Plan, profile: Option<&Profile>) -> ColumnBins {
        if binning == Binning::SturgesBins
            && let Some(bins) = self.distinct_bins()
        {
            return bins;
        }
        let edges = if let (Binning::QuantileBins(bins), Some(profile)) = (binning, profile) {
            quantile_edges(profile, bins.into())
        } else {
            plan.edges.clone()
        };
        let below = |edge: &f64| profile.and_then(|p| p.below(*edge)).unwrap_or_default();
        let splits: Vec<(u64, u64)> = edges::inner(&edges).iter().map(below).collect();
        let counts =
            |side: fn(&(u64, u64)) -> u64, total| edges::between(splits.iter().map(side), total);
        let counts = BinnedPair::matched(
            counts(|split| split.0, self.rows().0),
            counts(|split| split.1, self.rows().1),
            binning.as_str(),
        );
        let constant = self.scans.0.min >= self.scans.0.max;
        let obstacle =
            (edges.len() < 2 && constant && !self.is_empty()).then_some(Reason::ConstantReference);
        ColumnBins {
            edges,
            counts,
            obstacle,
        }
    }

    /// One bin for each distinct value of either sample, if the reference has few of them.
    fn distinct_bins(&self) -> Option<ColumnBins> {
        let mut seen: Vec<f64> = Vec::new();
        for value in self.reference {
            if let Err(place) = seen.binary_search_by(|known| {
                known
                    .partial_cmp(value)
                    .unwrap_or(std::cmp::Ordering::Equal)
            }) {
                if seen.len() == FEW_DISTINCT {
                    return None;
                }
                seen.insert(place, *value);
            }
        }
        let (values, reference, current) = distinct_counts(self.reference, self.current);
        let counts = BinnedPair::matched(reference, current, Binning::SturgesBins.as_str());
        Some(ColumnBins {
            edges: values,
            counts,
            obstacle: None,
        })
    }

    fn ks_of(&self, method: KsMethod, gap: Result<LargestGap, Reason>) -> KolmogorovSmirnov {
        let (n, m) = self.rows();
        let exact = method == KsMethod::Auto && n.max(m) <= EXACT_ROWS;
        let asymptotic = |statistic: f64| {
            let (n, m) = (to_f64(n.max(m)), to_f64(n.min(m)));
            kolmogorov::survival(
                statistic,
                crate::num::floor((n * m / (n + m)).round_ties_even()),
            )
        };
        let exactly = |statistic| {
            exact
                .then(|| two_sample::survival(statistic, n, m))
                .flatten()
        };
        let mut name = "ks_two_sample.asymptotic_p";
        let estimate = match gap {
            Ok(gap) => {
                let p_value = exactly(gap.size).inspect(|_| name = "ks_two_sample.exact_p");
                Estimate::test(gap.size, p_value.unwrap_or_else(|| asymptotic(gap.size)))
            }
            Err(reason) => Estimate::none(reason),
        };
        let location = gap.ok().map(|gap| GapLocation {
            value: gap.location,
            reference_above: gap.reference_above,
        });
        let measurement = Measurement {
            recipe: Recipe::of_pair(name, n, m),
            estimate,
        };
        KolmogorovSmirnov {
            measurement,
            location,
        }
    }

    fn areas(&self, profile: Result<&Profile, Reason>) -> (Measurement, Measurement) {
        let (n, m) = self.rows();
        let area = profile.map(gap::area);
        let normed = area.and_then(|area| {
            let deviation = self.reference_deviation();
            if deviation.is_finite() {
                Ok(area / deviation.max(DEVIATION_FLOOR))
            } else {
                Err(Reason::NumericOverflow)
            }
        });
        let measurement = |name: &str, outcome: Result<f64, Reason>| Measurement {
            recipe: Recipe::of_pair(name, n, m),
            estimate: outcome.into(),
        };
        (
            measurement("wasserstein_1", area),
            measurement("wasserstein_1_normed", normed),
        )
    }
}

/// The reference's quantiles, equal ones merged.
fn quantile_edges(profile: &Profile, bins: u64) -> Vec<f64> {
    edges::merge_equal((0..=bins).filter_map(|i| {
        let (rank, fraction) = edges::quantile_rank(i, bins, profile.rows.0);
        let lower = profile.reference_at(rank)?;
        let upper = profile.reference_at(rank + 1).unwrap_or(lower);
        Some(edges::interpolate(lower, upper, fraction))
    }))
}

/// The distinct values of two columns, ascending, with the rows of either column at each.
fn distinct_counts(reference: &[f64], current: &[f64]) -> (Vec<f64>, Vec<u64>, Vec<u64>) {
    let sorted = |column: &[f64]| {
        let mut values = column.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    let (reference, current) = (sorted(reference), sorted(current));
    let mut both = [reference.as_slice(), current.as_slice()].concat();
    both.sort_by(f64::total_cmp);
    let values = edges::merge_equal(both.into_iter());
    let counts = |column: &[f64]| {
        let above = values.iter().skip(1);
        let below = above.map(|value| crate::num::count(column.partition_point(|x| x < value)));
        edges::between(below, crate::num::count(column.len()))
    };
    let (first, second) = (counts(&reference), counts(&current));
    (values, first, second)
}
