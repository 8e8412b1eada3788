//! Tokens of time-stamp authorities over checkpoints.

use diesel::prelude::*;
use probity_kernel::{OrganizationId, RepositoryError};
use time::OffsetDateTime;

use super::signed;
use crate::connection::{AnyConnection, Scope};
use crate::database::Database;
use crate::error::{StoreResult, corrupt};
use crate::schema::{audit_checkpoints, audit_timestamps};
use crate::types::{Id, Utc};

/// A checkpoint with the token over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptTimestamp {
    /// The size of the log in the checkpoint.
    pub size: u64,
    /// The signed note, whose bytes were stamped.
    pub note: String,
    /// The token, DER.
    pub token: Vec<u8>,
}

/// A stamped checkpoint of at most `size` entries: the last one, or the first that covers `end` entries.
fn find(
    conn: &mut AnyConnection,
    (organization, epoch): (OrganizationId, u64),
    (end, size): (Option<u64>, u64),
) -> StoreResult<Option<KeptTimestamp>> {
    let (key, epoch) = (Id(organization.uuid()), signed(epoch));
    let stamped = audit_timestamps::table
        .filter(audit_timestamps::organization_id.eq(key))
        .filter(audit_timestamps::epoch.eq(epoch))
        .filter(audit_timestamps::size.le(signed(size)))
        .select((audit_timestamps::size, audit_timestamps::token));
    let found: Option<(i64, Vec<u8>)> = match end {
        Some(end) => stamped
            .filter(audit_timestamps::size.ge(signed(end)))
            .order(audit_timestamps::size)
            .first(conn),
        None => stamped.order(audit_timestamps::size.desc()).first(conn),
    }
    .optional()?;
    let Some((size, token)) = found else {
        return Ok(None);
    };
    let note = audit_checkpoints::table
        .find((key, epoch, size))
        .select(audit_checkpoints::note)
        .get_result(conn)?;
    let size =
        u64::try_from(size).map_err(|error| corrupt("audit_timestamps", "size")(error.into()))?;
    Ok(Some(KeptTimestamp { size, note, token }))
}

impl Database {
    /// The size and the instant of the last time stamp of a log. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database says.
    pub fn last_timestamp(
        &self,
        organization: OrganizationId,
        epoch: u64,
    ) -> Result<Option<(u64, OffsetDateTime)>, RepositoryError> {
        self.system_read(|conn| {
            let last: Option<(i64, Utc)> = audit_timestamps::table
                .filter(audit_timestamps::organization_id.eq(Id(organization.uuid())))
                .filter(audit_timestamps::epoch.eq(signed(epoch)))
                .order(audit_timestamps::size.desc())
                .select((audit_timestamps::size, audit_timestamps::stamped_at))
                .first(conn)
                .optional()?;
            Ok(last.map(|(size, at)| (u64::try_from(size).unwrap_or(0), at.0)))
        })
    }

    /// Keeps the token over a checkpoint that is kept. Blocks meanwhile, so not for a thread of an async runtime.
    ///
    /// # Errors
    /// `Unavailable` after [`drain`](Self::drain), and what the database says.
    pub fn keep_timestamp(
        &self,
        organization: OrganizationId,
        (epoch, size): (u64, u64),
        token: &[u8],
        stamped_at: OffsetDateTime,
    ) -> Result<(), RepositoryError> {
        let token = token.to_vec();
        self.system_write(organization, move |conn| {
            diesel::insert_into(audit_timestamps::table)
                .values((
                    audit_timestamps::organization_id.eq(Id(organization.uuid())),
                    audit_timestamps::epoch.eq(signed(epoch)),
                    audit_timestamps::size.eq(signed(size)),
                    audit_timestamps::token.eq(&token),
                    audit_timestamps::stamped_at.eq(Utc(stamped_at)),
                ))
                .execute(conn)?;
            Ok(())
        })
    }

    /// What tells when the first `end` entries existed, as seen from a checkpoint over `size`: the first stamped checkpoint
    /// that covers them, and the last one of all.
    ///
    /// # Errors
    /// What the database says.
    pub async fn timestamps(
        &self,
        organization: OrganizationId,
        epoch: u64,
        end: u64,
        size: u64,
    ) -> Result<Vec<KeptTimestamp>, RepositoryError> {
        self.scan(Scope::Organization(organization), move |conn| {
            let log = (organization, epoch);
            let mut found: Vec<KeptTimestamp> =
                find(conn, log, (Some(end), size))?.into_iter().collect();
            let last = find(conn, log, (None, size))?;
            found.extend(last.filter(|last| found.iter().all(|one| one.size < last.size)));
            Ok(found)
        })
        .await
    }
}
