//! The largest gap and the area between two empirical distribution functions.

use crate::num::to_f64;
use crate::numeric::buckets::Run;
use crate::numeric::profile::{Profile, SLACK};

/// Where and how far the distribution functions are apart at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LargestGap {
    pub(crate) size: f64,
    pub(crate) location: f64,
    pub(crate) reference_above: bool,
}

/// Walks two runs in step: `visit(value, reference rows, current rows)` for every distinct value, ascending.
#[expect(clippy::float_cmp, reason = "ties are meant")]
fn merge(reference: Run<'_>, current: Run<'_>, mut visit: impl FnMut(f64, f64, f64)) {
    let (mut left, mut right) = (reference.parts(), current.parts());
    let (mut a, mut b) = (left.next(), right.next());
    loop {
        let value = match (a, b) {
            (Some((x, _)), Some((y, _))) => {
                if x < y {
                    x
                } else {
                    y
                }
            }
            (Some((x, _)), None) | (None, Some((x, _))) => x,
            (None, None) => return,
        };
        let (mut from_reference, mut from_current) = (0.0, 0.0);
        while let Some((x, rows)) = a
            && x == value
        {
            from_reference += rows;
            a = left.next();
        }
        while let Some((x, rows)) = b
            && x == value
        {
            from_current += rows;
            b = right.next();
        }
        visit(value, from_reference, from_current);
    }
}

/// The largest gap in the direction that has the larger one; the reference above wins a draw.
pub(crate) fn largest_gap(profile: &Profile) -> LargestGap {
    let (n, m) = (to_f64(profile.rows.0), to_f64(profile.rows.1));
    let (per_reference, per_current) = (1.0 / n, 1.0 / m);
    let (mut above, mut below) = ((0.0, 0.0), (0.0, 0.0));
    for (cell, reference, current) in profile.cells() {
        let (mut i, mut j) = (to_f64(cell.below.0), to_f64(cell.below.1));
        merge(reference, current, |value, from_reference, from_current| {
            i += from_reference;
            j += from_current;
            let roughly = i * per_reference - j * per_current;
            if roughly > above.0 - SLACK || -roughly > below.0 - SLACK {
                let gap = i / n - j / m;
                if gap > above.0 {
                    above = (gap, value);
                }
                if -gap > below.0 {
                    below = (-gap, value);
                }
            }
        });
    }
    let reference_above = above.0 >= below.0;
    let (size, location) = if reference_above { above } else { below };
    LargestGap {
        size,
        location,
        reference_above,
    }
}

/// The area between the distribution functions: the Wasserstein-1 distance, in the values' own unit.
pub(crate) fn area(profile: &Profile) -> f64 {
    let (per_reference, per_current) = (1.0 / to_f64(profile.rows.0), 1.0 / to_f64(profile.rows.1));
    let mut area = profile.area_elsewhere;
    for (cell, reference, current) in profile.cells() {
        let mut gap = to_f64(cell.below.0) * per_reference - to_f64(cell.below.1) * per_current;
        let (mut position, end) = cell.extent;
        let mut inside = 0.0;
        merge(reference, current, |value, from_reference, from_current| {
            let next = value - profile.mapper.origin;
            inside += f64::abs(gap) * (next - position);
            gap += from_reference * per_reference - from_current * per_current;
            position = next;
        });
        area += gap.abs().mul_add(end - position, inside);
    }
    // Rounding must not take it below 0; NaN has to stay NaN, so this is no `max`.
    if area < 0.0 { 0.0 } else { area }
}
