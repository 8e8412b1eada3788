//! The summary of a product's governance.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use probity_catalog::Product;
use probity_governance::assessment::score::{Contribution, Points};
use probity_governance::service::Summary;
use probity_ledger::Hash;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::refusal::told;
use super::{Governance, TAG};
use crate::families::problem::{CallerErrors, Missing, Unprocessable};
use crate::http::as_of::{AsOf, AsOfParameter};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::failure::Failure;
use crate::http::{instant, product};
use crate::state::AppState;

/// What is known about a product, how good it is, what has drifted, and what would raise the score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::Summary)]
struct SummaryResponse {
    #[schema(example = "550e8400-e29b-41d4-a716-446655440000")]
    product_id: String,
    #[schema(example = "Claims Triage Model")]
    product_name: String,
    #[schema(example = "ML Model")]
    product_type: String,
    /// `design`, `development`, `validation`, `production` or `retired`.
    #[schema(example = "production")]
    lifecycle_gate: &'static str,
    /// `approved`, `in_review`, `needs_review` or `not_started`.
    #[schema(example = "needs_review")]
    review_status: &'static str,
    #[schema(example = 75, minimum = 0, maximum = 100)]
    governance_score: u8,
    /// Which rules made the score.
    #[schema(example = "1.0")]
    score_version: &'static str,
    /// The parts of the score; their points sum to it.
    score_breakdown: Vec<ContributionResponse>,
    completeness: Vec<CompletenessResponse>,
    drift_indicators: Vec<DriftResponse>,
    evidence: Vec<EvidenceResponse>,
    audit_bundle: AuditBundleResponse,
    /// How many runtime events of each type there were.
    runtime_event_counts: BTreeMap<String, u64>,
    /// When it was judged.
    #[serde(serialize_with = "instant::serialize")]
    generated_at: OffsetDateTime,
    /// The instant as of which every date was compared.
    #[serde(serialize_with = "instant::serialize")]
    as_of: OffsetDateTime,
    /// When the judgement will be another with nobody touching anything.
    #[serde(serialize_with = "instant::option::serialize")]
    next_change_at: Option<OffsetDateTime>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::Contribution)]
struct ContributionResponse {
    /// `completeness`, `drift`, `floor` or `rounding`.
    source: &'static str,
    #[schema(example = "evaluation_evidence")]
    key: &'static str,
    label: &'static str,
    /// What it adds; negative for what it takes.
    #[serde(serialize_with = "points")]
    #[schema(value_type = f64, example = 12.5)]
    points: Points,
    /// What it adds at the most.
    #[serde(serialize_with = "points")]
    #[schema(value_type = f64, example = 12.5)]
    maximum: Points,
    /// How to win what is missing; null where nothing is.
    remedy: Option<RemedyResponse>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::Remedy)]
struct RemedyResponse {
    action: &'static str,
    /// By how many points the score rises when just this is done.
    points_gained: u8,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::CompletenessItem)]
struct CompletenessResponse {
    key: &'static str,
    label: &'static str,
    complete: bool,
    detail: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::DriftIndicator)]
struct DriftResponse {
    key: &'static str,
    label: &'static str,
    /// `low`, `medium`, `high` or `critical`.
    severity: &'static str,
    active: bool,
    detail: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::EvidenceCount)]
struct EvidenceResponse {
    key: &'static str,
    label: &'static str,
    count: u64,
    /// `present` or `missing`.
    status: &'static str,
}

/// Where the product's changes are to be found on the organisation's record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::AuditBundle)]
struct AuditBundleResponse {
    /// How many leaves the record has.
    log_size: u64,
    /// Their Merkle root (RFC 6962), hexadecimal.
    root_hash: String,
    /// The index of the last leaf that published something about the product.
    last_index: Option<u64>,
    /// What the evidence can be read from.
    links: BTreeMap<&'static str, String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference to the field"
)]
fn points<S: Serializer>(points: &Points, to: S) -> Result<S::Ok, S::Error> {
    let halves = points.in_halves();
    if halves % 2 == 0 {
        return to.serialize_i32(halves / 2);
    }
    to.serialize_f64(points.value())
}

impl From<Contribution> for ContributionResponse {
    fn from(part: Contribution) -> Self {
        Self {
            source: part.source.kind(),
            key: part.source.key(),
            label: part.source.label(),
            points: part.points,
            maximum: part.maximum,
            remedy: part.remedy.map(|remedy| RemedyResponse {
                action: remedy.action,
                points_gained: remedy.gives_back,
            }),
        }
    }
}

fn links(id: &str) -> BTreeMap<&'static str, String> {
    let product = format!("/api/v1.0/catalog/products/{id}");
    BTreeMap::from([
        ("checkpoint", "/api/v1/audit/checkpoint".to_owned()),
        (
            "events",
            format!("/api/v1/governance-events?product_id={id}"),
        ),
        ("export", "/api/v1/audit/export".to_owned()),
        (
            "review_requests",
            format!("{product}/ai-governance-review-requests"),
        ),
        (
            "runtime_events",
            format!("{product}/ai-runtime-governance-events"),
        ),
        ("safety_metrics", format!("{product}/safety-metrics")),
        ("training_runs", format!("{product}/training-runs")),
    ])
}

fn render(product: Product, summary: Summary) -> SummaryResponse {
    let id = product.id.to_string();
    let assessment = summary.assessment;
    let items = assessment.completeness.into_iter();
    let drifts = assessment.drift.into_iter();
    let counts = assessment.evidence.into_iter();
    SummaryResponse {
        product_name: product.name,
        product_type: product.product_type.to_string(),
        lifecycle_gate: assessment.lifecycle_gate.as_str(),
        review_status: assessment.review_status.as_str(),
        governance_score: assessment.score,
        score_version: assessment.score_version,
        score_breakdown: assessment.breakdown.into_iter().map(Into::into).collect(),
        completeness: items
            .map(|item| CompletenessResponse {
                key: item.key.as_str(),
                label: item.key.label(),
                complete: item.complete,
                detail: item.detail,
            })
            .collect(),
        drift_indicators: drifts
            .map(|drift| DriftResponse {
                key: drift.key.as_str(),
                label: drift.key.label(),
                severity: drift.severity.as_str(),
                active: drift.active,
                detail: drift.detail,
            })
            .collect(),
        evidence: counts
            .map(|kind| EvidenceResponse {
                key: kind.key,
                label: kind.label,
                count: kind.count,
                status: if kind.count > 0 { "present" } else { "missing" },
            })
            .collect(),
        audit_bundle: AuditBundleResponse {
            log_size: summary.record.log_size,
            root_hash: Hash::from_bytes(summary.record.root).to_string(),
            last_index: summary.record.last_index,
            links: links(&id),
        },
        runtime_event_counts: summary.runtime_event_counts.into_iter().collect(),
        generated_at: summary.as_of,
        as_of: summary.as_of,
        next_change_at: assessment.next_change_at,
        product_id: id,
    }
}

/// Reads the governance summary of a product, judged at this instant or as of another.
#[utoipa::path(
    operation_id = "governance_get_summary", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), AsOfParameter),
    responses(
        (status = 200, description = "The summary", body = SummaryResponse),
        CallerErrors, Missing, Unprocessable
    )
)]
#[get("/catalog/products/{product_id}/ai-governance-summary")]
pub(super) async fn get_summary(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    as_of: AsOf<Governance>,
) -> Result<HttpResponse, Failure<Governance>> {
    let view = as_of.view(&caller, &state).await?;
    let product = product::viewed_in(&caller, &state, &view, &request).await?;
    let organization = caller.context().organization;
    let summary = view
        .governance(&state)
        .summary(organization, product.id, view.at())
        .await
        .map_err(told)?;
    Ok(view.covered(HttpResponse::Ok().json(render(product, summary))))
}
