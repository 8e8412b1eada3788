//! Products: the governed AI systems, each with the record of its model.

use probity_kernel::{Change, Context, OrganizationId, ProductId, SpaceId, Version};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::dossier::Dossier;
use crate::error::CatalogError;
use crate::event::{CatalogEvent, ProductChanges, ProductFacts};
use crate::new_product::NewProduct;
use crate::patch::ProductPatch;
use crate::repository::{CatalogChange, CatalogWrite};
use crate::serving_url::ServingUrl;
use crate::slug::ProductSlug;
use crate::space::Space;
use crate::taxonomy::{
    DeploymentStatus, LifecycleStage, ModelFamily, ProductType, RiskClassification, TaskType,
};

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The space that holds it.
    pub space: SpaceId,
    /// Its name in addresses; unique in the space.
    pub slug: ProductSlug,
    /// Its display name.
    pub name: String,
    /// A short summary.
    pub description: Option<String>,
    /// A long description.
    pub long_description: Option<String>,
    /// What it is.
    pub product_type: ProductType,
    /// Source platform or provider.
    pub provider: Option<String>,
    /// The environment, in the team's own words.
    pub environment: String,
    /// The risk class, once it was decided.
    pub risk_classification: Option<RiskClassification>,
    /// The stage of its life, when stated.
    pub lifecycle_stage: Option<LifecycleStage>,
    /// The kind of AI system, in the team's own words.
    pub ai_system_type: Option<String>,
    /// What it is for, in business terms.
    pub business_use_case: Option<String>,
    /// Whether it is a general-purpose AI model; `None` when nobody has said.
    pub is_gpai: Option<bool>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// When it was archived.
    pub archived_at: Option<OffsetDateTime>,
    /// Its row version.
    pub version: Version,
    /// The record of its model.
    pub model: ModelMetadata,
    /// Its record for governance.
    pub dossier: Dossier,
}

/// What the model repository records about a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelMetadata {
    /// The family of the model.
    pub model_family: Option<ModelFamily>,
    /// What the model does.
    pub model_task_type: Option<TaskType>,
    /// Its architecture or algorithm.
    pub model_architecture: Option<String>,
    /// The framework that trains or serves it.
    pub framework: Option<String>,
    /// What it is meant for.
    pub intended_use: Option<String>,
    /// Its known limits.
    pub limitations: Option<String>,
    /// Where it runs.
    pub deployment_status: DeploymentStatus,
    /// Where it answers.
    pub serving_url: Option<ServingUrl>,
    /// The schema of its input.
    pub input_schema: Option<Map<String, Value>>,
    /// The schema of its output.
    pub output_schema: Option<Map<String, Value>>,
    /// The vendor, if it was bought.
    pub vendor_name: Option<String>,
    /// The vendor's name for the product.
    pub vendor_product_name: Option<String>,
    /// The vendor's identifier of the model.
    pub vendor_model_id: Option<String>,
    /// The environment at the vendor or platform.
    pub deployment_environment: Option<String>,
}

impl Product {
    /// Creates a product in a space of the context's organisation under the given slug.
    pub fn create(
        ctx: &Context,
        id: ProductId,
        space: &Space,
        slug: ProductSlug,
        new: NewProduct,
    ) -> CatalogChange {
        let dated = !new.dossier.technical_documentation.is_empty();
        let product = Self {
            id,
            organization: ctx.organization,
            space: space.id,
            slug,
            name: new.name,
            description: new.description,
            long_description: new.long_description,
            product_type: new.product_type,
            provider: new.provider,
            environment: new.environment,
            risk_classification: new.risk_classification,
            lifecycle_stage: new.lifecycle_stage,
            ai_system_type: new.ai_system_type,
            business_use_case: new.business_use_case,
            is_gpai: new.is_gpai,
            created_at: ctx.now,
            updated_at: ctx.now,
            archived_at: None,
            version: Version::FIRST,
            model: new.model,
            dossier: Dossier {
                documentation_updated_at: dated.then_some(ctx.now),
                ..new.dossier
            },
        };
        let event = CatalogEvent::ProductCreated(ProductFacts::from(&product));
        let write = CatalogWrite::CreateProduct {
            product: Box::new(product),
            capacity: space.product_capacity,
        };
        Change::new(ctx, write, event)
    }
    /// Changes a product; `None` when the patch changes nothing.
    ///
    /// # Errors
    /// [`CatalogError::ProductArchived`], [`CatalogError::Invalid`].
    pub fn update(
        &self,
        ctx: &Context,
        patch: ProductPatch,
    ) -> Result<Option<CatalogChange>, CatalogError> {
        if self.archived_at.is_some() {
            return Err(CatalogError::ProductArchived);
        }
        let next = patch.applied(ctx, self)?;
        if next == *self {
            return Ok(None);
        }
        let next = self.succeeded_by(ctx, next);
        let event = CatalogEvent::ProductUpdated(ProductChanges::between(self, &next));
        Ok(Some(self.write(ctx, next, event)))
    }

    /// Archives a product; `None` when it is archived already.
    #[must_use]
    pub fn archive(&self, ctx: &Context) -> Option<CatalogChange> {
        if self.archived_at.is_some() {
            return None;
        }
        let archived = Self {
            archived_at: Some(ctx.now),
            ..self.clone()
        };
        let next = self.succeeded_by(ctx, archived);
        let event = CatalogEvent::ProductArchived {
            id: self.id,
            at: ctx.now,
        };
        Some(self.write(ctx, next, event))
    }

    fn succeeded_by(&self, ctx: &Context, next: Self) -> Self {
        Self {
            updated_at: ctx.now,
            version: self.version.next(),
            ..next
        }
    }

    fn write(&self, ctx: &Context, next: Self, event: CatalogEvent) -> CatalogChange {
        let write = CatalogWrite::UpdateProduct {
            expected: self.version,
            moves_review: self.dossier.next_review_due_at != next.dossier.next_review_due_at,
            product: Box::new(next),
        };
        Change::new(ctx, write, event)
    }
}
