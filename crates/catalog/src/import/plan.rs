//! What an import does to each product.

use std::collections::HashMap;

use probity_kernel::{Context, FieldError, ProductId};

use super::error::{ImportError, RowError};
use super::rows::{ImportRow, Source};
use crate::error::CatalogError;
use crate::event::CatalogEvent;
use crate::new_product::{NewProduct, ProductInput};
use crate::patch::ProductPatch;
use crate::product::Product;
use crate::repository::CatalogChange;
use crate::slug::ProductSlug;

/// What an import did to a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there before.
    Created,
    /// It was there and became what the row says.
    Updated,
    /// It was there and already was what the row says.
    Unchanged,
}

impl Outcome {
    /// The text on the wire and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
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
    /// The fields that an update changes, by name; empty for any other outcome.
    pub changed: Vec<String>,
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
    source: Source,
    input: ProductInput,
    /// What is created when nothing goes by the slug; without a name, nothing can be.
    new: Option<NewProduct>,
}

/// Judges every row; a row without a slug goes by the one of its name.
pub(super) fn judge(rows: Vec<ImportRow>) -> Result<Vec<Planned>, ImportError> {
    let (mut planned, mut faults) = (Vec::with_capacity(rows.len()), Vec::new());
    let mut first: HashMap<ProductSlug, u64> = HashMap::new();
    for given in rows {
        let (row, source) = (given.row, given.source);
        let one = match judge_row(given) {
            Ok(one) => one,
            Err(CatalogError::Invalid(fields)) => {
                faults.extend(told(row, source, fields));
                continue;
            }
            Err(other) => return Err(other.into()),
        };
        if let Some(earlier) = first.get(&one.slug) {
            let message = format!(
                "rows {earlier} and {row} are the same product `{}`",
                one.slug
            );
            let field = source.pointer("/slug");
            faults.push(RowError::new(row, field, "duplicate_row", message));
            continue;
        }
        first.insert(one.slug.clone(), row);
        planned.push(one);
    }
    if faults.is_empty() {
        Ok(planned)
    } else {
        Err(ImportError::Rows(faults))
    }
}

/// What is wrong with a row.
#[cfg(test)]
pub(crate) fn judged(row: ImportRow) -> Result<(), ImportError> {
    judge(vec![row]).map(drop)
}

/// A row with a slug may leave the name out: it is then only good for a product that is there.
fn judge_row(given: ImportRow) -> Result<Planned, CatalogError> {
    let mut whole = given.input.clone();
    let named = whole.name.is_some() || whole.slug.is_none();
    if !named {
        whole.name = Some("unnamed".to_owned());
    }
    let new = NewProduct::parse(whole)?;
    let slug = new.slug.clone();
    Ok(Planned {
        row: given.row,
        slug: slug.unwrap_or_else(|| ProductSlug::from_name(&new.name)),
        source: given.source,
        input: given.input,
        new: named.then_some(new),
    })
}

fn told(row: u64, source: Source, fields: Vec<FieldError>) -> impl Iterator<Item = RowError> {
    fields.into_iter().map(move |fault| RowError {
        row,
        field: source.pointer(&fault.field),
        code: fault.code,
        message: fault.message,
    })
}

impl Planned {
    /// The product that is created.
    pub(super) fn create(&self) -> Result<NewProduct, RowError> {
        self.new.clone().ok_or_else(|| {
            let message = "is required: no product of this slug is there";
            self.fault("/name", "required", message)
        })
    }

    /// How the product that is there becomes what the row says; fields that the row leaves out
    /// stay. `None` when it already is.
    pub(super) fn update(
        &self,
        ctx: &Context,
        held: &Product,
    ) -> Result<Option<CatalogChange>, ImportError> {
        match held.update(ctx, ProductPatch::from(self.input.clone())) {
            Ok(change) => Ok(change),
            Err(CatalogError::ProductArchived) => {
                let message = "a product of this slug was archived";
                let fault = self.fault("/slug", "product_archived", message);
                Err(ImportError::Rows(vec![fault]))
            }
            Err(CatalogError::Invalid(fields)) => Err(ImportError::Rows(
                told(self.row, self.source, fields).collect(),
            )),
            Err(other) => Err(other.into()),
        }
    }

    fn fault(&self, field: &str, code: &'static str, message: &str) -> RowError {
        RowError::new(self.row, self.source.pointer(field), code, message)
    }
}

/// The names of the fields that a change of a product changes.
pub(super) fn changed(change: &CatalogChange) -> Vec<String> {
    match change.event() {
        CatalogEvent::ProductUpdated(changes) => changes.names().map(str::to_owned).collect(),
        CatalogEvent::SpaceCreated { .. }
        | CatalogEvent::SpaceUpdated { .. }
        | CatalogEvent::ProductCreated(_)
        | CatalogEvent::ProductArchived { .. } => Vec::new(),
    }
}
