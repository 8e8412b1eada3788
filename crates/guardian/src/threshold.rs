//! Limits, and the verdict that they give.

use std::fmt;
use std::str::FromStr;

use crate::metric::{ComplianceStatus, Direction, MetricKind, UnknownValue};
use crate::snapshot::{NewSnapshot, Readings};

/// The two limits of one metric. A value is worse than a limit only when it is strictly beyond it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// Beyond this it is AMBER.
    pub amber: f64,
    /// Beyond this it is RED.
    pub red: f64,
}

impl Threshold {
    /// The limit that a value of this status has broken; none for GREEN.
    #[must_use]
    pub const fn broken_at(&self, status: ComplianceStatus) -> Option<f64> {
        match status {
            ComplianceStatus::Green => None,
            ComplianceStatus::Amber => Some(self.amber),
            ComplianceStatus::Red => Some(self.red),
        }
    }
}

/// The limits of every metric, as they apply to one product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Drift score, higher is worse.
    pub drift: Threshold,
    /// Fairness score, lower is worse.
    pub fairness: Threshold,
    /// Population stability index, higher is worse.
    pub psi: Threshold,
    /// Disparate impact, lower is worse.
    pub disparate_impact: Threshold,
}

impl Thresholds {
    /// The limits of a product without a risk metric link.
    pub const GLOBAL_DEFAULTS: Self = Self {
        drift: Threshold {
            amber: 50.0,
            red: 70.0,
        },
        fairness: Threshold {
            amber: 90.0,
            red: 80.0,
        },
        psi: Threshold {
            amber: 0.10,
            red: 0.20,
        },
        disparate_impact: Threshold {
            amber: 0.80,
            red: 0.60,
        },
    };

    /// The limits of one metric.
    #[must_use]
    pub const fn get(&self, kind: MetricKind) -> Threshold {
        match kind {
            MetricKind::Drift => self.drift,
            MetricKind::Fairness => self.fairness,
            MetricKind::Psi => self.psi,
            MetricKind::DisparateImpact => self.disparate_impact,
        }
    }

    /// The verdict on one value: strict comparisons in the metric's direction. What is no number
    /// cannot be shown to keep a limit and is RED.
    #[must_use]
    pub fn classify(&self, kind: MetricKind, value: f64) -> ComplianceStatus {
        let Threshold { amber, red } = self.get(kind);
        let beyond = |limit: f64| match kind.direction() {
            Direction::HigherIsWorse => value > limit,
            Direction::LowerIsWorse => value < limit,
        };
        if value.is_nan() || beyond(red) {
            ComplianceStatus::Red
        } else if beyond(amber) {
            ComplianceStatus::Amber
        } else {
            ComplianceStatus::Green
        }
    }

    /// The verdict on a snapshot: the worst of its parts.
    #[must_use]
    pub fn judge(&self, snapshot: &NewSnapshot) -> ComplianceStatus {
        self.judge_readings(&snapshot.readings())
    }

    /// The verdict on measured values: the worst of the parts.
    #[must_use]
    pub fn judge_readings(&self, readings: &Readings) -> ComplianceStatus {
        let parts = readings
            .iter()
            .map(|(kind, value)| self.classify(kind, value));
        parts.max().unwrap_or(ComplianceStatus::Green)
    }
}

/// Where the limits of a product come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThresholdSource {
    /// [`Thresholds::GLOBAL_DEFAULTS`].
    GlobalDefaults,
    /// The product's risk metric link, over the defaults.
    RiskMetricLink,
}

impl ThresholdSource {
    /// Both sources.
    pub const ALL: [Self; 2] = [Self::GlobalDefaults, Self::RiskMetricLink];

    /// The name on the wire: `global_defaults`, `risk_metric_link`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GlobalDefaults => "global_defaults",
            Self::RiskMetricLink => "risk_metric_link",
        }
    }
}

impl fmt::Display for ThresholdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ThresholdSource {
    type Err = UnknownValue;

    /// Reads the name as it is written.
    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        let known = Self::ALL.into_iter().find(|one| one.as_str() == text);
        known.ok_or(UnknownValue {
            allowed: "global_defaults, risk_metric_link",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ComplianceStatus::{Amber, Green, Red};
    use proptest::prelude::*;

    /// Verdicts just below, at, and just above a limit.
    fn around(kind: MetricKind, limit: f64) -> [ComplianceStatus; 3] {
        let of = |value| Thresholds::GLOBAL_DEFAULTS.classify(kind, value);
        [of(limit.next_down()), of(limit), of(limit.next_up())]
    }

    #[test]
    fn drift_above_50_is_amber() {
        assert_eq!(around(MetricKind::Drift, 50.0), [Green, Green, Amber]);
    }

    #[test]
    fn drift_above_70_is_red() {
        assert_eq!(around(MetricKind::Drift, 70.0), [Amber, Amber, Red]);
    }

    #[test]
    fn fairness_below_90_is_amber() {
        assert_eq!(around(MetricKind::Fairness, 90.0), [Amber, Green, Green]);
    }

    #[test]
    fn fairness_below_80_is_red() {
        assert_eq!(around(MetricKind::Fairness, 80.0), [Red, Amber, Amber]);
    }

    #[test]
    fn psi_above_a_tenth_is_amber() {
        assert_eq!(around(MetricKind::Psi, 0.10), [Green, Green, Amber]);
    }

    #[test]
    fn psi_above_a_fifth_is_red() {
        assert_eq!(around(MetricKind::Psi, 0.20), [Amber, Amber, Red]);
    }

    #[test]
    fn disparate_impact_below_four_fifths_is_amber() {
        assert_eq!(
            around(MetricKind::DisparateImpact, 0.80),
            [Amber, Green, Green]
        );
    }

    #[test]
    fn disparate_impact_below_three_fifths_is_red() {
        assert_eq!(
            around(MetricKind::DisparateImpact, 0.60),
            [Red, Amber, Amber]
        );
    }

    #[test]
    fn the_ends_of_each_range_are_judged() {
        let defaults = Thresholds::GLOBAL_DEFAULTS;
        for (kind, least, most) in [
            (MetricKind::Drift, Green, Red),
            (MetricKind::Fairness, Red, Green),
            (MetricKind::Psi, Green, Red),
            (MetricKind::DisparateImpact, Red, Green),
        ] {
            assert_eq!(defaults.classify(kind, 0.0), least, "{kind}");
            assert_eq!(defaults.classify(kind, kind.largest()), most, "{kind}");
        }
    }

    #[test]
    fn what_is_no_number_is_red() {
        for kind in MetricKind::ALL {
            assert_eq!(Thresholds::GLOBAL_DEFAULTS.classify(kind, f64::NAN), Red);
        }
    }

    #[test]
    fn names_are_read_back() {
        for source in ThresholdSource::ALL {
            assert_eq!(source.as_str().parse(), Ok(source));
        }
        assert!("global".parse::<ThresholdSource>().is_err());
    }

    fn ratio(most: f64) -> impl Strategy<Value = Option<f64>> {
        proptest::option::of(0.0..=most)
    }

    proptest! {
        #[test]
        fn the_status_is_the_worst_of_the_parts(
            drift in 0.0..=100.0_f64,
            fairness in 0.0..=100.0_f64,
            psi in ratio(1.0),
            disparate_impact in ratio(1.5),
        ) {
            let readings = Readings { drift, fairness, psi, disparate_impact };
            let defaults = Thresholds::GLOBAL_DEFAULTS;
            let part = |kind, value: Option<f64>| {
                value.map_or(Green, |value| defaults.classify(kind, value))
            };
            let parts = [
                part(MetricKind::Drift, Some(drift)),
                part(MetricKind::Fairness, Some(fairness)),
                part(MetricKind::Psi, psi),
                part(MetricKind::DisparateImpact, disparate_impact),
            ];
            let judged = defaults.judge_readings(&readings);
            prop_assert!(parts.contains(&judged) && parts.iter().all(|part| *part <= judged));
        }

        #[test]
        fn a_worse_value_is_never_judged_better(a in 0.0..=100.0_f64, b in 0.0..=100.0_f64) {
            let (low, high) = (a.min(b), a.max(b));
            let defaults = Thresholds::GLOBAL_DEFAULTS;
            for kind in MetricKind::ALL {
                let (low, high) = (defaults.classify(kind, low), defaults.classify(kind, high));
                let ordered = match kind.direction() {
                    Direction::HigherIsWorse => low <= high,
                    Direction::LowerIsWorse => low >= high,
                };
                prop_assert!(ordered);
            }
        }
    }
}
