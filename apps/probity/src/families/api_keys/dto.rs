//! The family's shapes on the wire.

use probity_access::ApiKey;
use probity_kernel::SpaceId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::http::instant;

/// A key to issue.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = api_keys::NewKey, example = json!({"name": "nightly drift job", "scopes": ["write"]}))]
pub(super) struct CreateKeyRequest {
    /// What the key is for.
    #[schema(required, nullable = false, min_length = 1, max_length = 100)]
    pub(super) name: Option<String>,
    /// `read`, `write`, `admin`; each includes those before it.
    #[schema(required, nullable = false, min_items = 1, max_items = 3)]
    #[validate(length(min = 1, max = 3))]
    pub(super) scopes: Option<Vec<String>>,
    /// The only spaces that the key reaches; all of them when absent.
    #[schema(max_items = 100)]
    #[validate(length(max = 100))]
    pub(super) spaces: Option<Vec<String>>,
    /// When it ends, at most two years ahead; never when absent.
    #[schema(format = DateTime)]
    pub(super) expires_at: Option<String>,
}

/// How to rotate a key.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[schema(as = api_keys::RotateKey, example = json!({"overlap_seconds": 86400}))]
pub(super) struct RotateKeyRequest {
    /// For how long the old key still works: 0 to 604800 seconds, a day when absent.
    #[schema(minimum = 0, maximum = 604_800, default = 86_400)]
    pub(super) overlap_seconds: Option<i64>,
}

/// A key without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = api_keys::Key)]
pub(super) struct KeyResponse {
    id: Uuid,
    name: String,
    scopes: Vec<&'static str>,
    spaces: Option<Vec<Uuid>>,
    /// How the key begins and ends, to recognise it by.
    #[schema(example = "prb_1a2b")]
    prefix: String,
    #[schema(example = "Xy9z")]
    last_four: String,
    created_by: Option<String>,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "instant::option::serialize")]
    expires_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "instant::option::serialize")]
    revoked_at: Option<OffsetDateTime>,
    /// To the minute.
    #[serde(serialize_with = "instant::option::serialize")]
    last_used_at: Option<OffsetDateTime>,
    /// The key that took its place.
    replaced_by: Option<Uuid>,
}

impl From<ApiKey> for KeyResponse {
    fn from(key: ApiKey) -> Self {
        // The hash stays inside: it is what a presented key is compared with.
        let ApiKey {
            hash: _,
            organization: _,
            version: _,
            ..
        } = &key;
        Self {
            id: key.id.uuid(),
            name: key.name,
            scopes: key.scopes.names().collect(),
            spaces: key
                .spaces
                .map(|ids| ids.into_iter().map(SpaceId::uuid).collect()),
            prefix: key.prefix,
            last_four: key.last_four,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
            replaced_by: key.replaced_by.map(probity_kernel::ApiKeyId::uuid),
        }
    }
}

/// A key with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = api_keys::IssuedKey)]
pub(super) struct IssuedKeyResponse {
    #[serde(flatten)]
    pub(super) record: KeyResponse,
    /// The secret; null when this repeats an earlier request by its `Idempotency-Key`.
    pub(super) key: Option<String>,
}

/// Which page of keys.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListKeysQuery {
    /// 1 to 200, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    pub(super) offset: Option<String>,
    /// `next_cursor` of an earlier page. Not together with `offset`.
    pub(super) cursor: Option<String>,
}

/// One page of keys, newest first, revoked ones included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = api_keys::KeyList)]
pub(super) struct KeyListResponse {
    pub(super) total: u64,
    pub(super) api_keys: Vec<KeyResponse>,
    pub(super) next_cursor: Option<String>,
}
