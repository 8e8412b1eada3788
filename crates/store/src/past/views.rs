//! The temporary views that show rows as they were.

use diesel::prelude::*;
use diesel::sql_types::Text;
use probity_kernel::text::hex;

use super::Past;
use crate::connection::AnyConnection;
use crate::error::StoreResult;

/// How this database spells what the views name.
pub(super) struct Names {
    /// The schema of the tables.
    real: String,
    /// The schema of the views.
    temporary: &'static str,
    organization: String,
    at: String,
    frontier: String,
    postgres: bool,
}

impl Names {
    pub(super) fn of(conn: &mut AnyConnection, past: &Past) -> StoreResult<Self> {
        #[derive(QueryableByName)]
        struct Schema {
            #[diesel(sql_type = Text)]
            name: String,
        }
        let hex = hex(&past.frontier);
        let micros = past.at.unix_timestamp_nanos().div_euclid(1000);
        if !conn.is_postgres() {
            return Ok(Self {
                real: "main".to_owned(),
                temporary: "temp",
                organization: format!("x'{}'", past.organization.uuid().simple()),
                at: micros.to_string(),
                frontier: format!("x'{hex}'"),
                postgres: false,
            });
        }
        let query = "SELECT quote_ident(current_schema()::text) AS name";
        let schema: Schema = diesel::sql_query(query).get_result(conn)?;
        Ok(Self {
            real: schema.name,
            temporary: "pg_temp",
            organization: format!("'{}'::uuid", past.organization),
            at: format!("(TIMESTAMPTZ 'epoch' + {micros} * INTERVAL '1 microsecond')"),
            frontier: format!("'\\x{hex}'::bytea"),
            postgres: true,
        })
    }
}

/// The columns of a table in their order, as statements spell them.
pub(crate) fn columns(conn: &mut AnyConnection, table: &str) -> StoreResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let query = if conn.is_postgres() {
        format!(
            "SELECT quote_ident(attname) AS name FROM pg_attribute WHERE attrelid = '{table}'::regclass \
             AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
    } else {
        format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid")
    };
    let rows: Vec<Column> = diesel::sql_query(query).load(conn)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// Rows that nothing has changed since, and those that were changed as they were before the first
/// change.
pub(super) fn changing(
    names: &Names,
    size: i64,
    table: &str,
    key: &[&str],
    columns: &[String],
) -> String {
    let Names {
        real,
        temporary,
        organization,
        ..
    } = names;
    let same = |one: &str, other: &str| {
        let keys = key.iter();
        let keys = keys.map(|column| format!(" AND {one}.{column} = {other}.{column}"));
        format!(
            "{one}.organization_id = {other}.organization_id{}",
            keys.collect::<String>()
        )
    };
    let columns = |of: &str| {
        let all: Vec<String> = columns.iter().map(|name| format!("{of}.{name}")).collect();
        all.join(", ")
    };
    let present = if names.postgres {
        "p.present"
    } else {
        "p.present = 1"
    };
    format!(
        "CREATE VIEW {temporary}.{table} AS SELECT {of_row} FROM {real}.{table} b \
         WHERE b.organization_id = {organization} AND NOT EXISTS (SELECT 1 FROM {real}.{table}_past q \
         WHERE {row_key} AND q.log_size >= {size}) \
         UNION ALL SELECT {of_note} FROM {real}.{table}_past p \
         WHERE p.organization_id = {organization} AND p.log_size >= {size} AND {present} \
         AND NOT EXISTS (SELECT 1 FROM {real}.{table}_past q \
         WHERE {note_key} AND q.log_size >= {size} AND q.no < p.no);\n",
        of_row = columns("b"),
        of_note = columns("p"),
        row_key = same("q", "b"),
        note_key = same("q", "p"),
    )
}

/// Where products stood: for each that has a standing now, out of the snapshots that there were. Asked
/// product by product, which a view that groups would not be.
fn standings(names: &Names) -> String {
    let Names {
        real,
        temporary,
        organization,
        at,
        postgres,
        ..
    } = names;
    let of_product = "s.organization_id = b.organization_id AND s.product_id = b.product_id";
    let of_then = format!("{of_product} AND s.received_at <= {at}");
    // SQLite asks two tables for one product, but not a view of both that is counted.
    let tables: &[&str] = if *postgres {
        &["metric_snapshots"]
    } else {
        &["filed_snapshots", "arrived_snapshots"]
    };
    let counted = tables
        .iter()
        .map(|table| format!("(SELECT COUNT(*) FROM {real}.{table} s WHERE {of_then})"))
        .collect::<Vec<_>>()
        .join(" + ");
    format!(
        "SELECT b.organization_id, b.product_id, \
         (SELECT s.captured_at FROM {temporary}.metric_snapshots s WHERE {of_product} \
         ORDER BY s.captured_at DESC LIMIT 1) AS latest_captured_at, \
         (SELECT n.status FROM (SELECT s.status, s.captured_at, s.id FROM {temporary}.metric_snapshots s \
         WHERE {of_product} ORDER BY s.captured_at DESC, s.id DESC LIMIT 1) n) AS latest_status, \
         {counted} AS snapshots FROM {real}.product_standings b WHERE b.organization_id = {organization} \
         AND EXISTS (SELECT 1 FROM {real}.metric_snapshots s WHERE {of_then})"
    )
}

/// What is only ever added to, and what follows from other tables.
#[expect(clippy::too_many_lines, reason = "one list of views")]
pub(super) fn derived(names: &Names, past: &Past) -> String {
    let Names {
        real,
        temporary,
        organization,
        at,
        frontier,
        ..
    } = names;
    let size = past.size;
    let view = |name: &str, query: String| format!("CREATE VIEW {temporary}.{name} AS {query};\n");
    [
        view(
            "metric_snapshots",
            format!(
                "SELECT * FROM {real}.metric_snapshots \
                 WHERE organization_id = {organization} AND received_at <= {at}"
            ),
        ),
        view("product_standings", standings(names)),
        view(
            "runtime_events",
            format!(
                "SELECT * FROM {real}.runtime_events \
                 WHERE organization_id = {organization} AND created_at <= {at}"
            ),
        ),
        view(
            "runtime_event_totals",
            format!(
                "SELECT organization_id, product_id, event_type, COUNT(*) AS events \
                 FROM {temporary}.runtime_events GROUP BY organization_id, product_id, event_type"
            ),
        ),
        view(
            "registry_totals",
            format!(
                "SELECT organization_id, risk_tier, validation_status, COUNT(*) AS models \
                 FROM {temporary}.registered_models GROUP BY organization_id, risk_tier, validation_status"
            ),
        ),
        view(
            "registry_heads",
            // Positions of the past are not known to be contiguous.
            format!(
                "SELECT organization_id, CAST(-1 AS BIGINT) AS next_position, last_created_at \
                 FROM {real}.registry_heads WHERE organization_id = {organization}"
            ),
        ),
        view(
            "product_listing",
            // Places in lists are given once; what lists filter by follows from the product.
            format!(
                "SELECT b.position, p.organization_id, p.id AS product_id, p.space_id, p.product_type, \
                 COALESCE(m.model_family, '') AS model_family, COALESCE(m.model_task_type, '') AS model_task_type, \
                 m.deployment_status, COALESCE(p.risk_classification, '') AS risk_classification, \
                 p.archived_at IS NOT NULL AS archived FROM {temporary}.products p \
                 JOIN {temporary}.product_models m ON m.product_id = p.id JOIN {real}.product_listing b \
                 ON b.organization_id = p.organization_id AND b.product_id = p.id"
            ),
        ),
        view(
            "product_totals",
            format!(
                "SELECT organization_id, space_id, product_type, model_family, model_task_type, deployment_status, \
                 risk_classification, archived, COUNT(*) AS products FROM {temporary}.product_listing \
                 GROUP BY organization_id, space_id, product_type, model_family, model_task_type, \
                 deployment_status, risk_classification, archived"
            ),
        ),
        view(
            "governance_events",
            format!(
                "SELECT * FROM {real}.governance_events \
                 WHERE organization_id = {organization} AND audit_index < {size}"
            ),
        ),
        view(
            "audit_heads",
            format!(
                "SELECT organization_id, no, epoch, CAST({size} AS BIGINT) AS size, {frontier} AS frontier \
                 FROM {real}.audit_heads WHERE organization_id = {organization}"
            ),
        ),
    ]
    .concat()
}
