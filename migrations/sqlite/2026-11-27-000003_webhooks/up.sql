-- Webhooks: endpoints, their secrets, and deliveries. A delivery is made with its event.

-- Moves with every change of an organisation's endpoints: what a lane remembers of them is good while
-- this is what it was.
ALTER TABLE audit_heads ADD COLUMN subscriptions INTEGER NOT NULL DEFAULT 0 CHECK (subscriptions >= 0);

CREATE TABLE webhook_endpoints (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL,
    target_url TEXT NOT NULL,
    description TEXT,
    event_types TEXT NOT NULL,
    secret_alias TEXT NOT NULL,
    sign_ed25519 INTEGER NOT NULL CHECK (sign_ed25519 IN (0, 1)),
    settings TEXT NOT NULL,
    credential BLOB,
    disabled_reason TEXT CHECK (disabled_reason IN ('manual', 'gone', 'failing')),
    disabled_at INTEGER,
    failing_since INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    version INTEGER NOT NULL CHECK (version >= 1),
    CHECK ((disabled_reason IS NULL) = (disabled_at IS NULL)),
    UNIQUE (organization_id, id)
) STRICT;

CREATE TABLE webhook_secrets (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    alias TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 1),
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    UNIQUE (organization_id, alias, number)
) STRICT;

-- The id of a delivery of an event is the event's: there cannot be two to one endpoint. A delivery of
-- no event holds its own words in `note`. While it is leased, `due_at` is the end of the lease.
CREATE TABLE webhook_deliveries (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    endpoint_id BLOB NOT NULL,
    id BLOB NOT NULL,
    audit_index INTEGER CHECK (audit_index >= 0),
    ordinal INTEGER CHECK (ordinal >= 0),
    event_type TEXT NOT NULL,
    note TEXT,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    failures INTEGER NOT NULL CHECK (failures >= 0),
    due_at INTEGER,
    last_attempt_at INTEGER,
    last_status INTEGER CHECK (last_status BETWEEN 100 AND 999),
    last_error TEXT,
    created_at INTEGER NOT NULL,
    CHECK ((state = 'pending') = (due_at IS NOT NULL)),
    CHECK ((audit_index IS NULL) = (ordinal IS NULL)),
    CHECK ((audit_index IS NULL) = (note IS NOT NULL)),
    PRIMARY KEY (organization_id, endpoint_id, id),
    FOREIGN KEY (organization_id, endpoint_id) REFERENCES webhook_endpoints (organization_id, id)
) STRICT, WITHOUT ROWID;

-- Failed attempts; a successful one is told by its delivery.
CREATE TABLE webhook_attempts (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    endpoint_id BLOB NOT NULL,
    delivery_id BLOB NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 1),
    at INTEGER NOT NULL,
    took_ms INTEGER NOT NULL CHECK (took_ms >= 0),
    status INTEGER CHECK (status BETWEEN 100 AND 999),
    error TEXT,
    PRIMARY KEY (organization_id, endpoint_id, delivery_id, number),
    FOREIGN KEY (organization_id, endpoint_id, delivery_id)
        REFERENCES webhook_deliveries (organization_id, endpoint_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What targets carried back, e.g. the number of a ticket.
CREATE TABLE webhook_target_states (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    endpoint_id BLOB NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, endpoint_id, key),
    FOREIGN KEY (organization_id, endpoint_id) REFERENCES webhook_endpoints (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_endpoints_listing ON webhook_endpoints (organization_id, id) WHERE deleted_at IS NULL;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (organization_id, id) WHERE state = 'dead';
