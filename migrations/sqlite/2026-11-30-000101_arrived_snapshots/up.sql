-- Snapshots are written in the order in which they arrive, side by side, and filed with those of their
-- product many at a time. `metric_snapshots` is all of them, wherever they are. A plain table, whose
-- rowids begin at 1 each time it was emptied: the last one tells how many wait.
ALTER TABLE metric_snapshots RENAME TO filed_snapshots;

CREATE TABLE arrived_snapshots (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    product_id BLOB NOT NULL,
    captured_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    drift_score REAL NOT NULL CHECK (drift_score BETWEEN 0 AND 100),
    fairness_score REAL NOT NULL CHECK (fairness_score BETWEEN 0 AND 100),
    psi REAL CHECK (psi >= 0),
    disparate_impact REAL CHECK (disparate_impact >= 0),
    sample_size INTEGER NOT NULL CHECK (sample_size BETWEEN 1 AND 9007199254740992),
    status TEXT NOT NULL CHECK (status IN ('GREEN', 'AMBER', 'RED')),
    threshold_source TEXT NOT NULL CHECK (threshold_source IN ('global_defaults', 'risk_metric_link')),
    received_at INTEGER NOT NULL,
    notes TEXT,
    recipe TEXT
) STRICT;

CREATE VIEW metric_snapshots AS
SELECT * FROM filed_snapshots UNION ALL SELECT * FROM arrived_snapshots;
