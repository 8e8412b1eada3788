//! Members of spaces and their roles.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, put};
use probity_access::{AccessError, NamedMember, SpaceRole, User};
use probity_kernel::{FieldError, OrganizationId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::spaces::in_path;
use super::{Repository, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{Faults, IfMatch, Json, Query, etag};
use crate::http::failure::Failure;
use crate::http::{instant, paging};
use crate::state::AppState;

type Answer = Result<HttpResponse, Failure<Repository>>;

const ROLES: &str = "viewer, editor or admin";

/// Who is to be what in the space.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = repository::PutMember, example = json!({"user": "ann@acme.example", "role": "editor"}))]
pub(super) struct PutMemberRequest {
    /// The id, the e-mail address or the subject of a user of the organisation.
    #[schema(required, nullable = false, min_length = 1, max_length = 255)]
    user: Option<String>,
    /// `viewer`, `editor` or `admin`.
    #[schema(required, nullable = false)]
    role: Option<String>,
}

/// A member of a space.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = repository::SpaceMember)]
pub(super) struct MemberResponse {
    #[schema(example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: String,
    /// How the user's issuer names them.
    #[schema(example = "ann")]
    subject: String,
    email: Option<String>,
    /// What the user is in the organisation: `admin`, `member` or `auditor`. An admin of the
    /// organisation is an admin of every space; an auditor is a viewer whatever the role here.
    #[schema(example = "member")]
    organization_role: &'static str,
    /// `viewer`, `editor` or `admin`.
    #[schema(example = "editor")]
    role: &'static str,
    #[serde(serialize_with = "instant::serialize")]
    added_at: OffsetDateTime,
    #[serde(serialize_with = "instant::serialize")]
    updated_at: OffsetDateTime,
}

impl From<NamedMember> for MemberResponse {
    fn from(NamedMember { member, user }: NamedMember) -> Self {
        Self {
            user_id: user.id.to_string(),
            subject: user.subject,
            email: user.email,
            organization_role: user.role.as_str(),
            role: member.role.as_str(),
            added_at: member.added_at,
            updated_at: member.updated_at,
        }
    }
}

/// Which page is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListMembersQuery {
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    skip: Option<String>,
    /// 1 to 100, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// `X-Next-Cursor` of an earlier page. Not together with `skip`.
    cursor: Option<String>,
}

/// Lists the members of a space, the last recorded user first.
#[utoipa::path(
    operation_id = "repository_list_members", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("space" = String, Path, description = "Slug of the space"),
        ListMembersQuery
    ),
    responses(
        (status = 200, description = "One page", body = Vec<MemberResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; absent after a cursor"),
            ("X-Has-More" = bool, description = "Whether another page exists"),
            ("X-Next-Cursor" = String, description = "Where the next page starts; absent on the last")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/organizations/{organization}/spaces/{space}/members")]
pub(super) async fn list_members(
    caller: Caller<Repository, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<ListMembersQuery, Repository>,
) -> Answer {
    let space = in_path(&caller, &state, &request, SpaceRole::Viewer).await?;
    let query = query.parse()?;
    let mut faults = Faults::default();
    let limit = faults.number("limit", query.limit.as_deref(), 1..=100, 50);
    let page = faults.page(
        limit,
        "skip",
        query.skip.as_deref(),
        query.cursor.as_deref(),
    );
    faults.done()?;
    let found = state.access.members(space.organization, space.id, &page);
    Ok(paging::array(
        &page,
        &found.await?.map(MemberResponse::from),
    ))
}

/// Makes a user a member of the space, or gives a member another role. The space's admins may, and the
/// organisation's.
#[utoipa::path(
    operation_id = "repository_put_member", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("space" = String, Path, description = "Slug of the space"),
        ("If-Match" = Option<String>, Header, description = "ETag of the membership that the change is meant for")
    ),
    request_body = PutMemberRequest,
    responses(
        (status = 200, description = "The member as it is now", body = MemberResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[put("/organizations/{organization}/spaces/{space}/members")]
pub(super) async fn put_member(
    caller: Caller<Repository, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    body: Json<PutMemberRequest, Repository>,
) -> Answer {
    let space = in_path(&caller, &state, &request, SpaceRole::Admin).await?;
    let (name, role) = wanted(body.parse()?.0)?;
    let user = named(&state, space.organization, "/user", &name).await?;
    let member = state
        .access
        .put_member(
            caller.context(),
            space.id,
            user.id,
            role,
            expected.version(),
        )
        .await?;
    let tag = etag(member.member.version);
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, tag))
        .json(MemberResponse::from(member)))
}

fn wanted(body: PutMemberRequest) -> Result<(String, SpaceRole), Failure<Repository>> {
    let mut faults = Faults::default();
    let required = |field| vec![FieldError::new(field, "required", "is required")];
    let name = faults.note(body.user.ok_or_else(|| required("/user")));
    let role = faults.note(body.role.ok_or_else(|| required("/role")));
    let role = faults.optional("/role", role.as_deref(), ROLES);
    faults.done()?;
    name.zip(role).ok_or_else(|| Failure::malformed(Vec::new()))
}

/// The user of the organisation who is meant; an unknown one is input that is at fault.
async fn named(
    state: &AppState,
    organization: OrganizationId,
    field: &'static str,
    name: &str,
) -> Result<User, Failure<Repository>> {
    match state.access.user_named(organization, field, name).await {
        Err(AccessError::Invalid(faults)) => Err(Failure::malformed(faults)),
        found => Ok(found?),
    }
}

/// Who is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RemoveMemberQuery {
    /// The id, the e-mail address or the subject of a user of the organisation.
    #[param(required = true, value_type = String, min_length = 1, max_length = 255)]
    user: Option<String>,
}

/// Ends a membership. The space's admins may, and the organisation's; a space that has an admin keeps
/// one.
#[utoipa::path(
    operation_id = "repository_remove_member", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("space" = String, Path, description = "Slug of the space"),
        RemoveMemberQuery,
        ("If-Match" = Option<String>, Header, description = "ETag of the membership that is meant")
    ),
    responses((status = 204, description = "Removed"), CallerErrors, Unprocessable, Missing, Clash, Outdated)
)]
#[delete("/organizations/{organization}/spaces/{space}/members")]
pub(super) async fn remove_member(
    caller: Caller<Repository, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    query: Query<RemoveMemberQuery, Repository>,
) -> Answer {
    let space = in_path(&caller, &state, &request, SpaceRole::Admin).await?;
    let mut faults = Faults::default();
    let missing = || vec![FieldError::new("user", "required", "is required")];
    let name = faults.note(query.parse()?.user.ok_or_else(missing));
    faults.done()?;
    let user = named(
        &state,
        space.organization,
        "user",
        &name.unwrap_or_default(),
    )
    .await?;
    let removed =
        state
            .access
            .remove_member(caller.context(), space.id, user.id, expected.version());
    removed.await?;
    Ok(HttpResponse::NoContent().finish())
}
