//! Distribution functions behind the p-values and critical values.

pub(crate) mod binomial;
pub(crate) mod chi_square;
pub(crate) mod kolmogorov;
pub(crate) mod two_sample;
