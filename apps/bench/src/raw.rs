//! Raw SQLite: what one thread commits durably with nothing around it.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::Outcome;
use crate::number::float;
use crate::tables::{PRAGMAS, SQLITE, link};

/// Rows per second at so many rows per commit, each with its audit row; on a fresh database.
pub(crate) fn rows_per_second(folder: &Path, batch: u64, time: Duration) -> Outcome<f64> {
    let path = folder.join(format!("raw-{batch}.db"));
    let conn = Connection::open(&path)?;
    conn.execute_batch(PRAGMAS)?;
    conn.execute_batch(SQLITE)?;
    let mut chain = [0_u8; 32];
    let mut written = 0_u64;
    let started = Instant::now();
    while started.elapsed() < time {
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for _ in 0..batch {
            written += 1;
            chain = write(&conn, written, &chain)?;
        }
        conn.prepare_cached("COMMIT")?.execute([])?;
    }
    let rate = float(written) / started.elapsed().as_secs_f64();
    drop(conn);
    for suffix in ["", "-wal", "-shm"] {
        // The last connection removes all but the first.
        let _ = std::fs::remove_file(folder.join(format!("raw-{batch}.db{suffix}")));
    }
    Ok(rate)
}

fn write(conn: &Connection, number: u64, chain: &[u8; 32]) -> Outcome<[u8; 32]> {
    let id = format!("snap_{number:026x}");
    let model = format!("model-{:04}", number % 100);
    let at = 1_700_000_000_000_000 + i64::try_from(number)?;
    let hash = link(chain, &id, &model, at, "GREEN");
    conn.prepare_cached(
        "INSERT INTO snapshots (id, organization, model_id, captured_at, drift, fairness, psi, \
         disparate_impact, sample_size, status) VALUES (?1, 'bench', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        id, model, at, 15.2, 92.1, 0.05, 0.95, 5000, "GREEN"
    ])?;
    conn.prepare_cached(
        "INSERT INTO audit (snapshot_id, action, at, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![id, "metric.ingested", at, chain, hash])?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::write;
    use crate::tables::SQLITE;

    #[test]
    fn each_audit_row_holds_the_hash_of_the_one_before() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(SQLITE).unwrap();
        let mut chain = [0; 32];
        for number in 1..=3 {
            let mut read = conn
                .prepare_cached("SELECT hash FROM audit WHERE seq = ?1")
                .unwrap();
            let next = write(&conn, number, &chain).unwrap();
            let stored: [u8; 32] = read
                .query_row([number.cast_signed()], |row| row.get(0))
                .unwrap();
            assert_eq!(stored, next);
            chain = next;
        }
        let unbroken: i64 = conn
            .query_row(
                "SELECT COUNT(*) FROM audit b JOIN audit a ON b.seq = a.seq + 1 AND b.previous = a.hash",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(unbroken, 2);
    }
}
