//! Fills a catalog fast: products that the server created itself are copied within its database, with
//! ids, names, texts and postures of their own, and lists and totals are made anew. The server is stopped
//! meanwhile. Copies have no leaf on the record and no past.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::Outcome;
use crate::product::{Home, PostgresDatabase, psql};

/// The id of the first copy, as addresses spell it.
pub(crate) const FIRST_COPY: &str = "01900000-0000-7000-8000-000000000000";
/// A word that one copy in ten has.
pub(crate) const COMMON: &str = "mortgage";

/// How many products the server creates itself.
const TEMPLATES: usize = 4;
const SUBJECTS: [&str; 10] = [
    COMMON,
    "overdraft",
    "liquidity",
    "chargeback",
    "collateral",
    "churn",
    "claims",
    "pricing",
    "fraud",
    "sanctions",
];

/// The tables that hold a product, and the column of its id.
const TABLES: [(&str, &str); 4] = [
    ("products", "id"),
    ("product_models", "product_id"),
    ("product_governance", "product_id"),
    ("product_postures", "product_id"),
];

/// What lists filter by, in the order of their totals.
const FACETS: &str = "organization_id, space_id, product_type, model_family, model_task_type, \
                      deployment_status, risk_classification, archived";

/// A catalog with so many products, on SQLite or on a PostgreSQL server.
pub(crate) fn products(program: &Path, postgres: Option<&str>, count: u64) -> Outcome<Home> {
    let database = postgres.map(|url| PostgresDatabase::create(url, "fleet"));
    let home = Home::new(program, database.transpose()?)?;
    {
        let (served, _) = home.serve()?;
        home.products(&served, TEMPLATES)?;
        served.end()?;
    }
    let copies = count.saturating_sub(u64::try_from(TEMPLATES)?);
    match home.postgres_url() {
        Some(url) => copy_postgres(&url, copies)?,
        None => copy_sqlite(&home.file(), copies)?,
    }
    Ok(home)
}

fn copy_sqlite(file: &Path, copies: u64) -> Outcome<()> {
    let conn = Connection::open(file)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    conn.execute_batch("PRAGMA cache_size = -262144; BEGIN IMMEDIATE")?;
    conn.execute_batch(&format!(
        "CREATE TEMP TABLE numbers AS WITH RECURSIVE n(number) AS (SELECT 0 UNION ALL \
         SELECT number + 1 FROM n WHERE number + 1 < {copies}) SELECT number, \
         unhex(printf('01900000000070008000%012x', number)) AS id, \
         printf('copy-%07d', number) AS name FROM n"
    ))?;
    let columns = |table: &str| -> Outcome<Vec<String>> {
        let mut found = conn.prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
        Ok(found
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?)
    };
    for statement in statements(columns)? {
        conn.execute_batch(&statement)?;
    }
    conn.execute_batch(
        "INSERT INTO product_search_index (product_search_index) VALUES ('rebuild'); \
         COMMIT; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)",
    )?;
    Ok(())
}

fn copy_postgres(url: &str, copies: u64) -> Outcome<()> {
    let columns = |table: &str| -> Outcome<Vec<String>> {
        let found = psql(
            url,
            &format!(
                "SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass \
                 AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            ),
        )?;
        Ok(found.lines().map(str::to_owned).collect())
    };
    let mut script = format!(
        "SET session_replication_role = replica; BEGIN; \
         CREATE TEMP TABLE numbers AS SELECT number, \
         ('01900000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid AS id, \
         'copy-' || lpad(number::text, 7, '0') AS name \
         FROM generate_series(0::bigint, {copies} - 1) number;"
    );
    for statement in statements(columns)? {
        script.push_str(&statement);
    }
    script.push_str(
        "INSERT INTO search_pending SELECT organization_id, 1, position, NULL FROM product_search \
         ON CONFLICT DO NOTHING; COMMIT; ANALYZE",
    );
    psql(url, &script).map(drop)
}

/// What fills the tables once the numbers, ids and names of the copies are there.
fn statements(columns: impl Fn(&str) -> Outcome<Vec<String>>) -> Outcome<Vec<String>> {
    let subjects = SUBJECTS.iter().enumerate();
    let subjects: Vec<String> = subjects
        .map(|(place, word)| format!("({place}, '{word}')"))
        .collect();
    let mut statements = vec![format!(
        "CREATE TEMP TABLE words (place BIGINT, subject TEXT); INSERT INTO words VALUES {}; \
         CREATE TEMP TABLE copies AS SELECT n.number, n.id, n.name, t.id AS template, w.subject \
         FROM numbers n JOIN words w ON w.place = n.number % 10 \
         JOIN (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS place FROM products) t \
         ON t.place = n.number % {TEMPLATES};",
        subjects.join(", ")
    )];
    for (table, key) in TABLES {
        statements.push(copied(&columns(table)?, table, key));
    }
    statements.push(listed());
    Ok(statements)
}

/// Copies the rows of one table; whatever columns there are, these are the copies' own. Scores and
/// drifts spread over sixty ways to stand.
fn copied(columns: &[String], table: &str, key: &str) -> String {
    let values = columns.iter().map(|column| match column.as_str() {
        column if column == key => "c.id".to_owned(),
        "slug" | "name" => "c.name".to_owned(),
        "score" => "c.number % 60 + 20".to_owned(),
        "drift" => "1 << CAST(c.number % 5 AS INTEGER)".to_owned(),
        "risk_classification" => chosen(&["high", "limited", "minimal"]),
        "deployment_status" => chosen(&["production", "development"]),
        "model_family" => chosen(&[
            "genai",
            "agent",
            "traditional_ml",
            "other",
            "embedding_model",
        ]),
        other => format!("t.{other}"),
    });
    format!(
        "INSERT INTO {table} ({}) SELECT {} FROM copies c CROSS JOIN {table} t WHERE t.{key} = c.template;",
        columns.join(", "),
        values.collect::<Vec<_>>().join(", "),
    )
}

/// One of these by the number of the copy.
fn chosen(among: &[&str]) -> String {
    let cases = among.iter().enumerate();
    let cases: Vec<String> = cases
        .map(|(place, word)| format!("WHEN {place} THEN '{word}'"))
        .collect();
    format!("CASE c.number % {} {} END", among.len(), cases.join(" "))
}

/// Lists, texts and totals of the copies.
fn listed() -> String {
    format!(
        "INSERT INTO product_listing (position, product_id, {FACETS}) \
         SELECT o.no * 1099511627776 + {TEMPLATES} + c.number, p.id, p.organization_id, p.space_id, \
         p.product_type, COALESCE(m.model_family, ''), COALESCE(m.model_task_type, ''), \
         m.deployment_status, COALESCE(p.risk_classification, ''), p.archived_at IS NOT NULL \
         FROM copies c JOIN products p ON p.id = c.id JOIN product_models m ON m.product_id = c.id \
         JOIN organizations o ON o.id = p.organization_id; \
         INSERT INTO product_search (position, organization_id, search_text) \
         SELECT l.position, l.organization_id, c.name || '\n' || c.name || '\n' || c.subject || \
         ' model of portfolio ' || CAST(c.number / 10 AS TEXT) || ', owned by team ' || \
         CAST(c.number % 1000 AS TEXT) || '. estimates losses of small businesses within a year; \
         trained on transactions and bureau features, reviewed by model risk.' \
         FROM copies c JOIN product_listing l ON l.product_id = c.id; \
         DELETE FROM product_totals; INSERT INTO product_totals ({FACETS}, products) \
         SELECT {FACETS}, COUNT(*) FROM product_listing GROUP BY 1, 2, 3, 4, 5, 6, 7, 8; \
         DELETE FROM posture_totals; INSERT INTO posture_totals (organization_id, space_id, \
         lifecycle_gate, review_status, score, drift, worst_severity, products) \
         SELECT organization_id, space_id, lifecycle_gate, review_status, score, drift, \
         COALESCE(worst_severity, 'none'), COUNT(*) FROM product_postures GROUP BY 1, 2, 3, 4, 5, 6, 7;"
    )
}
