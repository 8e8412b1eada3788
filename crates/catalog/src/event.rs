//! What happened, as the record and the subscribers are told.

use probity_kernel::{DomainEvent, ProductId, Publication, SpaceId, Subject, Trail, UserId};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::product::Product;
use crate::serving_url::ServingUrl;
use crate::slug::{ProductSlug, SpaceSlug};
use crate::space::{Space, Visibility};
use crate::taxonomy::{
    DeploymentStatus, LifecycleStage, ModelFamily, ProductType, RiskClassification, TaskType,
};

/// The event of a catalog change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogEvent {
    /// `space.created`
    SpaceCreated {
        /// The space.
        id: SpaceId,
        /// Its slug.
        slug: SpaceSlug,
        /// Its name.
        name: String,
        /// How many products it may hold.
        product_capacity: Option<u32>,
        /// For whom it is.
        visibility: Visibility,
        /// The user who becomes its admin.
        admin: Option<UserId>,
    },
    /// `space.updated`
    SpaceUpdated {
        /// The space before.
        before: Space,
        /// The space after.
        after: Space,
    },
    /// `product.created`
    ProductCreated(ProductFacts),
    /// `product.updated`
    ProductUpdated(ProductChanges),
    /// `product.archived`
    ProductArchived {
        /// The product.
        id: ProductId,
        /// When.
        at: OffsetDateTime,
    },
}

/// What the event of a new product tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductFacts {
    /// The product.
    pub id: ProductId,
    /// Its space.
    pub space: SpaceId,
    /// Its slug.
    pub slug: ProductSlug,
    /// Its name.
    pub name: String,
    /// Its type.
    pub product_type: ProductType,
    /// Its environment.
    pub environment: String,
    /// Its risk class.
    pub risk_classification: Option<RiskClassification>,
    /// Its stage of life.
    pub lifecycle_stage: Option<LifecycleStage>,
    /// Its model family.
    pub model_family: Option<ModelFamily>,
    /// Where it runs.
    pub deployment_status: DeploymentStatus,
    /// Every further field that holds something.
    further: Vec<(&'static str, Value)>,
}

/// The fields that [`ProductFacts`] tells to subscribers too.
const TOLD: [&str; 8] = [
    "slug",
    "name",
    "product_type",
    "environment",
    "risk_classification",
    "lifecycle_stage",
    "model_family",
    "deployment_status",
];

impl From<&Product> for ProductFacts {
    fn from(product: &Product) -> Self {
        Self {
            id: product.id,
            space: product.space,
            slug: product.slug.clone(),
            name: product.name.clone(),
            product_type: product.product_type,
            environment: product.environment.clone(),
            risk_classification: product.risk_classification,
            lifecycle_stage: product.lifecycle_stage,
            model_family: product.model.model_family,
            deployment_status: product.model.deployment_status,
            further: fields(product)
                .into_iter()
                .filter(|(name, value)| !TOLD.contains(name) && !is_empty(value))
                .collect(),
        }
    }
}

/// What a change of a product changed: every field that is another now, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductChanges {
    /// The product.
    pub id: ProductId,
    fields: Vec<(&'static str, Value, Value)>,
}

impl ProductChanges {
    /// The fields in which two states of a product differ.
    #[must_use]
    pub fn between(before: &Product, after: &Product) -> Self {
        let pairs = fields(before).into_iter().zip(fields(after));
        let changed = pairs.filter(|((_, before), (_, after))| before != after);
        Self {
            id: after.id,
            fields: changed
                .map(|((name, before), (_, after))| (name, before, after))
                .collect(),
        }
    }

    /// The names of those fields.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|(name, ..)| *name)
    }

    fn detail(&self) -> Value {
        detail_of(&self.fields)
    }
}

/// Changed fields with what they were and what they are.
fn detail_of(fields: &[(&'static str, Value, Value)]) -> Value {
    let pair = |(name, before, after): &(&'static str, Value, Value)| {
        (
            (*name).to_owned(),
            json!({"before": before, "after": after}),
        )
    };
    fields.iter().map(pair).collect()
}

/// The fields in which two states of a space differ.
fn changed_of_space(before: &Space, after: &Space) -> Vec<(&'static str, Value, Value)> {
    let all = [
        ("name", json!(before.name), json!(after.name)),
        (
            "product_capacity",
            json!(before.product_capacity),
            json!(after.product_capacity),
        ),
        (
            "visibility",
            json!(before.visibility.as_str()),
            json!(after.visibility.as_str()),
        ),
    ];
    let differs = |(_, before, after): &(&'static str, Value, Value)| before != after;
    all.into_iter().filter(differs).collect()
}

/// Whether a field holds nothing.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

fn instant(at: Option<OffsetDateTime>) -> Value {
    let text = at.and_then(|at| at.format(&Rfc3339).ok());
    json!(text)
}

/// What the record keeps of a product, by name.
fn fields(product: &Product) -> Vec<(&'static str, Value)> {
    let model = &product.model;
    let dossier = &product.dossier;
    let sections: Map<String, Value> = dossier
        .technical_documentation
        .iter()
        .map(|(section, text)| (section.to_string(), json!(text)))
        .collect();
    vec![
        ("slug", json!(product.slug.as_str())),
        ("name", json!(product.name)),
        ("description", json!(product.description)),
        ("long_description", json!(product.long_description)),
        ("product_type", json!(product.product_type.as_str())),
        ("provider", json!(product.provider)),
        ("environment", json!(product.environment)),
        (
            "risk_classification",
            json!(product.risk_classification.map(RiskClassification::as_str)),
        ),
        (
            "lifecycle_stage",
            json!(product.lifecycle_stage.map(LifecycleStage::as_str)),
        ),
        ("ai_system_type", json!(product.ai_system_type)),
        ("business_use_case", json!(product.business_use_case)),
        ("is_gpai", json!(product.is_gpai)),
        (
            "model_family",
            json!(model.model_family.map(ModelFamily::as_str)),
        ),
        (
            "model_task_type",
            json!(model.model_task_type.map(TaskType::as_str)),
        ),
        ("model_architecture", json!(model.model_architecture)),
        ("framework", json!(model.framework)),
        ("intended_use", json!(model.intended_use)),
        ("limitations", json!(model.limitations)),
        ("deployment_status", json!(model.deployment_status.as_str())),
        (
            "serving_url",
            json!(model.serving_url.as_ref().map(ServingUrl::as_str)),
        ),
        ("input_schema", json!(model.input_schema)),
        ("output_schema", json!(model.output_schema)),
        ("vendor_name", json!(model.vendor_name)),
        ("vendor_product_name", json!(model.vendor_product_name)),
        ("vendor_model_id", json!(model.vendor_model_id)),
        (
            "deployment_environment",
            json!(model.deployment_environment),
        ),
        ("owner", json!(dossier.owner)),
        ("monitoring_plan", json!(dossier.monitoring_plan)),
        ("no_data_dependencies", json!(dossier.no_data_dependencies)),
        ("next_review_due_at", instant(dossier.next_review_due_at)),
        ("technical_documentation", Value::Object(sections)),
        ("model_card", json!(dossier.model_card.members())),
    ]
}

impl CatalogEvent {
    /// The product that it is about; a space is none.
    const fn product(&self) -> Option<ProductId> {
        match self {
            Self::SpaceCreated { .. } | Self::SpaceUpdated { .. } => None,
            Self::ProductCreated(facts) => Some(facts.id),
            Self::ProductUpdated(changes) => Some(changes.id),
            Self::ProductArchived { id, .. } => Some(*id),
        }
    }

    /// The facts by name, without the change around them.
    fn facts(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::SpaceCreated {
                id: _,
                slug,
                name,
                product_capacity,
                visibility,
                admin,
            } => vec![
                ("slug", json!(slug.as_str())),
                ("name", json!(name)),
                ("product_capacity", json!(product_capacity)),
                ("visibility", json!(visibility.as_str())),
                ("admin", json!(admin.map(|id| id.to_string()))),
            ],
            Self::SpaceUpdated { before, after } => {
                let changed = changed_of_space(before, after);
                let names: Vec<&str> = changed.iter().map(|(name, ..)| *name).collect();
                vec![
                    ("slug", json!(after.slug.as_str())),
                    ("changed_fields", json!(names)),
                ]
            }
            Self::ProductCreated(facts) => vec![
                ("space_id", json!(facts.space.to_string())),
                ("slug", json!(facts.slug.as_str())),
                ("name", json!(facts.name)),
                ("product_type", json!(facts.product_type.as_str())),
                ("environment", json!(facts.environment)),
                (
                    "risk_classification",
                    json!(facts.risk_classification.map(RiskClassification::as_str)),
                ),
                (
                    "lifecycle_stage",
                    json!(facts.lifecycle_stage.map(LifecycleStage::as_str)),
                ),
                (
                    "model_family",
                    json!(facts.model_family.map(ModelFamily::as_str)),
                ),
                ("deployment_status", json!(facts.deployment_status.as_str())),
            ],
            Self::ProductUpdated(changes) => {
                let names: Vec<&str> = changes.names().collect();
                vec![("changed_fields", json!(names))]
            }
            Self::ProductArchived { at, .. } => vec![("archived_at", instant(Some(*at)))],
        }
    }
}

impl DomainEvent for CatalogEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::SpaceCreated { .. } => "space.created",
            Self::SpaceUpdated { .. } => "space.updated",
            Self::ProductCreated(_) => "product.created",
            Self::ProductUpdated(_) => "product.updated",
            Self::ProductArchived { .. } => "product.archived",
        }
    }

    fn subject(&self) -> Subject {
        let (kind, id) = match self {
            Self::SpaceCreated { id, .. } => ("space", id.uuid()),
            Self::SpaceUpdated { after, .. } => ("space", after.id.uuid()),
            Self::ProductCreated(facts) => ("product", facts.id.uuid()),
            Self::ProductUpdated(changes) => ("product", changes.id.uuid()),
            Self::ProductArchived { id, .. } => ("product", id.uuid()),
        };
        Subject { kind, id }
    }

    fn trails(&self) -> Vec<Trail> {
        vec![Trail {
            subject: self.subject(),
            product: self.product(),
        }]
    }

    fn detail(&self) -> Value {
        if let Self::ProductUpdated(changes) = self {
            return changes.detail();
        }
        if let Self::SpaceUpdated { before, after } = self {
            return detail_of(&changed_of_space(before, after));
        }
        let mut facts = self.facts();
        if let Self::ProductCreated(created) = self {
            facts.extend(created.further.iter().cloned());
        }
        let told = facts.into_iter();
        told.map(|(field, after)| (field.to_owned(), json!({"before": null, "after": after})))
            .collect()
    }

    fn publications(&self) -> Vec<Publication> {
        let (source_table, trigger_reason) = match self {
            Self::SpaceCreated { .. } => ("spaces", "A space was created."),
            Self::SpaceUpdated { .. } => ("spaces", "A space was changed."),
            Self::ProductCreated(_) => ("products", "A product was added to the catalog."),
            Self::ProductUpdated(_) => ("products", "The record of a product was changed."),
            Self::ProductArchived { .. } => ("products", "A product was archived."),
        };
        let id = self.subject().id;
        let mut payload: Value = self
            .facts()
            .into_iter()
            .map(|(field, value)| (field.to_owned(), value))
            .collect();
        if let Some(members) = payload.as_object_mut() {
            members.insert("id".to_owned(), json!(id.to_string()));
        }
        vec![Publication {
            event_type: self.name(),
            source_table,
            source_id: id,
            product: self.product(),
            trigger_reason: trigger_reason.to_owned(),
            payload,
            score_before: None,
            score_after: None,
        }]
    }
}
