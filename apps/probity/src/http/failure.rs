//! One way to fail: a problem (RFC 9457) with the family's status rules.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::{HttpResponse, ResponseError};
use probity_kernel::{DomainError, ErrorKind, FieldError};
use serde_json::{Map, Value, json};

use crate::http::request;

/// One of the API surfaces: how it renders what all of them share.
pub(crate) trait Family: 'static {
    /// The status of input that has the wrong form: 400 in the registry and Guardian families, 422
    /// in the catalogue and repository families.
    const MALFORMED: StatusCode = StatusCode::BAD_REQUEST;

    /// The code of input that has the wrong form.
    const MALFORMED_CODE: &'static str = "validation_error";

    /// Members that every problem of the family carries.
    fn decorate(_body: &mut Map<String, Value>) {}
}

/// What went wrong, independent of the family that says it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: Option<StatusCode>,
    pub(crate) kind: ErrorKind,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) extensions: Map<String, Value>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(crate) fn new(kind: ErrorKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: None,
            kind,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            extensions: Map::new(),
            retry_after: None,
            headers: Vec::new(),
        }
    }

    pub(crate) const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Input of the wrong form.
    pub(crate) fn malformed(errors: Vec<FieldError>) -> Self {
        let detail = match errors.first() {
            None => "the request is malformed".to_owned(),
            Some(first) if first.field.is_empty() => first.message.clone(),
            Some(first) => format!("{}: {}", first.field, first.message),
        };
        Self {
            errors,
            ..Self::new(ErrorKind::Invalid, "", detail)
        }
    }

    /// No credential, or one that does not count: one body for all such cases.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            ErrorKind::Forbidden,
            "unauthorized",
            "missing, empty, or invalid credential",
        )
        .with_status(StatusCode::UNAUTHORIZED)
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }
}

impl<E: DomainError> From<E> for Problem {
    fn from(error: E) -> Self {
        let kind = error.kind();
        let detail = if kind == ErrorKind::Internal {
            tracing::error!(error = ?error, "internal error");
            "an internal error occurred; the request id finds it in the log".to_owned()
        } else {
            error.to_string()
        };
        Self {
            errors: error.fields(),
            extensions: error.extensions(),
            retry_after: error.retry_after(),
            ..Self::new(kind, error.code(), detail)
        }
    }
}

/// A problem on its way out through a family.
pub(crate) struct Failure<F> {
    problem: Box<Problem>,
    family: PhantomData<fn() -> F>,
}

impl<F> Failure<F> {
    pub(crate) fn malformed(errors: Vec<FieldError>) -> Self {
        Problem::malformed(errors).into()
    }
}

impl<F> From<Problem> for Failure<F> {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            family: PhantomData,
        }
    }
}

impl<F, E: DomainError> From<E> for Failure<F> {
    fn from(error: E) -> Self {
        Problem::from(error).into()
    }
}

impl<F> fmt::Debug for Failure<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl<F> fmt::Display for Failure<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.detail)
    }
}

fn status_of<F: Family>(problem: &Problem) -> StatusCode {
    problem.status.unwrap_or(match problem.kind {
        ErrorKind::Invalid => F::MALFORMED,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::InsufficientStorage => StatusCode::INSUFFICIENT_STORAGE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    })
}

impl<F: Family> ResponseError for Failure<F> {
    fn status_code(&self) -> StatusCode {
        status_of::<F>(&self.problem)
    }

    fn error_response(&self) -> HttpResponse {
        let problem = &self.problem;
        let status = status_of::<F>(problem);
        let code = if problem.code.is_empty() {
            F::MALFORMED_CODE
        } else {
            problem.code
        };
        let mut body = Map::new();
        body.insert(
            "type".to_owned(),
            json!(format!("urn:probity:problem:{code}")),
        );
        body.insert(
            "title".to_owned(),
            json!(status.canonical_reason().unwrap_or("Error")),
        );
        body.insert("status".to_owned(), json!(status.as_u16()));
        body.insert("detail".to_owned(), json!(problem.detail));
        body.insert("instance".to_owned(), json!(request::current_id()));
        body.insert("code".to_owned(), json!(code));
        if !problem.errors.is_empty() {
            body.insert(
                "errors".to_owned(),
                problem.errors.iter().map(render).collect(),
            );
        }
        body.extend(problem.extensions.clone());
        F::decorate(&mut body);
        let mut response = HttpResponse::build(status);
        response.insert_header((
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        ));
        if let Some(wait) = problem.retry_after {
            response.insert_header((RETRY_AFTER, whole_seconds(wait).to_string()));
        }
        for (name, value) in &problem.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.body(Value::Object(body).to_string())
    }
}

fn render(error: &FieldError) -> Value {
    json!({"field": error.field, "code": error.code, "message": error.message})
}

/// `Retry-After` counts whole seconds, at least one; waiting that long must be enough.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}
