-- Memory: whose history a leaf stands in, how rows were before they changed, how long things are kept.

-- The things in whose histories a leaf stands. A metric snapshot never changes and has none.
CREATE TABLE audit_subjects (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    audit_index INTEGER NOT NULL CHECK (audit_index >= 0),
    product_id BLOB,
    PRIMARY KEY (organization_id, kind, subject_id, audit_index)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO audit_subjects
SELECT organization_id, kind, unhex(replace(subject, '-', '')), position & 1099511627775, unhex(replace(product, '-', ''))
FROM (
    SELECT e.organization_id, e.position, CASE WHEN json_extract(CAST(e.leaf AS TEXT), '$.action') = 'registry.settings.changed'
           THEN 'registry_settings' ELSE json_extract(CAST(e.leaf AS TEXT), '$.target.type') END AS kind,
           json_extract(CAST(e.leaf AS TEXT), '$.target.id') AS subject,
           CASE WHEN json_extract(CAST(e.leaf AS TEXT), '$.target.type') = 'product'
                THEN json_extract(CAST(e.leaf AS TEXT), '$.target.id')
                ELSE COALESCE(json_extract(CAST(e.detail AS TEXT), '$.product_id.after'),
                              json_extract(CAST(e.detail AS TEXT), '$.product_id.before'),
                              CASE WHEN json_type(CAST(e.detail AS TEXT), '$.product_id') = 'text'
                                   THEN json_extract(CAST(e.detail AS TEXT), '$.product_id') END) END AS product
    FROM audit_entries e WHERE e.leaf IS NOT NULL
)
WHERE kind <> 'metric_snapshot';

INSERT OR IGNORE INTO audit_subjects
SELECT e.organization_id, l.kind, unhex(replace(json_extract(i.value, '$.id'), '-', '')), e.position & 1099511627775,
       unhex(replace(COALESCE(json_extract(i.value, '$.product_id'), json_extract(CAST(e.detail AS TEXT), '$.product_id')), '-', ''))
FROM audit_entries e
JOIN (SELECT 'alert' AS kind, '$.alerts' AS list UNION ALL SELECT 'registered_model', '$.created'
      UNION ALL SELECT 'registered_model', '$.seen' UNION ALL SELECT 'training_run', '$.replaced') l
JOIN json_each(CAST(e.detail AS TEXT), l.list) i
WHERE e.detail IS NOT NULL;

-- How rows were before they changed. A turn notes what it is about to change under the size that the record has then:
-- the state after n leaves is each row's first note of size n or more, or the row itself where there is none.
-- `present` is 0 where there was no row yet.

CREATE TABLE products_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    space_id BLOB,
    slug TEXT,
    name TEXT,
    description TEXT,
    long_description TEXT,
    product_type TEXT,
    provider TEXT,
    environment TEXT,
    risk_classification TEXT,
    lifecycle_stage TEXT,
    ai_system_type TEXT,
    business_use_case TEXT,
    is_gpai INTEGER,
    created_at INTEGER,
    updated_at INTEGER,
    archived_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX products_past_by_key ON products_past (organization_id, id, log_size);
CREATE INDEX products_past_by_size ON products_past (organization_id, log_size);
CREATE TRIGGER products_past_insert AFTER INSERT ON products BEGIN
    INSERT INTO products_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER products_past_update AFTER UPDATE ON products BEGIN
    INSERT INTO products_past (log_size, present, id, organization_id, space_id, slug, name, description, long_description, product_type, provider, environment, risk_classification, lifecycle_stage, ai_system_type, business_use_case, is_gpai, created_at, updated_at, archived_at, version)
    SELECT size, 1, old.id, old.organization_id, old.space_id, old.slug, old.name, old.description, old.long_description, old.product_type, old.provider, old.environment, old.risk_classification, old.lifecycle_stage, old.ai_system_type, old.business_use_case, old.is_gpai, old.created_at, old.updated_at, old.archived_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER products_past_delete AFTER DELETE ON products BEGIN
    INSERT INTO products_past (log_size, present, id, organization_id, space_id, slug, name, description, long_description, product_type, provider, environment, risk_classification, lifecycle_stage, ai_system_type, business_use_case, is_gpai, created_at, updated_at, archived_at, version)
    SELECT size, 1, old.id, old.organization_id, old.space_id, old.slug, old.name, old.description, old.long_description, old.product_type, old.provider, old.environment, old.risk_classification, old.lifecycle_stage, old.ai_system_type, old.business_use_case, old.is_gpai, old.created_at, old.updated_at, old.archived_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE product_models_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    product_id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    model_family TEXT,
    model_task_type TEXT,
    model_architecture TEXT,
    framework TEXT,
    intended_use TEXT,
    limitations TEXT,
    deployment_status TEXT,
    serving_url TEXT,
    input_schema TEXT,
    output_schema TEXT,
    vendor_name TEXT,
    vendor_product_name TEXT,
    vendor_model_id TEXT,
    deployment_environment TEXT
) STRICT;
CREATE INDEX product_models_past_by_key ON product_models_past (organization_id, product_id, log_size);
CREATE INDEX product_models_past_by_size ON product_models_past (organization_id, log_size);
CREATE TRIGGER product_models_past_insert AFTER INSERT ON product_models BEGIN
    INSERT INTO product_models_past (log_size, present, organization_id, product_id)
    SELECT size, 0, new.organization_id, new.product_id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER product_models_past_update AFTER UPDATE ON product_models BEGIN
    INSERT INTO product_models_past (log_size, present, product_id, organization_id, model_family, model_task_type, model_architecture, framework, intended_use, limitations, deployment_status, serving_url, input_schema, output_schema, vendor_name, vendor_product_name, vendor_model_id, deployment_environment)
    SELECT size, 1, old.product_id, old.organization_id, old.model_family, old.model_task_type, old.model_architecture, old.framework, old.intended_use, old.limitations, old.deployment_status, old.serving_url, old.input_schema, old.output_schema, old.vendor_name, old.vendor_product_name, old.vendor_model_id, old.deployment_environment FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER product_models_past_delete AFTER DELETE ON product_models BEGIN
    INSERT INTO product_models_past (log_size, present, product_id, organization_id, model_family, model_task_type, model_architecture, framework, intended_use, limitations, deployment_status, serving_url, input_schema, output_schema, vendor_name, vendor_product_name, vendor_model_id, deployment_environment)
    SELECT size, 1, old.product_id, old.organization_id, old.model_family, old.model_task_type, old.model_architecture, old.framework, old.intended_use, old.limitations, old.deployment_status, old.serving_url, old.input_schema, old.output_schema, old.vendor_name, old.vendor_product_name, old.vendor_model_id, old.deployment_environment FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE product_governance_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    product_id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    owner TEXT,
    monitoring_plan TEXT,
    no_data_dependencies INTEGER,
    technical_documentation TEXT,
    documentation_updated_at INTEGER,
    next_review_due_at INTEGER,
    model_card TEXT
) STRICT;
CREATE INDEX product_governance_past_by_key ON product_governance_past (organization_id, product_id, log_size);
CREATE INDEX product_governance_past_by_size ON product_governance_past (organization_id, log_size);
CREATE TRIGGER product_governance_past_insert AFTER INSERT ON product_governance BEGIN
    INSERT INTO product_governance_past (log_size, present, organization_id, product_id)
    SELECT size, 0, new.organization_id, new.product_id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER product_governance_past_update AFTER UPDATE ON product_governance BEGIN
    INSERT INTO product_governance_past (log_size, present, product_id, organization_id, owner, monitoring_plan, no_data_dependencies, technical_documentation, documentation_updated_at, next_review_due_at, model_card)
    SELECT size, 1, old.product_id, old.organization_id, old.owner, old.monitoring_plan, old.no_data_dependencies, old.technical_documentation, old.documentation_updated_at, old.next_review_due_at, old.model_card FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER product_governance_past_delete AFTER DELETE ON product_governance BEGIN
    INSERT INTO product_governance_past (log_size, present, product_id, organization_id, owner, monitoring_plan, no_data_dependencies, technical_documentation, documentation_updated_at, next_review_due_at, model_card)
    SELECT size, 1, old.product_id, old.organization_id, old.owner, old.monitoring_plan, old.no_data_dependencies, old.technical_documentation, old.documentation_updated_at, old.next_review_due_at, old.model_card FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE product_versions_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    product_id BLOB,
    version_number TEXT,
    version_type TEXT,
    release_date INTEGER,
    release_notes TEXT,
    is_current INTEGER,
    created_at INTEGER,
    updated_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX product_versions_past_by_key ON product_versions_past (organization_id, id, log_size);
CREATE INDEX product_versions_past_by_size ON product_versions_past (organization_id, log_size);
CREATE TRIGGER product_versions_past_insert AFTER INSERT ON product_versions BEGIN
    INSERT INTO product_versions_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER product_versions_past_update AFTER UPDATE ON product_versions BEGIN
    INSERT INTO product_versions_past (log_size, present, id, organization_id, product_id, version_number, version_type, release_date, release_notes, is_current, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.version_number, old.version_type, old.release_date, old.release_notes, old.is_current, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER product_versions_past_delete AFTER DELETE ON product_versions BEGIN
    INSERT INTO product_versions_past (log_size, present, id, organization_id, product_id, version_number, version_type, release_date, release_notes, is_current, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.version_number, old.version_type, old.release_date, old.release_notes, old.is_current, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE data_dependencies_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    product_id BLOB,
    name TEXT,
    dependency_type TEXT,
    uri TEXT,
    version_label TEXT,
    description TEXT,
    changed_at INTEGER,
    created_at INTEGER,
    updated_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX data_dependencies_past_by_key ON data_dependencies_past (organization_id, id, log_size);
CREATE INDEX data_dependencies_past_by_size ON data_dependencies_past (organization_id, log_size);
CREATE TRIGGER data_dependencies_past_insert AFTER INSERT ON data_dependencies BEGIN
    INSERT INTO data_dependencies_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER data_dependencies_past_update AFTER UPDATE ON data_dependencies BEGIN
    INSERT INTO data_dependencies_past (log_size, present, id, organization_id, product_id, name, dependency_type, uri, version_label, description, changed_at, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.name, old.dependency_type, old.uri, old.version_label, old.description, old.changed_at, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER data_dependencies_past_delete AFTER DELETE ON data_dependencies BEGIN
    INSERT INTO data_dependencies_past (log_size, present, id, organization_id, product_id, name, dependency_type, uri, version_label, description, changed_at, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.name, old.dependency_type, old.uri, old.version_label, old.description, old.changed_at, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE policy_attachments_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    product_id BLOB,
    policy_key TEXT,
    title TEXT,
    reference_url TEXT,
    description TEXT,
    attached_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX policy_attachments_past_by_key ON policy_attachments_past (organization_id, id, log_size);
CREATE INDEX policy_attachments_past_by_size ON policy_attachments_past (organization_id, log_size);
CREATE TRIGGER policy_attachments_past_insert AFTER INSERT ON policy_attachments BEGIN
    INSERT INTO policy_attachments_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER policy_attachments_past_update AFTER UPDATE ON policy_attachments BEGIN
    INSERT INTO policy_attachments_past (log_size, present, id, organization_id, product_id, policy_key, title, reference_url, description, attached_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.policy_key, old.title, old.reference_url, old.description, old.attached_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER policy_attachments_past_delete AFTER DELETE ON policy_attachments BEGIN
    INSERT INTO policy_attachments_past (log_size, present, id, organization_id, product_id, policy_key, title, reference_url, description, attached_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.policy_key, old.title, old.reference_url, old.description, old.attached_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE risk_mitigations_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    product_id BLOB,
    title TEXT,
    description TEXT,
    severity TEXT,
    status TEXT,
    owner TEXT,
    due_at INTEGER,
    closed_at INTEGER,
    created_at INTEGER,
    updated_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX risk_mitigations_past_by_key ON risk_mitigations_past (organization_id, id, log_size);
CREATE INDEX risk_mitigations_past_by_size ON risk_mitigations_past (organization_id, log_size);
CREATE TRIGGER risk_mitigations_past_insert AFTER INSERT ON risk_mitigations BEGIN
    INSERT INTO risk_mitigations_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER risk_mitigations_past_update AFTER UPDATE ON risk_mitigations BEGIN
    INSERT INTO risk_mitigations_past (log_size, present, id, organization_id, product_id, title, description, severity, status, owner, due_at, closed_at, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.title, old.description, old.severity, old.status, old.owner, old.due_at, old.closed_at, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER risk_mitigations_past_delete AFTER DELETE ON risk_mitigations BEGIN
    INSERT INTO risk_mitigations_past (log_size, present, id, organization_id, product_id, title, description, severity, status, owner, due_at, closed_at, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.title, old.description, old.severity, old.status, old.owner, old.due_at, old.closed_at, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE product_registered_models_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    organization_id BLOB NOT NULL,
    product_id BLOB NOT NULL,
    registered_model_id BLOB NOT NULL,
    linked_at INTEGER
) STRICT;
CREATE INDEX product_registered_models_past_by_key ON product_registered_models_past (organization_id, product_id, registered_model_id, log_size);
CREATE INDEX product_registered_models_past_by_size ON product_registered_models_past (organization_id, log_size);
CREATE TRIGGER product_registered_models_past_insert AFTER INSERT ON product_registered_models BEGIN
    INSERT INTO product_registered_models_past (log_size, present, organization_id, product_id, registered_model_id)
    SELECT size, 0, new.organization_id, new.product_id, new.registered_model_id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER product_registered_models_past_update AFTER UPDATE ON product_registered_models BEGIN
    INSERT INTO product_registered_models_past (log_size, present, organization_id, product_id, registered_model_id, linked_at)
    SELECT size, 1, old.organization_id, old.product_id, old.registered_model_id, old.linked_at FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER product_registered_models_past_delete AFTER DELETE ON product_registered_models BEGIN
    INSERT INTO product_registered_models_past (log_size, present, organization_id, product_id, registered_model_id, linked_at)
    SELECT size, 1, old.organization_id, old.product_id, old.registered_model_id, old.linked_at FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE training_runs_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    product_id BLOB,
    run_name TEXT,
    run_type TEXT,
    status TEXT,
    dataset_name TEXT,
    dataset_version TEXT,
    dataset_uri TEXT,
    training_samples INTEGER,
    validation_samples INTEGER,
    test_samples INTEGER,
    random_seed INTEGER,
    hyperparameters TEXT,
    metrics TEXT,
    model_artifact_uri TEXT,
    framework_version TEXT,
    environment TEXT,
    duration_seconds REAL,
    notes TEXT,
    is_deployed INTEGER,
    deployed_at INTEGER,
    deployed_by TEXT,
    started_at INTEGER,
    completed_at INTEGER,
    created_at INTEGER,
    updated_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX training_runs_past_by_key ON training_runs_past (organization_id, id, log_size);
CREATE INDEX training_runs_past_by_size ON training_runs_past (organization_id, log_size);
CREATE TRIGGER training_runs_past_insert AFTER INSERT ON training_runs BEGIN
    INSERT INTO training_runs_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER training_runs_past_update AFTER UPDATE ON training_runs BEGIN
    INSERT INTO training_runs_past (log_size, present, id, organization_id, product_id, run_name, run_type, status, dataset_name, dataset_version, dataset_uri, training_samples, validation_samples, test_samples, random_seed, hyperparameters, metrics, model_artifact_uri, framework_version, environment, duration_seconds, notes, is_deployed, deployed_at, deployed_by, started_at, completed_at, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.run_name, old.run_type, old.status, old.dataset_name, old.dataset_version, old.dataset_uri, old.training_samples, old.validation_samples, old.test_samples, old.random_seed, old.hyperparameters, old.metrics, old.model_artifact_uri, old.framework_version, old.environment, old.duration_seconds, old.notes, old.is_deployed, old.deployed_at, old.deployed_by, old.started_at, old.completed_at, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER training_runs_past_delete AFTER DELETE ON training_runs BEGIN
    INSERT INTO training_runs_past (log_size, present, id, organization_id, product_id, run_name, run_type, status, dataset_name, dataset_version, dataset_uri, training_samples, validation_samples, test_samples, random_seed, hyperparameters, metrics, model_artifact_uri, framework_version, environment, duration_seconds, notes, is_deployed, deployed_at, deployed_by, started_at, completed_at, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.run_name, old.run_type, old.status, old.dataset_name, old.dataset_version, old.dataset_uri, old.training_samples, old.validation_samples, old.test_samples, old.random_seed, old.hyperparameters, old.metrics, old.model_artifact_uri, old.framework_version, old.environment, old.duration_seconds, old.notes, old.is_deployed, old.deployed_at, old.deployed_by, old.started_at, old.completed_at, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE safety_metrics_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    product_id BLOB,
    category TEXT,
    metric_name TEXT,
    metric_value REAL,
    unit TEXT,
    threshold_warning REAL,
    threshold_critical REAL,
    status TEXT,
    status_source TEXT,
    test_dataset TEXT,
    test_dataset_version TEXT,
    methodology TEXT,
    measured_at INTEGER,
    demographic_group TEXT,
    external_url TEXT,
    notes TEXT,
    attested_at INTEGER,
    attested_by TEXT,
    created_at INTEGER,
    updated_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX safety_metrics_past_by_key ON safety_metrics_past (organization_id, id, log_size);
CREATE INDEX safety_metrics_past_by_size ON safety_metrics_past (organization_id, log_size);
CREATE TRIGGER safety_metrics_past_insert AFTER INSERT ON safety_metrics BEGIN
    INSERT INTO safety_metrics_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER safety_metrics_past_update AFTER UPDATE ON safety_metrics BEGIN
    INSERT INTO safety_metrics_past (log_size, present, id, organization_id, product_id, category, metric_name, metric_value, unit, threshold_warning, threshold_critical, status, status_source, test_dataset, test_dataset_version, methodology, measured_at, demographic_group, external_url, notes, attested_at, attested_by, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.category, old.metric_name, old.metric_value, old.unit, old.threshold_warning, old.threshold_critical, old.status, old.status_source, old.test_dataset, old.test_dataset_version, old.methodology, old.measured_at, old.demographic_group, old.external_url, old.notes, old.attested_at, old.attested_by, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER safety_metrics_past_delete AFTER DELETE ON safety_metrics BEGIN
    INSERT INTO safety_metrics_past (log_size, present, id, organization_id, product_id, category, metric_name, metric_value, unit, threshold_warning, threshold_critical, status, status_source, test_dataset, test_dataset_version, methodology, measured_at, demographic_group, external_url, notes, attested_at, attested_by, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.category, old.metric_name, old.metric_value, old.unit, old.threshold_warning, old.threshold_critical, old.status, old.status_source, old.test_dataset, old.test_dataset_version, old.methodology, old.measured_at, old.demographic_group, old.external_url, old.notes, old.attested_at, old.attested_by, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE review_requests_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    product_id BLOB,
    status TEXT,
    title TEXT,
    description TEXT,
    source TEXT,
    drift_indicator_keys TEXT,
    requested_at INTEGER,
    requested_by TEXT,
    decided_at INTEGER,
    decided_by TEXT,
    comment TEXT,
    approval_expires_at INTEGER,
    next_review_due_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX review_requests_past_by_key ON review_requests_past (organization_id, id, log_size);
CREATE INDEX review_requests_past_by_size ON review_requests_past (organization_id, log_size);
CREATE TRIGGER review_requests_past_insert AFTER INSERT ON review_requests BEGIN
    INSERT INTO review_requests_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER review_requests_past_update AFTER UPDATE ON review_requests BEGIN
    INSERT INTO review_requests_past (log_size, present, id, organization_id, product_id, status, title, description, source, drift_indicator_keys, requested_at, requested_by, decided_at, decided_by, comment, approval_expires_at, next_review_due_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.status, old.title, old.description, old.source, old.drift_indicator_keys, old.requested_at, old.requested_by, old.decided_at, old.decided_by, old.comment, old.approval_expires_at, old.next_review_due_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER review_requests_past_delete AFTER DELETE ON review_requests BEGIN
    INSERT INTO review_requests_past (log_size, present, id, organization_id, product_id, status, title, description, source, drift_indicator_keys, requested_at, requested_by, decided_at, decided_by, comment, approval_expires_at, next_review_due_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.status, old.title, old.description, old.source, old.drift_indicator_keys, old.requested_at, old.requested_by, old.decided_at, old.decided_by, old.comment, old.approval_expires_at, old.next_review_due_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE governance_settings_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    organization_id BLOB NOT NULL,
    settings TEXT,
    updated_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX governance_settings_past_by_key ON governance_settings_past (organization_id, log_size);
CREATE INDEX governance_settings_past_by_size ON governance_settings_past (organization_id, log_size);
CREATE TRIGGER governance_settings_past_insert AFTER INSERT ON governance_settings BEGIN
    INSERT INTO governance_settings_past (log_size, present, organization_id)
    SELECT size, 0, new.organization_id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER governance_settings_past_update AFTER UPDATE ON governance_settings BEGIN
    INSERT INTO governance_settings_past (log_size, present, organization_id, settings, updated_at, version)
    SELECT size, 1, old.organization_id, old.settings, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER governance_settings_past_delete AFTER DELETE ON governance_settings BEGIN
    INSERT INTO governance_settings_past (log_size, present, organization_id, settings, updated_at, version)
    SELECT size, 1, old.organization_id, old.settings, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE registered_models_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    position INTEGER NOT NULL,
    organization_id BLOB NOT NULL,
    id BLOB,
    model_id TEXT,
    provider TEXT,
    provider_folded TEXT,
    display_name TEXT,
    risk_tier TEXT,
    validation_status TEXT,
    owner TEXT,
    description TEXT,
    tags TEXT,
    exposure TEXT,
    purpose TEXT,
    technique TEXT,
    last_seen_at INTEGER,
    validated_at INTEGER,
    validation_expires_at INTEGER,
    revalidation_due INTEGER,
    search_text TEXT,
    created_at INTEGER,
    updated_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX registered_models_past_by_key ON registered_models_past (organization_id, position, log_size);
CREATE INDEX registered_models_past_by_size ON registered_models_past (organization_id, log_size);
CREATE TRIGGER registered_models_past_insert AFTER INSERT ON registered_models BEGIN
    INSERT INTO registered_models_past (log_size, present, organization_id, position)
    SELECT size, 0, new.organization_id, new.position FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER registered_models_past_update AFTER UPDATE ON registered_models BEGIN
    INSERT INTO registered_models_past (log_size, present, position, organization_id, id, model_id, provider, provider_folded, display_name, risk_tier, validation_status, owner, description, tags, exposure, purpose, technique, last_seen_at, validated_at, validation_expires_at, revalidation_due, search_text, created_at, updated_at, version)
    SELECT size, 1, old.position, old.organization_id, old.id, old.model_id, old.provider, old.provider_folded, old.display_name, old.risk_tier, old.validation_status, old.owner, old.description, old.tags, old.exposure, old.purpose, old.technique, old.last_seen_at, old.validated_at, old.validation_expires_at, old.revalidation_due, old.search_text, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER registered_models_past_delete AFTER DELETE ON registered_models BEGIN
    INSERT INTO registered_models_past (log_size, present, position, organization_id, id, model_id, provider, provider_folded, display_name, risk_tier, validation_status, owner, description, tags, exposure, purpose, technique, last_seen_at, validated_at, validation_expires_at, revalidation_due, search_text, created_at, updated_at, version)
    SELECT size, 1, old.position, old.organization_id, old.id, old.model_id, old.provider, old.provider_folded, old.display_name, old.risk_tier, old.validation_status, old.owner, old.description, old.tags, old.exposure, old.purpose, old.technique, old.last_seen_at, old.validated_at, old.validation_expires_at, old.revalidation_due, old.search_text, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE registry_settings_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    organization_id BLOB NOT NULL,
    profile TEXT,
    separation_of_duties INTEGER,
    settings TEXT,
    updated_at INTEGER
) STRICT;
CREATE INDEX registry_settings_past_by_key ON registry_settings_past (organization_id, log_size);
CREATE INDEX registry_settings_past_by_size ON registry_settings_past (organization_id, log_size);
CREATE TRIGGER registry_settings_past_insert AFTER INSERT ON registry_settings BEGIN
    INSERT INTO registry_settings_past (log_size, present, organization_id)
    SELECT size, 0, new.organization_id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER registry_settings_past_update AFTER UPDATE ON registry_settings BEGIN
    INSERT INTO registry_settings_past (log_size, present, organization_id, profile, separation_of_duties, settings, updated_at)
    SELECT size, 1, old.organization_id, old.profile, old.separation_of_duties, old.settings, old.updated_at FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER registry_settings_past_delete AFTER DELETE ON registry_settings BEGIN
    INSERT INTO registry_settings_past (log_size, present, organization_id, profile, separation_of_duties, settings, updated_at)
    SELECT size, 1, old.organization_id, old.profile, old.separation_of_duties, old.settings, old.updated_at FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE risk_metric_links_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    product_id BLOB,
    drift_amber REAL,
    drift_red REAL,
    fairness_amber REAL,
    fairness_red REAL,
    psi_amber REAL,
    psi_red REAL,
    disparate_impact_amber REAL,
    disparate_impact_red REAL,
    created_at INTEGER,
    updated_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX risk_metric_links_past_by_key ON risk_metric_links_past (organization_id, id, log_size);
CREATE INDEX risk_metric_links_past_by_size ON risk_metric_links_past (organization_id, log_size);
CREATE TRIGGER risk_metric_links_past_insert AFTER INSERT ON risk_metric_links BEGIN
    INSERT INTO risk_metric_links_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER risk_metric_links_past_update AFTER UPDATE ON risk_metric_links BEGIN
    INSERT INTO risk_metric_links_past (log_size, present, id, organization_id, product_id, drift_amber, drift_red, fairness_amber, fairness_red, psi_amber, psi_red, disparate_impact_amber, disparate_impact_red, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.drift_amber, old.drift_red, old.fairness_amber, old.fairness_red, old.psi_amber, old.psi_red, old.disparate_impact_amber, old.disparate_impact_red, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER risk_metric_links_past_delete AFTER DELETE ON risk_metric_links BEGIN
    INSERT INTO risk_metric_links_past (log_size, present, id, organization_id, product_id, drift_amber, drift_red, fairness_amber, fairness_red, psi_amber, psi_red, disparate_impact_amber, disparate_impact_red, created_at, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.drift_amber, old.drift_red, old.fairness_amber, old.fairness_red, old.psi_amber, old.psi_red, old.disparate_impact_amber, old.disparate_impact_red, old.created_at, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

CREATE TABLE alerts_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    product_id BLOB,
    metric TEXT,
    severity TEXT,
    state TEXT,
    value REAL,
    threshold REAL,
    snapshot_id BLOB,
    opened_at INTEGER,
    escalated_at INTEGER,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    resolved_at INTEGER,
    resolution TEXT,
    note TEXT,
    updated_at INTEGER,
    version INTEGER
) STRICT;
CREATE INDEX alerts_past_by_key ON alerts_past (organization_id, id, log_size);
CREATE INDEX alerts_past_by_size ON alerts_past (organization_id, log_size);
CREATE TRIGGER alerts_past_insert AFTER INSERT ON alerts BEGIN
    INSERT INTO alerts_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER alerts_past_update AFTER UPDATE ON alerts BEGIN
    INSERT INTO alerts_past (log_size, present, id, organization_id, product_id, metric, severity, state, value, threshold, snapshot_id, opened_at, escalated_at, acknowledged_at, acknowledged_by, resolved_at, resolution, note, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.metric, old.severity, old.state, old.value, old.threshold, old.snapshot_id, old.opened_at, old.escalated_at, old.acknowledged_at, old.acknowledged_by, old.resolved_at, old.resolution, old.note, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER alerts_past_delete AFTER DELETE ON alerts BEGIN
    INSERT INTO alerts_past (log_size, present, id, organization_id, product_id, metric, severity, state, value, threshold, snapshot_id, opened_at, escalated_at, acknowledged_at, acknowledged_by, resolved_at, resolution, note, updated_at, version)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.metric, old.severity, old.state, old.value, old.threshold, old.snapshot_id, old.opened_at, old.escalated_at, old.acknowledged_at, old.acknowledged_by, old.resolved_at, old.resolution, old.note, old.updated_at, old.version FROM audit_heads WHERE organization_id = old.organization_id;
END;

-- For how long things are kept, where an organisation has said so.
CREATE TABLE retention_windows (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    target TEXT NOT NULL CHECK (target IN ('audit_logs', 'evidence_packets', 'findings')),
    retention_days INTEGER NOT NULL CHECK (retention_days BETWEEN 30 AND 3650),
    hold_reason TEXT,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    PRIMARY KEY (organization_id, target)
) STRICT, WITHOUT ROWID;
