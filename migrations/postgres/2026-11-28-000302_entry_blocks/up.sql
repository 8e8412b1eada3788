-- What 256 entries of the record in a row say, as a Bloom filter: a search passes over the blocks that cannot hold what it
-- looks for. Made behind the writers; a block without a row is searched entry by entry.

CREATE TABLE audit_blocks (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    block BIGINT NOT NULL CHECK (block >= 0),
    words BYTEA NOT NULL CHECK (length(words) = 1024),
    PRIMARY KEY (organization_id, block)
);
-- Half empty filters do not shrink, and packing them out of the row would cost a second read.
ALTER TABLE audit_blocks ALTER COLUMN words SET STORAGE PLAIN;

-- The second wall around the new table, as in the foundation.
ALTER TABLE audit_blocks ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_blocks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_blocks
USING (organization_id = NULLIF(current_setting('app.org', true), '')::uuid
    OR current_setting('app.scope', true) = 'system')
WITH CHECK (organization_id = NULLIF(current_setting('app.org', true), '')::uuid
    OR current_setting('app.scope', true) = 'system');
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'probity_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON audit_blocks TO probity_app;
    END IF;
END $$;
