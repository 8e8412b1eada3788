//! Who drafts change log entries: nobody, the evidence alone, or a language model over HTTP.
//!
//! A provider is not trusted: no redirect is followed, an answer may take only so long and so many
//! bytes, and what it says is text for a person and nothing else. Whatever it does wrong is a failure
//! that tells nothing of what it sent.

use std::time::Duration;

use futures_util::StreamExt as _;
use probity_governance::evidence::change_log::{
    ChangeLogDrafter, DraftError, DraftRequest, Prompt, TemplateDrafter, accept,
};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, redirect};
use serde_json::{Value, json};
use url::Url;

use crate::settings::{ChangeLogProvider, ChangeLogSettings};

/// How many bytes an answer may have.
const LARGEST_ANSWER: usize = 256 << 10;
/// How many tokens a draft may take.
const MOST_TOKENS: u32 = 2000;
const OPENAI: &str = "https://api.openai.com/v1";
const ANTHROPIC: &str = "https://api.anthropic.com";
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Why a provider cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DrafterError {
    #[error("setting `change-log-api-key`: expected printable ASCII")]
    Key,
    #[error("setting `change-log-base-url`: expected an http or https URL")]
    Address,
    #[error("setting `change-log-model`: expected the name of a model")]
    Model,
    #[error("the client of the change log provider cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// The drafter of this server.
pub(crate) enum Drafter {
    /// Nobody.
    None,
    /// The evidence alone.
    Template(TemplateDrafter),
    /// A language model.
    Model(ModelDrafter),
}

impl Drafter {
    /// The drafter of the settings.
    pub(crate) fn new(settings: &ChangeLogSettings) -> Result<Self, DrafterError> {
        Ok(match settings.provider {
            ChangeLogProvider::None => Self::None,
            ChangeLogProvider::Template => Self::Template(TemplateDrafter),
            ChangeLogProvider::OpenAi => Self::Model(ModelDrafter::new(settings, Dialect::Chat)?),
            ChangeLogProvider::Anthropic => {
                Self::Model(ModelDrafter::new(settings, Dialect::Messages)?)
            }
        })
    }
}

impl ChangeLogDrafter for Drafter {
    async fn draft(&self, request: &DraftRequest) -> Result<String, DraftError> {
        match self {
            Self::None => Err(DraftError::NotConfigured("change-log-provider")),
            Self::Template(template) => template.draft(request).await,
            Self::Model(model) => model.draft(request).await,
        }
    }
}

/// How a provider wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// `POST {base}/chat/completions`
    Chat,
    /// `POST {base}/v1/messages`
    Messages,
}

impl Dialect {
    fn address(self, base: Option<&Url>) -> Option<Url> {
        let (own, path) = match self {
            Self::Chat => (OPENAI, "chat/completions"),
            Self::Messages => (ANTHROPIC, "v1/messages"),
        };
        let base = base.map_or(own, Url::as_str);
        format!("{}/{path}", base.trim_end_matches('/'))
            .parse()
            .ok()
    }

    fn headers(self, key: Option<&str>) -> Result<HeaderMap, DrafterError> {
        let mut headers = HeaderMap::new();
        let mut secret = |name: HeaderName, text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| DrafterError::Key)?;
            value.set_sensitive(true);
            headers.insert(name, value);
            Ok::<_, DrafterError>(())
        };
        match (self, key) {
            (Self::Chat, Some(key)) => secret(AUTHORIZATION, &format!("Bearer {key}"))?,
            (Self::Messages, Some(key)) => secret(HeaderName::from_static("x-api-key"), key)?,
            (Self::Chat | Self::Messages, None) => {}
        }
        if self == Self::Messages {
            let name = HeaderName::from_static("anthropic-version");
            headers.insert(name, HeaderValue::from_static(ANTHROPIC_VERSION));
        }
        Ok(headers)
    }

    fn question(self, model: &str, prompt: &Prompt) -> Value {
        let user = json!({"role": "user", "content": prompt.user});
        match self {
            Self::Chat => json!({
                "model": model,
                "messages": [{"role": "system", "content": prompt.system}, user],
            }),
            Self::Messages => json!({
                "model": model,
                "max_tokens": MOST_TOKENS,
                "system": prompt.system,
                "messages": [user],
            }),
        }
    }

    /// The text of an answer.
    fn text(self, answer: &Value) -> Option<String> {
        match self {
            Self::Chat => {
                let text = answer.pointer("/choices/0/message/content")?;
                text.as_str().map(str::to_owned)
            }
            Self::Messages => {
                let parts = answer.get("content")?.as_array()?.iter();
                let texts =
                    parts.filter(|part| part.get("type").is_some_and(|kind| kind == "text"));
                let texts = texts.map(|part| part.get("text").and_then(Value::as_str));
                texts
                    .collect::<Option<Vec<&str>>>()
                    .map(|texts| texts.concat())
            }
        }
    }
}

/// A language model over HTTP.
pub(crate) struct ModelDrafter {
    client: Client,
    address: Url,
    dialect: Dialect,
    model: String,
}

impl ModelDrafter {
    fn new(settings: &ChangeLogSettings, dialect: Dialect) -> Result<Self, DrafterError> {
        let address = dialect.address(settings.base_url.as_ref());
        let client = Client::builder()
            .default_headers(dialect.headers(settings.api_key.as_deref())?)
            .redirect(redirect::Policy::none())
            .connect_timeout(settings.timeout.min(Duration::from_secs(10)))
            .timeout(settings.timeout)
            .build()?;
        Ok(Self {
            client,
            address: address.ok_or(DrafterError::Address)?,
            dialect,
            model: settings.model.clone().ok_or(DrafterError::Model)?,
        })
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Value, DraftError> {
        let question = self.dialect.question(&self.model, prompt);
        let sent = self.client.post(self.address.clone()).json(&question);
        let answer = sent.send().await.map_err(|error| unreachable(&error))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(failed(&format!(
                "it answered with status {}",
                status.as_u16()
            )));
        }
        let mut body = Vec::new();
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| unreachable(&error))?;
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(failed("its answer is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| failed("its answer is not JSON in UTF-8"))
    }
}

impl ChangeLogDrafter for ModelDrafter {
    async fn draft(&self, request: &DraftRequest) -> Result<String, DraftError> {
        let answer = self.ask(&request.prompt()).await?;
        let text = self.dialect.text(&answer);
        accept(&text.ok_or_else(|| failed("its answer holds no text"))?)
    }
}

fn failed(what: &str) -> DraftError {
    DraftError::Provider(what.to_owned())
}

/// What went wrong on the way, without addresses.
fn unreachable(error: &reqwest::Error) -> DraftError {
    failed(if error.is_timeout() {
        "it took too long"
    } else if error.is_connect() {
        "it cannot be reached"
    } else {
        "the connection to it broke"
    })
}

#[cfg(test)]
mod tests;
