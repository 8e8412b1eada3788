-- One event by its id.
CREATE UNIQUE INDEX governance_events_by_id ON governance_events (organization_id, id);

-- Alerts of every source, with the clock that their service level is measured by.
CREATE TABLE tracked_alerts (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('metric', 'runtime_event', 'review', 'posture')),
    source_id UUID NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    state TEXT NOT NULL CHECK (state IN ('open', 'resolved')),
    opened_at TIMESTAMPTZ NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    acknowledged_at TIMESTAMPTZ,
    acknowledged_by TEXT,
    resolved_at TIMESTAMPTZ,
    resolution TEXT CHECK (resolution IN ('recovered', 'manual', 'decided')),
    note TEXT,
    acknowledge_breached_at TIMESTAMPTZ,
    resolve_breached_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
    CHECK ((state = 'resolved') = (resolution IS NOT NULL))
);

CREATE UNIQUE INDEX tracked_alerts_open ON tracked_alerts (organization_id, source, source_id) WHERE state = 'open';
CREATE INDEX tracked_alerts_listing ON tracked_alerts (organization_id, since, id);
CREATE INDEX tracked_alerts_clocks ON tracked_alerts (organization_id, severity, since) WHERE state = 'open';

CREATE TABLE alert_settings (
    organization_id UUID PRIMARY KEY REFERENCES organizations (id),
    settings TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1)
);

CREATE TABLE alert_preferences (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    recipient TEXT NOT NULL,
    preferences TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    PRIMARY KEY (organization_id, recipient)
);

-- Alerts that are there already. The clocks of those that stand start now: nobody knew of a deadline before.
INSERT INTO tracked_alerts
SELECT id, organization_id, product_id, 'metric', id, metric, CASE severity WHEN 'RED' THEN 'critical' ELSE 'medium' END,
       state, opened_at, CASE state WHEN 'open' THEN now() ELSE COALESCE(escalated_at, opened_at) END,
       acknowledged_at, acknowledged_by, resolved_at,
       CASE state WHEN 'resolved' THEN COALESCE(resolution, 'manual') END, note, NULL, NULL, updated_at, 1
FROM alerts;

-- The second wall around the new tables, as in the foundation.
DO $$
DECLARE
    target TEXT;
BEGIN
    FOREACH target IN ARRAY ARRAY[
        'tracked_alerts',
        'alert_settings',
        'alert_preferences'
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
