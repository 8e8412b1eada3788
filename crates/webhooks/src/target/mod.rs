//! How a message becomes requests to one kind of receiver, and what their answers mean.
//!
//! A target is a pure function: given a message, an endpoint's settings and the answers so far, it says
//! what to send next or how the attempt ended. The dispatcher does the rest: it checks every address,
//! bounds time and bytes, follows no redirect, and keeps what a target wants to be carried back.

mod webhook;

use probity_kernel::FieldError;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use url::Url;

pub use self::webhook::Webhook;
use crate::message::Message;
use crate::signature::SigningSecret;
use crate::target_url::TargetUrl;

/// How many requests one attempt may take.
pub const MOST_STEPS: usize = 8;
/// How many bytes of an answer a target gets to see; what is beyond is not read.
pub const LARGEST_ANSWER: usize = 64 << 10;

/// One kind of receiver. Implementations hold no state of their own.
pub trait Target: Send + Sync {
    /// The `kind` of its endpoints, `snake_case`.
    fn kind(&self) -> &'static str;

    /// Judges the settings of an endpoint of this kind when it is registered or changed. JSON Pointers
    /// begin with `/settings`; a missing or needless credential is a fault of `/credential`.
    ///
    /// # Errors
    /// One [`FieldError`] per fault.
    fn check(&self, draft: &TargetDraft<'_>) -> Result<(), Vec<FieldError>>;

    /// Whether requests carry our signatures, so that an endpoint needs a secret.
    fn is_signed(&self) -> bool {
        true
    }

    /// What the state is kept under that attempts for this message read and write, at most 200 bytes:
    /// messages about the same thing share it. `None` where nothing is carried back.
    fn state_key(&self, message: &Message) -> Option<String> {
        let _ = message;
        None
    }

    /// The next step of an attempt: `answers` are those to the requests it sent so far, in order. An
    /// attempt begins anew with no answers, so a step that must not be done twice looks first.
    fn step(&self, exchange: &Exchange<'_>, answers: &[Answer]) -> Step;
}

/// The settings of an endpoint before they are taken.
#[derive(Debug, Clone, Copy)]
pub struct TargetDraft<'a> {
    /// Where it lies.
    pub url: &'a TargetUrl,
    /// The settings, an object whose members depend on the kind.
    pub settings: &'a Map<String, Value>,
    /// The receiver's credential as it came in, if one came in.
    pub credential: Option<&'a str>,
    /// Whether a credential is kept from before.
    pub keeps_credential: bool,
}

/// What an attempt works with.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The message, the same at every attempt.
    pub message: &'a Message,
    /// The endpoint's URL.
    pub url: &'a TargetUrl,
    /// The endpoint's settings.
    pub settings: &'a Map<String, Value>,
    /// The receiver's credential, for a request header. Never part of a URL or of an error.
    pub credential: Option<&'a str>,
    /// The live signing secrets, newest first.
    pub secrets: &'a [SigningSecret],
    /// Whether `v1a` signatures are wanted beside `v1`.
    pub with_pair: bool,
    /// What earlier attempts, and earlier messages under the same key, carried back.
    pub state: Option<&'a Value>,
    /// When the attempt is made.
    pub now: OffsetDateTime,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this and come back with the answer.
    Send(Box<HttpRequest>),
    /// The attempt is over.
    End(Outcome),
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

/// A request as a target wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The URL; its address is checked like that of the endpoint.
    pub url: Url,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `Retry-After` as it came.
    pub retry_after: Option<String>,
    /// The body up to [`LARGEST_ANSWER`] bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// What to keep under [`Target::state_key`] in place of what was there; `None` keeps that. Kept
    /// after a failure too, so that what was done is not done again.
    pub state: Option<Value>,
}

/// What an attempt achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Delivered,
    /// It does not; to be tried again. The text names the reason without any of the answer's words.
    Failed(String),
    /// The receiver is gone for good (410): the endpoint is disabled.
    Gone,
}

impl Outcome {
    /// An outcome that carries nothing back.
    #[must_use]
    pub const fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            state: None,
        }
    }

    /// What the status of a single answer means: 2xx is success and 410 is the end; all else is a
    /// failure, redirects included.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        Self::of(match status {
            200..=299 => Verdict::Delivered,
            410 => Verdict::Gone,
            300..=399 => Verdict::Failed(format!("status {status}: redirects are not followed")),
            _ => Verdict::Failed(format!("status {status}")),
        })
    }
}

/// The targets that there are.
pub const TARGETS: [&dyn Target; 1] = [&Webhook];

/// The target of a kind.
#[must_use]
pub fn target(kind: &str) -> Option<&'static dyn Target> {
    TARGETS.into_iter().find(|target| target.kind() == kind)
}
