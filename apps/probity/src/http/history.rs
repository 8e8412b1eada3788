//! The history of one thing: the changes of it that the record holds, field by field.

use std::future::Future;

use actix_web::web;
use probity_custody::{FieldChange, HistoryEntry, HistoryQuery, HistoryRepository as _};
use probity_kernel::{Page, PageRequest, ProductId, Subject};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::auth::Caller;
use crate::http::cursor;
use crate::http::extract::{Faults, Query};
use crate::http::failure::{Failure, Family};
use crate::http::instant;
use crate::state::AppState;

/// Which changes are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryParameters {
    /// 1 to 100, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// The cursor of an earlier page.
    cursor: Option<String>,
}

impl HistoryParameters {
    fn page<F: Family>(&self) -> Result<PageRequest, Failure<F>> {
        let mut faults = Faults::default();
        let limit = faults.number("limit", self.limit.as_deref(), 1..=100, 50);
        let page = faults.page(limit, "offset", None, self.cursor.as_deref());
        faults.done()?;
        Ok(page)
    }
}

/// One field that changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = history::FieldChange)]
pub(crate) struct FieldChangeResponse {
    #[schema(example = "validation_status")]
    field: String,
    /// The value before; null where there was none.
    #[schema(value_type = Value, example = "in_validation")]
    before: Value,
    /// The value after; null where there is none.
    #[schema(value_type = Value, example = "validated")]
    after: Value,
    /// False where the record tells only that the field changed.
    kept: bool,
}

impl From<FieldChange> for FieldChangeResponse {
    fn from(change: FieldChange) -> Self {
        Self {
            field: change.field,
            before: change.before,
            after: change.after,
            kept: change.kept,
        }
    }
}

/// The changed fields as every family shows them.
pub(crate) fn shown(changes: Vec<FieldChange>) -> Vec<FieldChangeResponse> {
    changes.into_iter().map(Into::into).collect()
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = history::Entry)]
struct EntryResponse {
    /// The index of its leaf in the organisation's record.
    #[schema(example = 41)]
    audit_index: u64,
    #[schema(example = "model.validation_status.changed")]
    action: String,
    #[serde(serialize_with = "instant::serialize")]
    at: OffsetDateTime,
    /// A reference to who did it; null when it was erased.
    #[schema(value_type = Option<Object>, example = json!({"type": "user", "id": "01890a5d-ac96-774b-bcce-b302099a8057"}))]
    actor: Option<Value>,
    /// The fields that changed; null when they were erased.
    changes: Option<Vec<FieldChangeResponse>>,
}

impl From<HistoryEntry> for EntryResponse {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            audit_index: entry.audit_index,
            action: entry.action,
            at: entry.at,
            actor: entry.actor,
            changes: entry.changes.map(shown),
        }
    }
}

/// One page of changes, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = history::Page)]
pub(crate) struct HistoryResponse {
    /// How many changes there are.
    total: u64,
    history: Vec<EntryResponse>,
    next_cursor: Option<String>,
}

impl From<Page<HistoryEntry>> for HistoryResponse {
    fn from(page: Page<HistoryEntry>) -> Self {
        Self {
            total: page.total,
            next_cursor: page.next.map(cursor::write),
            history: page.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// A page of the history of a thing. One without any has to exist: `exists` is asked then.
pub(crate) async fn read<F: Family, P>(
    caller: &Caller<F, P>,
    state: &AppState,
    query: Query<HistoryParameters, F>,
    subject: (&'static str, Uuid),
    product: Option<ProductId>,
    exists: impl Future<Output = Result<(), Failure<F>>>,
) -> Result<Page<HistoryEntry>, Failure<F>> {
    let page = query.parse()?.page()?;
    let (kind, id) = subject;
    let wanted = HistoryQuery {
        subject: Subject { kind, id },
        product,
    };
    let organization = caller.principal.organization;
    let found = state.history.history(organization, &wanted, &page).await?;
    if found.total == 0 {
        exists.await?;
    }
    Ok(found)
}

/// The page as the families in `snake_case` answer it.
pub(crate) fn answer(page: Page<HistoryEntry>) -> web::Json<HistoryResponse> {
    web::Json(page.into())
}
