//! What callers send, parsed: every fault of an input is found at once.

use std::collections::BTreeMap;

use probity_kernel::FieldError;
pub use probity_kernel::Patch;
use probity_kernel::text::TextRule;

use crate::model::{ModelIdentifier, RegisteredModel, Tags};
use crate::profile::{Exposure, ModelTechnique, Purpose};
use crate::status::ValidationStatus;
use crate::tier::RiskTier;
use crate::vocabulary::UnknownValue;

/// The provider's name: 1 to 128 characters on one line.
pub const PROVIDER: TextRule = TextRule::line(128);
/// The name for people: 1 to 256 characters on one line.
pub const DISPLAY_NAME: TextRule = TextRule::line(256);
/// The owner: 1 to 320 characters on one line, room for any e-mail address.
pub const OWNER: TextRule = TextRule::line(320);
/// The description: up to 10 000 characters.
pub const DESCRIPTION: TextRule = TextRule::prose(10_000);

/// A new entry as a caller sends it; `None` is an absent or null field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewModelInput {
    /// Required: how requests name the model.
    pub model_id: Option<String>,
    /// Required: vendor or platform.
    pub provider: Option<String>,
    /// The name for people.
    pub display_name: Option<String>,
    /// Required: `tier_1` to `tier_4`.
    pub risk_tier: Option<String>,
    /// Initial status; `draft` when absent.
    pub validation_status: Option<String>,
    /// Accountable owner.
    pub owner: Option<String>,
    /// What the model is for.
    pub description: Option<String>,
    /// Labels.
    pub tags: Option<BTreeMap<String, String>>,
    /// Exposure level.
    pub exposure: Option<String>,
    /// Purpose level.
    pub purpose: Option<String>,
    /// Technique; `unspecified` when absent.
    pub technique: Option<String>,
}

/// A new entry whose every field is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewModel {
    /// How requests name the model.
    pub model_id: ModelIdentifier,
    /// Vendor or platform.
    pub provider: String,
    /// The name for people; the identifier stands in when absent.
    pub display_name: Option<String>,
    /// Risk tier.
    pub risk_tier: RiskTier,
    /// Initial status.
    pub validation_status: ValidationStatus,
    /// Accountable owner.
    pub owner: Option<String>,
    /// What the model is for.
    pub description: Option<String>,
    /// Labels.
    pub tags: Tags,
    /// Exposure level.
    pub exposure: Option<Exposure>,
    /// Purpose level.
    pub purpose: Option<Purpose>,
    /// Technique.
    pub technique: ModelTechnique,
}

impl NewModel {
    /// Parses a new entry.
    ///
    /// # Errors
    /// Every faulty field, by JSON Pointer, in the order of the fields. Codes: `required`,
    /// `unknown_value`, `too_many`, and those of [`TextRule::check`].
    pub fn parse(input: NewModelInput) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::default();
        let model_id = faults.required("/model_id", input.model_id);
        let model_id = model_id.and_then(|text| faults.take(ModelIdentifier::parse(text)));
        let provider = faults.required("/provider", input.provider);
        let provider = provider.and_then(|text| faults.text("/provider", PROVIDER, text));
        let mut optional = |field, rule, text: Option<String>| {
            text.and_then(|text| faults.text(field, rule, text))
        };
        let display_name = optional("/display_name", DISPLAY_NAME, input.display_name);
        let owner = optional("/owner", OWNER, input.owner);
        let description = optional("/description", DESCRIPTION, input.description);
        let risk_tier = faults.required("/risk_tier", input.risk_tier);
        let risk_tier = faults.word("/risk_tier", RiskTier::parse, risk_tier);
        let status = faults.word(
            "/validation_status",
            ValidationStatus::parse,
            input.validation_status,
        );
        let tags = input.tags.map(Tags::parse);
        let tags = tags.and_then(|tags| faults.take_all(tags));
        let exposure = faults.word("/exposure", Exposure::parse, input.exposure);
        let purpose = faults.word("/purpose", Purpose::parse, input.purpose);
        let technique = faults.word("/technique", ModelTechnique::parse, input.technique);
        match (model_id, provider, risk_tier) {
            (Some(model_id), Some(provider), Some(risk_tier)) if faults.0.is_empty() => Ok(Self {
                model_id,
                provider,
                display_name,
                risk_tier,
                validation_status: status.unwrap_or(ValidationStatus::Draft),
                owner,
                description,
                tags: tags.unwrap_or_default(),
                exposure,
                purpose,
                technique: technique.unwrap_or(ModelTechnique::Unspecified),
            }),
            _ => Err(faults.0),
        }
    }
}

/// A partial update as a caller sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelPatchInput {
    /// Vendor or platform, for entries whose provider was inferred wrongly.
    pub provider: Patch<String>,
    /// The name for people.
    pub display_name: Patch<String>,
    /// Risk tier.
    pub risk_tier: Patch<String>,
    /// Status to move to.
    pub validation_status: Patch<String>,
    /// Accountable owner; null clears it.
    pub owner: Patch<String>,
    /// What the model is for; null clears it.
    pub description: Patch<String>,
    /// Replaces all labels.
    pub tags: Patch<BTreeMap<String, String>>,
    /// Exposure level.
    pub exposure: Patch<String>,
    /// Purpose level.
    pub purpose: Patch<String>,
    /// Technique.
    pub technique: Patch<String>,
}

/// A partial update whose every field is in order; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelPatch {
    /// New provider.
    pub provider: Option<String>,
    /// New name.
    pub display_name: Option<String>,
    /// New tier.
    pub risk_tier: Option<RiskTier>,
    /// Status to move to.
    pub validation_status: Option<ValidationStatus>,
    /// New owner; `Some(None)` clears it.
    pub owner: Option<Option<String>>,
    /// New description; `Some(None)` clears it.
    pub description: Option<Option<String>>,
    /// All labels anew.
    pub tags: Option<Tags>,
    /// New exposure level.
    pub exposure: Option<Exposure>,
    /// New purpose level.
    pub purpose: Option<Purpose>,
    /// New technique.
    pub technique: Option<ModelTechnique>,
}

impl ModelPatch {
    /// Parses a partial update.
    ///
    /// # Errors
    /// Every faulty field, by JSON Pointer. Codes: `not_nullable`, `unknown_value`, `too_many`, and
    /// those of [`TextRule::check`].
    pub fn parse(input: ModelPatchInput) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::default();
        let provider = faults.present("/provider", input.provider);
        let provider = provider.and_then(|text| faults.text("/provider", PROVIDER, text));
        let name = faults.present("/display_name", input.display_name);
        let display_name = name.and_then(|text| faults.text("/display_name", DISPLAY_NAME, text));
        let owner = faults.clearable("/owner", OWNER, input.owner);
        let description = faults.clearable("/description", DESCRIPTION, input.description);
        let risk_tier = faults.present("/risk_tier", input.risk_tier);
        let risk_tier = faults.word("/risk_tier", RiskTier::parse, risk_tier);
        let status = faults.present("/validation_status", input.validation_status);
        let status = faults.word("/validation_status", ValidationStatus::parse, status);
        let tags = faults.present("/tags", input.tags).map(Tags::parse);
        let tags = tags.and_then(|tags| faults.take_all(tags));
        let exposure = faults.present("/exposure", input.exposure);
        let exposure = faults.word("/exposure", Exposure::parse, exposure);
        let purpose = faults.present("/purpose", input.purpose);
        let purpose = faults.word("/purpose", Purpose::parse, purpose);
        let technique = faults.present("/technique", input.technique);
        let technique = faults.word("/technique", ModelTechnique::parse, technique);
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        Ok(Self {
            provider,
            display_name,
            risk_tier,
            validation_status: status,
            owner,
            description,
            tags,
            exposure,
            purpose,
            technique,
        })
    }

    /// The entry with the patch put over it, before any rule has looked at it.
    pub(crate) fn applied_to(self, model: RegisteredModel) -> RegisteredModel {
        RegisteredModel {
            provider: self.provider.unwrap_or(model.provider),
            display_name: self.display_name.unwrap_or(model.display_name),
            risk_tier: self.risk_tier.unwrap_or(model.risk_tier),
            validation_status: self.validation_status.unwrap_or(model.validation_status),
            owner: self.owner.unwrap_or(model.owner),
            description: self.description.unwrap_or(model.description),
            tags: self.tags.unwrap_or(model.tags),
            exposure: self.exposure.or(model.exposure),
            purpose: self.purpose.or(model.purpose),
            technique: self.technique.unwrap_or(model.technique),
            ..model
        }
    }
}

/// Collects faults while fields are parsed one after the other.
#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.0
                .push(FieldError::new(field, "required", "is required"));
        }
        value
    }

    fn present<T>(&mut self, field: &str, value: Patch<T>) -> Option<T> {
        match value {
            Patch::Absent => None,
            Patch::Value(value) => Some(value),
            Patch::Null => {
                let message = "must not be null; leave it out to keep it as it is";
                self.0.push(FieldError::new(field, "not_nullable", message));
                None
            }
        }
    }

    #[expect(
        clippy::option_option,
        reason = "a patch tells apart leaving a field alone and clearing it"
    )]
    fn clearable(
        &mut self,
        field: &str,
        rule: TextRule,
        value: Patch<String>,
    ) -> Option<Option<String>> {
        match value {
            Patch::Absent => None,
            Patch::Null => Some(None),
            Patch::Value(text) => Some(self.text(field, rule, text)),
        }
    }

    fn text(&mut self, field: &str, rule: TextRule, text: String) -> Option<String> {
        let checked = rule.check(field, &text);
        self.take(checked.map(|()| text))
    }

    fn word<T>(
        &mut self,
        field: &str,
        parse: impl Fn(&str) -> Result<T, UnknownValue>,
        text: Option<String>,
    ) -> Option<T> {
        let parsed = parse(&text?);
        self.take(parsed.map_err(|unknown| unknown.at(field)))
    }

    fn take<T>(&mut self, parsed: Result<T, FieldError>) -> Option<T> {
        self.take_all(parsed.map_err(|fault| vec![fault]))
    }

    fn take_all<T>(&mut self, parsed: Result<T, Vec<FieldError>>) -> Option<T> {
        parsed.map_err(|faults| self.0.extend(faults)).ok()
    }
}

#[cfg(test)]
mod tests;
