//! Authorisation in a handler's signature: a handler that takes a [`Caller`] runs only for who may.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use probity_access::{Principal, Scope};
use probity_kernel::{Clock as _, Context, ErrorKind, IdempotencyClaim, RequestId};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use validator::Validate;

use crate::http::as_of;
use crate::http::extract::Json;
use crate::http::failure::{Failure, Family, Problem};
use crate::http::json;
use crate::http::limits::Class;
use crate::http::request::LimitHeaders;
use crate::state::AppState;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What a handler demands of its caller.
pub(crate) trait Permission: 'static {
    /// The scope.
    const SCOPE: Scope;
    /// Which limit the request counts against.
    const CLASS: Class;
}

macro_rules! permission {
    ($($(#[$meta:meta])* $name:ident = $scope:ident, $class:ident;)+) => { $(
        $(#[$meta])*
        pub(crate) struct $name;
        impl Permission for $name {
            const SCOPE: Scope = Scope::$scope;
            const CLASS: Class = Class::$class;
        }
    )+ };
}

permission! {
    /// May read.
    ReadAccess = Read, Request;
    /// May write.
    WriteAccess = Write, Request;
    /// May administer.
    AdminAccess = Admin, Request;
    /// May send single metric snapshots.
    IngestSingle = Write, Metrics;
    /// May send batches of metric snapshots.
    IngestBatch = Write, MetricsBatch;
}

/// An authenticated caller with the permission `P`, answered in the words of family `F`.
pub(crate) struct Caller<F, P> {
    /// Who calls.
    pub(crate) principal: Arc<Principal>,
    context: Context,
    idempotency: Option<(HeaderValue, String)>,
    marker: PhantomData<fn() -> (F, P)>,
}

impl<F, P> Caller<F, P> {
    /// The frame of a command without an idempotency claim, and of every read.
    pub(crate) const fn context(&self) -> &Context {
        &self.context
    }

    /// Refuses a credential that is confined to spaces where a thing is about all of them.
    pub(crate) fn unconfined(&self) -> Result<(), Failure<F>> {
        if self.principal.reach.only().is_none() {
            return Ok(());
        }
        let detail =
            "this is about the whole organisation, and the credential is confined to spaces";
        Err(Problem::new(ErrorKind::Forbidden, "confined_credential", detail).into())
    }
}

impl<F: Family, P: Permission> FromRequest for Caller<F, P> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self::of(&request).await.map_err(Failure::<F>::from)?) })
    }
}

impl<F: Family, P: Permission> Caller<F, P> {
    async fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let state = request.app_data::<Data<AppState>>().ok_or_else(|| {
            Problem::new(
                ErrorKind::Internal,
                "internal_error",
                "the server is not set up",
            )
        })?;
        let now = state.clock.now();
        let peer = request.peer_addr().map(|address| address.ip());
        let principal = state
            .authenticator
            .authenticate(request.headers(), peer, &state.limits, now)
            .await?;
        principal.require(P::SCOPE)?;
        if let Some(fault) = as_of::fault_of_command(request) {
            return Err(fault);
        }
        let standing = state.limits.admit(&principal.limit_key, P::CLASS).await;
        match standing {
            Ok(headers) if headers.is_empty() => {}
            Ok(headers) => {
                request.extensions_mut().insert(LimitHeaders(headers));
            }
            Err(problem) => {
                state.metrics.limited();
                return Err(problem);
            }
        }
        let mut context = Context::new(principal.organization, principal.actor.clone(), now);
        context.request_id = request.extensions().get::<RequestId>().cloned();
        let given = request.headers().get(IDEMPOTENCY_KEY).cloned();
        let idempotency = given.map(|key| {
            // The path and not its pattern: the same body for another product is another request.
            let route = request.path();
            (
                key,
                format!("{} {} {route}", principal.limit_key, request.method()),
            )
        });
        Ok(Self {
            idempotency,
            principal,
            context,
            marker: PhantomData,
        })
    }

    /// The body of a command that creates, and its frame with the caller's idempotency claim.
    pub(crate) fn command<T: DeserializeOwned + Validate, const LIMIT: usize>(
        &self,
        body: Json<T, F, LIMIT>,
    ) -> Result<(Context, T), Failure<F>> {
        let (value, bytes) = body.parse()?;
        Ok((self.claiming(&bytes)?, value))
    }

    /// The same where the body may be left out.
    pub(crate) fn optional_command<T: DeserializeOwned + Validate + Default, const LIMIT: usize>(
        &self,
        body: Json<T, F, LIMIT>,
    ) -> Result<(Context, T), Failure<F>> {
        let (value, bytes) = body.parse_optional()?;
        Ok((self.claiming(&bytes)?, value))
    }

    /// The frame of a command with the caller's idempotency claim over these bytes.
    pub(crate) fn claiming(&self, bytes: &Bytes) -> Result<Context, Failure<F>> {
        let Some((given, scope)) = &self.idempotency else {
            return Ok(self.context.clone());
        };
        let key = given
            .to_str()
            .ok()
            .filter(|key| is_key(key))
            .ok_or_else(|| {
                let detail = "Idempotency-Key must be 1 to 255 visible ASCII characters";
                Problem::new(ErrorKind::Invalid, "invalid_idempotency_key", detail)
            })?;
        let claim = IdempotencyClaim {
            scope: scope.clone(),
            key: key.to_owned(),
            fingerprint: fingerprint(bytes),
        };
        Ok(self.context.clone().with_idempotency(Some(claim)))
    }
}

fn is_key(key: &str) -> bool {
    (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

/// SHA-256 of the canonical form of a JSON body, so that spacing and the order of members do not
/// make another request of it; of the bytes where they are not JSON.
fn fingerprint(bytes: &Bytes) -> [u8; 32] {
    let canonical = json::canonical(bytes).or_else(|| {
        // What the record's stricter form refuses: integers beyond 2^53.
        let value = serde_json::from_slice::<serde_json::Value>(bytes).ok()?;
        serde_json_canonicalizer::to_vec(&value).ok()
    });
    Sha256::digest(canonical.as_deref().unwrap_or(bytes)).into()
}
