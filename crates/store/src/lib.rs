#![doc = include_str!("../README.md")]

// The tests' support names the crate as those outside it do.
#[cfg(test)]
extern crate self as probity_store;
#[cfg(test)]
#[expect(dead_code, reason = "the suite in tests/ uses the rest")]
#[macro_use]
#[path = "../tests/suite/support/mod.rs"]
mod support;
#[cfg(test)]
mod tests;

mod access;
mod address;
mod alerts;
mod artifacts;
mod audit;
mod backup;
mod catalog;
mod check;
mod connection;
mod custody;
mod database;
mod error;
mod events;
mod governance;
mod growth;
mod guardian;
mod history;
mod idempotency;
mod lane;
mod listing;
mod migrate;
mod past;
mod record;
mod registry;
mod schema;
mod search;
mod statement;
mod turn;
mod types;
mod wal;
mod webhooks;

pub use access::DieselAccess;
pub use address::AddressError;
pub use alerts::DieselAlerts;
pub use artifacts::DieselArtifacts;
pub use audit::{
    EntryFilter, EntryPage, KeptTimestamp, LogHead, OpenSlot, RecordEntry, StoredHashes,
};
pub use backup::{ClearHold, Copied, CopiedBlob, CopiedLog, CopyError, CopyHold, bring_back};
pub use catalog::DieselCatalog;
pub use catalog::attachments::DieselAttachments;
pub use check::{CheckItem, CheckReport, Violation};
pub use custody::{DieselRetention, Erased, Erasure, Pruned};
pub use database::{Database, DatabaseOptions, OpenDatabaseError};
pub use events::DieselEvents;
pub use governance::DieselGovernance;
pub use governance::records::DieselEvidence;
pub use growth::Growth;
pub use guardian::DieselGuardian;
pub use history::DieselHistory;
pub use past::{AsOf, PastState};
pub use registry::DieselModels;
pub use webhooks::{Desk, DieselWebhooks, Handed, PLACES, Seat};

use probity_kernel::{OrganizationId, RepositoryError};

use crate::error::{StoreError, StoreResult};

/// Goes on only while a condition holds.
fn guard(holds: bool, otherwise: RepositoryError) -> StoreResult<()> {
    if holds {
        Ok(())
    } else {
        Err(StoreError(otherwise))
    }
}

/// Goes on only with what belongs to the organisation that acts: for anybody else it does not exist.
fn own(organization: OrganizationId, owner: OrganizationId) -> StoreResult<()> {
    guard(organization == owner, RepositoryError::Stale)
}
