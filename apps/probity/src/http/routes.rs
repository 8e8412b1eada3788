//! The prefix table: one scope per prefix, the more specific first, and the families below them.

use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, ResponseError as _, web};
use probity_kernel::ErrorKind;
use utoipa_actix_web::AppExt as _;
use utoipa_actix_web::scope;

use crate::families::{
    api_keys, artifacts, audit, catalog, data_retention, events, governance, guardian, ingestion,
    model_registry, model_repository, webhooks,
};
use crate::http::failure::{Failure, Family, Problem};
use crate::http::{openapi, operations};

/// What belongs to no family.
pub(crate) struct Plain;

impl Family for Plain {}

/// Adds every route to an application, and tells what they are.
pub(crate) fn build<T>(app: App<T>) -> (App<T>, utoipa::openapi::OpenApi)
where
    T: ServiceFactory<ServiceRequest, Config = (), Error = actix_web::Error, InitError = ()>,
{
    let (app, document) = app
        .into_utoipa_app()
        .openapi(openapi::base())
        .service(
            scope("/api/v1.0")
                .configure(model_repository::configure)
                .configure(artifacts::configure)
                .configure(catalog::configure)
                .configure(governance::configure),
        )
        .service(scope("/api/admin").configure(model_registry::configure))
        .service(
            scope("/api/v1")
                .configure(guardian::configure)
                .configure(api_keys::configure)
                .configure(ingestion::configure)
                .configure(webhooks::configure)
                .configure(events::configure)
                .configure(audit::configure)
                .configure(data_retention::configure),
        )
        .service(scope("/v1").configure(ingestion::configure_otlp))
        .configure(operations::configure)
        .split_for_parts();
    let document = openapi::finish(document);
    let text = web::Data::new(openapi::Document::new(&document));
    let app = app
        .app_data(text)
        .configure(openapi::configure_pages)
        .configure(artifacts::tus::configure)
        .default_service(web::to(nowhere));
    (app, document)
}

/// No such path, or not with this method: what the path does take is told.
async fn nowhere(request: HttpRequest, document: web::Data<openapi::Document>) -> HttpResponse {
    let allowed = document.methods_of(request.path());
    if request.method() == Method::OPTIONS && !allowed.is_empty() {
        return HttpResponse::NoContent()
            .insert_header((ALLOW, allowed))
            .finish();
    }
    let problem = if allowed.is_empty() {
        Problem::new(
            ErrorKind::NotFound,
            "not_found",
            "there is nothing at this path",
        )
    } else {
        let detail = format!("this path takes {allowed}");
        let problem = Problem::new(ErrorKind::NotFound, "method_not_allowed", detail)
            .with_status(actix_web::http::StatusCode::METHOD_NOT_ALLOWED);
        match HeaderValue::from_str(allowed) {
            Ok(allowed) => problem.with_header(ALLOW, allowed),
            Err(_) => problem,
        }
    };
    Failure::<Plain>::from(problem).error_response()
}
