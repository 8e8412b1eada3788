//! The histories of spaces, of the organisation and of its users.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, web};
use probity_access::{AccessError, SpaceRole};
use probity_kernel::UserId;

use super::spaces::in_path;
use super::{Repository, TAG};
use crate::families::problem::{CallerErrors, Missing, Unprocessable};
use crate::http::auth::{AdminAccess, Caller, ReadAccess};
use crate::http::extract::{Query, path_id};
use crate::http::failure::Failure;
use crate::http::history::{self, HistoryParameters, HistoryResponse};
use crate::http::organization;
use crate::state::AppState;

type Answer = Result<web::Json<HistoryResponse>, Failure<Repository>>;

/// Reads the changes of a space and of who is a member of it as what, newest first, each field before
/// and after.
#[utoipa::path(
    operation_id = "repository_get_space_history", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("space" = String, Path, description = "Slug of the space"),
        HistoryParameters
    ),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/organizations/{organization}/spaces/{space}/history")]
pub(super) async fn of_space(
    caller: Caller<Repository, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Repository>,
) -> Answer {
    let space = in_path(&caller, &state, &request, SpaceRole::Viewer).await?;
    let subject = ("space", space.id.uuid());
    let exists = async { Ok(()) };
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(history::answer(page.await?))
}

/// Reads the changes of the organisation itself, newest first, each field before and after.
#[utoipa::path(
    operation_id = "repository_get_organization_history", tag = TAG, security(("bearer" = [])),
    params(("organization" = String, Path, description = "Slug of the organisation"), HistoryParameters),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/organizations/{organization}/history")]
pub(super) async fn of_organization(
    caller: Caller<Repository, AdminAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Repository>,
) -> Answer {
    organization::own(&caller, &state, &request).await?;
    let subject = ("organization", caller.principal.organization.uuid());
    let exists = async { Ok(()) };
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(history::answer(page.await?))
}

/// Reads the changes of a user's standing in the organisation, newest first, each field before and after. What the
/// user is in a space stands in the history of the space.
#[utoipa::path(
    operation_id = "repository_get_user_history", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("user_id" = String, Path, description = "Id of the user"),
        HistoryParameters
    ),
    responses(
        (status = 200, description = "One page", body = HistoryResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/organizations/{organization}/users/{user_id}/history")]
pub(super) async fn of_user(
    caller: Caller<Repository, AdminAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<HistoryParameters, Repository>,
) -> Answer {
    organization::own(&caller, &state, &request).await?;
    let id: UserId = path_id(&request, "user_id")?;
    let subject = ("user", id.uuid());
    // Whoever is recorded as a user is so on the record.
    let exists = async { Err(AccessError::MemberNotFound.into()) };
    let page = history::read(&caller, &state, query, subject, None, exists);
    Ok(history::answer(page.await?))
}
