//! How snapshots come to lie with those of their product on SQLite.
//!
//! A history is read from few pages where a product's snapshots lie together, but a turn of snapshots
//! of as many products would write a page for each. So they are written side by side as they arrive,
//! and filed many at a time, in the turn that finds enough of them waiting.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use crate::error::StoreResult;

/// How many snapshots may wait. Each reader of a history looks at all that wait, and the turn that files
/// them takes longer by some milliseconds, so they are few; but enough that several of one product are
/// filed together where a fleet has hundreds of products.
const WAITING: i64 = 1024;

diesel::define_sql_function! {
    /// The place of the row that this connection inserted last.
    fn last_insert_rowid() -> diesel::sql_types::BigInt;
}

/// Files what has arrived, where the row inserted last tells that enough is waiting. To be asked before
/// anything else is inserted.
pub(super) fn file_when_due(conn: &mut SqliteConnection) -> StoreResult<()> {
    let waiting: i64 = diesel::select(last_insert_rowid()).get_result(conn)?;
    if waiting < WAITING {
        return Ok(());
    }
    conn.batch_execute(
        "INSERT INTO filed_snapshots SELECT * FROM arrived_snapshots; DELETE FROM arrived_snapshots",
    )?;
    Ok(())
}
