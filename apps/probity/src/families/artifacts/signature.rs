//! Signatures of artifacts: verified when they are attached, handed out with what proves them.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, put};
use probity_artifacts::{Artifact, ArtifactSignature, SignatureProof, VerifiedSignature};
use probity_kernel::FieldError;
use probity_supply::signature::{LARGEST_BUNDLE, PublicKey, SignatureError, verify};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::Validate;

use super::dto::{ArtifactResponse, id_of};
use super::refusal::told;
use super::{Answer, Artifacts, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Missing, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{BATCH_BODY, Faults, Json, path_id};
use crate::http::failure::Failure;
use crate::http::{instant, product};
use crate::state::AppState;

/// A signature over the bytes of an artifact.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = artifacts::NewSignature)]
pub(super) struct AttachSignatureRequest {
    /// An OpenSSF model-signing bundle: a sigstore bundle v0.3 over an in-toto statement.
    #[schema(required, nullable = false, value_type = Object)]
    bundle: Option<Value>,
    /// The key that made it, as PEM: ECDSA over P-256, P-384 or P-521.
    #[schema(required, nullable = false, min_length = 1, max_length = 2000)]
    public_key: Option<String>,
}

/// What a signature says: the key made it over the bytes of the artifact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = artifacts::SignatureSummary)]
pub(super) struct SignatureSummary {
    /// SHA-256 of the public key (`SubjectPublicKeyInfo` in DER), hexadecimal. Whose key it is, the
    /// server does not know.
    key_sha256: String,
    /// What the signer called the model.
    subject: String,
    /// How many files were signed together.
    signed_files: u64,
    /// The user or API key that attached it.
    attached_by_id: Option<String>,
    /// When it was attached and verified.
    #[serde(serialize_with = "instant::serialize")]
    attached_at: OffsetDateTime,
}

impl From<ArtifactSignature> for SignatureSummary {
    fn from(signature: ArtifactSignature) -> Self {
        Self {
            attached_by_id: id_of(&signature.attached_by),
            key_sha256: signature.key,
            subject: signature.subject,
            signed_files: signature.files,
            attached_at: signature.attached_at,
        }
    }
}

/// A signature with what proves it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = artifacts::Signature)]
struct SignatureResponse {
    #[serde(flatten)]
    summary: SignatureSummary,
    /// The bundle as it was attached.
    #[schema(value_type = Object)]
    bundle: Value,
    /// The key as it was attached.
    public_key: String,
}

/// Attaches a signature to an artifact once it holds: the key signed the statement, and the statement
/// the bytes. The one before is replaced.
#[utoipa::path(
    operation_id = "artifacts_attach_signature", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("artifact_id" = String, Path, description = "Id of the artifact")
    ),
    request_body = AttachSignatureRequest,
    responses(
        (status = 200, description = "The artifact with its signature", body = ArtifactResponse),
        CallerErrors, BodyErrors, Unprocessable, Missing
    )
)]
#[put("/catalog/products/{product_id}/model-artifacts/{artifact_id}/signature")]
pub(super) async fn attach_signature(
    caller: Caller<Artifacts, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<AttachSignatureRequest, Artifacts, BATCH_BODY>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let id = path_id(&request, "artifact_id")?;
    let (body, _) = body.parse()?;
    let (artifacts, context) = (&state.artifacts, caller.context());
    let found = artifacts.artifact(context.organization, product.id, id);
    let artifact = found.await.map_err(told)?;
    let verified = verified(body, &artifact)?;
    let signed = artifacts.sign(context, product.id, id, verified).await;
    let signed = signed.map_err(told)?;
    Ok(HttpResponse::Ok().json(ArtifactResponse::from(signed)))
}

/// Hands out the signature of an artifact with what proves it, for whoever wants to verify it anew.
#[utoipa::path(
    operation_id = "artifacts_get_signature", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("artifact_id" = String, Path, description = "Id of the artifact")
    ),
    responses(
        (status = 200, description = "The signature", body = SignatureResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/model-artifacts/{artifact_id}/signature")]
pub(super) async fn get_signature(
    caller: Caller<Artifacts, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id = path_id(&request, "artifact_id")?;
    let organization = caller.context().organization;
    let found = state.artifacts.signature(organization, product.id, id);
    let (signature, proof) = found.await.map_err(told)?;
    let bundle = serde_json::from_str(&proof.bundle).unwrap_or_default();
    Ok(HttpResponse::Ok().json(SignatureResponse {
        summary: signature.into(),
        bundle,
        public_key: proof.public_key,
    }))
}

/// What holds for the artifact, or which part of the body is at fault.
fn verified(
    body: AttachSignatureRequest,
    artifact: &Artifact,
) -> Result<VerifiedSignature, Failure<Artifacts>> {
    let mut faults = Faults::default();
    let missing = |field| vec![FieldError::new(field, "required", "is required")];
    let bundle = faults.note(body.bundle.ok_or_else(|| missing("/bundle")));
    let pem = faults.note(body.public_key.ok_or_else(|| missing("/public_key")));
    faults.done()?;
    let (bundle, pem) = (
        bundle.unwrap_or_default().to_string(),
        pem.unwrap_or_default(),
    );
    let key = PublicKey::from_pem(&pem).map_err(|fault| refused(&fault))?;
    let (name, digest) = (&artifact.facts.file_name, artifact.sha256.to_string());
    let signed = verify(bundle.as_bytes(), &key, name, &digest).map_err(|fault| refused(&fault))?;
    Ok(VerifiedSignature {
        key: signed.key,
        subject: signed.subject,
        files: u64::try_from(signed.files).unwrap_or(u64::MAX),
        proof: SignatureProof {
            bundle,
            public_key: pem,
        },
    })
}

/// Names what does not hold.
fn refused(fault: &SignatureError) -> Failure<Artifacts> {
    let (field, code) = match fault {
        SignatureError::Key => ("/public_key", "unusable_key"),
        SignatureError::Signature => ("/bundle", "signature_mismatch"),
        SignatureError::Statement => ("/bundle", "statement_mismatch"),
        SignatureError::NotSigned(_) => ("/bundle", "file_not_signed"),
        SignatureError::Digest { .. } => ("/bundle", "digest_mismatch"),
        SignatureError::TooLarge | SignatureError::Malformed(_) | _ => ("/bundle", "malformed"),
    };
    Failure::malformed(vec![FieldError::new(field, code, fault.to_string())])
}

// A body is refused long before the bundle in it could be too large to verify.
const _: () = assert!(BATCH_BODY <= LARGEST_BUNDLE);
