//! The bare server: what HTTP and JSON cost on this machine when nothing is stored.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::web::{Bytes, Json};
use actix_web::{App, HttpResponse, HttpServer, get, post};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::Outcome;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A metric as the Guardian reference posts it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metric {
    pub(crate) model_id: String,
    pub(crate) drift_score: f64,
    pub(crate) fairness_score: f64,
    pub(crate) psi: Option<f64>,
    pub(crate) disparate_impact: Option<f64>,
    pub(crate) sample_size: i64,
    pub(crate) captured_at: Option<String>,
    pub(crate) notes: Option<String>,
}

/// The verdict, as the Guardian reference answers it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verdict {
    pub(crate) success: bool,
    pub(crate) snapshot_id: String,
    pub(crate) compliance_status: &'static str,
}

impl Metric {
    /// Whether every figure is within its range and the instant is one.
    pub(crate) fn is_valid(&self) -> bool {
        let score = |value: f64| (0.0..=100.0).contains(&value);
        let ratio = |value: Option<f64>| value.is_none_or(|value| value >= 0.0);
        let instant = self.captured_at.as_deref();
        score(self.drift_score)
            && score(self.fairness_score)
            && ratio(self.psi)
            && ratio(self.disparate_impact)
            && self.sample_size >= 1
            && instant.is_none_or(|text| OffsetDateTime::parse(text, &Rfc3339).is_ok())
            && self
                .notes
                .as_deref()
                .is_none_or(|notes| notes.len() <= 2000)
    }

    /// The verdict by the default limits on drift and fairness.
    pub(crate) fn status(&self) -> &'static str {
        if self.drift_score > 70.0 || self.fairness_score < 80.0 {
            "RED"
        } else if self.drift_score > 50.0 || self.fairness_score < 90.0 {
            "AMBER"
        } else {
            "GREEN"
        }
    }
}

/// An id that grows.
pub(crate) fn next_id() -> String {
    format!("snap_{:026x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[post("/api/v1/metrics")]
async fn metric(body: Bytes) -> HttpResponse {
    let Ok(metric) = serde_json::from_slice::<Metric>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    if !metric.is_valid() {
        return HttpResponse::BadRequest().finish();
    }
    HttpResponse::Ok().json(Verdict {
        success: true,
        snapshot_id: next_id(),
        compliance_status: metric.status(),
    })
}

#[get("/plain")]
async fn plain() -> &'static str {
    "hello world"
}

/// An entry of about 590 bytes, made and serialised for each request.
#[derive(Serialize)]
struct Entry {
    id: String,
    model_id: String,
    provider: &'static str,
    display_name: &'static str,
    risk_tier: &'static str,
    validation_status: &'static str,
    owner: &'static str,
    description: &'static str,
    tags: [(&'static str, &'static str); 3],
    last_seen_at: &'static str,
    created_at: &'static str,
    updated_at: &'static str,
    revalidation_due: bool,
    version: u64,
}

#[get("/entry")]
async fn entry() -> Json<Entry> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Json(Entry {
        id: format!("01920000-0000-7000-8000-{number:012x}"),
        model_id: format!("credit-default-{number}"),
        provider: "self-hosted",
        display_name: "Probability of default, small businesses",
        risk_tier: "tier_2",
        validation_status: "validated",
        owner: "model-risk@example.org",
        description: "Estimates the probability that a small business defaults within a year.",
        tags: [
            ("business-line", "lending"),
            ("region", "eu"),
            ("team", "scoring"),
        ],
        last_seen_at: "2026-03-01T09:30:00Z",
        created_at: "2026-01-05T08:00:00Z",
        updated_at: "2026-02-11T16:45:00Z",
        revalidation_due: false,
        version: number,
    })
}

/// Serves until the process is ended.
pub(crate) fn serve(address: SocketAddr) -> Outcome<()> {
    actix_web::rt::System::new().block_on(async {
        HttpServer::new(|| App::new().service(metric).service(plain).service(entry))
            .workers(2)
            .bind(address)?
            .run()
            .await
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Metric;

    fn metric(json: &str) -> Metric {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn ranges_are_checked_as_the_reference_does() {
        let good = r#"{"modelId":"m","driftScore":100,"fairnessScore":0,"sampleSize":1}"#;
        assert!(metric(good).is_valid());
        for (from, to) in [
            ("100", "100.1"),
            (":0", ":-0.1"),
            (":1}", ":0}"),
            (":1}", ":1,\"psi\":-1}"),
            (":1}", ":1,\"capturedAt\":\"today\"}"),
        ] {
            assert!(!metric(&good.replace(from, to)).is_valid(), "{to}");
        }
    }
}
