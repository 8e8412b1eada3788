-- Foundation: organisations, access, catalogue, registry, Guardian, the record.
-- Instants are integer microseconds since 1970 in UTC; ids are 16-byte UUIDs.

CREATE TABLE organizations (
    id BLOB PRIMARY KEY,
    no INTEGER NOT NULL UNIQUE CHECK (no BETWEEN 1 AND 4194303),
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1)
) STRICT;

CREATE TABLE users (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    email TEXT,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member', 'auditor')),
    disabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, issuer, subject)
) STRICT;

CREATE TABLE api_keys (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    spaces TEXT,
    prefix TEXT NOT NULL,
    last_four TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    created_by TEXT,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    replaced_by BLOB,
    version INTEGER NOT NULL CHECK (version >= 1)
) STRICT;

CREATE TABLE spaces (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    product_capacity INTEGER CHECK (product_capacity >= 0),
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, slug),
    UNIQUE (organization_id, id)
) STRICT;

CREATE TABLE products (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    space_id BLOB NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    long_description TEXT,
    product_type TEXT NOT NULL CHECK (product_type IN ('ML Model', 'AI System', 'LLM Agent', 'AI App', 'Agent', 'Prompt Collection')),
    provider TEXT,
    environment TEXT NOT NULL,
    risk_classification TEXT CHECK (risk_classification IN ('prohibited', 'high', 'limited', 'minimal')),
    lifecycle_stage TEXT,
    ai_system_type TEXT,
    business_use_case TEXT,
    is_gpai INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    archived_at INTEGER,
    version INTEGER NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, space_id, slug),
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id)
) STRICT;

CREATE TABLE product_models (
    product_id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    model_family TEXT,
    model_task_type TEXT,
    model_architecture TEXT,
    framework TEXT,
    intended_use TEXT,
    limitations TEXT,
    deployment_status TEXT NOT NULL,
    serving_url TEXT,
    input_schema TEXT,
    output_schema TEXT,
    vendor_name TEXT,
    vendor_product_name TEXT,
    vendor_model_id TEXT,
    deployment_environment TEXT,
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
) STRICT;

CREATE TABLE registered_models (
    position INTEGER PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    id BLOB NOT NULL,
    model_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    provider_folded TEXT NOT NULL,
    display_name TEXT NOT NULL,
    risk_tier TEXT NOT NULL CHECK (risk_tier IN ('tier_1', 'tier_2', 'tier_3', 'tier_4')),
    validation_status TEXT NOT NULL CHECK (validation_status IN ('draft', 'pending_validation', 'in_validation', 'needs_remediation', 'validated', 'deprecated')),
    owner TEXT,
    description TEXT,
    tags TEXT NOT NULL,
    exposure TEXT CHECK (exposure IN ('low', 'medium', 'high')),
    purpose TEXT CHECK (purpose IN ('low', 'medium', 'high')),
    technique TEXT NOT NULL,
    last_seen_at INTEGER,
    validated_at INTEGER,
    validation_expires_at INTEGER,
    revalidation_due INTEGER NOT NULL,
    search_text TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, model_id)
) STRICT;

CREATE TABLE registry_heads (
    organization_id BLOB PRIMARY KEY REFERENCES organizations (id),
    next_position INTEGER NOT NULL CHECK (next_position >= 0),
    last_created_at INTEGER
) STRICT;

CREATE TABLE registry_totals (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    risk_tier TEXT NOT NULL,
    validation_status TEXT NOT NULL,
    models INTEGER NOT NULL CHECK (models >= 0),
    PRIMARY KEY (organization_id, risk_tier, validation_status)
) STRICT, WITHOUT ROWID;

CREATE TABLE registry_settings (
    organization_id BLOB PRIMARY KEY REFERENCES organizations (id),
    profile TEXT NOT NULL,
    separation_of_duties INTEGER NOT NULL,
    settings TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE model_usage_daily (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    day INTEGER NOT NULL,
    model_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    requests INTEGER NOT NULL CHECK (requests >= 1),
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, day, model_id, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE risk_metric_links (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    product_id BLOB NOT NULL,
    drift_amber REAL,
    drift_red REAL,
    fairness_amber REAL,
    fairness_red REAL,
    psi_amber REAL,
    psi_red REAL,
    disparate_impact_amber REAL,
    disparate_impact_red REAL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, product_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
) STRICT;

CREATE TABLE metric_snapshots (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    product_id BLOB NOT NULL,
    captured_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    drift_score REAL NOT NULL CHECK (drift_score BETWEEN 0 AND 100),
    fairness_score REAL NOT NULL CHECK (fairness_score BETWEEN 0 AND 100),
    psi REAL CHECK (psi >= 0),
    disparate_impact REAL CHECK (disparate_impact >= 0),
    sample_size INTEGER NOT NULL CHECK (sample_size BETWEEN 1 AND 9007199254740992),
    status TEXT NOT NULL CHECK (status IN ('GREEN', 'AMBER', 'RED')),
    threshold_source TEXT NOT NULL CHECK (threshold_source IN ('global_defaults', 'risk_metric_link')),
    received_at INTEGER NOT NULL,
    notes TEXT,
    recipe TEXT,
    PRIMARY KEY (organization_id, product_id, captured_at, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE product_standings (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    product_id BLOB NOT NULL,
    latest_captured_at INTEGER NOT NULL,
    latest_status TEXT NOT NULL CHECK (latest_status IN ('GREEN', 'AMBER', 'RED')),
    snapshots INTEGER NOT NULL CHECK (snapshots >= 1),
    PRIMARY KEY (organization_id, product_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    product_id BLOB NOT NULL,
    metric TEXT NOT NULL CHECK (metric IN ('drift', 'fairness', 'psi', 'disparateImpact')),
    severity TEXT NOT NULL CHECK (severity IN ('AMBER', 'RED')),
    state TEXT NOT NULL CHECK (state IN ('open', 'resolved')),
    value REAL NOT NULL,
    threshold REAL NOT NULL,
    snapshot_id BLOB NOT NULL,
    opened_at INTEGER NOT NULL,
    escalated_at INTEGER,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    resolved_at INTEGER,
    resolution TEXT CHECK (resolution IN ('recovered', 'manual')),
    note TEXT,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    CHECK ((state = 'resolved') = (resolved_at IS NOT NULL))
) STRICT;

CREATE TABLE idempotency_records (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    outcome TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, scope, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_heads (
    organization_id BLOB PRIMARY KEY REFERENCES organizations (id),
    no INTEGER NOT NULL UNIQUE,
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    size INTEGER NOT NULL CHECK (size >= 0),
    frontier BLOB NOT NULL
) STRICT;

CREATE TABLE audit_entries (
    position INTEGER PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    leaf BLOB,
    actor_salt BLOB,
    actor BLOB,
    detail_salt BLOB,
    detail BLOB
) STRICT;

CREATE TABLE audit_nodes (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    level INTEGER NOT NULL CHECK (level > 0 AND level % 8 = 0),
    node_index INTEGER NOT NULL CHECK (node_index >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (organization_id, level, node_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_checkpoints (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    size INTEGER NOT NULL CHECK (size >= 0),
    note TEXT NOT NULL,
    signed_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, size)
) STRICT, WITHOUT ROWID;

CREATE TABLE governance_events (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    audit_index INTEGER NOT NULL CHECK (audit_index >= 0),
    ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
    id BLOB NOT NULL,
    event_type TEXT NOT NULL,
    source_table TEXT NOT NULL,
    source_id BLOB NOT NULL,
    trigger_reason TEXT NOT NULL,
    payload TEXT NOT NULL,
    score_before REAL,
    score_after REAL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, audit_index, ordinal)
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_listing ON api_keys (organization_id, id);
CREATE INDEX products_listing ON products (organization_id, id);
CREATE INDEX registered_models_listing ON registered_models (organization_id, position);
CREATE INDEX registered_models_by_tier ON registered_models (organization_id, risk_tier, validation_status, position);
CREATE INDEX registered_models_by_status ON registered_models (organization_id, validation_status, position);
CREATE INDEX model_usage_by_model ON model_usage_daily (organization_id, model_id, day);
CREATE UNIQUE INDEX alerts_open ON alerts (organization_id, product_id, metric) WHERE state = 'open';
CREATE INDEX alerts_listing ON alerts (organization_id, opened_at, id);
CREATE INDEX idempotency_by_age ON idempotency_records (created_at);

-- Substring search over folded text; rowid = position, so matches come in listing order.
CREATE VIRTUAL TABLE registered_models_search USING fts5 (
    search_text, content = 'registered_models', content_rowid = 'position',
    tokenize = 'trigram case_sensitive 1', detail = 'none', columnsize = 0
);
CREATE TRIGGER registered_models_search_insert AFTER INSERT ON registered_models BEGIN
    INSERT INTO registered_models_search (rowid, search_text) VALUES (new.position, new.search_text);
END;
CREATE TRIGGER registered_models_search_delete AFTER DELETE ON registered_models BEGIN
    INSERT INTO registered_models_search (registered_models_search, rowid, search_text)
    VALUES ('delete', old.position, old.search_text);
END;
CREATE TRIGGER registered_models_search_update AFTER UPDATE OF search_text ON registered_models
WHEN old.search_text <> new.search_text BEGIN
    INSERT INTO registered_models_search (registered_models_search, rowid, search_text)
    VALUES ('delete', old.position, old.search_text);
    INSERT INTO registered_models_search (rowid, search_text) VALUES (new.position, new.search_text);
END;
