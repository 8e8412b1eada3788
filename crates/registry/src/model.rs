//! The aggregate: one entry of the model inventory.

use std::collections::BTreeMap;
use std::fmt;

use probity_kernel::text::TextRule;
use probity_kernel::{Change, Context, FieldError, OrganizationId, RegisteredModelId, Version};
use time::OffsetDateTime;

use crate::error::RegistryError;
use crate::event::RegistryEvent;
use crate::input::{ModelPatch, NewModel};
use crate::pointer::pointer;
use crate::profile::{Exposure, Materiality, ModelTechnique, ProfileId, Purpose, materiality};
use crate::repository::{ModelChange, ModelWrite};
use crate::settings::RegistrySettings;
use crate::status::ValidationStatus;
use crate::tier::RiskTier;
use crate::validation;

/// The identifier by which requests name a model: 1 to 256 characters on one line, kept as given.
/// Unique within an organisation; case counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelIdentifier(String);

impl ModelIdentifier {
    /// What an identifier may look like.
    pub const RULE: TextRule = TextRule::line(256);

    /// Reads an identifier.
    ///
    /// # Errors
    /// A [`FieldError`] at `/model_id` for a text that is empty, too long or not on one line.
    pub fn parse(text: impl Into<String>) -> Result<Self, FieldError> {
        let text = text.into();
        Self::RULE.check("/model_id", &text)?;
        Ok(Self(text))
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Key and value labels of an entry, ordered by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Most labels that an entry carries.
    pub const MAX: usize = 64;
    /// What a key may look like: 1 to 128 characters on one line.
    pub const KEY: TextRule = TextRule::line(128);
    /// What a value may look like: up to 1024 characters on one line.
    pub const VALUE: TextRule = TextRule {
        min: 0,
        max: 1024,
        multiline: false,
    };

    /// Checks a map of labels.
    ///
    /// # Errors
    /// All faults: `/tags` for too many labels (`too_many`), `/tags/<key>` for a faulty key or value.
    pub fn parse(tags: BTreeMap<String, String>) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        if tags.len() > Self::MAX {
            let message = format!("must hold at most {} entries", Self::MAX);
            errors.push(FieldError::new("/tags", "too_many", message));
        }
        for (key, value) in &tags {
            let field = pointer("/tags", key);
            errors.extend(Self::KEY.check(&field, key).err());
            errors.extend(Self::VALUE.check(&field, value).err());
        }
        if errors.is_empty() {
            Ok(Self(tags))
        } else {
            Err(errors)
        }
    }

    /// The labels.
    #[must_use]
    pub const fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// One entry of the model inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredModel {
    /// The entry's id.
    pub id: RegisteredModelId,
    /// Whose inventory it is in.
    pub organization: OrganizationId,
    /// How requests name the model.
    pub model_id: ModelIdentifier,
    /// The vendor or platform, e.g. `openai` or `self-hosted`.
    pub provider: String,
    /// The name for people; the identifier unless one was given.
    pub display_name: String,
    /// The risk tier.
    pub risk_tier: RiskTier,
    /// Where the model stands in its validation.
    pub validation_status: ValidationStatus,
    /// The accountable owner: an e-mail address or the name of a team.
    pub owner: Option<String>,
    /// What the model is for, in words.
    pub description: Option<String>,
    /// Labels.
    pub tags: Tags,
    /// How much depends on the model, once assessed.
    pub exposure: Option<Exposure>,
    /// How much weight its use has, once assessed.
    pub purpose: Option<Purpose>,
    /// How it comes to its output.
    pub technique: ModelTechnique,
    /// The last request seen, as of the last discovery.
    pub last_seen_at: Option<OffsetDateTime>,
    /// When the model last became `validated`. Kept as history when it leaves that status.
    pub validated_at: Option<OffsetDateTime>,
    /// When that validation expires or would have expired. Kept like `validated_at`;
    /// [`standing`](Self::standing) reports expiry only while the model is `validated`.
    pub validation_expires_at: Option<OffsetDateTime>,
    /// Set by a trigger of the guidance profile, cleared by becoming `validated`.
    pub revalidation_due: bool,
    /// When the entry was made. A store never lets it fall behind that of an earlier entry.
    pub created_at: OffsetDateTime,
    /// When the entry last changed. Being seen is not a change of the entry.
    pub updated_at: OffsetDateTime,
    /// The row version.
    pub version: Version,
}

/// What follows from an entry, the settings and an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelStanding {
    /// The model is `validated` and its validation has run out (at the instant itself it has).
    pub validation_expired: bool,
    /// A trigger flagged the model, or its validation has run out.
    pub revalidation_due: bool,
    /// Materiality by the published matrix, when exposure and purpose are assessed.
    pub materiality: Option<Materiality>,
    /// Whether the organisation's guidance profile speaks about models of this technique.
    pub in_scope: bool,
    /// The guidance profile that the organisation follows.
    pub guidance_profile: ProfileId,
}

impl RegisteredModel {
    /// Enters a model into the inventory. Any initial status may be given; the event of one that is
    /// not a draft says `imported_as`, and an import as `validated` is stamped as validated now.
    pub fn register(
        ctx: &Context,
        settings: &RegistrySettings,
        id: RegisteredModelId,
        new: NewModel,
    ) -> ModelChange {
        let model = Self::entered(ctx, settings, id, new);
        let event = RegistryEvent::ModelRegistered(Box::new(model.clone()));
        Change::new(ctx, ModelWrite::Create(Box::new(model)), event)
    }

    pub(crate) fn entered(
        ctx: &Context,
        settings: &RegistrySettings,
        id: RegisteredModelId,
        new: NewModel,
    ) -> Self {
        let mut model = Self {
            id,
            organization: ctx.organization,
            display_name: new
                .display_name
                .unwrap_or_else(|| new.model_id.as_str().to_owned()),
            model_id: new.model_id,
            provider: new.provider,
            risk_tier: new.risk_tier,
            validation_status: new.validation_status,
            owner: new.owner,
            description: new.description,
            tags: new.tags,
            exposure: new.exposure,
            purpose: new.purpose,
            technique: new.technique,
            last_seen_at: None,
            validated_at: None,
            validation_expires_at: None,
            revalidation_due: false,
            created_at: ctx.now,
            updated_at: ctx.now,
            version: Version::FIRST,
        };
        if model.validation_status == ValidationStatus::Validated {
            validation::stamp(&mut model, settings, ctx.now);
        }
        model
    }

    /// Applies a patch. A patch that changes nothing still gives a change, whose event
    /// [`changes_nothing`](RegistryEvent::changes_nothing); the service does not commit it.
    ///
    /// # Errors
    /// [`RegistryError::Transition`] for a move that the profile's lifecycle does not list,
    /// [`RegistryError::SeparationOfDuties`] when that setting forbids the actor to validate.
    pub fn update(
        self,
        ctx: &Context,
        settings: &RegistrySettings,
        patch: ModelPatch,
    ) -> Result<ModelChange, RegistryError> {
        let expected = self.version;
        let mut next = patch.applied_to(self.clone());
        validation::apply_rules(ctx, settings, &self, &mut next)?;
        next.version = expected.next();
        next.updated_at = ctx.now.max(self.updated_at);
        let event = RegistryEvent::updated(&self, &next);
        let next = Box::new(next);
        Ok(Change::new(
            ctx,
            ModelWrite::Update { next, expected },
            event,
        ))
    }

    /// Takes the model out of the inventory. It is not kept from being used; it evaluates as
    /// [`RiskTier::UNREGISTERED`] from then on.
    pub fn delete(self, ctx: &Context) -> ModelChange {
        let write = ModelWrite::Delete {
            id: self.id,
            expected: self.version,
        };
        Change::new(ctx, write, RegistryEvent::ModelDeleted(Box::new(self)))
    }

    /// What follows from the entry for this organisation at this instant.
    #[must_use]
    pub fn standing(&self, settings: &RegistrySettings, now: OffsetDateTime) -> ModelStanding {
        let profile = settings.profile.profile();
        let validated = self.validation_status == ValidationStatus::Validated;
        let expired = validated && self.validation_expires_at.is_some_and(|end| end <= now);
        ModelStanding {
            validation_expired: expired,
            revalidation_due: self.revalidation_due || expired,
            materiality: self.materiality(),
            in_scope: profile.covers(self.technique),
            guidance_profile: profile.id,
        }
    }

    /// Materiality by the published matrix, when exposure and purpose are assessed.
    #[must_use]
    pub fn materiality(&self) -> Option<Materiality> {
        Some(materiality(self.exposure?, self.purpose?))
    }
}
