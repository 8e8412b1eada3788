-- Tokens of time-stamp authorities (RFC 3161) over signed checkpoints: the bytes of the note are what was stamped.

CREATE TABLE audit_timestamps (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    size INTEGER NOT NULL CHECK (size >= 0),
    token BLOB NOT NULL CHECK (length(token) > 0),
    stamped_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, epoch, size),
    FOREIGN KEY (organization_id, epoch, size) REFERENCES audit_checkpoints (organization_id, epoch, size)
) STRICT;
