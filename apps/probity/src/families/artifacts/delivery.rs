//! How the bytes of an artifact leave: whole, one range of them, or not at all because the caller
//! has them (RFC 9110).

use std::ops::Range;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    Charset, ContentDisposition, DispositionParam, DispositionType, ETAG, ExtendedValue, HeaderMap,
    HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::stream;
use probity_artifacts::{Artifact, BlobReader, ServedAs};
use probity_kernel::ErrorKind;

use super::Answer;
use crate::http::failure::Problem;

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// Types that no browser runs; anything else leaves as bytes.
const HARMLESS: [&str; 9] = [
    "application/gzip",
    "application/json",
    "application/octet-stream",
    "application/pdf",
    "application/x-tar",
    "application/zip",
    "text/csv",
    "text/markdown",
    "text/plain",
];

/// What of an artifact leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    range: Range<u64>,
    partial: bool,
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Nothing that is understood: everything is sent.
    Everything,
    One(Range<u64>),
    /// Several ranges, or one that lies outside.
    Refused,
}

impl Delivery {
    /// Decides by the request's headers, or answers right away.
    #[expect(clippy::result_large_err, reason = "an answer is sent at once")]
    pub(super) fn decide(artifact: &Artifact, headers: &HeaderMap) -> Result<Self, Answer> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let tag = entity_tag(artifact);
        if text(IF_NONE_MATCH).is_some_and(|tags| names(tags, &tag)) {
            let mut response = HttpResponse::NotModified();
            return Err(Ok(response.insert_header((ETAG, tag)).finish()));
        }
        let size = artifact.size;
        let whole = Self {
            range: 0..size,
            partial: false,
        };
        let Some(asked) = text(RANGE) else {
            return Ok(whole);
        };
        // A range of something else is not what the caller wants: strong comparison.
        if text(IF_RANGE).is_some_and(|wanted| wanted.trim() != tag) {
            return Ok(whole);
        }
        match parse_range(asked, size) {
            Asked::Everything => Ok(whole),
            Asked::One(range) => Ok(Self {
                range,
                partial: true,
            }),
            Asked::Refused => Err(Err(refused(size).into())),
        }
    }

    /// As what the storage backend is to hand it out.
    pub(super) fn served(artifact: &Artifact) -> ServedAs {
        ServedAs {
            content_type: type_of(artifact).to_owned(),
            disposition: disposition(&artifact.facts.file_name).to_string(),
        }
    }

    pub(super) fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The response with its body.
    pub(super) fn answer<R: BlobReader + 'static>(
        self,
        artifact: &Artifact,
        reader: R,
    ) -> HttpResponse {
        let mut response = HttpResponse::build(if self.partial {
            StatusCode::PARTIAL_CONTENT
        } else {
            StatusCode::OK
        });
        let digest = BASE64_STANDARD.encode(artifact.sha256.as_bytes());
        response
            .insert_header((ETAG, entity_tag(artifact)))
            .insert_header((ACCEPT_RANGES, "bytes"))
            .insert_header((REPR_DIGEST, format!("sha-256=:{digest}:")))
            .insert_header((CONTENT_TYPE, type_of(artifact)))
            .insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
            .insert_header((
                CONTENT_DISPOSITION,
                disposition(&artifact.facts.file_name).to_string(),
            ));
        let Range { start, end } = self.range;
        if self.partial {
            let last = end.saturating_sub(1);
            let told = format!("bytes {start}-{last}/{}", artifact.size);
            response.insert_header((CONTENT_RANGE, told));
        }
        let pieces = stream::unfold(Some(reader), |reader| async move {
            let mut reader = reader?;
            match reader.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(reader))),
                Ok(None) => None,
                // The length is announced already: the connection is cut, and the caller sees it.
                Err(error) => {
                    tracing::error!(error = ?error, "an artifact could not be read to its end");
                    Some((Err(error), None))
                }
            }
        });
        response.body(SizedStream::new(end - start, Box::pin(pieces)))
    }
}

fn entity_tag(artifact: &Artifact) -> String {
    format!("\"{}\"", artifact.sha256)
}

/// Whether a list of entity tags has this one; weak comparison, as `If-None-Match` wants it.
fn names(tags: &str, tag: &str) -> bool {
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn refused(size: u64) -> Problem {
    let detail = "the bytes have no such range; one range at a time is served";
    let problem = Problem::new(ErrorKind::Invalid, "range_not_satisfiable", detail)
        .with_status(StatusCode::RANGE_NOT_SATISFIABLE);
    match HeaderValue::from_str(&format!("bytes */{size}")) {
        Ok(told) => problem.with_header(CONTENT_RANGE, told),
        Err(_) => problem,
    }
}

fn parse_range(text: &str, size: u64) -> Asked {
    let Some((unit, ranges)) = text.split_once('=') else {
        return Asked::Everything;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Asked::Everything;
    }
    if ranges.contains(',') {
        return Asked::Refused;
    }
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let number = |part: &str| part.parse::<u64>().unwrap_or(u64::MAX);
    match ranges.trim().split_once('-') {
        Some(("", last)) if !last.is_empty() && digits(last) => {
            let count = number(last).min(size);
            if count == 0 {
                Asked::Refused
            } else {
                Asked::One(size - count..size)
            }
        }
        Some((first, last)) if !first.is_empty() && digits(first) && digits(last) => {
            let start = number(first);
            let end = if last.is_empty() {
                size
            } else {
                number(last).saturating_add(1).min(size)
            };
            if !last.is_empty() && number(last) < start {
                return Asked::Everything;
            }
            if start >= size {
                Asked::Refused
            } else {
                Asked::One(start..end)
            }
        }
        Some(_) | None => Asked::Everything,
    }
}

fn type_of(artifact: &Artifact) -> &'static str {
    let essence = artifact
        .facts
        .content_type
        .split(';')
        .next()
        .unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let harmless = HARMLESS.iter().copied().find(|known| *known == essence);
    harmless.unwrap_or("application/octet-stream")
}

/// `attachment` with the name for old clients in ASCII, and as it is for all others (RFC 6266).
fn disposition(name: &str) -> ContentDisposition {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ._-+()[]#@~!$&'=".contains(c);
    let ascii: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![
            DispositionParam::Filename(ascii),
            DispositionParam::FilenameExt(ExtendedValue {
                charset: Charset::Ext("UTF-8".to_owned()),
                language_tag: None,
                value: name.as_bytes().to_vec(),
            }),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_served_and_others_are_refused() {
        for (text, asked) in [
            ("bytes=0-", Asked::One(0..10)),
            ("bytes=0-0", Asked::One(0..1)),
            ("bytes=3-5", Asked::One(3..6)),
            ("bytes=9-99", Asked::One(9..10)),
            ("bytes=-3", Asked::One(7..10)),
            ("bytes=-99", Asked::One(0..10)),
            ("BYTES= 1-2 ", Asked::One(1..3)),
            ("bytes=10-", Asked::Refused),
            ("bytes=-0", Asked::Refused),
            ("bytes=0-1,3-4", Asked::Refused),
            ("bytes=99999999999999999999-", Asked::Refused),
            ("bytes=5-3", Asked::Everything),
            ("bytes=", Asked::Everything),
            ("bytes=a-b", Asked::Everything),
            ("bytes=-", Asked::Everything),
            ("items=0-1", Asked::Everything),
            ("nonsense", Asked::Everything),
        ] {
            assert_eq!(parse_range(text, 10), asked, "{text}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Asked::Refused);
    }

    #[test]
    fn five_hundred_names_make_one_harmless_header() {
        let hostile = [
            "../../etc/passwd",
            "C:\\x",
            "a\"b",
            "a;b",
            "a%b",
            "CON",
            "\u{202e}gnp.exe",
            "ä ö.bin",
            "模型.onnx",
            "a\u{7f}b",
            "'",
            "*",
            "filename=\"x\"",
            "a,b",
            "<script>",
        ];
        for number in 0..500_usize {
            let name = format!(
                "{}{number}{}",
                hostile[number % hostile.len()],
                hostile[number % 7]
            );
            let text = disposition(&name).to_string();
            let header = HeaderValue::from_str(&text).expect("a header");
            let parsed = ContentDisposition::from_raw(&header).expect("it parses");
            assert_eq!(parsed.disposition, DispositionType::Attachment);
            let ext = parsed.get_filename_ext().expect("the name as it is");
            assert_eq!(ext.value, name.as_bytes());
            let ascii = parsed.get_filename().expect("a name for old clients");
            assert!(
                ascii.is_ascii() && !ascii.contains(['/', '\\', '"', ';', '%']),
                "{ascii}"
            );
            assert_eq!(parsed.parameters.len(), 2);
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        assert!(names("\"a\", W/\"b\"", "\"b\"") && names("*", "\"b\""));
        assert!(!names("\"bb\"", "\"b\""));
    }
}
