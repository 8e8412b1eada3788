//! What every request gets: an id, security headers, a log line, a place in the metrics.

use std::time::Instant;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use probity_kernel::RequestId;

use crate::http::{as_of, head};
use crate::state::AppState;

tokio::task_local! {
    static CURRENT: Current;
}

/// The request that a task serves.
struct Current {
    id: RequestId,
    uri: Uri,
}

/// The header that carries the request id both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The id of the request that this task serves, for problem bodies.
pub(crate) fn current_id() -> Option<String> {
    let id = CURRENT.try_with(|current| current.id.as_str().to_owned());
    id.ok()
}

/// What the request that this task serves asks for.
pub(crate) fn current_uri() -> Option<Uri> {
    CURRENT.try_with(|current| current.uri.clone()).ok()
}

/// Headers that the response carries to tell a caller where its rate limit stands.
pub(crate) struct LimitHeaders(pub(crate) Vec<(HeaderName, HeaderValue)>);

/// The outermost layer of the server.
pub(crate) async fn frame(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    unabbreviate(&mut request);
    let method = request.method().clone();
    let is_head = head::ask_as_get(&mut request);
    let id = accept_id(&request);
    request.extensions_mut().insert(id.clone());
    let current = Current {
        id: id.clone(),
        uri: request.uri().clone(),
    };
    let answer = async {
        let response = next.call(request).await?;
        Ok::<_, Error>(match as_of::refused_after(&response) {
            Some(refusal) => response.into_response(refusal).map_into_right_body(),
            None => response.map_into_left_body(),
        })
    };
    let mut response = CURRENT.scope(current, answer).await?;
    if is_head {
        response = response.map_body(|_, body| EitherBody::right(head::bare(body.size())));
    }
    let took = started.elapsed();
    let status = response.status();
    let route = response.request().match_pattern();
    if let Some(state) = response.request().app_data::<web::Data<AppState>>() {
        state
            .metrics
            .observe(method.as_str(), route.as_deref(), status.as_u16(), took);
    }
    tracing::info!(
        target: "probity::access",
        request_id = id.as_str(),
        method = method.as_str(),
        route = route.as_deref().unwrap_or("-"),
        status = status.as_u16(),
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    let limits = response.request().extensions_mut().remove::<LimitHeaders>();
    add_headers(response.headers_mut(), &id, limits);
    Ok(response)
}

/// The paths that may be spelt without their version.
const UNVERSIONED: [(&str, &str); 1] = [("/api/governance-events", "/api/v1/governance-events")];

/// Spells a path out that was given without its version: it means the first one.
fn unabbreviate(request: &mut ServiceRequest) {
    let path = request.uri().path();
    let abbreviated = UNVERSIONED.iter().find(|(short, _)| {
        let rest = path.strip_prefix(short);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let Some((short, long)) = abbreviated else {
        return;
    };
    let whole = request.uri().to_string().replacen(short, long, 1);
    if let Ok(uri) = whole.parse::<Uri>() {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

fn add_headers(headers: &mut HeaderMap, id: &RequestId, limits: Option<LimitHeaders>) {
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in limits.map(|limits| limits.0).unwrap_or_default() {
        headers.insert(name, value);
    }
    let defaults = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (COOP, "same-origin"),
        (CORP, "same-origin"),
        (
            STRICT_TRANSPORT_SECURITY,
            "max-age=31536000; includeSubDomains",
        ),
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ];
    for (name, value) in defaults {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// Takes the caller's request id when it is harmless, otherwise makes one.
fn accept_id(request: &ServiceRequest) -> RequestId {
    let given = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if let Some(id) = given.filter(harmless) {
        return RequestId::new(id);
    }
    let made = request
        .app_data::<web::Data<AppState>>()
        .map(|state| state.new_request_id());
    made.unwrap_or_else(|| RequestId::new("unknown"))
}
