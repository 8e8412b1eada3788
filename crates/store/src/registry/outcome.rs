//! The outcome of a commit as the idempotency record keeps it.

use probity_kernel::{RegisteredModelId, RepositoryError, Version};
use probity_registry::{
    DiscoveredModel, Discovery, DiscoveryReport, DiscoveryStatus, LastSeen, ModelIdentifier,
    ModelWrite, RiskTier, UsageDelta, ValidationStatus,
};
use serde::{Deserialize, Serialize};
use time::Date;

use super::rows::{ModelRow, parse_settings, settings_text};
use crate::error::corrupt;
use crate::idempotency::Remembered;
use crate::types::{Id, Utc};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Created(Box<ModelRow>),
    Updated {
        next: Box<ModelRow>,
        expected: i64,
    },
    Deleted {
        id: Id,
        expected: i64,
    },
    Discovered {
        created: Vec<ModelRow>,
        seen: Vec<Seen>,
        dry_run: bool,
        models: Vec<Discovered>,
    },
    /// The settings as their table keeps them.
    Configured(String),
    UsageRecorded(Vec<Usage>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    id: Id,
    before: Option<Utc>,
    last_seen_at: Utc,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// The Julian day.
    day: i32,
    model: String,
    provider: Option<String>,
    count: u64,
    first_seen_at: Utc,
    last_seen_at: Utc,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Discovered {
    model_id: String,
    provider: String,
    status: String,
    validation_status: String,
    risk_tier: String,
    first_seen_at: Utc,
    last_seen_at: Utc,
    request_count: u64,
}

impl Remembered for ModelWrite {
    type Record = Outcome;

    fn to_record(&self) -> Result<Outcome, RepositoryError> {
        Ok(match self {
            Self::Create(model) => Outcome::Created(Box::new(ModelRow::new(model, 0))),
            Self::Update { next, expected } => Outcome::Updated {
                next: Box::new(ModelRow::new(next, 0)),
                expected: expected.get(),
            },
            Self::Delete { id, expected } => Outcome::Deleted {
                id: Id(id.uuid()),
                expected: expected.get(),
            },
            Self::Discover(discovery) => discovered(discovery),
            Self::Configure { settings } => Outcome::Configured(settings_text(settings)?),
            Self::RecordUsage(deltas) => {
                Outcome::UsageRecorded(deltas.iter().map(Usage::from).collect())
            }
        })
    }

    fn from_record(outcome: Outcome) -> Result<Self, RepositoryError> {
        Ok(match outcome {
            Outcome::Created(row) => Self::Create(Box::new((*row).try_into()?)),
            Outcome::Updated { next, expected } => Self::Update {
                next: Box::new((*next).try_into()?),
                expected: Version::new(expected),
            },
            Outcome::Deleted { id, expected } => Self::Delete {
                id: RegisteredModelId::new(id.0),
                expected: Version::new(expected),
            },
            Outcome::Discovered {
                created,
                seen,
                dry_run,
                models,
            } => Self::Discover(Discovery {
                created: all(created)?,
                seen: seen.into_iter().map(LastSeen::from).collect(),
                report: report(dry_run, all(models)?),
            }),
            Outcome::Configured(text) => Self::Configure {
                settings: parse_settings(&text)?,
            },
            Outcome::UsageRecorded(deltas) => Self::RecordUsage(all(deltas)?),
        })
    }
}

fn all<R, T: TryFrom<R, Error = RepositoryError>>(rows: Vec<R>) -> Result<Vec<T>, RepositoryError> {
    rows.into_iter().map(T::try_from).collect()
}

fn discovered(discovery: &Discovery) -> Outcome {
    let rows = discovery.created.iter();
    Outcome::Discovered {
        created: rows.map(|model| ModelRow::new(model, 0)).collect(),
        seen: discovery.seen.iter().map(Seen::from).collect(),
        dry_run: discovery.report.dry_run,
        models: discovery
            .report
            .models
            .iter()
            .map(Discovered::from)
            .collect(),
    }
}

impl From<&LastSeen> for Seen {
    fn from(seen: &LastSeen) -> Self {
        Self {
            id: Id(seen.id.uuid()),
            before: seen.before.map(Utc),
            last_seen_at: Utc(seen.last_seen_at),
        }
    }
}

impl From<Seen> for LastSeen {
    fn from(seen: Seen) -> Self {
        Self {
            id: RegisteredModelId::new(seen.id.0),
            before: seen.before.map(|at| at.0),
            last_seen_at: seen.last_seen_at.0,
        }
    }
}

impl From<&UsageDelta> for Usage {
    fn from(delta: &UsageDelta) -> Self {
        Self {
            day: delta.day.to_julian_day(),
            model: delta.model.to_string(),
            provider: delta.provider.clone(),
            count: delta.count,
            first_seen_at: Utc(delta.first_seen_at),
            last_seen_at: Utc(delta.last_seen_at),
        }
    }
}

impl TryFrom<Usage> for UsageDelta {
    type Error = RepositoryError;

    fn try_from(stored: Usage) -> Result<Self, RepositoryError> {
        Ok(Self {
            day: Date::from_julian_day(stored.day).map_err(|_| wrong())?,
            model: ModelIdentifier::parse(stored.model).map_err(|_| wrong())?,
            provider: stored.provider,
            count: stored.count,
            first_seen_at: stored.first_seen_at.0,
            last_seen_at: stored.last_seen_at.0,
        })
    }
}

fn wrong() -> RepositoryError {
    corrupt("idempotency_records", "outcome")("unknown value".into())
}

fn report(dry_run: bool, models: Vec<DiscoveredModel>) -> DiscoveryReport {
    let count = |wanted| {
        let found = models.iter().filter(|model| model.status == wanted).count();
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

impl From<&DiscoveredModel> for Discovered {
    fn from(model: &DiscoveredModel) -> Self {
        Self {
            model_id: model.model_id.to_string(),
            provider: model.provider.clone(),
            status: model.status.to_string(),
            validation_status: model.validation_status.to_string(),
            risk_tier: model.risk_tier.to_string(),
            first_seen_at: Utc(model.first_seen_at),
            last_seen_at: Utc(model.last_seen_at),
            request_count: model.request_count,
        }
    }
}

impl TryFrom<Discovered> for DiscoveredModel {
    type Error = RepositoryError;

    fn try_from(stored: Discovered) -> Result<Self, RepositoryError> {
        Ok(Self {
            model_id: ModelIdentifier::parse(stored.model_id).map_err(|_| wrong())?,
            provider: stored.provider,
            status: DiscoveryStatus::parse(&stored.status).map_err(|_| wrong())?,
            validation_status: ValidationStatus::parse(&stored.validation_status)
                .map_err(|_| wrong())?,
            risk_tier: RiskTier::parse(&stored.risk_tier).map_err(|_| wrong())?,
            first_seen_at: stored.first_seen_at.0,
            last_seen_at: stored.last_seen_at.0,
            request_count: stored.request_count,
        })
    }
}
