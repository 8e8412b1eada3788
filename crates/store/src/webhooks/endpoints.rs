//! Rows of endpoints.

use diesel::prelude::*;
use probity_kernel::{
    OrganizationId, Page, PageRequest, RepositoryError, Version, WebhookEndpointId,
};
use probity_webhooks::endpoint::{DisableReason, Endpoint, Resealed, Sealed, Standing};
use probity_webhooks::{EventType, TargetUrl};
use serde::{Deserialize, Serialize};

use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::listing::{IdListing, page_by_id};
use crate::schema::webhook_endpoints as endpoints;
use crate::types::{Id, Utc};

const TABLE: &str = "webhook_endpoints";

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset, Serialize, Deserialize)]
#[diesel(table_name = endpoints, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct EndpointRow {
    pub(super) id: Id,
    pub(super) organization_id: Id,
    kind: String,
    target_url: String,
    description: Option<String>,
    event_types: String,
    secret_alias: String,
    sign_ed25519: bool,
    settings: String,
    credential: Option<Vec<u8>>,
    disabled_reason: Option<String>,
    disabled_at: Option<Utc>,
    failing_since: Option<Utc>,
    created_at: Utc,
    updated_at: Utc,
    version: i64,
}

impl From<&Endpoint> for EndpointRow {
    fn from(endpoint: &Endpoint) -> Self {
        let (disabled_reason, disabled_at) = match endpoint.standing {
            Standing::Enabled => (None, None),
            Standing::Disabled { reason, at } => (Some(reason.as_str().to_owned()), Some(Utc(at))),
        };
        let types: Vec<&str> = endpoint.event_types.iter().map(EventType::as_str).collect();
        Self {
            id: Id(endpoint.id.uuid()),
            organization_id: Id(endpoint.organization.uuid()),
            kind: endpoint.kind.clone(),
            target_url: endpoint.target_url.as_str().to_owned(),
            description: endpoint.description.clone(),
            event_types: types.join(" "),
            secret_alias: endpoint.secret_alias.as_str().to_owned(),
            sign_ed25519: endpoint.sign_ed25519,
            settings: serde_json::Value::Object(endpoint.settings.clone()).to_string(),
            credential: endpoint
                .credential
                .as_ref()
                .map(|sealed| sealed.as_bytes().to_vec()),
            disabled_reason,
            disabled_at,
            failing_since: endpoint.failing_since.map(Utc),
            created_at: Utc(endpoint.created_at),
            updated_at: Utc(endpoint.updated_at),
            version: endpoint.version.get(),
        }
    }
}

/// The types of a row, as they are kept.
pub(super) fn types_of(text: &str) -> Result<Vec<EventType>, RepositoryError> {
    text.split_ascii_whitespace()
        .map(|name| {
            name.parse()
                .map_err(|_| corrupt(TABLE, "event_types")("no name of a type".into()))
        })
        .collect()
}

impl TryFrom<EndpointRow> for Endpoint {
    type Error = RepositoryError;

    fn try_from(row: EndpointRow) -> Result<Self, RepositoryError> {
        let wrong = |column: &'static str| corrupt(TABLE, column);
        let standing = match (row.disabled_reason, row.disabled_at) {
            (Some(reason), Some(Utc(at))) => Standing::Disabled {
                reason: DisableReason::named(&reason)
                    .ok_or_else(|| wrong("disabled_reason")("no reason".into()))?,
                at,
            },
            _ => Standing::Enabled,
        };
        Ok(Self {
            id: WebhookEndpointId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            kind: row.kind,
            target_url: TargetUrl::from_stored(&row.target_url)
                .map_err(|error| wrong("target_url")(error.into()))?,
            description: row.description,
            event_types: types_of(&row.event_types)?,
            secret_alias: row
                .secret_alias
                .parse()
                .map_err(|_| wrong("secret_alias")("no name of a secret".into()))?,
            sign_ed25519: row.sign_ed25519,
            settings: serde_json::from_str(&row.settings)
                .map_err(|error| wrong("settings")(error.into()))?,
            credential: row.credential.map(Sealed::new),
            standing,
            failing_since: row.failing_since.map(|Utc(at)| at),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

pub(super) fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    id: WebhookEndpointId,
) -> StoreResult<Option<Endpoint>> {
    let row: Option<EndpointRow> = endpoints::table
        .filter(endpoints::organization_id.eq(Id(organization.uuid())))
        .filter(endpoints::id.eq(Id(id.uuid())))
        .filter(endpoints::deleted_at.is_null())
        .select(EndpointRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(Endpoint::try_from).transpose().map_err(StoreError)
}

pub(super) fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    page: &PageRequest,
) -> StoreResult<Page<Endpoint>> {
    let total = count(conn, organization)?;
    let listing = IdListing::of(page);
    let mut query = endpoints::table
        .filter(endpoints::organization_id.eq(Id(organization.uuid())))
        .filter(endpoints::deleted_at.is_null())
        .select(EndpointRow::as_select())
        .into_boxed::<crate::connection::MultiBackend>();
    if let Some(after) = listing.after {
        query = query.filter(endpoints::id.lt(after));
    }
    let rows: Vec<EndpointRow> = query
        .order(endpoints::id.desc())
        .offset(listing.offset)
        .limit(listing.limit)
        .load(conn)?;
    page_by_id(page, total, rows, |row| row.id, Endpoint::try_from)
}

/// Puts the same credentials sealed under another master key in their places.
pub(super) fn rewrap(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    resealed: &[(WebhookEndpointId, Resealed)],
) -> StoreResult<()> {
    for (id, sealed) in resealed {
        diesel::update(endpoints::table)
            .filter(endpoints::organization_id.eq(Id(organization.uuid())))
            .filter(endpoints::id.eq(Id(id.uuid())))
            .filter(endpoints::credential.eq(sealed.before.as_bytes()))
            .set(endpoints::credential.eq(sealed.after.as_bytes()))
            .execute(conn)?;
    }
    Ok(())
}

/// How many endpoints an organisation has.
pub(super) fn count(conn: &mut AnyConnection, organization: OrganizationId) -> StoreResult<i64> {
    Ok(endpoints::table
        .filter(endpoints::organization_id.eq(Id(organization.uuid())))
        .filter(endpoints::deleted_at.is_null())
        .count()
        .get_result(conn)?)
}
