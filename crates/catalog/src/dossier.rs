//! What a product's record holds for its governance, beside the record of its model.

use std::collections::BTreeMap;

use probity_kernel::text::TextRule;
use probity_kernel::{FieldError, Patch};
use serde_json::Value;
use time::OffsetDateTime;

use crate::card::ModelCardMetadata;
use crate::taxonomy::DocumentationSection;

/// The longest section of technical documentation, in characters.
pub const LONGEST_SECTION: usize = 100_000;

/// The technical documentation (Annex IV of the EU AI Act) by section.
pub type TechnicalDocumentation = BTreeMap<DocumentationSection, String>;

/// Who answers for a product, how it is watched, what is documented about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dossier {
    /// The accountable owner: a user or a team.
    pub owner: Option<String>,
    /// How it is to be monitored.
    pub monitoring_plan: Option<String>,
    /// Whether somebody declared on purpose that it depends on no data.
    pub no_data_dependencies: bool,
    /// When its next review is due.
    pub next_review_due_at: Option<OffsetDateTime>,
    /// Its technical documentation.
    pub technical_documentation: TechnicalDocumentation,
    /// When a section last changed.
    pub documentation_updated_at: Option<OffsetDateTime>,
    /// What its model card says beyond these fields.
    pub model_card: ModelCardMetadata,
}

/// Changes to a dossier as they came in, not yet judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DossierInput {
    /// Up to 200 characters on one line.
    pub owner: Patch<String>,
    /// Up to 20000 characters.
    pub monitoring_plan: Patch<String>,
    /// `false` when null.
    pub no_data_dependencies: Patch<bool>,
    /// An instant.
    pub next_review_due_at: Patch<OffsetDateTime>,
    /// Sections by name; null removes one, the others stay.
    pub technical_documentation: Patch<BTreeMap<String, Option<String>>>,
    /// The front matter of a model card, which replaces the one that is there.
    pub model_card: Patch<Value>,
}

impl DossierInput {
    /// The dossier after the changes; faults are added to those of the other fields. Sections are
    /// merged one by one, and their date moves when one of them becomes another.
    pub(crate) fn over(
        self,
        before: &Dossier,
        now: OffsetDateTime,
        faults: &mut Vec<FieldError>,
    ) -> Dossier {
        let mut text = |field: &str, rule: TextRule, patch: Patch<String>| {
            if let Patch::Value(value) = &patch {
                faults.extend(rule.check(field, value).err());
            }
            patch
        };
        let owner = text("/owner", TextRule::line(200), self.owner);
        let plan = text(
            "/monitoring_plan",
            TextRule::prose(20_000),
            self.monitoring_plan,
        );
        let documentation = merged(
            &before.technical_documentation,
            self.technical_documentation,
            faults,
        );
        let card = match self.model_card.try_map(ModelCardMetadata::parse) {
            Ok(card) => card,
            Err(more) => {
                faults.extend(more);
                Patch::Absent
            }
        };
        let rewritten = documentation != before.technical_documentation;
        Dossier {
            owner: owner.over(before.owner.clone()),
            monitoring_plan: plan.over(before.monitoring_plan.clone()),
            no_data_dependencies: self
                .no_data_dependencies
                .over(Some(before.no_data_dependencies))
                .unwrap_or(false),
            next_review_due_at: self.next_review_due_at.over(before.next_review_due_at),
            technical_documentation: documentation,
            documentation_updated_at: if rewritten {
                Some(now)
            } else {
                before.documentation_updated_at
            },
            model_card: card
                .over(Some(before.model_card.clone()))
                .unwrap_or_default(),
        }
    }
}

fn merged(
    before: &TechnicalDocumentation,
    patch: Patch<BTreeMap<String, Option<String>>>,
    faults: &mut Vec<FieldError>,
) -> TechnicalDocumentation {
    let sections = match patch {
        Patch::Absent => return before.clone(),
        Patch::Null => return TechnicalDocumentation::new(),
        Patch::Value(sections) => sections,
    };
    let mut after = before.clone();
    for (name, text) in sections {
        let field = format!("/ai_details/technical_documentation/{name}");
        match (name.parse::<DocumentationSection>(), text) {
            (Err(fault), _) => {
                faults.push(FieldError::new(field, "unknown_value", fault.to_string()));
            }
            (Ok(section), None) => {
                after.remove(&section);
            }
            (Ok(section), Some(text)) => {
                let rule = TextRule {
                    min: 1,
                    ..TextRule::prose(LONGEST_SECTION)
                };
                faults.extend(rule.check(&field, &text).err());
                after.insert(section, text);
            }
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);

    fn sections(pairs: &[(&str, Option<&str>)]) -> DossierInput {
        let pairs = pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.map(str::to_owned)));
        DossierInput {
            technical_documentation: Patch::Value(pairs.collect()),
            ..DossierInput::default()
        }
    }

    fn applied(before: &Dossier, input: DossierInput) -> (Dossier, Vec<FieldError>) {
        let mut faults = Vec::new();
        let after = input.over(before, NOW, &mut faults);
        (after, faults)
    }

    #[test]
    fn sections_are_merged_and_date_the_documentation() {
        let two = sections(&[
            ("general_description", Some("a")),
            ("change_log", Some("b")),
        ]);
        let (first, faults) = applied(&Dossier::default(), two);
        assert_eq!((faults.len(), first.technical_documentation.len()), (0, 2));
        assert_eq!(first.documentation_updated_at, Some(NOW));
        let old = Dossier {
            documentation_updated_at: Some(NOW - time::Duration::days(9)),
            ..first
        };
        let (same, _) = applied(&old, sections(&[("change_log", Some("b"))]));
        assert_eq!(same, old, "what says the same is no change");
        let (less, _) = applied(&old, sections(&[("change_log", None)]));
        assert_eq!(less.technical_documentation.len(), 1);
        assert_eq!(less.documentation_updated_at, Some(NOW));
    }

    #[test]
    fn sections_are_those_that_are_known_and_say_something() {
        let input = sections(&[("preface", Some("x")), ("risk_management", Some(" "))]);
        let (_, faults) = applied(&Dossier::default(), input);
        let told: Vec<_> = faults
            .iter()
            .map(|one| (one.field.as_str(), one.code))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "/ai_details/technical_documentation/preface",
                    "unknown_value"
                ),
                (
                    "/ai_details/technical_documentation/risk_management",
                    "too_short"
                ),
            ]
        );
        assert!(faults.iter().any(|one| one.message.contains("change_log")));
    }

    #[test]
    fn null_clears_and_absence_keeps() {
        let before = Dossier {
            owner: Some("team".to_owned()),
            no_data_dependencies: true,
            next_review_due_at: Some(NOW),
            ..Dossier::default()
        };
        assert_eq!(applied(&before, DossierInput::default()).0, before);
        let cleared = DossierInput {
            owner: Patch::Null,
            no_data_dependencies: Patch::Null,
            next_review_due_at: Patch::Null,
            ..DossierInput::default()
        };
        assert_eq!(applied(&before, cleared).0, Dossier::default());
    }
}
