//! Fairness of binary decisions between groups.
//!
//! A group whose rate does not exist (no positives, no negatives, nobody selected where that divides) makes the
//! metrics that need the rate not estimable. It is neither dropped nor given a rate of 0: the first would make the
//! comparison look fair, the second unfair, without any evidence.

mod cells;
mod codes;
mod impact;
mod odds;
mod parity;
mod report;

pub use cells::{ConfusionCells, GroupedCells};
pub use codes::CodedRows;
pub use impact::{ImpactRatio, ImpactRatios};
pub use odds::Aggregate;
pub use parity::{SelectionCounts, Selections};
pub use report::{FairnessOptions, FairnessReport, GroupRates};

use crate::estimate::{Estimate, Measurement, Reason};
use crate::num::{is_zero, to_f64};
use crate::recipe::Recipe;

/// A rate that may not exist, and the group it would belong to.
type GroupRate<'a> = (&'a str, Result<f64, Reason>);

fn rate(part: u64, whole: u64, otherwise: Reason) -> Result<f64, Reason> {
    if whole == 0 {
        Err(otherwise)
    } else {
        Ok(to_f64(part) / to_f64(whole))
    }
}

/// Smallest and largest of the groups' rates.
fn extremes<'a>(rates: impl Iterator<Item = GroupRate<'a>>) -> Result<(f64, f64), Estimate> {
    let mut groups = 0_u32;
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    for (group, rate) in rates {
        let rate = rate.map_err(|reason| Estimate::none_for(reason, group))?;
        range = (range.0.min(rate), range.1.max(rate));
        groups += 1;
    }
    if groups < 2 {
        return Err(Estimate::none(Reason::FewerThanTwoGroups));
    }
    Ok(range)
}

/// A quotient of rates; 0/0 does not exist.
fn quotient(smallest: f64, largest: f64, otherwise: Reason) -> Result<f64, Estimate> {
    if is_zero(largest) {
        Err(Estimate::none(otherwise))
    } else {
        Ok(smallest / largest)
    }
}

fn measurement(name: &str, rows: u64, outcome: Result<f64, Estimate>) -> Measurement {
    let estimate = outcome.map_or_else(|estimate| estimate, Estimate::exact);
    Measurement {
        recipe: Recipe::of_sample(name, rows),
        estimate,
    }
}
