-- The past of what lists of products show besides the products: the texts that searches look into, and which artifact
-- is the current one.

CREATE TABLE product_search_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    position INTEGER NOT NULL,
    organization_id BLOB NOT NULL,
    search_text TEXT
) STRICT;
CREATE INDEX product_search_past_by_key ON product_search_past (organization_id, position, log_size);
CREATE INDEX product_search_past_by_size ON product_search_past (organization_id, log_size);
CREATE TRIGGER product_search_past_insert AFTER INSERT ON product_search BEGIN
    INSERT INTO product_search_past (log_size, present, organization_id, position)
    SELECT size, 0, new.organization_id, new.position FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER product_search_past_update AFTER UPDATE ON product_search WHEN old.search_text <> new.search_text BEGIN
    INSERT INTO product_search_past (log_size, present, position, organization_id, search_text)
    SELECT size, 1, old.position, old.organization_id, old.search_text FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER product_search_past_delete AFTER DELETE ON product_search BEGIN
    INSERT INTO product_search_past (log_size, present, position, organization_id, search_text)
    SELECT size, 1, old.position, old.organization_id, old.search_text FROM audit_heads WHERE organization_id = old.organization_id;
END;

-- Of artifacts only what lists tell: looking at their bytes again changes nothing of it.
CREATE TABLE artifacts_past (
    no INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    product_id BLOB,
    space_id BLOB,
    upload_id BLOB,
    file_name TEXT,
    content_type TEXT,
    artifact_kind TEXT,
    version_label TEXT,
    product_version_id BLOB,
    training_run_id BLOB,
    is_current INTEGER,
    external_uri TEXT,
    metadata TEXT,
    size_bytes INTEGER,
    sha256 BLOB,
    storage_backend TEXT,
    blob_key TEXT,
    storage_uri TEXT,
    status TEXT,
    uploaded_by TEXT,
    uploaded_at INTEGER,
    created_at INTEGER,
    updated_at INTEGER,
    verified_at INTEGER,
    cleared INTEGER,
    version INTEGER,
    signature TEXT,
    signature_proof TEXT
) STRICT;
CREATE INDEX artifacts_past_by_key ON artifacts_past (organization_id, id, log_size);
CREATE INDEX artifacts_past_by_size ON artifacts_past (organization_id, log_size);
CREATE TRIGGER artifacts_past_insert AFTER INSERT ON artifacts BEGIN
    INSERT INTO artifacts_past (log_size, present, organization_id, id)
    SELECT size, 0, new.organization_id, new.id FROM audit_heads WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER artifacts_past_update AFTER UPDATE ON artifacts WHEN old.status <> new.status OR old.is_current <> new.is_current BEGIN
    INSERT INTO artifacts_past (log_size, present, id, organization_id, product_id, space_id, upload_id, file_name, content_type, artifact_kind, version_label, product_version_id, training_run_id, is_current, external_uri, metadata, size_bytes, sha256, storage_backend, blob_key, storage_uri, status, uploaded_by, uploaded_at, created_at, updated_at, verified_at, cleared, version, signature, signature_proof)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.space_id, old.upload_id, old.file_name, old.content_type, old.artifact_kind, old.version_label, old.product_version_id, old.training_run_id, old.is_current, old.external_uri, old.metadata, old.size_bytes, old.sha256, old.storage_backend, old.blob_key, old.storage_uri, old.status, old.uploaded_by, old.uploaded_at, old.created_at, old.updated_at, old.verified_at, old.cleared, old.version, old.signature, old.signature_proof FROM audit_heads WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER artifacts_past_delete AFTER DELETE ON artifacts BEGIN
    INSERT INTO artifacts_past (log_size, present, id, organization_id, product_id, space_id, upload_id, file_name, content_type, artifact_kind, version_label, product_version_id, training_run_id, is_current, external_uri, metadata, size_bytes, sha256, storage_backend, blob_key, storage_uri, status, uploaded_by, uploaded_at, created_at, updated_at, verified_at, cleared, version, signature, signature_proof)
    SELECT size, 1, old.id, old.organization_id, old.product_id, old.space_id, old.upload_id, old.file_name, old.content_type, old.artifact_kind, old.version_label, old.product_version_id, old.training_run_id, old.is_current, old.external_uri, old.metadata, old.size_bytes, old.sha256, old.storage_backend, old.blob_key, old.storage_uri, old.status, old.uploaded_by, old.uploaded_at, old.created_at, old.updated_at, old.verified_at, old.cleared, old.version, old.signature, old.signature_proof FROM audit_heads WHERE organization_id = old.organization_id;
END;

-- Histories of artifacts belong to their products.
UPDATE audit_subjects SET product_id = (SELECT a.product_id FROM artifacts a
    WHERE a.organization_id = audit_subjects.organization_id AND a.id = audit_subjects.subject_id)
WHERE kind = 'artifact' AND product_id IS NULL;
UPDATE audit_subjects SET product_id = (SELECT u.product_id FROM artifact_uploads u
    WHERE u.organization_id = audit_subjects.organization_id AND u.id = audit_subjects.subject_id)
WHERE kind = 'artifact_upload' AND product_id IS NULL;
