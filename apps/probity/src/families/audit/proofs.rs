//! Checkpoints, keys and proofs.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, web};
use probity_kernel::{FieldError, OrganizationId};
use probity_ledger::TlogProof;

use super::dto::{
    ConsistencyQuery, ConsistencyResponse, InclusionQuery, InclusionResponse, KeyResponse,
    KeysResponse, spelled,
};
use super::entries::{nothing, number};
use super::{Audit, TAG, reader};
use crate::families::problem::{CallerErrors, Malformed, Missing};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::extract::{Faults, Query};
use crate::http::failure::Failure;
use crate::state::AppState;

/// The most that an index or a size can be.
const LARGEST: u64 = probity_ledger::MAX_SIZE;

fn note(text: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(text)
}

/// The signed checkpoint of the record as it stands (C2SP tlog-checkpoint), signed now if the record has
/// grown. Keep it: a later export has to follow it.
#[utoipa::path(
    operation_id = "audit_checkpoint", tag = TAG, security(("bearer" = [])),
    responses((status = 200, description = "A signed note", body = String, content_type = "text/plain"), CallerErrors)
)]
#[get("/audit/checkpoint")]
pub(super) async fn checkpoint(
    caller: Caller<Audit, ReadAccess>,
    state: Data<AppState>,
) -> Result<HttpResponse, Failure<Audit>> {
    let organization = reader(&caller)?;
    Ok(note(state.record.checkpoint(organization).await?.note))
}

/// The public keys that sign the record of the organisation. Fetch them once, over a channel that you
/// trust, and keep them.
#[utoipa::path(
    operation_id = "audit_keys", tag = TAG, security(("bearer" = [])),
    responses((status = 200, description = "The keys", body = KeysResponse), CallerErrors)
)]
#[get("/audit/keys")]
pub(super) async fn keys(
    caller: Caller<Audit, ReadAccess>,
    state: Data<AppState>,
) -> Result<web::Json<KeysResponse>, Failure<Audit>> {
    let organization = reader(&caller)?;
    let (origin, keys) = state.record.keys(organization).await?;
    let keys = keys.iter().map(KeyResponse::from).collect();
    Ok(web::Json(KeysResponse { origin, keys }))
}

/// A parameter that has to be there.
fn required(faults: &mut Faults, field: &'static str, text: Option<&str>) -> u64 {
    if text.is_none() {
        let missing = FieldError::new(field, "required", "is required");
        faults.note::<(), _>(Err(vec![missing]));
    }
    faults.number(field, text, 0..=LARGEST, 0)
}

/// The size that was asked for; that of the current checkpoint where none was (0).
async fn or_current(
    state: &AppState,
    organization: OrganizationId,
    size: u64,
) -> Result<u64, Failure<Audit>> {
    if size > 0 {
        return Ok(size);
    }
    let signed = state.record.checkpoint(organization).await?;
    Ok(signed.checkpoint.size())
}

/// Proves that an entry is in the tree of a given size (RFC 6962, 2.1.1).
#[utoipa::path(
    operation_id = "audit_inclusion_proof", tag = TAG, security(("bearer" = [])), params(InclusionQuery),
    responses((status = 200, description = "The proof", body = InclusionResponse), CallerErrors, Malformed)
)]
#[get("/audit/proof/inclusion")]
pub(super) async fn inclusion(
    caller: Caller<Audit, ReadAccess>,
    state: Data<AppState>,
    query: Query<InclusionQuery, Audit>,
) -> Result<web::Json<InclusionResponse>, Failure<Audit>> {
    let organization = reader(&caller)?;
    let query = query.parse()?;
    let mut faults = Faults::default();
    let index = required(&mut faults, "index", query.index.as_deref());
    let size = faults.number("size", query.size.as_deref(), 1..=LARGEST, 0);
    faults.done()?;
    let size = or_current(&state, organization, size).await?;
    let made = state.record.inclusion(organization, index, size).await?;
    Ok(web::Json(InclusionResponse {
        index,
        size,
        leaf_hash: made.leaf.to_string(),
        root: made.root.to_string(),
        hashes: spelled(made.proof.hashes()),
    }))
}

/// Proves that the record only grew from one size to another (RFC 6962, 2.1.2).
#[utoipa::path(
    operation_id = "audit_consistency_proof", tag = TAG, security(("bearer" = [])), params(ConsistencyQuery),
    responses((status = 200, description = "The proof", body = ConsistencyResponse), CallerErrors, Malformed)
)]
#[get("/audit/proof/consistency")]
pub(super) async fn consistency(
    caller: Caller<Audit, ReadAccess>,
    state: Data<AppState>,
    query: Query<ConsistencyQuery, Audit>,
) -> Result<web::Json<ConsistencyResponse>, Failure<Audit>> {
    let organization = reader(&caller)?;
    let query = query.parse()?;
    let mut faults = Faults::default();
    let from = required(&mut faults, "from", query.from.as_deref());
    let to = faults.number("to", query.to.as_deref(), 1..=LARGEST, 0);
    faults.done()?;
    let to = or_current(&state, organization, to).await?;
    let made = state.record.consistency(organization, from, to).await?;
    Ok(web::Json(ConsistencyResponse {
        from,
        to,
        from_root: made.from.to_string(),
        to_root: made.to.to_string(),
        hashes: spelled(made.proof.hashes()),
    }))
}

/// The proof that one entry is in the record, with the checkpoint that it leads to, as one file that can
/// be checked offline (C2SP tlog-proof).
#[utoipa::path(
    operation_id = "audit_entry_proof", tag = TAG, security(("bearer" = [])),
    params(("index" = u64, Path, description = "The number of the entry, from 0")),
    responses((status = 200, description = "A tlog-proof", body = String, content_type = "text/plain"), CallerErrors, Missing)
)]
#[get("/audit/entries/{index}/proof")]
pub(super) async fn entry_proof(
    caller: Caller<Audit, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure<Audit>> {
    let organization = reader(&caller)?;
    let index = number(&request)?;
    let signed = state.record.checkpoint(organization).await?;
    if index >= signed.checkpoint.size() {
        return Err(nothing());
    }
    let size = signed.checkpoint.size();
    let made = state.record.inclusion(organization, index, size).await?;
    let proof = TlogProof::new(index, made.proof, signed.note);
    Ok(note(proof.to_string()))
}
