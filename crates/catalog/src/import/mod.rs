//! Import of many products at once: rows of a file, judged whole before anything is written.

mod error;
mod fields;
#[cfg(any(test, feature = "testing"))]
mod memory;
mod plan;
mod quoting;
mod repository;
mod rows;
mod service;
mod strict;

pub use error::{ImportError, MOST_FAULTS, RowError};
pub use fields::COLUMNS;
pub(crate) use fields::put_value;
#[cfg(test)]
pub(crate) use plan::judged;
pub use plan::{ImportReceipt, ImportedProduct, Outcome};
pub use repository::ImportRepository;
pub use rows::{ImportFormat, ImportRow, LARGEST_ROW, MOST_ROWS, Source, read};
