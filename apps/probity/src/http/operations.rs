//! What those who run the server ask it.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use probity_artifacts::BlobStore as _;
use serde::Serialize;
use utoipa::ToSchema;

use crate::families::problem::ProblemBody;
use crate::http::failure::Failure;
use crate::http::routes::Plain;
use crate::http::routing::Routes;
use crate::state::AppState;

const TAG: &str = "operations";

/// Whether the server lives or can serve.
#[derive(Serialize, ToSchema)]
#[schema(as = operations::Health)]
struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// The process lives.
#[utoipa::path(
    operation_id = "operations_health", tag = TAG, security(()),
    responses((status = 200, description = "The process lives", body = Health))
)]
#[get("/healthz")]
async fn healthz() -> actix_web::web::Json<Health> {
    actix_web::web::Json(Health { status: "ok" })
}

/// The server can serve: the database answers and has the schema of this release, and the store of
/// artifacts can be written to.
#[utoipa::path(
    operation_id = "operations_readiness", tag = TAG, security(()),
    responses(
        (status = 200, description = "The server can serve", body = Health),
        (status = 500, description = "The database has another schema or fails", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The database or the store of artifacts does not answer", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The store of artifacts is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/readyz")]
async fn readyz(state: Data<AppState>) -> Result<actix_web::web::Json<Health>, Failure<Plain>> {
    state.database.ready().await?;
    state.artifacts.blobs().ready().await?;
    Ok(actix_web::web::Json(Health { status: "ok" }))
}

/// The server's figures in the OpenMetrics text format.
#[utoipa::path(
    operation_id = "operations_metrics", tag = TAG, security(()),
    responses((
        status = 200, description = "OpenMetrics exposition", body = String,
        content_type = "application/openmetrics-text"
    ))
)]
#[get("/metrics")]
async fn metrics(state: Data<AppState>) -> HttpResponse {
    match state.metrics.print() {
        Ok(text) => HttpResponse::Ok()
            .insert_header((
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            ))
            .body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// The public keys of the server's own tokens.
#[utoipa::path(
    operation_id = "operations_jwks", tag = TAG, security(()),
    responses((status = 200, description = "A JWK set (RFC 7517)", body = Object))
)]
#[get("/.well-known/jwks.json")]
async fn jwks(state: Data<AppState>) -> actix_web::web::Json<serde_json::Value> {
    actix_web::web::Json(state.authenticator.own().jwks())
}

/// Adds the routes.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(healthz)
        .service(readyz)
        .service(metrics)
        .service(jwks);
}
