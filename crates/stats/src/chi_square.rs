//! Chi-square tests on counts.

use crate::counts::BinnedPair;
use crate::estimate::{Estimate, Measurement, Reason};
use crate::num::{len_f64, to_f64};
use crate::recipe::Smoothing;
use crate::special::chi_square::survival;

impl BinnedPair {
    /// Chi-square goodness of fit: the current counts against the reference's proportions, scaled to the current size.
    ///
    /// It takes the reference as the truth, so it overstates the significance when the reference is a small sample;
    /// [`chi_square_contingency`](Self::chi_square_contingency) does not. Bins that are empty on both sides are
    /// left out; one that is empty in the reference only makes the statistic not estimable.
    #[must_use]
    pub fn chi_square_goodness_of_fit(&self) -> Measurement {
        let ratio = to_f64(self.n_current()) / to_f64(self.n_reference());
        self.chi_square("chi_square_goodness_of_fit", |reference, current| {
            if reference == 0 {
                return Err(Reason::EmptyBin);
            }
            let expected = to_f64(reference) * ratio;
            Ok((to_f64(current) - expected).powi(2) / expected)
        })
    }

    /// Pearson's chi-square test of the 2 x k table, without continuity correction.
    ///
    /// Bins that are empty on both sides are left out of the table.
    #[must_use]
    pub fn chi_square_contingency(&self) -> Measurement {
        let (rows_reference, rows_current) = (to_f64(self.n_reference()), to_f64(self.n_current()));
        let total = rows_reference + rows_current;
        self.chi_square("chi_square_contingency", |reference, current| {
            let column = to_f64(reference) + to_f64(current);
            let cell = |observed: u64, row: f64| {
                let expected = row * column / total;
                (to_f64(observed) - expected).powi(2) / expected
            };
            Ok(cell(reference, rows_reference) + cell(current, rows_current))
        })
    }

    fn chi_square(
        &self,
        name: &str,
        term: impl Fn(u64, u64) -> Result<f64, Reason>,
    ) -> Measurement {
        let mut recipe = self.recipe(name, Smoothing::None);
        let used: Vec<(u64, u64)> = self
            .reference()
            .iter()
            .copied()
            .zip(self.current().iter().copied())
            .filter(|&(reference, current)| reference + current > 0)
            .collect();
        recipe.bins = u32::try_from(used.len()).ok();
        let outcome = match self.obstacle() {
            Some(reason) => Err(reason),
            None if used.len() < 2 => Err(Reason::SingleBin),
            None => used
                .iter()
                .map(|&(reference, current)| term(reference, current))
                .sum(),
        };
        let estimate = match outcome {
            Ok(statistic) => {
                Estimate::test(statistic, survival(statistic, len_f64(used.len() - 1)))
            }
            Err(reason) => Estimate::none(reason),
        };
        Measurement { recipe, estimate }
    }
}
