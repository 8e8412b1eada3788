//! The versions of products in brief.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use probity_catalog::attachment::{ProductVersion, VersionSummary};
use probity_kernel::{OrganizationId, ProductId};

use super::rows::VersionRow;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult};
use crate::schema::product_versions;
use crate::types::Id;

/// How many versions each of the products has, and which is the current one.
pub(super) fn summarize(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    products: &[Id],
) -> StoreResult<HashMap<ProductId, VersionSummary>> {
    let counted: Vec<(Id, i64)> = product_versions::table
        .filter(product_versions::organization_id.eq(Id(organization.uuid())))
        .filter(product_versions::product_id.eq_any(products.to_vec()))
        .group_by(product_versions::product_id)
        .select((product_versions::product_id, count_star()))
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    let mut summaries: HashMap<ProductId, VersionSummary> = counted
        .into_iter()
        .map(|(product, count)| {
            let summary = VersionSummary {
                count: u64::try_from(count).unwrap_or_default(),
                current: None,
            };
            (ProductId::new(product.0), summary)
        })
        .collect();
    if summaries.is_empty() {
        return Ok(summaries);
    }
    let current: Vec<VersionRow> = product_versions::table
        .filter(product_versions::organization_id.eq(Id(organization.uuid())))
        .filter(product_versions::product_id.eq_any(products.to_vec()))
        .filter(product_versions::is_current.eq(true))
        .select(VersionRow::as_select())
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    for row in current {
        let version = ProductVersion::try_from(row).map_err(StoreError)?;
        if let Some(summary) = summaries.get_mut(&version.product) {
            summary.current = Some(version);
        }
    }
    Ok(summaries)
}
