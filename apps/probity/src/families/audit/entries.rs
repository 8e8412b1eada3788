//! Reading entries.

use std::str::FromStr;

use actix_web::web::Data;
use actix_web::{HttpRequest, get, web};
use probity_access::Scope;
use probity_kernel::text::TextRule;
use probity_kernel::{Cursor, ErrorKind};

use super::dto::{EntryListResponse, EntryResponse, ListEntriesQuery};
use super::{Audit, TAG, reader, sees_slots};
use crate::families::problem::{CallerErrors, Malformed, Missing};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::bounds::window;
use crate::http::cursor;
use crate::http::extract::{Faults, Query};
use crate::http::failure::{Failure, Problem};
use crate::record::EntryFilter;
use crate::state::AppState;

/// The longest text that a filter takes; what is longer stands in no header.
const LONGEST: usize = 255;

/// Lists entries of the record, newest first. Who acted and what changed are shown to the scope `admin`.
#[utoipa::path(
    operation_id = "audit_list_entries", tag = TAG, security(("bearer" = [])), params(ListEntriesQuery),
    responses((status = 200, description = "One page", body = EntryListResponse), CallerErrors, Malformed)
)]
#[get("/audit/entries")]
pub(super) async fn list_entries(
    caller: Caller<Audit, ReadAccess>,
    state: Data<AppState>,
    query: Query<ListEntriesQuery, Audit>,
) -> Result<web::Json<EntryListResponse>, Failure<Audit>> {
    let organization = reader(&caller)?;
    let (filter, below, limit) = parse(query.parse()?)?;
    if filter.actor.is_some() {
        caller.principal.require(Scope::Admin)?;
    }
    let page = state
        .record
        .find(organization, filter, below, limit)
        .await?;
    let sees = sees_slots(&caller);
    let entries: Vec<_> = page
        .entries
        .iter()
        .map(|entry| EntryResponse::of(entry, sees))
        .collect();
    Ok(web::Json(EntryListResponse {
        count: u64::try_from(entries.len()).unwrap_or(u64::MAX),
        entries,
        next_cursor: page.next.map(|next| {
            let key = i64::try_from(next).unwrap_or(i64::MAX);
            cursor::write(Cursor { key, tie: 0 })
        }),
    }))
}

/// The number below which a page goes on.
struct Below(u64);

impl FromStr for Below {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let cursor::Given(cursor) = text.parse().map_err(|_| ())?;
        u64::try_from(cursor.key).map(Self).map_err(|_| ())
    }
}

fn parse(query: ListEntriesQuery) -> Result<(EntryFilter, Option<u64>, usize), Failure<Audit>> {
    let mut faults = Faults::default();
    let (from, to) = window(&mut faults, query.from.as_deref(), query.to.as_deref());
    let filter = EntryFilter {
        from,
        to,
        action: name(&mut faults, "action", query.action),
        target_type: name(&mut faults, "target_type", query.target_type),
        target_id: name(&mut faults, "target_id", query.target_id),
        actor: name(&mut faults, "actor", query.actor),
    };
    let limit = faults.number("limit", query.limit.as_deref(), 1..=100, 50);
    let expected = "`next_cursor` of an earlier page of this list";
    let below = faults.optional::<Below>("cursor", query.cursor.as_deref(), expected);
    faults.done()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok((filter, below.map(|Below(index)| index), limit))
}

/// The name that entries are to have. An empty one is what a caller's variable is that was never set:
/// every entry would be the wrong answer.
fn name(faults: &mut Faults, field: &'static str, text: Option<String>) -> Option<String> {
    let text = text?;
    let checked = TextRule::line(LONGEST).check(field, &text);
    faults.note(checked.map(|()| text).map_err(|fault| vec![fault]))
}

/// The entry number in a path; nothing else is there.
pub(super) fn number(request: &HttpRequest) -> Result<u64, Failure<Audit>> {
    let text = request.match_info().get("index").unwrap_or_default();
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    let number = if plain { text.parse().ok() } else { None };
    number.ok_or_else(nothing)
}

/// There is no such entry in the caller's organisation.
pub(super) fn nothing() -> Failure<Audit> {
    let detail = "there is no such entry in the record of this organisation";
    Problem::new(ErrorKind::NotFound, "not_found", detail).into()
}

/// Shows one entry of the record.
#[utoipa::path(
    operation_id = "audit_get_entry", tag = TAG, security(("bearer" = [])),
    params(("index" = u64, Path, description = "Its number, from 0")),
    responses((status = 200, description = "The entry", body = EntryResponse), CallerErrors, Missing)
)]
#[get("/audit/entries/{index}")]
pub(super) async fn get_entry(
    caller: Caller<Audit, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<web::Json<EntryResponse>, Failure<Audit>> {
    let organization = reader(&caller)?;
    let index = number(&request)?;
    let range = index..index.saturating_add(1);
    let found = state.record.entries(organization, range).await?;
    let entry = found.first().ok_or_else(nothing)?;
    Ok(web::Json(EntryResponse::of(entry, sees_slots(&caller))))
}
