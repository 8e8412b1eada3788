//! `?as_of=`: reading the state as of an instant, and which checkpoint covers it.

use std::marker::PhantomData;

use actix_web::dev::{Payload, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::{Ready, ready};
use probity_catalog::CatalogService;
use probity_catalog::attachment::AttachmentService;
use probity_governance::GovernanceService;
use probity_guardian::GuardianService;
use probity_kernel::{ErrorKind, FieldError};
use probity_registry::RegistryService;
use probity_store::{
    Database, DieselArtifacts, DieselAttachments, DieselCatalog, DieselGovernance, DieselGuardian,
    DieselModels, PastState,
};
use time::OffsetDateTime;
use utoipa::IntoParams;

use crate::http::auth::Caller;
use crate::http::extract::repeated;
use crate::http::failure::{Failure, Family, Problem};
use crate::http::instant;
use crate::http::routes::Plain;
use crate::state::{AppState, Attachments, Catalog, Governance, Guardian, ModelRegistry};

const AS_OF: HeaderName = HeaderName::from_static("as-of");
const SIZE: HeaderName = HeaderName::from_static("audit-size");
const CHECKPOINT: HeaderName = HeaderName::from_static("audit-checkpoint");

/// The parameter, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) struct AsOfParameter {
    /// The instant as of which to answer (RFC 3339), to the millisecond; now when absent. The answer
    /// then has the headers `As-Of`, `Audit-Size` (how many leaves the record had) and
    /// `Audit-Checkpoint` (the first signed checkpoint that covers them, in Base64; signed now where
    /// none was).
    #[param(format = DateTime)]
    as_of: Option<String>,
}

/// The instant that a query asks for.
pub(crate) struct AsOf<F> {
    texts: Vec<String>,
    marker: PhantomData<fn() -> F>,
}

/// Put with a request whose handler knows the parameter.
struct Known;

impl<F: Family> FromRequest for AsOf<F> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        request.extensions_mut().insert(Known);
        ready(Ok(Self {
            texts: repeated(request, "as_of"),
            marker: PhantomData,
        }))
    }
}

fn has(request: &HttpRequest, name: &str) -> bool {
    request.query_string().contains(name) && !repeated(request, name).is_empty()
}

/// What is wrong with a command as of an instant: what is done is done now.
pub(crate) fn fault_of_command(request: &HttpRequest) -> Option<Problem> {
    let reads = request.method() == Method::GET;
    let asks = |name| has(request, name);
    (!reads && (asks("as_of") || asks("asOf"))).then(unknown)
}

/// The refusal where the answer would be that of now, because nothing there knows the parameter.
pub(super) fn refused_after<B>(response: &ServiceResponse<B>) -> Option<HttpResponse> {
    let request = response.request();
    let known = || request.extensions().get::<Known>().is_some();
    let silent = has(request, "asOf") || (has(request, "as_of") && !known());
    let refused = response.status().is_success() && silent;
    refused.then(|| Failure::<Plain>::from(unknown()).error_response())
}

fn unknown() -> Problem {
    let message = "is not known here, and what is answered and done is so now";
    Problem::malformed(vec![FieldError::new("as_of", "unknown_parameter", message)])
}

impl<F: Family> AsOf<F> {
    fn parse(&self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, Failure<F>> {
        let wrong =
            |code, message: &str| Failure::malformed(vec![FieldError::new("as_of", code, message)]);
        let text = match self.texts.as_slice() {
            [] => return Ok(None),
            [text] => text,
            _ => return Err(wrong("conflicting_parameter", "must be given once")),
        };
        let at = instant::parse("as_of", text).map_err(|fault| Failure::malformed(vec![fault]))?;
        if at > now {
            return Err(wrong("out_of_range", "must not lie in the future"));
        }
        Ok(Some(at))
    }

    /// What there was to see at that instant; what there is now where none is asked for.
    pub(crate) async fn view<P>(
        self,
        caller: &Caller<F, P>,
        state: &AppState,
    ) -> Result<View, Failure<F>> {
        let now = caller.context().now;
        let Some(at) = self.parse(now)? else {
            return Ok(View::of_now(state, now));
        };
        let organization = caller.principal.organization;
        match state.database.as_of(organization, at).await? {
            PastState::Found(found) => {
                let mut checkpoint = found.checkpoint;
                if checkpoint.is_none() {
                    // What grew since the last one is signed now; where it cannot be, the answer
                    // goes without.
                    let signed = state.record.checkpoint(organization).await;
                    checkpoint = signed.ok().map(|signed| signed.note);
                }
                Ok(View {
                    database: found.database,
                    at,
                    past: Some((found.size, checkpoint)),
                })
            }
            PastState::Pruned { since } => Err(pruned(since).into()),
        }
    }
}

fn pruned(since: Option<OffsetDateTime>) -> Problem {
    let since = since.map(instant::write);
    let detail = match &since {
        Some(since) => format!("as_of: the record is kept from {since} on"),
        None => "as_of: nothing of the record is kept".to_owned(),
    };
    let mut problem = Problem::new(ErrorKind::Unprocessable, "past_not_kept", detail);
    if let Some(since) = since {
        problem
            .extensions
            .insert("kept_since".to_owned(), since.into());
    }
    problem
}

/// The state that a request reads.
pub(crate) struct View {
    database: Database,
    at: OffsetDateTime,
    past: Option<(u64, Option<String>)>,
}

impl View {
    /// The view of what there is now.
    pub(crate) fn of_now(state: &AppState, now: OffsetDateTime) -> Self {
        Self {
            database: state.database.clone(),
            at: now,
            past: None,
        }
    }

    /// The instant as of which dates are compared.
    pub(crate) const fn at(&self) -> OffsetDateTime {
        self.at
    }

    /// Whether it is read as of an instant of the past.
    pub(crate) const fn is_past(&self) -> bool {
        self.past.is_some()
    }

    pub(crate) fn catalog(&self, state: &AppState) -> Catalog {
        let repository = DieselCatalog::new(self.database.clone());
        CatalogService::new(repository, state.ids.clone())
    }

    pub(crate) fn attachments(&self, state: &AppState) -> Attachments {
        let repository = DieselAttachments::new(self.database.clone());
        AttachmentService::new(repository, state.ids.clone())
    }

    /// Artifacts as rows; of their bytes there is no past.
    pub(crate) fn artifacts(&self) -> DieselArtifacts {
        DieselArtifacts::new(self.database.clone())
    }

    /// What a link in an answer needs so that it leads to the same instant; nothing for now.
    pub(crate) fn parameter(&self) -> Option<String> {
        self.past
            .as_ref()
            .map(|_| format!("as_of={}", instant::write(self.at)))
    }

    pub(crate) fn governance(&self, state: &AppState) -> Governance {
        let repository = DieselGovernance::new(self.database.clone());
        GovernanceService::new(repository, state.ids.clone())
    }

    pub(crate) fn guardian(&self, state: &AppState) -> Guardian {
        let repository = DieselGuardian::new(self.database.clone());
        GuardianService::new(repository, state.ids.clone())
    }

    pub(crate) fn registry(&self, state: &AppState) -> ModelRegistry {
        let repository = DieselModels::new(self.database.clone());
        RegistryService::new(repository, state.ids.clone())
    }

    /// The answer with what covers it.
    pub(crate) fn covered(&self, mut response: HttpResponse) -> HttpResponse {
        let Some((size, checkpoint)) = &self.past else {
            return response;
        };
        let checkpoint = checkpoint.as_ref().map(|note| STANDARD.encode(note));
        let headers = [
            (AS_OF, Some(instant::write(self.at))),
            (SIZE, Some(size.to_string())),
            (CHECKPOINT, checkpoint),
        ];
        for (name, value) in headers {
            if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
