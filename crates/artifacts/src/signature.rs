//! Signatures that are kept with artifacts: who signed the bytes, with which key, and what proves it.

use time::OffsetDateTime;

/// What a signature says. Whoever attached it had it verified: the key made it over these bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactSignature {
    /// SHA-256 of the public key in lower-case hex.
    pub key: String,
    /// What the signer called the model.
    pub subject: String,
    /// How many files were signed together.
    pub files: u64,
    /// Who attached it, as a reference (`user:...`, `api_key:...`).
    pub attached_by: String,
    /// When it was attached and verified.
    pub attached_at: OffsetDateTime,
}

/// What verifies a signature, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureProof {
    /// The bundle: signature and signed statement.
    pub bundle: String,
    /// The public key, as PEM.
    pub public_key: String,
}

/// A signature that holds for an artifact, to be attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// SHA-256 of the public key in lower-case hex.
    pub key: String,
    /// What the signer called the model.
    pub subject: String,
    /// How many files were signed together.
    pub files: u64,
    /// What verifies it.
    pub proof: SignatureProof,
}
