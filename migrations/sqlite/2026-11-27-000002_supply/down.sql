ALTER TABLE product_governance DROP COLUMN model_card;
