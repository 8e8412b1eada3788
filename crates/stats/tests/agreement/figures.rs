//! Reading the reference figures.
#![allow(
    clippy::allow_attributes,
    dead_code,
    reason = "each test binary uses a part of this module"
)]

use serde_json::Value;

/// Fails unless `actual` is the figure at `expected` to 1e-9, absolutely, and relatively where it is tiny.
pub(crate) fn assert_close(what: &str, actual: Option<f64>, expected: &Value) {
    let expected = expected
        .as_f64()
        .unwrap_or_else(|| panic!("{what}: no reference figure"));
    let actual = actual.unwrap_or_else(|| panic!("{what}: not estimable, reference {expected}"));
    let tolerance = if expected.abs() < 1e-9 {
        1e-9 * expected.abs()
    } else {
        1e-9
    };
    assert!(
        (actual - expected).abs() <= tolerance,
        "{what}: {actual} instead of {expected}"
    );
}

/// Fails unless the rows agree entry by entry.
pub(crate) fn assert_all_close(what: &str, actual: &[f64], expected: &Value) {
    let expected = expected
        .as_array()
        .unwrap_or_else(|| panic!("{what}: no reference row"));
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        assert_close(&format!("{what}[{index}]"), Some(*actual), expected);
    }
}

/// A row of counts.
pub(crate) fn counts(value: &Value) -> Vec<u64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|count| count.as_u64().unwrap())
        .collect()
}

/// Proportions of counts.
pub(crate) fn shares(counts: &[u64]) -> Vec<f64> {
    let float = |count: u64| f64::from(u32::try_from(count).unwrap());
    let total = float(counts.iter().sum());
    counts.iter().map(|&count| float(count) / total).collect()
}

/// `tests/data/golden.json`.
pub(crate) fn golden() -> Value {
    serde_json::from_str(include_str!("../data/golden.json")).unwrap()
}

/// `tests/data/stats-1000.json`.
pub(crate) fn reference() -> Value {
    serde_json::from_str(include_str!("../data/stats-1000.json")).unwrap()
}

/// The columns of `tests/data/stats-1000.csv` by name.
pub(crate) fn column(name: &str) -> Vec<f64> {
    let mut reader = csv::Reader::from_reader(include_str!("../data/stats-1000.csv").as_bytes());
    let index = reader
        .headers()
        .unwrap()
        .iter()
        .position(|header| header == name)
        .unwrap();
    reader
        .records()
        .map(|record| record.unwrap()[index].parse().unwrap())
        .collect()
}
