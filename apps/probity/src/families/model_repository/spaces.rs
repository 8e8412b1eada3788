//! Spaces: the places that hold products.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use probity_access::{AccessError, Scope, SpaceRole};
use probity_catalog::{NewSpace, Space, SpaceChanges, Visibility};
use probity_kernel::Patch;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::{Repository, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::auth::{AdminAccess, Caller, ReadAccess, WriteAccess};
use crate::http::extract::{Faults, IfMatch, Json, etag, patch as patched};
use crate::http::failure::Failure;
use crate::http::{instant, organization, space};
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Repository>>;

/// A space to create.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = repository::NewSpace, example = json!({"slug": "ml-platform", "name": "ML platform"}))]
pub(super) struct CreateSpaceRequest {
    /// Lower case letters, digits and hyphens, 1 to 63.
    #[schema(required, nullable = false, min_length = 1, max_length = 63)]
    slug: Option<String>,
    /// Display name; the slug when absent.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// How many products it may hold; any number when absent.
    product_capacity: Option<u32>,
    /// `organization` (for everybody in it, when absent) or `members`.
    #[schema(example = "organization")]
    visibility: Option<String>,
}

/// What is to change in a space; what is absent stays.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = repository::SpaceChanges, example = json!({"visibility": "members"}))]
pub(super) struct UpdateSpaceRequest {
    /// Display name.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    /// How many products it may hold; null means any number. Needs the scope `admin`.
    #[serde(default, deserialize_with = "patched")]
    #[schema(value_type = Option<u32>)]
    product_capacity: Patch<u32>,
    /// `organization` or `members`.
    #[schema(nullable = false)]
    visibility: Option<String>,
}

/// A place that holds products.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = repository::Space)]
pub(super) struct SpaceResponse {
    id: Uuid,
    slug: String,
    name: String,
    product_capacity: Option<u32>,
    /// `organization`: everybody in the organisation reaches it. `members`: its members do, and the
    /// organisation's admins.
    #[schema(example = "organization")]
    visibility: &'static str,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
}

impl From<Space> for SpaceResponse {
    fn from(space: Space) -> Self {
        Self {
            id: space.id.uuid(),
            slug: space.slug.as_str().to_owned(),
            name: space.name,
            product_capacity: space.product_capacity,
            visibility: space.visibility.as_str(),
            created_at: space.created_at,
        }
    }
}

fn visibility(faults: &mut Faults, text: Option<&str>) -> Option<Visibility> {
    faults.optional("/visibility", text, "organization or members")
}

fn tagged(space: Space) -> HttpResponse {
    let tag = etag(space.version);
    HttpResponse::Ok()
        .insert_header((ETAG, tag))
        .json(SpaceResponse::from(space))
}

/// Creates a space. A user who creates it becomes its admin.
#[utoipa::path(
    operation_id = "repository_create_space", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = CreateSpaceRequest,
    responses(
        (status = 201, description = "Created", body = SpaceResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/organizations/{organization}/spaces")]
pub(super) async fn create_space(
    caller: Caller<Repository, AdminAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<CreateSpaceRequest, Repository>,
) -> Answer<HttpResponse> {
    organization::own(&caller, &state, &request).await?;
    if caller.principal.reach.only().is_some() {
        let reason = "a key that is confined to spaces cannot create others";
        return Err(AccessError::Forbidden(reason).into());
    }
    let (context, body) = caller.command(body)?;
    let mut faults = Faults::default();
    let visibility = visibility(&mut faults, body.visibility.as_deref());
    faults.done()?;
    let slug = body.slug.unwrap_or_default();
    let name = body.name.unwrap_or_else(|| slug.clone());
    let new = NewSpace {
        visibility: visibility.unwrap_or_default(),
        ..NewSpace::parse(&slug, &name, body.product_capacity)?
    };
    let space = state.catalog.create_space(&context, new).await?;
    let tag = etag(space.version);
    Ok(HttpResponse::Created()
        .insert_header((ETAG, tag))
        .json(SpaceResponse::from(space)))
}

/// Lists the spaces that the caller can see, by slug.
#[utoipa::path(
    operation_id = "repository_list_spaces", tag = TAG, security(("bearer" = [])),
    params(("organization" = String, Path, description = "Slug of the organisation")),
    responses((status = 200, description = "The spaces", body = Vec<SpaceResponse>), CallerErrors, Missing)
)]
#[get("/organizations/{organization}/spaces")]
pub(super) async fn list_spaces(
    caller: Caller<Repository, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer<web::Json<Vec<SpaceResponse>>> {
    organization::own(&caller, &state, &request).await?;
    let spaces = state
        .catalog
        .list_spaces(caller.context().organization)
        .await?;
    let visible = spaces
        .into_iter()
        .filter(|space| caller.principal.can_see_space(space.id));
    Ok(web::Json(visible.map(SpaceResponse::from).collect()))
}

/// Reads a space.
#[utoipa::path(
    operation_id = "repository_get_space", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("space" = String, Path, description = "Slug of the space")
    ),
    responses(
        (status = 200, description = "The space", body = SpaceResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Missing
    )
)]
#[get("/organizations/{organization}/spaces/{space}")]
pub(super) async fn get_space(
    caller: Caller<Repository, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    let space = in_path(&caller, &state, &request, SpaceRole::Viewer).await?;
    Ok(tagged(space))
}

/// The space in the path of the caller's organisation, for a caller who is at least this in it.
pub(super) async fn in_path<P>(
    caller: &Caller<Repository, P>,
    state: &AppState,
    request: &HttpRequest,
    role: SpaceRole,
) -> Answer<Space> {
    organization::own(caller, state, request).await?;
    let slug = request.match_info().query("space");
    space::reached(caller, state, slug, role).await
}

/// Changes a space. Its admins may, and the organisation's.
#[utoipa::path(
    operation_id = "repository_update_space", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("space" = String, Path, description = "Slug of the space"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")
    ),
    request_body = UpdateSpaceRequest,
    responses(
        (status = 200, description = "The space as it is now", body = SpaceResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[patch("/organizations/{organization}/spaces/{space}")]
pub(super) async fn update_space(
    caller: Caller<Repository, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    body: Json<UpdateSpaceRequest, Repository>,
) -> Answer<HttpResponse> {
    let space = in_path(&caller, &state, &request, SpaceRole::Admin).await?;
    let wanted = changes(body.parse()?.0)?;
    if wanted.product_capacity.is_some() {
        caller.principal.require(Scope::Admin)?;
    }
    let context = caller.context();
    let changed = state
        .catalog
        .change_space(context, &space.slug, &wanted, expected.version());
    Ok(tagged(changed.await?))
}

fn changes(body: UpdateSpaceRequest) -> Answer<SpaceChanges> {
    let mut faults = Faults::default();
    let visibility = visibility(&mut faults, body.visibility.as_deref());
    faults.done()?;
    Ok(SpaceChanges {
        name: body.name,
        product_capacity: match body.product_capacity {
            Patch::Absent => None,
            Patch::Null => Some(None),
            Patch::Value(capacity) => Some(Some(capacity)),
        },
        visibility,
    })
}
