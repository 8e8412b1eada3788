//! Alerts of every source under one clock: rows, service levels and preferences.

pub(crate) mod configured;
pub(crate) mod rows;
pub(crate) mod sla;
pub(crate) mod tracking;

use diesel::prelude::*;
use probity_alerts::{
    AlertsChange, AlertsRepository, AlertsWrite, BannerFilter, Configured, Preferences, SlaRow,
    SlaTargets, Source, TrackedAlert,
};
use probity_kernel::{
    AlertId, Context, Cursor, OrganizationId, Page, PageRequest, Paging, RepositoryError, Version,
};
use time::OffsetDateTime;
use uuid::Uuid;

use self::rows::{ClockRow, TrackedRow};
use crate::connection::{AnyConnection, MultiBackend, Scope, on_backend};
use crate::database::Database;
use crate::error::{StoreError, StoreResult};
use crate::listing::page_of;
use crate::schema::{products, tracked_alerts as tracked};
use crate::turn::Tx;
use crate::types::{Id, Utc};
use crate::{guard, own};

/// The repository of alerts over Diesel.
#[derive(Debug, Clone)]
pub struct DieselAlerts {
    database: Database,
}

impl DieselAlerts {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl AlertsRepository for DieselAlerts {
    async fn find_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
    ) -> Result<Option<TrackedAlert>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                find(conn, organization, id)
            })
            .await
    }

    async fn list_alerts(
        &self,
        organization: OrganizationId,
        filter: &BannerFilter,
        page: &PageRequest,
    ) -> Result<Page<TrackedAlert>, RepositoryError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                list(conn, organization, &filter, &page)
            })
            .await
    }

    async fn clocks(
        &self,
        organization: OrganizationId,
        from: OffsetDateTime,
        to: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<SlaRow>, RepositoryError> {
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                let rows: Vec<ClockRow> = tracked::table
                    .filter(tracked::organization_id.eq(Id(organization.uuid())))
                    .filter(tracked::since.ge(Utc(from)))
                    .filter(tracked::since.lt(Utc(to)))
                    .limit(i64::from(limit))
                    .select(ClockRow::as_select())
                    .load(conn)?;
                let read = rows.into_iter().map(SlaRow::try_from);
                read.collect::<Result<_, _>>().map_err(StoreError)
            })
            .await
    }

    async fn targets(
        &self,
        organization: OrganizationId,
    ) -> Result<Configured<SlaTargets>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                configured::targets(conn, organization)
            })
            .await
    }

    async fn preferences(
        &self,
        organization: OrganizationId,
        recipient: &str,
    ) -> Result<Configured<Preferences>, RepositoryError> {
        let recipient = recipient.to_owned();
        self.database
            .point(Scope::Organization(organization), move |conn| {
                configured::preferences(conn, organization, &recipient)
            })
            .await
    }

    async fn commit(&self, change: AlertsChange) -> Result<AlertsWrite, RepositoryError> {
        let (context, write, event) = change.into_parts();
        let organization = context.organization;
        self.database
            .write(organization, move |tx| {
                let done = apply(tx, &context, &write)?;
                tx.record(&context, &event)?;
                Ok(done)
            })
            .await
    }
}

/// Writes; answers the write as it was done.
fn apply(tx: &mut Tx<'_>, context: &Context, write: &AlertsWrite) -> StoreResult<AlertsWrite> {
    match write {
        AlertsWrite::UpdateAlert { next, expected } => {
            let next = decide(tx, context, next, *expected)?;
            return Ok(AlertsWrite::UpdateAlert {
                next: Box::new(next),
                expected: *expected,
            });
        }
        AlertsWrite::SetTargets { targets, expected } => {
            configured::set_targets(tx, context, targets, *expected)?;
        }
        AlertsWrite::SetPreferences {
            recipient,
            preferences,
            expected,
        } => configured::set_preferences(tx, context, recipient, preferences, *expected)?,
    }
    Ok(write.clone())
}

/// Writes somebody's decision on an alert; what it has missed by now goes on the record first.
fn decide(
    tx: &mut Tx<'_>,
    context: &Context,
    next: &TrackedAlert,
    expected: Version,
) -> StoreResult<TrackedAlert> {
    own(context.organization, next.organization)?;
    let before = find(tx.conn, context.organization, next.id)?;
    // Those of metrics are Guardian's: they move with its own alert.
    let before =
        before.filter(|alert| alert.version == expected && alert.origin.source != Source::Metric);
    let before = before.ok_or(StoreError(RepositoryError::Stale))?;
    let settled = sla::settle(tx, before, context.now)?;
    let next = TrackedAlert {
        acknowledge_breached_at: settled.acknowledge_breached_at,
        resolve_breached_at: settled.resolve_breached_at,
        version: settled.version.next(),
        ..next.clone()
    };
    update(tx, &next, settled.version)?;
    Ok(next)
}

/// One alert.
pub(crate) fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    id: AlertId,
) -> StoreResult<Option<TrackedAlert>> {
    let row: Option<TrackedRow> = tracked::table
        .filter(tracked::organization_id.eq(Id(organization.uuid())))
        .filter(tracked::id.eq(Id(id.uuid())))
        .select(TrackedRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(TrackedAlert::try_from)
        .transpose()
        .map_err(StoreError)
}

pub(crate) fn insert(tx: &mut Tx<'_>, alert: &TrackedAlert) -> StoreResult<()> {
    diesel::insert_into(tracked::table)
        .values(TrackedRow::from(alert))
        .execute(tx.writing())?;
    Ok(())
}

pub(crate) fn update(tx: &mut Tx<'_>, next: &TrackedAlert, expected: Version) -> StoreResult<()> {
    let row = TrackedRow::from(next);
    let moved = row.moved(expected);
    let changed = on_backend!(tx.writing(), |c| moved.execute(c)?);
    guard(changed == 1, RepositoryError::Stale)
}

fn matching<'a>(
    organization: OrganizationId,
    filter: &BannerFilter,
) -> tracked::BoxedQuery<'a, MultiBackend> {
    let organization = Id(organization.uuid());
    let mut query = tracked::table
        .filter(tracked::organization_id.eq(organization))
        .into_boxed::<MultiBackend>();
    if !filter.severities.is_empty() {
        let texts: Vec<&'static str> = filter.severities.iter().map(|one| one.as_str()).collect();
        query = query.filter(tracked::severity.eq_any(texts));
    }
    if !filter.sources.is_empty() {
        let texts: Vec<&'static str> = filter.sources.iter().map(|one| one.as_str()).collect();
        query = query.filter(tracked::source.eq_any(texts));
    }
    if let Some(product) = filter.product {
        query = query.filter(tracked::product_id.eq(Id(product.uuid())));
    }
    if !filter.muted.is_empty() {
        let muted: Vec<Id> = filter.muted.iter().map(|one| Id(one.uuid())).collect();
        query = query.filter(tracked::product_id.ne_all(muted));
    }
    if let Some(state) = filter.state {
        query = query.filter(tracked::state.eq(state.as_str()));
    }
    match filter.acknowledged {
        None => {}
        Some(true) => query = query.filter(tracked::acknowledged_at.is_not_null()),
        Some(false) => query = query.filter(tracked::acknowledged_at.is_null()),
    }
    if let Some(spaces) = &filter.spaces {
        let spaces: Vec<Id> = spaces.iter().map(|space| Id(space.uuid())).collect();
        let visible = products::table
            .filter(products::organization_id.eq(organization))
            .filter(products::space_id.eq_any(spaces))
            .select(products::id);
        query = query.filter(tracked::product_id.eq_any(visible));
    }
    query
}

fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &BannerFilter,
    page: &PageRequest,
) -> StoreResult<Page<TrackedAlert>> {
    let total: i64 = matching(organization, filter).count().get_result(conn)?;
    let mut query = matching(organization, filter).select(TrackedRow::as_select());
    match &page.paging {
        Paging::Offset(skip) => query = query.offset(i64::try_from(*skip).unwrap_or(i64::MAX)),
        Paging::After(cursor) => {
            let (at, id) = (Utc::of_micros(cursor.key), Id(Uuid::from_u128(cursor.tie)));
            let earlier = tracked::since
                .lt(at)
                .or(tracked::since.eq(at).and(tracked::id.lt(id)));
            query = query.filter(earlier);
        }
    }
    let found: Vec<TrackedRow> = query
        .order((tracked::since.desc(), tracked::id.desc()))
        .limit(i64::from(page.limit) + 1)
        .load(conn)?;
    let cursor = |row: &TrackedRow| Cursor {
        key: row.since.micros(),
        tie: row.id.0.as_u128(),
    };
    page_of(page, total, found, cursor, TrackedAlert::try_from)
}
