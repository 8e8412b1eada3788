//! Logs: one JSON object per line by default, on standard error, never with a secret in them.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::settings::{LogFormat, SettingError, Settings};

/// Sets the log up; the second and later calls change nothing.
pub(crate) fn init(settings: &Settings) -> Result<(), SettingError> {
    let filter = EnvFilter::try_new(&settings.log_level).map_err(|error| SettingError {
        name: "log-level".to_owned(),
        source_name: "as given".to_owned(),
        expected: format!("expected a filter such as info or probity=debug: {error}"),
    })?;
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match settings.log_format {
        LogFormat::Json => log.json().flatten_event(true).try_init(),
        LogFormat::Text => log.try_init(),
    };
    Ok(())
}
