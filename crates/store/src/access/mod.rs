//! Organisations, users and API keys.

pub(crate) mod members;
pub(crate) mod rows;

use diesel::prelude::*;
use probity_access::{
    AccessChange, AccessRepository, AccessWrite, ApiKey, NamedMember, Organization, Slug,
    SpaceStanding, User,
};
use probity_kernel::{
    ApiKeyId, Context, OrganizationId, Page, PageRequest, RepositoryError, SpaceId, UserId, Version,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use self::members::MemberRow;
use self::rows::{ApiKeyRow, OrganizationRow, UserRow};
use crate::connection::{MultiBackend, Scope};
use crate::database::Database;
use crate::error::{StoreError, StoreResult};
use crate::idempotency::Remembered;
use crate::listing::{IdListing, page_by_id};
use crate::record::open_log;
use crate::schema::{api_keys, organizations, users};
use crate::turn::Tx;
use crate::types::{Id, Utc};
use crate::{guard, idempotency, own};

/// The access repository over Diesel.
#[derive(Debug, Clone)]
pub struct DieselAccess {
    database: Database,
}

impl DieselAccess {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl AccessRepository for DieselAccess {
    async fn find_key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, RepositoryError> {
        let hash = hash.to_vec();
        self.database
            .point(Scope::System, move |conn| {
                let row: Option<ApiKeyRow> = api_keys::table
                    .filter(api_keys::hash.eq(hash))
                    .select(ApiKeyRow::as_select())
                    .get_result(conn)
                    .optional()?;
                row.map(ApiKey::try_from).transpose().map_err(StoreError)
            })
            .await
    }

    async fn find_key(
        &self,
        organization: OrganizationId,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                let row: Option<ApiKeyRow> = api_keys::table
                    .filter(api_keys::organization_id.eq(Id(organization.uuid())))
                    .filter(api_keys::id.eq(Id(id.uuid())))
                    .select(ApiKeyRow::as_select())
                    .get_result(conn)
                    .optional()?;
                row.map(ApiKey::try_from).transpose().map_err(StoreError)
            })
            .await
    }

    async fn list_keys(
        &self,
        organization: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>, RepositoryError> {
        let page = page.clone();
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                let mine = api_keys::organization_id.eq(Id(organization.uuid()));
                let total: i64 = api_keys::table.filter(mine).count().get_result(conn)?;
                let listing = IdListing::of(&page);
                let mut query = api_keys::table
                    .filter(mine)
                    .select(ApiKeyRow::as_select())
                    .into_boxed::<MultiBackend>();
                if let Some(after) = listing.after {
                    query = query.filter(api_keys::id.lt(after));
                }
                let rows: Vec<ApiKeyRow> = query
                    .order(api_keys::id.desc())
                    .offset(listing.offset)
                    .limit(listing.limit)
                    .load(conn)?;
                page_by_id(&page, total, rows, |row| row.id, ApiKey::try_from)
            })
            .await
    }

    async fn touch_key(
        &self,
        organization: OrganizationId,
        id: ApiKeyId,
        at: OffsetDateTime,
    ) -> Result<(), RepositoryError> {
        self.database
            .write(organization, move |tx| {
                let older = api_keys::last_used_at
                    .is_null()
                    .or(api_keys::last_used_at.lt(Utc(at)));
                diesel::update(api_keys::table)
                    .filter(api_keys::organization_id.eq(Id(organization.uuid())))
                    .filter(api_keys::id.eq(Id(id.uuid())))
                    .filter(older.assume_not_null())
                    .set(api_keys::last_used_at.eq(Some(Utc(at))))
                    .execute(tx.writing())?;
                Ok(())
            })
            .await
    }

    async fn find_organization(
        &self,
        id: OrganizationId,
    ) -> Result<Option<Organization>, RepositoryError> {
        self.database
            .point(Scope::Organization(id), move |conn| {
                let row: Option<OrganizationRow> = organizations::table
                    .find(Id(id.uuid()))
                    .select(OrganizationRow::as_select())
                    .get_result(conn)
                    .optional()?;
                row.map(Organization::try_from)
                    .transpose()
                    .map_err(StoreError)
            })
            .await
    }

    async fn find_organization_by_slug(
        &self,
        slug: &Slug,
    ) -> Result<Option<Organization>, RepositoryError> {
        let slug = slug.as_str().to_owned();
        self.database
            .point(Scope::System, move |conn| {
                let row: Option<OrganizationRow> = organizations::table
                    .filter(organizations::slug.eq(slug))
                    .select(OrganizationRow::as_select())
                    .get_result(conn)
                    .optional()?;
                row.map(Organization::try_from)
                    .transpose()
                    .map_err(StoreError)
            })
            .await
    }

    async fn list_organizations(&self) -> Result<Vec<Organization>, RepositoryError> {
        self.database
            .scan(Scope::System, move |conn| {
                let rows: Vec<OrganizationRow> = organizations::table
                    .select(OrganizationRow::as_select())
                    .order(organizations::slug)
                    .load(conn)?;
                rows.into_iter()
                    .map(|row| row.try_into().map_err(StoreError))
                    .collect()
            })
            .await
    }

    async fn find_user(
        &self,
        organization: OrganizationId,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<User>, RepositoryError> {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        self.database
            .point(Scope::Organization(organization), move |conn| {
                let row: Option<UserRow> = users::table
                    .filter(users::organization_id.eq(Id(organization.uuid())))
                    .filter(users::issuer.eq(issuer))
                    .filter(users::subject.eq(subject))
                    .select(UserRow::as_select())
                    .get_result(conn)
                    .optional()?;
                row.map(User::try_from).transpose().map_err(StoreError)
            })
            .await
    }

    async fn find_users(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Vec<User>, RepositoryError> {
        let name = name.to_owned();
        self.database
            .point(Scope::Organization(organization), move |conn| {
                members::find_users(conn, organization, &name)
            })
            .await
    }

    async fn find_member(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        user: UserId,
    ) -> Result<Option<NamedMember>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                members::find(conn, organization, space, user)
            })
            .await
    }

    async fn list_members(
        &self,
        organization: OrganizationId,
        space: SpaceId,
        page: &PageRequest,
    ) -> Result<Page<NamedMember>, RepositoryError> {
        let page = page.clone();
        self.database
            .points(Scope::Organization(organization), move |conn| {
                members::list(conn, organization, space, &page)
            })
            .await
    }

    async fn space_standings(
        &self,
        organization: OrganizationId,
        user: Option<UserId>,
    ) -> Result<Vec<SpaceStanding>, RepositoryError> {
        self.database
            .points(Scope::Organization(organization), move |conn| {
                members::standings(conn, organization, user)
            })
            .await
    }

    async fn commit(&self, change: AccessChange) -> Result<AccessWrite, RepositoryError> {
        let (context, write, event) = change.into_parts();
        let organization = context.organization;
        let scope = match write {
            AccessWrite::CreateOrganization(_) => Scope::System,
            AccessWrite::IssueKey(_)
            | AccessWrite::RotateKey { .. }
            | AccessWrite::RevokeKey { .. }
            | AccessWrite::PutUser { .. }
            | AccessWrite::PutMember { .. }
            | AccessWrite::RemoveMember { .. } => Scope::Organization(organization),
        };
        self.database
            .write_as(organization, scope, move |tx| {
                idempotency::once(tx, &context, |tx| {
                    apply(tx, &context, &write)?;
                    tx.record(&context, &event)?;
                    Ok(write.clone())
                })
            })
            .await
    }
}

/// The outcome of a commit as the idempotency record keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Organization(OrganizationRow),
    Issued(Box<ApiKeyRow>),
    Rotated {
        old: Box<ApiKeyRow>,
        expected: i64,
        new: Box<ApiKeyRow>,
    },
    Revoked {
        next: Box<ApiKeyRow>,
        expected: i64,
    },
    User {
        user: UserRow,
        expected: Option<i64>,
    },
    Member {
        member: MemberRow,
        expected: Option<i64>,
    },
    Removed {
        member: MemberRow,
    },
}

impl Remembered for AccessWrite {
    type Record = Outcome;

    fn to_record(&self) -> Result<Outcome, RepositoryError> {
        Ok(match self {
            Self::CreateOrganization(created) => {
                Outcome::Organization(OrganizationRow::new(created, 0))
            }
            Self::IssueKey(key) => Outcome::Issued(Box::new(key.into())),
            Self::RotateKey { old, expected, new } => Outcome::Rotated {
                old: Box::new(old.into()),
                expected: expected.get(),
                new: Box::new(new.into()),
            },
            Self::RevokeKey { next, expected } => Outcome::Revoked {
                next: Box::new(next.into()),
                expected: expected.get(),
            },
            Self::PutUser { user, expected } => Outcome::User {
                user: user.into(),
                expected: expected.map(Version::get),
            },
            Self::PutMember { member, expected } => Outcome::Member {
                member: member.into(),
                expected: expected.map(Version::get),
            },
            Self::RemoveMember { member } => Outcome::Removed {
                member: member.into(),
            },
        })
    }

    fn from_record(outcome: Outcome) -> Result<Self, RepositoryError> {
        Ok(match outcome {
            Outcome::Organization(row) => Self::CreateOrganization(row.try_into()?),
            Outcome::Issued(row) => Self::IssueKey((*row).try_into()?),
            Outcome::Rotated { old, expected, new } => Self::RotateKey {
                old: (*old).try_into()?,
                expected: Version::new(expected),
                new: (*new).try_into()?,
            },
            Outcome::Revoked { next, expected } => Self::RevokeKey {
                next: (*next).try_into()?,
                expected: Version::new(expected),
            },
            Outcome::User { user, expected } => Self::PutUser {
                user: user.try_into()?,
                expected: expected.map(Version::new),
            },
            Outcome::Member { member, expected } => Self::PutMember {
                member: member.try_into()?,
                expected: expected.map(Version::new),
            },
            Outcome::Removed { member } => Self::RemoveMember {
                member: member.try_into()?,
            },
        })
    }
}

fn apply(tx: &mut Tx<'_>, context: &Context, write: &AccessWrite) -> StoreResult<()> {
    match write {
        AccessWrite::CreateOrganization(organization) => create_organization(tx, organization),
        AccessWrite::IssueKey(key) => insert_key(tx, context, key),
        AccessWrite::RotateKey { old, expected, new } => {
            update_key(tx, context, old, *expected)?;
            insert_key(tx, context, new)
        }
        AccessWrite::RevokeKey { next, expected } => update_key(tx, context, next, *expected),
        AccessWrite::PutUser { user, expected } => put_user(tx, context, user, *expected),
        AccessWrite::PutMember { member, expected } => members::put(tx, context, member, *expected),
        AccessWrite::RemoveMember { member } => members::remove(tx, context, member),
    }
}

fn create_organization(tx: &mut Tx<'_>, organization: &Organization) -> StoreResult<()> {
    if tx.conn.is_postgres() {
        // Two nodes may create organisations at once; each takes the next number in turn.
        let lock = "SELECT pg_advisory_xact_lock(hashtext('probity.organizations'))";
        diesel::sql_query(lock).execute(tx.conn)?;
    }
    let taken = organizations::table
        .filter(organizations::slug.eq(organization.slug.as_str()))
        .select(organizations::no)
        .get_result::<i64>(tx.conn)
        .optional()?;
    guard(taken.is_none(), RepositoryError::Conflict("slug"))?;
    let highest: Option<i64> = organizations::table
        .select(diesel::dsl::max(organizations::no))
        .get_result(tx.conn)?;
    let no = highest.unwrap_or(0) + 1;
    diesel::insert_into(organizations::table)
        .values(OrganizationRow::new(organization, no))
        .execute(tx.writing())?;
    open_log(tx.writing(), organization.id, no)
}

fn insert_key(tx: &mut Tx<'_>, context: &Context, key: &ApiKey) -> StoreResult<()> {
    own(context.organization, key.organization)?;
    diesel::insert_into(api_keys::table)
        .values(ApiKeyRow::from(key))
        .execute(tx.writing())?;
    Ok(())
}

fn update_key(
    tx: &mut Tx<'_>,
    context: &Context,
    key: &ApiKey,
    expected: Version,
) -> StoreResult<()> {
    let row = ApiKeyRow::from(key);
    let changed = diesel::update(api_keys::table)
        .filter(api_keys::organization_id.eq(Id(context.organization.uuid())))
        .filter(api_keys::id.eq(row.id))
        .filter(api_keys::version.eq(expected.get()))
        .set((
            api_keys::name.eq(&row.name),
            api_keys::expires_at.eq(row.expires_at),
            api_keys::revoked_at.eq(row.revoked_at),
            api_keys::replaced_by.eq(row.replaced_by),
            api_keys::version.eq(row.version),
        ))
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)
}

fn put_user(
    tx: &mut Tx<'_>,
    context: &Context,
    user: &User,
    expected: Option<Version>,
) -> StoreResult<()> {
    let row = UserRow::from(user);
    let Some(expected) = expected else {
        own(context.organization, user.organization)?;
        diesel::insert_into(users::table)
            .values(&row)
            .execute(tx.writing())?;
        return Ok(());
    };
    let changed = diesel::update(users::table)
        .filter(users::organization_id.eq(Id(context.organization.uuid())))
        .filter(users::id.eq(row.id))
        .filter(users::version.eq(expected.get()))
        .set((
            users::email.eq(&row.email),
            users::role.eq(&row.role),
            users::disabled.eq(row.disabled),
            users::updated_at.eq(row.updated_at),
            users::version.eq(row.version),
        ))
        .execute(tx.writing())?;
    guard(changed == 1, RepositoryError::Stale)
}
