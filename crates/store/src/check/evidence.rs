//! Every state has its record: the ids of an organisation's states, less those that its leaves name,
//! are none.
//!
//! So that memory stays bounded, the ids are taken in rounds: each round holds one share of them and
//! goes through the leaves once. The first round shares the walk that checks the leaves themselves.

use std::collections::HashSet;

use diesel::prelude::*;
use probity_kernel::OrganizationId;
use probity_ledger::Leaf;
use time::OffsetDateTime;
use uuid::Uuid;

use super::findings::Findings;
use super::log::{Entry, Log};
use super::names::{Kind, names};
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::StoreResult;
use crate::types::{AnyTimestamp, AnyUuid, Id, Number, Utc};

const CHECK: &str = "record.evidence";
/// By how many seconds an id may be ahead of its leaf: nodes have clocks of their own, and ids stay
/// ahead of a clock that was set back.
const CLOCKS: u64 = 86_400;
/// How many ids a statement reads.
const STEP: i64 = 10_000;

/// Tables whose rows have an id of their own.
const TABLES: &[(Kind, &str)] = &[
    (Kind::User, "users"),
    (Kind::ApiKey, "api_keys"),
    (Kind::Space, "spaces"),
    (Kind::Product, "products"),
    (Kind::RegisteredModel, "registered_models"),
    (Kind::RiskMetricLink, "risk_metric_links"),
    (Kind::Alert, "alerts"),
    (Kind::DataDependency, "data_dependencies"),
    (Kind::PolicyAttachment, "policy_attachments"),
    (Kind::ProductVersion, "product_versions"),
    (Kind::RiskMitigation, "risk_mitigations"),
    (Kind::TrainingRun, "training_runs"),
    (Kind::SafetyMetric, "safety_metrics"),
    (Kind::ReviewRequest, "review_requests"),
    (Kind::ArtifactUpload, "artifact_uploads"),
    (Kind::Artifact, "artifacts"),
    (Kind::WebhookEndpoint, "webhook_endpoints"),
];

/// Tables whose rows are found by product, instant and id: the name of the instant.
const BY_INSTANT: &[(Kind, &str, &str)] = &[
    (Kind::MetricSnapshot, "metric_snapshots", "captured_at"),
    (Kind::RuntimeEvent, "runtime_events", "occurred_at"),
];

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = AnyUuid)]
    id: Id,
}

#[derive(QueryableByName)]
struct InstantRow {
    #[diesel(sql_type = AnyUuid)]
    product_id: Id,
    #[diesel(sql_type = AnyTimestamp)]
    instant: Utc,
    #[diesel(sql_type = AnyUuid)]
    id: Id,
}

/// The states of one organisation that no leaf has named yet.
pub(super) struct Evidence {
    organization: OrganizationId,
    round: u128,
    rounds: u128,
    waiting: HashSet<(Kind, Uuid)>,
    examined: u64,
    /// Whether leaves were pruned, and when the first was made that is kept: what is older was named
    /// by one that is gone.
    pruned: bool,
    kept_since: Option<OffsetDateTime>,
    /// Whether a detail was erased: what only details name may have been named there.
    erased: bool,
}

impl Evidence {
    /// The first round of the organisation's states.
    pub(super) fn gather(
        conn: &mut AnyConnection,
        organization: OrganizationId,
        ids_at_once: u64,
    ) -> StoreResult<Self> {
        let mut states = 1;
        let by_instant = BY_INSTANT.iter().map(|(_, table, _)| table);
        for table in TABLES.iter().map(|(_, table)| table).chain(by_instant) {
            states += count(conn, organization, table)?;
        }
        let mut evidence = Self {
            organization,
            round: 0,
            rounds: u128::from(states.div_ceil(ids_at_once.max(1)).max(1)),
            waiting: HashSet::new(),
            examined: 0,
            pruned: false,
            kept_since: None,
            erased: false,
        };
        evidence.fill(conn)?;
        Ok(evidence)
    }

    /// A leaf names states.
    pub(super) fn take(&mut self, leaf: &Leaf, entry: &Entry) {
        self.erased |= entry.detail.is_none();
        self.kept_since.get_or_insert(leaf.header().ts);
        names(leaf, entry.detail.as_deref(), |kind, id| {
            self.waiting.remove(&(kind, id));
        });
    }

    /// A leaf was pruned.
    pub(super) const fn miss(&mut self) {
        self.pruned = true;
    }

    /// Whether what named a state may be gone, by explanations that are checked elsewhere. Ids hold
    /// the instant at which they were made.
    fn excused(&self, kind: Kind, id: Uuid) -> bool {
        let made = id.get_timestamp().map(|at| at.to_unix().0);
        let since = self.kept_since.map(OffsetDateTime::unix_timestamp);
        let older = made.zip(since).is_some_and(|(made, since)| {
            u64::try_from(since).is_ok_and(|since| made <= since + CLOCKS)
        });
        let by_detail = matches!(
            kind,
            Kind::Alert | Kind::ApiKey | Kind::MetricSnapshot | Kind::RegisteredModel
        );
        (self.pruned && (older || self.kept_since.is_none())) || (self.erased && by_detail)
    }

    /// Tells what no leaf has named, and makes the other rounds.
    pub(super) fn finish(
        mut self,
        conn: &mut AnyConnection,
        findings: &mut Findings,
        log: Log,
    ) -> StoreResult<()> {
        self.tell(findings);
        for round in 1..self.rounds {
            self.round = round;
            self.fill(conn)?;
            log.pages(conn, |_, page| {
                for entry in page {
                    if let Some(leaf) = entry.parsed() {
                        self.take(&leaf, entry);
                    }
                }
                Ok(())
            })?;
            self.tell(findings);
        }
        findings.examined(CHECK, self.examined);
        Ok(())
    }

    fn tell(&mut self, findings: &mut Findings) {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let mut unnamed: Vec<_> = waiting
            .filter(|(kind, id)| !self.excused(*kind, *id))
            .collect();
        unnamed.sort_unstable();
        for (kind, id) in unnamed {
            let detail = format!("this {} is named by no leaf", kind.as_str());
            findings.violated(CHECK, id.to_string(), detail);
        }
    }

    fn fill(&mut self, conn: &mut AnyConnection) -> StoreResult<()> {
        self.add(Kind::Organization, Id(self.organization.uuid()));
        for (kind, table) in TABLES {
            self.fill_from(conn, *kind, table)?;
        }
        for (kind, table, instant) in BY_INSTANT {
            self.fill_by_instant(conn, *kind, table, instant)?;
        }
        Ok(())
    }

    /// Keeps an id when it is of this round; the low bits of an id are random.
    fn add(&mut self, kind: Kind, id: Id) {
        if id.0.as_u128() % self.rounds == self.round {
            self.waiting.insert((kind, id.0));
            self.examined += 1;
        }
    }

    fn fill_from(&mut self, conn: &mut AnyConnection, kind: Kind, table: &str) -> StoreResult<()> {
        let mut after = Id(Uuid::nil());
        loop {
            let rows: Vec<Row> = diesel::sql_query(format!(
                "SELECT id FROM {table} WHERE organization_id = $1 AND id > $2 \
                 ORDER BY id LIMIT {STEP}"
            ))
            .into_boxed::<MultiBackend>()
            .bind::<AnyUuid, _>(Id(self.organization.uuid()))
            .bind::<AnyUuid, _>(after)
            .load(conn)?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.id;
            for row in rows {
                self.add(kind, row.id);
            }
        }
    }

    fn fill_by_instant(
        &mut self,
        conn: &mut AnyConnection,
        kind: Kind,
        table: &str,
        instant: &str,
    ) -> StoreResult<()> {
        let nil = Id(Uuid::nil());
        let mut after = (nil, Utc(OffsetDateTime::UNIX_EPOCH), nil);
        loop {
            let rows: Vec<InstantRow> = diesel::sql_query(format!(
                "SELECT product_id, {instant} AS instant, id FROM {table} \
                 WHERE organization_id = $1 AND (product_id, {instant}, id) > ($2, $3, $4) \
                 ORDER BY product_id, {instant}, id LIMIT {STEP}"
            ))
            .into_boxed::<MultiBackend>()
            .bind::<AnyUuid, _>(Id(self.organization.uuid()))
            .bind::<AnyUuid, _>(after.0)
            .bind::<AnyTimestamp, _>(after.1)
            .bind::<AnyUuid, _>(after.2)
            .load(conn)?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = (last.product_id, last.instant, last.id);
            for row in rows {
                self.add(kind, row.id);
            }
        }
    }
}

fn count(conn: &mut AnyConnection, organization: OrganizationId, table: &str) -> StoreResult<u64> {
    let statement = format!("SELECT COUNT(*) AS number FROM {table} WHERE organization_id = $1");
    let Number { number } = diesel::sql_query(statement)
        .into_boxed::<MultiBackend>()
        .bind::<AnyUuid, _>(Id(organization.uuid()))
        .get_result(conn)?;
    Ok(u64::try_from(number).unwrap_or_default())
}
