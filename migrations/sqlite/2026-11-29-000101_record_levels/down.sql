CREATE TABLE audit_nodes_old (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    level INTEGER NOT NULL CHECK (level > 0 AND level % 8 = 0),
    node_index INTEGER NOT NULL CHECK (node_index >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (organization_id, level, node_index)
) STRICT, WITHOUT ROWID;
INSERT INTO audit_nodes_old SELECT organization_id, level, node_index, hash FROM audit_nodes WHERE level % 8 = 0;
DROP TABLE audit_nodes;
ALTER TABLE audit_nodes_old RENAME TO audit_nodes;
ALTER TABLE audit_heads DROP COLUMN indexed;
ALTER TABLE audit_heads DROP COLUMN sparse;
