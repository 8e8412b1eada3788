//! Rows of the inventory; they never leave this crate.

use std::collections::BTreeMap;

use diesel::prelude::*;
use probity_kernel::text::fold;
use probity_kernel::{OrganizationId, RegisteredModelId, RepositoryError, Version};
use probity_registry::{
    Exposure, ModelIdentifier, ModelTechnique, Purpose, RegisteredModel, RegistrySettings,
    RiskTier, SettingsInput, Tags, ValidationStatus, search_text,
};
use serde::{Deserialize, Serialize};

use crate::error::corrupt;
use crate::schema::registered_models;
use crate::types::{Id, Utc};

#[derive(
    Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize, Deserialize,
)]
#[diesel(table_name = registered_models, treat_none_as_default_value = false)]
pub(crate) struct ModelRow {
    pub(crate) position: i64,
    pub(super) organization_id: Id,
    pub(super) id: Id,
    pub(super) model_id: String,
    pub(super) provider: String,
    pub(super) provider_folded: String,
    pub(super) display_name: String,
    pub(super) risk_tier: String,
    pub(super) validation_status: String,
    pub(super) owner: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tags: String,
    pub(super) exposure: Option<String>,
    pub(super) purpose: Option<String>,
    pub(super) technique: String,
    pub(super) last_seen_at: Option<Utc>,
    pub(super) validated_at: Option<Utc>,
    pub(super) validation_expires_at: Option<Utc>,
    pub(super) revalidation_due: bool,
    pub(super) search_text: String,
    pub(super) created_at: Utc,
    pub(super) updated_at: Utc,
    pub(super) version: i64,
}

impl ModelRow {
    pub(crate) fn new(model: &RegisteredModel, position: i64) -> Self {
        let RegisteredModel {
            id,
            organization,
            model_id,
            provider,
            display_name,
            risk_tier,
            validation_status,
            owner,
            description,
            tags,
            exposure,
            purpose,
            technique,
            last_seen_at,
            validated_at,
            validation_expires_at,
            revalidation_due,
            created_at,
            updated_at,
            version,
        } = model;
        Self {
            position,
            organization_id: Id(organization.uuid()),
            id: Id(id.uuid()),
            model_id: model_id.to_string(),
            provider: provider.clone(),
            provider_folded: fold(provider),
            display_name: display_name.clone(),
            risk_tier: risk_tier.to_string(),
            validation_status: validation_status.to_string(),
            owner: owner.clone(),
            description: description.clone(),
            tags: serde_json::to_string(tags.as_map()).unwrap_or_else(|_| "{}".to_owned()),
            exposure: exposure.map(|value| value.to_string()),
            purpose: purpose.map(|value| value.to_string()),
            technique: technique.to_string(),
            last_seen_at: last_seen_at.map(Utc),
            validated_at: validated_at.map(Utc),
            validation_expires_at: validation_expires_at.map(Utc),
            revalidation_due: *revalidation_due,
            search_text: search_text(model),
            created_at: Utc(*created_at),
            updated_at: Utc(*updated_at),
            version: version.get(),
        }
    }
}

/// Parses one column, naming it when the stored value is not what the domain knows.
macro_rules! read {
    ($row:ident.$column:ident as maybe $type:ty) => {
        $row.$column
            .as_deref()
            .map(<$type>::parse)
            .transpose()
            .map_err(|error| {
                corrupt("registered_models", stringify!($column))(format!("{error:?}").into())
            })?
    };
    ($row:ident.$column:ident as $type:ty) => {
        <$type>::parse(&$row.$column).map_err(|error| {
            corrupt("registered_models", stringify!($column))(format!("{error:?}").into())
        })?
    };
}

impl TryFrom<ModelRow> for RegisteredModel {
    type Error = RepositoryError;

    fn try_from(row: ModelRow) -> Result<Self, RepositoryError> {
        let tags: BTreeMap<String, String> = serde_json::from_str(&row.tags)
            .map_err(|error| corrupt("registered_models", "tags")(error.into()))?;
        Ok(Self {
            id: RegisteredModelId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            model_id: ModelIdentifier::parse(row.model_id.as_str())
                .map_err(|error| corrupt("registered_models", "model_id")(error.message.into()))?,
            risk_tier: read!(row.risk_tier as RiskTier),
            validation_status: read!(row.validation_status as ValidationStatus),
            tags: Tags::parse(tags)
                .map_err(|_| corrupt("registered_models", "tags")("beyond the limits".into()))?,
            exposure: read!(row.exposure as maybe Exposure),
            purpose: read!(row.purpose as maybe Purpose),
            technique: read!(row.technique as ModelTechnique),
            provider: row.provider,
            display_name: row.display_name,
            owner: row.owner,
            description: row.description,
            last_seen_at: row.last_seen_at.map(|at| at.0),
            validated_at: row.validated_at.map(|at| at.0),
            validation_expires_at: row.validation_expires_at.map(|at| at.0),
            revalidation_due: row.revalidation_due,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct SettingsDocument {
    profile: String,
    separation_of_duties: bool,
    validation_months: BTreeMap<String, i64>,
    materiality_months: BTreeMap<String, i64>,
}

/// The settings as they are stored.
pub(super) fn settings_text(settings: &RegistrySettings) -> Result<String, RepositoryError> {
    let document = SettingsDocument {
        profile: settings.profile.to_string(),
        separation_of_duties: settings.separation_of_duties,
        validation_months: settings.validation_months.to_map(),
        materiality_months: settings.materiality_months.to_map(),
    };
    serde_json::to_string(&document).map_err(|error| RepositoryError::Database(Box::new(error)))
}

/// The settings out of what is stored.
pub(crate) fn parse_settings(text: &str) -> Result<RegistrySettings, RepositoryError> {
    let document: SettingsDocument = serde_json::from_str(text)
        .map_err(|error| corrupt("registry_settings", "settings")(error.into()))?;
    let input = SettingsInput {
        profile: Some(document.profile),
        separation_of_duties: Some(document.separation_of_duties),
        validation_months: document.validation_months,
        materiality_months: document.materiality_months,
    };
    RegistrySettings::default()
        .with(&input)
        .map_err(|errors| corrupt("registry_settings", "settings")(format!("{errors:?}").into()))
}
