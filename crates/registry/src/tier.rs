//! Risk tiers of the model inventory.

use crate::vocabulary::define_vocabulary;

define_vocabulary! {
    /// How much risk a model carries. `Tier1` is the highest; the order of the values is the order
    /// of the names, so a *smaller* tier is a *higher* risk.
    RiskTier {
        /// Highest risk: failure could harm the organisation or its customers gravely.
        Tier1 = "tier_1",
        /// High risk.
        Tier2 = "tier_2",
        /// Moderate risk.
        Tier3 = "tier_3",
        /// Lowest risk, and what an unregistered model evaluates as.
        Tier4 = "tier_4",
    }
}

impl RiskTier {
    /// The tier of a model that nobody registered.
    pub const UNREGISTERED: Self = Self::Tier4;

    /// Whether going from this tier to `next` raises the risk, that is, goes towards `tier_1`.
    #[must_use]
    pub fn is_raised_by(self, next: Self) -> bool {
        next < self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_raised_towards_tier_1_only() {
        for (from_place, from) in RiskTier::ALL.iter().enumerate() {
            for (to_place, to) in RiskTier::ALL.iter().enumerate() {
                assert_eq!(
                    from.is_raised_by(*to),
                    to_place < from_place,
                    "{from} -> {to}"
                );
            }
        }
    }

    #[test]
    fn the_spelling_is_exact() {
        for tier in RiskTier::ALL {
            assert_eq!(RiskTier::parse(tier.as_str()), Ok(*tier));
        }
        for text in [
            "", "tier_0", "tier_5", "Tier_1", "tier1", " tier_1", "tier_1 ",
        ] {
            let refusal = RiskTier::parse(text).unwrap_err().at("/risk_tier");
            assert_eq!(refusal.code, "unknown_value");
            assert_eq!(
                refusal.message,
                "must be one of: tier_1, tier_2, tier_3, tier_4"
            );
        }
    }
}
