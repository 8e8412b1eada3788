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
    let mut inserts = TABLES
        .iter()
        .map(|(table, key)| Ok(conn.prepare(&statement(&conn, table, key)?)?))
        .collect::<Outcome<Vec<_>>>()?;
    let made = u64::try_from(templates.len())?;
    for number in 0..count.saturating_sub(made) {
        let template = templates.get(usize::try_from(number % made)?);
        let template = template.ok_or("nothing to copy")?;
        let id = (FIRST + u128::from(number)).to_be_bytes();
        for insert in &mut inserts {
            let name = format!("copy-{number:07}");
            insert.execute(params![template, id, name, i64::try_from(number)?])?;
        }
    }
    drop(inserts);
    conn.execute_batch(
        "DELETE FROM posture_totals; INSERT INTO posture_totals (organization_id, space_id, \
         lifecycle_gate, review_status, score, drift, worst_severity, products) \
         SELECT organization_id, space_id, lifecycle_gate, review_status, score, drift, \
         COALESCE(worst_severity, 'none'), COUNT(*) FROM product_postures GROUP BY 1, 2, 3, 4, 5, 6, 7; \
         COMMIT; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)",
    )?;
    Ok(())
}

/// Copies one row; whatever columns there are, these are its own. Scores and drifts spread over 300
/// ways to stand. The condition binds what a table has no column for.
fn statement(conn: &Connection, table: &str, key: &str) -> Outcome<String> {
    let columns: Vec<String> = conn
        .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let values = columns.iter().map(|column| match column.as_str() {
        column if column == key => "?2",
        "slug" | "name" => "?3",
        "score" => "?4 % 60 + 20",
        "drift" => "1 << (?4 % 5)",
        other => other,
    });
    Ok(format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {table} WHERE {key} = ?1 AND ?3 <> '' AND ?4 >= 0",
        columns.join(", "),
        values.collect::<Vec<_>>().join(", "),
    ))
}
