//! A second door to the same store: tus 1.0 with creation, checksum, termination and expiration.
//!
//! `/tus/<product>` creates, `/tus/<product>/<upload>` goes on. Bodies are cut into pieces of the
//! session's chunk size, each durable before the next is begun; what is missing after a break is
//! what came behind the last of them. The upload that is whole becomes an artifact at once.

mod body;
mod metadata;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Data, Payload};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
use probity_artifacts::plan::{LARGEST_ARTIFACT, LARGEST_CHUNK};
use probity_artifacts::{
    ArtifactError, Completion, Layout, NewUpload, UploadRefusal, UploadSession,
};
use probity_kernel::{Context, ErrorKind, FieldError, ProductId, UploadSessionId};
use time::format_description::well_known::Rfc2822;

use self::body::Source;
use super::refusal::{lost, told};
use super::{Answer, Artifacts};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{media_type, path_id};
use crate::http::failure::{Failure, Problem};
use crate::http::product;
use crate::state::{AppState, ArtifactStore};

const VERSION: &str = "1.0.0";
const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
/// The status that tus gives to bytes of another checksum.
const CHECKSUM_MISMATCH: u16 = 460;

/// Adds the routes.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/tus/{product_id}")
                .route(web::method(Method::OPTIONS).to(options))
                .route(web::post().to(create)),
        )
        .service(
            web::resource("/tus/{product_id}/{upload_id}")
                .route(web::method(Method::OPTIONS).to(options))
                .route(web::head().to(head))
                .route(web::patch().to(append))
                .route(web::delete().to(terminate)),
        );
}

/// What the server can do.
async fn options() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((TUS_RESUMABLE, VERSION))
        .insert_header((TUS_VERSION, VERSION))
        .insert_header(("tus-extension", "creation,checksum,termination,expiration"))
        .insert_header(("tus-checksum-algorithm", "sha1,sha256"))
        .insert_header(("tus-max-size", LARGEST_ARTIFACT.to_string()))
        .finish()
}

/// Every answer says which protocol it is of, refusals too.
fn framed(answer: Answer) -> HttpResponse {
    let mut response = answer.unwrap_or_else(|failure| failure.error_response());
    let version = HeaderValue::from_static(VERSION);
    response.headers_mut().insert(TUS_RESUMABLE, version);
    response
}

fn check_version(headers: &HeaderMap) -> Result<(), Failure<Artifacts>> {
    if headers
        .get(TUS_RESUMABLE)
        .is_some_and(|version| version == VERSION)
    {
        return Ok(());
    }
    let detail = "Tus-Resumable must be 1.0.0";
    let problem = Problem::new(ErrorKind::PreconditionFailed, "unsupported_version", detail);
    Err(problem
        .with_header(TUS_VERSION, HeaderValue::from_static(VERSION))
        .into())
}

/// A header that is a whole number.
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<i64, Failure<Artifacts>> {
    let text = headers.get(name).and_then(|value| value.to_str().ok());
    let text = text.map(str::trim);
    // No sign: the protocol has digits alone.
    let digits = text.filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| {
        let message = "must be a whole number of bytes";
        bad_header(vec![FieldError::new(name.as_str(), "malformed", message)])
    })
}

/// What this door's own headers say wrong is told as clients of the protocol know it.
fn bad_header(faults: Vec<FieldError>) -> Failure<Artifacts> {
    let problem = Problem::malformed(faults);
    problem.with_status(StatusCode::BAD_REQUEST).into()
}

fn expires(session: &UploadSession) -> String {
    let expires = session.expires_at.to_offset(time::UtcOffset::UTC);
    expires
        .format(&Rfc2822)
        .unwrap_or_default()
        .replace("+0000", "GMT")
}

async fn create(
    caller: Caller<Artifacts, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> HttpResponse {
    framed(created(&caller, &state, &request).await)
}

async fn created(
    caller: &Caller<Artifacts, WriteAccess>,
    state: &AppState,
    request: &HttpRequest,
) -> Answer {
    check_version(request.headers())?;
    let product = product::edited(caller, state, request).await?;
    let length = number(request.headers(), &UPLOAD_LENGTH)?;
    let told_by_client = request.headers().get(UPLOAD_METADATA);
    let input = metadata::read(told_by_client)
        .and_then(|pairs| pairs.input(length))
        .map_err(bad_header)?;
    let new = NewUpload::parse(input)?.appended();
    let context = caller.context();
    let opened = state
        .artifacts
        .initiate(context, product.id, product.space, new);
    let session = opened.await.map_err(told)?;
    if session.total_size == 0 {
        complete(&state.artifacts, context, product.id, session.id).await?;
    }
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/tus/{}/{}", product.id, session.id)))
        .insert_header((UPLOAD_EXPIRES, expires(&session)))
        .insert_header((UPLOAD_OFFSET, "0"))
        .finish())
}

async fn head(
    caller: Caller<Artifacts, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> HttpResponse {
    let found = async {
        check_version(request.headers())?;
        let product = product::viewed(&caller, &state, &request).await?;
        let (context, id) = (caller.context(), path_id(&request, "upload_id")?);
        let session = find(&state.artifacts, context, product.id, id).await?;
        Ok(HttpResponse::Ok()
            .insert_header((UPLOAD_OFFSET, session.received_bytes().to_string()))
            .insert_header((UPLOAD_LENGTH, session.total_size.to_string()))
            .insert_header((UPLOAD_EXPIRES, expires(&session)))
            .insert_header((CACHE_CONTROL, "no-store"))
            .finish())
    };
    framed(found.await)
}

/// A session of this door. One that is not open any more is told by its refusal, but for one that is
/// complete: it is whole.
async fn find(
    artifacts: &ArtifactStore,
    context: &Context,
    product: ProductId,
    id: UploadSessionId,
) -> Result<UploadSession, Failure<Artifacts>> {
    let found = artifacts
        .upload(context.organization, product, id, context.now)
        .await;
    let session = found.map_err(told)?;
    if session.layout != Layout::Appended {
        return Err(told(UploadRefusal::Gone.into()));
    }
    match session.check_unfinished(context.now) {
        Ok(()) | Err(UploadRefusal::Completed) => Ok(session),
        Err(refusal) => Err(told(refusal.into())),
    }
}

async fn append(
    caller: Caller<Artifacts, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    framed(appended(&caller, &state, &request, payload).await)
}

async fn appended(
    caller: &Caller<Artifacts, WriteAccess>,
    state: &AppState,
    request: &HttpRequest,
    payload: Payload,
) -> Answer {
    let headers = request.headers();
    check_version(headers)?;
    let product = product::edited(caller, state, request).await?;
    let (context, id) = (caller.context(), path_id(request, "upload_id")?);
    check_type(headers)?;
    let offset = u64::try_from(number(headers, &UPLOAD_OFFSET)?).unwrap_or_default();
    let session = find(&state.artifacts, context, product.id, id).await?;
    if offset != session.received_bytes() {
        return Err(told(UploadRefusal::OffsetMoved.into()));
    }
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    let checksum = body::Checksum::read(headers.get(UPLOAD_CHECKSUM))?;
    if checksum.is_some() && length.is_none_or(|length| length > LARGEST_CHUNK) {
        return Err(too_large_to_check());
    }
    let mut source = Source::new(payload);
    let left = session.total_size.saturating_sub(offset);
    if length.is_some_and(|length| length > left) {
        return Err(told(ArtifactError::TooLong { expected: left }));
    }
    let artifacts = &state.artifacts;
    let to = source
        .pour(artifacts, context, &session, offset, checksum)
        .await?;
    if to == session.total_size && session.check_unfinished(context.now).is_ok() {
        complete(artifacts, context, product.id, id).await?;
    }
    Ok(HttpResponse::NoContent()
        .insert_header((UPLOAD_OFFSET, to.to_string()))
        .insert_header((UPLOAD_EXPIRES, expires(&session)))
        .finish())
}

fn check_type(headers: &HeaderMap) -> Result<(), Failure<Artifacts>> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if given.is_some_and(|given| media_type(given) == "application/offset+octet-stream") {
        return Ok(());
    }
    let detail = "bytes are appended as application/offset+octet-stream";
    let problem = Problem::new(ErrorKind::Invalid, "unsupported_media_type", detail);
    Err(problem
        .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .into())
}

fn too_large_to_check() -> Failure<Artifacts> {
    let most = LARGEST_CHUNK;
    let detail =
        format!("with a checksum a request appends at most {most} bytes, and says how many");
    Problem::new(ErrorKind::Invalid, "too_large_for_checksum", detail)
        .with_status(StatusCode::PAYLOAD_TOO_LARGE)
        .into()
}

async fn complete(
    artifacts: &ArtifactStore,
    context: &Context,
    product: ProductId,
    id: UploadSessionId,
) -> Result<(), Failure<Artifacts>> {
    let (artifacts, context) = (artifacts.clone(), context.clone());
    // To its end, also when the client is gone by then.
    let task = tokio::spawn(async move {
        artifacts
            .complete(&context, product, id, Completion::default())
            .await
    });
    let done = task.await.map_err(|error| lost(&error))?;
    done.map(drop).map_err(told)
}

async fn terminate(
    caller: Caller<Artifacts, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> HttpResponse {
    let ended = async {
        check_version(request.headers())?;
        let product = product::edited(&caller, &state, &request).await?;
        let (context, id) = (caller.context(), path_id(&request, "upload_id")?);
        find(&state.artifacts, context, product.id, id).await?;
        let aborted = state.artifacts.abort(context, product.id, id);
        aborted.await.map_err(told)?;
        Ok(HttpResponse::NoContent().finish())
    };
    framed(ended.await)
}
