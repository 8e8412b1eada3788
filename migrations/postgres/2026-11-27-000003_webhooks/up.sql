-- Webhooks: endpoints, their secrets, and deliveries. A delivery is made with its event.

-- Moves with every change of an organisation's endpoints: what a lane remembers of them is good while
-- this is what it was.
ALTER TABLE audit_heads ADD COLUMN subscriptions BIGINT NOT NULL DEFAULT 0 CHECK (subscriptions >= 0);

CREATE TABLE webhook_endpoints (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL,
    target_url TEXT NOT NULL,
    description TEXT,
    event_types TEXT NOT NULL,
    secret_alias TEXT NOT NULL,
    sign_ed25519 BOOLEAN NOT NULL,
    settings TEXT NOT NULL,
    credential BYTEA,
    disabled_reason TEXT CHECK (disabled_reason IN ('manual', 'gone', 'failing')),
    disabled_at TIMESTAMPTZ,
    failing_since TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ,
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK ((disabled_reason IS NULL) = (disabled_at IS NULL)),
    UNIQUE (organization_id, id)
);

CREATE TABLE webhook_secrets (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    alias TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    sealed BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    UNIQUE (organization_id, alias, number)
);

-- The id of a delivery of an event is the event's: there cannot be two to one endpoint. A delivery of
-- no event holds its own words in `note`. While it is leased, `due_at` is the end of the lease.
CREATE TABLE webhook_deliveries (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    endpoint_id UUID NOT NULL,
    id UUID NOT NULL,
    audit_index BIGINT CHECK (audit_index >= 0),
    ordinal INTEGER CHECK (ordinal >= 0),
    event_type TEXT NOT NULL,
    note TEXT,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    failures BIGINT NOT NULL CHECK (failures >= 0),
    due_at TIMESTAMPTZ,
    last_attempt_at TIMESTAMPTZ,
    last_status INTEGER CHECK (last_status BETWEEN 100 AND 999),
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    CHECK ((state = 'pending') = (due_at IS NOT NULL)),
    CHECK ((audit_index IS NULL) = (ordinal IS NULL)),
    CHECK ((audit_index IS NULL) = (note IS NOT NULL)),
    PRIMARY KEY (organization_id, endpoint_id, id),
    FOREIGN KEY (organization_id, endpoint_id) REFERENCES webhook_endpoints (organization_id, id)
);

-- Failed attempts; a successful one is told by its delivery.
CREATE TABLE webhook_attempts (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    endpoint_id UUID NOT NULL,
    delivery_id UUID NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    at TIMESTAMPTZ NOT NULL,
    took_ms BIGINT NOT NULL CHECK (took_ms >= 0),
    status INTEGER CHECK (status BETWEEN 100 AND 999),
    error TEXT,
    PRIMARY KEY (organization_id, endpoint_id, delivery_id, number),
    FOREIGN KEY (organization_id, endpoint_id, delivery_id)
        REFERENCES webhook_deliveries (organization_id, endpoint_id, id) ON DELETE CASCADE
);

-- What targets carried back, e.g. the number of a ticket.
CREATE TABLE webhook_target_states (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    endpoint_id UUID NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, endpoint_id, key),
    FOREIGN KEY (organization_id, endpoint_id) REFERENCES webhook_endpoints (organization_id, id)
);

CREATE INDEX webhook_endpoints_listing ON webhook_endpoints (organization_id, id) WHERE deleted_at IS NULL;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (organization_id, id) WHERE state = 'dead';

-- The second wall around the new tables, as in the foundation.
DO $$
DECLARE
    target TEXT;
BEGIN
    FOREACH target IN ARRAY ARRAY[
        'webhook_endpoints',
        'webhook_secrets',
        'webhook_deliveries',
        'webhook_attempts',
        'webhook_target_states'
    ]
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', target);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (organization_id = NULLIF(current_setting(''app.org'', true), '''')::uuid '
            'OR current_setting(''app.scope'', true) = ''system'') '
            'WITH CHECK (organization_id = NULLIF(current_setting(''app.org'', true), '''')::uuid '
            'OR current_setting(''app.scope'', true) = ''system'')',
            target);
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'probity_app') THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO probity_app', target);
        END IF;
    END LOOP;
END $$;
