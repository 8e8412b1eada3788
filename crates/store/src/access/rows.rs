//! Rows of the access tables; they never leave this crate.

use diesel::prelude::*;
use probity_access::{ApiKey, Organization, OrganizationRole, ScopeSet, Slug, User};
use probity_kernel::{ApiKeyId, OrganizationId, RepositoryError, SpaceId, UserId, Version};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::corrupt;
use crate::schema::{api_keys, organizations, users};
use crate::types::{Id, Utc};

#[derive(Debug, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = organizations, treat_none_as_default_value = false)]
pub(crate) struct OrganizationRow {
    id: Id,
    no: i64,
    slug: String,
    name: String,
    created_at: Utc,
    version: i64,
}

impl OrganizationRow {
    pub(super) fn new(organization: &Organization, no: i64) -> Self {
        let Organization {
            id,
            slug,
            name,
            created_at,
            version,
        } = organization;
        Self {
            id: Id(id.uuid()),
            no,
            slug: slug.as_str().to_owned(),
            name: name.clone(),
            created_at: Utc(*created_at),
            version: version.get(),
        }
    }
}

impl TryFrom<OrganizationRow> for Organization {
    type Error = RepositoryError;

    fn try_from(row: OrganizationRow) -> Result<Self, RepositoryError> {
        // `no` is the store's own short name of the organisation.
        let OrganizationRow {
            id,
            no: _,
            slug,
            name,
            created_at,
            version,
        } = row;
        let parsed = slug.parse::<Slug>();
        Ok(Self {
            id: OrganizationId::new(id.0),
            slug: parsed.map_err(|error| corrupt("organizations", "slug")(error.into()))?,
            name,
            created_at: created_at.0,
            version: Version::new(version),
        })
    }
}

#[derive(Debug, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub(crate) struct UserRow {
    pub(super) id: Id,
    organization_id: Id,
    issuer: String,
    subject: String,
    pub(super) email: Option<String>,
    pub(super) role: String,
    pub(super) disabled: bool,
    created_at: Utc,
    pub(super) updated_at: Utc,
    pub(super) version: i64,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        let User {
            id,
            organization,
            issuer,
            subject,
            email,
            role,
            disabled,
            created_at,
            updated_at,
            version,
        } = user;
        Self {
            id: Id(id.uuid()),
            organization_id: Id(organization.uuid()),
            issuer: issuer.clone(),
            subject: subject.clone(),
            email: email.clone(),
            role: role.as_str().to_owned(),
            disabled: *disabled,
            created_at: Utc(*created_at),
            updated_at: Utc(*updated_at),
            version: version.get(),
        }
    }
}

impl TryFrom<UserRow> for User {
    type Error = RepositoryError;

    fn try_from(row: UserRow) -> Result<Self, RepositoryError> {
        let role = row.role.parse::<OrganizationRole>();
        Ok(Self {
            id: UserId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            issuer: row.issuer,
            subject: row.subject,
            email: row.email,
            role: role.map_err(|error| corrupt("users", "role")(error.into()))?,
            disabled: row.disabled,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

#[derive(Debug, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = api_keys, treat_none_as_default_value = false)]
pub(crate) struct ApiKeyRow {
    pub(super) id: Id,
    organization_id: Id,
    pub(super) name: String,
    scopes: String,
    spaces: Option<String>,
    prefix: String,
    last_four: String,
    hash: Vec<u8>,
    created_at: Utc,
    created_by: Option<String>,
    pub(super) expires_at: Option<Utc>,
    pub(super) revoked_at: Option<Utc>,
    last_used_at: Option<Utc>,
    pub(super) replaced_by: Option<Id>,
    pub(super) version: i64,
}

impl From<&ApiKey> for ApiKeyRow {
    fn from(key: &ApiKey) -> Self {
        let spaces = key.spaces.as_ref();
        let spaces = spaces.map(|ids| {
            ids.iter()
                .map(SpaceId::to_string)
                .collect::<Vec<_>>()
                .join(",")
        });
        Self {
            id: Id(key.id.uuid()),
            organization_id: Id(key.organization.uuid()),
            name: key.name.clone(),
            scopes: key.scopes.names().collect::<Vec<_>>().join(","),
            spaces,
            prefix: key.prefix.clone(),
            last_four: key.last_four.clone(),
            hash: key.hash.to_vec(),
            created_at: Utc(key.created_at),
            created_by: key.created_by.clone(),
            expires_at: key.expires_at.map(Utc),
            revoked_at: key.revoked_at.map(Utc),
            last_used_at: key.last_used_at.map(Utc),
            replaced_by: key.replaced_by.map(|id| Id(id.uuid())),
            version: key.version.get(),
        }
    }
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = RepositoryError;

    fn try_from(row: ApiKeyRow) -> Result<Self, RepositoryError> {
        let scopes = ScopeSet::parse(row.scopes.split(','));
        let spaces = row.spaces.map(|list| parse_spaces(&list)).transpose();
        let hash = <[u8; 32]>::try_from(row.hash);
        Ok(Self {
            id: ApiKeyId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            name: row.name,
            scopes: scopes.map_err(|error| corrupt("api_keys", "scopes")(error.into()))?,
            spaces: spaces.map_err(|error| corrupt("api_keys", "spaces")(error.into()))?,
            prefix: row.prefix,
            last_four: row.last_four,
            hash: hash.map_err(|_| corrupt("api_keys", "hash")("not 32 bytes".into()))?,
            created_at: row.created_at.0,
            created_by: row.created_by,
            expires_at: row.expires_at.map(|at| at.0),
            revoked_at: row.revoked_at.map(|at| at.0),
            last_used_at: row.last_used_at.map(|at| at.0),
            replaced_by: row.replaced_by.map(|id| ApiKeyId::new(id.0)),
            version: Version::new(row.version),
        })
    }
}

fn parse_spaces(list: &str) -> Result<Vec<SpaceId>, uuid::Error> {
    let ids = list.split(',').filter(|text| !text.is_empty());
    ids.map(|text| Uuid::try_parse(text).map(SpaceId::new))
        .collect()
}
