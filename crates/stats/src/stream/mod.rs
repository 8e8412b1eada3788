//! Accumulators that take one row at a time, merge across parts, and need memory for their bins, not for the rows.

mod categories;
mod histogram;
mod moments;
mod sketch;
mod summary;

pub use categories::{CategoryCounts, CategoryPair};
pub use histogram::Histogram;
pub use moments::Moments;
pub use sketch::QuantileSketch;
pub use summary::ColumnSummary;
