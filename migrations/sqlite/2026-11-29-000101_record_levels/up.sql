-- Hashes are stored for every fourth level of a log's tree, so that a proof in a long log reads little more than one in a
-- short log. For logs that are there already, a worker makes what is missing: of the first `sparse` leaves.
ALTER TABLE audit_heads ADD COLUMN sparse INTEGER NOT NULL DEFAULT 0 CHECK (sparse >= 0);
UPDATE audit_heads SET sparse = size;

-- How many blocks at the start of the log have been looked at for the index of entries.
ALTER TABLE audit_heads ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0 CHECK (indexed >= 0);

CREATE TABLE audit_nodes_new (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    level INTEGER NOT NULL CHECK (level > 0 AND level % 4 = 0),
    node_index INTEGER NOT NULL CHECK (node_index >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (organization_id, level, node_index)
) STRICT, WITHOUT ROWID;
INSERT INTO audit_nodes_new SELECT organization_id, level, node_index, hash FROM audit_nodes;
DROP TABLE audit_nodes;
ALTER TABLE audit_nodes_new RENAME TO audit_nodes;
