//! An evaluation as a table in the body and everything else in the query.

use probity_kernel::FieldError;
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::IntoParams;

use super::document;
use super::frame::{Frame, FrameDraft};
use super::settings::{Settings, SettingsDraft};
use crate::families::guardian::sample::TableOptions;

/// How a CSV or Parquet body is to be read; a JSON body says the same itself.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TableQuery {
    /// The product's id, in either spelling.
    model_id: Option<String>,
    /// The column that holds `reference` or `current`; `sample` when absent.
    #[param(default = "sample")]
    sample_column: Option<String>,
    /// The columns to compare, separated by commas; all numeric, boolean and text columns without a
    /// part of their own when absent.
    columns: Option<String>,
    /// Columns whose cells are texts even where they look like numbers, separated by commas.
    categorical_columns: Option<String>,
    /// The columns whose stability index counts for the score, separated by commas; all when absent.
    psi_columns: Option<String>,
    /// The true outcome, 0 or 1; read of current rows only.
    label_column: Option<String>,
    /// The decision, 0 or 1; read of current rows only.
    prediction_column: Option<String>,
    /// The group; read of current rows only.
    group_column: Option<String>,
    /// Bins of numeric columns.
    #[param(value_type = Option<u32>, minimum = 2, maximum = 100, default = 10)]
    bins: Option<String>,
    /// How numeric values become bins.
    #[param(value_type = Option<document::Binning>)]
    binning: Option<String>,
    /// What to do about empty bins in the stability index; `epsilon` when absent.
    #[param(value_type = Option<document::Smoothing>)]
    smoothing: Option<String>,
    /// 0.0001 for `epsilon` and 0.5 for `pseudo_count` when absent.
    #[param(value_type = Option<f64>)]
    smoothing_value: Option<String>,
    /// With fewer rows on either side of a column no drift is estimable.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000_000, default = 30)]
    min_samples: Option<String>,
    /// With fewer rows in any group no fairness is estimable.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000_000, default = 1)]
    min_group_rows: Option<String>,
    /// What to do about empty cells of compared columns; `refuse` when absent.
    #[param(value_type = Option<document::Missing>)]
    missing: Option<String>,
    /// The drift score, where no column is to be compared (`columns` is empty).
    #[param(value_type = Option<f64>, minimum = 0, maximum = 100)]
    drift_score: Option<String>,
    /// The fairness score, where there is no `groupColumn`.
    #[param(value_type = Option<f64>, minimum = 0, maximum = 100)]
    fairness_score: Option<String>,
    /// When the current sample was taken; now when absent.
    #[param(format = DateTime)]
    captured_at: Option<String>,
    /// Free text of at most 2000 characters.
    #[param(max_length = 2000)]
    notes: Option<String>,
    /// Whether to compute only and record nothing.
    #[param(value_type = Option<bool>, default = false)]
    dry_run: Option<String>,
}

/// The query after its judgement.
#[derive(Debug)]
pub(super) struct TablePlan {
    pub(super) frame: Frame,
    pub(super) settings: Settings,
    pub(super) options: TableOptions,
}

impl TableQuery {
    /// Judges every parameter.
    pub(super) fn check(self, now: OffsetDateTime) -> Result<TablePlan, Vec<FieldError>> {
        let columns = self.columns.as_deref().map(list);
        self.check_scores(columns.as_deref())?;
        let settings = SettingsDraft {
            bins: whole("bins", self.bins.as_deref())?,
            binning: self.binning,
            smoothing: self.smoothing,
            smoothing_value: number("smoothingValue", self.smoothing_value.as_deref())?,
            min_samples: whole("minSamples", self.min_samples.as_deref())?,
            min_group_rows: whole("minGroupRows", self.min_group_rows.as_deref())?,
            missing: self.missing,
            psi_columns: self.psi_columns.as_deref().map(list),
        };
        let settings = settings.check(str::to_owned)?;
        let frame = FrameDraft {
            model_id: self.model_id,
            captured_at: self.captured_at,
            notes: self.notes,
            drift_score: number("driftScore", self.drift_score.as_deref())?,
            fairness_score: number("fairnessScore", self.fairness_score.as_deref())?,
            dry_run: flag("dryRun", self.dry_run.as_deref())?,
        };
        let options = TableOptions {
            sample: self.sample_column.unwrap_or_else(|| "sample".to_owned()),
            columns,
            categorical: self
                .categorical_columns
                .as_deref()
                .map(list)
                .unwrap_or_default(),
            label: self.label_column,
            prediction: self.prediction_column,
            group: self.group_column,
            missing: settings.missing,
        };
        Ok(TablePlan {
            frame: frame.check("", now)?,
            settings,
            options,
        })
    }

    fn check_scores(&self, columns: Option<&[String]>) -> Result<(), Vec<FieldError>> {
        let compares = columns.is_none_or(|columns| !columns.is_empty());
        let judges = self.group_column.is_some();
        if !compares && !judges {
            let message = "must name a column where there is no `groupColumn`";
            return Err(vec![FieldError::new("columns", "required", message)]);
        }
        let conflicts = [
            ("driftScore", self.drift_score.is_some() && compares),
            ("fairnessScore", self.fairness_score.is_some() && judges),
        ];
        let faults: Vec<FieldError> = conflicts
            .into_iter()
            .filter(|(_, conflict)| *conflict)
            .map(|(field, _)| {
                let message = "cannot be given together with what it would be computed from";
                FieldError::new(field, "conflicting_parameter", message)
            })
            .collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

/// Names separated by commas; an empty text is none.
fn list(text: &str) -> Vec<String> {
    let names = text.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn whole(field: &str, text: Option<&str>) -> Result<Option<u64>, Vec<FieldError>> {
    let Some(text) = text else { return Ok(None) };
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = if plain { text.parse().ok() } else { None };
    value.map(Some).ok_or_else(|| {
        vec![FieldError::new(
            field,
            "wrong_type",
            "must be a whole number",
        )]
    })
}

fn number(field: &str, text: Option<&str>) -> Result<Option<f64>, Vec<FieldError>> {
    let Some(text) = text else { return Ok(None) };
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
    value.map(Some).ok_or_else(|| {
        vec![FieldError::new(
            field,
            "wrong_type",
            "must be a finite number",
        )]
    })
}

fn flag(field: &str, text: Option<&str>) -> Result<bool, Vec<FieldError>> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(vec![FieldError::new(
            field,
            "wrong_type",
            "must be true or false",
        )]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn check(query: &str) -> Result<TablePlan, String> {
        let query = format!("modelId=00000000-0000-0000-0000-000000000000&{query}");
        let query = actix_web::web::Query::<TableQuery>::from_query(&query).unwrap();
        let checked = query.into_inner().check(datetime!(2026-01-01 00:00 UTC));
        checked.map_err(|faults| faults[0].field.clone())
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let plan = check("columns=a,%20b%20,,c&categoricalColumns=b&psiColumns=a").unwrap();
        assert_eq!(plan.options.columns.unwrap(), ["a", "b", "c"]);
        assert_eq!(plan.options.categorical, ["b"]);
        assert_eq!(plan.settings.psi_columns.unwrap(), ["a"]);
        assert_eq!(plan.options.sample, "sample");
    }

    #[test]
    fn a_score_is_taken_only_where_it_is_not_computed() {
        for (query, fault) in [
            ("fairnessScore=95", None),
            ("driftScore=5", Some("driftScore")),
            (
                "driftScore=5&columns=&groupColumn=g&predictionColumn=p",
                None,
            ),
            (
                "fairnessScore=95&groupColumn=g&predictionColumn=p",
                Some("fairnessScore"),
            ),
            ("columns=", Some("columns")),
        ] {
            assert_eq!(check(query).err().as_deref(), fault, "{query}");
        }
    }

    #[test]
    fn every_parameter_is_judged_by_its_name() {
        for (query, field) in [
            ("bins=ten", "bins"),
            ("bins=1", "bins"),
            ("binning=x", "binning"),
            ("smoothing=x", "smoothing"),
            ("smoothingValue=NaN", "smoothingValue"),
            ("smoothingValue=2", "smoothingValue"),
            ("minSamples=-1", "minSamples"),
            ("minGroupRows=0", "minGroupRows"),
            ("missing=drop", "missing"),
            ("dryRun=yes", "dryRun"),
            ("capturedAt=now", "capturedAt"),
            ("fairnessScore=101", "fairnessScore"),
        ] {
            assert_eq!(check(query).err().as_deref(), Some(field), "{query}");
        }
    }
}
