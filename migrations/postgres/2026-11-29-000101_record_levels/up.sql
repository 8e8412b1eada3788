-- Hashes are stored for every fourth level of a log's tree, so that a proof in a long log reads little more than one in a
-- short log. For logs that are there already, a worker makes what is missing: of the first `sparse` leaves.
ALTER TABLE audit_heads ADD COLUMN sparse BIGINT NOT NULL DEFAULT 0 CHECK (sparse >= 0);
UPDATE audit_heads SET sparse = size;

-- How many blocks at the start of the log have been looked at for the index of entries.
ALTER TABLE audit_heads ADD COLUMN indexed BIGINT NOT NULL DEFAULT 0 CHECK (indexed >= 0);

ALTER TABLE audit_nodes DROP CONSTRAINT audit_nodes_level_check;
ALTER TABLE audit_nodes ADD CONSTRAINT audit_nodes_level_check CHECK (level > 0 AND level % 4 = 0);
