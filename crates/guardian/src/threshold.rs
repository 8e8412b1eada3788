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
