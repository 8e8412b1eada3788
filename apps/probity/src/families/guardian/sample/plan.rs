//! Which column of a table plays which part.

use probity_kernel::FieldError;
use probity_kernel::text::TextRule;

use super::{MAX_COLUMNS, Missing, pointer, table_fault};

/// How a table is to be read.
#[derive(Debug, Clone)]
pub(in super::super) struct TableOptions {
    /// The column that holds `reference` or `current`.
    pub(in super::super) sample: String,
    /// The columns to compare; every usable one without a part of its own when absent.
    pub(in super::super) columns: Option<Vec<String>>,
    /// Columns whose cells are texts even where they look like numbers.
    pub(in super::super) categorical: Vec<String>,
    /// The true outcome, of the current rows.
    pub(in super::super) label: Option<String>,
    /// The decision, of the current rows.
    pub(in super::super) prediction: Option<String>,
    /// The group, of the current rows.
    pub(in super::super) group: Option<String>,
    /// What to do about empty cells of compared columns.
    pub(in super::super) missing: Missing,
}

/// The parts, by the position of the column in the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) sample: usize,
    pub(super) features: Vec<PlannedFeature>,
    pub(super) decision: Option<PlannedDecision>,
}

/// A column to compare.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlannedFeature {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) is_text: bool,
}

/// The columns of a decision.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlannedDecision {
    pub(super) group: usize,
    pub(super) prediction: usize,
    pub(super) label: Option<usize>,
}

impl TableOptions {
    /// Finds the columns by name. `is_usable` says which ones are compared without being named.
    ///
    /// Unnamed columns, such as the row numbers that data frames write, are never compared unasked.
    pub(super) fn plan(
        &self,
        names: &[String],
        is_usable: impl Fn(usize) -> bool,
    ) -> Result<Plan, Vec<FieldError>> {
        check_names(names)?;
        let mut faults = Vec::new();
        let mut find = |parameter: &'static str, name: &str| {
            let found = names.iter().position(|known| known == name);
            if found.is_none() {
                let message = format!("the table has no column `{name}`");
                faults.push(FieldError::new(parameter, "unknown_column", message));
            }
            found
        };
        let sample = find("sampleColumn", &self.sample);
        let mut optional = |parameter, name: &Option<String>| {
            name.as_deref().and_then(|name| find(parameter, name))
        };
        let label = optional("labelColumn", &self.label);
        let prediction = optional("predictionColumn", &self.prediction);
        let group = optional("groupColumn", &self.group);
        for name in &self.categorical {
            find("categoricalColumns", name);
        }
        let asked = self.columns.as_ref().map(|wanted| {
            let found = wanted.iter().filter_map(|name| find("columns", name));
            found.collect::<Vec<_>>()
        });
        self.require_decision(&mut faults);
        let special = [sample, label, prediction, group];
        let by_default = |at: &usize| {
            let is_named = names.get(*at).is_some_and(|name| !name.is_empty());
            is_named && !special.contains(&Some(*at)) && is_usable(*at)
        };
        let compared = asked.unwrap_or_else(|| (0..names.len()).filter(by_default).collect());
        match sample {
            Some(sample) if faults.is_empty() => Ok(Plan {
                sample,
                features: self.features(names, compared),
                decision: group
                    .zip(prediction)
                    .map(|(group, prediction)| PlannedDecision {
                        group,
                        prediction,
                        label,
                    }),
            }),
            _ => Err(faults),
        }
    }

    fn features(&self, names: &[String], compared: Vec<usize>) -> Vec<PlannedFeature> {
        let planned = compared.into_iter().filter_map(|at| {
            let name = names.get(at)?.clone();
            let is_text = self.categorical.contains(&name);
            Some(PlannedFeature { at, name, is_text })
        });
        planned.collect()
    }

    /// Fairness needs a decision and a group; the label alone is not enough, nor is one of the two.
    fn require_decision(&self, faults: &mut Vec<FieldError>) {
        if self.label.is_none() && self.prediction.is_none() && self.group.is_none() {
            return;
        }
        for (parameter, given) in [
            ("predictionColumn", self.prediction.is_some()),
            ("groupColumn", self.group.is_some()),
        ] {
            if !given {
                let message = "is required for fairness";
                faults.push(FieldError::new(parameter, "required", message));
            }
        }
    }
}

/// Names must be unique and fit to be shown.
fn check_names(names: &[String]) -> Result<(), Vec<FieldError>> {
    if names.len() > MAX_COLUMNS {
        let message = format!("the table must have at most {MAX_COLUMNS} columns");
        return Err(vec![table_fault("too_many_columns", message)]);
    }
    let rule = TextRule {
        min: 0,
        max: 256,
        multiline: false,
    };
    let mut seen = std::collections::HashSet::new();
    for (index, name) in names.iter().enumerate() {
        let field = format!("/{index}");
        rule.check(&field, name).map_err(|fault| vec![fault])?;
        if !name.is_empty() && !seen.insert(name) {
            let message = "is the name of two columns";
            return Err(vec![FieldError::new(pointer(name), "duplicate", message)]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> TableOptions {
        TableOptions {
            sample: "sample".to_owned(),
            columns: None,
            categorical: Vec::new(),
            label: None,
            prediction: None,
            group: None,
            missing: Missing::Refuse,
        }
    }

    fn names(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    fn compared(options: &TableOptions, header: &str) -> Vec<String> {
        let plan = options.plan(&names(header), |_| true).unwrap();
        plan.features.into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn all_columns_without_a_part_of_their_own_are_compared() {
        assert_eq!(compared(&options(), ",a,sample,b"), ["a", "b"]);
        let with_fairness = TableOptions {
            label: Some("y".to_owned()),
            prediction: Some("p".to_owned()),
            group: Some("g".to_owned()),
            ..options()
        };
        assert_eq!(compared(&with_fairness, "a,sample,y,p,g"), ["a"]);
    }

    #[test]
    fn named_columns_are_compared_in_the_order_they_are_named_even_the_group() {
        let named = TableOptions {
            columns: Some(names("g,a")),
            prediction: Some("p".to_owned()),
            group: Some("g".to_owned()),
            ..options()
        };
        assert_eq!(compared(&named, "a,b,sample,p,g"), ["g", "a"]);
    }

    #[test]
    fn what_is_not_there_is_named_with_its_parameter() {
        let wrong = TableOptions {
            columns: Some(names("a,zz")),
            categorical: names("c"),
            group: Some("g".to_owned()),
            ..options()
        };
        let faults = wrong.plan(&names("a,b"), |_| true).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "sampleColumn",
                "groupColumn",
                "categoricalColumns",
                "columns",
                "predictionColumn"
            ]
        );
    }

    #[test]
    fn two_columns_of_one_name_are_refused() {
        let faults = options().plan(&names("a,sample,a"), |_| true).unwrap_err();
        assert_eq!(
            (faults[0].field.as_str(), faults[0].code),
            ("/a", "duplicate")
        );
    }
}
