//! Fills a catalog fast: products that the server created itself are copied within its database, with
//! ids, names and postures of their own, and the totals are counted anew. The server is stopped
//! meanwhile. Copies have no leaf on the record.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::Outcome;
use crate::product::Home;

/// The id of the first copy.
const FIRST: u128 = 0x0190_0000_0000_7000_8000_0000_0000_0000;
/// The id of the first copy, as addresses spell it.
pub(crate) const FIRST_COPY: &str = "01900000-0000-7000-8000-000000000000";

/// The tables that hold a product, and the column of its id.
const TABLES: [(&str, &str); 4] = [
    ("products", "id"),
    ("product_models", "product_id"),
    ("product_governance", "product_id"),
    ("product_postures", "product_id"),
];

/// A catalog with so many products.
pub(crate) fn products(program: &Path, count: u64) -> Outcome<Home> {
    let home = Home::new(program, None)?;
    {
        let (served, _) = home.serve()?;
        home.products(&served, 4)?;
        served.end()?;
    }
    copy(&home.file(), count)?;
    Ok(home)
}

fn copy(file: &Path, count: u64) -> Outcome<()> {
    let conn = Connection::open(file)?;
    conn.execute_batch("PRAGMA cache_size = -262144; BEGIN IMMEDIATE")?;
    let templates: Vec<Vec<u8>> = conn
        .prepare("SELECT id FROM products ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    conn.execute_batch(
        "CREATE TEMP TABLE copies (template BLOB, id BLOB, name TEXT, number INTEGER)",
    )?;
    let made = u64::try_from(templates.len())?;
    let mut insert = conn.prepare("INSERT INTO copies VALUES (?1, ?2, ?3, ?4)")?;
    for number in 0..count.saturating_sub(made) {
        let template = templates.get(usize::try_from(number % made)?);
        let template = template.ok_or("nothing to copy")?;
        let id = (FIRST + u128::from(number)).to_be_bytes();
        let name = format!("copy-{number:07}");
        insert.execute(params![template, id, name, i64::try_from(number)?])?;
    }
    drop(insert);
    for (table, key) in TABLES {
        conn.execute(&statement(&conn, table, key)?, [])?;
    }
    conn.execute_batch(
        "DELETE FROM posture_totals; INSERT INTO posture_totals (organization_id, space_id, \
         lifecycle_gate, review_status, score, drift, worst_severity, products) \
         SELECT organization_id, space_id, lifecycle_gate, review_status, score, drift, \
         COALESCE(worst_severity, 'none'), COUNT(*) FROM product_postures GROUP BY 1, 2, 3, 4, 5, 6, 7; \
         COMMIT; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)",
    )?;
    Ok(())
}

/// Copies the rows of one table; whatever columns there are, these are the copies' own. Scores and
/// drifts spread over sixty ways to stand.
fn statement(conn: &Connection, table: &str, key: &str) -> Outcome<String> {
    let columns: Vec<String> = conn
        .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let values = columns.iter().map(|column| match column.as_str() {
        column if column == key => "c.id".to_owned(),
        "slug" | "name" => "c.name".to_owned(),
        "score" => "c.number % 60 + 20".to_owned(),
        "drift" => "1 << (c.number % 5)".to_owned(),
        other => format!("t.{other}"),
    });
    Ok(format!(
        "INSERT INTO {table} ({}) SELECT {} FROM copies c CROSS JOIN {table} t ON t.{key} = c.template",
        columns.join(", "),
        values.collect::<Vec<_>>().join(", "),
    ))
}
