DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'products',
        'product_models',
        'product_governance',
        'product_versions',
        'data_dependencies',
        'policy_attachments',
        'risk_mitigations',
        'product_registered_models',
        'training_runs',
        'safety_metrics',
        'review_requests',
        'governance_settings',
        'registered_models',
        'registry_settings',
        'risk_metric_links',
        'alerts'
    ]
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %I', name || '_past_insert', name);
        EXECUTE format('DROP TRIGGER %I ON %I', name || '_past_update', name);
        EXECUTE format('DROP TRIGGER %I ON %I', name || '_past_delete', name);
        EXECUTE format('DROP FUNCTION %I()', name || '_past_insert');
        EXECUTE format('DROP FUNCTION %I()', name || '_past_change');
        EXECUTE format('DROP TABLE %I', name || '_past');
    END LOOP;
END $$;
DROP TABLE audit_subjects;
DROP TABLE retention_windows;
