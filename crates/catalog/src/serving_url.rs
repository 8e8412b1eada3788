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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_are_kept_as_written() {
        let longest = format!("https://example.com/{}", "a".repeat(2028));
        for text in [
            "https://models.example.com/churn",
            "http://10.0.0.7:8080",
            "https://[2001:db8::1]/v1?x=1#y",
            "HTTPS://Example.COM",
            longest.as_str(),
        ] {
            assert_eq!(text.parse::<ServingUrl>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let too_long = format!("https://example.com/{}", "a".repeat(2029));
        for text in [
            "",
            "models.example.com/churn",
            "/churn",
            "//example.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "https://user@example.com",
            "https://user:password@example.com",
            "https://:password@example.com",
            " https://example.com",
            "https://example.com/a b",
            "https://exa\tmple.com",
            "https://example.com/\n",
            "https://example.com/\u{0}",
            "https://example.com:65536",
            "https://[fe80::1%25eth0]",
            too_long.as_str(),
        ] {
            assert_eq!(text.parse::<ServingUrl>(), Err(MalformedUrl), "{text:?}");
        }
    }
}
