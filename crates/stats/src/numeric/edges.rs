//! Where bins begin and end.

use crate::num::{floor, to_f64};

/// `bins + 1` equally spaced numbers from `start` to `stop`; equal neighbours are merged.
pub(crate) fn equal_width(start: f64, stop: f64, bins: u64) -> Vec<f64> {
    let width = (stop - start) / to_f64(bins);
    let inner = (0..bins).map(|i| {
        if width.is_finite() {
            start + to_f64(i) * width
        } else {
            let share = to_f64(i) / to_f64(bins);
            start * (1.0 - share) + stop * share
        }
    });
    merge_equal(inner.chain([stop]))
}

/// How many bins Sturges' rule gives for a sample size.
pub(crate) fn sturges(rows: u64) -> u64 {
    floor(to_f64(rows).log2().ceil()) + 1
}

/// The rank below a quantile of `rows` values and how far the quantile is towards the next rank.
pub(crate) fn quantile_rank(i: u64, bins: u64, rows: u64) -> (u64, f64) {
    let position = to_f64(rows - 1) * (to_f64(i) / to_f64(bins));
    let rank = floor(position);
    (rank, position - to_f64(rank))
}

/// Between two neighbouring order statistics.
pub(crate) fn interpolate(lower: f64, upper: f64, fraction: f64) -> f64 {
    let width = upper - lower;
    let value = if !width.is_finite() {
        lower * (1.0 - fraction) + upper * fraction
    } else if fraction < 0.5 {
        width * fraction + lower
    } else {
        upper - width * (1.0 - fraction)
    };
    value.clamp(lower, upper)
}

/// Drops edges that equal the one before; the order is ascending already.
pub(crate) fn merge_equal(edges: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut merged: Vec<f64> = Vec::new();
    for edge in edges {
        if merged.last().is_none_or(|&last| last < edge) {
            merged.push(edge);
        }
    }
    merged
}

/// The edges between two bins: all but the outermost.
pub(crate) fn inner(edges: &[f64]) -> &[f64] {
    edges
        .get(1..edges.len().saturating_sub(1))
        .unwrap_or_default()
}

/// Differences of cumulative counts: what lies between consecutive splits.
pub(crate) fn between(below: impl Iterator<Item = u64>, total: u64) -> Vec<u64> {
    let mut last = 0;
    below
        .chain([total])
        .map(|next| next - std::mem::replace(&mut last, next))
        .collect()
}

/// Whether edges are at least two finite numbers in ascending order; otherwise the offending index.
pub(crate) fn first_invalid(edges: &[f64]) -> Option<usize> {
    if edges.len() < 2 {
        return Some(edges.len());
    }
    let mut last = f64::NEG_INFINITY;
    edges
        .iter()
        .position(|&edge| !(edge.is_finite() && edge > std::mem::replace(&mut last, edge)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sturges_counts_bins() {
        for (rows, bins) in [
            (1, 1),
            (2, 2),
            (3, 3),
            (2_000, 12),
            (2_048, 12),
            (2_049, 13),
        ] {
            assert_eq!(sturges(rows), bins, "{rows}");
        }
    }

    #[test]
    fn invalid_edges_are_located() {
        assert_eq!(first_invalid(&[0.0, 1.0, 2.0]), None);
        assert_eq!(first_invalid(&[0.0]), Some(1));
        assert_eq!(first_invalid(&[0.0, 0.0]), Some(1));
        assert_eq!(first_invalid(&[0.0, f64::NAN, 1.0]), Some(1));
        assert_eq!(first_invalid(&[f64::NEG_INFINITY, 1.0]), Some(0));
    }

    #[test]
    fn a_range_beyond_the_largest_number_still_has_edges_and_quantiles() {
        let edges = equal_width(-f64::MAX, f64::MAX, 4);
        assert_eq!(first_invalid(&edges), None);
        assert_eq!(edges.len(), 5);
        assert!(interpolate(-f64::MAX, f64::MAX, 0.5).abs() < 1e294);
        assert!(
            interpolate(-f64::MAX, f64::MAX, 0.0)
                .total_cmp(&-f64::MAX)
                .is_eq()
        );
    }

    #[test]
    fn a_width_of_zero_leaves_one_edge() {
        assert_eq!(equal_width(3.0, 3.0, 10).len(), 1);
        assert_eq!(equal_width(0.0, 1.0, 4).len(), 5);
    }
}
