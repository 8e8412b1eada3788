-- Governance: what a product's record holds beside its model, the evidence about it, its judgement.

ALTER TABLE governance_events ADD COLUMN product_id UUID;

CREATE TABLE product_governance (
    product_id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    owner TEXT,
    monitoring_plan TEXT,
    no_data_dependencies BOOLEAN NOT NULL,
    technical_documentation TEXT,
    documentation_updated_at TIMESTAMPTZ,
    next_review_due_at TIMESTAMPTZ,
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE product_versions (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    version_number TEXT NOT NULL,
    version_type TEXT NOT NULL CHECK (version_type IN ('major', 'minor', 'patch', 'prerelease')),
    release_date TIMESTAMPTZ,
    release_notes TEXT,
    is_current BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, product_id, version_number),
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE data_dependencies (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    name TEXT NOT NULL,
    dependency_type TEXT NOT NULL CHECK (dependency_type IN ('dataset', 'feature_store', 'stream', 'api', 'model', 'other')),
    uri TEXT,
    version_label TEXT,
    description TEXT,
    changed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, product_id, name),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE policy_attachments (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    policy_key TEXT NOT NULL,
    title TEXT NOT NULL,
    reference_url TEXT,
    description TEXT,
    attached_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, product_id, policy_key),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE risk_mitigations (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    status TEXT NOT NULL CHECK (status IN ('open', 'in_progress', 'resolved', 'accepted')),
    owner TEXT,
    due_at TIMESTAMPTZ,
    closed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK ((status IN ('resolved', 'accepted')) = (closed_at IS NOT NULL)),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE product_registered_models (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    registered_model_id UUID NOT NULL,
    linked_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, product_id, registered_model_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    FOREIGN KEY (organization_id, registered_model_id) REFERENCES registered_models (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE training_runs (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    run_name TEXT NOT NULL,
    run_type TEXT NOT NULL CHECK (run_type IN ('training', 'fine_tuning', 'evaluation', 'deployment')),
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    dataset_name TEXT,
    dataset_version TEXT,
    dataset_uri TEXT,
    training_samples BIGINT CHECK (training_samples >= 0),
    validation_samples BIGINT CHECK (validation_samples >= 0),
    test_samples BIGINT CHECK (test_samples >= 0),
    random_seed BIGINT,
    hyperparameters TEXT,
    metrics TEXT,
    model_artifact_uri TEXT,
    framework_version TEXT,
    environment TEXT,
    duration_seconds DOUBLE PRECISION CHECK (duration_seconds >= 0),
    notes TEXT,
    is_deployed BOOLEAN NOT NULL,
    deployed_at TIMESTAMPTZ,
    deployed_by TEXT,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

-- Names are compared by their bytes, as SQLite does.
CREATE TABLE safety_metrics (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    category TEXT COLLATE "C" NOT NULL CHECK (category IN ('accuracy', 'robustness', 'fairness', 'cybersecurity', 'drift')),
    metric_name TEXT COLLATE "C" NOT NULL,
    metric_value DOUBLE PRECISION,
    unit TEXT,
    threshold_warning DOUBLE PRECISION,
    threshold_critical DOUBLE PRECISION,
    status TEXT NOT NULL CHECK (status IN ('healthy', 'warning', 'critical', 'not_available')),
    status_source TEXT NOT NULL CHECK (status_source IN ('given', 'derived')),
    test_dataset TEXT,
    test_dataset_version TEXT,
    methodology TEXT,
    measured_at TIMESTAMPTZ,
    demographic_group TEXT,
    external_url TEXT,
    notes TEXT,
    attested_at TIMESTAMPTZ,
    attested_by TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK ((attested_at IS NULL) = (attested_by IS NULL)),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE runtime_events (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    id UUID NOT NULL,
    event_type TEXT NOT NULL CHECK (event_type IN ('guardrail_trigger', 'blocked_action', 'sensitive_data_redaction', 'human_escalation', 'policy_exception', 'incident_created')),
    severity TEXT NOT NULL CHECK (severity IN ('info', 'low', 'medium', 'high', 'critical')),
    status TEXT NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved')),
    summary TEXT NOT NULL,
    source TEXT,
    external_ref TEXT,
    event_metadata TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, product_id, occurred_at, id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE runtime_event_totals (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    event_type TEXT NOT NULL,
    events BIGINT NOT NULL CHECK (events >= 1),
    PRIMARY KEY (organization_id, product_id, event_type),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE review_requests (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    source TEXT NOT NULL,
    drift_indicator_keys TEXT NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL,
    requested_by TEXT NOT NULL,
    decided_at TIMESTAMPTZ,
    decided_by TEXT,
    comment TEXT,
    approval_expires_at TIMESTAMPTZ,
    next_review_due_at TIMESTAMPTZ,
    version BIGINT NOT NULL CHECK (version >= 1),
    CHECK ((status = 'pending') = (decided_at IS NULL)),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id)
);

CREATE TABLE product_postures (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    space_id UUID NOT NULL,
    score BIGINT NOT NULL CHECK (score BETWEEN 0 AND 100),
    lifecycle_gate TEXT NOT NULL CHECK (lifecycle_gate IN ('design', 'development', 'validation', 'production', 'retired')),
    review_status TEXT NOT NULL CHECK (review_status IN ('approved', 'in_review', 'needs_review', 'not_started')),
    complete BIGINT NOT NULL CHECK (complete BETWEEN 0 AND 255),
    drift BIGINT NOT NULL CHECK (drift BETWEEN 0 AND 63),
    worst_severity TEXT CHECK (worst_severity IN ('low', 'medium', 'high', 'critical')),
    score_version TEXT NOT NULL,
    settings_version BIGINT NOT NULL,
    evaluated_at TIMESTAMPTZ NOT NULL,
    next_change_at TIMESTAMPTZ,
    PRIMARY KEY (organization_id, product_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id)
);

-- How many products stand the same way: what an overview reads, however many products there are.
CREATE TABLE posture_totals (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    space_id UUID NOT NULL,
    lifecycle_gate TEXT NOT NULL,
    review_status TEXT NOT NULL,
    score BIGINT NOT NULL,
    drift BIGINT NOT NULL,
    worst_severity TEXT NOT NULL,
    products BIGINT NOT NULL CHECK (products >= 0),
    PRIMARY KEY (organization_id, space_id, lifecycle_gate, review_status, score, drift, worst_severity),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id)
);

CREATE TABLE governance_settings (
    organization_id UUID PRIMARY KEY REFERENCES organizations (id),
    settings TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1)
);

CREATE UNIQUE INDEX product_versions_current ON product_versions (organization_id, product_id) WHERE is_current;
CREATE INDEX data_dependencies_listing ON data_dependencies (organization_id, product_id, id);
CREATE INDEX policy_attachments_listing ON policy_attachments (organization_id, product_id, id);
CREATE INDEX risk_mitigations_listing ON risk_mitigations (organization_id, product_id, id);
CREATE INDEX product_registered_models_by_model ON product_registered_models (organization_id, registered_model_id);
CREATE UNIQUE INDEX training_runs_deployed ON training_runs (organization_id, product_id) WHERE is_deployed;
CREATE INDEX training_runs_listing ON training_runs (organization_id, product_id, started_at, id);
CREATE INDEX safety_metrics_listing ON safety_metrics (organization_id, product_id, category, metric_name, measured_at, id);
CREATE UNIQUE INDEX review_requests_open ON review_requests (organization_id, product_id) WHERE status = 'pending';
CREATE INDEX review_requests_listing ON review_requests (organization_id, product_id, requested_at, id);
CREATE INDEX product_postures_due ON product_postures (organization_id, next_change_at) WHERE next_change_at IS NOT NULL;
CREATE INDEX product_postures_behind ON product_postures (organization_id, settings_version);
CREATE INDEX product_postures_by_score ON product_postures (organization_id, score, product_id, space_id);
CREATE INDEX governance_events_of_type ON governance_events (organization_id, event_type, audit_index, ordinal);
CREATE INDEX governance_events_of_product ON governance_events (organization_id, product_id, audit_index) WHERE product_id IS NOT NULL;

INSERT INTO product_governance (product_id, organization_id, no_data_dependencies)
SELECT id, organization_id, FALSE FROM products;

-- Products that are there already have never been judged: they are due at once.
INSERT INTO product_postures (organization_id, product_id, space_id, score, lifecycle_gate, review_status, complete,
    drift, worst_severity, score_version, settings_version, evaluated_at, next_change_at)
SELECT organization_id, id, space_id, 0, 'design', 'not_started', 0, 0, NULL, '', 0, TIMESTAMPTZ 'epoch', TIMESTAMPTZ 'epoch'
FROM products WHERE archived_at IS NULL AND product_type <> 'Prompt Collection';

-- The second wall around the new tables, as in the foundation.
DO $$
DECLARE
    target TEXT;
BEGIN
    FOREACH target IN ARRAY ARRAY[
        'product_governance',
        'product_versions',
        'data_dependencies',
        'policy_attachments',
        'risk_mitigations',
        'product_registered_models',
        'training_runs',
        'safety_metrics',
        'runtime_events',
        'runtime_event_totals',
        'review_requests',
        'product_postures',
        'posture_totals',
        'governance_settings'
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
