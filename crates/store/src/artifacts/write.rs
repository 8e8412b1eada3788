//! Writing uploads and artifacts.

use diesel::prelude::*;
use probity_artifacts::session::{Accepted, HashAdvance, Receipt};
use probity_artifacts::{
    Artifact, ArtifactWrite, SignatureProof, UploadRefusal, UploadSession, UploadStatus,
};
use probity_kernel::{
    ArtifactId, Context, OrganizationId, ProductId, RepositoryError, UploadSessionId, Version,
};

use super::query;
use super::rows::{ArtifactRow, ChunkRow, UploadRow};
use super::signature::{ProofText, SignatureText};
use crate::catalog::attachments::check_live;
use crate::error::{StoreError, StoreResult};
use crate::schema::{
    artifact_chunks, artifact_uploads, artifacts, product_versions, training_runs,
};
use crate::turn::Tx;
use crate::types::{Id, Utc};
use crate::{guard, own};

/// Writes; answers which artifacts are no longer current because of it.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    context: &Context,
    write: &ArtifactWrite,
) -> StoreResult<Vec<ArtifactId>> {
    let organization = context.organization;
    match write {
        ArtifactWrite::Open { session, quota } => {
            own(organization, session.organization)?;
            open(tx, session, *quota)?;
        }
        ArtifactWrite::End { next, expected } => {
            own(organization, next.organization)?;
            end(tx, context, next, *expected)?;
        }
        ArtifactWrite::Complete {
            session,
            expected,
            artifact,
            shared,
        } => {
            own(organization, session.organization)?;
            own(organization, artifact.organization)?;
            return complete(tx, context, session, *expected, artifact, shared.as_deref());
        }
        ArtifactWrite::Sign {
            next,
            expected,
            proof,
        } => {
            own(organization, next.organization)?;
            update(tx, next, *expected)?;
            keep_signature(tx, next, proof)?;
        }
        ArtifactWrite::Update { next, expected } => {
            own(organization, next.organization)?;
            update(tx, next, *expected)?;
        }
    }
    Ok(Vec::new())
}

fn refused(refusal: UploadRefusal) -> StoreError {
    StoreError(RepositoryError::Conflict(refusal.key()))
}

fn open(tx: &mut Tx<'_>, session: &UploadSession, quota: Option<u64>) -> StoreResult<()> {
    check_live(tx.conn, session.organization, session.product)?;
    let organization = Id(session.organization.uuid());
    let product = Id(session.product.uuid());
    if let Some(version) = session.facts.product_version {
        let found: i64 = product_versions::table
            .filter(product_versions::organization_id.eq(organization))
            .filter(product_versions::product_id.eq(product))
            .filter(product_versions::id.eq(Id(version.uuid())))
            .count()
            .get_result(tx.conn)?;
        guard(found == 1, RepositoryError::Conflict("product_version_id"))?;
    }
    if let Some(run) = session.facts.training_run {
        let found: i64 = training_runs::table
            .filter(training_runs::organization_id.eq(organization))
            .filter(training_runs::product_id.eq(product))
            .filter(training_runs::id.eq(Id(run.uuid())))
            .count()
            .get_result(tx.conn)?;
        guard(found == 1, RepositoryError::Conflict("training_run_id"))?;
    }
    if let Some(quota) = quota {
        let used = query::used_bytes(tx.conn, session.organization, session.space)?;
        let room = used.saturating_add(session.total_size) <= quota;
        guard(room, RepositoryError::Conflict("quota"))?;
    }
    diesel::insert_into(artifact_uploads::table)
        .values(UploadRow::from(session))
        .execute(tx.writing())?;
    Ok(())
}

fn end(
    tx: &mut Tx<'_>,
    context: &Context,
    next: &UploadSession,
    expected: Version,
) -> StoreResult<()> {
    let known: Option<(i64, Utc)> = artifact_uploads::table
        .filter(artifact_uploads::organization_id.eq(Id(next.organization.uuid())))
        .filter(artifact_uploads::id.eq(Id(next.id.uuid())))
        .select((artifact_uploads::version, artifact_uploads::expires_at))
        .get_result(tx.conn)
        .optional()?;
    let early = |expires: Utc| next.status == UploadStatus::Expired && expires.0 > context.now;
    let due = known.is_some_and(|(version, expires)| version == expected.get() && !early(expires));
    guard(due, RepositoryError::Stale)?;
    diesel::update(artifact_uploads::table)
        .filter(artifact_uploads::organization_id.eq(Id(next.organization.uuid())))
        .filter(artifact_uploads::id.eq(Id(next.id.uuid())))
        .set((
            artifact_uploads::status.eq(next.status.as_str()),
            artifact_uploads::updated_at.eq(Utc(next.updated_at)),
            artifact_uploads::version.eq(next.version.get()),
        ))
        .execute(tx.writing())?;
    Ok(())
}

fn complete(
    tx: &mut Tx<'_>,
    context: &Context,
    next: &UploadSession,
    expected: Version,
    artifact: &Artifact,
    shared: Option<&str>,
) -> StoreResult<Vec<ArtifactId>> {
    check_live(tx.conn, next.organization, next.product)?;
    let known = find(tx, next.organization, next.product, next.id)?;
    known.check_unfinished(context.now).map_err(refused)?;
    guard(
        known.sealed && known.version == expected,
        RepositoryError::Stale,
    )?;
    // Bytes that are shared must still be somebody's: otherwise they may be on their way out.
    let (backend, sha256) = (&artifact.backend, artifact.sha256);
    let found = query::blob_with(tx.conn, artifact.organization, backend, sha256)?;
    guard(found.as_deref() == shared, RepositoryError::Stale)?;
    let replaced = if artifact.facts.is_current {
        take_place(tx, context, artifact)?
    } else {
        Vec::new()
    };
    diesel::insert_into(artifacts::table)
        .values(ArtifactRow::from(artifact))
        .execute(tx.writing())?;
    diesel::update(artifact_uploads::table)
        .filter(artifact_uploads::organization_id.eq(Id(next.organization.uuid())))
        .filter(artifact_uploads::id.eq(Id(next.id.uuid())))
        .set((
            artifact_uploads::status.eq(next.status.as_str()),
            artifact_uploads::artifact_id.eq(next.artifact.map(|id| Id(id.uuid()))),
            artifact_uploads::completed_at.eq(next.completed_at.map(Utc)),
            artifact_uploads::updated_at.eq(Utc(next.updated_at)),
            artifact_uploads::version.eq(next.version.get()),
        ))
        .execute(tx.writing())?;
    Ok(replaced)
}

/// Takes the flag from the current artifact of the product; answers whose it was.
fn take_place(
    tx: &mut Tx<'_>,
    context: &Context,
    artifact: &Artifact,
) -> StoreResult<Vec<ArtifactId>> {
    let current = artifacts::table
        .filter(artifacts::organization_id.eq(Id(artifact.organization.uuid())))
        .filter(artifacts::product_id.eq(Id(artifact.product.uuid())))
        .filter(artifacts::is_current.eq(true));
    let found: Vec<Id> = current.select(artifacts::id).load(tx.conn)?;
    if !found.is_empty() {
        diesel::update(current)
            .set((
                artifacts::is_current.eq(false),
                artifacts::updated_at.eq(Utc(context.now)),
                artifacts::version.eq(artifacts::version + 1),
            ))
            .execute(tx.writing())?;
    }
    Ok(found.into_iter().map(|id| ArtifactId::new(id.0)).collect())
}

fn update(tx: &mut Tx<'_>, next: &Artifact, expected: Version) -> StoreResult<()> {
    let changed = diesel::update(artifacts::table)
        .filter(artifacts::organization_id.eq(Id(next.organization.uuid())))
        .filter(artifacts::id.eq(Id(next.id.uuid())))
        .filter(artifacts::version.eq(expected.get()))
        .set((
            artifacts::status.eq(next.status.as_str()),
            artifacts::is_current.eq(next.facts.is_current),
            artifacts::updated_at.eq(Utc(next.updated_at)),
            artifacts::version.eq(next.version.get()),
        ))
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)
}

fn keep_signature(tx: &mut Tx<'_>, next: &Artifact, proof: &SignatureProof) -> StoreResult<()> {
    let facts = next.signature.as_ref().map(SignatureText::of);
    let proof = ProofText::of(proof);
    diesel::update(artifacts::table)
        .filter(artifacts::organization_id.eq(Id(next.organization.uuid())))
        .filter(artifacts::id.eq(Id(next.id.uuid())))
        .set((
            artifacts::signature.eq(facts),
            artifacts::signature_proof.eq(proof),
        ))
        .execute(tx.writing())?;
    Ok(())
}

/// A session of a product inside the transaction.
fn find(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    product: ProductId,
    id: UploadSessionId,
) -> StoreResult<UploadSession> {
    let found = query::find_upload(tx.conn, organization, id)?;
    let found = found.filter(|session| session.product == product);
    found.ok_or_else(|| refused(UploadRefusal::Gone))
}

pub(super) fn record_chunk(
    tx: &mut Tx<'_>,
    context: &Context,
    product: ProductId,
    id: UploadSessionId,
    receipt: Receipt,
) -> StoreResult<(UploadSession, Accepted)> {
    check_live(tx.conn, context.organization, product)?;
    let mut session = find(tx, context.organization, product, id)?;
    let index = receipt.span.index;
    let accepted = session.accept(context.now, receipt).map_err(refused)?;
    let row = session.chunks.get(&index);
    let row = row.map(|chunk| ChunkRow::of(&session, chunk));
    match (&accepted, row) {
        (Accepted::Stored, Some(row)) => {
            diesel::insert_into(artifact_chunks::table)
                .values(row)
                .execute(tx.writing())?;
        }
        (Accepted::Replaced(_), Some(row)) => {
            diesel::update(artifact_chunks::table)
                .filter(artifact_chunks::organization_id.eq(Id(context.organization.uuid())))
                .filter(artifact_chunks::upload_id.eq(row.upload_id))
                .filter(artifact_chunks::chunk_index.eq(row.chunk_index))
                .set((
                    artifact_chunks::size_bytes.eq(row.size_bytes),
                    artifact_chunks::location.eq(&row.location),
                ))
                .execute(tx.writing())?;
        }
        (Accepted::Unchanged, _) | (_, None) => {}
    }
    keep_progress(tx, &session)?;
    Ok((session, accepted))
}

pub(super) fn advance_hash(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: UploadSessionId,
    hash: &HashAdvance,
) -> StoreResult<bool> {
    let found = query::find_upload(tx.conn, organization, id)?;
    let mut session = found.ok_or_else(|| refused(UploadRefusal::Gone))?;
    let useful = session.status.is_open() && session.advance(hash);
    if useful {
        keep_progress(tx, &session)?;
    }
    Ok(useful)
}

pub(super) fn seal(
    tx: &mut Tx<'_>,
    context: &Context,
    product: ProductId,
    id: UploadSessionId,
) -> StoreResult<UploadSession> {
    check_live(tx.conn, context.organization, product)?;
    let mut session = find(tx, context.organization, product, id)?;
    let sealed = session.sealed;
    session.seal(context.now).map_err(refused)?;
    if !sealed {
        keep_progress(tx, &session)?;
    }
    Ok(session)
}

/// What moves with chunks, and is not on the record.
fn keep_progress(tx: &mut Tx<'_>, session: &UploadSession) -> StoreResult<()> {
    diesel::update(artifact_uploads::table)
        .filter(artifact_uploads::organization_id.eq(Id(session.organization.uuid())))
        .filter(artifact_uploads::id.eq(Id(session.id.uuid())))
        .set((
            artifact_uploads::status.eq(session.status.as_str()),
            artifact_uploads::sealed.eq(session.sealed),
            artifact_uploads::hash_chunks.eq(i64::from(session.hash.chunks)),
            artifact_uploads::hash_state.eq(&session.hash.state),
            artifact_uploads::replacements.eq(i64::from(session.hash.replacements)),
            artifact_uploads::updated_at.eq(Utc(session.updated_at)),
            artifact_uploads::expires_at.eq(Utc(session.expires_at)),
        ))
        .execute(tx.writing())?;
    Ok(())
}
