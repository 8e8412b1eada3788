//! What happened, as the record and the subscribers are told.

use probity_kernel::{DomainEvent, ProductId, Publication, SpaceId, Subject};
use serde_json::{Value, json};

use crate::product::Product;
use crate::slug::{ProductSlug, SpaceSlug};
use crate::taxonomy::{
    DeploymentStatus, LifecycleStage, ModelFamily, ProductType, RiskClassification,
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
    },
    /// `product.created`
    ProductCreated(ProductFacts),
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
}

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
        }
    }
}

impl CatalogEvent {
    /// The product that it is about; a space is none.
    const fn product(&self) -> Option<ProductId> {
        match self {
            Self::SpaceCreated { .. } => None,
            Self::ProductCreated(facts) => Some(facts.id),
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
            } => vec![
                ("slug", json!(slug.as_str())),
                ("name", json!(name)),
                ("product_capacity", json!(product_capacity)),
            ],
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
        }
    }
}

impl DomainEvent for CatalogEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::SpaceCreated { .. } => "space.created",
            Self::ProductCreated(_) => "product.created",
        }
    }

    fn subject(&self) -> Subject {
        let (kind, id) = match self {
            Self::SpaceCreated { id, .. } => ("space", id.uuid()),
            Self::ProductCreated(facts) => ("product", facts.id.uuid()),
        };
        Subject { kind, id }
    }

    fn detail(&self) -> Value {
        self.facts()
            .into_iter()
            .map(|(field, after)| (field.to_owned(), json!({"before": null, "after": after})))
            .collect()
    }

    fn publications(&self) -> Vec<Publication> {
        let (source_table, trigger_reason) = match self {
            Self::SpaceCreated { .. } => ("spaces", "A space was created."),
            Self::ProductCreated(_) => ("products", "A product was added to the catalog."),
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
