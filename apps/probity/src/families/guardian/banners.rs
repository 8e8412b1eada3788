//! Banners: what calls for attention now, whatever it came from.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, web};
use probity_access::SpaceRole;
use probity_alerts::{
    AlertState, BannerFilter, Channel, Deadline, Preferences, Severity, SlaTargets, Source,
    TrackedAlert,
};
use probity_guardian::GuardianError;
use probity_kernel::{AlertId, FieldError, PageRequest};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::dto::schema;
use super::{Guardian, TAG, reach};
use crate::families::problem::{CallerErrors, Malformed};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::cursor;
use crate::http::extract::{Faults, Query, etag};
use crate::http::failure::Failure;
use crate::http::{instant, space};
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Guardian>>;

/// An alert of any source, with the deadlines of its service level.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::TrackedAlert)]
pub(super) struct TrackedResponse {
    #[schema(example = "alrt_01h455vb4pex5vsknk084sn02q")]
    id: String,
    model_id: String,
    #[schema(value_type = schema::AlertSource)]
    source: &'static str,
    /// The id of what it came from: Guardian's alert, the runtime event, the review request, the product.
    source_id: String,
    /// What of it: a metric, a type of runtime event, `review` or `posture`.
    #[schema(example = "drift")]
    subject: String,
    /// What a person reads first.
    #[schema(example = "drift is beyond its red limit")]
    title: String,
    #[schema(value_type = schema::AlertSeverity)]
    severity: &'static str,
    #[schema(value_type = schema::AlertState)]
    state: &'static str,
    #[serde(serialize_with = "instant::serialize")]
    opened_at: OffsetDateTime,
    /// When its clock was started: when it opened, or last became graver.
    #[serde(serialize_with = "instant::serialize")]
    since: OffsetDateTime,
    #[serde(serialize_with = "instant::option::serialize")]
    acknowledged_at: Option<OffsetDateTime>,
    acknowledged_by: Option<String>,
    #[serde(serialize_with = "instant::option::serialize")]
    resolved_at: Option<OffsetDateTime>,
    /// `recovered`, `manual` or `decided`.
    resolution: Option<&'static str>,
    note: Option<String>,
    /// Until when it has to be acknowledged; null where there is no target.
    #[serde(serialize_with = "instant::option::serialize")]
    acknowledge_due_at: Option<OffsetDateTime>,
    /// Until when it has to be resolved; null where there is no target.
    #[serde(serialize_with = "instant::option::serialize")]
    resolve_due_at: Option<OffsetDateTime>,
    /// Which deadlines it has missed by now: `acknowledge`, `resolve`.
    #[schema(value_type = Vec<schema::Deadline>)]
    breached: Vec<&'static str>,
}

impl TrackedResponse {
    fn new(alert: TrackedAlert, targets: &SlaTargets, now: OffsetDateTime) -> Self {
        let recorded = [
            (Deadline::Acknowledge, alert.acknowledge_breached_at),
            (Deadline::Resolve, alert.resolve_breached_at),
        ];
        let lapses = alert.lapses(targets, now);
        let breached = recorded.into_iter().filter(|(deadline, at)| {
            at.is_some() || lapses.iter().any(|lapse| lapse.deadline == *deadline)
        });
        Self {
            breached: breached.map(|(deadline, _)| deadline.as_str()).collect(),
            id: alert.id.type_id(),
            model_id: alert.product.type_id(),
            source: alert.origin.source.as_str(),
            source_id: source_id(&alert),
            title: alert.title(),
            severity: alert.severity.as_str(),
            state: alert.state.as_str(),
            opened_at: alert.opened_at,
            since: alert.since,
            acknowledged_at: alert.acknowledged_at,
            resolved_at: alert.resolved_at,
            resolution: alert.resolution.map(probity_alerts::Resolution::as_str),
            acknowledge_due_at: alert.due(targets, Deadline::Acknowledge),
            resolve_due_at: alert.due(targets, Deadline::Resolve),
            subject: alert.origin.subject,
            acknowledged_by: alert.acknowledged_by,
            note: alert.note,
        }
    }
}

fn source_id(alert: &TrackedAlert) -> String {
    let prefix = match alert.origin.source {
        Source::Metric => AlertId::PREFIX,
        Source::RuntimeEvent => probity_kernel::RuntimeEventId::PREFIX,
        Source::Review => probity_kernel::ReviewRequestId::PREFIX,
        Source::Posture => probity_kernel::ProductId::PREFIX,
    };
    probity_kernel::id::to_type_id(prefix, alert.origin.id)
}

/// Which banners are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListBannersQuery {
    /// This severity or graver; `critical` when absent.
    #[param(value_type = Option<schema::AlertSeverity>)]
    min_severity: Option<String>,
    /// Only of one source.
    #[param(value_type = Option<schema::AlertSource>)]
    source: Option<String>,
    /// Only of one product.
    model_id: Option<String>,
    /// `open` when absent, `resolved`, or `all`.
    state: Option<String>,
    /// `false` when absent: nobody has taken note; `true`, or `all`.
    acknowledged: Option<String>,
    /// `true` to leave out what the caller's own preferences mute at this moment; `false` when absent.
    mine: Option<String>,
    /// 1 to 200, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    offset: Option<String>,
    /// `nextCursor` of an earlier page. Not together with `offset`.
    cursor: Option<String>,
}

/// One page of banners, the newest clock first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::BannerList)]
pub(super) struct BannerListResponse {
    /// Always true.
    success: bool,
    total: u64,
    banners: Vec<TrackedResponse>,
    next_cursor: Option<String>,
}

/// Lists what calls for attention, the newest clock first: critical alerts of every source that are open
/// and that nobody has taken note of, unless something else is asked for. A credential that is confined
/// to spaces sees what is about their products.
#[utoipa::path(
    operation_id = "guardian_list_banners", tag = TAG, security(("bearer" = [])), params(ListBannersQuery),
    responses((status = 200, description = "One page", body = BannerListResponse), CallerErrors, Malformed)
)]
#[get("/alerts/banners")]
pub(super) async fn list_banners(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    query: Query<ListBannersQuery, Guardian>,
) -> Answer<web::Json<BannerListResponse>> {
    let (mut filter, page, mine) = read(&query.parse()?)?;
    filter.spaces = space::seen(&caller, &state).await?;
    let context = caller.context();
    let (organization, now) = (context.organization, context.now);
    let hears = if mine {
        let preferences = state.alerts.preferences(context).await?.value;
        narrow(&mut filter, &preferences, now)
    } else {
        true
    };
    if !hears {
        return Ok(web::Json(BannerListResponse {
            success: true,
            total: 0,
            banners: Vec::new(),
            next_cursor: None,
        }));
    }
    let targets = state.alerts.targets(organization).await?.value;
    let found = state.alerts.list(organization, &filter, &page).await?;
    let shown = found.items.into_iter();
    Ok(web::Json(BannerListResponse {
        success: true,
        total: found.total,
        next_cursor: found.next.map(cursor::write),
        banners: shown
            .map(|alert| TrackedResponse::new(alert, &targets, now))
            .collect(),
    }))
}

fn read(query: &ListBannersQuery) -> Answer<(BannerFilter, PageRequest, bool)> {
    let mut faults = Faults::default();
    let least = faults.optional::<Severity>(
        "minSeverity",
        query.min_severity.as_deref(),
        "low, medium, high or critical",
    );
    let least = least.unwrap_or(Severity::Critical);
    let source = faults.optional::<Source>(
        "source",
        query.source.as_deref(),
        "metric, runtime_event, review or posture",
    );
    let model_id = query.model_id.as_deref();
    let product = model_id.and_then(|text| faults.product("modelId", Some(text)));
    let state = match query.state.as_deref() {
        None => Some(AlertState::Open),
        Some("all") => None,
        text => faults.optional("state", text, "open, resolved or all"),
    };
    let mut flag = |field, text: Option<&str>, expected| match text {
        None | Some("false") => Some(false),
        Some("true") => Some(true),
        Some("all") if field == "acknowledged" => None,
        Some(_) => {
            let fault = FieldError::new(field, "invalid_value", expected);
            faults.note::<(), _>(Err(vec![fault]));
            None
        }
    };
    let acknowledged = flag(
        "acknowledged",
        query.acknowledged.as_deref(),
        "must be true, false or all",
    );
    let mine = flag("mine", query.mine.as_deref(), "must be true or false");
    let limit = faults.number("limit", query.limit.as_deref(), 1..=200, 50);
    let page = faults.page(
        limit,
        "offset",
        query.offset.as_deref(),
        query.cursor.as_deref(),
    );
    faults.done()?;
    let severities = Severity::ALL.iter().copied();
    let filter = BannerFilter {
        severities: severities.filter(|one| *one >= least).collect(),
        sources: source.into_iter().collect(),
        product,
        muted: Vec::new(),
        state,
        acknowledged,
        spaces: None,
    };
    Ok((filter, page, mine.unwrap_or(false)))
}

/// Leaves out what somebody does not want to hear of now; `false` where nothing is left.
fn narrow(filter: &mut BannerFilter, preferences: &Preferences, now: OffsetDateTime) -> bool {
    let asked = |source: &Source| filter.sources.is_empty() || filter.sources.contains(source);
    let sources = Source::ALL.iter().copied().filter(asked);
    let wants = |severity: Severity, source: Source| {
        preferences.wants(Channel::InApp, severity, source.event_type(), now)
    };
    // Whether a kind of event is wanted does not depend on the severity, nor the other way round.
    let gravest = Severity::Critical;
    let sources: Vec<Source> = sources.filter(|source| wants(gravest, *source)).collect();
    let Some(any) = sources.first().copied() else {
        return false;
    };
    filter.severities.retain(|severity| wants(*severity, any));
    filter.sources = sources;
    filter.muted.clone_from(&preferences.muted_products);
    !filter.severities.is_empty()
}

/// An alert of any source, for a caller who is at least this in the space of its product.
pub(super) async fn reached<P>(
    caller: &Caller<Guardian, P>,
    state: &AppState,
    id: AlertId,
    role: SpaceRole,
) -> Answer<TrackedAlert> {
    let organization = caller.principal.organization;
    let alert = state.alerts.alert(organization, id).await?;
    let missing = GuardianError::AlertNotFound;
    reach::found(caller, state, alert.product, role, missing).await?;
    Ok(alert)
}

/// One alert as an answer.
pub(super) async fn answer(
    state: &AppState,
    alert: TrackedAlert,
    now: OffsetDateTime,
) -> Answer<HttpResponse> {
    let targets = state.alerts.targets(alert.organization).await?.value;
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, etag(alert.version)))
        .json(TrackedResponse::new(alert, &targets, now)))
}
