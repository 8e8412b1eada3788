//! What is measured, and what a measurement amounts to.

use std::fmt;
use std::str::FromStr;

/// A text that is none of the values of a closed vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {allowed}")]
pub struct UnknownValue {
    /// The permitted values, separated by commas.
    pub allowed: &'static str,
}

/// The verdict on a snapshot or on one of its metrics, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComplianceStatus {
    /// Every limit is kept.
    Green,
    /// A warning limit is broken.
    Amber,
    /// A breach limit is broken: the worst.
    Red,
}

impl ComplianceStatus {
    /// Every status, best first.
    pub const ALL: [Self; 3] = [Self::Green, Self::Amber, Self::Red];

    /// The name on the wire: `GREEN`, `AMBER`, `RED`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::Amber => "AMBER",
            Self::Red => "RED",
        }
    }
}

impl fmt::Display for ComplianceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ComplianceStatus {
    type Err = UnknownValue;

    /// Reads the name as it is written, in capitals.
    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        let known = Self::ALL.into_iter().find(|one| one.as_str() == text);
        known.ok_or(UnknownValue {
            allowed: "GREEN, AMBER, RED",
        })
    }
}

/// Which way a metric gets worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Above its limit it is a breach.
    HigherIsWorse,
    /// Below its limit it is a breach.
    LowerIsWorse,
}

/// One of the metrics that are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricKind {
    /// Drift score: 0 none, 100 the most.
    Drift,
    /// Fairness score: 0 unfair, 100 perfectly fair.
    Fairness,
    /// Population stability index: 0 for equal distributions, without an upper end.
    Psi,
    /// Disparate impact: the selection rate of one group over that of another.
    DisparateImpact,
}

impl MetricKind {
    /// Every metric, in the order in which they are judged and reported.
    pub const ALL: [Self; 4] = [
        Self::Drift,
        Self::Fairness,
        Self::Psi,
        Self::DisparateImpact,
    ];

    /// The name on the wire: `drift`, `fairness`, `psi`, `disparateImpact`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Fairness => "fairness",
            Self::Psi => "psi",
            Self::DisparateImpact => "disparateImpact",
        }
    }

    /// Which way it gets worse.
    #[must_use]
    pub const fn direction(self) -> Direction {
        match self {
            Self::Drift | Self::Psi => Direction::HigherIsWorse,
            Self::Fairness | Self::DisparateImpact => Direction::LowerIsWorse,
        }
    }

    /// The largest value that a snapshot may carry; the smallest is 0 for every metric.
    #[must_use]
    pub const fn largest(self) -> f64 {
        match self {
            Self::Drift | Self::Fairness => 100.0,
            Self::Psi => f64::MAX,
            Self::DisparateImpact => 10.0,
        }
    }
}

impl fmt::Display for MetricKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MetricKind {
    type Err = UnknownValue;

    /// Reads the name as it is written.
    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        let known = Self::ALL.into_iter().find(|one| one.as_str() == text);
        known.ok_or(UnknownValue {
            allowed: "drift, fairness, psi, disparateImpact",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn red_is_the_worst() {
        assert!(ComplianceStatus::Green < ComplianceStatus::Amber);
        assert!(ComplianceStatus::Amber < ComplianceStatus::Red);
    }

    #[test]
    fn names_are_read_back_and_nothing_else_is() {
        for status in ComplianceStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        for kind in MetricKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("green".parse::<ComplianceStatus>().is_err());
        assert!("disparate_impact".parse::<MetricKind>().is_err());
        assert!("".parse::<MetricKind>().is_err());
    }
}
