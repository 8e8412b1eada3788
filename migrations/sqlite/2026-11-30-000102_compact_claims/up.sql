-- Claims of idempotency in the order in which they are spent, so that a turn of them lies side by side and
-- the oldest come first; their keys, which come in any order, are in an index that holds nothing else.
CREATE TABLE spent_claims (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    outcome TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (organization_id, scope, key)
) STRICT;
INSERT INTO spent_claims SELECT * FROM idempotency_records ORDER BY created_at;
DROP TABLE idempotency_records;
ALTER TABLE spent_claims RENAME TO idempotency_records;
