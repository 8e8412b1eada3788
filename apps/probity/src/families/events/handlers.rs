//! Reading the stream.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, web};
use probity_webhooks::EventRepository as _;

use super::dto::{EventListResponse, EventResponse, ListEventsQuery};
use super::{Events, TAG, filter};
use crate::families::problem::{CallerErrors, Malformed};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::extract::{Query, repeated};
use crate::http::failure::Failure;
use crate::state::AppState;

/// Lists governance events, newest first. A credential that is confined to spaces sees the events
/// about their products.
#[utoipa::path(
    operation_id = "events_list_events", tag = TAG, security(("bearer" = [])),
    params(
        ("event_type" = Option<Vec<String>>, Query, description = "Only these types; may be repeated", style = Form, explode),
        ListEventsQuery
    ),
    responses((status = 200, description = "One page", body = EventListResponse), CallerErrors, Malformed)
)]
#[get("/governance-events")]
pub(super) async fn list_events(
    caller: Caller<Events, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<ListEventsQuery, Events>,
) -> Result<web::Json<EventListResponse>, Failure<Events>> {
    let types = repeated(&request, "event_type");
    let (mut filter, page) = filter::read(&query.parse()?, &types)?;
    filter.spaces.clone_from(&caller.principal.spaces);
    let organization = caller.context().organization;
    let found = state
        .events
        .list_events(organization, &filter, &page)
        .await?;
    Ok(web::Json(EventListResponse {
        count: found.total,
        next_cursor: found.next.map(|cursor| cursor.to_string()),
        events: found.items.into_iter().map(EventResponse::from).collect(),
    }))
}
