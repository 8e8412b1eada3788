//! The outcome of a commit as the idempotency record keeps it.

use probity_kernel::RepositoryError;
use probity_registry::{
    DiscoveredModel, Discovery, DiscoveryReport, DiscoveryStatus, ModelIdentifier, ModelWrite,
    RegisteredModel, RiskTier, ValidationStatus,
};
use serde::{Deserialize, Serialize};

use super::rows::ModelRow;
use crate::error::corrupt;
use crate::types::Utc;

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// The entry as it was created.
    Created(Box<ModelRow>),
    /// What a discovery answered.
    Discovered {
        created: Vec<ModelRow>,
        dry_run: bool,
        models: Vec<Discovered>,
    },
    /// The write itself says all.
    AsAsked,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Discovered {
    model_id: String,
    provider: String,
    status: String,
    validation_status: String,
    risk_tier: String,
    first_seen_at: Utc,
    last_seen_at: Utc,
    request_count: u64,
}

impl From<&ModelWrite> for Outcome {
    fn from(write: &ModelWrite) -> Self {
        match write {
            ModelWrite::Create(model) => Self::Created(Box::new(ModelRow::new(model, 0))),
            ModelWrite::Discover(discovery) => Self::Discovered {
                created: discovery
                    .created
                    .iter()
                    .map(|model| ModelRow::new(model, 0))
                    .collect(),
                dry_run: discovery.report.dry_run,
                models: discovery
                    .report
                    .models
                    .iter()
                    .map(Discovered::from)
                    .collect(),
            },
            ModelWrite::Update { .. }
            | ModelWrite::Delete { .. }
            | ModelWrite::Configure { .. }
            | ModelWrite::RecordUsage(_) => Self::AsAsked,
        }
    }
}

impl Outcome {
    /// The first outcome as a write; `asked` is the equal request that claims it now.
    pub(super) fn into_write(self, asked: &ModelWrite) -> Result<ModelWrite, RepositoryError> {
        Ok(match self {
            Self::Created(row) => ModelWrite::Create(Box::new((*row).try_into()?)),
            Self::Discovered {
                created,
                dry_run,
                models,
            } => {
                let created: Result<Vec<RegisteredModel>, _> =
                    created.into_iter().map(TryInto::try_into).collect();
                let models: Result<Vec<DiscoveredModel>, _> =
                    models.into_iter().map(TryInto::try_into).collect();
                ModelWrite::Discover(Discovery {
                    created: created?,
                    seen: Vec::new(),
                    report: report(dry_run, models?),
                })
            }
            Self::AsAsked => asked.clone(),
        })
    }
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
        let wrong = || corrupt("idempotency_records", "outcome")("unknown value".into());
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
