-- The record: checkpoints of several epochs, and where the leaves stand that explain what is gone.

CREATE TABLE audit_checkpoints_of_epochs (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    size INTEGER NOT NULL CHECK (size >= 0),
    note TEXT NOT NULL,
    signed_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, epoch, size)
) STRICT, WITHOUT ROWID;

INSERT INTO audit_checkpoints_of_epochs (organization_id, epoch, size, note, signed_at)
SELECT organization_id, 1, size, note, signed_at FROM audit_checkpoints;
DROP TABLE audit_checkpoints;
ALTER TABLE audit_checkpoints_of_epochs RENAME TO audit_checkpoints;

-- Entries whose leaves explain absences (audit.redact, audit.prune): an export looks them up instead of reading the log.
CREATE TABLE audit_explanations (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    audit_index INTEGER NOT NULL CHECK (audit_index >= 0),
    PRIMARY KEY (organization_id, audit_index)
) STRICT, WITHOUT ROWID;
