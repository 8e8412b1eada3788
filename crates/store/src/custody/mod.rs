//! What is kept for how long, and what is forgotten: windows, pruning, erasure.

pub(crate) mod erasure;
pub(crate) mod prune;
mod windows;

pub use erasure::{Erased, Erasure};
pub use prune::Pruned;
pub use windows::DieselRetention;
