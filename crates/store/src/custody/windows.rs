//! Retention windows as they are kept.

use diesel::prelude::*;
use probity_custody::{Retention, RetentionRepository, Target, Window, WindowChange};
use probity_kernel::{OrganizationId, RepositoryError, Version};

use crate::connection::{AnyConnection, Scope};
use crate::database::Database;
use crate::error::{StoreError, StoreResult, corrupt};
use crate::guard;
use crate::schema::{products, retention_windows as windows};
use crate::types::{Id, Utc};

/// The retention windows over Diesel.
#[derive(Debug, Clone)]
pub struct DieselRetention {
    database: Database,
}

impl DieselRetention {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl RetentionRepository for DieselRetention {
    async fn retention(&self, organization: OrganizationId) -> Result<Retention, RepositoryError> {
        self.database
            .points(Scope::Organization(organization), move |conn| {
                in_force(conn, organization)
            })
            .await
    }

    async fn commit(&self, change: WindowChange) -> Result<(), RepositoryError> {
        let (context, write, event) = change.into_parts();
        let organization = context.organization;
        self.database
            .write(organization, move |tx| {
                let retention = in_force(tx.conn, organization)?;
                let mut known = retention.windows.iter();
                let current = known.find(|window| window.target == write.window.target);
                let version = current.map(|window| window.version);
                guard(version == Some(write.expected), RepositoryError::Stale)?;
                keep(tx.writing(), organization, &write.window)?;
                tx.record(&context, &event)
            })
            .await
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = windows)]
struct Row {
    target: String,
    retention_days: i32,
    hold_reason: Option<String>,
    updated_at: Utc,
    version: i64,
}

impl TryFrom<Row> for Window {
    type Error = RepositoryError;

    fn try_from(row: Row) -> Result<Self, RepositoryError> {
        let wrong = |column| corrupt("retention_windows", column);
        Ok(Self {
            target: row
                .target
                .parse()
                .map_err(|error: probity_custody::UnknownTarget| wrong("target")(error.into()))?,
            days: u16::try_from(row.retention_days)
                .map_err(|error| wrong("retention_days")(error.into()))?,
            hold: row.hold_reason,
            updated_at: Some(row.updated_at.0),
            version: Version::new(row.version),
        })
    }
}

/// The windows of an organisation, set or not.
pub(crate) fn in_force(
    conn: &mut AnyConnection,
    organization: OrganizationId,
) -> StoreResult<Retention> {
    let rows: Vec<Row> = windows::table
        .filter(windows::organization_id.eq(Id(organization.uuid())))
        .select(Row::as_select())
        .load(conn)?;
    let set = rows.into_iter().map(Window::try_from);
    let set: Vec<Window> = set.collect::<Result<_, _>>().map_err(StoreError)?;
    let of = |target| {
        let found = set.iter().find(|window| window.target == target);
        found.cloned().unwrap_or_else(|| Window::unset(target))
    };
    let high_risk: Option<Id> = products::table
        .filter(products::organization_id.eq(Id(organization.uuid())))
        .filter(products::risk_classification.eq("high"))
        .select(products::id)
        .first(conn)
        .optional()?;
    Ok(Retention {
        windows: Target::ALL.into_iter().map(of).collect(),
        governs_high_risk: high_risk.is_some(),
    })
}

fn keep(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    window: &Window,
) -> StoreResult<()> {
    let key = (Id(organization.uuid()), window.target.as_str());
    let updated_at = window.updated_at.map(Utc);
    let values = (
        windows::retention_days.eq(i32::from(window.days)),
        windows::hold_reason.eq(window.hold.clone()),
        windows::updated_at.eq(updated_at.unwrap_or(Utc(time::OffsetDateTime::UNIX_EPOCH))),
        windows::version.eq(window.version.get()),
    );
    let changed = diesel::update(windows::table.find(key))
        .set(values.clone())
        .execute(conn)?;
    if changed == 0 {
        diesel::insert_into(windows::table)
            .values((
                windows::organization_id.eq(key.0),
                windows::target.eq(key.1),
                values,
            ))
            .execute(conn)?;
    }
    Ok(())
}
