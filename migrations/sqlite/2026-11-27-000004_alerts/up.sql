-- One event by its id.
CREATE UNIQUE INDEX governance_events_by_id ON governance_events (organization_id, id);

-- Alerts of every source, with the clock that their service level is measured by.
CREATE TABLE tracked_alerts (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    product_id BLOB NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('metric', 'runtime_event', 'review', 'posture')),
    source_id BLOB NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    state TEXT NOT NULL CHECK (state IN ('open', 'resolved')),
    opened_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    resolved_at INTEGER,
    resolution TEXT CHECK (resolution IN ('recovered', 'manual', 'decided')),
    note TEXT,
    acknowledge_breached_at INTEGER,
    resolve_breached_at INTEGER,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
    CHECK ((state = 'resolved') = (resolution IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX tracked_alerts_open ON tracked_alerts (organization_id, source, source_id) WHERE state = 'open';
CREATE INDEX tracked_alerts_listing ON tracked_alerts (organization_id, since, id);
CREATE INDEX tracked_alerts_clocks ON tracked_alerts (organization_id, severity, since) WHERE state = 'open';

CREATE TABLE alert_settings (
    organization_id BLOB PRIMARY KEY REFERENCES organizations (id),
    settings TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1)
) STRICT;

CREATE TABLE alert_preferences (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    recipient TEXT NOT NULL,
    preferences TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    PRIMARY KEY (organization_id, recipient)
) STRICT, WITHOUT ROWID;

-- Alerts that are there already. The clocks of those that stand start now: nobody knew of a deadline before.
INSERT INTO tracked_alerts
SELECT id, organization_id, product_id, 'metric', id, metric, CASE severity WHEN 'RED' THEN 'critical' ELSE 'medium' END,
       state, opened_at, CASE state WHEN 'open' THEN CAST(strftime('%s', 'now') AS INTEGER) * 1000000 ELSE COALESCE(escalated_at, opened_at) END,
       acknowledged_at, acknowledged_by, resolved_at,
       CASE state WHEN 'resolved' THEN COALESCE(resolution, 'manual') END, note, NULL, NULL, updated_at, 1
FROM alerts;
