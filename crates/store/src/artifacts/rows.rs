//! Rows of uploads, chunks and artifacts.

use std::collections::BTreeMap;
use std::str::FromStr;

use diesel::prelude::*;
use probity_artifacts::session::{Chunk, HashProgress};
use probity_artifacts::{Artifact, ArtifactFacts, Sha256Digest, Span, UploadSession};
use probity_kernel::{
    ArtifactId, OrganizationId, ProductId, ProductVersionId, RepositoryError, SpaceId,
    TrainingRunId, UploadSessionId, Version,
};
use serde::{Deserialize, Serialize};

use super::signature::{SignatureText, signature};
use crate::error::corrupt;
use crate::schema::{artifact_chunks, artifact_uploads, artifacts};
use crate::types::{Id, Utc};

const UPLOADS: &str = "artifact_uploads";
const CHUNKS: &str = "artifact_chunks";
const ARTIFACTS: &str = "artifacts";

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = artifact_uploads, treat_none_as_default_value = false)]
pub(crate) struct UploadRow {
    pub(super) id: Id,
    pub(super) organization_id: Id,
    product_id: Id,
    space_id: Id,
    file_name: String,
    content_type: String,
    artifact_kind: String,
    version_label: Option<String>,
    product_version_id: Option<Id>,
    training_run_id: Option<Id>,
    is_current: bool,
    external_uri: Option<String>,
    metadata: String,
    total_size_bytes: i64,
    chunk_size_bytes: i64,
    layout: String,
    expected_sha256: Option<Vec<u8>>,
    pub(super) status: String,
    pub(super) sealed: bool,
    pub(super) hash_chunks: i64,
    pub(super) hash_state: Vec<u8>,
    pub(super) replacements: i64,
    staging: Option<String>,
    pub(super) artifact_id: Option<Id>,
    uploaded_by: String,
    created_at: Utc,
    pub(super) updated_at: Utc,
    pub(super) expires_at: Utc,
    pub(super) completed_at: Option<Utc>,
    cleared: bool,
    pub(super) version: i64,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = artifact_chunks, treat_none_as_default_value = false)]
pub(crate) struct ChunkRow {
    organization_id: Id,
    pub(super) upload_id: Id,
    pub(super) chunk_index: i64,
    offset_bytes: i64,
    pub(super) size_bytes: i64,
    pub(super) location: String,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = artifacts, treat_none_as_default_value = false)]
pub(crate) struct ArtifactRow {
    pub(super) id: Id,
    pub(super) organization_id: Id,
    product_id: Id,
    space_id: Id,
    upload_id: Id,
    file_name: String,
    content_type: String,
    artifact_kind: String,
    version_label: Option<String>,
    product_version_id: Option<Id>,
    training_run_id: Option<Id>,
    pub(super) is_current: bool,
    external_uri: Option<String>,
    metadata: String,
    size_bytes: i64,
    sha256: Vec<u8>,
    storage_backend: String,
    blob_key: String,
    storage_uri: String,
    pub(super) status: String,
    uploaded_by: String,
    uploaded_at: Utc,
    created_at: Utc,
    pub(super) updated_at: Utc,
    verified_at: Utc,
    cleared: bool,
    pub(super) version: i64,
    #[serde(default)]
    signature: Option<String>,
}

/// A size or count as the databases keep it; the domain's bounds are far below.
pub(super) fn stored(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn word<T: FromStr>(
    table: &'static str,
    column: &'static str,
    text: &str,
) -> Result<T, RepositoryError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error: T::Err| corrupt(table, column)(Box::new(error)))
}

fn number<T: TryFrom<i64>>(
    table: &'static str,
    column: &'static str,
    value: i64,
) -> Result<T, RepositoryError>
where
    T::Error: std::error::Error + Send + Sync + 'static,
{
    T::try_from(value).map_err(|error| corrupt(table, column)(Box::new(error)))
}

fn digest(
    table: &'static str,
    column: &'static str,
    bytes: &[u8],
) -> Result<Sha256Digest, RepositoryError> {
    let bytes: [u8; 32] = bytes
        .try_into()
        .map_err(|_| corrupt(table, column)("a digest has 32 bytes".into()))?;
    Ok(Sha256Digest::from_bytes(bytes))
}

fn object(
    table: &'static str,
    text: &str,
) -> Result<serde_json::Map<String, serde_json::Value>, RepositoryError> {
    serde_json::from_str(text).map_err(|error| corrupt(table, "metadata")(Box::new(error)))
}

fn object_text(object: &serde_json::Map<String, serde_json::Value>) -> String {
    serde_json::to_string(object).unwrap_or_else(|_| "{}".to_owned())
}

impl From<&UploadSession> for UploadRow {
    fn from(session: &UploadSession) -> Self {
        let facts = &session.facts;
        Self {
            id: Id(session.id.uuid()),
            organization_id: Id(session.organization.uuid()),
            product_id: Id(session.product.uuid()),
            space_id: Id(session.space.uuid()),
            file_name: facts.file_name.clone(),
            content_type: facts.content_type.clone(),
            artifact_kind: facts.kind.as_str().to_owned(),
            version_label: facts.version_label.clone(),
            product_version_id: facts.product_version.map(|id| Id(id.uuid())),
            training_run_id: facts.training_run.map(|id| Id(id.uuid())),
            is_current: facts.is_current,
            external_uri: facts.external_uri.clone(),
            metadata: object_text(&facts.metadata),
            total_size_bytes: stored(session.total_size),
            chunk_size_bytes: stored(session.chunk_size),
            layout: session.layout.as_str().to_owned(),
            expected_sha256: session.expected_sha256.map(|it| it.as_bytes().to_vec()),
            status: session.status.as_str().to_owned(),
            sealed: session.sealed,
            hash_chunks: i64::from(session.hash.chunks),
            hash_state: session.hash.state.clone(),
            replacements: i64::from(session.hash.replacements),
            staging: session.staging.clone(),
            artifact_id: session.artifact.map(|id| Id(id.uuid())),
            uploaded_by: session.uploaded_by.clone(),
            created_at: Utc(session.created_at),
            updated_at: Utc(session.updated_at),
            expires_at: Utc(session.expires_at),
            completed_at: session.completed_at.map(Utc),
            cleared: false,
            version: session.version.get(),
        }
    }
}

impl UploadRow {
    /// The session with its chunks.
    pub(crate) fn with(self, chunks: Vec<ChunkRow>) -> Result<UploadSession, RepositoryError> {
        let expected = self.expected_sha256.as_deref();
        let expected = expected.map(|bytes| digest(UPLOADS, "expected_sha256", bytes));
        let chunks = chunks.into_iter().map(ChunkRow::into_chunk);
        Ok(UploadSession {
            id: UploadSessionId::new(self.id.0),
            organization: OrganizationId::new(self.organization_id.0),
            product: ProductId::new(self.product_id.0),
            space: SpaceId::new(self.space_id.0),
            facts: ArtifactFacts {
                file_name: self.file_name,
                content_type: self.content_type,
                kind: word(UPLOADS, "artifact_kind", &self.artifact_kind)?,
                version_label: self.version_label,
                product_version: self
                    .product_version_id
                    .map(|id| ProductVersionId::new(id.0)),
                training_run: self.training_run_id.map(|id| TrainingRunId::new(id.0)),
                is_current: self.is_current,
                external_uri: self.external_uri,
                metadata: object(UPLOADS, &self.metadata)?,
            },
            total_size: number(UPLOADS, "total_size_bytes", self.total_size_bytes)?,
            chunk_size: number(UPLOADS, "chunk_size_bytes", self.chunk_size_bytes)?,
            layout: word(UPLOADS, "layout", &self.layout)?,
            expected_sha256: expected.transpose()?,
            status: word(UPLOADS, "status", &self.status)?,
            sealed: self.sealed,
            chunks: chunks.collect::<Result<BTreeMap<_, _>, _>>()?,
            hash: HashProgress {
                chunks: number(UPLOADS, "hash_chunks", self.hash_chunks)?,
                state: self.hash_state,
                replacements: number(UPLOADS, "replacements", self.replacements)?,
            },
            staging: self.staging,
            artifact: self.artifact_id.map(|id| ArtifactId::new(id.0)),
            uploaded_by: self.uploaded_by,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            expires_at: self.expires_at.0,
            completed_at: self.completed_at.map(|at| at.0),
            version: Version::new(self.version),
        })
    }
}

impl ChunkRow {
    pub(super) fn of(session: &UploadSession, chunk: &Chunk) -> Self {
        Self {
            organization_id: Id(session.organization.uuid()),
            upload_id: Id(session.id.uuid()),
            chunk_index: i64::from(chunk.span.index),
            offset_bytes: stored(chunk.span.offset),
            size_bytes: stored(chunk.span.size),
            location: chunk.location.clone(),
        }
    }

    fn into_chunk(self) -> Result<(u32, Chunk), RepositoryError> {
        let index = number(CHUNKS, "chunk_index", self.chunk_index)?;
        let span = Span {
            index,
            offset: number(CHUNKS, "offset_bytes", self.offset_bytes)?,
            size: number(CHUNKS, "size_bytes", self.size_bytes)?,
        };
        let location = self.location;
        Ok((index, Chunk { span, location }))
    }
}

impl From<&Artifact> for ArtifactRow {
    fn from(artifact: &Artifact) -> Self {
        let facts = &artifact.facts;
        Self {
            id: Id(artifact.id.uuid()),
            organization_id: Id(artifact.organization.uuid()),
            product_id: Id(artifact.product.uuid()),
            space_id: Id(artifact.space.uuid()),
            upload_id: Id(artifact.upload.uuid()),
            file_name: facts.file_name.clone(),
            content_type: facts.content_type.clone(),
            artifact_kind: facts.kind.as_str().to_owned(),
            version_label: facts.version_label.clone(),
            product_version_id: facts.product_version.map(|id| Id(id.uuid())),
            training_run_id: facts.training_run.map(|id| Id(id.uuid())),
            is_current: facts.is_current,
            external_uri: facts.external_uri.clone(),
            metadata: object_text(&facts.metadata),
            size_bytes: stored(artifact.size),
            sha256: artifact.sha256.as_bytes().to_vec(),
            storage_backend: artifact.backend.clone(),
            blob_key: artifact.blob.clone(),
            storage_uri: artifact.storage_uri.clone(),
            status: artifact.status.as_str().to_owned(),
            uploaded_by: artifact.uploaded_by.clone(),
            uploaded_at: Utc(artifact.uploaded_at),
            created_at: Utc(artifact.created_at),
            updated_at: Utc(artifact.updated_at),
            verified_at: Utc(artifact.verified_at),
            cleared: false,
            version: artifact.version.get(),
            signature: artifact.signature.as_ref().map(SignatureText::of),
        }
    }
}

impl TryFrom<ArtifactRow> for Artifact {
    type Error = RepositoryError;

    fn try_from(row: ArtifactRow) -> Result<Self, RepositoryError> {
        Ok(Self {
            id: ArtifactId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            space: SpaceId::new(row.space_id.0),
            upload: UploadSessionId::new(row.upload_id.0),
            facts: ArtifactFacts {
                file_name: row.file_name,
                content_type: row.content_type,
                kind: word(ARTIFACTS, "artifact_kind", &row.artifact_kind)?,
                version_label: row.version_label,
                product_version: row.product_version_id.map(|id| ProductVersionId::new(id.0)),
                training_run: row.training_run_id.map(|id| TrainingRunId::new(id.0)),
                is_current: row.is_current,
                external_uri: row.external_uri,
                metadata: object(ARTIFACTS, &row.metadata)?,
            },
            size: number(ARTIFACTS, "size_bytes", row.size_bytes)?,
            sha256: digest(ARTIFACTS, "sha256", &row.sha256)?,
            backend: row.storage_backend,
            blob: row.blob_key,
            storage_uri: row.storage_uri,
            status: word(ARTIFACTS, "status", &row.status)?,
            uploaded_by: row.uploaded_by,
            uploaded_at: row.uploaded_at.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            verified_at: row.verified_at.0,
            signature: row.signature.as_deref().map(signature).transpose()?,
            version: Version::new(row.version),
        })
    }
}
