-- Model artifacts: uploads, their chunks, and what they became.

CREATE TABLE artifact_uploads (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    space_id UUID NOT NULL,
    file_name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    artifact_kind TEXT NOT NULL CHECK (artifact_kind IN ('model_binary', 'weights', 'checkpoint', 'adapter', 'tokenizer', 'prompt_bundle', 'eval_report', 'model_card', 'other')),
    version_label TEXT,
    product_version_id UUID,
    training_run_id UUID,
    is_current BOOLEAN NOT NULL,
    external_uri TEXT,
    metadata TEXT NOT NULL,
    total_size_bytes BIGINT NOT NULL CHECK (total_size_bytes >= 0),
    chunk_size_bytes BIGINT NOT NULL CHECK (chunk_size_bytes >= 1),
    layout TEXT NOT NULL CHECK (layout IN ('fixed', 'appended')),
    expected_sha256 BYTEA CHECK (length(expected_sha256) = 32),
    status TEXT NOT NULL CHECK (status IN ('initialized', 'uploading', 'completed', 'failed', 'expired', 'aborted')),
    sealed BOOLEAN NOT NULL,
    hash_chunks BIGINT NOT NULL CHECK (hash_chunks >= 0),
    hash_state BYTEA NOT NULL,
    replacements BIGINT NOT NULL CHECK (replacements >= 0),
    staging TEXT,
    artifact_id UUID,
    uploaded_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    completed_at TIMESTAMPTZ,
    cleared BOOLEAN NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, id),
    CHECK ((status = 'completed') = (artifact_id IS NOT NULL)),
    CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id),
    FOREIGN KEY (organization_id, product_version_id) REFERENCES product_versions (organization_id, id)
);

CREATE TABLE artifact_chunks (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    upload_id UUID NOT NULL,
    chunk_index BIGINT NOT NULL CHECK (chunk_index BETWEEN 0 AND 9999),
    offset_bytes BIGINT NOT NULL CHECK (offset_bytes >= 0),
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 1),
    location TEXT NOT NULL,
    PRIMARY KEY (organization_id, upload_id, chunk_index),
    FOREIGN KEY (organization_id, upload_id) REFERENCES artifact_uploads (organization_id, id)
);

CREATE TABLE artifacts (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    product_id UUID NOT NULL,
    space_id UUID NOT NULL,
    upload_id UUID NOT NULL,
    file_name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    artifact_kind TEXT NOT NULL CHECK (artifact_kind IN ('model_binary', 'weights', 'checkpoint', 'adapter', 'tokenizer', 'prompt_bundle', 'eval_report', 'model_card', 'other')),
    version_label TEXT,
    product_version_id UUID,
    training_run_id UUID,
    is_current BOOLEAN NOT NULL,
    external_uri TEXT,
    metadata TEXT NOT NULL,
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0),
    sha256 BYTEA NOT NULL CHECK (length(sha256) = 32),
    storage_backend TEXT NOT NULL,
    blob_key TEXT COLLATE "C" NOT NULL,
    storage_uri TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('available', 'deleted', 'failed')),
    uploaded_by TEXT NOT NULL,
    uploaded_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    verified_at TIMESTAMPTZ NOT NULL,
    cleared BOOLEAN NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, upload_id),
    CHECK (NOT is_current OR status = 'available'),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id),
    FOREIGN KEY (organization_id, space_id) REFERENCES spaces (organization_id, id),
    FOREIGN KEY (organization_id, product_version_id) REFERENCES product_versions (organization_id, id),
    FOREIGN KEY (organization_id, upload_id) REFERENCES artifact_uploads (organization_id, id)
);

CREATE UNIQUE INDEX artifacts_current ON artifacts (organization_id, product_id) WHERE is_current;
CREATE INDEX artifacts_listing ON artifacts (organization_id, product_id, id);
CREATE INDEX artifacts_of_space ON artifacts (organization_id, space_id) WHERE status <> 'deleted';
CREATE INDEX artifacts_of_blob ON artifacts (organization_id, blob_key);
CREATE INDEX artifacts_uncleared ON artifacts (id) WHERE status = 'deleted' AND NOT cleared;
CREATE INDEX artifacts_unverified ON artifacts (verified_at) WHERE status = 'available';
CREATE INDEX artifact_uploads_open ON artifact_uploads (organization_id, space_id) WHERE status IN ('initialized', 'uploading');
CREATE INDEX artifact_uploads_due ON artifact_uploads (expires_at) WHERE status IN ('initialized', 'uploading');
CREATE INDEX artifact_uploads_uncleared ON artifact_uploads (id) WHERE status NOT IN ('initialized', 'uploading') AND NOT cleared;

-- The second wall around the new tables, as in the foundation.
DO $$
DECLARE
    target TEXT;
BEGIN
    FOREACH target IN ARRAY ARRAY[
        'artifact_uploads',
        'artifact_chunks',
        'artifacts'
    ]
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', target);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (organization_id = NULLIF(current_setting(''app.org'', true), '''')::uuid '
            'OR current_setting(''app.scope'', true) = ''system'') '
            'WITH CHECK (organization_id = NULLIF(current_setting(''app.org'', true), '''')::uuid '
            'OR current_setting(''app.scope'', true) = ''system'')',
            target);
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'probity_app') THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO probity_app', target);
        END IF;
    END LOOP;
END $$;
