//! Two ends of one query that have to be in order.
//!
//! A list between ends that were given the wrong way round would be empty, and look like an answer.

use probity_kernel::FieldError;
use time::OffsetDateTime;

use crate::http::extract::Faults;

/// An instant from which, and one up to which.
pub(crate) type Window = (Option<OffsetDateTime>, Option<OffsetDateTime>);

/// The query parameters `from` and `to`; each may be absent, and `to` is not before `from`.
pub(crate) fn window(faults: &mut Faults, from: Option<&str>, to: Option<&str>) -> Window {
    let (from, to) = (faults.instant("from", from), faults.instant("to", to));
    in_order(faults, ("from", from), ("to", to));
    (from, to)
}

/// Notes a fault where both ends are given and the second comes before the first.
pub(crate) fn in_order<T: PartialOrd>(
    faults: &mut Faults,
    (first, low): (&str, Option<T>),
    (second, high): (&'static str, Option<T>),
) {
    if low.zip(high).is_some_and(|(low, high)| low > high) {
        let message = format!("must not be before `{first}`");
        let fault = vec![FieldError::new(second, "out_of_order", message)];
        faults.note::<(), _>(Err(fault));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_refused_the_wrong_way_round_alone() {
        for (low, high, good) in [
            (Some(1), Some(0), false),
            (Some(1), Some(1), true),
            (Some(0), Some(1), true),
            (None, Some(0), true),
            (Some(1), None, true),
        ] {
            let mut faults = Faults::default();
            in_order(&mut faults, ("min", low), ("max", high));
            let done = faults.done::<crate::families::catalog::Catalog>();
            assert_eq!(done.is_ok(), good, "{low:?} {high:?}");
        }
    }
}
