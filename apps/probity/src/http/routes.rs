//! The prefix table: one scope per prefix, the more specific first, and the families below them.

use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, ResponseError as _, web};
use probity_kernel::ErrorKind;

use crate::families::{
    api_keys, artifacts, audit, catalog, data_retention, events, governance, guardian, ingestion,
    model_registry, model_repository, webhooks,
};
use crate::http::failure::{Failure, Family, Problem};
use crate::http::routing::Routes;
use crate::http::{openapi, operations};

/// What belongs to no family.
pub(crate) struct Plain;

impl Family for Plain {}

/// Every operation, prefix by prefix.
pub(crate) fn table(routes: &mut impl Routes) {
    routes
        .scope("/api/v1.0", |routes| {
            model_repository::configure(routes);
            artifacts::configure(routes);
            catalog::configure(routes);
            governance::configure(routes);
        })
        .scope("/api/admin", |routes| model_registry::configure(routes))
        .scope("/api/v1", |routes| {
            guardian::configure(routes);
            api_keys::configure(routes);
            ingestion::configure(routes);
            webhooks::configure(routes);
            events::configure(routes);
            audit::configure(routes);
            data_retention::configure(routes);
        })
        .scope("/v1", |routes| ingestion::configure_otlp(routes));
    operations::configure(routes);
}

/// Adds every route to an application.
pub(crate) fn build<T>(app: App<T>) -> App<T>
where
    T: ServiceFactory<ServiceRequest, Config = (), Error = actix_web::Error, InitError = ()>,
{
    app.configure(table)
        .configure(openapi::configure_pages)
        .configure(artifacts::tus::configure)
        .default_service(web::to(nowhere))
}

/// No such path, or not with this method: what the path does take is told.
async fn nowhere(request: HttpRequest) -> HttpResponse {
    let document = openapi::published().await;
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
