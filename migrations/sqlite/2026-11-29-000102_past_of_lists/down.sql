DROP TRIGGER artifacts_past_insert;
DROP TRIGGER artifacts_past_update;
DROP TRIGGER artifacts_past_delete;
DROP TRIGGER product_search_past_insert;
DROP TRIGGER product_search_past_update;
DROP TRIGGER product_search_past_delete;
DROP TABLE artifacts_past;
DROP TABLE product_search_past;
