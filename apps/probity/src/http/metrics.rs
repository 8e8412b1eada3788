//! The server's own figures, as OpenMetrics.

use std::time::Duration;

use probity_webhooks::delivery::Backlog;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use time::OffsetDateTime;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: String,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Judgement {
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
    database: &'static str,
}

/// The figures and the registry that prints them.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram>,
    snapshots: Family<Judgement, Counter>,
    refused: Counter,
    deliveries: Family<Outcome, Counter>,
    pending: Gauge,
    dead: Gauge,
    oldest: Gauge,
}

/// The figures of webhook deliveries: attempts by outcome; how many wait, are dead letters, and how old
/// the oldest is that waits.
fn of_webhooks(registry: &mut Registry) -> (Family<Outcome, Counter>, [Gauge; 3]) {
    let deliveries = Family::<Outcome, Counter>::default();
    for outcome in ["delivered", "failed", "dead"] {
        drop(deliveries.get_or_create(&Outcome { outcome }));
    }
    let (pending, dead, oldest) = (Gauge::default(), Gauge::default(), Gauge::default());
    registry.register(
        "webhook_attempts",
        "Attempts of webhook deliveries by their outcome",
        deliveries.clone(),
    );
    registry.register(
        "webhook_pending_deliveries",
        "Webhook deliveries that wait for an attempt",
        pending.clone(),
    );
    registry.register(
        "webhook_dead_letters",
        "Webhook deliveries whose every attempt failed",
        dead.clone(),
    );
    registry.register_with_unit(
        "webhook_oldest_pending_delivery",
        "Age of the oldest webhook delivery that waits",
        Unit::Seconds,
        oldest.clone(),
    );
    (deliveries, [pending, dead, oldest])
}

impl Metrics {
    pub(crate) fn new(database: &'static str) -> Self {
        let mut registry = Registry::with_prefix("probity");
        let requests = Family::default();
        let durations = Family::<Route, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_25, 2.0, 14))
        });
        let snapshots = Family::<Judgement, Counter>::default();
        // A counter is there from the start: its first rise can be seen.
        for status in ["GREEN", "AMBER", "RED"] {
            drop(snapshots.get_or_create(&Judgement { status }));
        }
        let refused = Counter::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from the first byte read to the answer",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register(
            "metric_snapshots",
            "Metric snapshots recorded",
            snapshots.clone(),
        );
        registry.register(
            "rate_limited_requests",
            "Requests refused by a limit",
            refused.clone(),
        );
        let (deliveries, [pending, dead, oldest]) = of_webhooks(&mut registry);
        let build = Family::<Build, Gauge>::default();
        build
            .get_or_create(&Build {
                version: env!("CARGO_PKG_VERSION"),
                database,
            })
            .set(1);
        registry.register("build", "What is running", build);
        Self {
            registry,
            requests,
            durations,
            snapshots,
            refused,
            deliveries,
            pending,
            dead,
            oldest,
        }
    }

    /// Counts an attempt of a delivery by its outcome.
    pub(crate) fn delivery(&self, outcome: &'static str) {
        self.deliveries.get_or_create(&Outcome { outcome }).inc();
    }

    /// Keeps how much waits.
    pub(crate) fn backlog(&self, backlog: &Backlog, now: OffsetDateTime) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.pending.set(number(backlog.pending));
        self.dead.set(number(backlog.dead));
        let age = backlog.oldest.map_or(0, |at| (now - at).whole_seconds());
        self.oldest.set(age.max(0));
    }

    /// Counts an answered request. Unknown routes and methods share one label, so that callers
    /// cannot make the server keep a figure of their choice.
    pub(crate) fn observe(&self, method: &str, route: Option<&str>, status: u16, took: Duration) {
        const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        let method = if METHODS.contains(&method) {
            method
        } else {
            "other"
        };
        let route = Route {
            method: method.to_owned(),
            route: route.unwrap_or("unknown").to_owned(),
        };
        self.durations
            .get_or_create(&route)
            .observe(took.as_secs_f64());
        let Route { method, route } = route;
        self.requests
            .get_or_create(&Request {
                method,
                route,
                status,
            })
            .inc();
    }

    /// Counts a snapshot by the status it was judged to have.
    pub(crate) fn snapshot(&self, status: &'static str) {
        self.snapshots.get_or_create(&Judgement { status }).inc();
    }

    /// Counts a request that a limit refused.
    pub(crate) fn limited(&self) {
        self.refused.inc();
    }

    /// The exposition.
    pub(crate) fn print(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
