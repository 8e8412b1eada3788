//! Signatures of artifacts as the database keeps them: two texts in JSON.

use probity_artifacts::{ArtifactSignature, SignatureProof};
use probity_kernel::RepositoryError;
use serde::{Deserialize, Serialize};

use crate::error::corrupt;
use crate::types::Utc;

const TABLE: &str = "artifacts";

/// What a signature says.
#[derive(Serialize, Deserialize)]
pub(super) struct SignatureText {
    key: String,
    subject: String,
    files: u64,
    attached_by: String,
    attached_at: Utc,
}

impl SignatureText {
    pub(super) fn of(signature: &ArtifactSignature) -> String {
        let text = Self {
            key: signature.key.clone(),
            subject: signature.subject.clone(),
            files: signature.files,
            attached_by: signature.attached_by.clone(),
            attached_at: Utc(signature.attached_at),
        };
        serde_json::to_string(&text).unwrap_or_default()
    }
}

/// What verifies a signature.
#[derive(Serialize, Deserialize)]
pub(super) struct ProofText {
    bundle: String,
    public_key: String,
}

impl ProofText {
    pub(super) fn of(proof: &SignatureProof) -> String {
        let text = Self {
            bundle: proof.bundle.clone(),
            public_key: proof.public_key.clone(),
        };
        serde_json::to_string(&text).unwrap_or_default()
    }
}

/// The signature of a text.
pub(super) fn signature(text: &str) -> Result<ArtifactSignature, RepositoryError> {
    let text: SignatureText =
        serde_json::from_str(text).map_err(|error| corrupt(TABLE, "signature")(Box::new(error)))?;
    Ok(ArtifactSignature {
        key: text.key,
        subject: text.subject,
        files: text.files,
        attached_by: text.attached_by,
        attached_at: text.attached_at.0,
    })
}

/// The proof of a text.
pub(super) fn proof(text: &str) -> Result<SignatureProof, RepositoryError> {
    let text: ProofText = serde_json::from_str(text)
        .map_err(|error| corrupt(TABLE, "signature_proof")(Box::new(error)))?;
    Ok(SignatureProof {
        bundle: text.bundle,
        public_key: text.public_key,
    })
}
