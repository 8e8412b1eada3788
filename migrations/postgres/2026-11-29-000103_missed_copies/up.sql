-- Row-level security is forced on the owner of the tables too. Migrations of earlier releases copied rows without the scope
-- of the system, so an owner that is no superuser read none of them. What they missed is copied now; a superuser missed
-- nothing.
SELECT set_config('app.scope', 'system', true);

DO $$
DECLARE
    governed BIGINT;
    searched BIGINT;
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)) THEN
        RETURN;
    END IF;
    SELECT COALESCE(MAX(no), 0) INTO governed FROM product_governance_past;
    SELECT COALESCE(MAX(no), 0) INTO searched FROM product_search_past;

    INSERT INTO product_governance (product_id, organization_id, no_data_dependencies)
    SELECT id, organization_id, FALSE FROM products ON CONFLICT DO NOTHING;

    INSERT INTO product_postures (organization_id, product_id, space_id, score, lifecycle_gate, review_status, complete,
        drift, worst_severity, score_version, settings_version, evaluated_at, next_change_at)
    SELECT organization_id, id, space_id, 0, 'design', 'not_started', 0, 0, NULL, '', 0, TIMESTAMPTZ 'epoch', TIMESTAMPTZ 'epoch'
    FROM products WHERE archived_at IS NULL AND product_type <> 'Prompt Collection' ON CONFLICT DO NOTHING;

    -- Behind the products that have a place by now.
    WITH added AS (
        INSERT INTO product_listing
        SELECT COALESCE((SELECT MAX(l.position) + 1 FROM product_listing l WHERE l.organization_id = p.organization_id), o.no << 40)
                   + ROW_NUMBER() OVER (PARTITION BY p.organization_id ORDER BY p.created_at, p.id) - 1,
               p.organization_id, p.id, p.space_id, p.product_type, COALESCE(m.model_family, ''),
               COALESCE(m.model_task_type, ''), m.deployment_status, COALESCE(p.risk_classification, ''), p.archived_at IS NOT NULL
        FROM products p JOIN product_models m ON m.product_id = p.id JOIN organizations o ON o.id = p.organization_id
        WHERE NOT EXISTS (SELECT FROM product_listing l WHERE l.organization_id = p.organization_id AND l.product_id = p.id)
        RETURNING *
    )
    INSERT INTO product_totals AS t
    SELECT organization_id, space_id, product_type, model_family, model_task_type, deployment_status, risk_classification, archived, COUNT(*)
    FROM added GROUP BY organization_id, space_id, product_type, model_family, model_task_type, deployment_status, risk_classification, archived
    ON CONFLICT (organization_id, space_id, product_type, model_family, model_task_type, deployment_status, risk_classification, archived)
    DO UPDATE SET products = t.products + excluded.products;

    -- Letters beyond ASCII are folded as the database does it, until the product next changes.
    INSERT INTO product_search
    SELECT l.position, p.organization_id, lower(concat_ws(chr(10), p.name, p.slug, p.description, p.long_description, p.provider,
        p.ai_system_type, p.business_use_case, m.model_architecture, m.framework, m.intended_use, m.limitations,
        m.vendor_name, m.vendor_product_name, m.vendor_model_id))
    FROM products p JOIN product_models m ON m.product_id = p.id
    JOIN product_listing l ON l.organization_id = p.organization_id AND l.product_id = p.id
    ON CONFLICT DO NOTHING;

    INSERT INTO tracked_alerts
    SELECT id, organization_id, product_id, 'metric', id, metric, CASE severity WHEN 'RED' THEN 'critical' ELSE 'medium' END,
           state, opened_at, CASE state WHEN 'open' THEN now() ELSE COALESCE(escalated_at, opened_at) END,
           acknowledged_at, acknowledged_by, resolved_at,
           CASE state WHEN 'resolved' THEN COALESCE(resolution, 'manual') END, note, NULL, NULL, updated_at, 1
    FROM alerts ON CONFLICT DO NOTHING;

    -- In the logs whose first leaf stands in no history.
    CREATE TEMPORARY TABLE missed ON COMMIT DROP AS
    SELECT e.organization_id, e.position & 1099511627775 AS index, convert_from(e.leaf, 'UTF8')::jsonb AS leaf,
           convert_from(e.detail, 'UTF8')::jsonb AS detail
    FROM audit_entries e JOIN audit_heads h ON h.organization_id = e.organization_id
    JOIN audit_entries first ON first.position = h.no << 40 AND first.leaf IS NOT NULL
    WHERE e.leaf IS NOT NULL AND NOT EXISTS (SELECT FROM audit_subjects s
        WHERE s.organization_id = e.organization_id AND s.kind = convert_from(first.leaf, 'UTF8')::jsonb -> 'target' ->> 'type'
        AND s.subject_id = (convert_from(first.leaf, 'UTF8')::jsonb -> 'target' ->> 'id')::uuid AND s.audit_index = 0);

    INSERT INTO audit_subjects
    SELECT organization_id, CASE WHEN leaf ->> 'action' = 'registry.settings.changed' THEN 'registry_settings'
                ELSE leaf -> 'target' ->> 'type' END, (leaf -> 'target' ->> 'id')::uuid, index,
           (CASE WHEN leaf -> 'target' ->> 'type' = 'product' THEN leaf -> 'target' ->> 'id'
                 WHEN jsonb_typeof(detail -> 'product_id') = 'object'
                 THEN COALESCE(detail -> 'product_id' ->> 'after', detail -> 'product_id' ->> 'before')
                 ELSE detail ->> 'product_id' END)::uuid
    FROM missed WHERE leaf -> 'target' ->> 'type' NOT IN ('metric_snapshot', 'alert_preferences')
    ON CONFLICT DO NOTHING;

    INSERT INTO audit_subjects
    SELECT e.organization_id, l.kind, (i.value ->> 'id')::uuid, e.index,
           COALESCE(i.value ->> 'product_id', CASE WHEN l.kind = 'training_run' THEN e.detail ->> 'product_id' END)::uuid
    FROM missed e
    CROSS JOIN (VALUES ('alert', 'alerts'), ('registered_model', 'created'), ('registered_model', 'seen'),
                       ('training_run', 'replaced')) l (kind, list)
    CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(e.detail -> l.list) = 'array' THEN e.detail -> l.list ELSE '[]' END) i (value)
    WHERE l.kind <> 'training_run' OR e.leaf -> 'target' ->> 'type' = 'training_run'
    ON CONFLICT DO NOTHING;

    -- These rows were there all along: the past knows no time without them.
    DELETE FROM product_governance_past WHERE no > governed AND NOT present;
    DELETE FROM product_search_past WHERE no > searched AND NOT present;
END $$;
