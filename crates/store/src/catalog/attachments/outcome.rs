//! The outcome of a commit as the idempotency record keeps it.

use std::collections::BTreeSet;

use probity_catalog::attachment::{AttachmentWrite, Removal};
use probity_kernel::{
    DataDependencyId, PolicyAttachmentId, ProductId, RegisteredModelId, RepositoryError,
    RiskMitigationId, Version,
};
use serde::{Deserialize, Serialize};

use super::rows::{DependencyRow, MitigationRow, PolicyRow, VersionRow};
use crate::idempotency::Remembered;
use crate::types::Id;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    PutDependency(Box<DependencyRow>, Option<i64>),
    RemoveDependency(Removed),
    AttachPolicy(Box<PolicyRow>),
    DetachPolicy(Removed),
    PutMitigation(Box<MitigationRow>, Option<i64>),
    RemoveMitigation(Removed),
    RecordVersion(Box<VersionRow>),
    LinkModels(Id, Vec<Id>, Vec<Id>),
}

/// What was removed: its id, its product, its version.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Removed(Id, Id, i64);

impl Removed {
    fn into_removal<I: From<uuid::Uuid>>(self) -> Removal<I> {
        Removal {
            id: I::from(self.0.0),
            product: ProductId::new(self.1.0),
            expected: Version::new(self.2),
        }
    }
}

fn removed<I: Copy>(removal: &Removal<I>, uuid: impl Fn(I) -> uuid::Uuid) -> Removed {
    let Removal {
        id,
        product,
        expected,
    } = *removal;
    Removed(Id(uuid(id)), Id(product.uuid()), expected.get())
}

fn ids(models: &BTreeSet<RegisteredModelId>) -> Vec<Id> {
    models.iter().map(|id| Id(id.uuid())).collect()
}

fn models(ids: Vec<Id>) -> BTreeSet<RegisteredModelId> {
    ids.into_iter()
        .map(|id| RegisteredModelId::new(id.0))
        .collect()
}

impl Remembered for AttachmentWrite {
    type Record = Outcome;

    fn to_record(&self) -> Result<Outcome, RepositoryError> {
        Ok(match self {
            Self::PutDependency { next, expected } => {
                Outcome::PutDependency(Box::new(next.into()), expected.map(Version::get))
            }
            Self::RemoveDependency(removal) => {
                Outcome::RemoveDependency(removed(removal, DataDependencyId::uuid))
            }
            Self::AttachPolicy(policy) => Outcome::AttachPolicy(Box::new(policy.into())),
            Self::DetachPolicy(removal) => {
                Outcome::DetachPolicy(removed(removal, PolicyAttachmentId::uuid))
            }
            Self::PutMitigation { next, expected } => {
                Outcome::PutMitigation(Box::new(next.into()), expected.map(Version::get))
            }
            Self::RemoveMitigation(removal) => {
                Outcome::RemoveMitigation(removed(removal, RiskMitigationId::uuid))
            }
            Self::RecordVersion(version) => Outcome::RecordVersion(Box::new(version.into())),
            Self::LinkModels {
                product,
                before,
                after,
            } => Outcome::LinkModels(Id(product.uuid()), ids(before), ids(after)),
        })
    }

    fn from_record(outcome: Outcome) -> Result<Self, RepositoryError> {
        Ok(match outcome {
            Outcome::PutDependency(row, expected) => Self::PutDependency {
                next: (*row).try_into()?,
                expected: expected.map(Version::new),
            },
            Outcome::RemoveDependency(removed) => Self::RemoveDependency(removed.into_removal()),
            Outcome::AttachPolicy(row) => Self::AttachPolicy((*row).try_into()?),
            Outcome::DetachPolicy(removed) => Self::DetachPolicy(removed.into_removal()),
            Outcome::PutMitigation(row, expected) => Self::PutMitigation {
                next: (*row).try_into()?,
                expected: expected.map(Version::new),
            },
            Outcome::RemoveMitigation(removed) => Self::RemoveMitigation(removed.into_removal()),
            Outcome::RecordVersion(row) => Self::RecordVersion((*row).try_into()?),
            Outcome::LinkModels(product, before, after) => Self::LinkModels {
                product: ProductId::new(product.0),
                before: models(before),
                after: models(after),
            },
        })
    }
}
