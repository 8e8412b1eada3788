//! Many products in one unit of work.

use diesel::prelude::*;
use probity_catalog::import::{ImportReceipt, ImportRepository, ImportedProduct, Outcome};
use probity_catalog::{CatalogChange, CatalogWrite, Product, ProductSlug, Space};
use probity_kernel::{Context, OrganizationId, ProductId, RepositoryError, SpaceId};
use serde::{Deserialize, Serialize};

use super::{DieselCatalog, apply, count, load};
use crate::connection::Scope;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::idempotency::{self, Remembered};
use crate::schema::products;
use crate::turn::Tx;
use crate::types::Id;
use crate::{governance, guard};

/// How many slugs one statement asks for.
const STEP: usize = 500;

impl ImportRepository for DieselCatalog {
    async fn products_by_slug(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        slugs: Vec<ProductSlug>,
    ) -> Result<Vec<Product>, RepositoryError> {
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                let mut found = Vec::new();
                for some in slugs.chunks(STEP) {
                    let wanted = some.iter().map(ProductSlug::as_str);
                    let ids: Vec<Id> = products::table
                        .filter(products::organization_id.eq(Id(organization.uuid())))
                        .filter(products::space_id.eq(Id(space.uuid())))
                        .filter(products::slug.eq_any(wanted))
                        .select(products::id)
                        .load(conn)?;
                    found.extend(load(conn, organization, &ids)?.into_values());
                }
                Ok(found)
            })
            .await
    }

    async fn spent_import(&self, ctx: &Context) -> Result<Option<ImportReceipt>, RepositoryError> {
        let Some(claim) = ctx.idempotency.clone() else {
            return Ok(None);
        };
        let ctx = ctx.clone();
        self.database
            .point(Scope::Organization(ctx.organization), move |conn| {
                let spent = idempotency::spent(conn, &ctx, &claim)?;
                let receipt = spent.map(ImportReceipt::from_record);
                receipt.transpose().map_err(StoreError)
            })
            .await
    }

    async fn commit_import(
        &self,
        ctx: &Context,
        space: &Space,
        changes: Vec<CatalogChange>,
        receipt: ImportReceipt,
    ) -> Result<ImportReceipt, RepositoryError> {
        let (context, space) = (ctx.clone(), space.clone());
        let creates =
            |change: &&CatalogChange| matches!(change.write(), CatalogWrite::CreateProduct { .. });
        let added = changes.iter().filter(creates).count();
        self.database
            .write(ctx.organization, move |tx| {
                idempotency::once(tx, &context, |tx| {
                    check_capacity(tx, &space, added)?;
                    for change in &changes {
                        write(tx, &context, change)?;
                    }
                    Ok(receipt.clone())
                })
            })
            .await
    }
}

/// The capacity of the space is counted once, for all that is added.
fn check_capacity(tx: &mut Tx<'_>, space: &Space, added: usize) -> StoreResult<()> {
    let Some(capacity) = space.product_capacity else {
        return Ok(());
    };
    let held = count(tx.conn, space.organization, space.id)?;
    let added = u64::try_from(added).unwrap_or(u64::MAX);
    guard(
        added == 0 || held.saturating_add(added) <= u64::from(capacity),
        RepositoryError::Conflict("capacity"),
    )
}

fn write(tx: &mut Tx<'_>, context: &Context, change: &CatalogChange) -> StoreResult<()> {
    let product = match change.write() {
        CatalogWrite::CreateProduct { product, .. } => {
            let unbounded = CatalogWrite::CreateProduct {
                product: product.clone(),
                capacity: None,
            };
            apply(tx, context, &unbounded)?;
            product.id
        }
        update @ CatalogWrite::UpdateProduct { product, .. } => {
            apply(tx, context, update)?;
            product.id
        }
        CatalogWrite::CreateSpace { .. } | CatalogWrite::UpdateSpace { .. } => {
            return Err(StoreError(RepositoryError::Database(
                "an import leaves spaces alone".into(),
            )));
        }
    };
    tx.record(context, change.event())?;
    governance::reassess(tx, context, product)
}

/// One product of a receipt as the idempotency record keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    row: u64,
    id: Option<Id>,
    slug: String,
    created: bool,
    #[serde(default)]
    changed: Vec<String>,
}

impl Remembered for ImportReceipt {
    type Record = Vec<Line>;

    fn to_record(&self) -> Result<Vec<Line>, RepositoryError> {
        let lines = self.products.iter().map(|one| Line {
            row: one.row,
            id: one.id.map(|id| Id(id.uuid())),
            slug: one.slug.as_str().to_owned(),
            created: one.outcome == Outcome::Created,
            changed: one.changed.clone(),
        });
        Ok(lines.collect())
    }

    fn from_record(record: Vec<Line>) -> Result<Self, RepositoryError> {
        let products = record.into_iter().map(|line| {
            let slug = line.slug.parse::<ProductSlug>();
            Ok(ImportedProduct {
                row: line.row,
                id: line.id.map(|id| ProductId::new(id.0)),
                slug: slug
                    .map_err(|error| corrupt("idempotency_records", "outcome")(error.into()))?,
                outcome: match (line.created, line.changed.is_empty()) {
                    (true, _) => Outcome::Created,
                    (false, false) => Outcome::Updated,
                    (false, true) => Outcome::Unchanged,
                },
                changed: line.changed,
            })
        });
        let products: Result<_, RepositoryError> = products.collect();
        Ok(Self {
            products: products?,
        })
    }
}
