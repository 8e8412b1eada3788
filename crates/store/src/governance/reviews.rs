//! Review requests: rows, queries, and the two commands that move them.

use diesel::prelude::*;
use probity_governance::{
    Configuration, DecideReview, Decision, DriftKey, GovernanceChange, GovernanceError,
    GovernanceWrite, RequestReview, Requested, ReviewRequest, ReviewState, assess,
};
use probity_kernel::{
    Context, Cursor, OrganizationId, Page, PageRequest, Paging, ProductId, RepositoryError,
    ReviewRequestId, Version,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{evidence, reassess, settings};
use crate::alerts::tracking;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult, corrupt};
use crate::idempotency;
use crate::listing::page_of;
use crate::schema::{product_governance, products, review_requests as reviews};
use crate::turn::Tx;
use crate::types::{Id, Utc};
use crate::{guard, own};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset, Serialize, Deserialize)]
#[diesel(table_name = reviews, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct ReviewRow {
    id: Id,
    organization_id: Id,
    product_id: Id,
    status: String,
    title: String,
    description: String,
    source: String,
    drift_indicator_keys: String,
    requested_at: Utc,
    requested_by: String,
    decided_at: Option<Utc>,
    decided_by: Option<String>,
    comment: Option<String>,
    approval_expires_at: Option<Utc>,
    next_review_due_at: Option<Utc>,
    version: i64,
}

impl From<&ReviewRequest> for ReviewRow {
    fn from(request: &ReviewRequest) -> Self {
        let decision = request.decision.as_ref();
        let keys = request.drift_indicator_keys.iter();
        let keys: Vec<&str> = keys.map(|key| key.as_str()).collect();
        Self {
            id: Id(request.id.uuid()),
            organization_id: Id(request.organization.uuid()),
            product_id: Id(request.product.uuid()),
            status: request.state.as_str().to_owned(),
            title: request.title.clone(),
            description: request.description.clone(),
            source: request.source.clone(),
            drift_indicator_keys: keys.join(" "),
            requested_at: Utc(request.requested_at),
            requested_by: request.requested_by.clone(),
            decided_at: decision.map(|decision| Utc(decision.decided_at)),
            decided_by: decision.map(|decision| decision.decided_by.clone()),
            comment: decision.and_then(|decision| decision.comment.clone()),
            approval_expires_at: decision
                .and_then(|decision| decision.approval_expires_at)
                .map(Utc),
            next_review_due_at: decision
                .and_then(|decision| decision.next_review_due_at)
                .map(Utc),
            version: request.version.get(),
        }
    }
}

impl TryFrom<ReviewRow> for ReviewRequest {
    type Error = RepositoryError;

    fn try_from(row: ReviewRow) -> Result<Self, RepositoryError> {
        let table = "review_requests";
        let state = row.status.parse::<ReviewState>();
        let keys = row.drift_indicator_keys.split_ascii_whitespace();
        let keys: Result<Vec<DriftKey>, _> = keys.map(str::parse).collect();
        let at = |at: Option<Utc>| at.map(|Utc(at)| at);
        let decision = row.decided_at.map(|Utc(decided_at)| Decision {
            decided_at,
            decided_by: row.decided_by.unwrap_or_default(),
            comment: row.comment,
            approval_expires_at: at(row.approval_expires_at),
            next_review_due_at: at(row.next_review_due_at),
        });
        Ok(Self {
            id: ReviewRequestId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            state: state.map_err(|error| corrupt(table, "status")(error.into()))?,
            title: row.title,
            description: row.description,
            source: row.source,
            drift_indicator_keys: keys
                .map_err(|error| corrupt(table, "drift_indicator_keys")(error.into()))?,
            requested_at: row.requested_at.0,
            requested_by: row.requested_by,
            decision,
            version: Version::new(row.version),
        })
    }
}

/// One request of a product.
pub(super) fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    id: ReviewRequestId,
) -> StoreResult<Option<ReviewRequest>> {
    let row: Option<ReviewRow> = reviews::table
        .filter(reviews::organization_id.eq(Id(organization.uuid())))
        .filter(reviews::product_id.eq(Id(product.uuid())))
        .filter(reviews::id.eq(Id(id.uuid())))
        .select(ReviewRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(ReviewRequest::try_from)
        .transpose()
        .map_err(StoreError)
}

fn open(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<Option<ReviewRequest>> {
    let row: Option<ReviewRow> = reviews::table
        .filter(reviews::organization_id.eq(Id(organization.uuid())))
        .filter(reviews::product_id.eq(Id(product.uuid())))
        .filter(reviews::status.eq(ReviewState::Pending.as_str()))
        .select(ReviewRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(ReviewRequest::try_from)
        .transpose()
        .map_err(StoreError)
}

/// The requests of a product, newest first.
pub(super) fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    page: &PageRequest,
) -> StoreResult<Page<ReviewRequest>> {
    let of_product = || {
        reviews::table
            .filter(reviews::organization_id.eq(Id(organization.uuid())))
            .filter(reviews::product_id.eq(Id(product.uuid())))
            .into_boxed::<MultiBackend>()
    };
    let total: i64 = of_product().count().get_result(conn)?;
    let mut query = of_product();
    let mut offset = 0;
    match &page.paging {
        Paging::Offset(skip) => offset = i64::try_from(*skip).unwrap_or(i64::MAX),
        Paging::After(cursor) => {
            let at = instant(cursor.key);
            let id = Id(uuid::Uuid::from_u128(cursor.tie));
            query = query.filter(
                reviews::requested_at
                    .lt(at)
                    .or(reviews::requested_at.eq(at).and(reviews::id.lt(id))),
            );
        }
    }
    let rows: Vec<ReviewRow> = query
        .select(ReviewRow::as_select())
        .order((reviews::requested_at.desc(), reviews::id.desc()))
        .offset(offset)
        .limit(i64::from(page.limit) + 1)
        .load(conn)?;
    page_of(page, total, rows, place, ReviewRequest::try_from)
}

fn place(row: &ReviewRow) -> Cursor {
    let Utc(at) = row.requested_at;
    Cursor {
        key: at.unix_timestamp() * 1000 + i64::from(at.millisecond()),
        tie: row.id.0.as_u128(),
    }
}

/// The instant in a cursor; one that no list gave out names an instant before all.
fn instant(millis: i64) -> Utc {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    Utc(at.unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

/// The outcome of a request as the idempotency record keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    request: ReviewRow,
    deduplicated: bool,
}

/// What a command answers inside a transaction: an outcome, or a refusal that wrote nothing.
pub(super) type Answer<T> = Result<T, GovernanceError>;

/// Gives back the open request of the product, or opens one.
pub(super) fn request(tx: &mut Tx<'_>, command: &RequestReview) -> StoreResult<Answer<Requested>> {
    let context = &command.context;
    if let Some(stored) = spent(tx.conn, context)? {
        return Ok(Ok(stored));
    }
    let known = evidence::read(tx.conn, context.organization, command.product)?;
    let Some(known) = known else {
        return Ok(Err(GovernanceError::ProductNotFound));
    };
    let Some(evidence) = known.evidence else {
        return Ok(Err(GovernanceError::UnsupportedType));
    };
    if known.archived {
        return Ok(Err(GovernanceError::Archived));
    }
    if let Some(request) = open(tx.conn, context.organization, command.product)? {
        let outcome = Requested {
            request,
            deduplicated: true,
        };
        remember(tx, context, &outcome)?;
        return Ok(Ok(outcome));
    }
    let Configuration { settings, .. } = settings::in_force(tx.conn, context.organization)?;
    let assessment = assess(&evidence, &settings, context.now);
    let change = match command.into_change(&known.name, &assessment) {
        Ok(change) => change,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let request = apply(tx, change)?;
    let outcome = Requested {
        request,
        deduplicated: false,
    };
    remember(tx, context, &outcome)?;
    Ok(Ok(outcome))
}

/// Decides a request.
pub(super) fn decide(
    tx: &mut Tx<'_>,
    command: &DecideReview,
) -> StoreResult<Answer<ReviewRequest>> {
    let context = &command.context;
    if let Some(stored) = spent(tx.conn, context)? {
        return Ok(Ok(stored.request));
    }
    let found = find(tx.conn, context.organization, command.product, command.id)?;
    let Some(request) = found else {
        return Ok(Err(GovernanceError::ReviewNotFound));
    };
    let due: Option<Option<Utc>> = product_governance::table
        .find(Id(command.product.uuid()))
        .select(product_governance::next_review_due_at)
        .get_result(tx.conn)
        .optional()?;
    let due = due.flatten().map(|Utc(at)| at);
    let Configuration { settings, .. } = settings::in_force(tx.conn, context.organization)?;
    let change = match command.into_change(&request, due, &settings) {
        Ok(change) => change,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let request = apply(tx, change)?;
    let outcome = Requested {
        request,
        deduplicated: false,
    };
    remember(tx, context, &outcome)?;
    Ok(Ok(outcome.request))
}

fn spent(conn: &mut AnyConnection, context: &Context) -> StoreResult<Option<Requested>> {
    let Some(claim) = &context.idempotency else {
        return Ok(None);
    };
    let Some(stored) = idempotency::spent::<Stored>(conn, context, claim)? else {
        return Ok(None);
    };
    Ok(Some(Requested {
        request: ReviewRequest::try_from(stored.request).map_err(StoreError)?,
        deduplicated: stored.deduplicated,
    }))
}

fn remember(tx: &mut Tx<'_>, context: &Context, outcome: &Requested) -> StoreResult<()> {
    let Some(claim) = &context.idempotency else {
        return Ok(());
    };
    let stored = Stored {
        request: ReviewRow::from(&outcome.request),
        deduplicated: outcome.deduplicated,
    };
    idempotency::remember(tx.writing(), context, claim, &stored)
}

/// Writes a change of a request, puts it on the record, and judges the product anew.
fn apply(tx: &mut Tx<'_>, change: GovernanceChange) -> StoreResult<ReviewRequest> {
    let (context, write, event) = change.into_parts();
    let request = match write {
        GovernanceWrite::RequestReview(request) => {
            own(context.organization, request.organization)?;
            diesel::insert_into(reviews::table)
                .values(ReviewRow::from(request.as_ref()))
                .execute(tx.writing())?;
            *request
        }
        GovernanceWrite::DecideReview { next, expected } => {
            own(context.organization, next.organization)?;
            update(tx, &context, &next, expected)?;
            *next
        }
        GovernanceWrite::Configure { .. } => return Err(StoreError(RepositoryError::Stale)),
    };
    tx.record(&context, &event)?;
    if request.decision.is_some() {
        tracking::review_decided(tx, &context, &request)?;
    } else {
        tracking::review_requested(tx, &context, &request)?;
    }
    reassess(tx, &context, request.product)?;
    Ok(request)
}

fn update(
    tx: &mut Tx<'_>,
    context: &Context,
    next: &ReviewRequest,
    expected: Version,
) -> StoreResult<()> {
    let conn = tx.writing();
    let changed = diesel::update(reviews::table)
        .filter(reviews::organization_id.eq(Id(next.organization.uuid())))
        .filter(reviews::id.eq(Id(next.id.uuid())))
        .filter(reviews::version.eq(expected.get()))
        .set(ReviewRow::from(next))
        .execute(conn)?;
    guard(changed == 1, RepositoryError::Stale)?;
    let due = next
        .decision
        .as_ref()
        .and_then(|one| one.next_review_due_at);
    match due {
        Some(due) => move_due(conn, context, next.product, Utc(due)),
        None => Ok(()),
    }
}

/// Moves the day of the product's next review. The product's record shows it, so that its version
/// moves too.
fn move_due(
    conn: &mut AnyConnection,
    context: &Context,
    product: ProductId,
    due: Utc,
) -> StoreResult<()> {
    let (organization, product) = (Id(context.organization.uuid()), Id(product.uuid()));
    let moved = diesel::update(product_governance::table.find(product))
        .set(product_governance::next_review_due_at.eq(due))
        .execute(conn)?;
    if moved == 0 {
        diesel::insert_into(product_governance::table)
            .values((
                product_governance::product_id.eq(product),
                product_governance::organization_id.eq(organization),
                product_governance::no_data_dependencies.eq(false),
                product_governance::next_review_due_at.eq(due),
            ))
            .execute(conn)?;
    }
    diesel::update(products::table)
        .filter(products::organization_id.eq(organization))
        .filter(products::id.eq(product))
        .set((
            products::version.eq(products::version + 1),
            products::updated_at.eq(Utc(context.now)),
        ))
        .execute(conn)?;
    Ok(())
}
