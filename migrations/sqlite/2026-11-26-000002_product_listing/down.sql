DROP TABLE product_search_index;
DROP TABLE product_totals;
DROP TABLE product_search;
DROP TABLE product_listing;
