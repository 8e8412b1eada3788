//! Ingestion: all snapshots that wait for one organisation are judged and written together.
//!
//! The standings of the products are read once per turn, each ingestion is folded into them by the
//! domain, and the rows of all of them are written in bulk. Whatever the domain refuses is refused
//! before a statement has written anything.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use probity_guardian::{
    Alert, AlertWrite, ComplianceStatus, IngestError, IngestWrite, Ingested, Ingestion,
    RiskMetricLink, Snapshot, Standing,
};
use probity_kernel::{
    Context, IdempotencyClaim, OrganizationId, ProductId, RepositoryError, SnapshotId,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::oneshot;

use super::{Standings, alerts, bulk, links};
use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult, corrupt, unavailable};
use crate::governance;
use crate::idempotency;
use crate::schema::{product_standings, products, risk_metric_links};
use crate::turn::Tx;
use crate::types::{Id, Utc};

type Answer = Result<Vec<Ingested>, IngestError>;

/// One ingestion and the caller who waits for it.
pub(crate) struct IngestJob {
    ingestion: Ingestion,
    outcome: Option<Answer>,
    reply: oneshot::Sender<Answer>,
}

impl IngestJob {
    pub(super) fn new(ingestion: Ingestion) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        (
            Self {
                ingestion,
                outcome: None,
                reply,
            },
            answer,
        )
    }

    pub(crate) fn organization(&self) -> OrganizationId {
        self.ingestion.context().organization
    }

    pub(crate) fn settle(self, result: Result<(), RepositoryError>) {
        let answer = match result {
            Ok(()) => self.outcome.unwrap_or_else(|| Err(unavailable().into())),
            Err(error) => Err(error.into()),
        };
        // The caller may have gone away; the snapshots are durable all the same.
        let _ = self.reply.send(answer);
    }
}

/// The standing of one product within a turn.
struct Tracked {
    recorded: i64,
    before: Option<(OffsetDateTime, ComplianceStatus)>,
}

/// What the ingestions of a turn write.
#[derive(Default)]
struct Harvest {
    snapshots: Vec<Snapshot>,
    alerts: Vec<AlertWrite>,
    claims: HashMap<(String, String), Claimed>,
}

/// A claim that this turn spends, and the outcome that it keeps.
struct Claimed {
    context: Context,
    claim: IdempotencyClaim,
    stored: Vec<Stored>,
}

/// An outcome as the idempotency record keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    id: Id,
    status: String,
}

/// Judges and writes every ingestion of the organisation.
pub(crate) fn ingest_all(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    jobs: &mut [&mut IngestJob],
) -> StoreResult<()> {
    for job in jobs.iter_mut() {
        job.outcome = answered_before(tx.conn, job.ingestion.context())?;
    }
    let wanted: BTreeSet<ProductId> = jobs
        .iter()
        .filter(|job| job.outcome.is_none())
        .flat_map(|job| {
            job.ingestion
                .snapshots()
                .iter()
                .map(|snapshot| snapshot.product)
        })
        .collect();
    let mut standings = std::mem::take(&mut tx.standings);
    let wanted: BTreeSet<ProductId> = wanted
        .into_iter()
        .filter(|product| !standings.contains_key(product))
        .collect();
    if !wanted.is_empty() {
        standings.extend(load(tx.conn, organization, &wanted)?);
    }
    let mut tracked: HashMap<ProductId, Tracked> = HashMap::with_capacity(standings.len());
    for (product, standing) in named(jobs, &standings) {
        tracked.insert(
            product,
            Tracked {
                recorded: 0,
                before: standing.latest,
            },
        );
    }
    let mut harvest = Harvest::default();
    for job in jobs.iter_mut().filter(|job| job.outcome.is_none()) {
        job.outcome = Some(fold(
            tx,
            &job.ingestion,
            &mut standings,
            &mut tracked,
            &mut harvest,
        )?);
    }
    write(tx, organization, &harvest, &standings, &tracked)?;
    tx.standings = standings;
    judge(tx, jobs, &tracked)
}

/// Judges those products anew that these snapshots may have brought back under monitoring.
fn judge(
    tx: &mut Tx<'_>,
    jobs: &[&mut IngestJob],
    tracked: &HashMap<ProductId, Tracked>,
) -> StoreResult<()> {
    let mut judged = BTreeSet::new();
    for job in jobs.iter().filter(|job| matches!(job.outcome, Some(Ok(_)))) {
        let context = job.ingestion.context();
        for snapshot in job.ingestion.snapshots() {
            let moved = tracked
                .get(&snapshot.product)
                .filter(|tracked| tracked.recorded > 0);
            let Some(Tracked { before, .. }) = moved else {
                continue;
            };
            if judged.insert(snapshot.product) {
                let before = before.map(|(captured_at, _)| captured_at);
                governance::after_snapshot(tx, context, snapshot.product, before)?;
            }
        }
    }
    Ok(())
}

/// The standings of the products that the ingestions name.
fn named<'a>(
    jobs: &[&mut IngestJob],
    standings: &'a Standings,
) -> impl Iterator<Item = (ProductId, &'a Standing)> {
    let products: BTreeSet<ProductId> = jobs
        .iter()
        .flat_map(|job| {
            job.ingestion
                .snapshots()
                .iter()
                .map(|snapshot| snapshot.product)
        })
        .collect();
    products
        .into_iter()
        .filter_map(|product| Some((product, standings.get(&product)?)))
}

/// The first outcome of a claim that was spent in an earlier turn.
fn answered_before(conn: &mut AnyConnection, context: &Context) -> StoreResult<Option<Answer>> {
    let Some(claim) = &context.idempotency else {
        return Ok(None);
    };
    match idempotency::spent::<Vec<Stored>>(conn, context, claim) {
        Ok(None) => Ok(None),
        Ok(Some(stored)) => Ok(Some(revive(stored).map_err(IngestError::from))),
        Err(StoreError(error @ RepositoryError::IdempotencyMismatch)) => {
            Ok(Some(Err(error.into())))
        }
        Err(error) => Err(error),
    }
}

fn revive(stored: Vec<Stored>) -> Result<Vec<Ingested>, RepositoryError> {
    let parse = |Stored { id, status }: Stored| {
        let status = status.parse::<ComplianceStatus>();
        let status =
            status.map_err(|error| corrupt("idempotency_records", "outcome")(Box::new(error)))?;
        Ok(Ingested {
            snapshot: SnapshotId::new(id.0),
            status,
        })
    };
    stored.into_iter().map(parse).collect()
}

fn fold(
    tx: &mut Tx<'_>,
    ingestion: &Ingestion,
    standings: &mut HashMap<ProductId, Standing>,
    tracked: &mut HashMap<ProductId, Tracked>,
    harvest: &mut Harvest,
) -> StoreResult<Answer> {
    let context = ingestion.context();
    if let Some(claim) = &context.idempotency
        && let Some(earlier) = harvest
            .claims
            .get(&(claim.scope.clone(), claim.key.clone()))
    {
        if earlier.claim.fingerprint != claim.fingerprint {
            return Ok(Err(RepositoryError::IdempotencyMismatch.into()));
        }
        return Ok(revive(earlier.stored.clone()).map_err(IngestError::from));
    }
    let change = match ingestion.clone().into_change(standings, tx.ids) {
        Ok(change) => change,
        Err(unknown) => return Ok(Err(unknown.into())),
    };
    let (context, IngestWrite { snapshots, alerts }, event) = change.into_parts();
    tx.record(&context, &event)?;
    let mut answer = Vec::with_capacity(snapshots.len());
    for snapshot in &snapshots {
        if let Some(tracked) = tracked.get_mut(&snapshot.new.product) {
            tracked.recorded += 1;
        }
        answer.push(Ingested {
            snapshot: snapshot.new.id,
            status: snapshot.status,
        });
    }
    if let Some(claim) = context.idempotency.clone() {
        let stored = answer.iter().map(|ingested| Stored {
            id: Id(ingested.snapshot.uuid()),
            status: ingested.status.as_str().to_owned(),
        });
        let stored = stored.collect();
        let key = (claim.scope.clone(), claim.key.clone());
        harvest.claims.insert(
            key,
            Claimed {
                context,
                claim,
                stored,
            },
        );
    }
    harvest.snapshots.extend(snapshots);
    harvest.alerts.extend(alerts);
    Ok(Ok(answer))
}

fn write(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    harvest: &Harvest,
    standings: &HashMap<ProductId, Standing>,
    tracked: &HashMap<ProductId, Tracked>,
) -> StoreResult<()> {
    if harvest.snapshots.is_empty() {
        return Ok(());
    }
    let key = Id(organization.uuid());
    let conn = tx.writing();
    bulk::insert_snapshots(conn, key, &harvest.snapshots)?;
    for alert in &harvest.alerts {
        match alert {
            AlertWrite::Open(alert) => alerts::open(conn, alert)?,
            AlertWrite::Update { next, expected } => alerts::update(conn, next, *expected)?,
        }
    }
    let moved: Vec<bulk::StandingRow> = tracked
        .iter()
        .filter(|(_, tracked)| tracked.recorded > 0)
        .filter_map(|(product, tracked)| {
            let (captured_at, status) = standings.get(product)?.latest?;
            Some(bulk::StandingRow {
                organization_id: key,
                product_id: Id(product.uuid()),
                latest_captured_at: Utc(captured_at),
                latest_status: status.as_str(),
                snapshots: tracked.recorded,
                is_new: tracked.before.is_none(),
            })
        })
        .collect();
    bulk::move_standings(conn, &moved)?;
    for Claimed {
        context,
        claim,
        stored,
    } in harvest.claims.values()
    {
        idempotency::remember(conn, context, claim, stored)?;
    }
    Ok(())
}

/// Where the named products stand; a product of another organisation is not among them.
fn load(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    wanted: &BTreeSet<ProductId>,
) -> StoreResult<HashMap<ProductId, Standing>> {
    let mut open: HashMap<Id, Vec<Alert>> = HashMap::new();
    for alert in alerts::open_of(conn, organization, wanted)? {
        open.entry(Id(alert.product.uuid()))
            .or_default()
            .push(alert);
    }
    let mut standings = HashMap::with_capacity(wanted.len());
    for row in rows(conn, organization, wanted)? {
        let latest = row.standing.map(|(at, status)| {
            let parsed = status.parse::<ComplianceStatus>();
            parsed.map(|status| (at.0, status)).map_err(|error| {
                StoreError(corrupt("product_standings", "latest_status")(Box::new(
                    error,
                )))
            })
        });
        let link = row
            .link
            .map(RiskMetricLink::try_from)
            .transpose()
            .map_err(StoreError)?;
        let overrides = link.as_ref().map(|link| &link.overrides);
        let alerts = open.remove(&row.product).unwrap_or_default();
        let standing = Standing::new(overrides, latest.transpose()?, alerts);
        standings.insert(ProductId::new(row.product.0), standing);
    }
    Ok(standings)
}

#[derive(Queryable)]
struct Row {
    product: Id,
    link: Option<links::LinkRow>,
    standing: Option<(Utc, String)>,
}

/// One statement for all products on PostgreSQL, one prepared statement per product on SQLite.
fn rows(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    wanted: &BTreeSet<ProductId>,
) -> StoreResult<Vec<Row>> {
    let key = Id(organization.uuid());
    let query = || {
        products::table
            .left_join(
                risk_metric_links::table.on(risk_metric_links::organization_id
                    .eq(products::organization_id)
                    .and(risk_metric_links::product_id.eq(products::id))),
            )
            .left_join(
                product_standings::table.on(product_standings::organization_id
                    .eq(products::organization_id)
                    .and(product_standings::product_id.eq(products::id))),
            )
            .filter(products::organization_id.eq(key))
            .select((
                products::id,
                risk_metric_links::all_columns.nullable(),
                (
                    product_standings::latest_captured_at,
                    product_standings::latest_status,
                )
                    .nullable(),
            ))
    };
    if conn.is_postgres() {
        let ids: Vec<Id> = wanted.iter().map(|product| Id(product.uuid())).collect();
        return Ok(query().filter(products::id.eq_any(ids)).load(conn)?);
    }
    let mut found = Vec::with_capacity(wanted.len());
    for product in wanted {
        let row = query()
            .filter(products::id.eq(Id(product.uuid())))
            .get_result(conn)
            .optional()?;
        found.extend(row);
    }
    Ok(found)
}
