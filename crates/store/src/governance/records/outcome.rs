//! The outcome of a commit as the idempotency record keeps it.

use probity_governance::evidence::EvidenceWrite;
use probity_kernel::{ProductId, RepositoryError, SafetyMetricId, TrainingRunId, Version};
use serde::{Deserialize, Serialize};

use super::metrics::MetricRow;
use super::runs::RunRow;
use super::runtime::RuntimeEventRow;
use crate::idempotency::Remembered;
use crate::types::Id;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    RunCreated(Box<RunRow>),
    RunUpdated { next: Box<RunRow>, expected: i64 },
    RunDeleted { id: Id, product: Id, expected: i64 },
    MetricCreated(Box<MetricRow>),
    MetricUpdated { next: Box<MetricRow>, expected: i64 },
    MetricDeleted { id: Id, product: Id, expected: i64 },
    RuntimeRecorded(Box<RuntimeEventRow>),
}

impl Remembered for EvidenceWrite {
    type Record = Outcome;

    fn to_record(&self) -> Result<Outcome, RepositoryError> {
        Ok(match self {
            Self::CreateRun(run) => Outcome::RunCreated(Box::new(run.as_ref().into())),
            Self::UpdateRun { next, expected } => Outcome::RunUpdated {
                next: Box::new(next.as_ref().into()),
                expected: expected.get(),
            },
            Self::DeleteRun {
                id,
                product,
                expected,
            } => Outcome::RunDeleted {
                id: Id(id.uuid()),
                product: Id(product.uuid()),
                expected: expected.get(),
            },
            Self::CreateMetric(metric) => Outcome::MetricCreated(Box::new(metric.as_ref().into())),
            Self::UpdateMetric { next, expected } => Outcome::MetricUpdated {
                next: Box::new(next.as_ref().into()),
                expected: expected.get(),
            },
            Self::DeleteMetric {
                id,
                product,
                expected,
            } => Outcome::MetricDeleted {
                id: Id(id.uuid()),
                product: Id(product.uuid()),
                expected: expected.get(),
            },
            Self::RecordRuntimeEvent(event) => {
                Outcome::RuntimeRecorded(Box::new(event.as_ref().into()))
            }
        })
    }

    fn from_record(outcome: Outcome) -> Result<Self, RepositoryError> {
        Ok(match outcome {
            Outcome::RunCreated(row) => Self::CreateRun(Box::new((*row).try_into()?)),
            Outcome::RunUpdated { next, expected } => Self::UpdateRun {
                next: Box::new((*next).try_into()?),
                expected: Version::new(expected),
            },
            Outcome::RunDeleted {
                id,
                product,
                expected,
            } => Self::DeleteRun {
                id: TrainingRunId::new(id.0),
                product: ProductId::new(product.0),
                expected: Version::new(expected),
            },
            Outcome::MetricCreated(row) => Self::CreateMetric(Box::new((*row).try_into()?)),
            Outcome::MetricUpdated { next, expected } => Self::UpdateMetric {
                next: Box::new((*next).try_into()?),
                expected: Version::new(expected),
            },
            Outcome::MetricDeleted {
                id,
                product,
                expected,
            } => Self::DeleteMetric {
                id: SafetyMetricId::new(id.0),
                product: ProductId::new(product.0),
                expected: Version::new(expected),
            },
            Outcome::RuntimeRecorded(row) => Self::RecordRuntimeEvent(Box::new((*row).try_into()?)),
        })
    }
}
