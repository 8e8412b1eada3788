//! What an import does to each product.

use std::collections::HashMap;

use probity_kernel::ProductId;

use super::error::{ImportError, RowError};
use super::rows::ImportRow;
use crate::error::CatalogError;
use crate::new_product::NewProduct;
use crate::product::Product;
use crate::slug::ProductSlug;

/// What an import did to a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there before.
    Created,
    /// It was there and already was what the row says.
    Unchanged,
}

impl Outcome {
    /// The text on the wire and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A product of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedProduct {
    /// The row that it comes from.
    pub row: u64,
    /// The product; `None` when a dry run would create it.
    pub id: Option<ProductId>,
    /// Its slug.
    pub slug: ProductSlug,
    /// What was done.
    pub outcome: Outcome,
}

/// What an import did, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReceipt {
    /// The products in the order of their rows.
    pub products: Vec<ImportedProduct>,
}

impl ImportReceipt {
    /// How many products have this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        let with = self.products.iter().filter(|one| one.outcome == outcome);
        with.count()
    }
}

/// A row whose fields are all in bounds, under the slug that it goes by.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) row: u64,
    pub(super) slug: ProductSlug,
    pub(super) given: ImportRow,
    pub(super) new: NewProduct,
}

/// Judges every row; a row without a slug goes by the one of its name.
pub(super) fn judge(rows: Vec<ImportRow>) -> Result<Vec<Planned>, ImportError> {
    let (mut planned, mut faults) = (Vec::with_capacity(rows.len()), Vec::new());
    let mut first: HashMap<ProductSlug, u64> = HashMap::new();
    for given in rows {
        let row = given.row;
        let new = match NewProduct::parse(given.input.clone()) {
            Ok(new) => new,
            Err(CatalogError::Invalid(fields)) => {
                let told = fields.into_iter().map(|fault| RowError {
                    row,
                    field: fault.field,
                    code: fault.code,
                    message: fault.message,
                });
                faults.extend(told);
                continue;
            }
            Err(other) => return Err(other.into()),
        };
        let slug = new.slug.clone();
        let slug = slug.unwrap_or_else(|| ProductSlug::from_name(&new.name));
        if let Some(earlier) = first.get(&slug) {
            let message = format!("rows {earlier} and {row} are the same product `{slug}`");
            faults.push(RowError::new(row, "/slug", "duplicate_row", message));
            continue;
        }
        first.insert(slug.clone(), row);
        planned.push(Planned {
            row,
            slug,
            given,
            new,
        });
    }
    if faults.is_empty() {
        Ok(planned)
    } else {
        Err(ImportError::Rows(faults))
    }
}

impl Planned {
    /// Whether the product that is there already is what the row says. Fields that the row leaves
    /// out are not compared. Otherwise the fault that tells which fields differ.
    pub(super) fn compare(&self, held: &Product) -> Result<(), RowError> {
        if held.archived_at.is_some() {
            let message = "a product of this slug was archived";
            return Err(RowError::new(
                self.row,
                "/slug",
                "product_archived",
                message,
            ));
        }
        let differing = self.differing(held);
        if differing.is_empty() {
            return Ok(());
        }
        let message = format!(
            "a product of this slug is there and differs in {}",
            differing.join(", ")
        );
        Err(RowError::new(self.row, "/slug", "slug_taken", message))
    }

    fn differing(&self, held: &Product) -> Vec<&'static str> {
        let (input, new) = (&self.given.input, &self.new);
        let (model, kept) = (&new.model, &held.model);
        let mut names = Vec::new();
        macro_rules! differ {
            ($($field:ident: $new:expr, $held:expr;)+) => { $(
                if input.$field.is_some() && $new != $held {
                    names.push(stringify!($field));
                }
            )+ };
        }
        differ! {
            name: new.name, held.name;
            description: new.description, held.description;
            long_description: new.long_description, held.long_description;
            product_type: new.product_type, held.product_type;
            provider: new.provider, held.provider;
            environment: new.environment, held.environment;
            risk_classification: new.risk_classification, held.risk_classification;
            lifecycle_stage: new.lifecycle_stage, held.lifecycle_stage;
            ai_system_type: new.ai_system_type, held.ai_system_type;
            business_use_case: new.business_use_case, held.business_use_case;
            is_gpai: new.is_gpai, held.is_gpai;
            model_family: model.model_family, kept.model_family;
            model_task_type: model.model_task_type, kept.model_task_type;
            model_architecture: model.model_architecture, kept.model_architecture;
            framework: model.framework, kept.framework;
            intended_use: model.intended_use, kept.intended_use;
            limitations: model.limitations, kept.limitations;
            deployment_status: model.deployment_status, kept.deployment_status;
            serving_url: model.serving_url, kept.serving_url;
            input_schema: model.input_schema, kept.input_schema;
            output_schema: model.output_schema, kept.output_schema;
            vendor_name: model.vendor_name, kept.vendor_name;
            vendor_product_name: model.vendor_product_name, kept.vendor_product_name;
            vendor_model_id: model.vendor_model_id, kept.vendor_model_id;
            deployment_environment: model.deployment_environment, kept.deployment_environment;
        }
        names
    }
}
