//! The HTTP client of deliveries: it goes to public addresses over TLS, and wherever else only to hosts
//! that a setting admits.
//!
//! A name is resolved here, every address that it leads to is judged, and the connection is made to
//! those addresses: what was judged is what is dialled, so a name that changes its mind gains nothing.
//! No redirect is followed, no proxy asked, no cookie kept, nothing decompressed.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use probity_webhooks::address::is_global;
use probity_webhooks::target::{Answer, HttpRequest, LARGEST_ANSWER, Method};
use probity_webhooks::{Refusal, TargetRules};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, redirect};
use url::{Host, Url};

use crate::settings::WebhookSettings;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the body of an answer may take once its status is known.
const BODY: Duration = Duration::from_secs(5);
/// How long a name may take to resolve when an endpoint is registered.
const PROBE: Duration = Duration::from_secs(2);

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the client of webhooks cannot be made: {0}")]
pub(crate) struct CourierError(#[from] reqwest::Error);

/// Why there is no answer: a class of failure, nothing about the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The URL or an address is not allowed.
    Blocked,
    /// No connection.
    Connect,
    /// Too slow.
    Timeout,
    /// The connection broke, or what came is no HTTP.
    Broken,
}

impl Failed {
    /// The name: `blocked_destination`, `connection_failed`, `timeout`, `connection_broken`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked_destination",
            Self::Connect => "connection_failed",
            Self::Timeout => "timeout",
            Self::Broken => "connection_broken",
        }
    }
}

type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// Where the addresses of names come from.
pub(crate) trait Lookup: Send + Sync {
    fn addresses(&self, name: &str) -> Found;
}

/// The machine's resolver.
struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, name: &str) -> Found {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A name leads to an address that is not allowed.
#[derive(Debug, thiserror::Error)]
#[error("blocked_destination")]
struct Blocked;

/// Resolves names for the client that goes to public addresses alone.
struct Guard(Arc<dyn Lookup>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.addresses(name.as_str());
        Box::pin(async move {
            let found = found.await?;
            if found.is_empty() || !found.iter().all(|address| is_global(*address)) {
                return Err(Blocked.into());
            }
            let addresses: Vec<SocketAddr> = found
                .into_iter()
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// Sends requests of deliveries.
pub(crate) struct CourierClient {
    rules: TargetRules,
    lookup: Arc<dyn Lookup>,
    public: Client,
    admitted: Client,
    timeout: Duration,
}

impl CourierClient {
    /// A client by the settings.
    pub(crate) fn new(settings: &WebhookSettings) -> Result<Self, CourierError> {
        Self::with_lookup(settings, Arc::new(SystemLookup))
    }

    fn with_lookup(
        settings: &WebhookSettings,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, CourierError> {
        let builder = || {
            let agent = HeaderValue::from_static(concat!("Probity/", env!("CARGO_PKG_VERSION")));
            Client::builder()
                .default_headers(HeaderMap::from_iter([(USER_AGENT, agent)]))
                .redirect(redirect::Policy::none())
                .no_proxy()
                .connect_timeout(CONNECT.min(settings.timeout))
                .pool_max_idle_per_host(4)
                .pool_idle_timeout(Duration::from_secs(30))
        };
        Ok(Self {
            rules: settings.rules.clone(),
            public: builder()
                .https_only(true)
                .dns_resolver(Arc::new(Guard(lookup.clone())))
                .build()?,
            admitted: builder().build()?,
            lookup,
            timeout: settings.timeout,
        })
    }

    /// How long one attempt may take.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether the host of a URL leads to public addresses alone. One that leads nowhere, or is slow to
    /// say, is not refused.
    pub(crate) async fn probe(&self, url: &Url) -> Result<(), Refusal> {
        let Some(Host::Domain(name)) = url.host() else {
            return Ok(());
        };
        if self.rules.admits(url) {
            return Ok(());
        }
        let found = tokio::time::timeout(PROBE, self.lookup.addresses(name)).await;
        match found {
            Ok(Ok(found)) if !found.iter().all(|address| is_global(*address)) => {
                Err(Refusal::Address)
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Sends a request, and reads as much of the answer as a target may see.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<Answer, Failed> {
        self.rules
            .check(&request.url)
            .map_err(|_| Failed::Blocked)?;
        let admitted = self.rules.admits(&request.url);
        let client = if admitted {
            &self.admitted
        } else {
            &self.public
        };
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let value = HeaderValue::from_str(value).map_err(|_| Failed::Broken)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let sent = client
            .request(method, request.url)
            .headers(headers)
            .body(request.body);
        let answer = sent.send().await.map_err(|error| failed(&error))?;
        // The guard has judged it already; this is the address that was really reached.
        let reached = answer.remote_addr().map(|address| address.ip());
        if !admitted && !reached.is_some_and(is_global) {
            return Err(Failed::Blocked);
        }
        let retry_after = answer.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        let (status, retry_after) = (answer.status().as_u16(), retry_after.map(str::to_owned));
        let mut body = Vec::new();
        // The status is what counts: a body that does not end is left where it is.
        let _ = tokio::time::timeout(BODY, read(answer, &mut body)).await;
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    }
}

async fn read(answer: reqwest::Response, body: &mut Vec<u8>) {
    let mut chunks = answer.bytes_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        let room = LARGEST_ANSWER - body.len();
        body.extend(chunk.iter().take(room));
        if chunk.len() > room {
            return;
        }
    }
}

fn failed(error: &reqwest::Error) -> Failed {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if inner.is::<Blocked>() {
            return Failed::Blocked;
        }
        source = inner.source();
    }
    if error.is_timeout() {
        Failed::Timeout
    } else if error.is_connect() {
        Failed::Connect
    } else {
        Failed::Broken
    }
}

#[cfg(test)]
mod tests;
