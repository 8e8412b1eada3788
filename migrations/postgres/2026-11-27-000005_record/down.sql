DROP TABLE audit_explanations;

DELETE FROM audit_checkpoints c USING audit_heads h WHERE h.organization_id = c.organization_id AND h.epoch <> c.epoch;
ALTER TABLE audit_checkpoints DROP CONSTRAINT audit_checkpoints_pkey;
ALTER TABLE audit_checkpoints ADD PRIMARY KEY (organization_id, size);
ALTER TABLE audit_checkpoints DROP COLUMN epoch;
