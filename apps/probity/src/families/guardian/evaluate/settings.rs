//! How to measure: the same choices whether they come in a body or in a query.

use std::ops::RangeInclusive;

use probity_kernel::FieldError;
use probity_stats::{Binning, Smoothing};

use crate::families::guardian::sample::Missing;

/// How to measure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    /// Bins of numeric columns.
    pub(super) binning: Binning,
    /// Empty bins of the stability index.
    pub(super) smoothing: Smoothing,
    /// With fewer rows on either side no drift is estimable.
    pub(super) min_samples: u64,
    /// With fewer rows in any group no fairness is estimable.
    pub(super) min_group_rows: u64,
    /// The columns whose index counts for the score; all when absent.
    pub(super) psi_columns: Option<Vec<String>>,
    /// Empty cells.
    pub(super) missing: Missing,
}

/// The same as it was sent; `None` means absent.
#[derive(Debug, Default)]
pub(super) struct SettingsDraft {
    pub(super) bins: Option<u64>,
    pub(super) binning: Option<String>,
    pub(super) smoothing: Option<String>,
    pub(super) smoothing_value: Option<f64>,
    pub(super) min_samples: Option<u64>,
    pub(super) min_group_rows: Option<u64>,
    pub(super) missing: Option<String>,
    pub(super) psi_columns: Option<Vec<String>>,
}

impl SettingsDraft {
    /// Judges every choice; `place` turns a name into where it was sent.
    pub(super) fn check(self, place: fn(&str) -> String) -> Result<Settings, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut number = |name, value: Option<u64>, range: RangeInclusive<u64>, default| {
            let value = value.unwrap_or(default);
            if !range.contains(&value) {
                let (low, high) = (range.start(), range.end());
                let message = format!("must be a whole number from {low} to {high}");
                faults.push(FieldError::new(place(name), "out_of_range", message));
            }
            value
        };
        let bins = number("bins", self.bins, 2..=100, 10);
        let min_samples = number("minSamples", self.min_samples, 1..=1_000_000, 30);
        let min_group_rows = number("minGroupRows", self.min_group_rows, 1..=1_000_000, 1);
        let bins = u16::try_from(bins).unwrap_or(10);
        let mut wrong = |name, message: &str| {
            faults.push(FieldError::new(place(name), "unknown_value", message));
        };
        let binning = match self.binning.as_deref() {
            None | Some("quantile") => Binning::QuantileBins(bins),
            Some("equal_width") => Binning::EqualWidthBins(bins),
            Some(_) => {
                wrong("binning", "must be `quantile` or `equal_width`");
                Binning::QuantileBins(bins)
            }
        };
        let missing = self
            .missing
            .as_deref()
            .map_or(Ok(Missing::Refuse), str::parse);
        let missing = missing.unwrap_or_else(|()| {
            wrong("missing", "must be `refuse` or `skip`");
            Missing::Refuse
        });
        if self.psi_columns.as_ref().is_some_and(Vec::is_empty) {
            wrong("psiColumns", "must name at least one column");
        }
        let smoothing = smoothing(self.smoothing.as_deref(), self.smoothing_value);
        let smoothing = smoothing.unwrap_or_else(|(name, message)| {
            faults.push(FieldError::new(place(name), "out_of_range", message));
            Smoothing::None
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Settings {
            binning,
            smoothing,
            min_samples,
            min_group_rows,
            psi_columns: self.psi_columns,
            missing,
        })
    }
}

/// The smoothing by its name; a fault says which of the two is wrong.
fn smoothing(
    kind: Option<&str>,
    value: Option<f64>,
) -> Result<Smoothing, (&'static str, &'static str)> {
    let plain = |smoothing| match value {
        None => Ok(smoothing),
        Some(_) => Err(("smoothingValue", "is for `epsilon` and `pseudo_count` only")),
    };
    match kind {
        None | Some("epsilon") => {
            let value = value.unwrap_or(1e-4);
            let fine = value > 0.0 && value < 1.0;
            let message = "must lie between 0 and 1";
            fine.then_some(Smoothing::Epsilon(value))
                .ok_or(("smoothingValue", message))
        }
        Some("pseudo_count") => {
            let value = value.unwrap_or(0.5);
            let fine = value > 0.0 && value <= 1e6;
            let message = "must lie above 0 and not above 1000000";
            fine.then_some(Smoothing::PseudoCount(value))
                .ok_or(("smoothingValue", message))
        }
        Some("laplace") => plain(Smoothing::Laplace),
        Some("relative_epsilon") => plain(Smoothing::RelativeEpsilon),
        Some("none") => plain(Smoothing::None),
        Some(_) => Err((
            "smoothing",
            "must be epsilon, relative_epsilon, pseudo_count, laplace or none",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(draft: SettingsDraft) -> Result<Settings, Vec<String>> {
        let checked = draft.check(|name| format!("#{name}"));
        checked.map_err(|faults| faults.into_iter().map(|fault| fault.field).collect())
    }

    #[test]
    fn nothing_said_means_deciles_and_a_ten_thousandth() {
        let settings = check(SettingsDraft::default()).unwrap();
        assert_eq!(settings.binning, Binning::QuantileBins(10));
        assert_eq!(settings.smoothing, Smoothing::Epsilon(1e-4));
        assert_eq!((settings.min_samples, settings.min_group_rows), (30, 1));
        assert_eq!(settings.missing, Missing::Refuse);
    }

    #[test]
    fn numbers_end_where_their_ranges_end() {
        for (bins, min_samples, faults) in [
            (2, 1, 0),
            (1, 1, 1),
            (100, 1_000_000, 0),
            (101, 1_000_001, 2),
            (0, 0, 2),
        ] {
            let draft = SettingsDraft {
                bins: Some(bins),
                min_samples: Some(min_samples),
                ..SettingsDraft::default()
            };
            assert_eq!(
                check(draft).err().unwrap_or_default().len(),
                faults,
                "{bins}"
            );
        }
    }

    #[test]
    fn every_smoothing_has_its_name_and_its_range() {
        for (kind, value, expected) in [
            ("epsilon", Some(1e-6), Some(Smoothing::Epsilon(1e-6))),
            ("epsilon", Some(1.0), None),
            ("epsilon", Some(f64::NAN), None),
            ("pseudo_count", None, Some(Smoothing::PseudoCount(0.5))),
            ("pseudo_count", Some(0.0), None),
            ("pseudo_count", Some(f64::INFINITY), None),
            ("laplace", None, Some(Smoothing::Laplace)),
            ("laplace", Some(1.0), None),
            ("relative_epsilon", None, Some(Smoothing::RelativeEpsilon)),
            ("none", None, Some(Smoothing::None)),
            ("lidstone", None, None),
        ] {
            assert_eq!(
                smoothing(Some(kind), value).ok(),
                expected,
                "{kind} {value:?}"
            );
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let draft = SettingsDraft {
            binning: Some("decile".to_owned()),
            smoothing: Some("x".to_owned()),
            missing: Some("x".to_owned()),
            psi_columns: Some(Vec::new()),
            ..SettingsDraft::default()
        };
        assert_eq!(
            check(draft).unwrap_err(),
            ["#binning", "#missing", "#psiColumns", "#smoothing"]
        );
    }
}
