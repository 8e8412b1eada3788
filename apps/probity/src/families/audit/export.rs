//! The record as bundles for verifiers.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use probity_kernel::FieldError;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Audit, TAG, reader, sees_slots};
use crate::families::problem::{CallerErrors, Malformed};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::extract::{Faults, Query};
use crate::http::failure::Failure;
use crate::http::instant;
use crate::record::{Wanted, page};
use crate::state::AppState;

/// Which run of the record is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// The first entry by number, or the instant of the first (RFC 3339); the start of the record when absent.
    #[param(example = "2026-02-01T00:00:00Z")]
    from: Option<String>,
    /// The entry after the last one by number, or an instant after the last; the end of the record when absent.
    #[param(example = "2026-05-01T00:00:00Z")]
    to: Option<String>,
    /// The size of a checkpoint that was kept: the bundle then proves that the record only grew since.
    #[param(value_type = Option<u64>, minimum = 1)]
    since: Option<String>,
    /// `bundle` (when absent), or `html`: the bundle in a web page that checks itself, with no network.
    #[param(example = "bundle")]
    format: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Bundle,
    Page,
}

fn parse(query: &ExportQuery) -> Result<(Wanted, Option<u64>, Format), Failure<Audit>> {
    let mut faults = Faults::default();
    let numeric = |text: &Option<String>| {
        let digits = |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.as_ref().is_none_or(digits)
    };
    let largest = probity_ledger::MAX_SIZE;
    let wanted = if numeric(&query.from) && numeric(&query.to) {
        let from = faults.number("from", query.from.as_deref(), 0..=largest, 0);
        let to = faults.number("to", query.to.as_deref(), 0..=largest, 0);
        Wanted::Entries(from, query.to.as_ref().map(|_| to))
    } else {
        let mut bound = |field: &'static str, text: Option<&str>| {
            let read = match text {
                Some(text) => instant::parse(field, text),
                None => Err(FieldError::new(
                    field,
                    "required",
                    "is required where the other end is an instant",
                )),
            };
            faults.note(read.map_err(|fault| vec![fault]))
        };
        let from = bound("from", query.from.as_deref());
        let to = bound("to", query.to.as_deref());
        let missing = time::OffsetDateTime::UNIX_EPOCH;
        Wanted::Instants(from.unwrap_or(missing), to.unwrap_or(missing))
    };
    let since = faults.number("since", query.since.as_deref(), 1..=largest, 0);
    let format = match query.format.as_deref() {
        None | Some("bundle") => Ok(Format::Bundle),
        Some("html") => Ok(Format::Page),
        Some(_) => Err(vec![FieldError::new(
            "format",
            "unknown_value",
            "must be bundle or html",
        )]),
    };
    let format = faults.note(format).unwrap_or(Format::Bundle);
    faults.done()?;
    Ok((wanted, query.since.as_ref().map(|_| since), format))
}

/// Exports a run of the record as one bundle that can be verified offline, with `probity verify` or any
/// other verifier of the documented format. Who acted and what changed are in it for the scope `admin`.
#[utoipa::path(
    operation_id = "audit_export", tag = TAG, security(("bearer" = [])), params(ExportQuery),
    responses(
        (status = 200, description = "The bundle, streamed", content((String = "text/plain"), (String = "text/html"))),
        CallerErrors, Malformed
    )
)]
#[get("/audit/export")]
pub(super) async fn export(
    caller: Caller<Audit, ReadAccess>,
    state: Data<AppState>,
    query: Query<ExportQuery, Audit>,
) -> Result<HttpResponse, Failure<Audit>> {
    let organization = reader(&caller)?;
    let (wanted, since, format) = parse(&query.parse()?)?;
    let export = state
        .record
        .export(organization, wanted, since, sees_slots(&caller))
        .await?;
    let (media, name) = match format {
        Format::Bundle => ("text/plain; charset=utf-8", "record.probity-bundle"),
        Format::Page => ("text/html; charset=utf-8", "record.html"),
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, media));
    // Never opened in place: what users wrote stays out of the origin of the server.
    let disposition = format!("attachment; filename=\"{name}\"");
    response.insert_header((CONTENT_DISPOSITION, disposition));
    Ok(match format {
        Format::Bundle => response.streaming(export.into_stream()),
        Format::Page => response.streaming(page(export.into_stream())),
    })
}
