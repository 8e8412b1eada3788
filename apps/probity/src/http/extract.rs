//! Bodies, queries and paths, refused in the family's own words.
//!
//! Reading never fails an extractor: what is wrong with the input is told when the handler asks
//! for it, so that a missing credential is answered before a malformed body.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, IF_MATCH,
};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest, dev::Payload, error::PayloadError, web};
use futures_util::{FutureExt, StreamExt, future::Ready, future::ready};
use probity_kernel::text::{TextRule, pointer_token};
use probity_kernel::{
    ErrorKind, FieldError, PageRequest, Paging, Patch, ProductId, Version, wrong_type,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use validator::Validate;

use crate::http::failure::{Failure, Family, Problem};
use crate::http::objects::Objects;
use crate::http::{cursor, instant, json, shape};

/// The usual limit of a JSON body.
pub(crate) const SMALL_BODY: usize = 256 << 10;
/// The limit of a body that holds a batch.
pub(crate) const BATCH_BODY: usize = 1 << 20;

/// How long a body may take, however slowly it trickles in; and the bytes for which it gets a second more.
const PATIENCE: Duration = Duration::from_mins(1);
const BYTES_A_SECOND: usize = 16 << 10;

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, actix_web::Error>>>>;

/// The bytes of a body, or why they are not to be had.
#[derive(Debug)]
pub(crate) struct RawBody {
    pub(crate) bytes: Result<Bytes, Box<Problem>>,
    pub(crate) content_type: String,
    /// Whether it is said to be compressed or the like.
    is_encoded: bool,
}

impl RawBody {
    /// Reads at most `limit` bytes.
    pub(crate) fn read(
        headers: &HeaderMap,
        payload: Payload,
        limit: usize,
    ) -> impl Future<Output = Self> + use<> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let content_type = text(CONTENT_TYPE).unwrap_or_default().trim().to_owned();
        let announced = text(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        let is_encoded = is_encoded(headers);
        async move {
            let whole = read_limited(announced, payload, limit);
            let more = u64::try_from(limit / BYTES_A_SECOND).unwrap_or(u64::MAX);
            let patience = PATIENCE.saturating_add(Duration::from_secs(more));
            let bytes = match tokio::time::timeout(patience, whole).await {
                Ok(read) => read.map_err(Box::new),
                Err(_) => Err(Box::new(incomplete(
                    "the body did not come to its end in time",
                ))),
            };
            Self {
                bytes,
                content_type,
                is_encoded,
            }
        }
    }

    /// The bytes of a body that is what it was sent as.
    pub(crate) fn plain<F>(self) -> Result<Bytes, Failure<F>> {
        if self.is_encoded {
            return Err(encoded().into());
        }
        self.bytes.map_err(|problem| Failure::from(*problem))
    }
}

/// Whether a body is said to be compressed or the like.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The refusal of such a body.
pub(crate) fn encoded() -> Problem {
    let detail = "the body must be sent without Content-Encoding";
    Problem::new(ErrorKind::Invalid, "unsupported_content_encoding", detail)
        .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

/// The media type of a `Content-Type`, lower case, without its parameters.
pub(crate) fn media_type(content_type: &str) -> String {
    content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

async fn read_limited(
    announced: Option<usize>,
    mut payload: Payload,
    limit: usize,
) -> Result<Bytes, Problem> {
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| broken(&error))?;
        if body.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("the body is larger than {limit} bytes");
    Problem::new(ErrorKind::Invalid, "payload_too_large", detail)
        .with_status(StatusCode::PAYLOAD_TOO_LARGE)
}

fn broken(error: &PayloadError) -> Problem {
    incomplete(format!(
        "the body ended early or is not what its headers say: {error}"
    ))
}

fn incomplete(detail: impl Into<String>) -> Problem {
    Problem::new(ErrorKind::Invalid, "incomplete_body", detail).with_status(StatusCode::BAD_REQUEST)
}

/// A JSON body of at most `LIMIT` bytes.
pub(crate) struct Json<T, F, const LIMIT: usize = SMALL_BODY> {
    body: RawBody,
    marker: PhantomData<fn() -> (T, F)>,
}

impl<T: 'static, F: Family, const LIMIT: usize> FromRequest for Json<T, F, LIMIT> {
    type Error = actix_web::Error;
    type Future = Boxed<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Boxed<Self> {
        let body = RawBody::read(request.headers(), payload.take(), LIMIT);
        body.map(|body| {
            Ok(Self {
                body,
                marker: PhantomData,
            })
        })
        .boxed_local()
    }
}

impl<T: DeserializeOwned + Validate, F: Family, const LIMIT: usize> Json<T, F, LIMIT> {
    /// The value, and the bytes it was read from.
    pub(crate) fn parse(self) -> Result<(T, Bytes), Failure<F>> {
        let media = media_type(&self.body.content_type);
        let bytes = self.body.plain()?;
        if media != "application/json" && !media.ends_with("+json") {
            let detail = "the body must be sent as `Content-Type: application/json`";
            let problem = Problem::new(ErrorKind::Invalid, "unsupported_media_type", detail);
            return Err(problem
                .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .into());
        }
        let value: T = parse_json(&bytes)?;
        shape::check(&value).map_err(Failure::malformed)?;
        Ok((value, bytes))
    }
}

impl<T: DeserializeOwned + Validate + Default, F: Family, const LIMIT: usize> Json<T, F, LIMIT> {
    /// The value; its default where there is no body.
    pub(crate) fn parse_optional(self) -> Result<(T, Bytes), Failure<F>> {
        if matches!(&self.body.bytes, Ok(bytes) if bytes.is_empty()) {
            return Ok((T::default(), Bytes::new()));
        }
        self.parse()
    }
}

/// Reads a JSON document into a type; a fault names the field by its JSON Pointer.
pub(crate) fn parse_json<T: DeserializeOwned, F: Family>(bytes: &[u8]) -> Result<T, Failure<F>> {
    if let Err(error) = json::check_shape(bytes) {
        let message = format!("not acceptable JSON: {error}");
        return Err(Failure::malformed(vec![FieldError::new(
            "",
            "malformed_json",
            message,
        )]));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    if let Ok(value) = T::deserialize(Objects(&mut deserializer)) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(Objects(&mut deserializer)).map_err(|error| {
        let field = pointer(error.path());
        Failure::malformed(vec![FieldError::new(
            field,
            "wrong_type",
            wrong_type::must_be(&error.inner().to_string()),
        )])
    })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&pointer_token(key)),
            Segment::Enum { variant } => pointer.push_str(variant),
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

/// For `deserialize_with`, beside `default`: a member that is there is null or a value; an absent one
/// never gets here.
pub(crate) fn patch<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Patch<T>, D::Error> {
    Ok(match Option::<T>::deserialize(from)? {
        Some(value) => Patch::Value(value),
        None => Patch::Null,
    })
}

/// The values of a query parameter that may be given more than once, in their order.
pub(crate) fn repeated(request: &HttpRequest, name: &str) -> Vec<String> {
    url::form_urlencoded::parse(request.query_string().as_bytes())
        .filter(|(given, _)| given == name)
        .map(|(_, value)| value.into_owned())
        .collect()
}

/// Query parameters.
pub(crate) struct Query<T, F> {
    parsed: Result<T, String>,
    marker: PhantomData<fn() -> F>,
}

impl<T: DeserializeOwned, F: Family> FromRequest for Query<T, F> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = web::Query::<T>::from_query(request.query_string());
        let parsed = parsed
            .map(web::Query::into_inner)
            .map_err(|error| error.to_string());
        ready(Ok(Self {
            parsed,
            marker: PhantomData,
        }))
    }
}

impl<T, F: Family> Query<T, F> {
    /// The parameters, or what is wrong with the query as a whole.
    pub(crate) fn parse(self) -> Result<T, Failure<F>> {
        self.parsed.map_err(|message| {
            Failure::malformed(vec![FieldError::new("query", "malformed_query", message)])
        })
    }
}

/// Collects the faults of several fields before it gives up.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<FieldError>);

impl Faults {
    /// The value of a check, or its faults noted.
    pub(crate) fn note<T, E: Into<Vec<FieldError>>>(&mut self, checked: Result<T, E>) -> Option<T> {
        checked.map_err(|errors| self.0.extend(errors.into())).ok()
    }

    /// An optional parameter read from its text.
    pub(crate) fn optional<T: FromStr>(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        expected: &str,
    ) -> Option<T> {
        let parsed = text.map(str::parse::<T>)?;
        self.note(parsed.map_err(|_| {
            vec![FieldError::new(
                field,
                "invalid_value",
                format!("must be {expected}"),
            )]
        }))
    }

    /// A whole number within `range`; `default` where none is given.
    pub(crate) fn number(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        range: std::ops::RangeInclusive<u64>,
        default: u64,
    ) -> u64 {
        let Some(text) = text else { return default };
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let value = if plain { text.parse().ok() } else { None };
        if let Some(value) = value.filter(|value| range.contains(value)) {
            return value;
        }
        let message = format!(
            "must be a whole number from {} to {}",
            range.start(),
            range.end()
        );
        self.0.push(FieldError::new(field, "out_of_range", message));
        default
    }

    /// A text of at most `max` characters; an empty one is none.
    pub(crate) fn text(
        &mut self,
        field: &'static str,
        text: Option<String>,
        max: usize,
    ) -> Option<String> {
        let text = text.filter(|text| !text.is_empty())?;
        let rule = TextRule {
            min: 0,
            max,
            multiline: false,
        };
        self.note(rule.check(field, &text).map_err(|error| vec![error]))?;
        Some(text)
    }

    /// An optional instant.
    pub(crate) fn instant(
        &mut self,
        field: &'static str,
        text: Option<&str>,
    ) -> Option<OffsetDateTime> {
        let parsed = instant::parse(field, text?);
        self.note(parsed.map_err(|fault| vec![fault]))
    }

    /// The id of a product, which must be there.
    pub(crate) fn product(&mut self, field: &'static str, text: Option<&str>) -> Option<ProductId> {
        if text.is_none() {
            self.0
                .push(FieldError::new(field, "required", "is required"));
        }
        self.optional(field, text, "a UUID or its `sys_` spelling")
    }

    /// Which page is wanted: by offset, or after a cursor.
    pub(crate) fn page(
        &mut self,
        limit: u64,
        offset_name: &'static str,
        offset: Option<&str>,
        cursor: Option<&str>,
    ) -> PageRequest {
        let skip = self.number(offset_name, offset, 0..=2_000_000_000, 0);
        if offset.is_some() && cursor.is_some() {
            let message = format!("cannot be given together with `{offset_name}`");
            self.0
                .push(FieldError::new("cursor", "conflicting_parameter", message));
        }
        let expected = "`next_cursor` of an earlier page of this list";
        let paging = match self.optional::<cursor::Given>("cursor", cursor, expected) {
            Some(cursor::Given(cursor)) => Paging::After(cursor),
            None => Paging::Offset(skip),
        };
        PageRequest {
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            paging,
        }
    }

    /// Ends the collection.
    pub(crate) fn done<F>(self) -> Result<(), Failure<F>> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Failure::malformed(self.0))
        }
    }
}

/// An id in the path, in either of its spellings.
pub(crate) struct PathId<I, F> {
    parsed: Option<I>,
    marker: PhantomData<fn() -> F>,
}

impl<I: FromStr + 'static, F: Family> FromRequest for PathId<I, F> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = request
            .match_info()
            .get("id")
            .and_then(|text| text.parse().ok());
        ready(Ok(Self {
            parsed,
            marker: PhantomData,
        }))
    }
}

impl<I, F: Family> PathId<I, F> {
    /// The id, or that the path does not hold one.
    pub(crate) fn parse(self) -> Result<I, Failure<F>> {
        self.parsed.ok_or_else(|| {
            let message = "must be a UUID or the prefixed spelling of one";
            Failure::malformed(vec![FieldError::new("id", "invalid_id", message)])
        })
    }
}

/// The id in the path parameter of this name, in either of its spellings.
pub(crate) fn path_id<I: FromStr, F: Family>(
    request: &HttpRequest,
    name: &'static str,
) -> Result<I, Failure<F>> {
    let text = request.match_info().get(name).unwrap_or_default();
    text.parse().map_err(|_| {
        let message = "must be a UUID or the prefixed spelling of one";
        Failure::malformed(vec![FieldError::new(name, "invalid_id", message)])
    })
}

/// `If-Match`: the version the caller decided on.
pub(crate) struct IfMatch {
    header: Option<Result<Option<Version>, ()>>,
}

impl FromRequest for IfMatch {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(IF_MATCH).map(|value| {
            let text = value.to_str().map_err(|_| ())?.trim();
            if text == "*" {
                return Ok(None);
            }
            let inner = text
                .strip_prefix("\"v")
                .and_then(|rest| rest.strip_suffix('"'))
                .ok_or(())?;
            inner.parse().map(Version::new).map(Some).map_err(|_| ())
        });
        ready(Ok(Self { header }))
    }
}

impl IfMatch {
    /// The version, when one is demanded; an unknown tag matches no version.
    pub(crate) fn version(self) -> Option<Version> {
        match self.header? {
            Ok(version) => version,
            Err(()) => Some(Version::new(-1)),
        }
    }
}

/// The entity tag of a version.
pub(crate) fn etag(version: Version) -> String {
    format!("\"v{version}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{Stream, stream};

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up() {
        let some = stream::iter([Ok(Bytes::from_static(b"{\"a\":"))]);
        let some: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> =
            Box::pin(some.chain(stream::pending()));
        let payload = Payload::Stream { payload: some };
        let read = RawBody::read(&HeaderMap::new(), payload, SMALL_BODY).await;
        assert_eq!(read.bytes.unwrap_err().code, "incomplete_body");
    }
}
