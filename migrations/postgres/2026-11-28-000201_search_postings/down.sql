DROP TRIGGER product_search_pending ON product_search;
DROP TRIGGER product_search_pending_update ON product_search;
DROP TRIGGER registered_models_pending ON registered_models;
DROP TRIGGER registered_models_pending_update ON registered_models;
DROP FUNCTION search_pending_note();
DROP TABLE search_pending;
DROP TABLE search_postings;
DO $$
BEGIN
    CREATE INDEX registered_models_search ON registered_models USING gin (search_text gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'pg_trgm is not available: %', SQLERRM;
END $$;
