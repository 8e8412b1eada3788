//! The changes of one thing, read from the details of the record's leaves.
//!
//! A detail is an object. A member with `before` and `after` is a field that changed; `changes` holds
//! more of them. A leaf that moved several things at once tells of each in a list (`alerts`,
//! `created`, `seen`, `replaced`, `products`, `recipients`, `uploads`) whose items carry the thing's `id`.

use std::future::Future;

use probity_kernel::{OrganizationId, Page, PageRequest, ProductId, RepositoryError, Subject};
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// The lists of a detail whose items are changes of things of their own.
const LISTS: [&str; 7] = [
    "alerts",
    "created",
    "products",
    "recipients",
    "replaced",
    "seen",
    "uploads",
];

/// One field that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The field's name, as the record spells it.
    pub field: String,
    /// Its value before; null where there was none.
    pub before: Value,
    /// Its value after; null where there is none.
    pub after: Value,
    /// Whether the record keeps the values; otherwise it only tells that the field changed.
    pub kept: bool,
}

/// One change of a thing.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// The index of its leaf in the organisation's record.
    pub audit_index: u64,
    /// The leaf's action, e.g. `model.updated`.
    pub action: String,
    /// When it happened, in whole milliseconds of UTC.
    pub at: OffsetDateTime,
    /// Who did it, as the record refers to people and programs; `None` when that was erased.
    pub actor: Option<Value>,
    /// The fields that changed, by name; `None` when the detail was erased.
    pub changes: Option<Vec<FieldChange>>,
}

/// Whose history is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The thing.
    pub subject: Subject,
    /// The product it has to belong to, where it belongs to one.
    pub product: Option<ProductId>,
}

/// Histories, as the record holds them.
pub trait HistoryRepository: Send + Sync {
    /// A page of the changes of one thing of an organisation, newest first. The cursor's key is the
    /// index of the leaf. The history of what was deleted stays.
    fn history(
        &self,
        organization: OrganizationId,
        query: &HistoryQuery,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<HistoryEntry>, RepositoryError>> + Send;
}

/// The changes that a detail tells of a thing; `is_target` when the leaf is about the thing itself and
/// not one that moved with it.
#[must_use]
pub fn changes_of(detail: &Value, id: &str, is_target: bool) -> Vec<FieldChange> {
    let Some(members) = detail.as_object() else {
        return Vec::new();
    };
    let own = LISTS.into_iter().find_map(|list| {
        let items = members.get(list)?.as_array()?.iter();
        let mut of_thing = items.filter(|item| item.get("id").and_then(Value::as_str) == Some(id));
        let first = of_thing.next()?;
        // A batch may move the same alert more than once: what counts is where it came from and
        // where it went.
        let mut changes = fields(first);
        for later in of_thing {
            follow(&mut changes, fields(later));
        }
        Some(changes)
    });
    match own {
        Some(changes) => changes,
        None if is_target => fields_of(members),
        None => Vec::new(),
    }
}

fn follow(changes: &mut Vec<FieldChange>, later: Vec<FieldChange>) {
    for change in later {
        match changes.iter_mut().find(|known| known.field == change.field) {
            Some(known) => known.after = change.after,
            None => changes.push(change),
        }
    }
}

fn fields(item: &Value) -> Vec<FieldChange> {
    item.as_object().map(fields_of).unwrap_or_default()
}

fn fields_of(members: &Map<String, Value>) -> Vec<FieldChange> {
    let mut found = Vec::new();
    for (name, value) in members {
        let Some(value) = value.as_object() else {
            continue;
        };
        if name == "changes" {
            found.extend(fields_of(value));
        } else if value.contains_key("before") && value.contains_key("after") {
            let side = |side: &str| value.get(side).cloned().unwrap_or(Value::Null);
            found.push(FieldChange {
                field: name.clone(),
                before: side("before"),
                after: side("after"),
                kept: true,
            });
        } else if value.get("changed").is_some_and(|told| told != false) {
            found.push(FieldChange {
                field: name.clone(),
                before: Value::Null,
                after: Value::Null,
                kept: false,
            });
        }
    }
    // What stands in a detail for orientation alone did not change.
    found.retain(|change| !change.kept || change.before != change.after);
    found.sort_by(|one, other| one.field.cmp(&other.field));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(detail: &Value, id: &str, is_target: bool) -> Vec<(String, Value, Value)> {
        let changes = changes_of(detail, id, is_target).into_iter();
        changes
            .map(|change| (change.field, change.before, change.after))
            .collect()
    }

    #[test]
    fn fields_stand_in_the_detail_or_below_changes() {
        let expected = vec![("name".to_owned(), json!("a"), json!("b"))];
        let flat = json!({"name": {"before": "a", "after": "b"}, "product_id": {"after": "p", "before": "p"}, "metric": "psi"});
        assert_eq!(told(&flat, "x", true), expected);
        let nested = json!({"model_id": "m", "changes": {"name": {"before": "a", "after": "b"}}, "from": "x"});
        assert_eq!(told(&nested, "x", true), expected);
        assert_eq!(told(&nested, "x", false), []);
    }

    #[test]
    fn what_moved_with_others_is_found_by_its_id() {
        let detail = json!({
            "snapshots": [{"id": "s", "status": "RED"}],
            "alerts": [
                {"id": "a", "state": {"before": null, "after": "open"}, "threshold": 1.0},
                {"id": "b", "state": {"before": null, "after": "open"}},
                {"id": "a", "state": {"before": "open", "after": "resolved"}, "value": {"before": 1, "after": 2}},
            ],
        });
        assert_eq!(
            told(&detail, "a", false),
            [
                ("state".to_owned(), Value::Null, json!("resolved")),
                ("value".to_owned(), json!(1), json!(2)),
            ]
        );
        assert_eq!(told(&detail, "c", false), []);
    }

    #[test]
    fn what_the_record_does_not_keep_is_told_as_changed() {
        let detail = json!({"note": {"changed": true}, "email": {"changed": false}});
        let changes = changes_of(&detail, "x", true);
        assert!(matches!(
            changes.as_slice(),
            [FieldChange { kept: false, .. }]
        ));
    }

    #[test]
    fn details_of_other_shapes_tell_nothing() {
        for detail in [
            json!(null),
            json!([]),
            json!("x"),
            json!({"changes": 3, "alerts": {}}),
        ] {
            assert_eq!(told(&detail, "x", true), []);
        }
    }
}
