//! The few conversions between counts and floating point numbers, in one place.

/// A count as a floating point number; exact below 2^53.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "row counts stay far below 2^53"
)]
pub(crate) const fn to_f64(count: u64) -> f64 {
    count as f64
}

/// A length as a count.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A length as a floating point number.
pub(crate) fn len_f64(length: usize) -> f64 {
    to_f64(count(length))
}

/// A count as an index; a count that no slice can have becomes an index that no slice has.
pub(crate) fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// The integral part of a non-negative number; negative numbers give 0.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a saturating conversion is what is wanted"
)]
pub(crate) const fn floor(value: f64) -> u64 {
    value as u64
}

/// An integer as the floating point number closest to it.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "rounding keeps the order, which is all that is asked of it"
)]
pub(crate) const fn signed_f64(value: i64) -> f64 {
    value as f64
}

/// The integral part of a number of either sign, saturating.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a saturating conversion is what is wanted"
)]
pub(crate) const fn floor_signed(value: f64) -> i64 {
    value as i64
}

/// Whether a number is zero of either sign; an exact comparison is meant.
pub(crate) fn is_zero(value: f64) -> bool {
    matches!(value.classify(), std::num::FpCategory::Zero)
}
