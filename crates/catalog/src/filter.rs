//! Which products a list shows.

use probity_kernel::SpaceId;
use probity_kernel::text::{fold, search_words};

use crate::product::Product;
use crate::taxonomy::{DeploymentStatus, ModelFamily, ProductType, RiskClassification, TaskType};

/// Which products are wanted; each part narrows, the default wants all that are not archived.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductFilter {
    /// Only those of these spaces.
    pub spaces: Option<Vec<SpaceId>>,
    /// Of one of these types; of all types when empty.
    pub types: Vec<ProductType>,
    /// Of this model family.
    pub model_family: Option<ModelFamily>,
    /// For this task.
    pub model_task_type: Option<TaskType>,
    /// With this deployment status.
    pub deployment_status: Option<DeploymentStatus>,
    /// Of this risk class.
    pub risk_classification: Option<RiskClassification>,
    /// Words that all occur in the [`search_text`]. Case is folded; a word may be part of another.
    pub search: Option<String>,
    /// Archived ones too.
    pub include_archived: bool,
}

impl ProductFilter {
    /// The live products of one space.
    #[must_use]
    pub fn of_space(space: SpaceId) -> Self {
        Self {
            spaces: Some(vec![space]),
            ..Self::default()
        }
    }

    /// The words of the search, folded; none when there is no search.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let search = self.search.as_deref();
        search.map(search_words).unwrap_or_default()
    }

    /// Whether a product passes.
    #[must_use]
    pub fn admits(&self, product: &Product) -> bool {
        let model = &product.model;
        let spaces = self.spaces.as_ref();
        let text = search_text(product);
        (self.include_archived || product.archived_at.is_none())
            && spaces.is_none_or(|spaces| spaces.contains(&product.space))
            && (self.types.is_empty() || self.types.contains(&product.product_type))
            && same(self.model_family, model.model_family)
            && same(self.model_task_type, model.model_task_type)
            && same(self.deployment_status, Some(model.deployment_status))
            && same(self.risk_classification, product.risk_classification)
            && self.words().iter().all(|word| text.contains(word))
    }
}

fn same<T: PartialEq + Copy>(wanted: Option<T>, found: Option<T>) -> bool {
    wanted.is_none() || wanted == found
}

/// The text that searches look into, folded: a product's name, slug, provider, descriptions, purpose,
/// limits, and what its model is called and made with.
#[must_use]
pub fn search_text(product: &Product) -> String {
    let model = &product.model;
    let parts = [
        Some(product.name.as_str()),
        Some(product.slug.as_str()),
        product.description.as_deref(),
        product.long_description.as_deref(),
        product.provider.as_deref(),
        product.ai_system_type.as_deref(),
        product.business_use_case.as_deref(),
        model.model_architecture.as_deref(),
        model.framework.as_deref(),
        model.intended_use.as_deref(),
        model.limitations.as_deref(),
        model.vendor_name.as_deref(),
        model.vendor_product_name.as_deref(),
        model.vendor_model_id.as_deref(),
    ];
    let told: Vec<&str> = parts.into_iter().flatten().collect();
    fold(&told.join("\n"))
}
