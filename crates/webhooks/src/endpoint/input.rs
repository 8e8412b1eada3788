//! Endpoints as they come in.

use probity_kernel::text::TextRule;
use probity_kernel::{FieldError, Patch};
use serde_json::{Map, Value};

use super::{Alias, Endpoint};
use crate::filter::EventType;
use crate::target::{self, Target, TargetDraft};
use crate::target_url::{TargetRules, TargetUrl};

/// The most event types that an endpoint may name.
const MOST_TYPES: usize = 50;
/// The longest credential.
const LONGEST_CREDENTIAL: usize = 4096;
/// The most bytes of settings.
const LARGEST_SETTINGS: usize = 16 << 10;

/// A registration as it came in.
#[derive(Debug, Clone, Default)]
pub struct EndpointInput {
    /// `target_url`; required.
    pub target_url: Option<String>,
    /// `event_types`; all when absent or empty.
    pub event_types: Vec<String>,
    /// `hmac_secret_alias`; `primary` when absent.
    pub secret_alias: Option<String>,
    /// `kind`; `webhook` when absent.
    pub kind: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `sign_ed25519`
    pub sign_ed25519: bool,
    /// `settings`
    pub settings: Map<String, Value>,
    /// `credential`
    pub credential: Option<String>,
}

/// A registration that holds together.
pub struct NewEndpoint {
    pub(super) target_url: TargetUrl,
    pub(super) event_types: Vec<EventType>,
    pub(super) secret_alias: Alias,
    pub(super) kind: &'static dyn Target,
    pub(super) description: Option<String>,
    pub(super) sign_ed25519: bool,
    pub(super) settings: Map<String, Value>,
}

impl std::fmt::Debug for NewEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewEndpoint")
            .field("target_url", &self.target_url)
            .field("kind", &self.kind.kind())
            .finish_non_exhaustive()
    }
}

/// A change of an endpoint as it came in. The kind cannot be changed.
#[derive(Debug, Clone, Default)]
pub struct EndpointPatch {
    /// Another URL.
    pub target_url: Option<String>,
    /// Other event types; empty means all.
    pub event_types: Option<Vec<String>>,
    /// Another secret.
    pub secret_alias: Option<String>,
    /// Another description, or none.
    pub description: Patch<String>,
    /// Whether Ed25519 signatures are wanted.
    pub sign_ed25519: Option<bool>,
    /// Other settings, all of them.
    pub settings: Option<Map<String, Value>>,
    /// Another credential, or none.
    pub credential: Patch<String>,
    /// Enabled or disabled.
    pub enabled: Option<bool>,
}

/// Collects faults.
#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn note<T>(&mut self, checked: Result<T, FieldError>) -> Option<T> {
        checked.map_err(|fault| self.0.push(fault)).ok()
    }

    fn types(&mut self, types: &[String]) -> Vec<EventType> {
        if types.len() > MOST_TYPES {
            let message = format!("must hold at most {MOST_TYPES} types");
            self.0
                .push(FieldError::new("/event_types", "too_many", message));
            return Vec::new();
        }
        let mut read: Vec<EventType> = Vec::with_capacity(types.len());
        for (index, text) in types.iter().enumerate() {
            let parsed = text.parse::<EventType>().map_err(|_| {
                let message = "must be a dotted name such as risk_score.changed";
                FieldError::new(format!("/event_types/{index}"), "invalid_value", message)
            });
            if let Some(parsed) = self.note(parsed)
                && !read.contains(&parsed)
            {
                read.push(parsed);
            }
        }
        read
    }

    fn alias(&mut self, text: &str) -> Option<Alias> {
        let message = "must be 1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit";
        let fault = FieldError::new("/hmac_secret_alias", "invalid_value", message);
        self.note(text.parse().map_err(|_| fault))
    }

    fn description(&mut self, text: &str) {
        self.note(TextRule::prose(500).check("/description", text));
    }

    fn credential(&mut self, text: &str) {
        let visible = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if text.is_empty() || text.len() > LONGEST_CREDENTIAL || !visible {
            let message = format!("must be 1 to {LONGEST_CREDENTIAL} visible ASCII characters");
            self.0
                .push(FieldError::new("/credential", "invalid_value", message));
        }
    }

    fn settings(&mut self, settings: &Map<String, Value>) {
        let size = Value::Object(settings.clone()).to_string().len();
        if size > LARGEST_SETTINGS {
            let message = format!("must not be larger than {LARGEST_SETTINGS} bytes");
            self.0
                .push(FieldError::new("/settings", "too_long", message));
        }
    }

    fn kind(&mut self, text: &str) -> Option<&'static dyn Target> {
        let found = target::target(text).ok_or_else(|| {
            let known: Vec<&str> = target::TARGETS.iter().map(|one| one.kind()).collect();
            let message = format!("must be one of: {}", known.join(", "));
            FieldError::new("/kind", "unknown_value", message)
        });
        self.note(found)
    }

    fn done<T>(self, value: Option<T>) -> Result<T, Vec<FieldError>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

impl NewEndpoint {
    /// Judges a registration.
    ///
    /// # Errors
    /// One [`FieldError`] per fault.
    pub fn parse(input: EndpointInput, rules: &TargetRules) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::default();
        let missing = || FieldError::new("/target_url", "required", "is required");
        let text = faults.note(input.target_url.as_deref().ok_or_else(missing));
        let url = text.and_then(|text| faults.note(rules.parse_field("/target_url", text)));
        let event_types = faults.types(&input.event_types);
        let secret_alias = match input.secret_alias.as_deref() {
            Some(text) => faults.alias(text),
            None => Some(Alias::primary()),
        };
        let kind = faults.kind(input.kind.as_deref().unwrap_or("webhook"));
        if let Some(text) = &input.description {
            faults.description(text);
        }
        if let Some(text) = &input.credential {
            faults.credential(text);
        }
        faults.settings(&input.settings);
        if let (Some(url), Some(kind)) = (&url, kind) {
            let draft = TargetDraft {
                url,
                settings: &input.settings,
                credential: input.credential.as_deref(),
                keeps_credential: false,
            };
            faults
                .0
                .extend(kind.check(&draft).err().unwrap_or_default());
        }
        let read = (|| {
            Some(Self {
                target_url: url?,
                event_types,
                secret_alias: secret_alias?,
                kind: kind?,
                description: input.description,
                sign_ed25519: input.sign_ed25519,
                settings: input.settings,
            })
        })();
        faults.done(read)
    }

    /// The name of the secret that it wants.
    #[must_use]
    pub const fn secret_alias(&self) -> &Alias {
        &self.secret_alias
    }

    /// Whether its deliveries are signed.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.kind.is_signed()
    }
}

/// A patch that holds together, laid over an endpoint.
pub(crate) struct Patched {
    pub(crate) next: Endpoint,
    pub(crate) credential: Patch<String>,
}

impl EndpointPatch {
    /// The endpoint as the patch wants it; its credential is left for the vault.
    pub(crate) fn over(
        self,
        endpoint: &Endpoint,
        rules: &TargetRules,
    ) -> Result<Patched, Vec<FieldError>> {
        let mut faults = Faults::default();
        let mut next = endpoint.clone();
        if let Some(text) = &self.target_url
            && let Some(url) = faults.note(rules.parse_field("/target_url", text))
        {
            next.target_url = url;
        }
        if let Some(types) = &self.event_types {
            next.event_types = faults.types(types);
        }
        if let Some(text) = &self.secret_alias
            && let Some(alias) = faults.alias(text)
        {
            next.secret_alias = alias;
        }
        if let Patch::Value(text) = &self.description {
            faults.description(text);
        }
        if let Patch::Value(text) = &self.credential {
            faults.credential(text);
        }
        next.description = self.description.over(next.description);
        next.sign_ed25519 = self.sign_ed25519.unwrap_or(next.sign_ed25519);
        if let Some(settings) = self.settings {
            faults.settings(&settings);
            next.settings = settings;
        }
        if let Some(kind) = target::target(&next.kind) {
            let draft = TargetDraft {
                url: &next.target_url,
                settings: &next.settings,
                credential: match &self.credential {
                    Patch::Value(text) => Some(text),
                    Patch::Absent | Patch::Null => None,
                },
                keeps_credential: matches!(self.credential, Patch::Absent)
                    && endpoint.credential.is_some(),
            };
            faults
                .0
                .extend(kind.check(&draft).err().unwrap_or_default());
        }
        faults.done(Some(Patched {
            next,
            credential: self.credential,
        }))
    }
}
