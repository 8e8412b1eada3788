-- Lists of products: one narrow row per product in the order of creation, the text that searches look into,
-- and how many products there are of each combination of what lists filter by ('' where it is not stated).

CREATE TABLE product_listing (
    position INTEGER PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    product_id BLOB NOT NULL,
    space_id BLOB NOT NULL,
    product_type TEXT NOT NULL,
    model_family TEXT NOT NULL,
    model_task_type TEXT NOT NULL,
    deployment_status TEXT NOT NULL,
    risk_classification TEXT NOT NULL,
    archived INTEGER NOT NULL CHECK (archived IN (0, 1)),
    UNIQUE (organization_id, product_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id)
) STRICT;

CREATE TABLE product_search (
    position INTEGER PRIMARY KEY REFERENCES product_listing (position),
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    search_text TEXT NOT NULL
) STRICT;

CREATE TABLE product_totals (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    space_id BLOB NOT NULL,
    product_type TEXT NOT NULL,
    model_family TEXT NOT NULL,
    model_task_type TEXT NOT NULL,
    deployment_status TEXT NOT NULL,
    risk_classification TEXT NOT NULL,
    archived INTEGER NOT NULL CHECK (archived IN (0, 1)),
    products INTEGER NOT NULL CHECK (products >= 0),
    PRIMARY KEY (organization_id, space_id, product_type, model_family, model_task_type, deployment_status, risk_classification, archived)
) STRICT, WITHOUT ROWID;

CREATE INDEX product_listing_by_space ON product_listing (organization_id, space_id, position);
CREATE INDEX product_listing_by_risk ON product_listing (organization_id, risk_classification, position);

INSERT INTO product_listing
SELECT o.no * 1099511627776 + ROW_NUMBER() OVER (PARTITION BY p.organization_id ORDER BY p.created_at, p.id) - 1,
       p.organization_id, p.id, p.space_id, p.product_type, COALESCE(p.model_family, ''),
       COALESCE(p.model_task_type, ''), p.deployment_status, COALESCE(p.risk_classification, ''), p.archived_at IS NOT NULL
FROM (SELECT p.*, m.model_family, m.model_task_type, m.deployment_status, m.model_architecture, m.framework, m.intended_use, m.limitations, m.vendor_name, m.vendor_product_name, m.vendor_model_id FROM products p JOIN product_models m ON m.product_id = p.id) p JOIN organizations o ON o.id = p.organization_id;

-- Letters beyond ASCII are folded as the database does it, until the product next changes.
INSERT INTO product_search
SELECT l.position, p.organization_id, lower(p.name || char(10) || p.slug
        || COALESCE(char(10) || p.description, '')
        || COALESCE(char(10) || p.long_description, '')
        || COALESCE(char(10) || p.provider, '')
        || COALESCE(char(10) || p.ai_system_type, '')
        || COALESCE(char(10) || p.business_use_case, '')
        || COALESCE(char(10) || p.model_architecture, '')
        || COALESCE(char(10) || p.framework, '')
        || COALESCE(char(10) || p.intended_use, '')
        || COALESCE(char(10) || p.limitations, '')
        || COALESCE(char(10) || p.vendor_name, '')
        || COALESCE(char(10) || p.vendor_product_name, '')
        || COALESCE(char(10) || p.vendor_model_id, ''))
FROM (SELECT p.*, m.model_family, m.model_task_type, m.deployment_status, m.model_architecture, m.framework, m.intended_use, m.limitations, m.vendor_name, m.vendor_product_name, m.vendor_model_id FROM products p JOIN product_models m ON m.product_id = p.id) p JOIN product_listing l ON l.product_id = p.id;

INSERT INTO product_totals
SELECT organization_id, space_id, product_type, model_family, model_task_type, deployment_status, risk_classification, archived, COUNT(*)
FROM product_listing GROUP BY organization_id, space_id, product_type, model_family, model_task_type, deployment_status, risk_classification, archived;

-- Substring search over folded text; rowid = position, so matches come in listing order.
CREATE VIRTUAL TABLE product_search_index USING fts5 (
    search_text, content = 'product_search', content_rowid = 'position',
    tokenize = 'trigram case_sensitive 1', detail = 'none', columnsize = 0
);
INSERT INTO product_search_index (product_search_index) VALUES ('rebuild');
CREATE TRIGGER product_search_insert AFTER INSERT ON product_search BEGIN
    INSERT INTO product_search_index (rowid, search_text) VALUES (new.position, new.search_text);
END;
CREATE TRIGGER product_search_delete AFTER DELETE ON product_search BEGIN
    INSERT INTO product_search_index (product_search_index, rowid, search_text)
    VALUES ('delete', old.position, old.search_text);
END;
CREATE TRIGGER product_search_update AFTER UPDATE OF search_text ON product_search
WHEN old.search_text <> new.search_text BEGIN
    INSERT INTO product_search_index (product_search_index, rowid, search_text)
    VALUES ('delete', old.position, old.search_text);
    INSERT INTO product_search_index (rowid, search_text) VALUES (new.position, new.search_text);
END;
