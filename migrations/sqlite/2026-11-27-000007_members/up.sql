-- For whom a space is, and who is a member of it as what.

ALTER TABLE spaces ADD COLUMN visibility TEXT NOT NULL DEFAULT 'organization' CHECK (visibility IN ('organization', 'members'));

CREATE UNIQUE INDEX users_of_organization ON users (organization_id, id);
CREATE INDEX users_by_subject ON users (organization_id, subject);
CREATE INDEX users_by_email ON users (organization_id, email) WHERE email IS NOT NULL;
CREATE INDEX spaces_for_members ON spaces (organization_id, id) WHERE visibility = 'members';

CREATE TABLE space_members (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    space_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    added_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    PRIMARY KEY (organization_id, space_id, user_id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX space_members_by_user ON space_members (organization_id, user_id);
