-- A receiver that keeps tickets is told one thing at a time: which delivery has the turn, and until when.
ALTER TABLE webhook_endpoints ADD COLUMN turn_of BLOB;
ALTER TABLE webhook_endpoints ADD COLUMN turn_until INTEGER;
