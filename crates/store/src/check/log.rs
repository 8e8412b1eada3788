//! Reading a log entry by entry, in pages.

use diesel::prelude::*;
use probity_kernel::OrganizationId;
use probity_ledger::Leaf;

use super::PAGE;
use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::record::position;
use crate::schema::audit_entries;
use crate::types::Id;

/// One stored entry.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_entries)]
pub(super) struct Entry {
    pub(super) position: i64,
    pub(super) organization_id: Id,
    pub(super) leaf_hash: Vec<u8>,
    pub(super) leaf: Option<Vec<u8>>,
    pub(super) actor_salt: Option<Vec<u8>>,
    pub(super) actor: Option<Vec<u8>>,
    pub(super) detail_salt: Option<Vec<u8>>,
    pub(super) detail: Option<Vec<u8>>,
}

impl Entry {
    /// The leaf, when it is there and can be read.
    pub(super) fn parsed(&self) -> Option<Leaf> {
        Leaf::parse(self.leaf.as_deref()?).ok()
    }
}

/// A log as its head describes it.
#[derive(Clone, Copy)]
pub(super) struct Log {
    pub(super) organization: OrganizationId,
    pub(super) no: i64,
    pub(super) epoch: i64,
    pub(super) size: i64,
}

impl Log {
    /// Calls `each` for every page of the entries of the log, in order.
    pub(super) fn pages(
        self,
        conn: &mut AnyConnection,
        mut each: impl FnMut(&mut AnyConnection, &[Entry]) -> StoreResult<()>,
    ) -> StoreResult<()> {
        let (mut from, end) = (position(self.no, 0), position(self.no, self.size));
        loop {
            let page: Vec<Entry> = audit_entries::table
                .filter(audit_entries::position.ge(from))
                .filter(audit_entries::position.lt(end))
                .order(audit_entries::position)
                .limit(PAGE)
                .select(Entry::as_select())
                .load(conn)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            from = last.position + 1;
            each(conn, &page)?;
        }
    }
}
