-- What a product's model card says beyond the fields of the product.
ALTER TABLE product_governance ADD COLUMN model_card TEXT CHECK (model_card IS NULL OR model_card::jsonb IS NOT NULL);
