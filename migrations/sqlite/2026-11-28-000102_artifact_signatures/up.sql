-- What a signature of an artifact says, and what verifies it: both as JSON.
ALTER TABLE artifacts ADD COLUMN signature TEXT;
ALTER TABLE artifacts ADD COLUMN signature_proof TEXT;
