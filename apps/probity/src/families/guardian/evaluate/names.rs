//! Names and counts as bodies spell them.

use probity_kernel::FieldError;
use probity_kernel::text::TextRule;

use crate::families::guardian::sample::MAX_ROWS;

/// A name of a column or a group has to fit to be shown.
pub(super) fn check_name(field: &str, name: &str) -> Result<(), FieldError> {
    TextRule::line(256).check(field, name)
}

/// Counts have to stay countable.
pub(super) fn check_sum(field: &str, counts: &[u64]) -> Result<(), FieldError> {
    let sum = counts
        .iter()
        .try_fold(0_u64, |sum, count| sum.checked_add(*count));
    if sum.is_some_and(|sum| sum <= MAX_ROWS) {
        return Ok(());
    }
    let message = format!("must not add up to more than {MAX_ROWS}");
    Err(FieldError::new(field, "out_of_range", message))
}
