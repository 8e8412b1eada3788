//! The shapes of uploads and artifacts.

use probity_artifacts::{Artifact, UploadInput, UploadSession};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::Validate;

use super::signature::SignatureSummary;
use crate::http::instant;

/// An artifact that is to be uploaded.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = artifacts::NewUpload, example = json!({
    "file_name": "churn-model-v2.onnx", "content_type": "application/octet-stream",
    "total_size_bytes": 73_400_320,
    "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "artifact_kind": "model_binary", "version_label": "v2.0.0", "is_current": true,
    "metadata": {"format": "onnx", "python": "3.11"}
}))]
pub(super) struct InitiateUploadRequest {
    /// The name of the file; kept as text, at most 255 bytes.
    #[schema(required, nullable = false, min_length = 1, max_length = 255)]
    file_name: Option<String>,
    /// Its media type.
    #[schema(required, nullable = false, max_length = 255)]
    content_type: Option<String>,
    /// How many bytes it has, up to 625 GiB.
    #[schema(required, nullable = false, minimum = 0, maximum = 671_088_640_000_u64)]
    total_size_bytes: Option<i64>,
    /// The SHA-256 digest that its bytes have to have: 64 hexadecimal digits.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    sha256: Option<String>,
    /// `model_binary` when absent; also `weights`, `checkpoint`, `adapter`, `tokenizer`,
    /// `prompt_bundle`, `eval_report`, `model_card`, `other`.
    artifact_kind: Option<String>,
    #[schema(min_length = 1, max_length = 100)]
    version_label: Option<String>,
    /// A version of the product.
    product_version_id: Option<String>,
    /// A training run of the product.
    training_run_id: Option<String>,
    /// Whether the artifact becomes the current one of the product; `false` when absent.
    is_current: Option<bool>,
    /// Where else it can be found: an absolute URI, shown and never dialled.
    #[schema(max_length = 2048)]
    external_uri: Option<String>,
    /// A JSON object of up to 64 KiB; its member `format` is shown as the model's format.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

impl InitiateUploadRequest {
    pub(super) fn input(self) -> UploadInput {
        UploadInput {
            file_name: self.file_name,
            content_type: self.content_type,
            total_size_bytes: self.total_size_bytes,
            sha256: self.sha256,
            artifact_kind: self.artifact_kind,
            version_label: self.version_label,
            product_version_id: self.product_version_id,
            training_run_id: self.training_run_id,
            is_current: self.is_current,
            external_uri: self.external_uri,
            metadata: self.metadata,
        }
    }
}

/// What completes an upload; may be left out.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[schema(as = artifacts::CompleteUpload, example = json!({
    "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "is_current": true
}))]
pub(super) struct CompleteUploadRequest {
    /// The SHA-256 digest that the bytes have to have: 64 hexadecimal digits.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    pub(super) sha256: Option<String>,
    /// Whether the artifact becomes the current one; as the initiation said when absent.
    pub(super) is_current: Option<bool>,
}

/// An upload session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = artifacts::UploadSession)]
pub(super) struct UploadSessionResponse {
    id: String,
    product_id: String,
    file_name: String,
    content_type: String,
    total_size_bytes: u64,
    /// How many bytes every chunk but the last has.
    chunk_size_bytes: u64,
    expected_sha256: Option<String>,
    received_bytes: u64,
    /// Indexes of the chunks that have arrived, ascending.
    received_chunks: Vec<u32>,
    /// `initialized`, `uploading`, `completed`, `failed` or `expired`.
    status: &'static str,
    #[serde(serialize_with = "instant::serialize")]
    expires_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::option::serialize")]
    completed_at: Option<OffsetDateTime>,
    /// The artifact that it became.
    artifact_id: Option<String>,
}

impl From<UploadSession> for UploadSessionResponse {
    fn from(session: UploadSession) -> Self {
        Self {
            id: session.id.to_string(),
            product_id: session.product.to_string(),
            total_size_bytes: session.total_size,
            chunk_size_bytes: session.chunk_size,
            expected_sha256: session.expected_sha256.map(|digest| digest.to_string()),
            received_bytes: session.received_bytes(),
            received_chunks: session.chunks.keys().copied().collect(),
            status: session.status.as_str(),
            expires_at: session.expires_at,
            created_at: session.created_at,
            completed_at: session.completed_at,
            artifact_id: session.artifact.map(|id| id.to_string()),
            file_name: session.facts.file_name,
            content_type: session.facts.content_type,
        }
    }
}

/// An artifact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = artifacts::Artifact)]
pub(super) struct ArtifactResponse {
    id: String,
    product_id: String,
    product_version_id: Option<String>,
    training_run_id: Option<String>,
    artifact_kind: &'static str,
    version_label: Option<String>,
    file_name: String,
    content_type: String,
    size_bytes: u64,
    sha256: String,
    /// `local` or `s3`.
    storage_backend: String,
    storage_uri: String,
    external_uri: Option<String>,
    /// `available`, `deleted` or `failed`.
    status: &'static str,
    /// The signature that is attached to it.
    signature: Option<SignatureSummary>,
    is_current: bool,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// The user or API key that uploaded it.
    uploaded_by_id: Option<String>,
    #[serde(serialize_with = "instant::serialize")]
    uploaded_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
}

impl From<Artifact> for ArtifactResponse {
    fn from(artifact: Artifact) -> Self {
        let facts = artifact.facts;
        Self {
            id: artifact.id.to_string(),
            product_id: artifact.product.to_string(),
            product_version_id: facts.product_version.map(|id| id.to_string()),
            training_run_id: facts.training_run.map(|id| id.to_string()),
            artifact_kind: facts.kind.as_str(),
            version_label: facts.version_label,
            file_name: facts.file_name,
            content_type: facts.content_type,
            size_bytes: artifact.size,
            sha256: artifact.sha256.to_string(),
            storage_backend: artifact.backend,
            storage_uri: artifact.storage_uri,
            external_uri: facts.external_uri,
            status: artifact.status.as_str(),
            signature: artifact.signature.map(SignatureSummary::from),
            is_current: facts.is_current,
            metadata: facts.metadata,
            uploaded_by_id: id_of(&artifact.uploaded_by),
            uploaded_at: artifact.uploaded_at,
            created_at: artifact.created_at,
            updated_at: artifact.updated_at,
        }
    }
}

/// The id in a reference to a user or an API key; others have none of ours.
pub(super) fn id_of(reference: &str) -> Option<String> {
    let (kind, id) = reference.split_once(':')?;
    matches!(kind, "user" | "api_key").then(|| id.to_owned())
}
