//! Import of many products from one file.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use probity_access::SpaceRole;
use probity_catalog::card;
use probity_catalog::import::{ImportFormat, ImportReceipt, ImportRow, Outcome, read};
use probity_kernel::{ErrorKind, FieldError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Catalog;
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Unprocessable};
use crate::http::auth::{Caller, WriteAccess};
use crate::http::extract::{Query, RawBody, media_type};
use crate::http::failure::{Failure, Problem};
use crate::http::space;
use crate::state::AppState;

/// The most bytes of a file.
const LARGEST: usize = 8 << 20;

/// How the import is meant.
#[derive(Debug, Deserialize)]
pub(super) struct ImportQuery {
    dry_run: Option<String>,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = catalog::ImportReceipt)]
pub(super) struct ImportResponse {
    /// Whether nothing was written.
    dry_run: bool,
    /// How many rows the file has.
    rows: usize,
    /// How many products are new.
    created: usize,
    /// How many products were there and changed.
    updated: usize,
    /// How many products already were what their rows say.
    unchanged: usize,
    /// The products in the order of their rows.
    products: Vec<ImportedRow>,
    /// The headings of a model card whose text no field takes; empty for any other file.
    left_out: Vec<String>,
}

/// One product of an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = catalog::ImportedProduct)]
struct ImportedRow {
    /// The data row, or the line of a file of JSON lines, counted from 1.
    row: u64,
    /// The product; null when a dry run would create it.
    id: Option<Uuid>,
    /// Its slug.
    slug: String,
    /// `created`, `updated` or `unchanged`.
    outcome: &'static str,
    /// The fields that an update changes, by name.
    changed_fields: Vec<String>,
}

impl ImportResponse {
    fn new(receipt: ImportReceipt, left_out: Vec<String>, dry_run: bool) -> Self {
        Self {
            left_out,
            dry_run,
            rows: receipt.products.len(),
            created: receipt.count(Outcome::Created),
            updated: receipt.count(Outcome::Updated),
            unchanged: receipt.count(Outcome::Unchanged),
            products: receipt
                .products
                .into_iter()
                .map(|one| ImportedRow {
                    row: one.row,
                    id: one.id.map(probity_kernel::ProductId::uuid),
                    slug: one.slug.as_str().to_owned(),
                    outcome: one.outcome.as_str(),
                    changed_fields: one.changed,
                })
                .collect(),
        }
    }
}

/// Creates the products of a file in a space, or updates those that are there by slug: all of them or
/// none.
#[utoipa::path(
    operation_id = "catalog_import_products", tag = super::TAG, security(("bearer" = [])),
    params(
        ("slug" = String, Path, description = "Slug of the space"),
        ("dry_run" = Option<bool>, Query, description = "`true` judges the file and writes nothing"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body(
        description = "A CSV file with a header, one JSON object a line, or one model card: at most 1,000 rows and 8 MiB",
        content(
            (String = "text/csv", example = "name,slug,risk_classification\nChurn,churn,limited\n"),
            (String = "application/x-ndjson"), (String = "application/jsonl"),
            (String = "text/markdown", example = "---\nlicense: apache-2.0\n---\n# Churn\n")
        )
    ),
    responses(
        (status = 200, description = "Imported, or judged", body = ImportResponse),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/spaces/{slug}/products/import")]
pub(super) async fn import_products(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<ImportQuery, Catalog>,
    payload: Payload,
) -> Result<HttpResponse, Failure<Catalog>> {
    let body = RawBody::read(request.headers(), payload.into_inner(), LARGEST).await;
    let slug = request.match_info().query("slug");
    let space = space::reached(&caller, &state, slug, SpaceRole::Editor).await?;
    let dry_run = is_dry(&query.parse()?)?;
    let (media, bytes) = file(body)?;
    let context = if dry_run {
        caller.context().clone()
    } else {
        caller.claiming(&bytes)?
    };
    let (rows, left_out) = rows(&media, &bytes)?;
    let receipt = state
        .catalog
        .import(&context, &space, rows, dry_run)
        .await?;
    Ok(HttpResponse::Ok().json(ImportResponse::new(receipt, left_out, dry_run)))
}

fn is_dry(query: &ImportQuery) -> Result<bool, Failure<Catalog>> {
    match query.dry_run.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Failure::malformed(vec![FieldError::new(
            "dry_run",
            "invalid_value",
            "must be `true` or `false`",
        )])),
    }
}

fn file(body: RawBody) -> Result<(String, Bytes), Failure<Catalog>> {
    let media = media_type(&body.content_type);
    Ok((media, body.plain()?))
}

/// The rows of a file, and what it says that no field takes.
fn rows(media: &str, bytes: &[u8]) -> Result<(Vec<ImportRow>, Vec<String>), Failure<Catalog>> {
    let format = match media {
        "text/csv" => ImportFormat::Csv,
        "application/x-ndjson" | "application/jsonl" => ImportFormat::JsonLines,
        "text/markdown" => {
            let card = card::read(bytes)?;
            return Ok((vec![card.row], card.left_out));
        }
        _ => {
            let detail = "the body must be sent as text/csv, application/x-ndjson, application/jsonl or \
                          text/markdown";
            let problem = Problem::new(ErrorKind::Invalid, "unsupported_media_type", detail);
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(problem.with_status(status).into());
        }
    };
    Ok((read(format, bytes)?, Vec::new()))
}
