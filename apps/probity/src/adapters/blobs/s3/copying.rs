//! A part of a multipart upload that the store copies from an object it has (`UploadPartCopy`).

use std::time::Duration;

use http::StatusCode;
use object_store::Error;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody};
use object_store::multipart::PartId;
use serde::Deserialize;
use url::Url;

use super::signing::encoded;

/// How often a copy is tried.
const ATTEMPTS: u32 = 5;
/// How long to wait before the second attempt; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(200);

/// A part to be copied.
pub(super) struct PartCopy {
    /// The address of the object that is being made.
    pub(super) target: Url,
    /// Bucket and name of the object that is copied.
    pub(super) source: String,
    pub(super) id: String,
    /// From 0.
    pub(super) index: usize,
}

/// What the store answers; an answer of success may hold an error all the same.
#[derive(Debug, Deserialize)]
struct CopyPartResult {
    #[serde(rename = "ETag")]
    e_tag: String,
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic {
        store: "S3",
        source: source.into(),
    }
}

impl PartCopy {
    /// Has it copied. Done again it is the same, so a failure that may pass is tried again.
    pub(super) async fn send(
        &self,
        http: &HttpClient,
        credential: &AwsCredential,
        region: &str,
    ) -> Result<PartId, Error> {
        let (mut attempt, mut pause) = (1, PAUSE);
        loop {
            let sent = self.attempt(http, credential, region).await;
            match sent {
                Err(Attempted::MayPass(_)) if attempt < ATTEMPTS => {}
                Err(Attempted::MayPass(error) | Attempted::Over(error)) => return Err(error),
                Ok(part) => return Ok(part),
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
            pause *= 2;
        }
    }

    fn request(&self, credential: &AwsCredential, region: &str) -> Result<HttpRequest, Error> {
        let (number, id) = (self.index + 1, encoded(&self.id));
        let address = format!("{}?partNumber={number}&uploadId={id}", self.target);
        let mut request = http::Request::builder()
            .method(http::Method::PUT)
            .uri(address)
            .header("x-amz-copy-source", &self.source)
            .body(HttpRequestBody::empty())
            .map_err(failed)?;
        AwsAuthorizer::new(credential, "s3", region).try_authorize(&mut request, None)?;
        Ok(request)
    }

    async fn attempt(
        &self,
        http: &HttpClient,
        credential: &AwsCredential,
        region: &str,
    ) -> Result<PartId, Attempted> {
        let request = self.request(credential, region).map_err(Attempted::Over)?;
        let passing = |error| Attempted::MayPass(failed(error));
        let answer = http.execute(request).await.map_err(passing)?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(passing)?;
        let text = String::from_utf8_lossy(&body);
        if status.is_success() {
            // Stores that find out late say so inside an answer of success.
            let result: Result<CopyPartResult, _> = quick_xml::de::from_str(&text);
            return match result {
                Ok(result) => Ok(PartId {
                    content_id: result.e_tag,
                }),
                Err(_) => Err(Attempted::MayPass(failed(text.into_owned()))),
            };
        }
        if status == StatusCode::NOT_FOUND {
            return Err(Attempted::Over(Error::NotFound {
                path: self.source.clone(),
                source: text.into_owned().into(),
            }));
        }
        let error = failed(format!("{status}: {text}"));
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Attempted::MayPass(error));
        }
        Err(Attempted::Over(error))
    }
}

/// Why an attempt did not copy the part.
enum Attempted {
    MayPass(Error),
    Over(Error),
}
