//! Agreement with the reference figures in `tests/data`, which `SciPy`, Fairlearn and others computed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod figures;
mod golden;
mod reference;
