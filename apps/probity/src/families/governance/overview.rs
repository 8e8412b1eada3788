//! The fleet: how all products of an organisation stand, and which stand how.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use probity_governance::overview::BANDS;
use probity_governance::{
    CompletenessKey, DriftKey, DriftSeverity, LifecycleGate, Overview, PostureFilter,
    ProductPosture, ReviewStatus,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::refusal::told;
use super::{Governance, TAG};
use crate::families::problem::{CallerErrors, Missing, Unprocessable};
use crate::http::as_of::{AsOf, AsOfParameter, View};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::bounds::in_order;
use crate::http::extract::{Faults, Query};
use crate::http::failure::Failure;
use crate::http::{instant, organization, paging, space};
use crate::state::AppState;

/// How the products of an organisation stand, those that the caller can see.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::Overview)]
struct OverviewResponse {
    /// The instant as of which it is told.
    #[serde(serialize_with = "instant::serialize")]
    as_of: OffsetDateTime,
    /// How many products are judged.
    products: u64,
    /// Null without products.
    #[schema(example = 71.25)]
    mean_score: Option<f64>,
    by_lifecycle_gate: Vec<CountResponse>,
    by_review_status: Vec<CountResponse>,
    by_worst_severity: Vec<SeverityResponse>,
    score_distribution: Vec<BandResponse>,
    /// In how many products each drift indicator is active.
    active_drift: Vec<DriftCountResponse>,
    /// The products of the lowest score, lowest first.
    worst_products: Vec<PostureResponse>,
    /// How many products of the organisation are still to be judged anew after many dates passed or
    /// the settings changed: their counts are those of their last judgement.
    pending_reassessments: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::Count)]
struct CountResponse {
    #[schema(example = "production")]
    key: &'static str,
    label: &'static str,
    products: u64,
    /// Where these products are listed.
    link: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::SeverityCount)]
struct SeverityResponse {
    /// `critical`, `high`, `medium`, `low`, or `none` without any active drift.
    key: &'static str,
    products: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::ScoreBand)]
struct BandResponse {
    min_score: u8,
    max_score: u8,
    products: u64,
    /// Where these products are listed.
    link: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::DriftCount)]
struct DriftCountResponse {
    #[schema(example = "missing_eval")]
    key: &'static str,
    label: &'static str,
    products: u64,
    /// Where these products are listed.
    link: String,
}

/// How a product stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = governance::ProductPosture)]
pub(super) struct PostureResponse {
    #[schema(example = "550e8400-e29b-41d4-a716-446655440000")]
    product_id: String,
    product_name: String,
    product_type: String,
    space_id: String,
    governance_score: u8,
    score_version: String,
    lifecycle_gate: &'static str,
    review_status: &'static str,
    /// Keys of the items that are not complete.
    missing: Vec<&'static str>,
    /// Keys of the active drift indicators.
    active_drift: Vec<&'static str>,
    worst_severity: Option<&'static str>,
    /// When it was judged; it has stood like this since then at the latest. The instant that was asked for, where it
    /// is one of the past.
    #[serde(serialize_with = "instant::serialize")]
    evaluated_at: OffsetDateTime,
    /// When it will stand otherwise with nobody touching anything.
    #[serde(serialize_with = "instant::option::serialize")]
    next_change_at: Option<OffsetDateTime>,
    /// Where its summary is.
    link: String,
}

impl PostureResponse {
    fn of(found: ProductPosture, view: &View) -> Self {
        let posture = found.posture;
        let summary = format!(
            "/api/v1.0/catalog/products/{}/ai-governance-summary",
            found.product
        );
        Self {
            link: match view.parameter() {
                Some(parameter) => format!("{summary}?{parameter}"),
                None => summary,
            },
            product_id: found.product.to_string(),
            product_name: found.name,
            product_type: found.product_type,
            space_id: found.space.to_string(),
            governance_score: posture.score,
            lifecycle_gate: posture.lifecycle_gate.as_str(),
            review_status: posture.review_status.as_str(),
            missing: posture.missing().map(CompletenessKey::as_str).collect(),
            active_drift: posture.active_drift().map(DriftKey::as_str).collect(),
            worst_severity: posture.worst_severity.map(DriftSeverity::as_str),
            score_version: posture.score_version,
            evaluated_at: posture.evaluated_at,
            next_change_at: posture.next_change_at,
        }
    }
}

/// Divides hundredths without going through anything inexact.
fn mean(hundredths: u64) -> f64 {
    u32::try_from(hundredths).map_or(0.0, f64::from) / 100.0
}

fn render(organization: &str, overview: Overview, view: &View) -> OverviewResponse {
    let base = format!("/api/v1.0/organizations/{organization}/ai-governance-postures");
    let parameter = view.parameter().map(|parameter| format!("&{parameter}"));
    let as_of = parameter.unwrap_or_default();
    let gates = overview.by_gate.into_iter();
    let statuses = overview.by_review_status.into_iter();
    let severities = overview.by_worst_severity.into_iter().rev();
    let drift = overview.drift.into_iter();
    let bands = BANDS.into_iter().zip(overview.bands);
    let worst = overview.worst.into_iter();
    OverviewResponse {
        as_of: overview.as_of,
        products: overview.products,
        mean_score: overview.mean_score_hundredths.map(mean),
        by_lifecycle_gate: gates
            .map(|(gate, products)| CountResponse {
                key: gate.as_str(),
                label: gate.label(),
                products,
                link: format!("{base}?lifecycle_gate={gate}{as_of}"),
            })
            .collect(),
        by_review_status: statuses
            .map(|(status, products)| CountResponse {
                key: status.as_str(),
                label: status.label(),
                products,
                link: format!("{base}?review_status={status}{as_of}"),
            })
            .collect(),
        by_worst_severity: severities
            .map(|(severity, products)| SeverityResponse {
                key: severity.map_or("none", |severity| severity.as_str()),
                products,
            })
            .collect(),
        score_distribution: bands
            .map(|((min_score, max_score), products)| BandResponse {
                min_score,
                max_score,
                products,
                link: format!("{base}?min_score={min_score}&max_score={max_score}{as_of}"),
            })
            .collect(),
        active_drift: drift
            .map(|(key, products)| DriftCountResponse {
                key: key.as_str(),
                label: key.label(),
                products,
                link: format!("{base}?drift_indicator={key}{as_of}"),
            })
            .collect(),
        worst_products: worst
            .map(|product| PostureResponse::of(product, view))
            .collect(),
        pending_reassessments: overview.pending,
    }
}

/// How much is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OverviewQuery {
    /// How many of the worst products, 0 to 100, 10 when absent.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 100, default = 10)]
    worst: Option<String>,
}

/// Reads how the products of the organisation stand, or stood: those of the past are judged anew from what there was,
/// at most 2,000 (422 `past_too_large` beyond).
#[utoipa::path(
    operation_id = "governance_get_overview", tag = TAG, security(("bearer" = [])),
    params(("organization" = String, Path, description = "Slug of the organisation"), OverviewQuery, AsOfParameter),
    responses(
        (status = 200, description = "The overview", body = OverviewResponse),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/organizations/{organization}/ai-governance-overview")]
pub(super) async fn get_overview(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<OverviewQuery, Governance>,
    as_of: AsOf<Governance>,
) -> Result<HttpResponse, Failure<Governance>> {
    organization::own(&caller, &state, &request).await?;
    let mut faults = Faults::default();
    let worst = faults.number("worst", query.parse()?.worst.as_deref(), 0..=100, 10);
    faults.done()?;
    let view = as_of.view(&caller, &state).await?;
    let organization = caller.context().organization;
    let spaces = space::seen(&caller, &state).await?;
    let worst = u32::try_from(worst).unwrap_or_default();
    let overview = view
        .governance(&state)
        .overview(organization, spaces, view.at(), worst)
        .await
        .map_err(told)?;
    let slug = request.match_info().query("organization");
    Ok(view.covered(HttpResponse::Ok().json(render(slug, overview, &view))))
}

/// Which products are wanted; every part that is given has to hold.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PosturesQuery {
    /// Only those in one gate.
    lifecycle_gate: Option<String>,
    /// Only those of one review status.
    review_status: Option<String>,
    /// Only those in which this drift indicator is active.
    drift_indicator: Option<String>,
    /// Only those of at least this score.
    #[param(value_type = Option<u8>, minimum = 0, maximum = 100)]
    min_score: Option<String>,
    /// Only those of at most this score.
    #[param(value_type = Option<u8>, minimum = 0, maximum = 100)]
    max_score: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    skip: Option<String>,
    /// 1 to 100, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<String>,
    /// `X-Next-Cursor` of an earlier page. Not together with `skip`.
    cursor: Option<String>,
}

impl PosturesQuery {
    fn filter(&self, faults: &mut Faults) -> PostureFilter {
        let mut score = |field, text: Option<&str>| {
            let given = text.map(|text| faults.number(field, Some(text), 0..=100, 0));
            given.and_then(|score| u8::try_from(score).ok())
        };
        let min_score = score("min_score", self.min_score.as_deref());
        let max_score = score("max_score", self.max_score.as_deref());
        in_order(faults, ("min_score", min_score), ("max_score", max_score));
        let one_of = |texts: &[&str]| format!("one of {}", texts.join(", "));
        PostureFilter {
            spaces: None,
            lifecycle_gate: faults.optional(
                "lifecycle_gate",
                self.lifecycle_gate.as_deref(),
                &one_of(LifecycleGate::TEXTS),
            ),
            review_status: faults.optional(
                "review_status",
                self.review_status.as_deref(),
                &one_of(ReviewStatus::TEXTS),
            ),
            drift: faults.optional(
                "drift_indicator",
                self.drift_indicator.as_deref(),
                &one_of(DriftKey::TEXTS),
            ),
            min_score,
            max_score,
        }
    }
}

/// Lists how products stand, or stood, lowest score first.
#[utoipa::path(
    operation_id = "governance_list_postures", tag = TAG, security(("bearer" = [])),
    params(("organization" = String, Path, description = "Slug of the organisation"), PosturesQuery, AsOfParameter),
    responses(
        (status = 200, description = "One page", body = Vec<PostureResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; not after a cursor"),
            ("X-Has-More" = bool, description = "Whether there is another page"),
            ("X-Next-Cursor" = String, description = "Where the next page starts")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/organizations/{organization}/ai-governance-postures")]
pub(super) async fn list_postures(
    caller: Caller<Governance, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<PosturesQuery, Governance>,
    as_of: AsOf<Governance>,
) -> Result<HttpResponse, Failure<Governance>> {
    organization::own(&caller, &state, &request).await?;
    let query = query.parse()?;
    let mut faults = Faults::default();
    let mut filter = query.filter(&mut faults);
    let limit = faults.number("limit", query.limit.as_deref(), 1..=100, 50);
    let (skip, cursor) = (query.skip.as_deref(), query.cursor.as_deref());
    let page = faults.page(limit, "skip", skip, cursor);
    faults.done()?;
    filter.spaces = space::seen(&caller, &state).await?;
    let view = as_of.view(&caller, &state).await?;
    let (governance, organization) = (view.governance(&state), caller.context().organization);
    let found = governance.postures(organization, &filter, view.at(), &page);
    let found = found.await.map_err(told)?;
    let shown = found.map(|product| PostureResponse::of(product, &view));
    Ok(view.covered(paging::array(&page, &shown)))
}
