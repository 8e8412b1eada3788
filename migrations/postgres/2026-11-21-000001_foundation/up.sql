-- Foundation: organisations, access, catalogue, registry, Guardian, the record.
-- Every table with an organisation has row-level security, forced on its owner too.

CREATE TABLE organizations (
    id UUID PRIMARY KEY,
    no BIGINT NOT NULL UNIQUE CHECK (no BETWEEN 1 AND 4194303),
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1)
);

CREATE TABLE users (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    email TEXT,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member', 'auditor')),
    disabled BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, issuer, subject)
);

CREATE TABLE api_keys (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    spaces TEXT,
    prefix TEXT NOT NULL,
    last_four TEXT NOT NULL,
    hash BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at TIMESTAMPTZ NOT NULL,
    created_by TEXT,
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    replaced_by UUID,
    version BIGINT NOT NULL CHECK (version >= 1)
);

CREATE TABLE spaces (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    product_capacity BIGINT CHECK (product_capacity >= 0),
    created_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, slug),
    UNIQUE (organization_id, id)
);

CREATE TABLE products (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    space_id UUID NOT NULL,
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
    is_gpai BOOLEAN,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    version BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, space_id, slug),
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id)
);

CREATE TABLE product_models (
    product_id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
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
);

CREATE TABLE registered_models (
    position BIGINT PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
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
    last_seen_at TIMESTAMPTZ,
    validated_at TIMESTAMPTZ,
    validation_expires_at TIMESTAMPTZ,
    revalidation_due BOOLEAN NOT NULL,
    search_text TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, model_id)
);

CREATE TABLE registry_heads (
    organization_id UUID PRIMARY KEY REFERENCES organizations (id),
    next_position BIGINT NOT NULL CHECK (next_position >= 0),
    last_created_at TIMESTAMPTZ
);

CREATE TABLE registry_totals (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    risk_tier TEXT NOT NULL,
    validation_status TEXT NOT NULL,
    models BIGINT NOT NULL CHECK (models >= 0),
    PRIMARY KEY (organization_id, risk_tier, validation_status)
);

CREATE TABLE registry_settings (
    organization_id UUID PRIMARY KEY REFERENCES organizations (id),
    profile TEXT NOT NULL,
    separation_of_duties BOOLEAN NOT NULL,
    settings TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE model_usage_daily (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    day BIGINT NOT NULL,
    model_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    requests BIGINT NOT NULL CHECK (requests >= 1),
    first_seen_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, day, model_id, provider)
);

CREATE TABLE risk_metric_links (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    drift_amber DOUBLE PRECISION,
    drift_red DOUBLE PRECISION,
    fairness_amber DOUBLE PRECISION,
    fairness_red DOUBLE PRECISION,
    psi_amber DOUBLE PRECISION,
    psi_red DOUBLE PRECISION,
    disparate_impact_amber DOUBLE PRECISION,
    disparate_impact_red DOUBLE PRECISION,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, product_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE metric_snapshots (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    captured_at TIMESTAMPTZ NOT NULL,
    id UUID NOT NULL,
    drift_score DOUBLE PRECISION NOT NULL CHECK (drift_score BETWEEN 0 AND 100),
    fairness_score DOUBLE PRECISION NOT NULL CHECK (fairness_score BETWEEN 0 AND 100),
    psi DOUBLE PRECISION CHECK (psi >= 0),
    disparate_impact DOUBLE PRECISION CHECK (disparate_impact >= 0),
    sample_size BIGINT NOT NULL CHECK (sample_size BETWEEN 1 AND 9007199254740992),
    status TEXT NOT NULL CHECK (status IN ('GREEN', 'AMBER', 'RED')),
    threshold_source TEXT NOT NULL CHECK (threshold_source IN ('global_defaults', 'risk_metric_link')),
    received_at TIMESTAMPTZ NOT NULL,
    notes TEXT,
    recipe TEXT,
    PRIMARY KEY (organization_id, product_id, captured_at, id)
);

CREATE TABLE product_standings (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    latest_captured_at TIMESTAMPTZ NOT NULL,
    latest_status TEXT NOT NULL CHECK (latest_status IN ('GREEN', 'AMBER', 'RED')),
    snapshots BIGINT NOT NULL CHECK (snapshots >= 1),
    PRIMARY KEY (organization_id, product_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE alerts (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    metric TEXT NOT NULL CHECK (metric IN ('drift', 'fairness', 'psi', 'disparateImpact')),
    severity TEXT NOT NULL CHECK (severity IN ('AMBER', 'RED')),
    state TEXT NOT NULL CHECK (state IN ('open', 'resolved')),
    value DOUBLE PRECISION NOT NULL,
    threshold DOUBLE PRECISION NOT NULL,
    snapshot_id UUID NOT NULL,
    opened_at TIMESTAMPTZ NOT NULL,
    escalated_at TIMESTAMPTZ,
    acknowledged_at TIMESTAMPTZ,
    acknowledged_by TEXT,
    resolved_at TIMESTAMPTZ,
    resolution TEXT CHECK (resolution IN ('recovered', 'manual')),
    note TEXT,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    CHECK ((state = 'resolved') = (resolved_at IS NOT NULL))
);

CREATE TABLE idempotency_records (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL CHECK (length(fingerprint) = 32),
    outcome TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, scope, key)
);

CREATE TABLE audit_heads (
    organization_id UUID PRIMARY KEY REFERENCES organizations (id),
    no BIGINT NOT NULL UNIQUE,
    epoch BIGINT NOT NULL CHECK (epoch >= 1),
    size BIGINT NOT NULL CHECK (size >= 0),
    frontier BYTEA NOT NULL
);

CREATE TABLE audit_entries (
    position BIGINT PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    leaf_hash BYTEA NOT NULL CHECK (length(leaf_hash) = 32),
    leaf BYTEA,
    actor_salt BYTEA,
    actor BYTEA,
    detail_salt BYTEA,
    detail BYTEA
);

CREATE TABLE audit_nodes (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    level INTEGER NOT NULL CHECK (level > 0 AND level % 8 = 0),
    node_index BIGINT NOT NULL CHECK (node_index >= 0),
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (organization_id, level, node_index)
);

CREATE TABLE audit_checkpoints (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    size BIGINT NOT NULL CHECK (size >= 0),
    note TEXT NOT NULL,
    signed_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, size)
);

CREATE TABLE governance_events (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    audit_index BIGINT NOT NULL CHECK (audit_index >= 0),
    ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
    id UUID NOT NULL,
    event_type TEXT NOT NULL,
    source_table TEXT NOT NULL,
    source_id UUID NOT NULL,
    trigger_reason TEXT NOT NULL,
    payload TEXT NOT NULL,
    score_before DOUBLE PRECISION,
    score_after DOUBLE PRECISION,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, audit_index, ordinal)
);

CREATE INDEX api_keys_listing ON api_keys (organization_id, id);
CREATE INDEX products_listing ON products (organization_id, id);
CREATE INDEX registered_models_listing ON registered_models (organization_id, position);
CREATE INDEX registered_models_by_tier ON registered_models (organization_id, risk_tier, validation_status, position);
CREATE INDEX registered_models_by_status ON registered_models (organization_id, validation_status, position);
CREATE INDEX model_usage_by_model ON model_usage_daily (organization_id, model_id, day);
CREATE UNIQUE INDEX alerts_open ON alerts (organization_id, product_id, metric) WHERE state = 'open';
CREATE INDEX alerts_listing ON alerts (organization_id, opened_at, id);
CREATE INDEX idempotency_by_age ON idempotency_records (created_at);

-- Substring search over folded text, for roles that row-level security does not bind: under its policies LIKE may not
-- use an index, and searches scan the organisation. The extension is trusted; where its package is not installed
-- searches still work, only slower.
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX registered_models_search ON registered_models USING gin (search_text gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'pg_trgm is not available, searches will scan: %', SQLERRM;
END $$;

-- The second wall. A connection says for whom it reads and writes (`app.org`), transaction by
-- transaction; with nothing said there are no rows. `app.scope = 'system'` is for what has no
-- organisation yet (finding the key of a request) and for the whole-database check.
-- The application's role can neither change the schema nor bypass the policies.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'probity_app') THEN
        CREATE ROLE probity_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
        EXECUTE format('GRANT probity_app TO %I', current_user);
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'cannot create the role probity_app; the policies bind the owner itself';
END $$;

DO $$
DECLARE
    target RECORD;
BEGIN
    FOR target IN
        SELECT c.relname AS name,
               CASE WHEN c.relname = 'organizations' THEN 'id' ELSE 'organization_id' END AS tenant
        FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
          AND c.relname <> '__diesel_schema_migrations'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', target.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', target.name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (%I = NULLIF(current_setting(''app.org'', true), '''')::uuid '
            'OR current_setting(''app.scope'', true) = ''system'') '
            'WITH CHECK (%I = NULLIF(current_setting(''app.org'', true), '''')::uuid '
            'OR current_setting(''app.scope'', true) = ''system'')',
            target.name, target.tenant, target.tenant);
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'probity_app') THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO probity_app', target.name);
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'probity_app') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO probity_app', current_schema());
        -- So that it can tell whether the schema is the one it expects.
        GRANT SELECT ON __diesel_schema_migrations TO probity_app;
    END IF;
END $$;
