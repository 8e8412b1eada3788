DO $$
DECLARE
    name TEXT;
    event TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['artifacts', 'product_search']
    LOOP
        FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete']
        LOOP
            EXECUTE format('DROP TRIGGER %I ON %I', name || '_past_' || event, name);
            EXECUTE format('DROP FUNCTION %I()', name || '_past_' || event);
        END LOOP;
        EXECUTE format('DROP TABLE %I', name || '_past');
    END LOOP;
END $$;
