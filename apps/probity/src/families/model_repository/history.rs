//! The histories of spaces.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, web};
use probity_access::SpaceRole;

use super::spaces::in_path;
use super::{Repository, TAG};
use crate::families::problem::{CallerErrors, Missing, Unprocessable};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::extract::Query;
use crate::http::failure::Failure;
use crate::http::history::{self, HistoryParameters, HistoryResponse};
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
