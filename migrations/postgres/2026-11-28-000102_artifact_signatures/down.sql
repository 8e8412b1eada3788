ALTER TABLE artifacts DROP COLUMN signature_proof;
ALTER TABLE artifacts DROP COLUMN signature;
