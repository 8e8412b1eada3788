//! The shapes of failure, for the document.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{ContentBuilder, HeaderBuilder, Ref, RefOr, Response, Type};
use utoipa::{IntoResponses, ToSchema};

/// A problem (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// A URN that ends in the code.
    #[schema(example = "urn:probity:problem:validation_error")]
    r#type: String,
    /// The status in words.
    #[schema(example = "Bad Request")]
    title: String,
    /// The status code.
    #[schema(example = 400, minimum = 400, maximum = 599)]
    status: u16,
    /// What went wrong and what is allowed.
    #[schema(example = "/risk_tier: is required")]
    detail: String,
    /// The id of the request, as in `X-Request-Id`.
    #[schema(example = "req_01h455vb4pex5vsknk084sn02q")]
    instance: Option<String>,
    /// The stable code.
    #[schema(example = "validation_error")]
    code: String,
    /// The faulty fields, when the input is at fault.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldProblem>>,
    /// `false` in the Guardian family, absent elsewhere.
    #[schema(nullable = false)]
    success: Option<bool>,
}

/// One faulty field.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldProblem)]
pub(crate) struct FieldProblem {
    /// The row of an imported file; absent elsewhere.
    #[schema(nullable = false, minimum = 0)]
    row: Option<u64>,
    /// JSON Pointer into the body, or the name of a parameter.
    #[schema(example = "/risk_tier")]
    field: String,
    /// The stable code of the fault.
    #[schema(example = "required")]
    code: String,
    /// What is wrong and what is allowed.
    #[schema(example = "is required")]
    message: String,
}

fn problem(description: &str) -> ResponseBuilder {
    let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
}

fn with_retry(response: ResponseBuilder) -> ResponseBuilder {
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .build();
    let header = HeaderBuilder::new()
        .schema(Some(seconds))
        .description(Some("Seconds to wait"))
        .build();
    response.header("Retry-After", header)
}

type Responses = BTreeMap<String, RefOr<Response>>;

fn collect<const N: usize>(responses: [(u16, ResponseBuilder); N]) -> Responses {
    let named = responses.map(|(status, builder)| (status.to_string(), RefOr::T(builder.build())));
    named.into_iter().collect()
}

/// What every operation with a credential may answer.
pub(crate) struct CallerErrors;

impl IntoResponses for CallerErrors {
    fn responses() -> Responses {
        collect([
            (401, problem("Missing, empty, or invalid credential")),
            (403, problem("The credential lacks the scope")),
            (429, with_retry(problem("Rate limit exceeded"))),
            (
                503,
                with_retry(problem("The store cannot take the request now")),
            ),
        ])
    }
}

/// What an operation without a credential may answer where it is limited by address.
pub(crate) struct Limited;

impl IntoResponses for Limited {
    fn responses() -> Responses {
        collect([(429, with_retry(problem("Rate limit exceeded")))])
    }
}

/// What every operation with a JSON body may answer besides.
pub(crate) struct BodyErrors;

impl IntoResponses for BodyErrors {
    fn responses() -> Responses {
        collect([
            (413, problem("The body is too large")),
            (415, problem("The body has another media type")),
            (507, problem("The disk is full; nothing was written")),
        ])
    }
}

/// What an operation on the bytes of artifacts may answer besides.
pub(crate) struct StorageErrors;

impl IntoResponses for StorageErrors {
    fn responses() -> Responses {
        collect([
            (410, problem("The upload session expired")),
            (507, problem("The storage is full; nothing was lost")),
        ])
    }
}

/// What the receiver of traces may answer besides, in the encoding of the request.
pub(crate) struct TraceErrors;

impl IntoResponses for TraceErrors {
    fn responses() -> Responses {
        let both = |description| {
            let status = ContentBuilder::new().build();
            problem(description).content("application/x-protobuf", status)
        };
        collect([
            (400, both("The input has the wrong form or is out of range")),
            (413, both("The body is too large")),
            (
                415,
                both("The body has another media type or content coding"),
            ),
            (
                503,
                with_retry(both("The store cannot take the request now")),
            ),
            (507, both("The disk is full; nothing was written")),
        ])
    }
}

/// Input of the wrong form, in the families that answer 400.
pub(crate) struct Malformed;

impl IntoResponses for Malformed {
    fn responses() -> Responses {
        collect([(
            400,
            problem("The input has the wrong form or is out of range"),
        )])
    }
}

/// Input of the wrong form, in the families that answer 422; a body that broke off is 400.
pub(crate) struct Unprocessable;

impl IntoResponses for Unprocessable {
    fn responses() -> Responses {
        collect([
            (
                400,
                problem("The body ended early or is not what its headers say"),
            ),
            (
                422,
                problem("The input has the wrong form, is out of range, or reuses a key"),
            ),
        ])
    }
}

/// An `Idempotency-Key` that was used with another request.
pub(crate) struct KeyReused;

impl IntoResponses for KeyReused {
    fn responses() -> Responses {
        collect([(
            422,
            problem("The rules forbid it, or the Idempotency-Key was used with another body"),
        )])
    }
}

/// The thing does not exist for this caller.
pub(crate) struct Missing;

impl IntoResponses for Missing {
    fn responses() -> Responses {
        collect([(
            404,
            problem("It does not exist in the caller's organisation"),
        )])
    }
}

/// It clashes with what exists.
pub(crate) struct Clash;

impl IntoResponses for Clash {
    fn responses() -> Responses {
        collect([(
            409,
            problem("It clashes with what exists, or was changed at the same time"),
        )])
    }
}

/// The version demanded by `If-Match` is not the stored one.
pub(crate) struct Outdated;

impl IntoResponses for Outdated {
    fn responses() -> Responses {
        collect([(
            412,
            problem("The version named by If-Match is not the stored one"),
        )])
    }
}

/// A provider outside did not do its work, or none is set up.
pub(crate) struct ProviderFailed;

impl IntoResponses for ProviderFailed {
    fn responses() -> Responses {
        collect([(
            502,
            problem("No provider is configured, or it did not do its work"),
        )])
    }
}

/// What an operation with `as_of` may answer besides.
pub(crate) struct PastNotKept;

impl IntoResponses for PastNotKept {
    fn responses() -> Responses {
        collect([(
            422,
            problem("The record no longer reaches back to that instant"),
        )])
    }
}
