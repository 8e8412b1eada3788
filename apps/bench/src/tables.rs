//! The tables that the references write: a snapshot with a unique text id and an index by product
//! and time, and one audit row that is chained to the one before it.

use sha2::{Digest as _, Sha256};

/// For SQLite.
pub(crate) const SQLITE: &str = "
CREATE TABLE snapshots (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, organization TEXT NOT NULL,
    model_id TEXT NOT NULL, captured_at INTEGER NOT NULL, drift REAL NOT NULL,
    fairness REAL NOT NULL, psi REAL, disparate_impact REAL, sample_size INTEGER NOT NULL,
    status TEXT NOT NULL
);
CREATE INDEX snapshots_by_model ON snapshots (model_id, captured_at);
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, snapshot_id TEXT NOT NULL, action TEXT NOT NULL,
    at INTEGER NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL
);";

/// For PostgreSQL.
pub(crate) const POSTGRES: &str = "
CREATE TABLE snapshots (
    seq BIGSERIAL PRIMARY KEY, id TEXT NOT NULL UNIQUE, organization TEXT NOT NULL,
    model_id TEXT NOT NULL, captured_at BIGINT NOT NULL, drift DOUBLE PRECISION NOT NULL,
    fairness DOUBLE PRECISION NOT NULL, psi DOUBLE PRECISION, disparate_impact DOUBLE PRECISION,
    sample_size BIGINT NOT NULL, status TEXT NOT NULL
);
CREATE INDEX snapshots_by_model ON snapshots (model_id, captured_at);
CREATE TABLE audit (
    seq BIGSERIAL PRIMARY KEY, snapshot_id TEXT NOT NULL, action TEXT NOT NULL,
    at BIGINT NOT NULL, previous BYTEA NOT NULL, hash BYTEA NOT NULL
);";

/// The pragmas of a durable SQLite connection.
pub(crate) const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA busy_timeout = 30000; PRAGMA cache_size = -65536;";

/// The next link of the chain: SHA-256 over the last one and the row's fields.
pub(crate) fn link(previous: &[u8], id: &str, model: &str, at: i64, status: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    for part in [id, "metric.ingested", model, status] {
        hasher.update(part);
    }
    hasher.update(at.to_be_bytes());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_link_depends_on_the_one_before_and_on_every_field() {
        let base = link(&[0; 32], "a", "m", 1, "GREEN");
        let others = [
            link(&[1; 32], "a", "m", 1, "GREEN"),
            link(&[0; 32], "b", "m", 1, "GREEN"),
            link(&[0; 32], "a", "n", 1, "GREEN"),
            link(&[0; 32], "a", "m", 2, "GREEN"),
            link(&[0; 32], "a", "m", 1, "RED"),
        ];
        assert!(others.iter().all(|other| *other != base));
    }
}
