//! Ingestion: all snapshots that wait for one organisation are judged and written together.
//!
//! The standings of the products are read once per turn, each ingestion is folded into them by the
//! domain, and the rows of all of them are written in bulk. Whatever the domain refuses is refused
//! before a statement has written anything.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

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
use crate::alerts::tracking;
use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult, corrupt, unavailable};
use crate::governance;
use crate::idempotency::{self, Asked, ClaimKey, Kept, claim_key};
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
struct Harvest<'a> {
    snapshots: Vec<Snapshot>,
    alerts: Vec<AlertWrite>,
    tracked: HashMap<ProductId, Tracked>,
    claims: Vec<Claimed<'a>>,
    /// Where each claim stands among `claims`.
    places: HashMap<ClaimKey<'a>, usize>,
}

/// A claim that this turn spends, and the outcome that it keeps.
struct Claimed<'a> {
    context: &'a Context,
    claim: &'a IdempotencyClaim,
    stored: Vec<Stored>,
}

/// An outcome as the idempotency record keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    id: Id,
    status: Cow<'static, str>,
}

/// Judges and writes every ingestion of the organisation.
pub(crate) fn ingest_all(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    jobs: &mut [&mut IngestJob],
) -> StoreResult<()> {
    let ingestions: Vec<&Ingestion> = jobs.iter().map(|job| &job.ingestion).collect();
    let answers = judge_all(tx, organization, &ingestions)?;
    for (job, answer) in jobs.iter_mut().zip(answers) {
        job.outcome = Some(answer);
    }
    Ok(())
}

fn judge_all(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    ingestions: &[&Ingestion],
) -> StoreResult<Vec<Answer>> {
    let before = answered_before(tx.conn, organization, ingestions)?;
    let mut standings = std::mem::take(&mut tx.standings);
    let unanswered = ingestions.iter().zip(&before);
    let unknown: BTreeSet<ProductId> = unanswered
        .filter(|(_, before)| before.is_none())
        .flat_map(|(ingestion, _)| ingestion.snapshots())
        .map(|snapshot| snapshot.product)
        .filter(|product| !standings.contains_key(product))
        .collect();
    if !unknown.is_empty() {
        standings.extend(load(tx.conn, organization, &unknown)?);
    }
    let mut harvest = Harvest::default();
    let mut answers = Vec::with_capacity(ingestions.len());
    for (ingestion, before) in ingestions.iter().copied().zip(before) {
        answers.push(match before {
            Some(answer) => answer,
            None => fold(tx, ingestion, &mut standings, &mut harvest)?,
        });
    }
    write(tx, organization, &harvest, &standings)?;
    tx.standings = standings;
    let accepted = ingestions.iter().zip(&answers);
    let accepted = accepted.filter(|(_, answer)| answer.is_ok());
    judge(tx, accepted.map(|(ingestion, _)| *ingestion), &harvest)?;
    Ok(answers)
}

/// Judges those products anew that these snapshots may have brought back under monitoring.
fn judge<'a>(
    tx: &mut Tx<'_>,
    accepted: impl Iterator<Item = &'a Ingestion>,
    harvest: &Harvest<'_>,
) -> StoreResult<()> {
    let mut judged = HashSet::new();
    for ingestion in accepted {
        for snapshot in ingestion.snapshots() {
            let tracked = harvest.tracked.get(&snapshot.product);
            let Some(Tracked { before, .. }) = tracked.filter(|tracked| tracked.recorded > 0)
            else {
                continue;
            };
            if judged.insert(snapshot.product) {
                let before = before.map(|(captured_at, _)| captured_at);
                governance::after_snapshot(tx, ingestion.context(), snapshot.product, before)?;
            }
        }
    }
    Ok(())
}

/// The first outcome of each ingestion whose claim was spent in an earlier turn.
fn answered_before(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    ingestions: &[&Ingestion],
) -> StoreResult<Vec<Option<Answer>>> {
    let asked: Vec<Asked<'_>> = ingestions
        .iter()
        .filter_map(|ingestion| {
            let context = ingestion.context();
            Some(Asked::of(context, context.idempotency.as_ref()?))
        })
        .collect();
    let spent = idempotency::spent_of_all(conn, organization, &asked)?;
    let answer = |ingestion: &&Ingestion| {
        let Some(claim) = &ingestion.context().idempotency else {
            return Ok(None);
        };
        let Some(spent) = spent.get(&claim_key(claim)) else {
            return Ok(None);
        };
        match spent.outcome::<Vec<Stored>>(claim) {
            Ok(stored) => Ok(Some(revive(stored).map_err(IngestError::from))),
            Err(StoreError(error @ RepositoryError::IdempotencyMismatch)) => {
                Ok(Some(Err(error.into())))
            }
            Err(error) => Err(error),
        }
    };
    ingestions.iter().map(answer).collect()
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

fn fold<'a>(
    tx: &mut Tx<'_>,
    ingestion: &'a Ingestion,
    standings: &mut Standings,
    harvest: &mut Harvest<'a>,
) -> StoreResult<Answer> {
    let context = ingestion.context();
    let claim = context.idempotency.as_ref();
    if let Some(claim) = claim
        && let Some(earlier) = harvest.places.get(&claim_key(claim))
        && let Some(earlier) = harvest.claims.get(*earlier)
    {
        if earlier.claim.fingerprint != claim.fingerprint {
            return Ok(Err(RepositoryError::IdempotencyMismatch.into()));
        }
        return Ok(revive(earlier.stored.clone()).map_err(IngestError::from));
    }
    for snapshot in ingestion.snapshots() {
        if let Some(standing) = standings.get(&snapshot.product) {
            let tracked = harvest.tracked.entry(snapshot.product);
            tracked.or_insert(Tracked {
                recorded: 0,
                before: standing.latest,
            });
        }
    }
    let change = match ingestion.clone().into_change(standings, tx.ids) {
        Ok(change) => change,
        Err(unknown) => return Ok(Err(unknown.into())),
    };
    let (changed, IngestWrite { snapshots, alerts }, event) = change.into_parts();
    tx.record(&changed, &event)?;
    let mut answer = Vec::with_capacity(snapshots.len());
    for snapshot in &snapshots {
        if let Some(tracked) = harvest.tracked.get_mut(&snapshot.new.product) {
            tracked.recorded += 1;
        }
        answer.push(Ingested {
            snapshot: snapshot.new.id,
            status: snapshot.status,
        });
    }
    if let Some(claim) = claim {
        let stored = answer.iter().map(|ingested| Stored {
            id: Id(ingested.snapshot.uuid()),
            status: Cow::Borrowed(ingested.status.as_str()),
        });
        let stored = stored.collect();
        harvest
            .places
            .insert(claim_key(claim), harvest.claims.len());
        harvest.claims.push(Claimed {
            context,
            claim,
            stored,
        });
    }
    harvest.snapshots.extend(snapshots);
    harvest.alerts.extend(alerts);
    Ok(Ok(answer))
}

fn write(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    harvest: &Harvest<'_>,
    standings: &Standings,
) -> StoreResult<()> {
    if harvest.snapshots.is_empty() {
        return Ok(());
    }
    let key = Id(organization.uuid());
    bulk::insert_snapshots(tx.writing(), key, &harvest.snapshots)?;
    for alert in &harvest.alerts {
        match alert {
            AlertWrite::Open(alert) => {
                alerts::open(tx.writing(), alert)?;
                tracking::guardian_opened(tx, alert)?;
            }
            AlertWrite::Update { next, expected } => {
                alerts::update(tx.writing(), next, *expected)?;
                tracking::guardian_moved(tx, next)?;
            }
        }
    }
    let conn = tx.writing();
    let moved: Vec<bulk::StandingRow> = harvest
        .tracked
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
    let outcomes = harvest.claims.iter();
    let outcomes = outcomes.map(|one| idempotency::encode(&one.stored));
    let outcomes = outcomes.collect::<StoreResult<Vec<String>>>()?;
    let kept: Vec<Kept<'_>> = harvest
        .claims
        .iter()
        .zip(&outcomes)
        .map(|(one, outcome)| Kept::of(one.context, one.claim, outcome))
        .collect();
    idempotency::remember_all(conn, organization, &kept)
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
