//! One table of routes, read twice: by every worker to serve them, and once to describe them.
//!
//! The description of all operations takes tens of megabytes while it is put together, so no worker
//! makes one: it is made when somebody asks for it.

use actix_web::dev::HttpServiceFactory;
use actix_web::web;
use utoipa::openapi::path::{Paths, PathsMap};
use utoipa::openapi::{Components, OpenApi};
use utoipa_actix_web::OpenApiFactory;

/// What takes the handlers of families.
pub(crate) trait Routes {
    /// Takes one handler.
    fn service<H>(&mut self, handler: H) -> &mut Self
    where
        H: HttpServiceFactory + OpenApiFactory + 'static;

    /// Takes handlers below a prefix.
    fn scope(&mut self, prefix: &str, configure: impl FnOnce(&mut Self)) -> &mut Self;
}

/// Serves the handlers.
impl Routes for web::ServiceConfig {
    fn service<H>(&mut self, handler: H) -> &mut Self
    where
        H: HttpServiceFactory + OpenApiFactory + 'static,
    {
        Self::service(self, handler)
    }

    fn scope(&mut self, prefix: &str, configure: impl FnOnce(&mut Self)) -> &mut Self {
        Self::service(self, web::scope(prefix).configure(configure))
    }
}

/// Describes the handlers.
pub(crate) struct Description {
    document: OpenApi,
    prefix: String,
}

impl Description {
    /// A document to which handlers are added.
    pub(crate) const fn new(document: OpenApi) -> Self {
        Self {
            document,
            prefix: String::new(),
        }
    }

    /// The document with all handlers, ordered by path.
    pub(crate) fn finish(mut self) -> OpenApi {
        self.document.paths.paths.sort_keys();
        self.document
    }
}

impl Routes for Description {
    fn service<H>(&mut self, handler: H) -> &mut Self
    where
        H: HttpServiceFactory + OpenApiFactory + 'static,
    {
        let below = |path: String| format!("{}{path}", self.prefix);
        let mut paths = Paths::new();
        paths.paths = handler
            .paths()
            .paths
            .into_iter()
            .map(|(path, item)| (below(path), item))
            .collect::<PathsMap<_, _>>();
        self.document.paths.merge(paths);
        let mut schemas = Vec::new();
        handler.schemas(&mut schemas);
        let components = self.document.components.get_or_insert(Components::new());
        components.schemas.extend(schemas);
        self
    }

    fn scope(&mut self, prefix: &str, configure: impl FnOnce(&mut Self)) -> &mut Self {
        let outer = self.prefix.len();
        self.prefix.push_str(prefix);
        configure(self);
        self.prefix.truncate(outer);
        self
    }
}
