//! Spaces and products.

pub(crate) mod attachments;
mod import;
mod listing;
mod query;
pub(crate) mod rows;

use std::collections::HashMap;

use diesel::prelude::*;
use probity_catalog::{
    CatalogChange, CatalogRepository, CatalogWrite, Product, ProductFilter, Space, SpaceSlug,
};
use probity_kernel::{
    Context, OrganizationId, Page, PageRequest, ProductId, RepositoryError, SpaceId, UserId,
    Version,
};
use serde::{Deserialize, Serialize};

use self::rows::{DossierRow, ModelRow, ProductRow, Rows, SpaceRow, product};
use crate::access::members;
use crate::connection::{AnyConnection, MultiBackend, Scope};
use crate::database::Database;
use crate::error::{StoreError, StoreResult};
use crate::idempotency::Remembered;
use crate::schema::{product_governance, product_models, products, spaces};
use crate::turn::Tx;
use crate::types::Id;
use crate::{governance, guard, idempotency, own};

/// The catalog repository over Diesel.
#[derive(Debug, Clone)]
pub struct DieselCatalog {
    database: Database,
}

impl DieselCatalog {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl CatalogRepository for DieselCatalog {
    async fn find_space_by_slug(
        &self,
        organization: OrganizationId,
        slug: &SpaceSlug,
    ) -> Result<Option<Space>, RepositoryError> {
        let slug = slug.as_str().to_owned();
        self.database
            .point(Scope::Organization(organization), move |conn| {
                let row: Option<SpaceRow> = spaces::table
                    .filter(spaces::organization_id.eq(Id(organization.uuid())))
                    .filter(spaces::slug.eq(slug))
                    .select(SpaceRow::as_select())
                    .get_result(conn)
                    .optional()?;
                row.map(Space::try_from).transpose().map_err(StoreError)
            })
            .await
    }

    async fn list_spaces(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<Space>, RepositoryError> {
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                let rows: Vec<SpaceRow> = spaces::table
                    .filter(spaces::organization_id.eq(Id(organization.uuid())))
                    .select(SpaceRow::as_select())
                    .order(spaces::slug)
                    .load(conn)?;
                rows.into_iter()
                    .map(|row| row.try_into().map_err(StoreError))
                    .collect()
            })
            .await
    }

    async fn find_product(
        &self,
        organization: OrganizationId,
        id: ProductId,
    ) -> Result<Option<Product>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                let rows: Option<Rows> = products::table
                    .inner_join(
                        product_models::table.on(product_models::product_id.eq(products::id)),
                    )
                    .inner_join(
                        product_governance::table
                            .on(product_governance::product_id.eq(products::id)),
                    )
                    .filter(products::organization_id.eq(Id(organization.uuid())))
                    .filter(products::id.eq(Id(id.uuid())))
                    .select((
                        ProductRow::as_select(),
                        ModelRow::as_select(),
                        DossierRow::as_select(),
                    ))
                    .get_result(conn)
                    .optional()?;
                rows.map(product).transpose().map_err(StoreError)
            })
            .await
    }

    async fn spaces_of(
        &self,
        organization: OrganizationId,
        ids: &[ProductId],
    ) -> Result<HashMap<ProductId, SpaceId>, RepositoryError> {
        let ids: Vec<Id> = ids.iter().map(|id| Id(id.uuid())).collect();
        let rows = self
            .database
            .points(Scope::Organization(organization), move |conn| {
                let rows: Vec<(Id, Id)> = products::table
                    .filter(products::organization_id.eq(Id(organization.uuid())))
                    .filter(products::id.eq_any(ids))
                    .select((products::id, products::space_id))
                    .into_boxed::<MultiBackend>()
                    .load(conn)?;
                Ok(rows)
            })
            .await?;
        let placed = |(id, space): (Id, Id)| (ProductId::new(id.0), SpaceId::new(space.0));
        Ok(rows.into_iter().map(placed).collect())
    }

    async fn list_products(
        &self,
        organization: OrganizationId,
        filter: &ProductFilter,
        page: &PageRequest,
    ) -> Result<Page<Product>, RepositoryError> {
        let Some(no) = self.database.organization_no(organization).await? else {
            return Ok(Page {
                items: Vec::new(),
                total: 0,
                next: None,
            });
        };
        let (filter, page) = (filter.clone(), page.clone());
        let quick = query::is_quick(&filter, &page);
        // The indexes of searches know only what is there now.
        let indexed = !self.database.is_past();
        let work = move |conn: &mut _| query::page(conn, organization, no, &filter, &page, indexed);
        let scope = Scope::Organization(organization);
        if quick {
            self.database.points(scope, work).await
        } else {
            self.database.scan(scope, work).await
        }
    }

    async fn count_products(
        &self,
        organization: OrganizationId,
        space: SpaceId,
    ) -> Result<u64, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                count(conn, organization, space)
            })
            .await
    }

    async fn commit(&self, change: CatalogChange) -> Result<CatalogWrite, RepositoryError> {
        let (context, write, event) = change.into_parts();
        let organization = context.organization;
        self.database
            .write(organization, move |tx| {
                idempotency::once(tx, &context, |tx| {
                    apply(tx, &context, &write)?;
                    tx.record(&context, &event)?;
                    if let CatalogWrite::CreateProduct { product, .. }
                    | CatalogWrite::UpdateProduct { product, .. } = &write
                    {
                        governance::reassess(tx, &context, product.id)?;
                    }
                    Ok(write.clone())
                })
            })
            .await
    }
}

/// Products by their ids.
fn load(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    ids: &[Id],
) -> StoreResult<HashMap<Id, Product>> {
    let rows: Vec<Rows> = products::table
        .inner_join(product_models::table.on(product_models::product_id.eq(products::id)))
        .inner_join(product_governance::table.on(product_governance::product_id.eq(products::id)))
        .filter(products::organization_id.eq(Id(organization.uuid())))
        .filter(products::id.eq_any(ids.to_vec()))
        .select((
            ProductRow::as_select(),
            ModelRow::as_select(),
            DossierRow::as_select(),
        ))
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    let keyed = |rows: Rows| Ok((rows.0.id, product(rows)?));
    let loaded: Result<_, RepositoryError> = rows.into_iter().map(keyed).collect();
    loaded.map_err(StoreError)
}

/// The ids of the products in some spaces, for lists of what belongs to products. A macro, since what
/// Diesel makes of it has no name that fits into a boxed query over two databases.
macro_rules! products_in {
    ($organization:expr, $spaces:expr) => {{
        use $crate::schema::products;
        use $crate::types::Id;
        let spaces: Vec<Id> = $spaces.iter().map(|space| Id(space.uuid())).collect();
        products::table
            .filter(products::organization_id.eq(Id($organization.uuid())))
            .filter(products::space_id.eq_any(spaces))
            .select(products::id)
    }};
}
pub(crate) use products_in;

fn count(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    space: SpaceId,
) -> StoreResult<u64> {
    let held: i64 = products::table
        .filter(products::organization_id.eq(Id(organization.uuid())))
        .filter(products::space_id.eq(Id(space.uuid())))
        .filter(products::archived_at.is_null())
        .count()
        .get_result(conn)?;
    Ok(u64::try_from(held).unwrap_or_default())
}

fn apply(tx: &mut Tx<'_>, context: &Context, write: &CatalogWrite) -> StoreResult<()> {
    let organization = context.organization;
    match write {
        CatalogWrite::CreateSpace { space, admin } => {
            create_space(tx, organization, space)?;
            if let Some(admin) = admin {
                members::found(tx, context, space.id, *admin)?;
            }
        }
        CatalogWrite::UpdateSpace { space, expected } => {
            own(organization, space.organization)?;
            let changed = diesel::update(spaces::table)
                .filter(spaces::organization_id.eq(Id(organization.uuid())))
                .filter(spaces::id.eq(Id(space.id.uuid())))
                .filter(spaces::version.eq(expected.get()))
                .set(SpaceRow::from(space))
                .execute(tx.writing())?;
            guard(changed == 1, RepositoryError::Stale)?;
        }
        CatalogWrite::CreateProduct { product, capacity } => {
            create_product(tx, organization, product, *capacity)?;
        }
        CatalogWrite::UpdateProduct {
            product,
            expected,
            moves_review,
        } => update_product(tx, organization, product, *expected, *moves_review)?,
    }
    Ok(())
}

fn create_space(tx: &mut Tx<'_>, organization: OrganizationId, space: &Space) -> StoreResult<()> {
    own(organization, space.organization)?;
    let taken = spaces::table
        .filter(spaces::organization_id.eq(Id(organization.uuid())))
        .filter(spaces::slug.eq(space.slug.as_str()))
        .select(spaces::id)
        .get_result::<Id>(tx.conn)
        .optional()?;
    guard(taken.is_none(), RepositoryError::Conflict("slug"))?;
    diesel::insert_into(spaces::table)
        .values(SpaceRow::from(space))
        .execute(tx.writing())?;
    Ok(())
}

fn create_product(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    product: &Product,
    capacity: Option<u32>,
) -> StoreResult<()> {
    own(organization, product.organization)?;
    if let Some(capacity) = capacity {
        let held = count(tx.conn, organization, product.space)?;
        guard(
            held < u64::from(capacity),
            RepositoryError::Conflict("capacity"),
        )?;
    }
    let taken = products::table
        .filter(products::organization_id.eq(Id(organization.uuid())))
        .filter(products::space_id.eq(Id(product.space.uuid())))
        .filter(products::slug.eq(product.slug.as_str()))
        .select(products::id)
        .get_result::<Id>(tx.conn)
        .optional()?;
    guard(taken.is_none(), RepositoryError::Conflict("slug"))?;
    let conn = tx.writing();
    diesel::insert_into(products::table)
        .values(ProductRow::from(product))
        .execute(conn)?;
    diesel::insert_into(product_models::table)
        .values(ModelRow::from(product))
        .execute(conn)?;
    diesel::insert_into(product_governance::table)
        .values(DossierRow::from(product))
        .execute(conn)?;
    listing::insert(tx, product)
}

fn update_product(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    product: &Product,
    expected: Version,
    moves_review: bool,
) -> StoreResult<()> {
    own(organization, product.organization)?;
    let id = Id(product.id.uuid());
    let version: Option<i64> = products::table
        .filter(products::organization_id.eq(Id(organization.uuid())))
        .filter(products::id.eq(id))
        .select(products::version)
        .get_result(tx.conn)
        .optional()?;
    guard(version == Some(expected.get()), RepositoryError::Stale)?;
    let twin: Option<Id> = products::table
        .filter(products::organization_id.eq(Id(organization.uuid())))
        .filter(products::space_id.eq(Id(product.space.uuid())))
        .filter(products::slug.eq(product.slug.as_str()))
        .filter(products::id.ne(id))
        .select(products::id)
        .get_result(tx.conn)
        .optional()?;
    guard(twin.is_none(), RepositoryError::Conflict("slug"))?;
    let conn = tx.writing();
    let mut dossier = DossierRow::from(product);
    if !moves_review {
        dossier.next_review_due_at = product_governance::table
            .find(id)
            .select(product_governance::next_review_due_at)
            .get_result(conn)?;
    }
    diesel::update(products::table.find(id))
        .set(ProductRow::from(product))
        .execute(conn)?;
    diesel::update(product_models::table.find(id))
        .set(ModelRow::from(product))
        .execute(conn)?;
    diesel::update(product_governance::table.find(id))
        .set(dossier)
        .execute(conn)?;
    listing::update(conn, product)
}

/// The outcome of a commit as the idempotency record keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// As it was kept before users became admins of what they create.
    Space(SpaceRow),
    Founded {
        space: SpaceRow,
        admin: Option<Id>,
    },
    Changed {
        space: SpaceRow,
        expected: i64,
    },
    Product {
        #[serde(flatten)]
        rows: Box<KeptRows>,
        capacity: Option<u32>,
    },
    Updated {
        #[serde(flatten)]
        rows: Box<KeptRows>,
        expected: i64,
        moves_review: bool,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptRows {
    product: ProductRow,
    model: ModelRow,
    dossier: DossierRow,
}

impl From<&Product> for KeptRows {
    fn from(product: &Product) -> Self {
        Self {
            product: product.into(),
            model: product.into(),
            dossier: product.into(),
        }
    }
}

impl KeptRows {
    fn product(self) -> Result<Box<Product>, RepositoryError> {
        product((self.product, self.model, self.dossier)).map(Box::new)
    }
}

impl Remembered for CatalogWrite {
    type Record = Outcome;

    fn to_record(&self) -> Result<Outcome, RepositoryError> {
        let kept = |product: &Product| Box::new(KeptRows::from(product));
        Ok(match self {
            Self::CreateSpace { space, admin } => Outcome::Founded {
                space: space.into(),
                admin: admin.map(|id| Id(id.uuid())),
            },
            Self::UpdateSpace { space, expected } => Outcome::Changed {
                space: space.into(),
                expected: expected.get(),
            },
            Self::CreateProduct { product, capacity } => Outcome::Product {
                rows: kept(product),
                capacity: *capacity,
            },
            Self::UpdateProduct {
                product,
                expected,
                moves_review,
            } => Outcome::Updated {
                rows: kept(product),
                expected: expected.get(),
                moves_review: *moves_review,
            },
        })
    }

    fn from_record(outcome: Outcome) -> Result<Self, RepositoryError> {
        Ok(match outcome {
            Outcome::Space(row) => Self::CreateSpace {
                space: row.try_into()?,
                admin: None,
            },
            Outcome::Founded { space, admin } => Self::CreateSpace {
                space: space.try_into()?,
                admin: admin.map(|id| UserId::new(id.0)),
            },
            Outcome::Changed { space, expected } => Self::UpdateSpace {
                space: space.try_into()?,
                expected: Version::new(expected),
            },
            Outcome::Product { rows, capacity } => Self::CreateProduct {
                product: rows.product()?,
                capacity,
            },
            Outcome::Updated {
                rows,
                expected,
                moves_review,
            } => Self::UpdateProduct {
                product: rows.product()?,
                expected: Version::new(expected),
                moves_review,
            },
        })
    }
}
