//! Requests to a server, tried again while it is out of reach.

use std::fmt;
use std::time::{Duration, Instant};

use clap::ArgMatches;
use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::text;

/// Why a transfer does not go on.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Trying again will not help.
    Refused(String),
    /// It may, later.
    Unreachable(String),
}

impl Trouble {
    pub(super) fn refused(what: impl fmt::Display) -> Self {
        Self::Refused(what.to_string())
    }
}

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A server and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    /// `.../api/v1.0/catalog/products/<id>/model-artifacts`
    base: String,
    key: String,
    patience: Duration,
}

impl Client {
    pub(super) fn new(matches: &ArgMatches) -> Result<Self, Trouble> {
        let server = text(matches, "server").trim_end_matches('/');
        let url = url::Url::parse(server).map_err(|fault| {
            Trouble::Refused(format!("--server must be an http or https URL: {fault}"))
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Trouble::refused("--server must be an http or https URL"));
        }
        let product = text(matches, "product");
        let is_id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if product.is_empty() || !product.chars().all(is_id) {
            return Err(Trouble::refused("--product must be the id of a product"));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_mins(2))
            .build()
            .map_err(Trouble::refused)?;
        let seconds = matches.get_one::<u64>("retry-for").copied().unwrap_or(60);
        Ok(Self {
            http,
            base: format!("{server}/api/v1.0/catalog/products/{product}/model-artifacts"),
            key: text(matches, "api-key").to_owned(),
            patience: Duration::from_secs(seconds),
        })
    }

    /// What tells this server and product from others.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.http
            .get(format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    pub(super) fn put(&self, path: &str) -> RequestBuilder {
        self.http
            .put(format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    /// Sends a request until it is answered with something else than "not now".
    pub(super) async fn send(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, Trouble> {
        let (started, mut pause) = (Instant::now(), Duration::from_millis(100));
        loop {
            let (told, wait) = match request().send().await {
                Ok(response) if !is_passing(response.status()) => return Ok(response),
                Ok(response) => (
                    format!("the server answers {}", response.status()),
                    asked(&response),
                ),
                Err(fault) if fault.is_builder() => return Err(Trouble::refused(fault)),
                Err(fault) => (
                    format!("the server cannot be reached: {}", cause(&fault)),
                    None,
                ),
            };
            let wait = wait.unwrap_or(pause).min(self.patience.max(LONGEST_PAUSE));
            if started.elapsed() + wait > self.patience {
                return Err(Trouble::Unreachable(told));
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The same for an answer in JSON.
    pub(super) async fn fetch<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<T, Trouble> {
        read(accepted(self.send(request).await?).await?).await
    }
}

/// Whether the answer may be another one soon.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504)
}

fn asked(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(seconds.parse().ok()?))
}

/// The innermost reason of a fault.
fn cause(fault: &reqwest::Error) -> String {
    let mut at: &dyn std::error::Error = fault;
    while let Some(inner) = at.source() {
        at = inner;
    }
    at.to_string()
}

/// An answer of success, or what the problem says.
pub(super) async fn accepted(response: Response) -> Result<Response, Trouble> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let problem: Value = response.json().await.unwrap_or_default();
    Err(Trouble::Refused(explain(status, &problem)))
}

/// A problem in one line.
pub(super) fn explain(status: StatusCode, problem: &Value) -> String {
    let text = |name: &str| {
        problem
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let mut line = format!(
        "the server refuses: {status} {} {}",
        text("code"),
        text("detail")
    );
    for fault in problem
        .get("errors")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default();
        line.extend(["; ", text("field"), " ", text("message")]);
    }
    line
}

pub(super) async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Trouble> {
    response.json().await.map_err(|fault| {
        Trouble::Unreachable(format!("the answer cannot be read: {}", cause(&fault)))
    })
}

/// A fault in the middle of a body.
pub(super) fn broken(fault: &reqwest::Error) -> Trouble {
    Trouble::Unreachable(format!("the connection broke: {}", cause(fault)))
}
