CREATE TABLE spent_claims (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    outcome TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, scope, key)
) STRICT, WITHOUT ROWID;
INSERT INTO spent_claims SELECT * FROM idempotency_records;
DROP TABLE idempotency_records;
ALTER TABLE spent_claims RENAME TO idempotency_records;
CREATE INDEX idempotency_by_age ON idempotency_records (created_at);
