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
