-- For whom a space is, and who is a member of it as what.

ALTER TABLE spaces ADD COLUMN visibility TEXT NOT NULL DEFAULT 'organization' CHECK (visibility IN ('organization', 'members'));

CREATE UNIQUE INDEX users_of_organization ON users (organization_id, id);
CREATE INDEX users_by_subject ON users (organization_id, subject);
CREATE INDEX users_by_email ON users (organization_id, email) WHERE email IS NOT NULL;
CREATE INDEX spaces_for_members ON spaces (organization_id, id) WHERE visibility = 'members';

CREATE TABLE space_members (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    space_id UUID NOT NULL,
    user_id UUID NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    added_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    PRIMARY KEY (organization_id, space_id, user_id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);

CREATE INDEX space_members_by_user ON space_members (organization_id, user_id);

-- The second wall around the new table, as in the foundation.
DO $$
BEGIN
    ALTER TABLE space_members ENABLE ROW LEVEL SECURITY;
    ALTER TABLE space_members FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON space_members
        USING (organization_id = NULLIF(current_setting('app.org', true), '')::uuid
            OR current_setting('app.scope', true) = 'system')
        WITH CHECK (organization_id = NULLIF(current_setting('app.org', true), '')::uuid
            OR current_setting('app.scope', true) = 'system');
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'probity_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON space_members TO probity_app;
    END IF;
END $$;
