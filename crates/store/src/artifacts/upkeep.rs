//! What maintenance reads over all organisations, and marks without a record.

use diesel::prelude::*;
use probity_artifacts::{Artifact, ArtifactStatus, ArtifactUpkeep, BlobKey, UploadSession};
use probity_kernel::{ArtifactId, OrganizationId, RepositoryError, UploadSessionId};
use time::OffsetDateTime;

use super::DieselArtifacts;
use super::query::{self, OPEN};
use super::rows::{ArtifactRow, UploadRow};
use crate::backup::ClearHold;
use crate::connection::Scope;
use crate::error::{StoreError, StoreResult};
use crate::schema::{artifact_uploads, artifacts};
use crate::types::{Id, Utc};

fn parsed(rows: Vec<ArtifactRow>) -> StoreResult<Vec<Artifact>> {
    let parsed = rows.into_iter().map(TryInto::try_into);
    parsed.collect::<Result<_, _>>().map_err(StoreError)
}

impl DieselArtifacts {
    /// How many available artifacts have their bytes in another backend than this. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database says.
    pub fn elsewhere(&self, backend: &str) -> Result<u64, RepositoryError> {
        self.database.system_read(|conn| {
            let found: i64 = artifacts::table
                .filter(artifacts::status.eq(ArtifactStatus::Available.as_str()))
                .filter(artifacts::storage_backend.ne(backend))
                .count()
                .get_result(conn)?;
            Ok(u64::try_from(found).unwrap_or_default())
        })
    }
}

impl ArtifactUpkeep for DieselArtifacts {
    type Clearing = ClearHold;

    async fn begin_clearing(&self) -> Result<Option<ClearHold>, RepositoryError> {
        let database = self.database.clone();
        let held = tokio::task::spawn_blocking(move || database.try_hold_for_clearing());
        held.await
            .map_err(|error| RepositoryError::Database(Box::new(error)))?
    }

    async fn expired_uploads(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<UploadSession>, RepositoryError> {
        self.database
            .scan(Scope::System, move |conn| {
                let rows: Vec<UploadRow> = artifact_uploads::table
                    .filter(artifact_uploads::status.eq_any(OPEN))
                    .filter(artifact_uploads::expires_at.le(Utc(now)))
                    .order(artifact_uploads::expires_at)
                    .limit(i64::from(limit))
                    .select(UploadRow::as_select())
                    .load(conn)?;
                let sessions = rows.into_iter();
                sessions.map(|row| query::with_chunks(conn, row)).collect()
            })
            .await
    }

    async fn uncleared_uploads(&self, limit: u32) -> Result<Vec<UploadSession>, RepositoryError> {
        self.database
            .scan(Scope::System, move |conn| {
                let rows: Vec<UploadRow> = artifact_uploads::table
                    .filter(artifact_uploads::status.ne_all(OPEN))
                    .filter(artifact_uploads::cleared.eq(false))
                    .order(artifact_uploads::id)
                    .limit(i64::from(limit))
                    .select(UploadRow::as_select())
                    .load(conn)?;
                // Where chunks lie is of no matter to what clears them.
                let sessions = rows.into_iter().map(|row| row.with(Vec::new()));
                sessions.collect::<Result<_, _>>().map_err(StoreError)
            })
            .await
    }

    async fn upload_cleared(
        &self,
        organization: OrganizationId,
        id: UploadSessionId,
    ) -> Result<(), RepositoryError> {
        self.database
            .write(organization, move |tx| {
                diesel::update(artifact_uploads::table)
                    .filter(artifact_uploads::organization_id.eq(Id(organization.uuid())))
                    .filter(artifact_uploads::id.eq(Id(id.uuid())))
                    .set(artifact_uploads::cleared.eq(true))
                    .execute(tx.writing())?;
                Ok(())
            })
            .await
    }

    async fn uncleared_artifacts(&self, limit: u32) -> Result<Vec<Artifact>, RepositoryError> {
        self.database
            .scan(Scope::System, move |conn| {
                let rows: Vec<ArtifactRow> = artifacts::table
                    .filter(artifacts::status.eq(ArtifactStatus::Deleted.as_str()))
                    .filter(artifacts::cleared.eq(false))
                    .order(artifacts::id)
                    .limit(i64::from(limit))
                    .select(ArtifactRow::as_select())
                    .load(conn)?;
                parsed(rows)
            })
            .await
    }

    async fn artifact_cleared(
        &self,
        organization: OrganizationId,
        id: ArtifactId,
    ) -> Result<(), RepositoryError> {
        self.database
            .write(organization, move |tx| {
                diesel::update(artifacts::table)
                    .filter(artifacts::organization_id.eq(Id(organization.uuid())))
                    .filter(artifacts::id.eq(Id(id.uuid())))
                    .set(artifacts::cleared.eq(true))
                    .execute(tx.writing())?;
                Ok(())
            })
            .await
    }

    async fn is_referenced(&self, blob: &BlobKey) -> Result<bool, RepositoryError> {
        let blob = blob.clone();
        self.database
            .scan(Scope::Organization(blob.organization), move |conn| {
                let found: i64 = artifacts::table
                    .filter(artifacts::organization_id.eq(Id(blob.organization.uuid())))
                    .filter(artifacts::blob_key.eq(&blob.key))
                    .filter(artifacts::status.ne(ArtifactStatus::Deleted.as_str()))
                    .count()
                    .get_result(conn)?;
                Ok(found > 0)
            })
            .await
    }

    async fn is_open(
        &self,
        organization: OrganizationId,
        id: UploadSessionId,
    ) -> Result<bool, RepositoryError> {
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                let found: i64 = artifact_uploads::table
                    .filter(artifact_uploads::organization_id.eq(Id(organization.uuid())))
                    .filter(artifact_uploads::id.eq(Id(id.uuid())))
                    .filter(artifact_uploads::status.eq_any(OPEN))
                    .count()
                    .get_result(conn)?;
                Ok(found > 0)
            })
            .await
    }

    async fn unverified_artifacts(
        &self,
        before: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Artifact>, RepositoryError> {
        self.database
            .scan(Scope::System, move |conn| {
                let rows: Vec<ArtifactRow> = artifacts::table
                    .filter(artifacts::status.eq(ArtifactStatus::Available.as_str()))
                    .filter(artifacts::verified_at.lt(Utc(before)))
                    .order(artifacts::verified_at)
                    .limit(i64::from(limit))
                    .select(ArtifactRow::as_select())
                    .load(conn)?;
                parsed(rows)
            })
            .await
    }

    async fn artifact_verified(
        &self,
        organization: OrganizationId,
        id: ArtifactId,
        at: OffsetDateTime,
    ) -> Result<(), RepositoryError> {
        self.database
            .write(organization, move |tx| {
                diesel::update(artifacts::table)
                    .filter(artifacts::organization_id.eq(Id(organization.uuid())))
                    .filter(artifacts::id.eq(Id(id.uuid())))
                    .set(artifacts::verified_at.eq(Utc(at)))
                    .execute(tx.writing())?;
                Ok(())
            })
            .await
    }
}
