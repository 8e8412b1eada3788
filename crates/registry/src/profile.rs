//! Guidance profiles: what a supervisor's text says about the inventory, as data with dates.
//!
//! Guidance changes; code that assumes one text for ever has to be rewritten when it does. A
//! profile therefore says when its text was in force, which lifecycle it uses, how long a
//! validation lasts, what calls for a new one, and what it leaves out. An organisation chooses its
//! profile in the registry's settings.

use time::Date;
use time::macros::date;

use crate::status::{LIFECYCLE, Lifecycle};
use crate::vocabulary::define_vocabulary;

define_vocabulary! {
    /// The guidance that an organisation follows.
    ProfileId {
        /// Federal Reserve SR 11-7 and OCC Bulletin 2011-12, the default.
        Sr11_7 = "sr-11-7",
        /// Federal Reserve SR 26-2, OCC Bulletin 2026-13 and FDIC FIL-15-2026.
        Sr26_2 = "sr-26-2",
    }

    /// How much depends on a model: volume, number of customers, amounts at stake.
    Exposure {
        /// Little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// Much.
        High = "high",
    }

    /// How much weight the decisions have that a model is used for.
    Purpose {
        /// Little: a convenience.
        Low = "low",
        /// Some: it supports decisions.
        Medium = "medium",
        /// Much: it makes or drives decisions of consequence, or serves compliance.
        High = "high",
    }

    /// Exposure and purpose taken together.
    Materiality {
        /// Low: light-touch governance.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High: the full rigour of the guidance.
        High = "high",
    }

    /// How a model comes to its output; some guidance leaves techniques out.
    ModelTechnique {
        /// Nobody has said yet; treated as within scope.
        Unspecified = "unspecified",
        /// Statistics: regressions, time series, scorecards.
        Statistical = "statistical",
        /// Machine learning that is neither generative nor agentic.
        MachineLearning = "machine_learning",
        /// Generates text, images or other content.
        Generative = "generative",
        /// Plans and acts by itself with tools.
        Agentic = "agentic",
    }

    /// What sets `revalidation_due` on a validated model before its validation expires.
    RevalidationTrigger {
        /// The tier went towards `tier_1`.
        TierRaised = "tier_raised",
        /// The assessed materiality went up.
        MaterialityRaised = "materiality_raised",
    }
}

/// What decides how long a validation lasts. The months themselves are settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValidationPeriod {
    /// The risk tier.
    ByTier,
    /// The materiality. A model whose materiality is not assessed, or whose technique the guidance
    /// leaves out, falls back to its risk tier, so that no validation lasts for ever by omission.
    ByMateriality,
}

/// One supervisor's text, as far as the inventory is concerned.
#[derive(Debug, PartialEq, Eq)]
pub struct GuidanceProfile {
    /// Its key.
    pub id: ProfileId,
    /// What people call it.
    pub title: &'static str,
    /// The first day on which it applied.
    pub valid_from: Date,
    /// The first day on which it no longer applied, if it was replaced.
    pub superseded_on: Option<Date>,
    /// What replaced it.
    pub superseded_by: Option<ProfileId>,
    /// The permitted moves of a validation status.
    pub lifecycle: &'static Lifecycle,
    /// What decides how long a validation lasts.
    pub validation_period: ValidationPeriod,
    /// What calls for a new validation before the old one expires.
    pub triggers: &'static [RevalidationTrigger],
    /// Techniques that the text leaves out.
    pub out_of_scope: &'static [ModelTechnique],
}

/// Every profile known to this version, oldest first.
pub static PROFILES: [GuidanceProfile; 2] = [SR_11_7, SR_26_2];

const SR_11_7: GuidanceProfile = GuidanceProfile {
    id: ProfileId::Sr11_7,
    title: "SR 11-7 / OCC 2011-12: Supervisory Guidance on Model Risk Management",
    valid_from: date!(2011 - 04 - 04),
    superseded_on: Some(date!(2026 - 04 - 17)),
    superseded_by: Some(ProfileId::Sr26_2),
    lifecycle: &LIFECYCLE,
    validation_period: ValidationPeriod::ByTier,
    triggers: &[RevalidationTrigger::TierRaised],
    out_of_scope: &[],
};

const SR_26_2: GuidanceProfile = GuidanceProfile {
    id: ProfileId::Sr26_2,
    title: "SR 26-2 / OCC Bulletin 2026-13 / FIL-15-2026: Model Risk Management",
    valid_from: date!(2026 - 04 - 17),
    superseded_on: None,
    superseded_by: None,
    lifecycle: &LIFECYCLE,
    validation_period: ValidationPeriod::ByMateriality,
    triggers: &[
        RevalidationTrigger::TierRaised,
        RevalidationTrigger::MaterialityRaised,
    ],
    out_of_scope: &[ModelTechnique::Generative, ModelTechnique::Agentic],
};

impl ProfileId {
    /// The profile's data.
    #[must_use]
    pub const fn profile(self) -> &'static GuidanceProfile {
        let [sr_11_7, sr_26_2] = &PROFILES;
        match self {
            Self::Sr11_7 => sr_11_7,
            Self::Sr26_2 => sr_26_2,
        }
    }
}

impl GuidanceProfile {
    /// Whether the text was in force on `day`.
    #[must_use]
    pub fn is_in_force(&self, day: Date) -> bool {
        self.valid_from <= day && self.superseded_on.is_none_or(|end| day < end)
    }

    /// Whether the text speaks about models of this technique.
    #[must_use]
    pub fn covers(&self, technique: ModelTechnique) -> bool {
        !self.out_of_scope.contains(&technique)
    }
}

/// The materiality matrix. SR 26-2 makes materiality of exposure and purpose without prescribing
/// how; this table is ours: equal levels keep their level, `low` with `high` makes `medium`, and
/// `medium` leans to the other side's level.
///
/// | exposure \ purpose | low | medium | high |
/// |---|---|---|---|
/// | low | low | low | medium |
/// | medium | low | medium | high |
/// | high | medium | high | high |
#[must_use]
pub const fn materiality(exposure: Exposure, purpose: Purpose) -> Materiality {
    match (exposure, purpose) {
        (Exposure::Low, Purpose::Low | Purpose::Medium) | (Exposure::Medium, Purpose::Low) => {
            Materiality::Low
        }
        (Exposure::Low, Purpose::High)
        | (Exposure::Medium, Purpose::Medium)
        | (Exposure::High, Purpose::Low) => Materiality::Medium,
        (Exposure::Medium, Purpose::High) | (Exposure::High, Purpose::Medium | Purpose::High) => {
            Materiality::High
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_materiality_matrix_is_the_published_one() {
        let expected = ["low low medium", "low medium high", "medium high high"];
        for (exposure, row) in Exposure::ALL.iter().zip(expected) {
            for (purpose, level) in Purpose::ALL.iter().zip(row.split(' ')) {
                let found = materiality(*exposure, *purpose);
                assert_eq!(found.as_str(), level, "{exposure} x {purpose}");
            }
        }
    }

    #[test]
    fn materiality_never_falls_when_exposure_or_purpose_rises() {
        for exposure in Exposure::ALL.windows(2) {
            for purpose in Purpose::ALL.windows(2) {
                let low = materiality(exposure[0], purpose[0]);
                assert!(materiality(exposure[1], purpose[0]) >= low);
                assert!(materiality(exposure[0], purpose[1]) >= low);
                assert!(materiality(exposure[1], purpose[1]) >= low);
            }
        }
    }

    #[test]
    fn sr_11_7_ends_on_the_day_sr_26_2_begins() {
        let (old, new) = (ProfileId::Sr11_7.profile(), ProfileId::Sr26_2.profile());
        for (day, old_holds, new_holds) in [
            (date!(2011 - 04 - 03), false, false),
            (date!(2011 - 04 - 04), true, false),
            (date!(2026 - 04 - 16), true, false),
            (date!(2026 - 04 - 17), false, true),
            (date!(2026 - 04 - 18), false, true),
        ] {
            assert_eq!(old.is_in_force(day), old_holds, "sr-11-7 on {day}");
            assert_eq!(new.is_in_force(day), new_holds, "sr-26-2 on {day}");
        }
        assert_eq!(old.superseded_by, Some(new.id));
    }

    #[test]
    fn every_profile_is_found_under_its_key() {
        for id in ProfileId::ALL {
            assert_eq!(id.profile().id, *id);
            assert_eq!(ProfileId::parse(id.as_str()), Ok(*id));
        }
        assert_eq!(PROFILES.len(), ProfileId::ALL.len());
    }

    #[test]
    fn sr_26_2_leaves_generative_and_agentic_models_out() {
        for technique in ModelTechnique::ALL {
            let left_out = matches!(
                technique,
                ModelTechnique::Generative | ModelTechnique::Agentic
            );
            assert_eq!(ProfileId::Sr26_2.profile().covers(*technique), !left_out);
            assert!(ProfileId::Sr11_7.profile().covers(*technique));
        }
    }
}
