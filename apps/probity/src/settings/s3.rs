//! Settings of an object store.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::{SettingError, Sources};

/// The keys of an object store.
#[derive(Clone)]
pub(crate) struct S3Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl fmt::Debug for S3Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Keys")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A bucket, and how it is reached.
#[derive(Debug, Clone)]
pub(crate) struct S3Settings {
    pub(crate) bucket: String,
    pub(crate) region: String,
    /// Amazon's own when absent.
    pub(crate) endpoint: Option<Url>,
    /// How clients reach it, where that is another way.
    pub(crate) public_endpoint: Option<Url>,
    /// Those of the environment or the machine when absent.
    pub(crate) keys: Option<S3Keys>,
    pub(crate) prefix: String,
    /// Whether the bucket is part of the path, and not of the host name.
    pub(crate) path_style: bool,
    /// Whether downloads lead to the store, and not through the server.
    pub(crate) redirects: bool,
    /// How long an address of a download is good for.
    pub(crate) link_lifetime: Duration,
}

impl S3Settings {
    /// Reads them; none without a bucket.
    pub(super) fn read(sources: &Sources) -> Result<Option<Self>, SettingError> {
        let named = |name: &str| sources.text(name).filter(|it| !it.trim().is_empty());
        let Some(bucket) = named("s3-bucket") else {
            return Ok(None);
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !bucket.chars().all(plain) {
            return Err(sources.wrong("s3-bucket", "expected the name of a bucket"));
        }
        let prefix = named("s3-prefix").unwrap_or_default();
        if !prefix.chars().all(|c| plain(c) || c == '/') || prefix.contains("..") {
            let expected = "expected folders such as probity/prod: letters, digits, - _ . and /";
            return Err(sources.wrong("s3-prefix", expected));
        }
        let redirects = match sources.required("s3-downloads")?.as_str() {
            "redirect" => true,
            "proxy" => false,
            _ => return Err(sources.wrong("s3-downloads", "expected `redirect` or `proxy`")),
        };
        Ok(Some(Self {
            bucket,
            region: sources.required("s3-region")?,
            endpoint: endpoint(sources, "s3-endpoint")?,
            public_endpoint: endpoint(sources, "s3-public-endpoint")?,
            keys: keys(sources)?,
            prefix,
            path_style: sources.parse("s3-path-style", "true or false")?,
            redirects,
            link_lifetime: Duration::from_secs(sources.number("s3-link-seconds", 1..=3600)?),
        }))
    }

    /// Where the store is, for people.
    pub(crate) fn endpoint_shown(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => endpoint.to_string(),
            None => format!("Amazon S3 in {}", self.region),
        }
    }
}

/// Both keys or neither.
fn keys(sources: &Sources) -> Result<Option<S3Keys>, SettingError> {
    let named = |name: &str| sources.text(name).filter(|it| !it.trim().is_empty());
    let beside = "has to be set together with the other key of the store";
    match (named("s3-access-key-id"), named("s3-secret-access-key")) {
        (Some(id), Some(secret)) => Ok(Some(S3Keys { id, secret })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(sources.wrong("s3-secret-access-key", beside)),
        (None, Some(_)) => Err(sources.wrong("s3-access-key-id", beside)),
    }
}

fn endpoint(sources: &Sources, name: &str) -> Result<Option<Url>, SettingError> {
    let Some(text) = sources.text(name).filter(|it| !it.trim().is_empty()) else {
        return Ok(None);
    };
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let url = text.parse::<Url>().ok().filter(plain);
    let expected = "expected a URL such as https://s3.example.org:9000, without keys in it";
    url.map(Some).ok_or_else(|| sources.wrong(name, expected))
}
