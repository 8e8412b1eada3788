//! What happened to uploads and artifacts.

use probity_kernel::{
    ArtifactId, DomainEvent, ProductId, Publication, Subject, Trail, UploadSessionId, differences,
};
use serde_json::{Map, Value, json};

use crate::artifact::Artifact;
use crate::session::UploadSession;
use crate::vocabulary::UploadStatus;

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
        /// Where it stood before.
        before: UploadStatus,
        /// Why.
        end: UploadEnd,
    },
    /// `artifact.available`
    Available {
        /// The artifact.
        artifact: Box<Artifact>,
        /// Where the upload that it came from stood before.
        upload: UploadStatus,
        /// The artifacts that are no longer current because of it; see [`ArtifactEvent::replacing`].
        replaced: Vec<ArtifactId>,
    },
    /// `artifact.signed`: a signature that holds was attached.
    Signed(Box<Move>),
    /// `artifact.deleted`
    Deleted(Box<Move>),
    /// `artifact.failed`: the scrubber found other bytes, or none.
    Damaged {
        /// The artifact.
        artifact: Box<Move>,
        /// What it found.
        reason: DamageReason,
    },
}

/// An artifact before and after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// As it was.
    pub before: Artifact,
    /// As it is now.
    pub after: Artifact,
}

impl ArtifactEvent {
    /// The same event, telling which artifacts are no longer current: known only to the transaction.
    #[must_use]
    pub fn replacing(mut self, artifacts: Vec<ArtifactId>) -> Self {
        if let Self::Available { replaced, .. } = &mut self {
            *replaced = artifacts;
        }
        self
    }

    /// What it is about, and the product that it belongs to.
    fn about(&self) -> (Subject, ProductId) {
        match self {
            Self::UploadOpened(session) | Self::UploadEnded { session, .. } => {
                (upload(session.id), session.product)
            }
            Self::Available { artifact: it, .. } => (artifact(it.id), it.product),
            Self::Signed(it) | Self::Deleted(it) | Self::Damaged { artifact: it, .. } => {
                (artifact(it.after.id), it.after.product)
            }
        }
    }

    /// The artifact as it is now, where the event is about one.
    fn artifact(&self) -> Option<&Artifact> {
        match self {
            Self::UploadOpened(_) | Self::UploadEnded { .. } => None,
            Self::Available { artifact, .. } => Some(artifact),
            Self::Signed(moved) | Self::Deleted(moved) => Some(&moved.after),
            Self::Damaged { artifact, .. } => Some(&artifact.after),
        }
    }

    /// The facts that are now.
    fn facts(&self) -> Value {
        match self {
            Self::UploadOpened(session) | Self::UploadEnded { session, .. } => {
                facts_of_upload(session)
            }
            Self::Signed(moved) => signed_facts_of(&moved.after),
            Self::Available { artifact, .. } => facts_of(artifact),
            Self::Deleted(moved) => facts_of(&moved.after),
            Self::Damaged { artifact, reason } => {
                with(facts_of(&artifact.after), "reason", reason.as_str())
            }
        }
    }

    /// The fields that changed, each before and after.
    fn changes(&self) -> Map<String, Value> {
        let none = Value::Null;
        match self {
            Self::UploadOpened(session) => changed(&none, &facts_of_upload(session)),
            Self::UploadEnded {
                session, before, ..
            } => {
                let was = with(facts_of_upload(session), "status", before.as_str());
                changed(&was, &facts_of_upload(session))
            }
            Self::Available { artifact, .. } => changed(&none, &facts_of(artifact)),
            Self::Signed(moved) | Self::Deleted(moved) => moved.changes(),
            Self::Damaged { artifact, .. } => artifact.changes(),
        }
    }
}

impl Move {
    fn changes(&self) -> Map<String, Value> {
        changed(
            &signed_facts_of(&self.before),
            &signed_facts_of(&self.after),
        )
    }
}

/// Whose it is and which it is does not change.
const LASTING: [&str; 3] = ["artifact_id", "upload_id", "product_id"];

/// Every fact that differs.
fn changed(before: &Value, after: &Value) -> Map<String, Value> {
    let mut changed = differences(before, after);
    changed.retain(|name, _| !LASTING.contains(&name.as_str()));
    changed
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

/// The same with the signature.
fn signed_facts_of(artifact: &Artifact) -> Value {
    let mut facts = facts_of(artifact);
    if let (Value::Object(members), Some(signature)) = (&mut facts, &artifact.signature) {
        members.insert("signature_key".to_owned(), json!(signature.key));
        members.insert("signed_files".to_owned(), json!(signature.files));
    }
    facts
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

fn upload(id: UploadSessionId) -> Subject {
    Subject {
        kind: "artifact_upload",
        id: id.uuid(),
    }
}

fn artifact(id: ArtifactId) -> Subject {
    Subject {
        kind: "artifact",
        id: id.uuid(),
    }
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
            Self::Available { .. } => "artifact.available",
            Self::Signed(_) => "artifact.signed",
            Self::Deleted(_) => "artifact.deleted",
            Self::Damaged { .. } => "artifact.failed",
        }
    }

    fn subject(&self) -> Subject {
        self.about().0
    }

    /// An artifact ends its upload, and takes the place of the current one where it is to be that.
    fn trails(&self) -> Vec<Trail> {
        let (subject, product) = self.about();
        let mut subjects = vec![subject];
        if let Self::Available {
            artifact: made,
            replaced,
            ..
        } = self
        {
            subjects.push(upload(made.upload));
            subjects.extend(replaced.iter().copied().map(artifact));
        }
        let trail = |subject| Trail {
            subject,
            product: Some(product),
        };
        subjects.into_iter().map(trail).collect()
    }

    fn detail(&self) -> Value {
        let mut detail = self.facts();
        let Some(members) = detail.as_object_mut() else {
            return detail;
        };
        members.insert("changes".to_owned(), Value::Object(self.changes()));
        if let Self::UploadEnded { end, .. } = self {
            members.insert("reason".to_owned(), json!(end.as_str()));
        }
        if let Self::Available {
            artifact,
            upload,
            replaced,
        } = self
        {
            let status =
                json!({"before": upload.as_str(), "after": UploadStatus::Completed.as_str()});
            let made = json!({"before": null, "after": artifact.id.to_string()});
            let upload = artifact.upload.to_string();
            members.insert(
                "uploads".to_owned(),
                json!([{"id": upload, "status": status, "artifact_id": made}]),
            );
            let cleared = replaced.iter().map(
                |id| json!({"id": id.to_string(), "is_current": {"before": true, "after": false}}),
            );
            members.insert("replaced".to_owned(), cleared.collect());
        }
        detail
    }

    fn publications(&self) -> Vec<Publication> {
        let (event_type, reason) = match self {
            Self::UploadOpened(_) | Self::UploadEnded { .. } | Self::Signed(_) => {
                return Vec::new();
            }
            Self::Available { .. } => (
                "artifact.available",
                "an artifact was uploaded and its digest verified",
            ),
            Self::Deleted(_) => ("artifact.deleted", "an artifact was deleted"),
            Self::Damaged { reason, .. } => {
                let told = match reason {
                    DamageReason::Missing => "the bytes of an artifact are gone from the store",
                    DamageReason::Altered => "the bytes of an artifact do not have its digest",
                };
                ("artifact.failed", told)
            }
        };
        let Some(artifact) = self.artifact() else {
            return Vec::new();
        };
        vec![Publication {
            event_type,
            source_table: "artifacts",
            source_id: artifact.id.uuid(),
            product: Some(artifact.product),
            trigger_reason: reason.to_owned(),
            payload: self.facts(),
            score_before: None,
            score_after: None,
        }]
    }
}
