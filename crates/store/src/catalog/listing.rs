//! What lists of products are made from: one narrow row per product in the order of creation, its
//! searchable text, and the totals by everything that lists filter by.

use diesel::prelude::*;
use probity_catalog::{ModelFamily, Product, RiskClassification, TaskType, search_text};

use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::record::position;
use crate::schema::{product_listing, product_search, product_totals};
use crate::turn::Tx;
use crate::types::Id;

/// A product as lists filter it; what is not stated is empty.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = product_listing)]
struct Group {
    organization_id: Id,
    space_id: Id,
    product_type: String,
    model_family: String,
    model_task_type: String,
    deployment_status: String,
    risk_classification: String,
    archived: bool,
}

impl From<&Product> for Group {
    fn from(product: &Product) -> Self {
        let told = |text: Option<&'static str>| text.unwrap_or_default().to_owned();
        let model = &product.model;
        Self {
            organization_id: Id(product.organization.uuid()),
            space_id: Id(product.space.uuid()),
            product_type: product.product_type.as_str().to_owned(),
            model_family: told(model.model_family.map(ModelFamily::as_str)),
            model_task_type: told(model.model_task_type.map(TaskType::as_str)),
            deployment_status: model.deployment_status.as_str().to_owned(),
            risk_classification: told(product.risk_classification.map(RiskClassification::as_str)),
            archived: product.archived_at.is_some(),
        }
    }
}

/// Puts a new product at the end of its organisation's list.
pub(super) fn insert(tx: &mut Tx<'_>, product: &Product) -> StoreResult<()> {
    let no = tx.organization_no()?;
    let conn = tx.writing();
    // Nobody else appends: the organisation's head is locked for the turn.
    let last: Option<i64> = product_listing::table
        .filter(product_listing::position.ge(position(no, 0)))
        .filter(product_listing::position.lt(position(no + 1, 0)))
        .select(diesel::dsl::max(product_listing::position))
        .get_result(conn)?;
    let at = last.map_or(position(no, 0), |last| last + 1);
    let group = Group::from(product);
    diesel::insert_into(product_listing::table)
        .values((
            product_listing::position.eq(at),
            product_listing::product_id.eq(Id(product.id.uuid())),
            &group,
        ))
        .execute(conn)?;
    diesel::insert_into(product_search::table)
        .values((
            product_search::position.eq(at),
            product_search::organization_id.eq(group.organization_id),
            product_search::search_text.eq(search_text(product)),
        ))
        .execute(conn)?;
    count(conn, &group, 1)
}

/// Brings the list up to date after a product changed.
pub(super) fn update(conn: &mut AnyConnection, product: &Product) -> StoreResult<()> {
    let group = Group::from(product);
    let (at, before): (i64, Group) = product_listing::table
        .filter(product_listing::organization_id.eq(group.organization_id))
        .filter(product_listing::product_id.eq(Id(product.id.uuid())))
        .select((product_listing::position, Group::as_select()))
        .get_result(conn)?;
    diesel::update(product_search::table.find(at))
        .set(product_search::search_text.eq(search_text(product)))
        .execute(conn)?;
    if before == group {
        return Ok(());
    }
    diesel::update(product_listing::table.find(at))
        .set(&group)
        .execute(conn)?;
    count(conn, &before, -1)?;
    count(conn, &group, 1)
}

fn count(conn: &mut AnyConnection, group: &Group, by: i64) -> StoreResult<()> {
    let key = (
        group.organization_id,
        group.space_id,
        &group.product_type,
        &group.model_family,
        &group.model_task_type,
        &group.deployment_status,
        &group.risk_classification,
        group.archived,
    );
    let changed = diesel::update(product_totals::table.find(key))
        .set(product_totals::products.eq(product_totals::products + by))
        .execute(conn)?;
    if changed == 0 {
        diesel::insert_into(product_totals::table)
            .values((
                product_totals::organization_id.eq(group.organization_id),
                product_totals::space_id.eq(group.space_id),
                product_totals::product_type.eq(&group.product_type),
                product_totals::model_family.eq(&group.model_family),
                product_totals::model_task_type.eq(&group.model_task_type),
                product_totals::deployment_status.eq(&group.deployment_status),
                product_totals::risk_classification.eq(&group.risk_classification),
                product_totals::archived.eq(group.archived),
                product_totals::products.eq(by),
            ))
            .execute(conn)?;
    }
    Ok(())
}
