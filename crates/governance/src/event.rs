//! What happened in the judgement of products.

use probity_kernel::{
    DomainEvent, OrganizationId, ProductId, Publication, ReviewRequestId, Subject, Trail,
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::posture::Posture;
use crate::review::ReviewRequest;
use crate::settings::{GovernanceSettings, difference};
use crate::vocabulary::{CompletenessKey, DriftKey, DriftSeverity, ReviewState};

/// What an event tells of a review request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewFacts {
    /// The request.
    pub id: ReviewRequestId,
    /// Its product.
    pub product: ProductId,
    /// Where it stands now.
    pub state: ReviewState,
    /// The drifts that it is about.
    pub drift_indicator_keys: Vec<DriftKey>,
}

impl ReviewFacts {
    /// The facts of a request.
    #[must_use]
    pub fn of(request: &ReviewRequest) -> Self {
        Self {
            id: request.id,
            product: request.product,
            state: request.state,
            drift_indicator_keys: request.drift_indicator_keys.clone(),
        }
    }

    fn keys(&self) -> Vec<&'static str> {
        let keys = self.drift_indicator_keys.iter();
        keys.map(|key| key.as_str()).collect()
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum GovernanceEvent {
    /// A review was requested.
    ReviewRequested(ReviewFacts),
    /// A review request was decided.
    ReviewDecided {
        /// The request.
        facts: ReviewFacts,
        /// When the approval expires.
        approval_expires_at: Option<OffsetDateTime>,
        /// When the next review was due, and when it is now.
        next_review_due_at: [Option<OffsetDateTime>; 2],
    },
    /// The score or the review status of a product changed.
    ScoreChanged {
        /// The product.
        product: ProductId,
        /// How it stood.
        before: Box<Posture>,
        /// How it stands.
        after: Box<Posture>,
    },
    /// The settings changed.
    SettingsChanged {
        /// Whose settings they are.
        organization: OrganizationId,
        /// As they were.
        before: Box<GovernanceSettings>,
        /// As they are.
        after: Box<GovernanceSettings>,
    },
}

fn instant(at: Option<OffsetDateTime>) -> Value {
    at.and_then(|at| at.format(&Rfc3339).ok()).into()
}

fn change(before: impl Into<Value>, after: impl Into<Value>) -> Value {
    json!({"before": before.into(), "after": after.into()})
}

/// The keys of a set of completeness items.
fn items(set: u8) -> Vec<&'static str> {
    let held = CompletenessKey::ALL
        .iter()
        .filter(|key| set & key.bit() != 0);
    held.map(|key| key.as_str()).collect()
}

/// The keys of a set of drifts.
fn drifts(set: u8) -> Vec<&'static str> {
    let held = DriftKey::ALL.iter().filter(|key| set & key.bit() != 0);
    held.map(|key| key.as_str()).collect()
}

fn score_changes(before: &Posture, after: &Posture) -> Map<String, Value> {
    let mut changes = Map::new();
    let mut put = |name: &str, before: Value, after: Value| {
        if before != after {
            changes.insert(name.to_owned(), change(before, after));
        }
    };
    put("score", before.score.into(), after.score.into());
    put(
        "review_status",
        before.review_status.as_str().into(),
        after.review_status.as_str().into(),
    );
    put(
        "lifecycle_gate",
        before.lifecycle_gate.as_str().into(),
        after.lifecycle_gate.as_str().into(),
    );
    put(
        "complete",
        items(before.complete).into(),
        items(after.complete).into(),
    );
    put(
        "drift_indicator_keys",
        drifts(before.drift).into(),
        drifts(after.drift).into(),
    );
    changes
}

fn score_reason(before: &Posture, after: &Posture) -> String {
    let mut reason = match before.score.cmp(&after.score) {
        std::cmp::Ordering::Less => {
            format!(
                "The governance score rose from {} to {}.",
                before.score, after.score
            )
        }
        std::cmp::Ordering::Greater => {
            format!(
                "The governance score fell from {} to {}.",
                before.score, after.score
            )
        }
        std::cmp::Ordering::Equal => String::new(),
    };
    if before.review_status != after.review_status {
        if !reason.is_empty() {
            reason.push(' ');
        }
        reason.push_str("The review status changed from ");
        reason.push_str(before.review_status.as_str());
        reason.push_str(" to ");
        reason.push_str(after.review_status.as_str());
        reason.push('.');
    }
    reason
}

impl DomainEvent for GovernanceEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::ReviewRequested(_) => "review.requested",
            Self::ReviewDecided { .. } => "review.decided",
            Self::ScoreChanged { .. } => "risk_score.changed",
            Self::SettingsChanged { .. } => "governance.settings.changed",
        }
    }

    fn subject(&self) -> Subject {
        let (kind, id) = match self {
            Self::ReviewRequested(facts) | Self::ReviewDecided { facts, .. } => {
                ("review_request", facts.id.uuid())
            }
            Self::ScoreChanged { product, .. } => ("product", product.uuid()),
            Self::SettingsChanged { organization, .. } => {
                ("governance_settings", organization.uuid())
            }
        };
        Subject { kind, id }
    }

    /// A decision moves the product's next review besides.
    fn trails(&self) -> Vec<Trail> {
        let product = match self {
            Self::ReviewRequested(facts) | Self::ReviewDecided { facts, .. } => facts.product,
            Self::ScoreChanged { product, .. } => *product,
            Self::SettingsChanged { .. } => {
                return vec![Trail {
                    subject: self.subject(),
                    product: None,
                }];
            }
        };
        let trail = |subject| Trail {
            subject,
            product: Some(product),
        };
        let mut trails = vec![trail(self.subject())];
        if let Self::ReviewDecided {
            next_review_due_at: [before, after],
            ..
        } = self
            && before != after
        {
            trails.push(trail(Subject {
                kind: "product",
                id: product.uuid(),
            }));
        }
        trails
    }

    fn detail(&self) -> Value {
        match self {
            Self::ReviewRequested(facts) => json!({
                "product_id": facts.product.to_string(),
                "status": change(Value::Null, facts.state.as_str()),
                "drift_indicator_keys": change(Value::Null, facts.keys()),
            }),
            Self::ReviewDecided {
                facts,
                approval_expires_at,
                next_review_due_at: [due_before, due_after],
            } => json!({
                "product_id": facts.product.to_string(),
                "status": change(ReviewState::Pending.as_str(), facts.state.as_str()),
                "approval_expires_at": change(Value::Null, instant(*approval_expires_at)),
                "next_review_due_at": change(instant(*due_before), instant(*due_after)),
                "products": [{
                    "id": facts.product.to_string(),
                    "next_review_due_at": change(instant(*due_before), instant(*due_after)),
                }],
            }),
            Self::ScoreChanged {
                product,
                before,
                after,
            } => {
                let mut detail = score_changes(before, after);
                detail.insert("product_id".to_owned(), product.to_string().into());
                detail.insert(
                    "score_version".to_owned(),
                    after.score_version.clone().into(),
                );
                Value::Object(detail)
            }
            Self::SettingsChanged {
                organization,
                before,
                after,
            } => Value::Object(difference(*organization, before, after)),
        }
    }

    fn publications(&self) -> Vec<Publication> {
        let about = |source_table, product, reason: String, payload| Publication {
            event_type: self.name(),
            source_table,
            source_id: self.subject().id,
            product,
            trigger_reason: reason,
            payload,
            score_before: None,
            score_after: None,
        };
        vec![match self {
            Self::ReviewRequested(facts) => about(
                "review_requests",
                Some(facts.product),
                "A governance review was requested for active drift.".to_owned(),
                review_payload(facts),
            ),
            Self::ReviewDecided {
                facts,
                approval_expires_at,
                next_review_due_at: [_, due],
            } => {
                let mut payload = review_payload(facts);
                if let Some(members) = payload.as_object_mut() {
                    members.insert(
                        "approval_expires_at".to_owned(),
                        instant(*approval_expires_at),
                    );
                    members.insert("next_review_due_at".to_owned(), instant(*due));
                }
                let reason = format!("A governance review was {}.", facts.state);
                about("review_requests", Some(facts.product), reason, payload)
            }
            Self::ScoreChanged {
                product,
                before,
                after,
            } => Publication {
                score_before: Some(f64::from(before.score)),
                score_after: Some(f64::from(after.score)),
                ..about(
                    "product_postures",
                    Some(*product),
                    score_reason(before, after),
                    score_payload(*product, before, after),
                )
            },
            Self::SettingsChanged { organization, .. } => about(
                "governance_settings",
                None,
                "The governance settings changed.".to_owned(),
                json!({"organization_id": organization.to_string()}),
            ),
        }]
    }
}

fn review_payload(facts: &ReviewFacts) -> Value {
    json!({
        "id": facts.id.to_string(),
        "product_id": facts.product.to_string(),
        "status": facts.state.as_str(),
        "drift_indicator_keys": facts.keys(),
    })
}

fn score_payload(product: ProductId, before: &Posture, after: &Posture) -> Value {
    json!({
        "product_id": product.to_string(),
        "score": after.score,
        "score_version": after.score_version,
        "review_status": after.review_status.as_str(),
        "review_status_before": before.review_status.as_str(),
        "lifecycle_gate": after.lifecycle_gate.as_str(),
        "missing": items(!after.complete),
        "active_drift": drifts(after.drift),
        "worst_severity": after.worst_severity.map(DriftSeverity::as_str),
        "evaluated_at": instant(Some(after.evaluated_at)),
    })
}
