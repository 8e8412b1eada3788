//! A time-stamp authority, asked over HTTP (RFC 3161, 3.4).

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest;
use probity_timestamp::{
    Authorities, AuthoritiesError, Imprint, Nonce, Refusal, Request, Response, Timestamp,
};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, StatusCode, redirect};
use url::Url;

use crate::settings::TimestampSettings;

/// How long an authority may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many bytes its answer may have: a token with its certificates is a few thousand.
const LARGEST_ANSWER: usize = 64 << 10;

/// Why an authority cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TimestampError {
    #[error("setting `timestamp-cert-file`: {path}: {reason}")]
    Certificates { path: PathBuf, reason: String },
    #[error("the client of the time-stamp authority cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// Why there is no time stamp.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("the authority did not answer: {0}")]
    Unreachable(#[source] reqwest::Error),
    #[error("the authority answered {0}")]
    Status(StatusCode),
    #[error("the answer is longer than {LARGEST_ANSWER} bytes")]
    TooLong,
    #[error("the answer is no time stamp: {0}")]
    Refused(#[from] Refusal),
    #[error("there is no runtime to ask with: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// The time-stamp authority of this server.
pub(crate) struct TimestampAuthority {
    client: Client,
    url: Url,
    trusted: Authorities,
}

/// Reads the certificates of a file.
pub(crate) fn authorities(path: &Path) -> Result<Authorities, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    Authorities::from_pem(&text).map_err(|error: AuthoritiesError| error.to_string())
}

/// What is stamped of a signed checkpoint: the SHA-256 of the whole note, signatures and all.
pub(crate) fn imprint_of(note: &str) -> Imprint {
    let made = digest::digest(&digest::SHA256, note.as_bytes());
    let mut imprint = [0; 32];
    imprint.copy_from_slice(made.as_ref());
    imprint
}

impl TimestampAuthority {
    /// Sets the authority of the settings up.
    pub(crate) fn new(settings: &TimestampSettings) -> Result<Self, TimestampError> {
        Self::patient(settings, PATIENCE)
    }

    fn patient(settings: &TimestampSettings, patience: Duration) -> Result<Self, TimestampError> {
        let path = &settings.certificates;
        let trusted = authorities(path).map_err(|reason| TimestampError::Certificates {
            path: path.clone(),
            reason,
        })?;
        Ok(Self {
            client: Client::builder()
                .timeout(patience)
                .redirect(redirect::Policy::none())
                .build()?,
            url: settings.url.clone(),
            trusted,
        })
    }

    /// Has a note stamped; answers the token, which was verified, and what it says.
    pub(crate) async fn stamp(&self, note: &str) -> Result<(Vec<u8>, Timestamp), AskError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let (imprint, nonce) = (imprint_of(note), Nonce::from_random(random));
        let answer = self.ask(Request::new(imprint, nonce).to_der()?).await?;
        let answer = Response::parse(&answer)?;
        let stamp = self
            .trusted
            .verify(answer.token(), &imprint, Some(&nonce))?;
        Ok((answer.token().to_vec(), stamp))
    }

    async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, AskError> {
        let sent = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, Request::MEDIA_TYPE)
            .header(ACCEPT, Response::MEDIA_TYPE)
            .body(request)
            .send();
        let mut answer = sent.await.map_err(AskError::Unreachable)?;
        if answer.status() != StatusCode::OK {
            return Err(AskError::Status(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(AskError::Unreachable)? {
            body.extend_from_slice(&part);
            if body.len() > LARGEST_ANSWER {
                return Err(AskError::TooLong);
            }
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

    use super::*;

    fn vector(name: &str) -> PathBuf {
        let vectors = "../../crates/timestamp/tests/vectors";
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(vectors)
            .join(name)
    }

    async fn asked(answer: ResponseTemplate) -> AskError {
        let server = MockServer::start().await;
        Mock::given(matchers::method("POST"))
            .and(matchers::header("content-type", Request::MEDIA_TYPE))
            .respond_with(answer)
            .mount(&server)
            .await;
        let settings = TimestampSettings {
            url: server.uri().parse().unwrap(),
            certificates: vector("root.pem"),
            every: Duration::ZERO,
        };
        let authority = TimestampAuthority::patient(&settings, Duration::from_millis(500)).unwrap();
        authority.stamp("a note\n").await.unwrap_err()
    }

    fn ok(body: Vec<u8>) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_raw(body, Response::MEDIA_TYPE)
    }

    #[tokio::test]
    async fn an_authority_that_answers_anything_else_gives_no_stamp() {
        let of = |name: &str| ok(std::fs::read(vector(name)).unwrap());
        let told = asked(of("p256.tsr")).await;
        assert!(
            matches!(told, AskError::Refused(Refusal::OtherImprint)),
            "the stamp of something else: {told:?}"
        );
        let told = asked(of("rejected.tsr")).await;
        assert!(told.to_string().contains("not supported"), "{told}");
        let told = asked(ok(b"<html>".to_vec())).await;
        assert!(
            matches!(told, AskError::Refused(Refusal::Malformed(_))),
            "{told:?}"
        );
        let told = asked(ok(vec![0x30; LARGEST_ANSWER + 1])).await;
        assert!(matches!(told, AskError::TooLong), "{told:?}");
        for status in [302, 404, 500] {
            let answer = ResponseTemplate::new(status).insert_header("location", "/elsewhere");
            let told = asked(answer).await;
            assert!(
                matches!(told, AskError::Status(found) if found == status),
                "{told:?}"
            );
        }
        let told = asked(ok(Vec::new()).set_delay(Duration::from_secs(30))).await;
        assert!(matches!(told, AskError::Unreachable(_)), "{told:?}");
    }

    #[test]
    fn certificates_that_cannot_be_read_name_their_file() {
        let settings = |certificates: PathBuf| TimestampSettings {
            url: "http://127.0.0.1:1".parse().unwrap(),
            certificates,
            every: Duration::ZERO,
        };
        for bad in ["missing.pem", "make.sh"] {
            let told = TimestampAuthority::new(&settings(vector(bad)))
                .err()
                .unwrap();
            assert!(told.to_string().contains(bad), "{told}");
        }
    }
}
