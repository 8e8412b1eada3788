//! Where a model answers.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// An `http` or `https` address with a host and without a user name or password, at most 2048
/// bytes, kept as it was written. It is shown and never dialled by this crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServingUrl(String);

/// A text that is no serving address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an http or https URL of at most 2048 bytes without a user name or password")]
pub struct MalformedUrl;

impl ServingUrl {
    /// The most bytes.
    pub const MAX: usize = 2048;

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServingUrl {
    type Err = MalformedUrl;

    fn from_str(text: &str) -> Result<Self, MalformedUrl> {
        // URL parsers drop tabs and line breaks; what is kept as written must not hold any.
        let visible = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        let url = Url::parse(text).map_err(|_| MalformedUrl)?;
        let web = matches!(url.scheme(), "http" | "https");
        let anonymous = url.username().is_empty() && url.password().is_none();
        if text.len() <= Self::MAX && visible && web && anonymous && url.has_host() {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedUrl)
        }
    }
}

impl fmt::Display for ServingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
