//! The unit of work as a value.
//!
//! An aggregate's method is pure and returns a [`Change`]: what to write, the event that explains
//! it, and the context in which it happened. A repository takes changes, not rows, so state cannot
//! move without its record.

use serde::{Serialize as _, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::context::Context;
use crate::id::ProductId;

/// A write together with the event that explains it.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a change does nothing until a repository commits it"]
pub struct Change<W, E> {
    context: Context,
    write: W,
    event: E,
}

impl<W, E: DomainEvent> Change<W, E> {
    /// Built by aggregates and by nobody else: there is no write without an event.
    pub fn new(context: &Context, write: W, event: E) -> Self {
        Self {
            context: context.clone(),
            write,
            event,
        }
    }

    /// Who, when, for whom.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// What to write.
    #[must_use]
    pub const fn write(&self) -> &W {
        &self.write
    }

    /// What happened.
    #[must_use]
    pub const fn event(&self) -> &E {
        &self.event
    }

    /// Takes the change apart, for the repository that commits it.
    #[must_use]
    pub fn into_parts(self) -> (Context, W, E) {
        (self.context, self.write, self.event)
    }
}

/// The thing a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The kind, `snake_case`: `registered_model`, `product`, `api_key`, ...
    pub kind: &'static str,
    /// Its id.
    pub id: Uuid,
}

/// The value of a clear argument of a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClearArg {
    /// Text.
    Text(String),
    /// A whole number from -2^53 to 2^53.
    Integer(i64),
}

/// A thing in whose history a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trail {
    /// The thing.
    pub subject: Subject,
    /// The product it belongs to, where it belongs to one.
    pub product: Option<ProductId>,
}

/// What happened, told once: the audit leaf and every governance event come from it.
pub trait DomainEvent {
    /// The dotted name that the leaf carries as its action, e.g. `model.registered`.
    fn name(&self) -> &'static str;

    /// The thing it happened to.
    fn subject(&self) -> Subject;

    /// The things in whose histories it stands: its subject, and what moved with it.
    fn trails(&self) -> Vec<Trail> {
        let subject = self.subject();
        vec![Trail {
            subject,
            product: None,
        }]
    }

    /// The changed fields, each with `before` and `after`. Never a secret, never a request body.
    fn detail(&self) -> Value;

    /// Writes the same detail; events that happen often do so without building a [`Value`] first.
    ///
    /// # Errors
    /// What the serializer refuses.
    fn serialize_detail<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.detail().serialize(serializer)
    }

    /// Arguments that stand in clear in the leaf and can never be erased, so without personal data.
    /// Almost no event has any: what changed belongs into the detail.
    fn clear_args(&self) -> Vec<(&'static str, ClearArg)> {
        Vec::new()
    }

    /// The governance events that it publishes; many changes publish none.
    fn publications(&self) -> Vec<Publication> {
        Vec::new()
    }
}

/// The members of an object that are others than they were, each with `before` and `after`, as a detail tells them. What
/// was not there was null; a member that is there no more is not told.
#[must_use]
pub fn differences(before: &Value, after: &Value) -> Map<String, Value> {
    let members = after.as_object().into_iter().flatten();
    let changed = members.filter_map(|(name, after)| {
        let before = before.get(name).unwrap_or(&Value::Null);
        let sides = json!({"before": before, "after": after});
        (before != after).then(|| (name.clone(), sides))
    });
    changed.collect()
}

/// A governance event before the store gives it an id and its index in the record.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Dotted name: `guardian.trigger.fired`, `model.registered`, ...
    pub event_type: &'static str,
    /// The table that holds the source.
    pub source_table: &'static str,
    /// The source's id.
    pub source_id: Uuid,
    /// The product it is about, where it is about one.
    pub product: Option<ProductId>,
    /// Why it fired, in words a person understands.
    pub trigger_reason: String,
    /// Facts for the receiver; no personal data.
    pub payload: Value,
    /// A score before the change, where there is one.
    pub score_before: Option<f64>,
    /// The score after it.
    pub score_after: Option<f64>,
}
