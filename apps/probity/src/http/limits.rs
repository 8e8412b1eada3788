//! Rate limits per credential: in this process, or on Redis for all nodes together.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use probity_access::rate::{Admitted, Refused, SlidingLog};
use probity_kernel::ErrorKind;

use crate::adapters::redis_limits::RedisLimits;
use crate::http::failure::{Problem, whole_seconds};

/// The window of every limit.
const WINDOW: Duration = Duration::from_mins(1);
/// Wrong keys from one address per window.
const GUESSES: u32 = 120;
/// How long a node counts for itself after Redis failed, in milliseconds.
const ALONE_MS: u64 = 3_000;
/// How many credentials are remembered before idle ones are let go.
const MANY: usize = 16_384;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Single metric snapshots.
    Metrics,
    /// Batches of metric snapshots.
    MetricsBatch,
    /// The simulator, by address.
    Simulation,
    /// Everything else.
    Request,
    /// Keys that turned out to be wrong, by address.
    Guess,
}

impl Class {
    const fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::MetricsBatch => "metrics-batch",
            Self::Simulation => "simulation",
            Self::Request => "request",
            Self::Guess => "guess",
        }
    }
}

/// How many requests of each class a credential has per minute; 0 is no limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quotas {
    pub(crate) metrics: u32,
    pub(crate) metrics_batch: u32,
    pub(crate) requests: u32,
}

impl Quotas {
    const fn of(self, class: Class) -> u32 {
        match class {
            Class::Metrics | Class::Simulation => self.metrics,
            Class::MetricsBatch => self.metrics_batch,
            Class::Request => self.requests,
            Class::Guess => GUESSES,
        }
    }
}

/// The limits of one server.
pub(crate) struct RateLimits {
    quotas: Quotas,
    started: Instant,
    logs: Mutex<HashMap<(String, Class), SlidingLog>>,
    shared: Option<RedisLimits>,
    alone_until_ms: AtomicU64,
}

impl RateLimits {
    pub(crate) fn new(quotas: Quotas, shared: Option<RedisLimits>) -> Self {
        Self {
            quotas,
            started: Instant::now(),
            logs: Mutex::default(),
            shared,
            alone_until_ms: AtomicU64::new(0),
        }
    }

    /// Counts a request; answers the header fields that tell where the limit stands.
    pub(crate) async fn admit(
        &self,
        key: &str,
        class: Class,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
        let limit = self.quotas.of(class);
        if limit == 0 {
            return Ok(Vec::new());
        }
        match self.admit_shared(key, class, limit).await {
            Some(Ok(admitted)) => {
                // Counted here too, so that this node goes on from there without Redis.
                let _ = self.admit_here(key, class);
                Ok(standing(limit, admitted))
            }
            Some(Err(refusal)) => Err(refused(limit, refusal)),
            None => self.admit_here(key, class),
        }
    }

    /// Counts a request on Redis. Without Redis each node counts for itself rather than refusing
    /// everyone, and does not ask again for a while, so that a dead Redis costs little.
    async fn admit_shared(
        &self,
        key: &str,
        class: Class,
        limit: u32,
    ) -> Option<Result<Admitted, Refused>> {
        let shared = self.shared.as_ref()?;
        if self.now_ms() < self.alone_until_ms.load(Ordering::Relaxed) {
            return None;
        }
        match shared.admit(class.name(), key, limit, WINDOW).await {
            Ok(verdict) => Some(verdict),
            Err(error) => {
                tracing::warn!(error = %error, "rate limits are counted on this node");
                let until = self.now_ms() + ALONE_MS;
                self.alone_until_ms.store(until, Ordering::Relaxed);
                None
            }
        }
    }

    /// Counts a request on this node alone.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal is rare and rendered at once"
    )]
    pub(crate) fn admit_here(
        &self,
        key: &str,
        class: Class,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
        let limit = self.quotas.of(class);
        if limit == 0 {
            return Ok(Vec::new());
        }
        let now = self.now_ms();
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if logs.len() > MANY {
            logs.retain(|_, log| !log.is_idle(now, window_ms()));
        }
        let log = logs.entry((key.to_owned(), class)).or_default();
        match log.admit(now, limit, window_ms()) {
            Ok(admitted) => Ok(standing(limit, admitted)),
            Err(refusal) => Err(refused(limit, refusal)),
        }
    }

    /// Refuses an address that has tried too many wrong keys, without counting this try.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal is rare and rendered at once"
    )]
    pub(crate) fn check_guessing(&self, peer: IpAddr) -> Result<(), Problem> {
        let now = self.now_ms();
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = logs.get(&(format!("guess:{peer}"), Class::Guess)) else {
            return Ok(());
        };
        match log.clone().admit(now, GUESSES, window_ms()) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(refused(GUESSES, refusal)),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn window_ms() -> u64 {
    u64::try_from(WINDOW.as_millis()).unwrap_or(u64::MAX)
}

fn standing(limit: u32, admitted: Admitted) -> Vec<(HeaderName, HeaderValue)> {
    headers(limit, admitted.remaining, admitted.reset_ms)
}

fn headers(limit: u32, remaining: u32, reset_ms: u64) -> Vec<(HeaderName, HeaderValue)> {
    vec![
        (LIMIT, HeaderValue::from(limit)),
        (REMAINING, HeaderValue::from(remaining)),
        (RESET, HeaderValue::from(reset_ms.div_ceil(1000))),
    ]
}

fn refused(limit: u32, refusal: Refused) -> Problem {
    let wait = Duration::from_millis(refusal.retry_after_ms);
    let detail = format!(
        "at most {limit} requests a minute; wait {} s",
        whole_seconds(wait)
    );
    let problem = Problem::new(ErrorKind::Unavailable, "rate_limit_exceeded", detail)
        .with_status(StatusCode::TOO_MANY_REQUESTS)
        .with_retry_after(wait);
    headers(limit, 0, refusal.retry_after_ms)
        .into_iter()
        .fold(problem, |problem, (name, value)| {
            problem.with_header(name, value)
        })
}
