//! Where checkpoints are kept outside.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{SettingError, Sources};

/// Where checkpoints are kept outside, beside witnesses and webhooks.
#[derive(Debug, Clone)]
pub(crate) struct AnchorSettings {
    /// The file to which they are appended.
    pub(crate) file: Option<PathBuf>,
    /// Who stamps them.
    pub(crate) timestamps: Option<TimestampSettings>,
}

/// A time-stamp authority.
#[derive(Debug, Clone)]
pub(crate) struct TimestampSettings {
    /// Where it is asked.
    pub(crate) url: Url,
    /// The file of the certificates that vouch for it.
    pub(crate) certificates: PathBuf,
    /// How often one record is stamped.
    pub(crate) every: Duration,
}

impl AnchorSettings {
    /// Reads them. An authority without certificates stops the start: its stamps could not be verified.
    pub(super) fn read(sources: &Sources) -> Result<Self, SettingError> {
        let given = |name| sources.text(name).filter(|text| !text.trim().is_empty());
        let every = Duration::from_secs(sources.number("timestamp-interval", 0..=604_800)?);
        let certificates = given("timestamp-cert-file").map(PathBuf::from);
        let timestamps = given("timestamp-url").map(|text| {
            let url = text.parse::<Url>().ok();
            let plain = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
            let url = url.filter(plain).ok_or_else(|| {
                sources.wrong("timestamp-url", "expected an http or https URL")
            })?;
            let certificates = certificates.clone().ok_or_else(|| {
                let expected = "expected a file of certificates that vouch for the authority of `timestamp-url`";
                sources.wrong("timestamp-cert-file", expected)
            })?;
            Ok(TimestampSettings {
                url,
                certificates,
                every,
            })
        });
        Ok(Self {
            file: given("anchor-file").map(PathBuf::from),
            timestamps: timestamps.transpose()?,
        })
    }
}
