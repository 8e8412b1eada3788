//! The figures of a snapshot with their origin, and how often chance alone would give them.

use probity_guardian::{Readings, SnapshotDraft};
use probity_stats::{
    ConfusionCells, DRIFT_SCORE_FORMULA, FAIRNESS_SCORE_FORMULA, PsiNull, StatsError, drift_score,
    fairness_score, impact_ratio_false_alarm,
};
use serde_json::{Map, Value, json};

use super::compute::{Evaluation, Gap, ImpactRatio, LargestPsi};
use super::frame::Frame;
use super::response::RecipeResponse;
use crate::families::guardian::sample::Decisions;

/// Most bins and groups whose counts a recipe keeps.
const KEPT_COUNTS: usize = 100;

/// The figures of a snapshot, as far as there are any.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) drift_score: Option<f64>,
    pub(super) fairness_score: Option<f64>,
    pub(super) psi: Option<f64>,
    pub(super) disparate_impact: Option<f64>,
    pub(super) sample_size: u64,
    /// What keeps the drift score from being known.
    pub(super) drift_gap: Option<Gap>,
    /// What keeps the fairness score from being known.
    pub(super) fairness_gap: Option<Gap>,
    /// How each of them came about.
    pub(super) recipe: Value,
}

impl Figures {
    /// Scores what was computed; what the caller brought along fills in for what was not asked for.
    pub(super) fn new(evaluation: &Evaluation, frame: &Frame) -> Result<Self, StatsError> {
        let mut recipe = Map::new();
        let (psi, impact) = (evaluation.psi.as_ref(), evaluation.impact.as_ref());
        let drift = match psi {
            Ok(largest) => {
                let score = drift_score(largest.value)?;
                recipe.insert("driftScore".to_owned(), formula(score.formula, "psi"));
                recipe.insert("psi".to_owned(), psi_recipe(largest));
                Some(score.value)
            }
            Err(_) => given(frame.draft.drift_score, "driftScore", &mut recipe),
        };
        let fairness = match impact {
            Ok(ratio) => {
                let score = fairness_score(ratio.value)?;
                let made = formula(score.formula, "disparateImpact");
                recipe.insert("fairnessScore".to_owned(), made);
                let made = impact_recipe(ratio, evaluation.groups.as_ref());
                recipe.insert("disparateImpact".to_owned(), made);
                Some(score.value)
            }
            Err(_) => given(frame.draft.fairness_score, "fairnessScore", &mut recipe),
        };
        let gap = |score: Option<f64>, gap: Option<&Gap>| score.map_or(gap.cloned(), |_| None);
        Ok(Self {
            drift_gap: gap(drift, psi.err()),
            fairness_gap: gap(fairness, impact.err()),
            drift_score: drift,
            fairness_score: fairness,
            psi: psi.ok().map(|largest| largest.value),
            disparate_impact: impact.ok().map(|ratio| ratio.value),
            sample_size: evaluation.sample_size,
            recipe: Value::Object(recipe),
        })
    }

    /// The figures a verdict is made on; `None` if a score is missing.
    pub(super) fn readings(&self) -> Option<Readings> {
        Some(Readings {
            drift: self.drift_score?,
            fairness: self.fairness_score?,
            psi: self.psi,
            disparate_impact: self.disparate_impact,
        })
    }

    /// The snapshot to record.
    pub(super) fn draft(&self, frame: &Frame) -> SnapshotDraft {
        SnapshotDraft {
            drift_score: self.drift_score,
            fairness_score: self.fairness_score,
            psi: self.psi,
            disparate_impact: self.disparate_impact,
            sample_size: i64::try_from(self.sample_size).ok(),
            recipe: Some(self.recipe.clone()),
            ..frame.draft.clone()
        }
    }
}

fn formula(name: &str, of: &str) -> Value {
    json!({"formula": name, "of": of})
}

fn given(score: Option<f64>, name: &str, recipe: &mut Map<String, Value>) -> Option<f64> {
    let score = score?;
    recipe.insert(name.to_owned(), json!({"source": "caller"}));
    Some(score)
}

/// The name of the formula behind a score, or that the caller brought it along.
pub(super) fn formula_names(figures: &Figures) -> (Option<&'static str>, Option<&'static str>) {
    let name = |score: Option<f64>, computed: bool, formula| match (score, computed) {
        (Some(_), true) => Some(formula),
        (Some(_), false) => Some("caller"),
        (None, _) => None,
    };
    (
        name(
            figures.drift_score,
            figures.psi.is_some(),
            DRIFT_SCORE_FORMULA,
        ),
        name(
            figures.fairness_score,
            figures.disparate_impact.is_some(),
            FAIRNESS_SCORE_FORMULA,
        ),
    )
}

fn psi_recipe(largest: &LargestPsi) -> Value {
    let mut recipe = RecipeResponse::from(&largest.measurement.recipe).to_map();
    recipe.insert("column".to_owned(), json!(largest.column));
    if largest.counts.reference().len() <= KEPT_COUNTS {
        if let Some(edges) = &largest.edges {
            recipe.insert("edges".to_owned(), json!(edges));
        }
        let counts = [
            ("referenceCounts", largest.counts.reference()),
            ("currentCounts", largest.counts.current()),
        ];
        for (name, counts) in counts {
            recipe.insert(name.to_owned(), json!(counts));
        }
    }
    Value::Object(recipe)
}

fn impact_recipe(ratio: &ImpactRatio, groups: Option<&Decisions>) -> Value {
    let mut recipe = RecipeResponse::from(&ratio.measurement.recipe).to_map();
    let groups = groups.map(|decisions| decisions.cells.iter());
    let counts: Map<String, Value> = groups
        .into_iter()
        .flatten()
        .map(|(name, cells)| {
            let counts = json!({"selected": cells.selected(), "rows": cells.rows()});
            (name.to_owned(), counts)
        })
        .take(KEPT_COUNTS + 1)
        .collect();
    if counts.len() <= KEPT_COUNTS {
        recipe.insert("groups".to_owned(), Value::Object(counts));
    }
    Value::Object(recipe)
}

/// What chance alone would do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FalseAlarm {
    pub(super) psi_null_mean: f64,
    pub(super) psi_critical_95: f64,
    pub(super) over_010: f64,
    pub(super) over_020: f64,
}

impl FalseAlarm {
    /// For samples of the size, and as many bins, as those of the column with the largest index.
    pub(super) fn of_psi(largest: &LargestPsi) -> Option<Self> {
        let counts = &largest.counts;
        let bins = u32::try_from(counts.reference().len()).ok()?;
        let null = PsiNull::new(counts.n_reference(), counts.n_current(), bins).ok()?;
        Some(Self {
            psi_null_mean: null.mean(),
            psi_critical_95: null.critical_value(0.05).ok()?,
            over_010: null.exceedance(0.10),
            over_020: null.exceedance(0.20),
        })
    }

    /// How often two groups of the sizes of the least and the most selected one, whose true rates
    /// are the same, would break the four-fifths rule.
    pub(super) fn of_four_fifths(decisions: &Decisions) -> Option<f64> {
        let rate = |cells: &ConfusionCells| cells.selection_rate().unwrap_or_default();
        let groups = || decisions.cells.iter().map(|(_, cells)| cells);
        let least = groups().min_by(|a, b| rate(a).total_cmp(&rate(b)))?;
        let most = groups().max_by(|a, b| rate(a).total_cmp(&rate(b)))?;
        let mut both = *least;
        both.merge(most);
        impact_ratio_false_alarm(rate(&both), least.rows(), most.rows(), 0.8).ok()
    }
}
