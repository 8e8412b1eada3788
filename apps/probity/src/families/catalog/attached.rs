//! What the operations on attachments share: their lists, and how one thing is answered.

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, HttpResponseBuilder};
use probity_catalog::AttachmentError;
use probity_kernel::{DomainError as _, FieldError, PageRequest, Patch, Version};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::IntoParams;

use super::Catalog;
use crate::http::extract::{Faults, Query, etag};
use crate::http::failure::Failure;
use crate::http::instant;

/// What a handler of the family answers.
pub(super) type Answer = Result<HttpResponse, Failure<Catalog>>;

/// Which page is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    skip: Option<String>,
    /// 1 to 100, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// `X-Next-Cursor` of an earlier page. Not together with `skip`.
    cursor: Option<String>,
}

/// The page that a query asks for.
pub(super) fn page(query: Query<PageQuery, Catalog>) -> Result<PageRequest, Failure<Catalog>> {
    let query = query.parse()?;
    let mut faults = Faults::default();
    let limit = faults.number("limit", query.limit.as_deref(), 1..=100, 50);
    let (skip, cursor) = (query.skip.as_deref(), query.cursor.as_deref());
    let page = faults.page(limit, "skip", skip, cursor);
    faults.done()?;
    Ok(page)
}

/// One thing with the tag of its version.
pub(super) fn tagged<T: Serialize>(
    mut response: HttpResponseBuilder,
    version: Version,
    body: &T,
) -> HttpResponse {
    response.insert_header((ETAG, etag(version)));
    response.json(body)
}

/// An instant out of its text, or its fault noted.
pub(super) fn date(
    faults: &mut Faults,
    field: &str,
    text: Option<String>,
) -> Option<OffsetDateTime> {
    let parsed = text.map(|text| instant::parse(field, &text)).transpose();
    faults.note(parsed.map_err(|fault| vec![fault])).flatten()
}

/// An instant of a patch out of its text, or its fault noted.
pub(super) fn dated(
    faults: &mut Faults,
    field: &str,
    text: Patch<String>,
) -> Patch<OffsetDateTime> {
    let parsed = text.try_map(|text| instant::parse(field, &text));
    let noted = faults.note(parsed.map_err(|fault| vec![fault]));
    noted.unwrap_or_default()
}

/// What the domain made of the input, or every fault of it beside those that are noted already.
pub(super) fn judged<T>(
    mut faults: Faults,
    parsed: Result<T, AttachmentError>,
) -> Result<T, Failure<Catalog>> {
    let noted = faults.note(parsed.map_err(|error| -> Vec<FieldError> { error.fields() }));
    faults.done()?;
    noted.ok_or_else(|| Failure::malformed(Vec::new()))
}
