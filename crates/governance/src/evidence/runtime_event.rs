//! Runtime governance events: what guardrails and people did while the product ran.

use probity_kernel::text::TextRule;
use probity_kernel::{Change, Context, FieldError, OrganizationId, ProductId, RuntimeEventId};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::checker::Checker;
use super::event::EvidenceEvent;
use super::repository::{EvidenceChange, EvidenceWrite};
use super::vocabulary::{RuntimeEventType, RuntimeSeverity, RuntimeStatus};

const SUMMARY: TextRule = TextRule {
    min: 1,
    max: 2000,
    multiline: true,
};
const NAME: TextRule = TextRule::line(256);

/// A runtime event as it came in; nothing is checked yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuntimeEventInput {
    /// What happened; required.
    pub event_type: Option<String>,
    /// How grave it is; required.
    pub severity: Option<String>,
    /// What became of it; `open` when absent.
    pub status: Option<String>,
    /// What happened, in words; required.
    pub summary: Option<String>,
    /// Who tells it.
    pub source: Option<String>,
    /// What it is called there.
    pub external_ref: Option<String>,
    /// Anything else.
    pub event_metadata: Option<Map<String, Value>>,
    /// When it happened; now when absent.
    pub occurred_at: Option<OffsetDateTime>,
}

/// A runtime event of a product. It is a fact and never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct RuntimeEvent {
    /// Its id.
    pub id: RuntimeEventId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// Its product.
    pub product: ProductId,
    /// What happened.
    pub event_type: RuntimeEventType,
    /// How grave it is.
    pub severity: RuntimeSeverity,
    /// What became of it.
    pub status: RuntimeStatus,
    /// What happened, in words.
    pub summary: String,
    /// Who tells it.
    pub source: Option<String>,
    /// What it is called there.
    pub external_ref: Option<String>,
    /// Anything else.
    pub event_metadata: Option<Map<String, Value>>,
    /// When it happened.
    pub occurred_at: OffsetDateTime,
    /// When it was recorded.
    pub created_at: OffsetDateTime,
}

impl RuntimeEvent {
    /// Checks every field.
    ///
    /// # Errors
    /// Every fault at once: `required`, `unknown_value`, `out_of_range`, `too_short`, `too_long`,
    /// `control_character`, `in_future`.
    pub fn parse(
        ctx: &Context,
        id: RuntimeEventId,
        product: ProductId,
        input: RuntimeEventInput,
    ) -> Result<Self, Vec<FieldError>> {
        let mut check = Checker::new(ctx.now);
        let event_type = check.required("/event_type", input.event_type);
        let event_type = check.word("/event_type", event_type.as_deref());
        let severity = check.required("/severity", input.severity);
        let severity = check.word("/severity", severity.as_deref());
        let summary = check.required("/summary", input.summary);
        let event = Self {
            id,
            organization: ctx.organization,
            product,
            event_type: event_type.unwrap_or(RuntimeEventType::GuardrailTrigger),
            severity: severity.unwrap_or(RuntimeSeverity::Info),
            status: check
                .word("/status", input.status.as_deref())
                .unwrap_or(RuntimeStatus::Open),
            summary: check.text("/summary", SUMMARY, summary).unwrap_or_default(),
            source: check.text("/source", NAME, input.source),
            external_ref: check.text("/external_ref", NAME, input.external_ref),
            event_metadata: check.object("/event_metadata", input.event_metadata),
            occurred_at: check
                .fact("/occurred_at", input.occurred_at)
                .unwrap_or(ctx.now),
            created_at: ctx.now,
        };
        check.done().map(|()| event)
    }

    /// When the event counts from: when it happened.
    #[must_use]
    pub const fn effective_at(&self) -> OffsetDateTime {
        self.occurred_at
    }

    /// Records the event.
    pub fn record(self, ctx: &Context) -> EvidenceChange {
        let event = EvidenceEvent::RuntimeRecorded(Box::new(self.clone()));
        Change::new(
            ctx,
            EvidenceWrite::RecordRuntimeEvent(Box::new(self)),
            event,
        )
    }
}
