//! The live stream: server-sent events that go on where a listener left off.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, get};
use futures_util::stream;
use probity_access::Scope;
use probity_kernel::{ErrorKind, FieldError, OrganizationId, RepositoryError};
use probity_webhooks::{
    EventFilter, EventStream as _, GovernanceEvent, Position, Resume, cloudevent,
};
use tokio::sync::watch;

use super::dto::{EventResponse, FilterQuery, FollowQuery};
use super::{Events, TAG, filter};
use crate::families::problem::{CallerErrors, Malformed};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::extract::{Faults, Query, repeated};
use crate::http::failure::{Failure, Problem};
use crate::http::streams::Ticket;
use crate::state::AppState;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How many events are read, and held for a listener, at a time.
const STEP: u32 = 100;
/// How soon after a look at the record the next one may follow: what happens in between is read together.
const PACE: Duration = Duration::from_millis(20);
/// How often a stream says that it lives, and asks whether the credential still counts.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a listener waits before it connects again, in milliseconds.
const RECONNECT_AFTER: u32 = 2000;

/// How events are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As the listing shows them.
    Plain,
    CloudEvent,
}

/// Follows governance events as they happen, oldest first, as server-sent events. The `id` of each is
/// its position in the record; a listener that comes back with it in `Last-Event-ID` goes on right
/// after it, on any node. Without one the stream begins with what happens from now on. A credential
/// that is confined to spaces hears of events about their products.
#[utoipa::path(
    operation_id = "events_stream_events", tag = TAG, security(("bearer" = [])),
    params(
        ("event_type" = Option<Vec<String>>, Query, description = "Only these types; may be repeated", style = Form, explode),
        ("Last-Event-ID" = Option<String>, Header, description = "Where to go on: the `id` of the last event received, the id of any event, or `start`"),
        FilterQuery, FollowQuery
    ),
    responses(
        (status = 200, description = "An endless stream", body = String, content_type = "text/event-stream",
         example = "id: 41-0\nevent: risk_score.changed\ndata: {\"id\":\"evt_01h455vb4pex5vsknk084sn02q\",\"event_type\":\"risk_score.changed\"}\n\n"),
        CallerErrors, Malformed
    )
)]
#[get("/governance-events/stream")]
pub(super) async fn stream_events(
    caller: Caller<Events, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<FilterQuery, Events>,
    follow: Query<FollowQuery, Events>,
) -> Result<HttpResponse, Failure<Events>> {
    let (query, follow) = (query.parse()?, follow.parse()?);
    let mut faults = Faults::default();
    let mut wanted = filter::wanted(&mut faults, &query, &repeated(&request, "event_type"));
    let form = form(&mut faults, follow.format.as_deref());
    let resume = resume(&mut faults, &request, follow.last_event_id.as_deref());
    faults.done()?;
    wanted.spaces = caller.principal.reach.only();
    wanted.hidden = caller.principal.reach.hidden();
    let organization = caller.context().organization;
    let ticket = state.streams.admit(&caller.principal.limit_key)?;
    // Before the position is looked up: what happens in between wakes the stream.
    let growth = state.streams.growth(organization);
    let position = begin(&state, organization, resume).await?;
    let feed = Feed {
        closing: state.streams.closing(),
        headers: request.headers().clone(),
        peer: request.peer_addr().map(|address| address.ip()),
        asked: Instant::now(),
        looked: Instant::now(),
        behind: true,
        opened: false,
        organization,
        wanted,
        form,
        position,
        growth,
        state,
        _ticket: ticket,
    };
    let chunks = stream::unfold(feed, |mut feed| async move {
        let chunk = feed.next().await?;
        Some((Ok::<_, actix_web::Error>(chunk), feed))
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Reverse proxies that gather answers are to pass this one on as it comes.
        .insert_header((BUFFERING, "no"))
        .streaming(Box::pin(chunks)))
}

fn form(faults: &mut Faults, text: Option<&str>) -> Form {
    let form = match text {
        None | Some("json") => Ok(Form::Plain),
        Some("cloudevents") => Ok(Form::CloudEvent),
        Some(_) => Err(vec![FieldError::new(
            "format",
            "unknown_value",
            "must be json or cloudevents",
        )]),
    };
    faults.note(form).unwrap_or(Form::Plain)
}

/// Where to go on: the header, which a browser sets when it connects again, before the parameter
/// that it connected with first.
fn resume(faults: &mut Faults, request: &HttpRequest, query: Option<&str>) -> Option<Resume> {
    let expected = "`start`, the `id` of an event of this stream, or the id of an event";
    let header = request.headers().get(LAST_EVENT_ID);
    // Bytes that are no text are no id either; they are not as good as no header.
    match header.map(|value| String::from_utf8_lossy(value.as_bytes())) {
        Some(text) if !text.is_empty() => faults.optional("Last-Event-ID", Some(&text), expected),
        _ => faults.optional("last_event_id", query, expected),
    }
}

async fn begin(
    state: &AppState,
    organization: OrganizationId,
    resume: Option<Resume>,
) -> Result<Option<Position>, Failure<Events>> {
    let end = state.events.end(organization).await?;
    let position = match resume {
        None => end,
        Some(Resume::Start) => None,
        Some(Resume::After(position)) => Some(position),
        Some(Resume::AfterEvent(id)) => {
            let event = state
                .events
                .find_event(organization, id, &EventFilter::default())
                .await?;
            Some(Position::of(&event.ok_or_else(not_found)?))
        }
    };
    if position > end {
        // A record that was set back would otherwise swallow events until it is as long again.
        let message = "lies beyond the end of the record";
        let fault = FieldError::new("Last-Event-ID", "out_of_range", message);
        return Err(Failure::malformed(vec![fault]));
    }
    Ok(position)
}

fn not_found() -> Problem {
    let detail = "`Last-Event-ID` names no event of this organization";
    let fault = FieldError::new("Last-Event-ID", "not_found", "names no event");
    Problem {
        errors: vec![fault],
        ..Problem::new(ErrorKind::Invalid, "", detail)
    }
}

/// One listener. Nothing is read ahead: the next step is taken when the last one was sent, so a slow
/// listener costs the memory of one step and lags behind.
struct Feed {
    state: Data<AppState>,
    organization: OrganizationId,
    wanted: EventFilter,
    form: Form,
    position: Option<Position>,
    opened: bool,
    growth: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    headers: HeaderMap,
    peer: Option<IpAddr>,
    /// When the credential was asked for last.
    asked: Instant,
    /// When the record was looked at last.
    looked: Instant,
    /// Whether there may be more to read right away.
    behind: bool,
    _ticket: Ticket,
}

impl Feed {
    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.opened {
            self.opened = true;
            let retry = format!("retry: {RECONNECT_AFTER}\n");
            return Some(self.heartbeat(&retry));
        }
        loop {
            if *self.closing.borrow() {
                return None;
            }
            if self.asked.elapsed() >= HEARTBEAT && !self.still_counts().await {
                return None;
            }
            if self.behind {
                match self.step().await {
                    Ok(Some(chunk)) => return Some(chunk),
                    Ok(None) => {}
                    Err(error) => {
                        // The listener comes back with its position and misses nothing.
                        tracing::warn!(error = ?error, "an event stream ended early");
                        return None;
                    }
                }
            }
            let rest = HEARTBEAT.saturating_sub(self.asked.elapsed());
            tokio::select! {
                grown = self.growth.changed() => {
                    grown.ok()?;
                    self.behind = true;
                    tokio::time::sleep(PACE.saturating_sub(self.looked.elapsed())).await;
                }
                _ = self.closing.changed() => {}
                () = tokio::time::sleep(rest) => {
                    if !self.still_counts().await {
                        return None;
                    }
                    self.behind = true;
                    return Some(self.heartbeat(": \n"));
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Option<Bytes>, RepositoryError> {
        // What grows from here on wakes the listener.
        self.growth.borrow_and_update();
        self.looked = Instant::now();
        let batch = self
            .state
            .events
            .read_after(self.organization, &self.wanted, self.position, STEP)
            .await?;
        self.position = batch.seen;
        self.behind = u32::try_from(batch.events.len()).is_ok_and(|read| read >= STEP);
        if batch.events.is_empty() {
            return Ok(None);
        }
        let mut text = String::with_capacity(batch.events.len() * 512);
        for event in batch.events {
            self.write(event, &mut text);
        }
        Ok(Some(Bytes::from(text)))
    }

    fn write(&self, event: GovernanceEvent, text: &mut String) {
        let (position, name) = (Position::of(&event), event.event_type.clone());
        // JSON on one line: line breaks inside texts are escaped.
        let data = match self.form {
            Form::Plain => serde_json::to_string(&EventResponse::from(event)).unwrap_or_default(),
            Form::CloudEvent => cloudevent::render(self.organization, &event).to_string(),
        };
        let position = position.to_string();
        text.extend([
            "id: ",
            &position,
            "\nevent: ",
            &name,
            "\ndata: ",
            &data,
            "\n\n",
        ]);
    }

    /// A block without data: nothing is dispatched, but the listener remembers how far it has heard.
    fn heartbeat(&self, lines: &str) -> Bytes {
        let id = self.position.map(|position| format!("id: {position}\n"));
        Bytes::from(format!("{lines}{}\n", id.unwrap_or_default()))
    }

    /// Whether the credential would still be let in, and for the same spaces.
    async fn still_counts(&mut self) -> bool {
        self.asked = Instant::now();
        let now = self.state.clock.now();
        let asked = self.state.authenticator.authenticate(
            &self.headers,
            self.peer,
            &self.state.limits,
            now,
        );
        match asked.await {
            Ok(principal) => {
                principal.organization == self.organization
                    && principal.scopes.contains(Scope::Read)
                    && principal.reach.only() == self.wanted.spaces
                    && principal.reach.hidden() == self.wanted.hidden
            }
            // The store out of reach is no verdict on the credential.
            Err(problem) => problem.kind == ErrorKind::Unavailable,
        }
    }
}
