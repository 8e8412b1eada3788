//! Postures as they are kept, and how many products stand the same way.

use std::collections::HashMap;
use std::str::FromStr;

use diesel::prelude::*;
use probity_governance::vocabulary::NotInVocabulary;
use probity_governance::{DriftSeverity, Posture};
use probity_kernel::{OrganizationId, ProductId, RepositoryError, SpaceId, Version};

use crate::connection::{AnyConnection, MultiBackend, on_backend};
use crate::error::{StoreError, StoreResult, corrupt};
use crate::schema::{posture_totals as totals, product_postures as postures};
use crate::types::{Id, Utc};

/// The version of a posture that was never judged: it counts for nothing.
pub(crate) const UNJUDGED: &str = "";
/// How totals spell that no drift is active.
const NO_SEVERITY: &str = "none";

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = postures, treat_none_as_default_value = false, treat_none_as_null = true)]
#[diesel(primary_key(organization_id, product_id))]
pub(crate) struct PostureRow {
    organization_id: Id,
    pub(super) product_id: Id,
    pub(super) space_id: Id,
    score: i64,
    lifecycle_gate: String,
    review_status: String,
    complete: i64,
    drift: i64,
    worst_severity: Option<String>,
    score_version: String,
    settings_version: i64,
    evaluated_at: Utc,
    next_change_at: Option<Utc>,
}

impl PostureRow {
    pub(super) fn new(
        organization: OrganizationId,
        product: ProductId,
        space: SpaceId,
        posture: &Posture,
    ) -> Self {
        Self {
            organization_id: Id(organization.uuid()),
            product_id: Id(product.uuid()),
            space_id: Id(space.uuid()),
            score: i64::from(posture.score),
            lifecycle_gate: posture.lifecycle_gate.as_str().to_owned(),
            review_status: posture.review_status.as_str().to_owned(),
            complete: i64::from(posture.complete),
            drift: i64::from(posture.drift),
            worst_severity: posture
                .worst_severity
                .map(|severity| severity.as_str().to_owned()),
            score_version: posture.score_version.clone(),
            settings_version: posture.settings_version.get(),
            evaluated_at: Utc(posture.evaluated_at),
            next_change_at: posture.next_change_at.map(Utc),
        }
    }

    /// Whether it was ever judged.
    pub(super) fn is_judged(&self) -> bool {
        self.score_version != UNJUDGED
    }

    pub(super) const fn score(&self) -> i64 {
        self.score
    }

    pub(super) const fn evaluated_at(&self) -> Utc {
        self.evaluated_at
    }

    /// Whether it counts the same way.
    fn counts_like(&self, other: &Self) -> bool {
        let key = |row: &Self| {
            (
                row.space_id,
                row.lifecycle_gate.clone(),
                row.review_status.clone(),
                row.score,
                row.drift,
                row.worst_severity.clone(),
            )
        };
        key(self) == key(other)
    }
}

fn read<T: FromStr<Err = NotInVocabulary>>(
    column: &'static str,
    text: &str,
) -> Result<T, RepositoryError> {
    text.parse()
        .map_err(|error: NotInVocabulary| corrupt("product_postures", column)(error.into()))
}

pub(super) fn small(column: &'static str, number: i64) -> Result<u8, RepositoryError> {
    u8::try_from(number).map_err(|error| corrupt("product_postures", column)(error.into()))
}

impl TryFrom<PostureRow> for Posture {
    type Error = RepositoryError;

    fn try_from(row: PostureRow) -> Result<Self, RepositoryError> {
        let severity = row.worst_severity.as_deref();
        Ok(Self {
            score: small("score", row.score)?,
            score_version: row.score_version,
            lifecycle_gate: read("lifecycle_gate", &row.lifecycle_gate)?,
            review_status: read("review_status", &row.review_status)?,
            complete: small("complete", row.complete)?,
            drift: small("drift", row.drift)?,
            worst_severity: severity
                .map(|text| read::<DriftSeverity>("worst_severity", text))
                .transpose()?,
            settings_version: Version::new(row.settings_version),
            evaluated_at: row.evaluated_at.0,
            next_change_at: row.next_change_at.map(|Utc(at)| at),
        })
    }
}

/// The posture that is kept of a product.
pub(super) fn stored(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<Option<PostureRow>> {
    let found = postures::table
        .filter(postures::organization_id.eq(Id(organization.uuid())))
        .filter(postures::product_id.eq(Id(product.uuid())))
        .select(PostureRow::as_select())
        .get_result(conn)
        .optional()?;
    Ok(found)
}

/// The postures that are kept of some products, by their ids.
pub(super) fn stored_many(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    products: &[Id],
) -> StoreResult<HashMap<Id, PostureRow>> {
    let found: Vec<PostureRow> = postures::table
        .filter(postures::organization_id.eq(Id(organization.uuid())))
        .filter(postures::product_id.eq_any(products.to_vec()))
        .select(PostureRow::as_select())
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    Ok(found.into_iter().map(|row| (row.product_id, row)).collect())
}

/// Puts a posture in place of the one that is kept, and moves the totals.
pub(super) fn keep(
    conn: &mut AnyConnection,
    before: Option<&PostureRow>,
    after: &PostureRow,
) -> StoreResult<()> {
    let key = (after.organization_id, after.product_id);
    if before.is_some() {
        diesel::update(postures::table.find(key))
            .set(after)
            .execute(conn)?;
    } else {
        diesel::insert_into(postures::table)
            .values(after)
            .execute(conn)?;
    }
    let counted = before.filter(|row| row.is_judged());
    if counted.is_some_and(|row| row.counts_like(after)) {
        return Ok(());
    }
    if let Some(before) = counted {
        count(conn, before, -1)?;
    }
    count(conn, after, 1)
}

/// Removes the posture of a product that is not judged any more.
pub(super) fn remove(conn: &mut AnyConnection, row: &PostureRow) -> StoreResult<()> {
    let key = (row.organization_id, row.product_id);
    diesel::delete(postures::table.find(key)).execute(conn)?;
    if row.is_judged() {
        count(conn, row, -1)?;
    }
    Ok(())
}

fn count(conn: &mut AnyConnection, row: &PostureRow, by: i64) -> StoreResult<()> {
    let severity = row.worst_severity.as_deref().unwrap_or(NO_SEVERITY);
    let key = (
        totals::organization_id.eq(row.organization_id),
        totals::space_id.eq(row.space_id),
        totals::lifecycle_gate.eq(&row.lifecycle_gate),
        totals::review_status.eq(&row.review_status),
        totals::score.eq(row.score),
        totals::drift.eq(row.drift),
        totals::worst_severity.eq(severity),
    );
    if by > 0 {
        return {
            let _: () = on_backend!(conn, |c| {
                diesel::insert_into(totals::table)
                    .values((key, totals::products.eq(by)))
                    .on_conflict((
                        totals::organization_id,
                        totals::space_id,
                        totals::lifecycle_gate,
                        totals::review_status,
                        totals::score,
                        totals::drift,
                        totals::worst_severity,
                    ))
                    .do_update()
                    .set(totals::products.eq(totals::products + by))
                    .execute(c)
                    .map(drop)?;
            });
            Ok(())
        };
    }
    let place = || {
        totals::organization_id
            .eq(row.organization_id)
            .and(totals::space_id.eq(row.space_id))
            .and(totals::lifecycle_gate.eq(row.lifecycle_gate.clone()))
            .and(totals::review_status.eq(row.review_status.clone()))
            .and(totals::score.eq(row.score))
            .and(totals::drift.eq(row.drift))
            .and(totals::worst_severity.eq(severity.to_owned()))
    };
    diesel::update(totals::table.filter(place()))
        .set(totals::products.eq(totals::products + by))
        .execute(conn)?;
    diesel::delete(totals::table.filter(place()).filter(totals::products.eq(0))).execute(conn)?;
    Ok(())
}

/// A severity out of the totals.
pub(super) fn severity_of_total(text: &str) -> Result<Option<DriftSeverity>, StoreError> {
    if text == NO_SEVERITY {
        return Ok(None);
    }
    let parsed = text.parse();
    parsed.map(Some).map_err(|error: NotInVocabulary| {
        StoreError(corrupt("posture_totals", "worst_severity")(error.into()))
    })
}
