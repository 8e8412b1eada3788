//! What happened to uploads and artifacts.

use probity_kernel::{DomainEvent, Publication, Subject};
use serde_json::{Value, json};

use crate::artifact::Artifact;
use crate::session::UploadSession;

/// Why the bytes of an artifact are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageReason {
    /// They are gone.
    Missing,
    /// They are others.
    Altered,
}

impl DamageReason {
    /// Its word on the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Altered => "altered",
        }
    }
}

/// Why an upload ended without an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadEnd {
    /// Its owner gave it up.
    Aborted,
    /// Nobody touched it in time.
    Expired,
    /// The bytes do not have the expected digest.
    DigestMismatch,
    /// The digest of the completion is another than that of the initiation.
    DigestsDiffer,
}

impl UploadEnd {
    /// Its word on the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Expired => "expired",
            Self::DigestMismatch => "digest_mismatch",
            Self::DigestsDiffer => "digests_differ",
        }
    }
}

/// The event of a change of uploads and artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtifactEvent {
    /// `artifact.upload.initiated`
    UploadOpened(Box<UploadSession>),
    /// `artifact.upload.aborted`, `artifact.upload.expired`, `artifact.upload.failed`
    UploadEnded {
        /// The session as it is now.
        session: Box<UploadSession>,
        /// Why.
        end: UploadEnd,
    },
    /// `artifact.available`
    Available(Box<Artifact>),
    /// `artifact.signed`: a signature that holds was attached.
    Signed(Box<Artifact>),
    /// `artifact.deleted`
    Deleted(Box<Artifact>),
    /// `artifact.failed`: the scrubber found other bytes, or none.
    Damaged {
        /// The artifact as it is now.
        artifact: Box<Artifact>,
        /// What it found.
        reason: DamageReason,
    },
}

/// What a receiver is told about an artifact: no file name, which may speak of people.
fn facts_of(artifact: &Artifact) -> Value {
    json!({
        "artifact_id": artifact.id.to_string(),
        "product_id": artifact.product.to_string(),
        "upload_id": artifact.upload.to_string(),
        "artifact_kind": artifact.facts.kind.as_str(),
        "version_label": artifact.facts.version_label,
        "product_version_id": artifact.facts.product_version.map(|id| id.to_string()),
        "training_run_id": artifact.facts.training_run.map(|id| id.to_string()),
        "content_type": artifact.facts.content_type,
        "size_bytes": artifact.size,
        "sha256": artifact.sha256.to_string(),
        "storage_backend": artifact.backend,
        "status": artifact.status.as_str(),
        "is_current": artifact.facts.is_current,
    })
}

fn facts_of_upload(session: &UploadSession) -> Value {
    json!({
        "upload_id": session.id.to_string(),
        "product_id": session.product.to_string(),
        "artifact_kind": session.facts.kind.as_str(),
        "total_size_bytes": session.total_size,
        "chunk_size_bytes": session.chunk_size,
        "layout": session.layout.as_str(),
        "expected_sha256": session.expected_sha256.map(|digest| digest.to_string()),
        "status": session.status.as_str(),
    })
}

fn with(mut facts: Value, name: &str, value: &str) -> Value {
    if let Value::Object(members) = &mut facts {
        members.insert(name.to_owned(), json!(value));
    }
    facts
}

impl DomainEvent for ArtifactEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::UploadOpened(_) => "artifact.upload.initiated",
            Self::UploadEnded { end, .. } => match end {
                UploadEnd::Aborted => "artifact.upload.aborted",
                UploadEnd::Expired => "artifact.upload.expired",
                UploadEnd::DigestMismatch | UploadEnd::DigestsDiffer => "artifact.upload.failed",
            },
            Self::Available(_) => "artifact.available",
            Self::Signed(_) => "artifact.signed",
            Self::Deleted(_) => "artifact.deleted",
            Self::Damaged { .. } => "artifact.failed",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Self::UploadOpened(session) | Self::UploadEnded { session, .. } => Subject {
                kind: "artifact_upload",
                id: session.id.uuid(),
            },
            Self::Available(artifact)
            | Self::Signed(artifact)
            | Self::Deleted(artifact)
            | Self::Damaged { artifact, .. } => Subject {
                kind: "artifact",
                id: artifact.id.uuid(),
            },
        }
    }

    fn detail(&self) -> Value {
        match self {
            Self::UploadOpened(session) => facts_of_upload(session),
            Self::UploadEnded { session, end } => {
                with(facts_of_upload(session), "reason", end.as_str())
            }
            Self::Available(artifact) | Self::Deleted(artifact) => facts_of(artifact),
            Self::Signed(artifact) => {
                let mut facts = facts_of(artifact);
                if let (Value::Object(members), Some(signature)) = (&mut facts, &artifact.signature)
                {
                    members.insert("signature_key".to_owned(), json!(signature.key));
                    members.insert("signed_files".to_owned(), json!(signature.files));
                }
                facts
            }
            Self::Damaged { artifact, reason } => {
                with(facts_of(artifact), "reason", reason.as_str())
            }
        }
    }

    fn publications(&self) -> Vec<Publication> {
        let (event_type, artifact, reason) = match self {
            Self::UploadOpened(_) | Self::UploadEnded { .. } | Self::Signed(_) => {
                return Vec::new();
            }
            Self::Available(artifact) => {
                let reason = "an artifact was uploaded and its digest verified";
                ("artifact.available", artifact, reason)
            }
            Self::Deleted(artifact) => ("artifact.deleted", artifact, "an artifact was deleted"),
            Self::Damaged { artifact, reason } => {
                let told = match reason {
                    DamageReason::Missing => "the bytes of an artifact are gone from the store",
                    DamageReason::Altered => "the bytes of an artifact do not have its digest",
                };
                ("artifact.failed", artifact, told)
            }
        };
        vec![Publication {
            event_type,
            source_table: "artifacts",
            source_id: artifact.id.uuid(),
            product: Some(artifact.product),
            trigger_reason: reason.to_owned(),
            payload: self.detail(),
            score_before: None,
            score_after: None,
        }]
    }
}
