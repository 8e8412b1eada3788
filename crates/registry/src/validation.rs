//! What a validation means for an entry: who may give it, how long it lasts, what calls for the
//! next one.

use probity_kernel::text::fold;
use probity_kernel::{Actor, Context};
use time::{Date, Month, OffsetDateTime, UtcOffset};

use crate::error::RegistryError;
use crate::model::RegisteredModel;
use crate::profile::{RevalidationTrigger, ValidationPeriod};
use crate::settings::{Months, RegistrySettings};
use crate::status::ValidationStatus;

/// Holds a patched entry against the rules and sets what follows from it.
pub(crate) fn apply_rules(
    ctx: &Context,
    settings: &RegistrySettings,
    before: &RegisteredModel,
    next: &mut RegisteredModel,
) -> Result<(), RegistryError> {
    let profile = settings.profile.profile();
    let step = profile
        .lifecycle
        .transition(before.validation_status, next.validation_status)?;
    let validates = step.enters(ValidationStatus::Validated);
    if validates {
        check_duties(settings, &ctx.actor, [&before.owner, &next.owner])?;
        stamp(next, settings, ctx.now);
    } else if step.from() == ValidationStatus::Validated
        && profile
            .triggers
            .iter()
            .any(|trigger| trigger.fires(before, next))
    {
        next.revalidation_due = true;
    }
    Ok(())
}

/// Refuses an actor who would validate an entry of their own, where duties are to be separate.
/// The owner after the change counts as well as the one before it: nobody gets round the rule by
/// handing the entry over in the same request.
pub(crate) fn check_duties<'a>(
    settings: &RegistrySettings,
    actor: &Actor,
    owners: impl IntoIterator<Item = &'a Option<String>>,
) -> Result<(), RegistryError> {
    let own = |owner: &String| {
        let owner = fold(owner.trim());
        actor.identities().any(|name| fold(name.trim()) == owner)
    };
    if settings.separation_of_duties && owners.into_iter().flatten().any(own) {
        return Err(RegistryError::SeparationOfDuties);
    }
    Ok(())
}

/// Marks an entry as validated now.
pub(crate) fn stamp(model: &mut RegisteredModel, settings: &RegistrySettings, now: OffsetDateTime) {
    model.validated_at = Some(now);
    model.validation_expires_at = Some(add_months(now, period(model, settings)));
    model.revalidation_due = false;
}

/// How long a validation given now lasts.
fn period(model: &RegisteredModel, settings: &RegistrySettings) -> Months {
    let profile = settings.profile.profile();
    let by_tier = settings.validation_months.of(model.risk_tier);
    match (profile.validation_period, model.materiality()) {
        (ValidationPeriod::ByMateriality, Some(materiality)) if profile.covers(model.technique) => {
            settings.materiality_months.of(materiality)
        }
        (ValidationPeriod::ByMateriality | ValidationPeriod::ByTier, _) => by_tier,
    }
}

impl RevalidationTrigger {
    /// Whether the difference between two states of an entry pulls this trigger. An assessment that
    /// is made for the first time raises nothing: there was nothing to compare it with.
    #[must_use]
    pub fn fires(self, before: &RegisteredModel, after: &RegisteredModel) -> bool {
        match self {
            Self::TierRaised => before.risk_tier.is_raised_by(after.risk_tier),
            Self::MaterialityRaised => match (before.materiality(), after.materiality()) {
                (Some(before), Some(after)) => after > before,
                (None, _) | (_, None) => false,
            },
        }
    }
}

/// The same time of day, so many calendar months later, in UTC. Where the month is too short for
/// the day, its last day is taken: one month after 31 January is 28 or 29 February.
#[must_use]
pub fn add_months(instant: OffsetDateTime, months: Months) -> OffsetDateTime {
    let instant = instant.to_offset(UtcOffset::UTC);
    let (year, month, day) = instant.to_calendar_date();
    let count = i32::from(u8::from(month)) - 1 + i32::from(months.get());
    let year = year.saturating_add(count / 12).min(Date::MAX.year());
    let month = month_at(count % 12);
    let day = day.min(month.length(year));
    let date = Date::from_calendar_date(year, month, day).unwrap_or(Date::MAX);
    instant.replace_date(date)
}

fn month_at(place: i32) -> Month {
    let number = u8::try_from(place + 1).unwrap_or(1);
    Month::try_from(number).unwrap_or(Month::January)
}

#[cfg(test)]
mod tests;
