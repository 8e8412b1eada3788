//! Performance and safety metrics, and their attestation.

use probity_kernel::text::TextRule;
use probity_kernel::{
    Change, Context, FieldError, OrganizationId, ProductId, SafetyMetricId, Version,
};
use serde_json::Value;
use time::OffsetDateTime;

use super::actor_reference;
use super::checker::Checker;
use super::event::{EvidenceEvent, Fact, changes};
use super::repository::{EvidenceChange, EvidenceWrite};
use super::vocabulary::{MetricCategory, MetricStatus, StatusSource};

const NAME: TextRule = TextRule::line(256);
const PROSE: TextRule = TextRule::prose(10_000);

/// A metric as it came in; nothing is checked yet. As a patch, what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricInput {
    /// What it is about; required.
    pub category: Option<String>,
    /// Its name; required.
    pub metric_name: Option<String>,
    /// What was measured.
    pub metric_value: Option<f64>,
    /// The unit of the value.
    pub unit: Option<String>,
    /// Where warning begins.
    pub threshold_warning: Option<f64>,
    /// Where it becomes critical.
    pub threshold_critical: Option<f64>,
    /// What the value means; derived when absent.
    pub status: Option<String>,
    /// The data set it was measured on.
    pub test_dataset: Option<String>,
    /// The version of that data set.
    pub test_dataset_version: Option<String>,
    /// How it was measured.
    pub methodology: Option<String>,
    /// When it was measured.
    pub measured_at: Option<OffsetDateTime>,
    /// The people it is about.
    pub demographic_group: Option<String>,
    /// Where a report is.
    pub external_url: Option<String>,
    /// What people have to say about it.
    pub notes: Option<String>,
}

/// What is known about a metric, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricFields {
    /// What it is about.
    pub category: MetricCategory,
    /// Its name.
    pub metric_name: String,
    /// What was measured.
    pub metric_value: Option<f64>,
    /// The unit of the value.
    pub unit: Option<String>,
    /// Where warning begins.
    pub threshold_warning: Option<f64>,
    /// Where it becomes critical.
    pub threshold_critical: Option<f64>,
    /// What the value means.
    pub status: MetricStatus,
    /// Where the status comes from; one that is derived follows the value and the thresholds.
    pub status_source: StatusSource,
    /// The data set it was measured on.
    pub test_dataset: Option<String>,
    /// The version of that data set.
    pub test_dataset_version: Option<String>,
    /// How it was measured.
    pub methodology: Option<String>,
    /// When it was measured.
    pub measured_at: Option<OffsetDateTime>,
    /// The people it is about.
    pub demographic_group: Option<String>,
    /// Where a report is.
    pub external_url: Option<String>,
    /// What people have to say about it.
    pub notes: Option<String>,
}

/// The status that follows from a value and its two thresholds.
///
/// The order of the thresholds tells which side is worse: where the critical one is above the
/// warning one, higher is worse; where it is below, lower is worse. A threshold is broken beyond
/// it, not at it. Without a value, without both thresholds, or where they are equal nobody can
/// tell: [`MetricStatus::NotAvailable`].
#[must_use]
pub fn derive_status(
    value: Option<f64>,
    warning: Option<f64>,
    critical: Option<f64>,
) -> MetricStatus {
    let (Some(value), Some(warning), Some(critical)) = (value, warning, critical) else {
        return MetricStatus::NotAvailable;
    };
    let (beyond_warning, beyond_critical) = if warning < critical {
        (value > warning, value > critical)
    } else if warning > critical {
        (value < warning, value < critical)
    } else {
        return MetricStatus::NotAvailable;
    };
    if beyond_critical {
        MetricStatus::Critical
    } else if beyond_warning {
        MetricStatus::Warning
    } else {
        MetricStatus::Healthy
    }
}

impl MetricInput {
    /// Checks every field.
    ///
    /// # Errors
    /// Every fault at once: `required`, `unknown_value`, `out_of_range`, `too_short`, `too_long`,
    /// `control_character`, `in_future`, `invalid_value`.
    pub fn parse(self, now: OffsetDateTime) -> Result<MetricFields, Vec<FieldError>> {
        let mut check = Checker::new(now);
        let category = check.required("/category", self.category);
        let category = check.word("/category", category.as_deref());
        let metric_name = check.required("/metric_name", self.metric_name);
        let metric_name = check.text("/metric_name", NAME, metric_name);
        let value = check.number("/metric_value", self.metric_value);
        let warning = check.number("/threshold_warning", self.threshold_warning);
        let critical = check.number("/threshold_critical", self.threshold_critical);
        let given = check.word("/status", self.status.as_deref());
        let fields = MetricFields {
            category: category.unwrap_or(MetricCategory::Accuracy),
            metric_name: metric_name.unwrap_or_default(),
            metric_value: value,
            unit: check.text("/unit", TextRule::line(64), self.unit),
            threshold_warning: warning,
            threshold_critical: critical,
            status: given.unwrap_or_else(|| derive_status(value, warning, critical)),
            status_source: match given {
                Some(_) => StatusSource::Given,
                None => StatusSource::Derived,
            },
            test_dataset: check.text("/test_dataset", NAME, self.test_dataset),
            test_dataset_version: check.text(
                "/test_dataset_version",
                NAME,
                self.test_dataset_version,
            ),
            methodology: check.text("/methodology", PROSE, self.methodology),
            measured_at: check.fact("/measured_at", self.measured_at),
            demographic_group: check.text("/demographic_group", NAME, self.demographic_group),
            external_url: check.web_address("/external_url", self.external_url),
            notes: check.text("/notes", PROSE, self.notes),
        };
        check.done().map(|()| fields)
    }

    /// The input that a patch makes of what is known: what it does not hold stays. A status that
    /// was derived is derived again; one that was given stays until another is given.
    #[must_use]
    pub fn over(self, current: &MetricFields) -> Self {
        let now = Self::from(current.clone());
        Self {
            category: self.category.or(now.category),
            metric_name: self.metric_name.or(now.metric_name),
            metric_value: self.metric_value.or(now.metric_value),
            unit: self.unit.or(now.unit),
            threshold_warning: self.threshold_warning.or(now.threshold_warning),
            threshold_critical: self.threshold_critical.or(now.threshold_critical),
            status: self.status.or(now.status),
            test_dataset: self.test_dataset.or(now.test_dataset),
            test_dataset_version: self.test_dataset_version.or(now.test_dataset_version),
            methodology: self.methodology.or(now.methodology),
            measured_at: self.measured_at.or(now.measured_at),
            demographic_group: self.demographic_group.or(now.demographic_group),
            external_url: self.external_url.or(now.external_url),
            notes: self.notes.or(now.notes),
        }
    }
}

impl From<MetricFields> for MetricInput {
    fn from(fields: MetricFields) -> Self {
        let given = fields.status_source == StatusSource::Given;
        Self {
            category: Some(fields.category.as_str().to_owned()),
            metric_name: Some(fields.metric_name),
            metric_value: fields.metric_value,
            unit: fields.unit,
            threshold_warning: fields.threshold_warning,
            threshold_critical: fields.threshold_critical,
            status: given.then(|| fields.status.as_str().to_owned()),
            test_dataset: fields.test_dataset,
            test_dataset_version: fields.test_dataset_version,
            methodology: fields.methodology,
            measured_at: fields.measured_at,
            demographic_group: fields.demographic_group,
            external_url: fields.external_url,
            notes: fields.notes,
        }
    }
}

impl MetricFields {
    /// Whether both state the same measurement: all but the link to a report and the notes.
    fn states_the_same(&self, other: &Self) -> bool {
        let bare = |fields: &Self| Self {
            external_url: None,
            notes: None,
            ..fields.clone()
        };
        bare(self) == bare(other)
    }
}

/// Somebody's word that a metric is what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// When it was given.
    pub at: OffsetDateTime,
    /// Who gave it, as [`actor_reference`] spells it.
    pub by: String,
}

/// A metric of a product.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetyMetric {
    /// Its id.
    pub id: SafetyMetricId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// Its product.
    pub product: ProductId,
    /// What is known about it.
    pub fields: MetricFields,
    /// Who vouches for it as it stands.
    pub attestation: Option<Attestation>,
    /// When it was recorded.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

impl SafetyMetric {
    /// When the metric counts from: when it was measured, else when it was recorded.
    #[must_use]
    pub fn effective_at(&self) -> OffsetDateTime {
        self.fields.measured_at.unwrap_or(self.created_at)
    }

    /// Whether it says anything: its status is not [`MetricStatus::NotAvailable`].
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.fields.status != MetricStatus::NotAvailable
    }

    /// Records a metric.
    pub fn record(
        ctx: &Context,
        id: SafetyMetricId,
        product: ProductId,
        fields: MetricFields,
    ) -> EvidenceChange {
        let metric = Self {
            id,
            organization: ctx.organization,
            product,
            fields,
            attestation: None,
            created_at: ctx.now,
            updated_at: ctx.now,
            version: Version::FIRST,
        };
        let event = EvidenceEvent::MetricRecorded {
            id,
            product,
            facts: metric.facts(),
            changes: changes(&[], &metric.facts()),
        };
        Change::new(ctx, EvidenceWrite::CreateMetric(Box::new(metric)), event)
    }

    /// Changes what is known; `None` when it is known already. An attestation is about what was
    /// attested: it falls with any change but that of `external_url` and `notes`.
    #[must_use]
    pub fn update(&self, ctx: &Context, fields: MetricFields) -> Option<EvidenceChange> {
        if self.fields == fields {
            return None;
        }
        let stands = self.fields.states_the_same(&fields);
        let next = Self {
            fields,
            attestation: self.attestation.clone().filter(|_| stands),
            ..self.moved(ctx)
        };
        let event = EvidenceEvent::MetricUpdated {
            id: self.id,
            product: self.product,
            facts: next.facts(),
            changes: changes(&self.facts(), &next.facts()),
        };
        Some(Change::new(ctx, self.replaced_by(next), event))
    }

    /// Somebody vouches for the metric as it stands, in place of whoever did before.
    pub fn attest(&self, ctx: &Context) -> EvidenceChange {
        let next = Self {
            attestation: Some(Attestation {
                at: ctx.now,
                by: actor_reference(&ctx.actor),
            }),
            ..self.moved(ctx)
        };
        let event = EvidenceEvent::MetricAttested {
            id: self.id,
            product: self.product,
            facts: next.facts(),
            changes: changes(&self.facts(), &next.facts()),
        };
        Change::new(ctx, self.replaced_by(next), event)
    }

    /// Deletes the metric. Its record stays.
    pub fn delete(&self, ctx: &Context) -> EvidenceChange {
        let event = EvidenceEvent::MetricDeleted {
            id: self.id,
            product: self.product,
            facts: self.facts(),
            changes: changes(&self.facts(), &[]),
        };
        let write = EvidenceWrite::DeleteMetric {
            id: self.id,
            product: self.product,
            expected: self.version,
        };
        Change::new(ctx, write, event)
    }

    fn moved(&self, ctx: &Context) -> Self {
        Self {
            updated_at: ctx.now,
            version: self.version.next(),
            ..self.clone()
        }
    }

    fn replaced_by(&self, next: Self) -> EvidenceWrite {
        EvidenceWrite::UpdateMetric {
            next: Box::new(next),
            expected: self.version,
        }
    }

    /// The fields as the record tells them.
    fn facts(&self) -> Vec<Fact> {
        let fields = &self.fields;
        let optional = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let attested = self.attestation.as_ref();
        vec![
            Fact::new("category", fields.category.as_str()),
            Fact::new("metric_name", fields.metric_name.as_str()),
            Fact::new("metric_value", fields.metric_value),
            Fact::new("unit", optional(&fields.unit)),
            Fact::new("threshold_warning", fields.threshold_warning),
            Fact::new("threshold_critical", fields.threshold_critical),
            Fact::new("status", fields.status.as_str()),
            Fact::new("status_source", fields.status_source.as_str()),
            Fact::new("test_dataset", optional(&fields.test_dataset)),
            Fact::new(
                "test_dataset_version",
                optional(&fields.test_dataset_version),
            ),
            Fact::digest("methodology", fields.methodology.as_deref()),
            Fact::instant("measured_at", fields.measured_at),
            Fact::new("demographic_group", optional(&fields.demographic_group)),
            Fact::new("external_url", optional(&fields.external_url)),
            Fact::digest("notes", fields.notes.as_deref()),
            Fact::instant("attested_at", attested.map(|attested| attested.at)),
            Fact::new("attested_by", attested.map(|attested| attested.by.clone())),
        ]
    }
}
