//! The OpenAPI document, and the pages that show it.

use std::sync::OnceLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem};
use utoipa::{Modify, OpenApi as _};
use utoipa_swagger_ui::Config;

use crate::families::problem::{FieldProblem, ProblemBody};
use crate::http::routes::table;
use crate::http::routing::Description;

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(ProblemBody, FieldProblem)), modifiers(&Credentials))]
struct Base;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut OpenApi) {
        let description = "An API key (`prb_...`) or a token of a trusted issuer.";
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(description))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The document before the families add to it.
fn base() -> OpenApi {
    let description = "Inventory, evidence, judgement and record of an organisation's AI systems.";
    let info = InfoBuilder::new()
        .title("Probity")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ))
        .build();
    let mut document = OpenApiBuilder::from(Base::openapi()).info(info).build();
    document.servers = Some(vec![utoipa::openapi::Server::new("/")]);
    document
}

/// The document of this build.
pub(crate) fn document() -> OpenApi {
    let mut description = Description::new(base());
    table(&mut description);
    description.finish()
}

/// The document as it is published, made when it is asked for first.
pub(crate) async fn published() -> &'static Document {
    static PUBLISHED: OnceLock<Document> = OnceLock::new();
    let make = || PUBLISHED.get_or_init(|| Document::new(&document()));
    match PUBLISHED.get() {
        Some(document) => document,
        None => web::block(make).await.unwrap_or_else(|_| make()),
    }
}

/// The document as text, and what each path takes.
pub(crate) struct Document {
    json: Bytes,
    paths: Vec<(String, String)>,
}

impl Document {
    fn new(document: &OpenApi) -> Self {
        let paths = &document.paths.paths;
        Self {
            json: document.to_json().unwrap_or_default().into(),
            paths: paths
                .iter()
                .map(|(path, item)| (path.clone(), methods(item)))
                .collect(),
        }
    }

    /// The methods that a path takes, comma separated; empty for a path that leads nowhere. A path
    /// that is written out goes before one with an id in its place.
    pub(crate) fn methods_of(&self, path: &str) -> &str {
        let written = self.paths.iter().find(|(template, _)| template == path);
        let found = written.or_else(|| {
            let mut known = self.paths.iter();
            known.find(|(template, _)| matches(template, path))
        });
        found.map_or("", |(_, methods)| methods.as_str())
    }
}

fn methods(item: &PathItem) -> String {
    let taken = [
        ("GET", item.get.is_some()),
        ("HEAD", item.get.is_some()),
        ("POST", item.post.is_some()),
        ("PUT", item.put.is_some()),
        ("PATCH", item.patch.is_some()),
        ("DELETE", item.delete.is_some()),
    ];
    taken
        .iter()
        .filter(|(_, has)| *has)
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(", ")
}

fn matches(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

/// The document and the interactive pages, all of it out of the binary.
pub(crate) fn configure_pages(config: &mut web::ServiceConfig) {
    config
        .route("/openapi.json", web::get().to(json))
        .route("/docs", web::get().to(|| async { page("") }))
        .route("/docs/{file:.*}", web::get().to(file));
}

async fn json() -> HttpResponse {
    let document = published().await;
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(document.json.clone())
}

async fn file(request: HttpRequest) -> HttpResponse {
    page(request.match_info().query("file"))
}

fn page(name: &str) -> HttpResponse {
    if name.is_empty() {
        return HttpResponse::PermanentRedirect()
            .insert_header(("Location", "/docs/index.html"))
            .finish();
    }
    let config = std::sync::Arc::new(Config::from("/openapi.json"));
    match utoipa_swagger_ui::serve(name, config) {
        Ok(Some(file)) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, file.content_type))
            .insert_header((CACHE_CONTROL, "max-age=3600"))
            .insert_header((
                CONTENT_SECURITY_POLICY,
                "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                 object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
            ))
            .body(file.bytes.into_owned()),
        Ok(None) | Err(_) => HttpResponse::NotFound().finish(),
    }
}
