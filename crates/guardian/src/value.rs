//! Measured values that are in range by construction.

use probity_kernel::FieldError;

use crate::metric::MetricKind;

/// Whether a value of the metric can occur at all: finite, from 0 to [`MetricKind::largest`].
/// Negative zero comes back as zero, so that equal values have equal bits in every store.
pub(crate) fn in_range(kind: MetricKind, field: &str, value: f64) -> Result<f64, FieldError> {
    if (0.0..=kind.largest()).contains(&value) {
        return Ok(value + 0.0);
    }
    let message = match kind {
        MetricKind::Drift | MetricKind::Fairness => "must be a number from 0 to 100",
        MetricKind::Psi => "must be a finite number of at least 0",
        MetricKind::DisparateImpact => {
            "must be a ratio from 0 to 10, such as 0.8: the smaller selection rate over the larger"
        }
    };
    Err(FieldError::new(field, "out_of_range", message))
}

/// Declares a newtype of one metric's value.
macro_rules! define_value {
    ($($(#[$meta:meta])* $name:ident = $kind:expr;)+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            /// Accepts a value in range; negative zero becomes zero.
            ///
            /// # Errors
            /// `out_of_range` on `field` for anything else, NaN and infinities included.
            pub fn parse(field: &str, value: f64) -> Result<Self, FieldError> {
                in_range($kind, field, value).map(Self)
            }

            /// The number inside.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }
    )+ };
}

define_value! {
    /// How far the data has moved: 0 (no drift) to 100 (the most drift).
    DriftScore = MetricKind::Drift;
    /// How fair the outcomes are: 0 (unfair) to 100 (perfectly fair).
    FairnessScore = MetricKind::Fairness;
    /// Population stability index: finite and at least 0; it has no upper end by definition.
    Psi = MetricKind::Psi;
    /// Disparate impact, the ratio of two groups' selection rates: 0 to 10.
    ///
    /// Taken as the smaller rate over the larger it never exceeds 1; taken with a fixed reference
    /// group it may. Above 10 it is a percentage by mistake, or the groups are exchanged and a
    /// gross disparity would pass as GREEN: such a value is refused instead of judged.
    DisparateImpact = MetricKind::DisparateImpact;
}

/// How many samples an evaluation looked at: 1 to 2^53, what every JSON reader takes exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleSize(u64);

impl SampleSize {
    /// The most samples: 2^53.
    pub const MAX: u64 = 1 << 53;

    /// Accepts a count in range.
    ///
    /// # Errors
    /// `out_of_range` on `field` below 1 and above 2^53.
    pub fn parse(field: &str, value: i64) -> Result<Self, FieldError> {
        let count = u64::try_from(value).unwrap_or_default();
        if (1..=Self::MAX).contains(&count) {
            return Ok(Self(count));
        }
        let message = "must be a whole number from 1 to 9007199254740992";
        Err(FieldError::new(field, "out_of_range", message))
    }

    /// The number inside.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_finite_and_from_0_to_100() {
        for (value, accepted) in [
            (0.0, true),
            (f64::from_bits(1), true),
            (0.0_f64.next_down(), false),
            (100.0_f64.next_down(), true),
            (100.0, true),
            (100.0_f64.next_up(), false),
            (-1.0, false),
            (f64::MAX, false),
            (f64::INFINITY, false),
            (f64::NEG_INFINITY, false),
            (f64::NAN, false),
        ] {
            let drift = DriftScore::parse("/driftScore", value);
            assert_eq!(drift.is_ok(), accepted, "{value}");
            let fairness = FairnessScore::parse("/fairnessScore", value);
            assert_eq!(fairness.is_ok(), accepted, "{value}");
        }
    }

    #[test]
    fn psi_is_finite_and_never_negative() {
        for (value, accepted) in [
            (0.0_f64.next_down(), false),
            (0.0, true),
            (25.0, true),
            (f64::MAX, true),
            (f64::INFINITY, false),
            (f64::NAN, false),
        ] {
            assert_eq!(Psi::parse("/psi", value).is_ok(), accepted, "{value}");
        }
    }

    #[test]
    fn disparate_impact_above_ten_is_a_mistake() {
        for (value, accepted) in [
            (0.0_f64.next_down(), false),
            (0.0, true),
            (10.0_f64.next_down(), true),
            (10.0, true),
            (10.0_f64.next_up(), false),
            (80.0, false),
            (f64::NAN, false),
        ] {
            let parsed = DisparateImpact::parse("/disparateImpact", value);
            assert_eq!(parsed.is_ok(), accepted, "{value}");
        }
    }

    #[test]
    fn negative_zero_becomes_zero() {
        let bits = |parsed: Result<f64, FieldError>| parsed.unwrap().to_bits();
        assert_eq!(bits(DriftScore::parse("", -0.0).map(DriftScore::get)), 0);
        assert_eq!(
            bits(FairnessScore::parse("", -0.0).map(FairnessScore::get)),
            0
        );
        assert_eq!(bits(Psi::parse("", -0.0).map(Psi::get)), 0);
        assert_eq!(
            bits(DisparateImpact::parse("", -0.0).map(DisparateImpact::get)),
            0
        );
    }

    #[test]
    fn sample_sizes_run_from_1_to_2_to_the_53() {
        for (value, accepted) in [
            (i64::MIN, false),
            (-1, false),
            (0, false),
            (1, true),
            (9_007_199_254_740_992, true),
            (9_007_199_254_740_993, false),
            (i64::MAX, false),
        ] {
            let parsed = SampleSize::parse("/sampleSize", value);
            assert_eq!(parsed.is_ok(), accepted, "{value}");
            assert_eq!(
                parsed.ok().and_then(|size| i64::try_from(size.get()).ok()),
                accepted.then_some(value)
            );
        }
    }

    #[test]
    fn a_refusal_names_the_field_and_not_the_value() {
        let fault = DriftScore::parse("/driftScore", 123.5).unwrap_err();
        assert_eq!(
            (fault.field.as_str(), fault.code),
            ("/driftScore", "out_of_range")
        );
        assert!(!fault.message.contains("123"));
    }
}
