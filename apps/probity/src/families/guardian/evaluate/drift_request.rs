//! Columns of both samples in a JSON body.

use std::collections::BTreeMap;

use probity_kernel::FieldError;
use probity_kernel::text::pointer_token;
use probity_stats::BinnedPair;
use serde::Deserialize;
use utoipa::ToSchema;

use super::arrays::{ArrayCells, ArrayColumn};
use super::document;
use super::names::{check_name, check_sum};
use crate::families::guardian::sample::{
    Column, ColumnData, MAX_CATEGORIES, Missing, Samples, Sides,
};

/// Columns of both samples, as rows or as counts.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = guardian::EvaluationDrift)]
pub(super) struct DriftRequest {
    /// The sample that sets the expectation, such as the training data.
    pub(super) reference: Option<SideRequest>,
    /// The sample that is compared with it; the same columns.
    pub(super) current: Option<SideRequest>,
    /// Columns that come as counts, by name.
    #[serde(default)]
    pub(super) histograms: BTreeMap<String, HistogramRequest>,
    /// The columns whose stability index counts for the score; all when absent.
    pub(super) psi_columns: Option<Vec<String>>,
    /// Bins of numeric columns; 10 when absent.
    #[schema(minimum = 2, maximum = 100)]
    pub(super) bins: Option<u64>,
    /// `quantile` (quantiles of the reference; the default) or `equal_width` (of its range).
    #[schema(value_type = Option<document::Binning>)]
    pub(super) binning: Option<String>,
    pub(super) smoothing: Option<SmoothingRequest>,
    /// What to do about nulls: `refuse` (the default) or `skip`.
    #[schema(value_type = Option<document::Missing>)]
    pub(super) missing: Option<String>,
}

/// One sample.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = guardian::EvaluationSample)]
pub(super) struct SideRequest {
    /// Arrays of numbers (numeric columns) or of texts and booleans (categorical columns), by name.
    #[schema(value_type = BTreeMap<String, document::ColumnCells>)]
    columns: BTreeMap<String, ArrayColumn>,
}

/// A column as counts of the same bins on both sides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = guardian::EvaluationHistogram)]
pub(super) struct HistogramRequest {
    /// The names of the bins, or their edges in ascending order, one more than there are bins.
    #[schema(value_type = Option<document::BinNames>)]
    bins: Option<BinNames>,
    /// Rows of the reference in each bin.
    reference: Vec<u64>,
    /// Rows of the current sample in each bin.
    current: Vec<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum BinNames {
    Edges(Vec<f64>),
    Names(Vec<String>),
}

/// What to do about empty bins in the stability index.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = guardian::EvaluationSmoothing)]
pub(super) struct SmoothingRequest {
    /// `epsilon` (a proportion of zero becomes the value), `pseudo_count` (every count is raised by
    /// the value), `laplace` (by one), `relative_epsilon`, or `none`.
    #[schema(value_type = Option<document::Smoothing>)]
    pub(super) kind: Option<String>,
    /// 0.0001 for `epsilon` and 0.5 for `pseudo_count` when absent.
    pub(super) value: Option<f64>,
}

pub(super) fn add_rows(
    samples: &mut Samples,
    reference: Option<SideRequest>,
    current: Option<SideRequest>,
    missing: Missing,
) -> Result<(), Vec<FieldError>> {
    let columns = |side: Option<SideRequest>| side.map(|side| side.columns).unwrap_or_default();
    let (reference, mut current) = (columns(reference), columns(current));
    let mut faults = Vec::new();
    for (name, first) in reference {
        let Some(second) = current.remove(&name) else {
            faults.push(one_sided("current", &name));
            continue;
        };
        let at = format!("/drift/reference/columns/{}", pointer_token(&name));
        faults.extend(check_name(&at, &name).err());
        for (side, column) in [("reference", &first), ("current", &second)] {
            if let Some(at) = column.first_null.filter(|_| missing == Missing::Refuse) {
                let field = format!("/drift/{side}/columns/{}/{at}", pointer_token(&name));
                let message = "is null; ask for missing=skip to go on without it";
                faults.push(FieldError::new(field, "missing", message));
            }
        }
        let rows = u64::try_from(second.rows).unwrap_or(u64::MAX);
        samples.current_rows = samples.current_rows.max(rows);
        if let Some(data) = paired(first.cells, second.cells) {
            samples.columns.push(Column { name, data });
        } else {
            let field = format!("/drift/current/columns/{}", pointer_token(&name));
            let message = "must hold cells of the same kind as the reference";
            faults.push(FieldError::new(field, "wrong_type", message));
        }
    }
    faults.extend(current.keys().map(|name| one_sided("reference", name)));
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

fn one_sided(side: &str, name: &str) -> FieldError {
    let field = format!("/drift/{side}/columns/{}", pointer_token(name));
    FieldError::new(field, "required", "is on the other side only")
}

fn paired(reference: ArrayCells, current: ArrayCells) -> Option<ColumnData> {
    use ArrayCells::{None as Nothing, Numbers, Texts};
    Some(match (reference, current) {
        (Nothing, Nothing) => ColumnData::Numbers(Sides::default()),
        (Numbers(reference), Numbers(current)) => ColumnData::Numbers(Sides { reference, current }),
        (Numbers(reference), Nothing) => ColumnData::Numbers(Sides {
            reference,
            current: Vec::new(),
        }),
        (Nothing, Numbers(current)) => ColumnData::Numbers(Sides {
            reference: Vec::new(),
            current,
        }),
        (Texts(reference), Texts(current)) => ColumnData::Categories(Sides { reference, current }),
        (Texts(reference), Nothing) => ColumnData::Categories(Sides {
            reference,
            ..Sides::default()
        }),
        (Nothing, Texts(current)) => ColumnData::Categories(Sides {
            current,
            ..Sides::default()
        }),
        (Numbers(_), Texts(_)) | (Texts(_), Numbers(_)) => return None,
    })
}

pub(super) fn add_histograms(
    samples: &mut Samples,
    histograms: BTreeMap<String, HistogramRequest>,
) -> Result<(), Vec<FieldError>> {
    for (name, histogram) in histograms {
        let at = format!("/drift/histograms/{}", pointer_token(&name));
        check_name(&at, &name).map_err(|fault| vec![fault])?;
        if samples.columns.iter().any(|column| column.name == name) {
            let message = "is given as rows already";
            return Err(vec![FieldError::new(at, "duplicate", message)]);
        }
        let data = histogram
            .paired()
            .map_err(|fault| vec![fault.within(&at)])?;
        if let ColumnData::Counts { pair, .. } = &data {
            samples.current_rows = samples.current_rows.max(pair.n_current());
        }
        samples.columns.push(Column { name, data });
    }
    Ok(())
}

impl HistogramRequest {
    fn paired(self) -> Result<ColumnData, FieldError> {
        check_sum("/reference", &self.reference)?;
        check_sum("/current", &self.current)?;
        let bins = self.reference.len();
        if bins > MAX_CATEGORIES {
            let message = format!("must have at most {MAX_CATEGORIES} bins");
            return Err(FieldError::new("/reference", "too_many_bins", message));
        }
        let ordered = matches!(self.bins, Some(BinNames::Edges(_)));
        let named = match &self.bins {
            None => true,
            Some(BinNames::Names(names)) => names.len() == bins,
            Some(BinNames::Edges(edges)) => {
                edges.len() == bins + 1 && edges.is_sorted_by(|a, b| a < b)
            }
        };
        if !named {
            let message = "must be a name for each bin, or one more ascending edge than bins";
            return Err(FieldError::new("/bins", "wrong_length", message));
        }
        let pair = BinnedPair::new(self.reference, self.current);
        let pair =
            pair.map_err(|error| FieldError::new("/current", "wrong_length", error.to_string()))?;
        Ok(ColumnData::Counts { pair, ordered })
    }
}
