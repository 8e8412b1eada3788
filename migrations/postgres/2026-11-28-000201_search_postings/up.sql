-- An index of searches that row-level security lets a search use. LIKE is not leakproof, so that under the policies no
-- index answers it; equality of numbers is. A piece is two or three letters that stand side by side in a word, as a number.

-- In which rows of a block of 16,384 positions a piece occurs. Sources are 1 for products, 2 for the inventory.
CREATE TABLE search_postings (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    source SMALLINT NOT NULL CHECK (source IN (1, 2)),
    gram BIGINT NOT NULL,
    block BIGINT NOT NULL,
    positions BYTEA NOT NULL,
    PRIMARY KEY (organization_id, source, gram, block)
) WITH (fillfactor = 80, toast_tuple_target = 8160);
-- Bits do not compress; a value is 2,048 bytes at most and stays beside its key.
ALTER TABLE search_postings ALTER COLUMN positions SET STORAGE EXTERNAL;

-- The rows whose text is not the one that the index knows, with the one that it does know; none of a new row.
CREATE TABLE search_pending (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    source SMALLINT NOT NULL CHECK (source IN (1, 2)),
    position BIGINT NOT NULL,
    known_text TEXT,
    PRIMARY KEY (organization_id, source, position)
);

-- The owner of the tables is bound by the policies too.
SELECT set_config('app.scope', 'system', true);
INSERT INTO search_pending SELECT organization_id, 1, position, NULL FROM product_search;
INSERT INTO search_pending SELECT organization_id, 2, position, NULL FROM registered_models;

-- The first text that is noted is the one that the index knows.
CREATE FUNCTION search_pending_note() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_pending VALUES (NEW.organization_id, TG_ARGV[0]::smallint, NEW.position, NULL)
        ON CONFLICT DO NOTHING;
    ELSE
        INSERT INTO search_pending VALUES (OLD.organization_id, TG_ARGV[0]::smallint, OLD.position, OLD.search_text)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    target TEXT;
    name TEXT;
    source TEXT;
BEGIN
    FOREACH target IN ARRAY ARRAY['product_search|1', 'registered_models|2'] LOOP
        name := split_part(target, '|', 1);
        source := split_part(target, '|', 2);
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR DELETE ON %I FOR EACH ROW '
            'EXECUTE FUNCTION search_pending_note(%L)', name || '_pending', name, source);
        EXECUTE format('CREATE TRIGGER %I AFTER UPDATE OF search_text ON %I FOR EACH ROW '
            'WHEN (OLD.search_text <> NEW.search_text) EXECUTE FUNCTION search_pending_note(%L)',
            name || '_pending_update', name, source);
    END LOOP;
END $$;

-- The index that the policies kept from every search.
DROP INDEX IF EXISTS registered_models_search;

-- The second wall around the new tables, as in the foundation.
DO $$
DECLARE
    target TEXT;
BEGIN
    FOREACH target IN ARRAY ARRAY['search_postings', 'search_pending'] LOOP
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
