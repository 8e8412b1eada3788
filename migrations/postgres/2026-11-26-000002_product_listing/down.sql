DROP TABLE product_totals;
DROP TABLE product_search;
DROP TABLE product_listing;
