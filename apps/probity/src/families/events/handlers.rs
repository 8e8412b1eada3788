//! Reading events that happened.

use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderName, VARY};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use probity_kernel::{ErrorKind, EventId};
use probity_webhooks::{EventFilter, EventRepository as _, EventStream as _, cloudevent};
use serde_json::Value;

use super::dto::{EventListResponse, EventResponse, FilterQuery, PageQuery};
use super::{Events, TAG, accept, filter};
use crate::families::problem::{CallerErrors, Malformed, Missing};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::cursor;
use crate::http::extract::{Faults, PathId, Query, etag, repeated};
use crate::http::failure::{Failure, Problem};
use crate::state::AppState;

const JSON: &str = "application/json";
const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");

type Answer = Result<HttpResponse, Failure<Events>>;

/// Lists governance events, newest first; with `Accept: application/cloudevents-batch+json` as
/// CloudEvents, the next cursor then in `X-Next-Cursor`. A credential that is confined to spaces sees
/// the events about their products.
#[utoipa::path(
    operation_id = "events_list_events", tag = TAG, security(("bearer" = [])),
    params(
        ("event_type" = Option<Vec<String>>, Query, description = "Only these types; may be repeated", style = Form, explode),
        FilterQuery, PageQuery
    ),
    responses(
        (status = 200, description = "One page", content(
            (EventListResponse = "application/json"),
            (Vec<Object> = "application/cloudevents-batch+json")
        )),
        CallerErrors, Malformed
    )
)]
#[get("/governance-events")]
pub(super) async fn list_events(
    caller: Caller<Events, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<FilterQuery, Events>,
    page: Query<PageQuery, Events>,
) -> Answer {
    let mut faults = Faults::default();
    let types = repeated(&request, "event_type");
    let mut filter = filter::wanted(&mut faults, &query.parse()?, &types);
    let page = filter::page(&mut faults, &page.parse()?);
    faults.done()?;
    filter.spaces = caller.principal.reach.only();
    filter.hidden = caller.principal.reach.hidden();
    let organization = caller.context().organization;
    let found = state
        .events
        .list_events(organization, &filter, &page)
        .await?;
    let offered = [JSON, cloudevent::BATCH_MEDIA_TYPE];
    let form = accept::preferred(&request, &offered);
    let next = found.next.map(cursor::write);
    let mut answer = HttpResponse::Ok();
    answer.insert_header((VARY, "Accept"));
    if form != Some(cloudevent::BATCH_MEDIA_TYPE) {
        return Ok(answer.json(EventListResponse {
            count: found.total,
            next_cursor: next,
            events: found.items.into_iter().map(EventResponse::from).collect(),
        }));
    }
    if let Some(next) = next {
        answer.insert_header((NEXT, next));
    }
    let items = found.items.iter();
    let batch: Vec<Value> = items
        .map(|event| cloudevent::render(organization, event))
        .collect();
    answer.insert_header((CONTENT_TYPE, cloudevent::BATCH_MEDIA_TYPE));
    Ok(answer.json(batch))
}

/// Reads one governance event; with `Accept: application/cloudevents+json` as a `CloudEvent`. An event
/// never changes.
#[utoipa::path(
    operation_id = "events_get_event", tag = TAG, security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the event")),
    responses(
        (status = 200, description = "The event", headers(("ETag" = String, description = "Version")), content(
            (EventResponse = "application/json"),
            (Object = "application/cloudevents+json")
        )),
        CallerErrors, Malformed, Missing
    )
)]
#[get("/governance-events/{id}")]
pub(super) async fn get_event(
    caller: Caller<Events, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    id: PathId<EventId, Events>,
) -> Answer {
    let organization = caller.context().organization;
    let seen = EventFilter {
        spaces: caller.principal.reach.only(),
        hidden: caller.principal.reach.hidden(),
        ..EventFilter::default()
    };
    let found = state
        .events
        .find_event(organization, id.parse()?, &seen)
        .await?;
    let event = found.ok_or_else(|| {
        let detail = "there is no such governance event";
        Problem::new(ErrorKind::NotFound, "event_not_found", detail)
    })?;
    let form = accept::preferred(&request, &[JSON, cloudevent::MEDIA_TYPE]);
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((VARY, "Accept"))
        .insert_header((ETAG, etag(probity_kernel::Version::FIRST)));
    if form == Some(cloudevent::MEDIA_TYPE) {
        answer.insert_header((CONTENT_TYPE, cloudevent::MEDIA_TYPE));
        return Ok(answer.json(cloudevent::render(organization, &event)));
    }
    Ok(answer.json(EventResponse::from(event)))
}
