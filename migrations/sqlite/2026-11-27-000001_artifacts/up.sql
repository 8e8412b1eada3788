-- Model artifacts: uploads, their chunks, and what they became.

CREATE TABLE artifact_uploads (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    product_id BLOB NOT NULL,
    space_id BLOB NOT NULL,
    file_name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    artifact_kind TEXT NOT NULL CHECK (artifact_kind IN ('model_binary', 'weights', 'checkpoint', 'adapter', 'tokenizer', 'prompt_bundle', 'eval_report', 'model_card', 'other')),
    version_label TEXT,
    product_version_id BLOB,
    training_run_id BLOB,
    is_current INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    external_uri TEXT,
    metadata TEXT NOT NULL,
    total_size_bytes INTEGER NOT NULL CHECK (total_size_bytes >= 0),
    chunk_size_bytes INTEGER NOT NULL CHECK (chunk_size_bytes >= 1),
    layout TEXT NOT NULL CHECK (layout IN ('fixed', 'appended')),
    expected_sha256 BLOB CHECK (length(expected_sha256) = 32),
    status TEXT NOT NULL CHECK (status IN ('initialized', 'uploading', 'completed', 'failed', 'expired', 'aborted')),
    sealed INTEGER NOT NULL CHECK (sealed IN (0, 1)),
    hash_chunks INTEGER NOT NULL CHECK (hash_chunks >= 0),
    hash_state BLOB NOT NULL,
    replacements INTEGER NOT NULL CHECK (replacements >= 0),
    staging TEXT,
    artifact_id BLOB,
    uploaded_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    completed_at INTEGER,
    cleared INTEGER NOT NULL CHECK (cleared IN (0, 1)),
    version INTEGER NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, id),
    CHECK ((status = 'completed') = (artifact_id IS NOT NULL)),
    CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id),
    FOREIGN KEY (organization_id, product_version_id) REFERENCES product_versions (organization_id, id)
) STRICT;

CREATE TABLE artifact_chunks (
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    upload_id BLOB NOT NULL,
    chunk_index INTEGER NOT NULL CHECK (chunk_index BETWEEN 0 AND 9999),
    offset_bytes INTEGER NOT NULL CHECK (offset_bytes >= 0),
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 1),
    location TEXT NOT NULL,
    PRIMARY KEY (organization_id, upload_id, chunk_index),
    FOREIGN KEY (organization_id, upload_id) REFERENCES artifact_uploads (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id),
    product_id BLOB NOT NULL,
    space_id BLOB NOT NULL,
    upload_id BLOB NOT NULL,
    file_name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    artifact_kind TEXT NOT NULL CHECK (artifact_kind IN ('model_binary', 'weights', 'checkpoint', 'adapter', 'tokenizer', 'prompt_bundle', 'eval_report', 'model_card', 'other')),
    version_label TEXT,
    product_version_id BLOB,
    training_run_id BLOB,
    is_current INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    external_uri TEXT,
    metadata TEXT NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    storage_backend TEXT NOT NULL,
    blob_key TEXT NOT NULL,
    storage_uri TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('available', 'deleted', 'failed')),
    uploaded_by TEXT NOT NULL,
    uploaded_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    verified_at INTEGER NOT NULL,
    cleared INTEGER NOT NULL CHECK (cleared IN (0, 1)),
    version INTEGER NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, upload_id),
    CHECK (is_current = 0 OR status = 'available'),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id),
    FOREIGN KEY (organization_id, product_version_id) REFERENCES product_versions (organization_id, id),
    FOREIGN KEY (organization_id, upload_id) REFERENCES artifact_uploads (organization_id, id)
) STRICT;

CREATE UNIQUE INDEX artifacts_current ON artifacts (organization_id, product_id) WHERE is_current;
CREATE INDEX artifacts_listing ON artifacts (organization_id, product_id, id);
CREATE INDEX artifacts_of_space ON artifacts (organization_id, space_id) WHERE status <> 'deleted';
CREATE INDEX artifacts_of_blob ON artifacts (organization_id, blob_key);
CREATE INDEX artifacts_uncleared ON artifacts (id) WHERE status = 'deleted' AND NOT cleared;
CREATE INDEX artifacts_unverified ON artifacts (verified_at) WHERE status = 'available';
CREATE INDEX artifact_uploads_open ON artifact_uploads (organization_id, space_id) WHERE status IN ('initialized', 'uploading');
CREATE INDEX artifact_uploads_due ON artifact_uploads (expires_at) WHERE status IN ('initialized', 'uploading');
CREATE INDEX artifact_uploads_uncleared ON artifact_uploads (id) WHERE status NOT IN ('initialized', 'uploading') AND NOT cleared;
