-- Lists of products: one narrow row per product in the order of creation, the text that searches look into,
-- and how many products there are of each combination of what lists filter by ('' where it is not stated).

CREATE TABLE product_listing (
    position BIGINT PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    space_id UUID NOT NULL,
    product_type TEXT NOT NULL,
    model_family TEXT NOT NULL,
    model_task_type TEXT NOT NULL,
    deployment_status TEXT NOT NULL,
    risk_classification TEXT NOT NULL,
    archived BOOLEAN NOT NULL,
    UNIQUE (organization_id, product_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id)
);

CREATE TABLE product_search (
    position BIGINT PRIMARY KEY REFERENCES product_listing (position),
    organization_id UUID NOT NULL REFERENCES organizations (id),
    search_text TEXT NOT NULL
);

CREATE TABLE product_totals (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    space_id UUID NOT NULL,
    product_type TEXT NOT NULL,
    model_family TEXT NOT NULL,
    model_task_type TEXT NOT NULL,
    deployment_status TEXT NOT NULL,
    risk_classification TEXT NOT NULL,
    archived BOOLEAN NOT NULL,
    products BIGINT NOT NULL CHECK (products >= 0),
    PRIMARY KEY (organization_id, space_id, product_type, model_family, model_task_type, deployment_status, risk_classification, archived)
);

CREATE INDEX product_listing_by_space ON product_listing (organization_id, space_id, position);
CREATE INDEX product_listing_by_risk ON product_listing (organization_id, risk_classification, position);

INSERT INTO product_listing
SELECT (o.no << 40) + ROW_NUMBER() OVER (PARTITION BY p.organization_id ORDER BY p.created_at, p.id) - 1,
       p.organization_id, p.id, p.space_id, p.product_type, COALESCE(p.model_family, ''),
       COALESCE(p.model_task_type, ''), p.deployment_status, COALESCE(p.risk_classification, ''), p.archived_at IS NOT NULL
FROM (SELECT p.*, m.model_family, m.model_task_type, m.deployment_status, m.model_architecture, m.framework, m.intended_use, m.limitations, m.vendor_name, m.vendor_product_name, m.vendor_model_id FROM products p JOIN product_models m ON m.product_id = p.id) p JOIN organizations o ON o.id = p.organization_id;

-- Letters beyond ASCII are folded as the database does it, until the product next changes.
INSERT INTO product_search
SELECT l.position, p.organization_id, lower(p.name || chr(10) || p.slug
        || COALESCE(chr(10) || p.description, '')
        || COALESCE(chr(10) || p.long_description, '')
        || COALESCE(chr(10) || p.provider, '')
        || COALESCE(chr(10) || p.ai_system_type, '')
        || COALESCE(chr(10) || p.business_use_case, '')
        || COALESCE(chr(10) || p.model_architecture, '')
        || COALESCE(chr(10) || p.framework, '')
        || COALESCE(chr(10) || p.intended_use, '')
        || COALESCE(chr(10) || p.limitations, '')
        || COALESCE(chr(10) || p.vendor_name, '')
        || COALESCE(chr(10) || p.vendor_product_name, '')
        || COALESCE(chr(10) || p.vendor_model_id, ''))
FROM (SELECT p.*, m.model_family, m.model_task_type, m.deployment_status, m.model_architecture, m.framework, m.intended_use, m.limitations, m.vendor_name, m.vendor_product_name, m.vendor_model_id FROM products p JOIN product_models m ON m.product_id = p.id) p JOIN product_listing l ON l.product_id = p.id;

INSERT INTO product_totals
SELECT organization_id, space_id, product_type, model_family, model_task_type, deployment_status, risk_classification, archived, COUNT(*)
FROM product_listing GROUP BY organization_id, space_id, product_type, model_family, model_task_type, deployment_status, risk_classification, archived;

-- The second wall around the new tables, as in the foundation.
DO $$
DECLARE
    target TEXT;
BEGIN
    FOREACH target IN ARRAY ARRAY[
        'product_listing',
        'product_search',
        'product_totals'
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
