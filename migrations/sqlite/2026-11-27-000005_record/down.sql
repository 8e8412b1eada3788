DROP TABLE audit_explanations;

CREATE TABLE audit_checkpoints_of_one (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    size INTEGER NOT NULL CHECK (size >= 0),
    note TEXT NOT NULL,
    signed_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, size)
) STRICT, WITHOUT ROWID;

INSERT INTO audit_checkpoints_of_one (organization_id, size, note, signed_at)
SELECT c.organization_id, c.size, c.note, c.signed_at FROM audit_checkpoints c
JOIN audit_heads h ON h.organization_id = c.organization_id AND h.epoch = c.epoch;
DROP TABLE audit_checkpoints;
ALTER TABLE audit_checkpoints_of_one RENAME TO audit_checkpoints;
