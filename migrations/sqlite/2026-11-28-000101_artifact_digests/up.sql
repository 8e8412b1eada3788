-- Bytes are found by their digest, so that an organisation keeps the same ones once.
CREATE INDEX artifacts_of_digest ON artifacts (organization_id, sha256);
