//! How events are delivered.

use std::path::PathBuf;
use std::time::Duration;

use probity_webhooks::{AdmittedHost, TargetRules};

use super::{SettingError, Sources};

/// The settings of deliveries.
#[derive(Debug, Clone)]
pub(crate) struct WebhookSettings {
    /// The file of the master keys; webhooks are refused without one.
    pub(crate) key_file: Option<PathBuf>,
    /// Which URLs may be called.
    pub(crate) rules: TargetRules,
    /// How long one attempt may take.
    pub(crate) timeout: Duration,
    /// For how many days deliveries that are done are kept.
    pub(crate) retention_days: i64,
}

impl WebhookSettings {
    pub(super) fn read(sources: &Sources) -> Result<Self, SettingError> {
        let hosts = sources.text("webhook-private-hosts").unwrap_or_default();
        let admitted = hosts
            .split(',')
            .filter(|host| !host.trim().is_empty())
            .map(|host| {
                host.parse::<AdmittedHost>().map_err(|_| {
                    let expected = "expected hosts such as receiver.lan, 10.0.0.5:9000 or [fd00::1]:9000, separated by commas";
                    sources.wrong("webhook-private-hosts", expected)
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let key_file = sources.text("webhook-key-file");
        Ok(Self {
            key_file: key_file
                .filter(|path| !path.trim().is_empty())
                .map(PathBuf::from),
            rules: TargetRules::new(admitted),
            timeout: Duration::from_secs(sources.number("webhook-timeout", 1..=120)?),
            retention_days: sources.number("webhook-retention-days", 1..=3650)?,
        })
    }
}
