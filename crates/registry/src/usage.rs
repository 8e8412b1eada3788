//! Usage of models: requests come in, daily roll-ups stay.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use probity_kernel::FieldError;
use probity_kernel::clock::to_milliseconds;
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use crate::input::PROVIDER;
use crate::model::ModelIdentifier;

/// How far in the future a request may lie, for clocks that run ahead.
pub const CLOCK_SKEW: Duration = Duration::minutes(5);

/// One request that was sent to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AiRequest {
    model: ModelIdentifier,
    provider: Option<String>,
    occurred_at: OffsetDateTime,
}

impl AiRequest {
    /// Parses a request. The provider is kept in lower case; the instant in UTC with milliseconds.
    ///
    /// # Errors
    /// All faults: `/model`, `/provider`, and `/occurred_at` (`out_of_range`) when the instant lies
    /// more than [`CLOCK_SKEW`] after `now`.
    pub fn parse(
        model: &str,
        provider: Option<&str>,
        occurred_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        errors.extend(ModelIdentifier::RULE.check("/model", model).err());
        if let Some(provider) = provider {
            errors.extend(PROVIDER.check("/provider", provider).err());
        }
        if occurred_at > now + CLOCK_SKEW {
            let message = "must not lie more than five minutes in the future";
            errors.push(FieldError::new("/occurred_at", "out_of_range", message));
        }
        match ModelIdentifier::parse(model) {
            Ok(model) if errors.is_empty() => Ok(Self {
                model,
                provider: provider.map(str::to_lowercase),
                occurred_at: to_milliseconds(occurred_at.to_offset(UtcOffset::UTC)),
            }),
            Ok(_) | Err(_) => Err(errors),
        }
    }

    /// The model that was asked.
    #[must_use]
    pub const fn model(&self) -> &ModelIdentifier {
        &self.model
    }

    /// The provider that the caller named.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// When, in UTC with milliseconds.
    #[must_use]
    pub const fn occurred_at(&self) -> OffsetDateTime {
        self.occurred_at
    }
}

/// Requests of one UTC day to one model through one provider, to be added to the roll-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageDelta {
    /// The day, in UTC.
    pub day: Date,
    /// The model.
    pub model: ModelIdentifier,
    /// The provider that the requests named, in lower case.
    pub provider: Option<String>,
    /// How many requests; 1 or more.
    pub count: u64,
    /// The earliest of them.
    pub first_seen_at: OffsetDateTime,
    /// The latest of them.
    pub last_seen_at: OffsetDateTime,
}

impl UsageDelta {
    /// Adds the requests of another delta of the same key: counts add up (saturating), the span of
    /// instants widens. The order in which deltas arrive makes no difference.
    pub fn absorb(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.first_seen_at = self.first_seen_at.min(other.first_seen_at);
        self.last_seen_at = self.last_seen_at.max(other.last_seen_at);
    }
}

/// Usage of one model over several days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedModel {
    /// The model.
    pub model: ModelIdentifier,
    /// The provider that most of its requests named, if any named one.
    pub provider: Option<String>,
    /// How many requests.
    pub count: u64,
    /// The earliest of them.
    pub first_seen_at: OffsetDateTime,
    /// The latest of them.
    pub last_seen_at: OffsetDateTime,
}

/// Groups requests by UTC day, model and provider, in that order.
#[must_use]
pub fn by_day(requests: &[AiRequest]) -> Vec<UsageDelta> {
    let mut groups = BTreeMap::new();
    for request in requests {
        let day = request.occurred_at.date();
        let delta = UsageDelta {
            day,
            model: request.model.clone(),
            provider: request.provider.clone(),
            count: 1,
            first_seen_at: request.occurred_at,
            last_seen_at: request.occurred_at,
        };
        match groups.entry((day, request.model.clone(), request.provider.clone())) {
            Entry::Vacant(place) => {
                place.insert(delta);
            }
            Entry::Occupied(mut group) => group.get_mut().absorb(&delta),
        }
    }
    groups.into_values().collect()
}

/// Adds up roll-ups per model, ordered by model identifier (by code point). The provider is the one
/// that most requests named; of equals, the one that comes first in the alphabet. The order of the
/// deltas makes no difference, so that a store may add up per model and provider beforehand.
#[must_use]
pub fn roll_up(deltas: impl IntoIterator<Item = UsageDelta>) -> Vec<ObservedModel> {
    let mut models: BTreeMap<ModelIdentifier, BTreeMap<Option<String>, UsageDelta>> =
        BTreeMap::new();
    for delta in deltas {
        let providers = models.entry(delta.model.clone()).or_default();
        match providers.entry(delta.provider.clone()) {
            Entry::Vacant(place) => {
                place.insert(delta);
            }
            Entry::Occupied(mut sum) => sum.get_mut().absorb(&delta),
        }
    }
    models.into_values().filter_map(observed).collect()
}

fn observed(providers: BTreeMap<Option<String>, UsageDelta>) -> Option<ObservedModel> {
    let mut sums = providers.into_values();
    let mut total = sums.next()?;
    let mut leading = (total.count, total.provider.take());
    for sum in sums {
        total.absorb(&sum);
        if leading.1.is_none() || sum.count > leading.0 {
            leading = (sum.count, sum.provider);
        }
    }
    Some(ObservedModel {
        model: total.model,
        provider: leading.1,
        count: total.count,
        first_seen_at: total.first_seen_at,
        last_seen_at: total.last_seen_at,
    })
}

#[cfg(test)]
mod tests;
