//! What the shapes of evidence share.

use probity_kernel::{FieldError, PageRequest};
use serde::{Deserialize, Serializer};
use time::OffsetDateTime;
use utoipa::IntoParams;

use super::Governance;
use crate::http::extract::Faults;
use crate::http::failure::Failure;

/// Which page of a list with headers is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    skip: Option<String>,
    /// 1 to 200, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `X-Next-Cursor` of an earlier page; survives inserts. Not together with `skip`.
    cursor: Option<String>,
}

impl PageQuery {
    /// The page.
    pub(super) fn page(&self, faults: &mut Faults) -> PageRequest {
        let limit = faults.number("limit", self.limit.as_deref(), 1..=200, 50);
        faults.page(limit, "skip", self.skip.as_deref(), self.cursor.as_deref())
    }

    /// The page, or what is wrong with it.
    pub(super) fn parse(&self) -> Result<PageRequest, Failure<Governance>> {
        let mut faults = Faults::default();
        let page = self.page(&mut faults);
        faults.done()?;
        Ok(page)
    }
}

/// An optional instant, or its fault noted.
pub(super) fn instant(
    faults: &mut Vec<FieldError>,
    field: &str,
    text: Option<&str>,
) -> Option<OffsetDateTime> {
    let parsed = crate::http::instant::parse(field, text?);
    parsed.map_err(|fault| faults.push(fault)).ok()
}

/// For `serialize_with`: a whole number is written as one.
#[expect(
    clippy::ref_option,
    reason = "serde hands over a reference to the field"
)]
pub(super) fn number<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Some(value) = *value else {
        return to.serialize_none();
    };
    if value.fract() == 0.0
        && value.abs() <= EXACT
        && let Ok(whole) = format!("{value:.0}").parse::<i64>()
    {
        return to.serialize_i64(whole);
    }
    to.serialize_f64(value)
}

/// The closed vocabularies, for the document alone.
pub(super) mod schema {
    use utoipa::ToSchema;

    /// What a run did.
    #[derive(ToSchema)]
    #[schema(as = governance::RunType, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum RunType {
        Training,
        FineTuning,
        Evaluation,
        Deployment,
    }

    /// How far a run is.
    #[derive(ToSchema)]
    #[schema(as = governance::RunStatus, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum RunStatus {
        Pending,
        Running,
        Completed,
        Failed,
        Cancelled,
    }

    /// What a metric is about.
    #[derive(ToSchema)]
    #[schema(as = governance::MetricCategory, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum MetricCategory {
        Accuracy,
        Robustness,
        Fairness,
        Cybersecurity,
        Drift,
    }

    /// What a metric's value means.
    #[derive(ToSchema)]
    #[schema(as = governance::MetricStatus, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum MetricStatus {
        Healthy,
        Warning,
        Critical,
        NotAvailable,
    }

    /// Where a metric's status comes from.
    #[derive(ToSchema)]
    #[schema(as = governance::StatusSource, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum StatusSource {
        Given,
        Derived,
    }

    /// What happened at run time.
    #[derive(ToSchema)]
    #[schema(as = governance::RuntimeEventType, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum RuntimeEventType {
        GuardrailTrigger,
        BlockedAction,
        SensitiveDataRedaction,
        HumanEscalation,
        PolicyException,
        IncidentCreated,
    }

    /// How grave a runtime event is.
    #[derive(ToSchema)]
    #[schema(as = governance::RuntimeSeverity, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum RuntimeSeverity {
        Info,
        Low,
        Medium,
        High,
        Critical,
    }

    /// What became of a runtime event.
    #[derive(ToSchema)]
    #[schema(as = governance::RuntimeStatus, rename_all = "snake_case")]
    #[expect(dead_code, reason = "describes texts that the domain parses")]
    pub(crate) enum RuntimeStatus {
        Open,
        Acknowledged,
        Resolved,
    }
}
