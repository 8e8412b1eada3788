-- Tokens of time-stamp authorities (RFC 3161) over signed checkpoints: the bytes of the note are what was stamped.

CREATE TABLE audit_timestamps (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    epoch BIGINT NOT NULL CHECK (epoch >= 1),
    size BIGINT NOT NULL CHECK (size >= 0),
    token BYTEA NOT NULL CHECK (length(token) > 0),
    stamped_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, epoch, size),
    FOREIGN KEY (organization_id, epoch, size) REFERENCES audit_checkpoints (organization_id, epoch, size)
);

-- The second wall around the new table, as in the foundation.
ALTER TABLE audit_timestamps ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_timestamps FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_timestamps
USING (organization_id = NULLIF(current_setting('app.org', true), '')::uuid
    OR current_setting('app.scope', true) = 'system')
WITH CHECK (organization_id = NULLIF(current_setting('app.org', true), '')::uuid
    OR current_setting('app.scope', true) = 'system');
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'probity_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON audit_timestamps TO probity_app;
    END IF;
END $$;
