//! Settings: one table of names, and one way from flags, environment, file and defaults to values.

mod anchors;
mod artifacts;
mod change_log;
mod s3;
mod source;
mod table;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use anchors::{AnchorSettings, TimestampSettings};
pub(crate) use artifacts::ArtifactSettings;
pub(crate) use change_log::{ChangeLogProvider, ChangeLogSettings};
#[cfg(test)]
pub(crate) use s3::S3Keys;
pub(crate) use s3::S3Settings;
pub(crate) use source::Sources;
pub(crate) use table::{TABLE, arguments};
pub(crate) use webhooks::WebhookSettings;

/// A setting whose value will not do: its name, where it came from, and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("setting `{name}` ({source_name}): {expected}")]
pub(crate) struct SettingError {
    pub(crate) name: String,
    pub(crate) source_name: String,
    pub(crate) expected: String,
}

/// How the server logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Json,
    Text,
}

/// The effective settings.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    pub(crate) database_url: String,
    pub(crate) migrate: bool,
    pub(crate) workers: usize,
    pub(crate) write_lanes: usize,
    pub(crate) read_connections: u32,
    pub(crate) log_level: String,
    pub(crate) log_format: LogFormat,
    pub(crate) origin: String,
    pub(crate) witnesses: Option<String>,
    pub(crate) anchors: AnchorSettings,
    pub(crate) token_issuer: String,
    pub(crate) token_audience: String,
    pub(crate) external_issuers_file: Option<PathBuf>,
    pub(crate) redis_url: Option<String>,
    pub(crate) rate_limit_metrics: u32,
    pub(crate) rate_limit_metrics_batch: u32,
    pub(crate) rate_limit_requests: u32,
    pub(crate) event_streams: usize,
    pub(crate) artifacts: ArtifactSettings,
    pub(crate) change_log: ChangeLogSettings,
    pub(crate) webhooks: WebhookSettings,
    pub(crate) checkpoint_interval: Duration,
    pub(crate) shutdown_timeout: Duration,
}

impl Settings {
    /// Reads every setting, or names the first one that will not do.
    pub(crate) fn read(sources: &Sources) -> Result<Self, SettingError> {
        let data_dir: PathBuf = sources.parse("data-dir", "a folder")?;
        let database_url = match sources.text("database-url") {
            Some(url) => url,
            None => data_dir.join("probity.db").to_string_lossy().into_owned(),
        };
        let log_format = match sources.required("log-format")?.as_str() {
            "json" => LogFormat::Json,
            "text" => LogFormat::Text,
            _ => return Err(sources.wrong("log-format", "expected `json` or `text`")),
        };
        Ok(Self {
            listen: sources.parse("listen", "an address and port such as 127.0.0.1:8080")?,
            database_url,
            migrate: !sources.flag("no-migrate")?,
            workers: sources.number("workers", 1..=256)?,
            write_lanes: sources.number("write-lanes", 1..=64)?,
            read_connections: sources.number("read-connections", 1..=256)?,
            log_level: sources.required("log-level")?,
            log_format,
            origin: origin(sources)?,
            witnesses: sources.text("witnesses"),
            anchors: AnchorSettings::read(sources)?,
            token_issuer: sources.required("token-issuer")?,
            token_audience: sources.required("token-audience")?,
            external_issuers_file: sources.text("external-issuers-file").map(PathBuf::from),
            redis_url: sources.text("redis-url"),
            rate_limit_metrics: sources.number("rate-limit-metrics", 0..=1_000_000_000)?,
            rate_limit_metrics_batch: sources
                .number("rate-limit-metrics-batch", 0..=1_000_000_000)?,
            rate_limit_requests: sources.number("rate-limit-requests", 0..=1_000_000_000)?,
            event_streams: sources.number("event-streams", 0..=100_000)?,
            artifacts: ArtifactSettings::read(sources, &data_dir)?,
            change_log: ChangeLogSettings::read(sources)?,
            webhooks: WebhookSettings::read(sources)?,
            checkpoint_interval: Duration::from_secs(
                sources.number("checkpoint-interval", 1..=86_400)?,
            ),
            shutdown_timeout: Duration::from_secs(sources.number("shutdown-timeout", 1..=3600)?),
            data_dir,
        })
    }
}

/// The host part of the record's origin: a checkpoint's name never has white space or a plus sign.
fn origin(sources: &Sources) -> Result<String, SettingError> {
    let origin = sources.required("origin")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    if origin.chars().all(plain) {
        return Ok(origin);
    }
    Err(sources.wrong("origin", "expected a host name, with a port if need be"))
}
