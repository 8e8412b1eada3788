//! Members of spaces.

use std::collections::BTreeMap;

use diesel::prelude::*;
use probity_access::{NamedMember, SpaceMember, SpaceRole, SpaceStanding, User};
use probity_kernel::{
    Context, OrganizationId, Page, PageRequest, RepositoryError, SpaceId, UserId, Version,
};
use serde::{Deserialize, Serialize};

use super::rows::UserRow;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult, corrupt};
use crate::listing::{IdListing, page_by_id};
use crate::schema::{space_members as members, spaces, users};
use crate::turn::Tx;
use crate::types::{Id, Utc};
use crate::{guard, own};

/// The visibility of a space that is for its members only.
const CLOSED: &str = "members";

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = members)]
pub(crate) struct MemberRow {
    organization_id: Id,
    space_id: Id,
    user_id: Id,
    role: String,
    added_at: Utc,
    updated_at: Utc,
    version: i64,
}

impl From<&SpaceMember> for MemberRow {
    fn from(member: &SpaceMember) -> Self {
        Self {
            organization_id: Id(member.organization.uuid()),
            space_id: Id(member.space.uuid()),
            user_id: Id(member.user.uuid()),
            role: member.role.as_str().to_owned(),
            added_at: Utc(member.added_at),
            updated_at: Utc(member.updated_at),
            version: member.version.get(),
        }
    }
}

impl TryFrom<MemberRow> for SpaceMember {
    type Error = RepositoryError;

    fn try_from(row: MemberRow) -> Result<Self, RepositoryError> {
        Ok(Self {
            organization: OrganizationId::new(row.organization_id.0),
            space: SpaceId::new(row.space_id.0),
            user: UserId::new(row.user_id.0),
            role: role(&row.role)?,
            added_at: row.added_at.0,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

fn role(text: &str) -> Result<SpaceRole, RepositoryError> {
    text.parse::<SpaceRole>()
        .map_err(|error| corrupt("space_members", "role")(error.into()))
}

fn named((member, user): (MemberRow, UserRow)) -> Result<NamedMember, RepositoryError> {
    Ok(NamedMember {
        member: member.try_into()?,
        user: user.try_into()?,
    })
}

/// The users whose id, e-mail address or subject this is, at most two.
pub(super) fn find_users(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    name: &str,
) -> StoreResult<Vec<User>> {
    let mut query = users::table
        .filter(users::organization_id.eq(Id(organization.uuid())))
        .select(UserRow::as_select())
        .limit(2)
        .into_boxed::<MultiBackend>();
    let told = users::subject
        .eq(name.to_owned())
        .or(users::email.eq(Some(name.to_owned())).assume_not_null());
    query = match name.parse::<UserId>() {
        Ok(id) => query.filter(users::id.eq(Id(id.uuid())).or(told)),
        Err(_) => query.filter(told),
    };
    let rows: Vec<UserRow> = query.load(conn)?;
    let found: Result<Vec<User>, RepositoryError> = rows.into_iter().map(User::try_from).collect();
    found.map_err(StoreError)
}

/// One member of a space.
pub(super) fn find(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    space: SpaceId,
    user: UserId,
) -> StoreResult<Option<NamedMember>> {
    let row = with_users()
        .filter(members::organization_id.eq(Id(organization.uuid())))
        .filter(members::space_id.eq(Id(space.uuid())))
        .filter(members::user_id.eq(Id(user.uuid())))
        .select((MemberRow::as_select(), UserRow::as_select()))
        .get_result(conn)
        .optional()?;
    row.map(named).transpose().map_err(StoreError)
}

#[diesel::dsl::auto_type]
fn with_users() -> _ {
    members::table.inner_join(
        users::table.on(users::organization_id
            .eq(members::organization_id)
            .and(users::id.eq(members::user_id))),
    )
}

/// One page of members, by their users' ids, descending.
pub(super) fn list(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    space: SpaceId,
    page: &PageRequest,
) -> StoreResult<Page<NamedMember>> {
    let (organization, space) = (Id(organization.uuid()), Id(space.uuid()));
    let total: i64 = members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::space_id.eq(space))
        .count()
        .get_result(conn)?;
    let listing = IdListing::of(page);
    let mut query = with_users()
        .filter(members::organization_id.eq(organization))
        .filter(members::space_id.eq(space))
        .select((MemberRow::as_select(), UserRow::as_select()))
        .into_boxed::<MultiBackend>();
    if let Some(after) = listing.after {
        query = query.filter(members::user_id.lt(after));
    }
    let rows: Vec<(MemberRow, UserRow)> = query
        .order(members::user_id.desc())
        .offset(listing.offset)
        .limit(listing.limit)
        .load(conn)?;
    page_by_id(page, total, rows, |(member, _)| member.user_id, named)
}

/// The spaces for members only, and those that the user is a member of.
pub(super) fn standings(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    user: Option<UserId>,
) -> StoreResult<Vec<SpaceStanding>> {
    let key = Id(organization.uuid());
    let closed: Vec<Id> = spaces::table
        .filter(spaces::organization_id.eq(key))
        .filter(spaces::visibility.eq(CLOSED))
        .select(spaces::id)
        .load(conn)?;
    let standing = |space: Id, members_only| SpaceStanding {
        space: SpaceId::new(space.0),
        members_only,
        role: None,
    };
    let mut found: BTreeMap<_, _> = closed
        .into_iter()
        .map(|space| (space.0, standing(space, true)))
        .collect();
    let Some(user) = user else {
        return Ok(found.into_values().collect());
    };
    let memberships: Vec<(Id, String)> = members::table
        .filter(members::organization_id.eq(key))
        .filter(members::user_id.eq(Id(user.uuid())))
        .select((members::space_id, members::role))
        .load(conn)?;
    for (space, text) in memberships {
        let known = found.entry(space.0);
        known.or_insert_with(|| standing(space, false)).role = Some(role(&text)?);
    }
    Ok(found.into_values().collect())
}

/// Makes the creator of a space its first member.
pub(crate) fn found(
    tx: &mut Tx<'_>,
    context: &Context,
    space: SpaceId,
    admin: UserId,
) -> StoreResult<()> {
    let row = MemberRow {
        organization_id: Id(context.organization.uuid()),
        space_id: Id(space.uuid()),
        user_id: Id(admin.uuid()),
        role: SpaceRole::Admin.as_str().to_owned(),
        added_at: Utc(context.now),
        updated_at: Utc(context.now),
        version: Version::FIRST.get(),
    };
    diesel::insert_into(members::table)
        .values(row)
        .execute(tx.writing())?;
    Ok(())
}

/// Inserts or updates a member.
pub(super) fn put(
    tx: &mut Tx<'_>,
    context: &Context,
    member: &SpaceMember,
    expected: Option<Version>,
) -> StoreResult<()> {
    let known = locked(tx, context, member)?;
    let row = MemberRow::from(member);
    let Some(expected) = expected else {
        own(context.organization, member.organization)?;
        guard(known.is_none(), RepositoryError::Conflict("member"))?;
        diesel::insert_into(members::table)
            .values(row)
            .execute(tx.writing())?;
        return Ok(());
    };
    let at = |(_, version): (String, i64)| version == expected.get();
    guard(known.clone().is_some_and(at), RepositoryError::Stale)?;
    if member.role != SpaceRole::Admin {
        keep_an_admin(tx, context, member, known)?;
    }
    diesel::update(members::table.find((row.organization_id, row.space_id, row.user_id)))
        .set((
            members::role.eq(&row.role),
            members::updated_at.eq(row.updated_at),
            members::version.eq(row.version),
        ))
        .execute(tx.writing())?;
    Ok(())
}

/// Removes a member.
pub(super) fn remove(tx: &mut Tx<'_>, context: &Context, member: &SpaceMember) -> StoreResult<()> {
    let known = locked(tx, context, member)?;
    let at = |(_, version): (String, i64)| version == member.version.get();
    guard(known.clone().is_some_and(at), RepositoryError::Stale)?;
    keep_an_admin(tx, context, member, known)?;
    let key = (
        Id(context.organization.uuid()),
        Id(member.space.uuid()),
        Id(member.user.uuid()),
    );
    diesel::delete(members::table.find(key)).execute(tx.writing())?;
    Ok(())
}

/// Role and version of the member as they stand.
fn locked(
    tx: &mut Tx<'_>,
    context: &Context,
    member: &SpaceMember,
) -> StoreResult<Option<(String, i64)>> {
    let found = members::table
        .filter(members::organization_id.eq(Id(context.organization.uuid())))
        .filter(members::space_id.eq(Id(member.space.uuid())))
        .filter(members::user_id.eq(Id(member.user.uuid())))
        .select((members::role, members::version))
        .get_result(tx.conn)
        .optional()?;
    Ok(found)
}

/// That another admin is there where an admin ceases to be one. The head of the organisation is locked,
/// so that two cannot leave at once.
fn keep_an_admin(
    tx: &mut Tx<'_>,
    context: &Context,
    member: &SpaceMember,
    known: Option<(String, i64)>,
) -> StoreResult<()> {
    let admin = SpaceRole::Admin.as_str();
    if known.is_none_or(|(role, _)| role != admin) {
        return Ok(());
    }
    let others: i64 = members::table
        .filter(members::organization_id.eq(Id(context.organization.uuid())))
        .filter(members::space_id.eq(Id(member.space.uuid())))
        .filter(members::user_id.ne(Id(member.user.uuid())))
        .filter(members::role.eq(admin))
        .count()
        .get_result(tx.conn)?;
    guard(others > 0, RepositoryError::Conflict("last_admin"))
}
