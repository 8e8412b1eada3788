//! Discovery: entries for models that are in use and that nobody registered.

use std::collections::BTreeMap;

use probity_kernel::{Change, Context, FieldError, RegisteredModelId};
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use crate::event::RegistryEvent;
use crate::input::NewModel;
use crate::model::{ModelIdentifier, RegisteredModel, Tags};
use crate::profile::ModelTechnique;
use crate::provider;
use crate::repository::{ModelChange, ModelWrite};
use crate::settings::RegistrySettings;
use crate::status::ValidationStatus;
use crate::tier::RiskTier;
use crate::usage::ObservedModel;
use crate::vocabulary::define_vocabulary;

/// What to discover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DiscoveryRequest {
    lookback_days: u16,
    auto_assign_tier: RiskTier,
    dry_run: bool,
}

impl DiscoveryRequest {
    /// How many days are looked back when nothing else is asked for.
    pub const DEFAULT_LOOKBACK_DAYS: u16 = 30;
    /// The most days to look back.
    pub const MAX_LOOKBACK_DAYS: u16 = 365;

    /// Parses a request: 30 days, `tier_4` and no dry run are the defaults.
    ///
    /// # Errors
    /// `/lookback_days` (`out_of_range`) outside 1 to 365, `/auto_assign_tier` (`unknown_value`).
    pub fn parse(
        lookback_days: Option<i64>,
        auto_assign_tier: Option<&str>,
        dry_run: Option<bool>,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut request = Self::default();
        if let Some(days) = lookback_days {
            if let Ok(days @ 1..=Self::MAX_LOOKBACK_DAYS) = u16::try_from(days) {
                request.lookback_days = days;
            } else {
                let message = "must be a whole number of days from 1 to 365";
                errors.push(FieldError::new("/lookback_days", "out_of_range", message));
            }
        }
        match auto_assign_tier.map(RiskTier::parse).transpose() {
            Ok(tier) => request.auto_assign_tier = tier.unwrap_or(RiskTier::UNREGISTERED),
            Err(unknown) => errors.push(unknown.at("/auto_assign_tier")),
        }
        request.dry_run = dry_run.unwrap_or_default();
        if errors.is_empty() {
            Ok(request)
        } else {
            Err(errors)
        }
    }

    /// The first UTC day of the window: roll-ups are by day, so the day on which the window opens
    /// counts in full.
    #[must_use]
    pub fn since(&self, now: OffsetDateTime) -> Date {
        let today = now.to_offset(UtcOffset::UTC).date();
        today.saturating_sub(Duration::days(self.lookback_days.into()))
    }

    /// How many days are looked back.
    #[must_use]
    pub const fn lookback_days(&self) -> u16 {
        self.lookback_days
    }

    /// The tier for new entries.
    #[must_use]
    pub const fn auto_assign_tier(&self) -> RiskTier {
        self.auto_assign_tier
    }

    /// Whether to report only.
    #[must_use]
    pub const fn dry_run(&self) -> bool {
        self.dry_run
    }
}

impl Default for DiscoveryRequest {
    fn default() -> Self {
        Self {
            lookback_days: Self::DEFAULT_LOOKBACK_DAYS,
            auto_assign_tier: RiskTier::UNREGISTERED,
            dry_run: false,
        }
    }
}

define_vocabulary! {
    /// What discovery did about a model.
    DiscoveryStatus {
        /// It was not registered: an entry was made, or would be, in a dry run.
        Created = "created",
        /// It is registered.
        Existing = "existing",
    }
}

/// One model that discovery found in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredModel {
    /// The identifier that requests used.
    pub model_id: ModelIdentifier,
    /// The entry's provider.
    pub provider: String,
    /// Whether the entry is new.
    pub status: DiscoveryStatus,
    /// The entry's validation status.
    pub validation_status: ValidationStatus,
    /// The entry's tier.
    pub risk_tier: RiskTier,
    /// The earliest request of the window.
    pub first_seen_at: OffsetDateTime,
    /// The latest request of the window.
    pub last_seen_at: OffsetDateTime,
    /// Requests in the window; the contract's `request_count_30d`, whatever the window's length.
    pub request_count: u64,
}

/// The answer to a discovery, ordered by model identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveryReport {
    /// Distinct models found.
    pub discovered: u64,
    /// Entries made, or that would be made, in a dry run.
    pub created: u64,
    /// Models that were registered before.
    pub existing: u64,
    /// Whether nothing was written on purpose.
    pub dry_run: bool,
    /// Every model found.
    pub models: Vec<DiscoveredModel>,
}

/// An entry whose model was seen later than the entry knew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSeen {
    /// The entry.
    pub id: RegisteredModelId,
    /// What it knew.
    pub before: Option<OffsetDateTime>,
    /// What is true. A store writes it unless a later instant is stored; an entry that is gone by
    /// then is passed over. Neither version nor `updated_at` changes.
    pub last_seen_at: OffsetDateTime,
}

/// What one discovery writes, and what it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// New entries.
    pub created: Vec<RegisteredModel>,
    /// Entries whose model was seen later than they knew.
    pub seen: Vec<LastSeen>,
    /// The answer.
    pub report: DiscoveryReport,
}

impl Discovery {
    /// Decides what follows from usage: `observed` models against the `known` entries.
    pub fn plan(
        ctx: &Context,
        settings: &RegistrySettings,
        request: DiscoveryRequest,
        observed: &[ObservedModel],
        known: &[RegisteredModel],
        mut next_id: impl FnMut() -> RegisteredModelId,
    ) -> Self {
        let known: BTreeMap<_, _> = known.iter().map(|model| (&model.model_id, model)).collect();
        let mut created = Vec::new();
        let mut seen = Vec::new();
        let mut models = Vec::with_capacity(observed.len());
        for usage in observed {
            let (status, entry) = if let Some(entry) = known.get(&usage.model) {
                seen.extend(later_seen(entry, usage));
                (DiscoveryStatus::Existing, *entry)
            } else {
                let new = draft(usage, request.auto_assign_tier);
                let mut entry = RegisteredModel::entered(ctx, settings, next_id(), new);
                entry.last_seen_at = Some(usage.last_seen_at);
                created.push(entry);
                let Some(entry) = created.last() else {
                    continue;
                };
                (DiscoveryStatus::Created, entry)
            };
            models.push(reported(status, entry, usage));
        }
        let report = report(request.dry_run, models);
        Self {
            created,
            seen,
            report,
        }
    }

    /// The change that writes what was decided.
    pub fn into_change(self, ctx: &Context) -> ModelChange {
        let event = RegistryEvent::ModelsDiscovered {
            organization: ctx.organization,
            created: self.created.clone(),
            seen: self.seen.clone(),
        };
        Change::new(ctx, ModelWrite::Discover(self), event)
    }
}

fn later_seen(entry: &RegisteredModel, usage: &ObservedModel) -> Option<LastSeen> {
    let is_later = entry
        .last_seen_at
        .is_none_or(|known| known < usage.last_seen_at);
    is_later.then_some(LastSeen {
        id: entry.id,
        before: entry.last_seen_at,
        last_seen_at: usage.last_seen_at,
    })
}

/// The identifier says who made a model; what requests named stands in where it does not.
fn draft(usage: &ObservedModel, risk_tier: RiskTier) -> NewModel {
    let provider = provider::infer(usage.model.as_str()).or(usage.provider.as_deref());
    NewModel {
        model_id: usage.model.clone(),
        provider: provider.unwrap_or(provider::UNKNOWN).to_owned(),
        display_name: None,
        risk_tier,
        validation_status: ValidationStatus::Draft,
        owner: None,
        description: None,
        tags: Tags::default(),
        exposure: None,
        purpose: None,
        technique: ModelTechnique::Unspecified,
    }
}

fn reported(
    status: DiscoveryStatus,
    entry: &RegisteredModel,
    usage: &ObservedModel,
) -> DiscoveredModel {
    DiscoveredModel {
        model_id: usage.model.clone(),
        provider: entry.provider.clone(),
        status,
        validation_status: entry.validation_status,
        risk_tier: entry.risk_tier,
        first_seen_at: usage.first_seen_at,
        last_seen_at: usage.last_seen_at,
        request_count: usage.count,
    }
}

fn report(dry_run: bool, models: Vec<DiscoveredModel>) -> DiscoveryReport {
    let count = |status| {
        let found = models.iter().filter(|model| model.status == status).count();
        u64::try_from(found).unwrap_or(u64::MAX)
    };
    let (created, existing) = (
        count(DiscoveryStatus::Created),
        count(DiscoveryStatus::Existing),
    );
    DiscoveryReport {
        discovered: created + existing,
        created,
        existing,
        dry_run,
        models,
    }
}

#[cfg(test)]
mod tests;
