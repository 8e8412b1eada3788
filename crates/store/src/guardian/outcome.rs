//! The outcome of a commit as the idempotency record keeps it.

use probity_guardian::GuardianWrite;
use probity_kernel::{ProductId, RepositoryError, RiskMetricLinkId, Version};
use serde::{Deserialize, Serialize};

use super::alerts::AlertRow;
use super::links::LinkRow;
use crate::idempotency::Remembered;
use crate::types::Id;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    LinkCreated(Box<LinkRow>),
    LinkUpdated { next: Box<LinkRow>, expected: i64 },
    LinkDeleted { id: Id, product: Id, expected: i64 },
    AlertUpdated { next: Box<AlertRow>, expected: i64 },
}

impl Remembered for GuardianWrite {
    type Record = Outcome;

    fn to_record(&self) -> Result<Outcome, RepositoryError> {
        Ok(match self {
            Self::CreateLink(link) => Outcome::LinkCreated(Box::new(link.into())),
            Self::UpdateLink { next, expected } => Outcome::LinkUpdated {
                next: Box::new(next.into()),
                expected: expected.get(),
            },
            Self::DeleteLink {
                id,
                product,
                expected,
            } => Outcome::LinkDeleted {
                id: Id(id.uuid()),
                product: Id(product.uuid()),
                expected: expected.get(),
            },
            Self::UpdateAlert { next, expected } => Outcome::AlertUpdated {
                next: Box::new(next.into()),
                expected: expected.get(),
            },
        })
    }

    fn from_record(outcome: Outcome) -> Result<Self, RepositoryError> {
        Ok(match outcome {
            Outcome::LinkCreated(row) => Self::CreateLink((*row).try_into()?),
            Outcome::LinkUpdated { next, expected } => Self::UpdateLink {
                next: (*next).try_into()?,
                expected: Version::new(expected),
            },
            Outcome::LinkDeleted {
                id,
                product,
                expected,
            } => Self::DeleteLink {
                id: RiskMetricLinkId::new(id.0),
                product: ProductId::new(product.0),
                expected: Version::new(expected),
            },
            Outcome::AlertUpdated { next, expected } => Self::UpdateAlert {
                next: (*next).try_into()?,
                expected: Version::new(expected),
            },
        })
    }
}
