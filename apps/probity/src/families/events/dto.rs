//! The shapes of governance events.

use probity_webhooks::GovernanceEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use crate::http::instant;

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = events::Event)]
pub(super) struct EventResponse {
    #[schema(example = "evt_01h455vb4pex5vsknk084sn02q")]
    id: String,
    #[schema(example = "risk_score.changed")]
    event_type: String,
    #[schema(example = "product_postures")]
    source_table: String,
    #[schema(example = "sys_01h455vb4pex5vsknk084sn02q")]
    source_id: String,
    /// The product it is about, where it is about one.
    #[schema(example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    product_id: Option<String>,
    /// Why it fired, in words.
    trigger_reason: String,
    /// Facts about what happened, by its type.
    #[schema(value_type = Object)]
    payload: Value,
    score_before: Option<f64>,
    score_after: Option<f64>,
    #[serde(serialize_with = "instant::serialize")]
    created_at: OffsetDateTime,
    /// The index of its leaf in the organisation's record.
    audit_index: u64,
}

impl From<GovernanceEvent> for EventResponse {
    fn from(event: GovernanceEvent) -> Self {
        Self {
            id: event.id.type_id(),
            source_id: event.source_spelling(),
            event_type: event.event_type,
            source_table: event.source_table,
            product_id: event.product.map(|product| product.to_string()),
            trigger_reason: event.trigger_reason,
            payload: event.payload,
            score_before: event.score_before,
            score_after: event.score_after,
            created_at: event.created_at,
            audit_index: event.audit_index,
        }
    }
}

/// Which events are wanted. `event_type` may be repeated.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FilterQuery {
    /// Only those from one source: an id in either spelling.
    pub(super) source_id: Option<String>,
    /// The same for findings.
    pub(super) finding_id: Option<String>,
    /// Only those about one product.
    pub(super) product_id: Option<String>,
    /// Not earlier than this instant (RFC 3339).
    pub(super) from: Option<String>,
    /// Earlier than this instant (RFC 3339).
    pub(super) to: Option<String>,
}

/// Which page is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// 1 to 100, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    pub(super) limit: Option<String>,
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    pub(super) offset: Option<String>,
    /// `next_cursor` of an earlier page. Not together with `offset`.
    pub(super) cursor: Option<String>,
}

/// Where a stream begins and how it is written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FollowQuery {
    /// As the header `Last-Event-ID`, which goes before it, for those who cannot set headers.
    pub(super) last_event_id: Option<String>,
    /// `json` (default) or `cloudevents`.
    pub(super) format: Option<String>,
}

/// One page of events, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = events::EventList)]
pub(super) struct EventListResponse {
    pub(super) events: Vec<EventResponse>,
    /// How many events this page holds.
    pub(super) count: u64,
    pub(super) next_cursor: Option<String>,
}
