//! OTLP traces over HTTP: spans with the GenAI attributes tell which models are in use.

use std::io::Read as _;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, post, web};
use flate2::read::GzDecoder;
use probity_kernel::{ErrorKind, FieldError};
use probity_registry::AiRequest;
use prost::Message as _;
use time::OffsetDateTime;

use super::otlp_messages::{ExportRequest, ExportResponse, PartialSuccess, RpcStatus, Span, json};
use super::{Ingestion, TAG};
use crate::families::problem::{CallerErrors, TraceErrors};
use crate::http::auth::{Caller, WriteAccess};
use crate::http::extract::{RawBody, media_type, parse_json};
use crate::http::failure::{Failure, Problem};
use crate::state::AppState;

/// Largest body, before and after it is unpacked.
const LARGEST: usize = 4 << 20;

/// Which of the two encodings of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

/// Receives spans; those that name a model are counted, everything else is let go.
#[utoipa::path(
    operation_id = "ingestion_receive_traces", tag = TAG, security(("bearer" = [])),
    request_body(content(("application/x-protobuf"), (Object = "application/json")), description = "ExportTraceServiceRequest"),
    responses(
        (status = 200, description = "ExportTraceServiceResponse", content((Object = "application/json"), ("application/x-protobuf"))),
        CallerErrors, TraceErrors
    )
)]
#[post("/traces")]
pub(super) async fn receive_traces(
    caller: Caller<Ingestion, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let body = RawBody::read(request.headers(), payload.into_inner(), LARGEST).await;
    let encoding = match encoding(&body.content_type) {
        Ok(encoding) => encoding,
        Err(failure) => return failure.error_response(),
    };
    match record(&caller, &state, &request, body, encoding).await {
        Ok(refused) => accepted(encoding, refused),
        Err(failure) => failed(encoding, &failure),
    }
}

fn encoding(content_type: &str) -> Result<Encoding, Failure<Ingestion>> {
    match media_type(content_type).as_str() {
        "application/x-protobuf" => Ok(Encoding::Protobuf),
        "application/json" => Ok(Encoding::Json),
        _ => {
            let detail = "traces must be sent as application/x-protobuf or application/json";
            let problem = Problem::new(ErrorKind::Invalid, "unsupported_media_type", detail);
            Err(problem
                .with_status(actix_web::http::StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .into())
        }
    }
}

/// Counts the requests; answers how many spans named a model that cannot be recorded.
async fn record(
    caller: &Caller<Ingestion, WriteAccess>,
    state: &AppState,
    request: &HttpRequest,
    body: RawBody,
    encoding: Encoding,
) -> Result<usize, Failure<Ingestion>> {
    let bytes = body.bytes.map_err(|problem| Failure::from(*problem))?;
    let bytes = unpack(request, bytes)?;
    let spans = match encoding {
        Encoding::Protobuf => decode(&bytes)?,
        Encoding::Json => decode_json(&bytes)?,
    };
    let context = caller.context();
    let asked = spans
        .iter()
        .filter_map(|span| request_of(span, context.now));
    let (requests, refused): (Vec<_>, Vec<_>) = asked.partition(Result::is_ok);
    let requests: Vec<AiRequest> = requests.into_iter().filter_map(Result::ok).collect();
    state.registry.record_usage(context, requests).await?;
    Ok(refused.len())
}

fn unpack(request: &HttpRequest, bytes: Bytes) -> Result<Bytes, Failure<Ingestion>> {
    let coding = request
        .headers()
        .get(CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok());
    match coding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("identity" | "") => Ok(bytes),
        Some("gzip") => {
            let mut plain = Vec::new();
            let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX) + 1;
            let read = GzDecoder::new(bytes.as_ref())
                .take(limit)
                .read_to_end(&mut plain);
            read.map_err(|_| malformed("the body is not gzip"))?;
            if plain.len() > LARGEST {
                let detail = format!("the body is larger than {LARGEST} bytes when unpacked");
                let problem = Problem::new(ErrorKind::Invalid, "payload_too_large", detail);
                return Err(problem
                    .with_status(actix_web::http::StatusCode::PAYLOAD_TOO_LARGE)
                    .into());
            }
            Ok(plain.into())
        }
        Some(_) => {
            let detail = "the body must be sent plain or as gzip";
            let problem = Problem::new(ErrorKind::Invalid, "unsupported_content_encoding", detail);
            Err(problem
                .with_status(actix_web::http::StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .into())
        }
    }
}

fn malformed(message: &str) -> Failure<Ingestion> {
    Failure::malformed(vec![FieldError::new("", "malformed_body", message)])
}

/// The attributes of a span that matter, and when it began.
struct Asked<'a> {
    started: u64,
    attributes: Vec<(&'a str, &'a str)>,
}

fn decode(bytes: &Bytes) -> Result<Vec<Span>, Failure<Ingestion>> {
    let request = ExportRequest::decode(bytes.as_ref())
        .map_err(|_| malformed("the body is not an ExportTraceServiceRequest"))?;
    let scopes = request
        .resource_spans
        .into_iter()
        .flat_map(|resource| resource.scope_spans);
    Ok(scopes.flat_map(|scope| scope.spans).collect())
}

fn decode_json(bytes: &Bytes) -> Result<Vec<Span>, Failure<Ingestion>> {
    let request: json::ExportRequest = parse_json(bytes)?;
    let scopes = request
        .resource_spans
        .into_iter()
        .flat_map(|resource| resource.scope_spans);
    Ok(scopes
        .flat_map(|scope| scope.spans)
        .map(Span::from)
        .collect())
}

impl From<json::Span> for Span {
    fn from(span: json::Span) -> Self {
        use super::otlp_messages::{AnyValue, KeyValue};
        let started = match span.start_time_unix_nano {
            Some(json::Nanoseconds::Text(text)) => text.parse().unwrap_or(0),
            Some(json::Nanoseconds::Number(number)) => number,
            None => 0,
        };
        let attributes = span.attributes.into_iter().map(|pair| KeyValue {
            key: pair.key,
            value: pair.value.map(|value| AnyValue {
                string_value: value.string_value,
            }),
        });
        Self {
            start_time_unix_nano: started,
            attributes: attributes.collect(),
        }
    }
}

/// The request that a span tells of; none for a span that names no model.
fn request_of(span: &Span, now: OffsetDateTime) -> Option<Result<AiRequest, Vec<FieldError>>> {
    let texts = span.attributes.iter().filter_map(|pair| {
        let value = pair.value.as_ref()?.string_value.as_deref()?;
        Some((pair.key.as_str(), value)).filter(|(_, value)| !value.is_empty())
    });
    let asked = Asked {
        started: span.start_time_unix_nano,
        attributes: texts.collect(),
    };
    let named = |name: &str| {
        asked
            .attributes
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    };
    // What was asked for is what has to be governed; the answer's model only stands in for it.
    let model = named("gen_ai.request.model").or_else(|| named("gen_ai.response.model"))?;
    let provider = named("gen_ai.provider.name").or_else(|| named("gen_ai.system"));
    let at = match asked.started {
        0 => now,
        nanoseconds => OffsetDateTime::from_unix_timestamp_nanos(nanoseconds.into()).unwrap_or(now),
    };
    Some(AiRequest::parse(model, provider, at, now))
}

fn accepted(encoding: Encoding, refused: usize) -> HttpResponse {
    let message = "spans whose model, provider or start is out of range";
    match encoding {
        Encoding::Json if refused == 0 => HttpResponse::Ok().json(serde_json::json!({})),
        Encoding::Json => HttpResponse::Ok().json(serde_json::json!({
            "partialSuccess": {"rejectedSpans": refused.to_string(), "errorMessage": message}
        })),
        Encoding::Protobuf => {
            let partial_success = (refused > 0).then(|| PartialSuccess {
                rejected_spans: i64::try_from(refused).unwrap_or(i64::MAX),
                error_message: message.to_owned(),
            });
            protobuf(HttpResponse::Ok(), &ExportResponse { partial_success })
        }
    }
}

/// A collector that speaks protobuf reads a failure as `google.rpc.Status`.
fn failed(encoding: Encoding, failure: &Failure<Ingestion>) -> HttpResponse {
    let response = failure.error_response();
    if encoding == Encoding::Json {
        return response;
    }
    let status = RpcStatus {
        code: 3,
        message: failure.to_string(),
    };
    let mut builder = HttpResponse::build(response.status());
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE {
            builder.insert_header((name.clone(), value.clone()));
        }
    }
    protobuf(builder, &status)
}

fn protobuf(
    mut builder: actix_web::HttpResponseBuilder,
    message: &impl prost::Message,
) -> HttpResponse {
    builder
        .insert_header((CONTENT_TYPE, "application/x-protobuf"))
        .body(message.encode_to_vec())
}
