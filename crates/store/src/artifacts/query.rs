//! Reading uploads and artifacts.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use probity_artifacts::{
    Artifact, ArtifactStatus, ArtifactSummary, Sha256Digest, UploadSession, UploadStatus,
};
use probity_kernel::{OrganizationId, ProductId, SpaceId, UploadSessionId};

use super::rows::{ArtifactRow, ChunkRow, UploadRow};
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult};
use crate::schema::{artifact_chunks, artifact_uploads, artifacts};
use crate::types::Id;

/// The statuses in which a session takes chunks.
pub(super) const OPEN: [&str; 2] = [
    UploadStatus::Initialized.as_str(),
    UploadStatus::Uploading.as_str(),
];
const DELETED: &str = ArtifactStatus::Deleted.as_str();

/// A session with its chunks.
pub(super) fn find_upload(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    id: UploadSessionId,
) -> StoreResult<Option<UploadSession>> {
    let row = upload_row(conn, organization, id)?;
    row.map(|row| with_chunks(conn, row)).transpose()
}

fn upload_row(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    id: UploadSessionId,
) -> StoreResult<Option<UploadRow>> {
    Ok(artifact_uploads::table
        .filter(artifact_uploads::organization_id.eq(Id(organization.uuid())))
        .filter(artifact_uploads::id.eq(Id(id.uuid())))
        .select(UploadRow::as_select())
        .get_result(conn)
        .optional()?)
}

/// A session with the chunk at an index, if it has arrived.
pub(super) fn find_upload_at(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    id: UploadSessionId,
    index: u32,
) -> StoreResult<Option<UploadSession>> {
    let Some(row) = upload_row(conn, organization, id)? else {
        return Ok(None);
    };
    let chunks: Vec<ChunkRow> = artifact_chunks::table
        .filter(artifact_chunks::organization_id.eq(row.organization_id))
        .filter(artifact_chunks::upload_id.eq(row.id))
        .filter(artifact_chunks::chunk_index.eq(i64::from(index)))
        .select(ChunkRow::as_select())
        .load(conn)?;
    row.with(chunks).map(Some).map_err(StoreError)
}

/// The session of a row with its chunks.
pub(super) fn with_chunks(conn: &mut AnyConnection, row: UploadRow) -> StoreResult<UploadSession> {
    let chunks: Vec<ChunkRow> = artifact_chunks::table
        .filter(artifact_chunks::organization_id.eq(row.organization_id))
        .filter(artifact_chunks::upload_id.eq(row.id))
        .order(artifact_chunks::chunk_index)
        .select(ChunkRow::as_select())
        .load(conn)?;
    row.with(chunks).map_err(StoreError)
}

/// The key of the blob that has some bytes already.
pub(super) fn blob_with(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    backend: &str,
    sha256: Sha256Digest,
) -> StoreResult<Option<String>> {
    let found = artifacts::table
        .filter(artifacts::organization_id.eq(Id(organization.uuid())))
        .filter(artifacts::sha256.eq(sha256.as_bytes().to_vec()))
        .filter(artifacts::storage_backend.eq(backend))
        .filter(artifacts::status.eq(ArtifactStatus::Available.as_str()))
        .order(artifacts::id)
        .select(artifacts::blob_key)
        .first(conn)
        .optional()?;
    Ok(found)
}

/// How many bytes a space holds.
pub(super) fn used_bytes(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    space: SpaceId,
) -> StoreResult<u64> {
    use diesel::sql_types::BigInt;
    #[derive(diesel::QueryableByName)]
    struct Held {
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let statement = "SELECT CAST(COALESCE((SELECT SUM(size_bytes) FROM artifacts \
         WHERE organization_id = $1 AND space_id = $2 AND status <> 'deleted'), 0) \
         + COALESCE((SELECT SUM(total_size_bytes) FROM artifact_uploads \
         WHERE organization_id = $1 AND space_id = $2 \
         AND status IN ('initialized', 'uploading')), 0) AS BIGINT) AS bytes";
    let held: Held = diesel::sql_query(statement)
        .into_boxed::<MultiBackend>()
        .bind::<crate::types::AnyUuid, _>(Id(organization.uuid()))
        .bind::<crate::types::AnyUuid, _>(Id(space.uuid()))
        .get_result(conn)?;
    Ok(u64::try_from(held.bytes).unwrap_or_default())
}

/// How many artifacts that are not deleted each of the products has, and which is the current one.
pub(super) fn summarize(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    products: &[Id],
) -> StoreResult<HashMap<ProductId, ArtifactSummary>> {
    let counted: Vec<(Id, i64)> = artifacts::table
        .filter(artifacts::organization_id.eq(Id(organization.uuid())))
        .filter(artifacts::product_id.eq_any(products.to_vec()))
        .filter(artifacts::status.ne(DELETED))
        .group_by(artifacts::product_id)
        .select((artifacts::product_id, count_star()))
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    let summary = |(product, count): (Id, i64)| {
        let summary = ArtifactSummary {
            count: u64::try_from(count).unwrap_or_default(),
            current: None,
        };
        (ProductId::new(product.0), summary)
    };
    let mut summaries: HashMap<_, _> = counted.into_iter().map(summary).collect();
    if summaries.is_empty() {
        return Ok(summaries);
    }
    let current: Vec<ArtifactRow> = artifacts::table
        .filter(artifacts::organization_id.eq(Id(organization.uuid())))
        .filter(artifacts::product_id.eq_any(products.to_vec()))
        .filter(artifacts::is_current.eq(true))
        .select(ArtifactRow::as_select())
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    for row in current {
        let artifact = Artifact::try_from(row).map_err(StoreError)?;
        if let Some(summary) = summaries.get_mut(&artifact.product) {
            summary.current = Some(artifact);
        }
    }
    Ok(summaries)
}
