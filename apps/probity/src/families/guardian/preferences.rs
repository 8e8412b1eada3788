//! What the caller wants to hear of, through which channel, and when not.

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, put};
use probity_alerts::preferences::{QuietInput, clock, offset};
use probity_alerts::{
    ChannelRule, Configured, Preferences, PreferencesInput, QuietHours, RuleInput,
};
use probity_kernel::{FieldError, Patch, ProductId};
use probity_webhooks::EventType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::dto::schema;
use super::{Guardian, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Malformed, Outdated};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::extract::{IfMatch, Json, etag, patch};
use crate::http::failure::Failure;
use crate::state::AppState;

type Answer = Result<HttpResponse, Failure<Guardian>>;

/// What one channel is wanted for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::ChannelRule)]
struct RuleResponse {
    enabled: bool,
    /// From this severity on.
    #[schema(value_type = schema::AlertSeverity)]
    minimum_severity: &'static str,
}

impl From<ChannelRule> for RuleResponse {
    fn from(rule: ChannelRule) -> Self {
        Self {
            enabled: rule.enabled,
            minimum_severity: rule.minimum_severity.as_str(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Channels)]
struct ChannelsResponse {
    in_app: RuleResponse,
    email: RuleResponse,
    slack: RuleResponse,
}

/// A part of the day without disturbance; it may span midnight.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::QuietHours)]
struct QuietResponse {
    #[schema(example = "22:00")]
    start: String,
    #[schema(example = "07:00")]
    end: String,
    #[schema(example = "+02:00")]
    utc_offset: String,
    /// Whether critical alerts come through.
    except_critical: bool,
}

impl From<QuietHours> for QuietResponse {
    fn from(hours: QuietHours) -> Self {
        Self {
            start: clock(hours.start),
            end: clock(hours.end),
            utc_offset: offset(hours.utc_offset),
            except_critical: hours.except_critical,
        }
    }
}

/// What the caller wants to hear of.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::Preferences)]
pub(super) struct PreferencesResponse {
    /// Always true.
    success: bool,
    channels: ChannelsResponse,
    /// Only these kinds of events; all when empty.
    #[schema(example = json!(["guardian.trigger.fired"]))]
    event_types: Vec<String>,
    /// Not about these products.
    #[schema(example = json!(["sys_01h455vb4pex5vsknk084sn02q"]))]
    muted_model_ids: Vec<String>,
    quiet_hours: Option<QuietResponse>,
}

/// What changes for one channel; absent members stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::UpdateChannelRule)]
struct RuleRequest {
    enabled: Option<bool>,
    #[schema(value_type = Option<schema::AlertSeverity>)]
    minimum_severity: Option<String>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::UpdateChannels)]
struct ChannelsRequest {
    in_app: Option<RuleRequest>,
    email: Option<RuleRequest>,
    slack: Option<RuleRequest>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::NewQuietHours)]
struct QuietRequest {
    /// `HH:MM`.
    #[schema(required, nullable = false, example = "22:00")]
    start: Option<String>,
    /// `HH:MM`, another than `start`.
    #[schema(required, nullable = false, example = "07:00")]
    end: Option<String>,
    /// `+HH:MM`, `-HH:MM` or `Z`.
    #[schema(required, nullable = false, example = "+02:00")]
    utc_offset: Option<String>,
    /// Whether critical alerts come through; true when absent.
    except_critical: Option<bool>,
}

/// New preferences; absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schema(as = guardian::UpdatePreferences, example = json!({
    "channels": {"inApp": {"minimumSeverity": "high"}, "email": {"enabled": true}},
    "eventTypes": ["guardian.trigger.fired", "review.requested"],
    "quietHours": {"start": "22:00", "end": "07:00", "utcOffset": "+02:00"}
}))]
pub(super) struct PreferencesRequest {
    channels: Option<ChannelsRequest>,
    /// At most 50 dotted names; all kinds when empty.
    #[schema(max_items = 50)]
    event_types: Option<Vec<String>>,
    /// At most 200 products, as a UUID or in the `sys_` spelling; none when empty.
    #[schema(max_items = 200)]
    muted_model_ids: Option<Vec<String>>,
    /// Null for none.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<QuietRequest>)]
    quiet_hours: Patch<QuietRequest>,
}

fn rule(request: Option<RuleRequest>) -> RuleInput {
    let request = request.unwrap_or_default();
    RuleInput {
        enabled: request.enabled,
        minimum_severity: request.minimum_severity,
    }
}

fn read(request: PreferencesRequest) -> Result<PreferencesInput, Failure<Guardian>> {
    let types = request.event_types;
    let mut faults: Vec<FieldError> = types
        .iter()
        .flatten()
        .enumerate()
        .filter(|(_, text)| text.parse::<EventType>().is_err())
        .map(|(index, _)| {
            let message = "must be a dotted name such as risk_score.changed";
            FieldError::new(format!("/eventTypes/{index}"), "invalid_value", message)
        })
        .take(10)
        .collect();
    let muted = muted(request.muted_model_ids, &mut faults);
    if !faults.is_empty() {
        return Err(Failure::malformed(faults));
    }
    let channels = request.channels.unwrap_or_default();
    let quiet = |hours: QuietRequest| QuietInput {
        start: hours.start,
        end: hours.end,
        utc_offset: hours.utc_offset,
        except_critical: hours.except_critical,
    };
    Ok(PreferencesInput {
        in_app: rule(channels.in_app),
        email: rule(channels.email),
        slack: rule(channels.slack),
        event_types: types,
        muted_products: muted,
        quiet_hours: match request.quiet_hours {
            Patch::Absent => None,
            Patch::Null => Some(None),
            Patch::Value(hours) => Some(Some(quiet(hours))),
        },
    })
}

fn muted(texts: Option<Vec<String>>, faults: &mut Vec<FieldError>) -> Option<Vec<ProductId>> {
    let mut muted = Vec::new();
    for (index, text) in texts?.iter().enumerate() {
        match text.parse() {
            Ok(product) => muted.push(product),
            Err(_) if faults.len() < 20 => faults.push(FieldError::new(
                format!("/mutedModelIds/{index}"),
                "invalid_value",
                "must be a UUID or its `sys_` spelling",
            )),
            Err(_) => {}
        }
    }
    Some(muted)
}

fn render(configured: Configured<Preferences>) -> HttpResponse {
    let Preferences {
        in_app,
        email,
        slack,
        event_types,
        muted_products,
        quiet_hours,
    } = configured.value;
    HttpResponse::Ok()
        .insert_header((ETAG, etag(configured.version)))
        .json(PreferencesResponse {
            success: true,
            channels: ChannelsResponse {
                in_app: in_app.into(),
                email: email.into(),
                slack: slack.into(),
            },
            event_types,
            muted_model_ids: muted_products.into_iter().map(ProductId::type_id).collect(),
            quiet_hours: quiet_hours.map(Into::into),
        })
}

/// Reads the caller's own preferences: those of the user, or of the API key.
#[utoipa::path(
    operation_id = "guardian_get_preferences", tag = TAG, security(("bearer" = [])),
    responses(
        (status = 200, description = "The preferences", body = PreferencesResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors
    )
)]
#[get("/alerts/preferences")]
pub(super) async fn get_preferences(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
) -> Answer {
    Ok(render(state.alerts.preferences(caller.context()).await?))
}

/// Changes the caller's own preferences; whoever may read may say what of.
#[utoipa::path(
    operation_id = "guardian_update_preferences", tag = TAG, security(("bearer" = [])),
    params(("If-Match" = Option<String>, Header, description = "ETag of the version that the change is meant for")),
    request_body = PreferencesRequest,
    responses(
        (status = 200, description = "The preferences as they are now", body = PreferencesResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Malformed, Clash, Outdated
    )
)]
#[put("/alerts/preferences")]
pub(super) async fn put_preferences(
    caller: Caller<Guardian, ReadAccess>,
    state: Data<AppState>,
    expected: IfMatch,
    body: Json<PreferencesRequest, Guardian>,
) -> Answer {
    let (body, _) = body.parse()?;
    let input = read(body)?;
    let demanded = expected.version();
    let changed = state
        .alerts
        .set_preferences(caller.context(), &input, demanded);
    Ok(render(changed.await?))
}
