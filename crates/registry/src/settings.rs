//! What an organisation decides about its inventory.

use std::collections::BTreeMap;

use probity_kernel::FieldError;

use crate::pointer::pointer;
use crate::profile::{Materiality, ProfileId};
use crate::tier::RiskTier;

/// A period of whole calendar months, 1 to 120.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Months(u8);

/// A number of months outside 1 to 120.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of months from 1 to 120")]
pub struct MonthsOutOfRange;

impl Months {
    /// The longest period that settings may name.
    pub const MAX: u8 = 120;

    /// A period.
    ///
    /// # Errors
    /// [`MonthsOutOfRange`] outside 1 to 120.
    pub fn new(months: i64) -> Result<Self, MonthsOutOfRange> {
        match u8::try_from(months) {
            Ok(months @ 1..=Self::MAX) => Ok(Self(months)),
            _ => Err(MonthsOutOfRange),
        }
    }

    /// The number of months.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// How long a validation lasts, per risk tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TierMonths {
    /// For `tier_1`; 12 by default.
    pub tier_1: Months,
    /// For `tier_2`; 18 by default.
    pub tier_2: Months,
    /// For `tier_3`; 24 by default.
    pub tier_3: Months,
    /// For `tier_4`; 36 by default.
    pub tier_4: Months,
}

impl TierMonths {
    /// The period of one tier.
    #[must_use]
    pub const fn of(&self, tier: RiskTier) -> Months {
        match tier {
            RiskTier::Tier1 => self.tier_1,
            RiskTier::Tier2 => self.tier_2,
            RiskTier::Tier3 => self.tier_3,
            RiskTier::Tier4 => self.tier_4,
        }
    }

    /// The months by name of the tier, as settings are sent and stored.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, i64> {
        let months = |tier: &RiskTier| (tier.to_string(), self.of(*tier).get().into());
        RiskTier::ALL.iter().map(months).collect()
    }

    const fn of_mut(&mut self, tier: RiskTier) -> &mut Months {
        match tier {
            RiskTier::Tier1 => &mut self.tier_1,
            RiskTier::Tier2 => &mut self.tier_2,
            RiskTier::Tier3 => &mut self.tier_3,
            RiskTier::Tier4 => &mut self.tier_4,
        }
    }
}

impl Default for TierMonths {
    fn default() -> Self {
        Self {
            tier_1: Months(12),
            tier_2: Months(18),
            tier_3: Months(24),
            tier_4: Months(36),
        }
    }
}

/// How long a validation lasts, per materiality; used by profiles that go by materiality.
/// SR 26-2 fixes no period: the defaults are ours, and every organisation may set its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaterialityMonths {
    /// For low materiality; 36 by default.
    pub low: Months,
    /// For medium materiality; 24 by default.
    pub medium: Months,
    /// For high materiality; 12 by default.
    pub high: Months,
}

impl MaterialityMonths {
    /// The period of one materiality.
    #[must_use]
    pub const fn of(&self, materiality: Materiality) -> Months {
        match materiality {
            Materiality::Low => self.low,
            Materiality::Medium => self.medium,
            Materiality::High => self.high,
        }
    }

    /// The months by name of the materiality, as settings are sent and stored.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, i64> {
        let months = |level: &Materiality| (level.to_string(), self.of(*level).get().into());
        Materiality::ALL.iter().map(months).collect()
    }

    const fn of_mut(&mut self, materiality: Materiality) -> &mut Months {
        match materiality {
            Materiality::Low => &mut self.low,
            Materiality::Medium => &mut self.medium,
            Materiality::High => &mut self.high,
        }
    }
}

impl Default for MaterialityMonths {
    fn default() -> Self {
        Self {
            low: Months(36),
            medium: Months(24),
            high: Months(12),
        }
    }
}

/// What an organisation decides about its inventory. The default is what holds while nothing was
/// decided: `sr-11-7`, no separation of duties, the default periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RegistrySettings {
    /// The guidance that is followed.
    pub profile: ProfileId,
    /// Whether an entry's owner is kept from moving it to `validated`.
    pub separation_of_duties: bool,
    /// Validation periods by tier.
    pub validation_months: TierMonths,
    /// Validation periods by materiality.
    pub materiality_months: MaterialityMonths,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self {
            profile: ProfileId::Sr11_7,
            separation_of_duties: false,
            validation_months: TierMonths::default(),
            materiality_months: MaterialityMonths::default(),
        }
    }
}

/// New settings as a caller sends them; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsInput {
    /// Key of a guidance profile.
    pub profile: Option<String>,
    /// Whether an entry's owner is kept from moving it to `validated`.
    pub separation_of_duties: Option<bool>,
    /// Months by name of the tier, 1 to 120 each.
    pub validation_months: BTreeMap<String, i64>,
    /// Months by name of the materiality, 1 to 120 each.
    pub materiality_months: BTreeMap<String, i64>,
}

impl RegistrySettings {
    /// These settings with the input's put over them.
    ///
    /// # Errors
    /// All faulty fields: `/profile`, `/validation_months/<tier>`, `/materiality_months/<level>`.
    pub fn with(mut self, input: &SettingsInput) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        if let Some(text) = &input.profile {
            match ProfileId::parse(text) {
                Ok(profile) => self.profile = profile,
                Err(unknown) => errors.push(unknown.at("/profile")),
            }
        }
        if let Some(separate) = input.separation_of_duties {
            self.separation_of_duties = separate;
        }
        for (name, months) in &input.validation_months {
            let field = pointer("/validation_months", name);
            match (RiskTier::parse(name), Months::new(*months)) {
                (Ok(tier), Ok(months)) => *self.validation_months.of_mut(tier) = months,
                (Err(unknown), _) => errors.push(unknown.at(&field)),
                (_, Err(wrong)) => errors.push(out_of_range(field, wrong)),
            }
        }
        for (name, months) in &input.materiality_months {
            let field = pointer("/materiality_months", name);
            match (Materiality::parse(name), Months::new(*months)) {
                (Ok(level), Ok(months)) => *self.materiality_months.of_mut(level) = months,
                (Err(unknown), _) => errors.push(unknown.at(&field)),
                (_, Err(wrong)) => errors.push(out_of_range(field, wrong)),
            }
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(errors)
        }
    }
}

fn out_of_range(field: String, wrong: MonthsOutOfRange) -> FieldError {
    FieldError::new(field, "out_of_range", wrong.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
        let pairs = pairs
            .iter()
            .map(|(name, months)| ((*name).to_owned(), *months));
        pairs.collect()
    }

    #[test]
    fn a_period_is_1_to_120_months() {
        for (number, fits) in [
            (i64::MIN, false),
            (-1, false),
            (0, false),
            (1, true),
            (120, true),
            (121, false),
            (256 + 12, false),
            (i64::MAX, false),
        ] {
            assert_eq!(Months::new(number).is_ok(), fits, "{number}");
        }
    }

    #[test]
    fn the_default_periods_are_the_published_ones() {
        let settings = RegistrySettings::default();
        assert_eq!(settings.profile, ProfileId::Sr11_7);
        assert!(!settings.separation_of_duties);
        let tiers = [
            ("tier_1", 12),
            ("tier_2", 18),
            ("tier_3", 24),
            ("tier_4", 36),
        ];
        assert_eq!(settings.validation_months.to_map(), months(&tiers));
        let levels = [("low", 36), ("medium", 24), ("high", 12)];
        assert_eq!(settings.materiality_months.to_map(), months(&levels));
    }

    #[test]
    fn input_is_put_over_what_is_there() {
        let input = SettingsInput {
            profile: Some("sr-26-2".to_owned()),
            separation_of_duties: Some(true),
            validation_months: months(&[("tier_2", 1)]),
            materiality_months: months(&[("low", 120), ("high", 6)]),
        };
        let settings = RegistrySettings::default().with(&input).unwrap();
        assert_eq!(settings.profile, ProfileId::Sr26_2);
        assert!(settings.separation_of_duties);
        let tiers = [
            ("tier_1", 12),
            ("tier_2", 1),
            ("tier_3", 24),
            ("tier_4", 36),
        ];
        assert_eq!(settings.validation_months.to_map(), months(&tiers));
        let levels = [("low", 120), ("medium", 24), ("high", 6)];
        assert_eq!(settings.materiality_months.to_map(), months(&levels));
        assert_eq!(settings.with(&SettingsInput::default()), Ok(settings));
    }

    #[test]
    fn stored_maps_give_the_same_settings_back() {
        let input = SettingsInput {
            validation_months: months(&[("tier_1", 1), ("tier_4", 120)]),
            materiality_months: months(&[("medium", 7)]),
            ..SettingsInput::default()
        };
        let settings = RegistrySettings::default().with(&input).unwrap();
        let stored = SettingsInput {
            profile: Some(settings.profile.to_string()),
            separation_of_duties: Some(settings.separation_of_duties),
            validation_months: settings.validation_months.to_map(),
            materiality_months: settings.materiality_months.to_map(),
        };
        assert_eq!(RegistrySettings::default().with(&stored), Ok(settings));
    }

    #[test]
    fn every_faulty_setting_is_named() {
        let input = SettingsInput {
            profile: Some("sr-99".to_owned()),
            separation_of_duties: None,
            validation_months: months(&[("tier_1", 0), ("tier_5", 12), ("a/b", 12)]),
            materiality_months: months(&[("high", 121), ("huge", 1)]),
        };
        let faults = RegistrySettings::default().with(&input).unwrap_err();
        let faults: Vec<_> = faults.iter().map(|f| (f.field.as_str(), f.code)).collect();
        assert_eq!(
            faults,
            [
                ("/profile", "unknown_value"),
                ("/validation_months/a~1b", "unknown_value"),
                ("/validation_months/tier_1", "out_of_range"),
                ("/validation_months/tier_5", "unknown_value"),
                ("/materiality_months/high", "out_of_range"),
                ("/materiality_months/huge", "unknown_value"),
            ]
        );
    }
}
