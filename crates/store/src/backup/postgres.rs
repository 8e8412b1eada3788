//! PostgreSQL: every table as JSON, one row per line, all of one snapshot.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::{CopyError, settle};

/// How many rows are read, or written, at a time.
const STEP: usize = 500;
/// At most so many bytes of rows are written at a time.
const STEP_BYTES: usize = 8 << 20;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    to: String,
}

/// The tables, each after those that it refers to.
fn tables(conn: &mut PgConnection) -> Result<Vec<String>, CopyError> {
    let all: Vec<Row> = diesel::sql_query(
        "SELECT relname::text AS row FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
         AND relkind = 'r' AND relname <> '__diesel_schema_migrations' ORDER BY relname",
    )
    .load(conn)?;
    let references: Vec<Reference> = diesel::sql_query(
        "SELECT DISTINCT c.relname::text AS of, p.relname::text AS to FROM pg_constraint k \
         JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid \
         WHERE k.contype = 'f' AND k.conrelid <> k.confrelid \
         AND c.relnamespace = current_schema()::regnamespace",
    )
    .load(conn)?;
    let mut waiting: Vec<String> = all.into_iter().map(|row| row.row).collect();
    let mut placed: BTreeSet<String> = BTreeSet::new();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = |table: &String| {
            let mut needs = references.iter().filter(|reference| reference.of == *table);
            needs.all(|reference| placed.contains(&reference.to))
        };
        let (now, later): (Vec<String>, Vec<String>) = waiting.iter().cloned().partition(ready);
        if now.is_empty() {
            return Err(CopyError::Database(format!(
                "tables refer to one another in a circle: {}",
                later.join(", ")
            )));
        }
        placed.extend(now.iter().cloned());
        ordered.extend(now);
        waiting = later;
    }
    Ok(ordered)
}

fn file_of(table: &str) -> PathBuf {
    PathBuf::from(format!("{table}.jsonl"))
}

/// Opens the transaction of which everything is read.
pub(super) fn begin(conn: &mut PgConnection) -> Result<(), CopyError> {
    Ok(conn.batch_execute(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
         SELECT set_config('app.org', '', true), set_config('app.scope', 'system', true)",
    )?)
}

/// Copies every table into a file of the folder, within the transaction.
pub(super) fn copy(conn: &mut PgConnection, folder: &Path) -> Result<Vec<PathBuf>, CopyError> {
    let mut files = Vec::new();
    for table in tables(conn)? {
        let name = file_of(&table);
        copy_table(conn, &table, &folder.join(&name))?;
        files.push(name);
    }
    Ok(files)
}

fn copy_table(conn: &mut PgConnection, table: &str, path: &Path) -> Result<(), CopyError> {
    let wrong = |error| CopyError::file(path, error);
    let mut file = BufWriter::new(File::create_new(path).map_err(wrong)?);
    conn.batch_execute(&format!(
        "DECLARE rows CURSOR FOR SELECT to_jsonb(t)::text AS row FROM \"{table}\" t"
    ))?;
    loop {
        let rows: Vec<Row> = diesel::sql_query(format!("FETCH {STEP} FROM rows")).load(conn)?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            file.write_all(row.row.as_bytes()).map_err(wrong)?;
            file.write_all(b"\n").map_err(wrong)?;
        }
    }
    conn.batch_execute("CLOSE rows")?;
    file.flush().map_err(wrong)?;
    drop(file);
    settle(path)
}

/// Fills the empty tables from the files of the folder, in one transaction.
pub(super) fn bring_back(conn: &mut PgConnection, folder: &Path) -> Result<(), CopyError> {
    conn.batch_execute(
        "BEGIN; SELECT set_config('app.org', '', true), set_config('app.scope', 'system', true)",
    )?;
    let tables = tables(conn)?;
    // What triggers would add is in the copy already.
    for table in &tables {
        conn.batch_execute(&format!("ALTER TABLE \"{table}\" DISABLE TRIGGER USER"))?;
    }
    for table in &tables {
        fill(conn, table, &folder.join(file_of(table)))?;
    }
    for table in &tables {
        conn.batch_execute(&format!("ALTER TABLE \"{table}\" ENABLE TRIGGER USER"))?;
        if table.ends_with("_past") {
            conn.batch_execute(&format!(
                "SELECT setval(pg_get_serial_sequence('{table}', 'no'), \
                 (SELECT COALESCE(MAX(no), 0) + 1 FROM \"{table}\"), false)"
            ))?;
        }
    }
    conn.batch_execute("COMMIT; ANALYZE")?;
    Ok(())
}

fn fill(conn: &mut PgConnection, table: &str, path: &Path) -> Result<(), CopyError> {
    let wrong = |error| CopyError::file(path, error);
    let file = BufReader::new(File::open(path).map_err(wrong)?);
    let mut batch = String::new();
    let mut rows = 0;
    for line in file.lines() {
        let line = line.map_err(wrong)?;
        batch.push(if rows == 0 { '[' } else { ',' });
        batch.push_str(&line);
        rows += 1;
        if rows == STEP || batch.len() > STEP_BYTES {
            insert(conn, table, &mut batch)?;
            rows = 0;
        }
    }
    if rows > 0 {
        insert(conn, table, &mut batch)?;
    }
    Ok(())
}

fn insert(conn: &mut PgConnection, table: &str, batch: &mut String) -> Result<(), CopyError> {
    batch.push(']');
    let statement = format!(
        "INSERT INTO \"{table}\" SELECT * FROM jsonb_populate_recordset(NULL::\"{table}\", $1::jsonb)"
    );
    diesel::sql_query(statement)
        .bind::<Text, _>(std::mem::take(batch))
        .execute(conn)?;
    Ok(())
}
