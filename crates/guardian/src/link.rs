//! Risk metric links: the custom limits of one product.

use probity_kernel::{
    Change, Context, FieldError, OrganizationId, ProductId, RiskMetricLinkId, Version,
};
use time::OffsetDateTime;

use crate::event::GuardianEvent;
use crate::metric::{Direction, MetricKind};
use crate::repository::{GuardianChange, GuardianWrite};
use crate::threshold::{Threshold, Thresholds};
use crate::value::in_range;

/// A change of a risk metric link.
pub type LinkChange = GuardianChange;

/// The limits of one metric as they came in.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ThresholdDraft {
    /// `amber`; required.
    pub amber: Option<f64>,
    /// `red`; required.
    pub red: Option<f64>,
}

impl From<Threshold> for ThresholdDraft {
    fn from(threshold: Threshold) -> Self {
        Self {
            amber: Some(threshold.amber),
            red: Some(threshold.red),
        }
    }
}

/// Custom limits as they came in, or as a store holds them. `None` keeps the default.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OverridesDraft {
    /// Limits of the drift score.
    pub drift: Option<ThresholdDraft>,
    /// Limits of the fairness score.
    pub fairness: Option<ThresholdDraft>,
    /// Limits of the population stability index.
    pub psi: Option<ThresholdDraft>,
    /// Limits of disparate impact.
    pub disparate_impact: Option<ThresholdDraft>,
}

/// Custom limits that hold together: at least one metric, every limit in the metric's range, amber
/// strictly before red in the metric's direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdOverrides {
    drift: Option<Threshold>,
    fairness: Option<Threshold>,
    psi: Option<Threshold>,
    disparate_impact: Option<Threshold>,
}

impl OverridesDraft {
    /// Judges every limit; JSON Pointers begin with `pointer_prefix`, e.g. `/thresholds`.
    ///
    /// # Errors
    /// One [`FieldError`] per fault: `required` (nothing is overridden, or one of the two limits
    /// is missing), `out_of_range`, and `out_of_order` on the metric itself.
    pub fn parse(self, pointer_prefix: &str) -> Result<ThresholdOverrides, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut part = |kind: MetricKind, draft: Option<ThresholdDraft>| {
            let found = draft.map(|draft| threshold(kind, draft));
            found.and_then(|parsed| parsed.map_err(|found| faults.extend(found)).ok())
        };
        let overrides = ThresholdOverrides {
            drift: part(MetricKind::Drift, self.drift),
            fairness: part(MetricKind::Fairness, self.fairness),
            psi: part(MetricKind::Psi, self.psi),
            disparate_impact: part(MetricKind::DisparateImpact, self.disparate_impact),
        };
        if faults.is_empty() && self == Self::default() {
            let message = "must override at least one metric";
            faults.push(FieldError::new("", "required", message));
        }
        if faults.is_empty() {
            return Ok(overrides);
        }
        let faults = faults.into_iter();
        Err(faults.map(|fault| fault.within(pointer_prefix)).collect())
    }
}

/// The two limits of one metric, in range and in order.
fn threshold(kind: MetricKind, draft: ThresholdDraft) -> Result<Threshold, Vec<FieldError>> {
    let limit = |name: &str, value: Option<f64>| {
        let field = format!("/{kind}/{name}");
        match value {
            Some(value) => in_range(kind, &field, value),
            None => Err(FieldError::new(field, "required", "is required")),
        }
    };
    let (amber, red) = match (limit("amber", draft.amber), limit("red", draft.red)) {
        (Ok(amber), Ok(red)) => (amber, red),
        (amber, red) => return Err(amber.err().into_iter().chain(red.err()).collect()),
    };
    let (ordered, message) = match kind.direction() {
        Direction::HigherIsWorse => (amber < red, "amber must be below red"),
        Direction::LowerIsWorse => (amber > red, "amber must be above red"),
    };
    if ordered {
        return Ok(Threshold { amber, red });
    }
    let field = format!("/{kind}");
    Err(vec![FieldError::new(field, "out_of_order", message)])
}

impl ThresholdOverrides {
    /// The custom limits of one metric.
    #[must_use]
    pub const fn get(&self, kind: MetricKind) -> Option<Threshold> {
        match kind {
            MetricKind::Drift => self.drift,
            MetricKind::Fairness => self.fairness,
            MetricKind::Psi => self.psi,
            MetricKind::DisparateImpact => self.disparate_impact,
        }
    }

    /// The defaults with these limits over them.
    #[must_use]
    pub fn effective(&self) -> Thresholds {
        let defaults = Thresholds::GLOBAL_DEFAULTS;
        Thresholds {
            drift: self.drift.unwrap_or(defaults.drift),
            fairness: self.fairness.unwrap_or(defaults.fairness),
            psi: self.psi.unwrap_or(defaults.psi),
            disparate_impact: self.disparate_impact.unwrap_or(defaults.disparate_impact),
        }
    }
}

/// The custom limits of one product; a product has at most one link. Limits apply from the next
/// snapshot on: stored verdicts and open alerts stay as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskMetricLink {
    /// Its id.
    pub id: RiskMetricLinkId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The product whose limits it sets.
    pub product: ProductId,
    /// The limits.
    pub overrides: ThresholdOverrides,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

impl RiskMetricLink {
    /// Gives a product limits of its own.
    pub fn create(
        ctx: &Context,
        id: RiskMetricLinkId,
        product: ProductId,
        overrides: ThresholdOverrides,
    ) -> LinkChange {
        let link = Self {
            id,
            organization: ctx.organization,
            product,
            overrides,
            created_at: ctx.now,
            updated_at: ctx.now,
            version: Version::FIRST,
        };
        let event = GuardianEvent::LinkCreated {
            id,
            product,
            after: overrides,
        };
        Change::new(ctx, GuardianWrite::CreateLink(link), event)
    }

    /// Replaces the limits; `None` when they are the same already.
    #[must_use]
    pub fn update(&self, ctx: &Context, overrides: ThresholdOverrides) -> Option<LinkChange> {
        if self.overrides == overrides {
            return None;
        }
        let next = Self {
            overrides,
            updated_at: ctx.now,
            version: self.version.next(),
            ..self.clone()
        };
        let event = GuardianEvent::LinkUpdated {
            id: self.id,
            product: self.product,
            before: self.overrides,
            after: overrides,
        };
        let write = GuardianWrite::UpdateLink {
            next,
            expected: self.version,
        };
        Some(Change::new(ctx, write, event))
    }

    /// Takes the product back to the defaults.
    pub fn delete(&self, ctx: &Context) -> LinkChange {
        let event = GuardianEvent::LinkDeleted {
            id: self.id,
            product: self.product,
            before: self.overrides,
        };
        let write = GuardianWrite::DeleteLink {
            id: self.id,
            product: self.product,
            expected: self.version,
        };
        Change::new(ctx, write, event)
    }
}

#[cfg(test)]
mod tests;
