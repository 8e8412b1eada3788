//! The operations on keys.

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post, web};
use probity_access::service::{IssuedKey, Rotation};
use probity_access::{Grant, NewApiKey, ScopeSet};
use probity_kernel::{ApiKeyId, ErrorKind, FieldError, SpaceId};
use time::Duration;

use super::dto::{
    CreateKeyRequest, IssuedKeyResponse, KeyListResponse, KeyResponse, ListKeysQuery,
    RotateKeyRequest,
};
use super::{ApiKeys, TAG};
use crate::families::problem::{
    BodyErrors, CallerErrors, Clash, KeyReused, Malformed, Missing, Outdated,
};
use crate::http::auth::{AdminAccess, Caller};
use crate::http::cursor;
use crate::http::extract::{Faults, IfMatch, Json, PathId, Query, etag};
use crate::http::failure::{Failure, Problem};
use crate::http::instant;
use crate::state::AppState;

type Answer<T> = Result<T, Failure<ApiKeys>>;
type Admin = Caller<ApiKeys, AdminAccess>;

/// Lists the organisation's keys, newest first.
#[utoipa::path(
    operation_id = "api_keys_list", tag = TAG, security(("bearer" = [])), params(ListKeysQuery),
    responses((status = 200, description = "One page", body = KeyListResponse), CallerErrors, Malformed)
)]
#[get("/api-keys")]
pub(super) async fn list_keys(
    caller: Admin,
    state: Data<AppState>,
    query: Query<ListKeysQuery, ApiKeys>,
) -> Answer<web::Json<KeyListResponse>> {
    let query = query.parse()?;
    let mut faults = Faults::default();
    let limit = faults.number("limit", query.limit.as_deref(), 1..=200, 50);
    let page = faults.page(
        limit,
        "offset",
        query.offset.as_deref(),
        query.cursor.as_deref(),
    );
    faults.done()?;
    let found = state
        .access
        .list(caller.context().organization, &page)
        .await?;
    Ok(web::Json(KeyListResponse {
        total: found.total,
        next_cursor: found.next.map(cursor::write),
        api_keys: found.items.into_iter().map(KeyResponse::from).collect(),
    }))
}

/// Issues a key; its secret is in this answer and nowhere else.
#[utoipa::path(
    operation_id = "api_keys_create", tag = TAG, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours; the repetition does not show the secret", min_length = 1, max_length = 255)),
    request_body = CreateKeyRequest,
    responses(
        (status = 201, description = "Issued", body = IssuedKeyResponse),
        CallerErrors, BodyErrors, Malformed, Clash, KeyReused
    )
)]
#[post("/api-keys")]
pub(super) async fn create_key(
    caller: Admin,
    state: Data<AppState>,
    body: Json<CreateKeyRequest, ApiKeys>,
) -> Answer<HttpResponse> {
    let (context, request) = caller.command(body)?;
    let new = parse(request)?;
    let grant = Grant::from(caller.principal.as_ref());
    let issued = state
        .access
        .issue_key(&context, grant, new, entropy()?)
        .await?;
    Ok(show_once(issued))
}

fn parse(request: CreateKeyRequest) -> Answer<NewApiKey> {
    let mut faults = Faults::default();
    let required = |field| vec![FieldError::new(field, "required", "is required")];
    let name = faults.note(request.name.ok_or_else(|| required("/name")));
    let scopes = faults
        .note(request.scopes.ok_or_else(|| required("/scopes")))
        .unwrap_or_default();
    let scopes = faults.note(ScopeSet::parse(&scopes).map_err(|_| {
        vec![FieldError::new(
            "/scopes",
            "unknown_value",
            "must hold read, write or admin",
        )]
    }));
    let mut spaces = request.spaces.as_ref().map(|_| Vec::new());
    for (index, text) in request.spaces.iter().flatten().enumerate() {
        let parsed = text.parse::<SpaceId>().map_err(|error| {
            vec![FieldError::new(
                format!("/spaces/{index}"),
                "invalid_id",
                error.to_string(),
            )]
        });
        if let (Some(spaces), Some(id)) = (&mut spaces, faults.note(parsed)) {
            spaces.push(id);
        }
    }
    let expires_at = request
        .expires_at
        .as_deref()
        .map(|text| instant::parse("/expires_at", text));
    let expires_at = expires_at.and_then(|at| faults.note(at.map_err(|fault| vec![fault])));
    faults.done()?;
    Ok(NewApiKey {
        name: name.unwrap_or_default(),
        scopes: scopes.unwrap_or(ScopeSet::EMPTY),
        spaces,
        expires_at,
    })
}

/// Reads one key, without its secret.
#[utoipa::path(
    operation_id = "api_keys_get", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the key")),
    responses(
        (status = 200, description = "The key", body = KeyResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Malformed, Missing
    )
)]
#[get("/api-keys/{id}")]
pub(super) async fn get_key(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<ApiKeyId, ApiKeys>,
) -> Answer<HttpResponse> {
    let key = state
        .access
        .get(caller.context().organization, id.parse()?)
        .await?;
    let tag = etag(key.version);
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, tag))
        .json(KeyResponse::from(key)))
}

/// Revokes a key at once; doing so again changes nothing.
#[utoipa::path(
    operation_id = "api_keys_revoke", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Id of the key"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the revocation is meant for")
    ),
    responses((status = 204, description = "Revoked"), CallerErrors, Malformed, Missing, Clash, Outdated)
)]
#[delete("/api-keys/{id}")]
pub(super) async fn revoke_key(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<ApiKeyId, ApiKeys>,
    expected: IfMatch,
) -> Answer<HttpResponse> {
    let key = state
        .access
        .revoke(caller.context(), id.parse()?, expected.version())
        .await?;
    state.authenticator.forget(key.id);
    Ok(HttpResponse::NoContent().finish())
}

/// Replaces a key by a new one; the old one works on for the overlap.
#[utoipa::path(
    operation_id = "api_keys_rotate", tag = TAG, security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Id of the key"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the rotation is meant for"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours; the repetition does not show the secret", min_length = 1, max_length = 255)
    ),
    request_body = Option<RotateKeyRequest>,
    responses(
        (status = 201, description = "The new key", body = IssuedKeyResponse),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, Outdated, KeyReused
    )
)]
#[post("/api-keys/{id}/rotate")]
pub(super) async fn rotate_key(
    caller: Admin,
    state: Data<AppState>,
    id: PathId<ApiKeyId, ApiKeys>,
    expected: IfMatch,
    body: Json<RotateKeyRequest, ApiKeys>,
) -> Answer<HttpResponse> {
    let key = id.parse()?;
    let (context, request) = caller.optional_command(body)?;
    let overlap = Duration::seconds(request.overlap_seconds.unwrap_or(86_400));
    let rotation = Rotation {
        key,
        expected: expected.version(),
        overlap,
    };
    let grant = Grant::from(caller.principal.as_ref());
    let issued = state
        .access
        .rotate(&context, grant, rotation, entropy()?)
        .await?;
    state.authenticator.forget(key);
    Ok(show_once(issued))
}

fn entropy() -> Answer<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(error = %error, "no randomness for a key");
        Problem::new(
            ErrorKind::Internal,
            "internal_error",
            "no randomness is available",
        )
    })?;
    Ok(bytes)
}

fn show_once(issued: IssuedKey) -> HttpResponse {
    let key = issued.secret.map(|secret| secret.expose().to_owned());
    HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(IssuedKeyResponse {
            record: issued.key.into(),
            key,
        })
}
