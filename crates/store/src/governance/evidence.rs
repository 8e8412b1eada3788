//! Reading what is known about products: one statement, whatever there is; prepared once on SQLite, asked for many at once
//! on PostgreSQL.

use std::collections::HashMap;
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Untyped};
use diesel::sqlite::Sqlite;
use probity_governance::assessment::evidence::{
    Approval, Dependencies, DeployedRun, Documentation, Evidence, Metrics, Mitigations, Reviews,
    Runs, Snapshots,
};
use probity_governance::{LifecycleGate, ProductKind};
use probity_kernel::{OrganizationId, ProductId, RepositoryError, SpaceId};

use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::statement::statement;
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

/// A product as far as it can be judged.
pub(crate) struct Known {
    pub(crate) space: SpaceId,
    pub(crate) name: String,
    pub(crate) archived: bool,
    /// `None` where products of its type are not judged.
    pub(crate) evidence: Option<Evidence>,
}

/// Every aggregate has one row, so that the joins have one; each reads one product's rows of an index.
/// `{join}` is how an aggregate is joined, `{id}` how it names its product.
const STATEMENT: &str = "\
SELECT p.id, p.space_id, p.name, p.product_type, p.risk_classification, p.lifecycle_stage, \
p.archived_at IS NOT NULL AS archived, m.deployment_status, \
COALESCE(TRIM(m.intended_use), '') <> '' AS has_purpose, \
COALESCE(TRIM(g.owner), '') <> '' AS has_owner, \
COALESCE(TRIM(g.monitoring_plan), '') <> '' AS has_monitoring_plan, \
COALESCE(g.no_data_dependencies, FALSE) AS declared_none, \
COALESCE(g.technical_documentation, '{}') <> '{}' AS has_documentation, \
g.documentation_updated_at, g.next_review_due_at, \
d.dependencies, r.runs, r.completed_runs, r.evaluation_runs, r.deployed_runs, r.deployed_at, \
e.metrics, e.measured_metrics, a.policies, \
k.mitigations, k.open_mitigations, k.high_due_at, k.critical_due_at, \
s.snapshots, s.latest_captured_at, \
q.reviews, q.open_reviews, l.latest_status, y.approved_status, y.approval_expires_at, \
v.versions, x.registered_models, t.runtime_events, \
(SELECT MIN(c.changed_at) FROM data_dependencies c WHERE c.organization_id = p.organization_id \
AND c.product_id = p.id AND c.changed_at > CASE WHEN r.evaluated_at IS NULL OR e.measured_at > r.evaluated_at \
THEN e.measured_at ELSE r.evaluated_at END) AS changed_at \
FROM products p \
JOIN product_models m ON m.product_id = p.id \
LEFT JOIN product_governance g ON g.product_id = p.id \
LEFT JOIN product_standings s ON s.organization_id = p.organization_id AND s.product_id = p.id \
CROSS {join} (SELECT COUNT(*) AS dependencies FROM data_dependencies \
WHERE organization_id = $1 AND product_id = {id}) d \
CROSS {join} (SELECT COUNT(*) AS runs, \
COUNT(CASE WHEN status = 'completed' AND run_type IN ('training', 'fine_tuning', 'evaluation') THEN 1 END) AS completed_runs, \
COUNT(CASE WHEN status = 'completed' AND run_type = 'evaluation' THEN 1 END) AS evaluation_runs, \
MAX(CASE WHEN status = 'completed' AND run_type = 'evaluation' THEN COALESCE(completed_at, started_at, created_at) END) AS evaluated_at, \
COUNT(CASE WHEN is_deployed THEN 1 END) AS deployed_runs, \
MAX(CASE WHEN is_deployed THEN COALESCE(completed_at, started_at, created_at) END) AS deployed_at \
FROM training_runs WHERE organization_id = $1 AND product_id = {id}) r \
CROSS {join} (SELECT COUNT(*) AS metrics, \
COUNT(CASE WHEN status <> 'not_available' THEN 1 END) AS measured_metrics, \
MAX(CASE WHEN status <> 'not_available' THEN COALESCE(measured_at, created_at) END) AS measured_at \
FROM safety_metrics WHERE organization_id = $1 AND product_id = {id}) e \
CROSS {join} (SELECT COUNT(*) AS policies FROM policy_attachments \
WHERE organization_id = $1 AND product_id = {id}) a \
CROSS {join} (SELECT COUNT(*) AS mitigations, \
COUNT(CASE WHEN status IN ('open', 'in_progress') THEN 1 END) AS open_mitigations, \
MIN(CASE WHEN status IN ('open', 'in_progress') AND severity = 'high' THEN due_at END) AS high_due_at, \
MIN(CASE WHEN status IN ('open', 'in_progress') AND severity = 'critical' THEN due_at END) AS critical_due_at \
FROM risk_mitigations WHERE organization_id = $1 AND product_id = {id}) k \
CROSS {join} (SELECT COUNT(*) AS reviews, COUNT(CASE WHEN status = 'pending' THEN 1 END) AS open_reviews \
FROM review_requests WHERE organization_id = $1 AND product_id = {id}) q \
LEFT {join} (SELECT status AS latest_status FROM review_requests \
WHERE organization_id = $1 AND product_id = {id} AND status <> 'pending' \
ORDER BY requested_at DESC, id DESC LIMIT 1) l ON TRUE \
LEFT {join} (SELECT status AS approved_status, approval_expires_at FROM review_requests \
WHERE organization_id = $1 AND product_id = {id} AND status = 'approved' \
ORDER BY requested_at DESC, id DESC LIMIT 1) y ON TRUE \
CROSS {join} (SELECT COUNT(*) AS versions FROM product_versions \
WHERE organization_id = $1 AND product_id = {id}) v \
CROSS {join} (SELECT COUNT(*) AS registered_models FROM product_registered_models \
WHERE organization_id = $1 AND product_id = {id}) x \
CROSS {join} (SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) AS runtime_events FROM runtime_event_totals \
WHERE organization_id = $1 AND product_id = {id}) t \
WHERE p.organization_id = $1 AND p.id = ";

#[expect(
    clippy::struct_excessive_bools,
    reason = "a row has the columns that the statement answers"
)]
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = AnyUuid)]
    id: Id,
    #[diesel(sql_type = AnyUuid)]
    space_id: Id,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    product_type: String,
    #[diesel(sql_type = Nullable<Text>)]
    risk_classification: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    lifecycle_stage: Option<String>,
    #[diesel(sql_type = Bool)]
    archived: bool,
    #[diesel(sql_type = Text)]
    deployment_status: String,
    #[diesel(sql_type = Bool)]
    has_purpose: bool,
    #[diesel(sql_type = Bool)]
    has_owner: bool,
    #[diesel(sql_type = Bool)]
    has_monitoring_plan: bool,
    #[diesel(sql_type = Bool)]
    declared_none: bool,
    #[diesel(sql_type = Bool)]
    has_documentation: bool,
    #[diesel(sql_type = Nullable<AnyTimestamp>)]
    documentation_updated_at: Option<Utc>,
    #[diesel(sql_type = Nullable<AnyTimestamp>)]
    next_review_due_at: Option<Utc>,
    #[diesel(sql_type = BigInt)]
    dependencies: i64,
    #[diesel(sql_type = BigInt)]
    runs: i64,
    #[diesel(sql_type = BigInt)]
    completed_runs: i64,
    #[diesel(sql_type = BigInt)]
    evaluation_runs: i64,
    #[diesel(sql_type = BigInt)]
    deployed_runs: i64,
    #[diesel(sql_type = Nullable<AnyTimestamp>)]
    deployed_at: Option<Utc>,
    #[diesel(sql_type = BigInt)]
    metrics: i64,
    #[diesel(sql_type = BigInt)]
    measured_metrics: i64,
    #[diesel(sql_type = BigInt)]
    policies: i64,
    #[diesel(sql_type = BigInt)]
    mitigations: i64,
    #[diesel(sql_type = BigInt)]
    open_mitigations: i64,
    #[diesel(sql_type = Nullable<AnyTimestamp>)]
    high_due_at: Option<Utc>,
    #[diesel(sql_type = Nullable<AnyTimestamp>)]
    critical_due_at: Option<Utc>,
    #[diesel(sql_type = Nullable<BigInt>)]
    snapshots: Option<i64>,
    #[diesel(sql_type = Nullable<AnyTimestamp>)]
    latest_captured_at: Option<Utc>,
    #[diesel(sql_type = BigInt)]
    reviews: i64,
    #[diesel(sql_type = BigInt)]
    open_reviews: i64,
    #[diesel(sql_type = Nullable<Text>)]
    latest_status: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    approved_status: Option<String>,
    #[diesel(sql_type = Nullable<AnyTimestamp>)]
    approval_expires_at: Option<Utc>,
    #[diesel(sql_type = BigInt)]
    versions: i64,
    #[diesel(sql_type = BigInt)]
    registered_models: i64,
    #[diesel(sql_type = BigInt)]
    runtime_events: i64,
    /// When the first dependency changed after the newest evaluation.
    #[diesel(sql_type = Nullable<AnyTimestamp>)]
    changed_at: Option<Utc>,
}

/// What is known about a product; `None` where there is none of this id.
pub(crate) fn read(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
) -> StoreResult<Option<Known>> {
    let mut found = read_many(conn, organization, &[Id(product.uuid())])?;
    Ok(found.remove(&Id(product.uuid())))
}

/// What is known about some products, by their ids.
pub(super) fn read_many(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    products: &[Id],
) -> StoreResult<HashMap<Id, Known>> {
    let organization = Id(organization.uuid());
    let rows: Vec<Row> = match conn {
        // Planning takes longer than reading: once for all.
        AnyConnection::Postgres(conn) => {
            diesel::sql_query(statement("JOIN LATERAL", "p.id", "ANY($2)"))
                .bind::<AnyUuid, _>(organization)
                .bind::<Array<AnyUuid>, _>(products)
                .load(conn)?
        }
        AnyConnection::Sqlite(conn) => {
            let mut rows = Vec::with_capacity(products.len());
            for product in products {
                let asked = OfOne {
                    organization,
                    product,
                };
                let found: Option<Row> = asked.get_result(conn).optional()?;
                rows.extend(found);
            }
            rows
        }
    };
    let known = |row: Row| -> StoreResult<(Id, Known)> {
        let known = Known {
            space: SpaceId::new(row.space_id.0),
            name: row.name.clone(),
            archived: row.archived,
            evidence: row.evidence().map_err(StoreError)?,
        };
        Ok((row.id, known))
    };
    rows.into_iter().map(known).collect()
}

statement! {
    /// What is known about one product. The parameters get their numbers where they stand first.
    struct OfOne<'a> for (Sqlite as SqliteConnection) {
        "WITH asked AS (SELECT " organization: Id as AnyUuid,
        ", " product: &'a Id as AnyUuid; OF_ONE.as_str() => Untyped
    }
}

static OF_ONE: LazyLock<String> =
    LazyLock::new(|| format!(") {}", statement("JOIN", "$2", "$2").replace('$', "?")));

fn statement(join: &str, id: &str, wanted: &str) -> String {
    let statement = STATEMENT.replace("{join}", join).replace("{id}", id);
    statement + wanted
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

impl Row {
    fn evidence(&self) -> Result<Option<Evidence>, RepositoryError> {
        let Ok(kind) = self.product_type.parse::<ProductKind>() else {
            return Ok(None);
        };
        let gate = LifecycleGate::derive(self.lifecycle_stage.as_deref(), &self.deployment_status)
            .map_err(|error| corrupt("products", "lifecycle_stage")(error.into()))?;
        let at = |at: Option<Utc>| at.map(|Utc(at)| at);
        Ok(Some(Evidence {
            kind,
            gate,
            has_owner: self.has_owner,
            has_purpose: self.has_purpose,
            risk_classification: self.risk_classification.clone(),
            dependencies: Dependencies {
                declared: count(self.dependencies),
                declared_none: self.declared_none,
                changed_since_evaluation: at(self.changed_at),
            },
            runs: Runs {
                total: count(self.runs),
                completed: count(self.completed_runs),
                completed_evaluations: count(self.evaluation_runs),
                deployed: (self.deployed_runs > 0).then(|| DeployedRun {
                    effective_at: at(self.deployed_at),
                }),
            },
            metrics: Metrics {
                total: count(self.metrics),
                measured: count(self.measured_metrics),
            },
            policies: count(self.policies),
            mitigations: Mitigations {
                total: count(self.mitigations),
                open: count(self.open_mitigations),
                high_due_at: at(self.high_due_at),
                critical_due_at: at(self.critical_due_at),
            },
            snapshots: Snapshots {
                total: count(self.snapshots.unwrap_or_default()),
                latest_captured_at: at(self.latest_captured_at),
            },
            has_monitoring_plan: self.has_monitoring_plan,
            documentation: self.has_documentation.then(|| Documentation {
                updated_at: at(self.documentation_updated_at),
            }),
            reviews: Reviews {
                total: count(self.reviews),
                open: self.open_reviews > 0,
                latest_approved: self
                    .latest_status
                    .as_ref()
                    .map(|status| status == "approved"),
                approval: self.approved_status.as_ref().map(|_| Approval {
                    expires_at: at(self.approval_expires_at),
                }),
            },
            next_review_due_at: at(self.next_review_due_at),
            versions: count(self.versions),
            registered_models: count(self.registered_models),
            runtime_events: count(self.runtime_events),
        }))
    }
}
