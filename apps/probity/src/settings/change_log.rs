//! Who drafts change log entries.

use std::fmt;
use std::time::Duration;

use super::{SettingError, Sources};

/// The providers that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeLogProvider {
    /// Nobody.
    None,
    /// The evidence alone.
    Template,
    /// A chat completions endpoint.
    OpenAi,
    /// A messages endpoint.
    Anthropic,
}

/// The settings of the drafter.
#[derive(Clone)]
pub(crate) struct ChangeLogSettings {
    pub(crate) provider: ChangeLogProvider,
    pub(crate) base_url: Option<url::Url>,
    pub(crate) api_key: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) timeout: Duration,
}

impl fmt::Debug for ChangeLogSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeLogSettings")
            .field("provider", &self.provider)
            .field("model", &self.model)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl ChangeLogSettings {
    /// Reads them. What a provider cannot do without stops the start.
    pub(super) fn read(sources: &Sources) -> Result<Self, SettingError> {
        let provider = match sources.required("change-log-provider")?.as_str() {
            "none" => ChangeLogProvider::None,
            "template" => ChangeLogProvider::Template,
            "openai" => ChangeLogProvider::OpenAi,
            "anthropic" => ChangeLogProvider::Anthropic,
            _ => {
                let expected = "expected `none`, `template`, `openai` or `anthropic`";
                return Err(sources.wrong("change-log-provider", expected));
            }
        };
        let base_url = sources.text("change-log-base-url").map(|text| {
            let url = text.parse::<url::Url>().ok();
            let plain = |url: &url::Url| {
                matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.query().is_none()
            };
            url.filter(plain).ok_or_else(|| {
                let expected = "expected an http or https URL without credentials and query";
                sources.wrong("change-log-base-url", expected)
            })
        });
        let given = |name| sources.text(name).filter(|text| !text.trim().is_empty());
        let settings = Self {
            provider,
            base_url: base_url.transpose()?,
            api_key: given("change-log-api-key"),
            model: given("change-log-model"),
            timeout: Duration::from_secs(sources.number("change-log-timeout", 1..=300)?),
        };
        settings.complete(sources)?;
        Ok(settings)
    }

    fn complete(&self, sources: &Sources) -> Result<(), SettingError> {
        let asks = matches!(
            self.provider,
            ChangeLogProvider::OpenAi | ChangeLogProvider::Anthropic
        );
        if asks && self.model.is_none() {
            return Err(sources.wrong("change-log-model", "expected the name of a model"));
        }
        // An endpoint of the house may take no key; the providers' own do.
        let needs_key = self.provider == ChangeLogProvider::Anthropic || self.base_url.is_none();
        if asks && needs_key && self.api_key.is_none() {
            return Err(sources.wrong("change-log-api-key", "expected the key of the provider"));
        }
        Ok(())
    }
}
