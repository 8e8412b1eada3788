//! Chunks, streamed to where they are kept.

use std::time::Duration;

use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, put};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use probity_artifacts::{ArtifactError, Sha256Digest, UploadRefusal};
use probity_kernel::{ErrorKind, FieldError};

use super::dto::UploadSessionResponse;
use super::refusal::{lost, told};
use super::{Answer, Artifacts, TAG};
use crate::families::problem::{
    BodyErrors, CallerErrors, Clash, Missing, StorageErrors, Unprocessable,
};
use crate::http::auth::{Caller, WriteAccess};
use crate::http::extract::{is_encoded, media_type, path_id};
use crate::http::failure::{Failure, Problem};
use crate::http::product;
use crate::state::{AppState, ChunkOnItsWay};

/// How long a sender may pause.
const PATIENCE: Duration = Duration::from_mins(1);
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// Takes one chunk. The same bytes again change nothing; others replace, until completion begins.
#[utoipa::path(
    operation_id = "artifacts_put_chunk", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("upload_id" = String, Path, description = "Id of the session"),
        ("chunk_index" = u32, Path, description = "Zero-based index of the chunk"),
        ("Content-Digest" = Option<String>, Header, description = "SHA-256 of the chunk (RFC 9530): `sha-256=:...:`")
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The session with what has arrived", body = UploadSessionResponse),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, StorageErrors
    )
)]
#[put("/catalog/products/{product_id}/model-artifacts/uploads/{upload_id}/chunks/{chunk_index}")]
pub(super) async fn put_chunk(
    caller: Caller<Artifacts, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let (context, id) = (caller.context().clone(), path_id(&request, "upload_id")?);
    let index = index_of(request.match_info().query("chunk_index"))?;
    check_type(request.headers())?;
    let (declared, digest) = (length_of(request.headers()), digest_of(request.headers())?);
    let opened = state
        .artifacts
        .open_chunk(&context, product.id, id, index, declared, digest);
    let mut chunk = opened.await.map_err(told)?;
    receive(payload, &mut chunk).await.map_err(told)?;
    // To its end, also when the client is gone by then.
    let task = tokio::spawn(async move { chunk.finish(&context).await });
    let session = task.await.map_err(|error| lost(&error))?.map_err(told)?;
    state.catch_ups.start(&state.artifacts, &session);
    Ok(HttpResponse::Ok().json(UploadSessionResponse::from(session)))
}

/// Streams a body into a chunk.
async fn receive(mut payload: Payload, chunk: &mut ChunkOnItsWay) -> Result<(), ArtifactError> {
    while let Some(piece) = next_piece(&mut payload).await? {
        chunk.write(piece).await?;
    }
    Ok(())
}

/// What comes next of a body; nothing at its end.
pub(super) async fn next_piece(payload: &mut Payload) -> Result<Option<Bytes>, ArtifactError> {
    let next = tokio::time::timeout(PATIENCE, payload.next()).await;
    let piece = next.map_err(|_| ArtifactError::Cut)?.transpose();
    piece.map_err(|_| ArtifactError::Cut)
}

/// The index in a path: what is no number leads nowhere, what is no index names no chunk.
fn index_of(text: &str) -> Result<u32, Failure<Artifacts>> {
    let plain =
        text.bytes().all(|b| b.is_ascii_digit()) && !(text.len() > 1 && text.starts_with('0'));
    if let Some(index) = text.parse::<u32>().ok().filter(|_| plain) {
        return Ok(index);
    }
    let numeric = |b: u8| b.is_ascii_digit() || b"+-.".contains(&b);
    if !text.is_empty() && text.bytes().all(numeric) {
        return Err(told(UploadRefusal::NoSuchChunk.into()));
    }
    let detail = "there is nothing at this path";
    Err(Problem::new(ErrorKind::NotFound, "not_found", detail).into())
}

/// Chunks are bytes and nothing else.
fn check_type(headers: &HeaderMap) -> Result<(), Failure<Artifacts>> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let plain = text(CONTENT_TYPE).is_none_or(|it| media_type(it) == "application/octet-stream");
    if plain && !is_encoded(headers) {
        return Ok(());
    }
    let detail = "a chunk is sent as application/octet-stream without a content coding";
    let problem = Problem::new(ErrorKind::Invalid, "unsupported_media_type", detail);
    Err(problem
        .with_status(actix_web::http::StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .into())
}

fn length_of(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// The SHA-256 of `Content-Digest`; other algorithms are left aside.
fn digest_of(headers: &HeaderMap) -> Result<Option<Sha256Digest>, Failure<Artifacts>> {
    let Some(header) = headers.get(CONTENT_DIGEST) else {
        return Ok(None);
    };
    let members = header.to_str().unwrap_or("?").split(',').map(str::trim);
    let sha256 = members
        .filter_map(|member| member.strip_prefix("sha-256="))
        .next_back();
    let Some(value) = sha256 else {
        return Ok(None);
    };
    let bytes = value
        .strip_prefix(':')
        .and_then(|rest| rest.strip_suffix(':'));
    let bytes = bytes.and_then(|text| BASE64_STANDARD.decode(text).ok());
    let digest = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let digest = digest.map(Sha256Digest::from_bytes);
    digest.map(Some).ok_or_else(|| {
        let message = "must be sha-256=:<base64 of 32 bytes>:";
        Failure::malformed(vec![FieldError::new(
            "Content-Digest",
            "malformed",
            message,
        )])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn indexes_are_plain_numbers() {
        assert!(matches!(index_of("0"), Ok(0)) && matches!(index_of("4294967295"), Ok(u32::MAX)));
        for text in ["-1", "00", "1.0", "18446744073709551616", "+1", "01"] {
            assert!(
                format!("{:?}", index_of(text).unwrap_err()).contains("no_such_chunk"),
                "{text}"
            );
        }
        for text in ["", "abc", "0x1", "1e3", "١"] {
            assert!(
                format!("{:?}", index_of(text).unwrap_err()).contains("not_found"),
                "{text}"
            );
        }
    }

    #[test]
    fn only_the_digest_that_is_known_counts() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_DIGEST, HeaderValue::from_static(text));
            digest_of(&headers).map_err(|_| ())
        };
        let empty = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
        assert_eq!(read(empty), Ok(Some(Sha256Digest::of(b""))));
        assert_eq!(read("md5=:1B2M2Y8AsgTpgAmY7PhCfg==:"), Ok(None));
        for text in [
            "sha-256=::",
            "sha-256=47DEQ",
            "sha-256=:!!:",
            "sha-256=:AAAA:",
        ] {
            assert_eq!(read(text), Err(()), "{text}");
        }
    }
}
