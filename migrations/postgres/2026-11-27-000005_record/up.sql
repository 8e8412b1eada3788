-- The record: checkpoints of several epochs, and where the leaves stand that explain what is gone.

ALTER TABLE audit_checkpoints ADD COLUMN epoch BIGINT NOT NULL DEFAULT 1 CHECK (epoch >= 1);
ALTER TABLE audit_checkpoints ALTER COLUMN epoch DROP DEFAULT;
ALTER TABLE audit_checkpoints DROP CONSTRAINT audit_checkpoints_pkey;
ALTER TABLE audit_checkpoints ADD PRIMARY KEY (organization_id, epoch, size);

-- Entries whose leaves explain absences (audit.redact, audit.prune): an export looks them up instead of reading the log.
CREATE TABLE audit_explanations (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    audit_index BIGINT NOT NULL CHECK (audit_index >= 0),
    PRIMARY KEY (organization_id, audit_index)
);

-- The second wall around the new table, as in the foundation.
ALTER TABLE audit_explanations ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_explanations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_explanations
USING (organization_id = NULLIF(current_setting('app.org', true), '')::uuid
    OR current_setting('app.scope', true) = 'system')
WITH CHECK (organization_id = NULLIF(current_setting('app.org', true), '')::uuid
    OR current_setting('app.scope', true) = 'system');
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'probity_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON audit_explanations TO probity_app;
    END IF;
END $$;
