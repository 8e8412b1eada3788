//! What is known about a product when it is judged: facts, counts and effective dates.

use time::OffsetDateTime;

use crate::vocabulary::{LifecycleGate, ProductKind};

/// Everything that the judgement of a product looks at. Dates are effective dates: when something
/// was measured, completed or captured, never when it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// What it is.
    pub kind: ProductKind,
    /// The gate of its life.
    pub gate: LifecycleGate,
    /// Whether an accountable owner is set.
    pub has_owner: bool,
    /// Whether its intended use is stated.
    pub has_purpose: bool,
    /// The risk class, once it was decided.
    pub risk_classification: Option<String>,
    /// Its declared data dependencies.
    pub dependencies: Dependencies,
    /// Its training, fine-tuning, evaluation and deployment runs.
    pub runs: Runs,
    /// Its performance and safety metrics.
    pub metrics: Metrics,
    /// How many policies are attached.
    pub policies: u64,
    /// Its risk mitigations.
    pub mitigations: Mitigations,
    /// Its metric snapshots.
    pub snapshots: Snapshots,
    /// Whether a monitoring plan is recorded.
    pub has_monitoring_plan: bool,
    /// Its technical documentation, when there is any.
    pub documentation: Option<Documentation>,
    /// Its reviews.
    pub reviews: Reviews,
    /// When the next review is due.
    pub next_review_due_at: Option<OffsetDateTime>,
    /// How many versions are recorded.
    pub versions: u64,
    /// How many entries of the model inventory it is linked to.
    pub registered_models: u64,
    /// How many runtime events were recorded.
    pub runtime_events: u64,
}

/// The declared data dependencies of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dependencies {
    /// How many.
    pub declared: u64,
    /// Whether somebody declared on purpose that there are none.
    pub declared_none: bool,
    /// When the first of them changed after the newest evaluation; `None` while nothing was evaluated.
    pub changed_since_evaluation: Option<OffsetDateTime>,
}

/// The runs of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Runs {
    /// How many in all.
    pub total: u64,
    /// How many training, fine-tuning and evaluation runs are completed.
    pub completed: u64,
    /// How many of these are evaluation runs.
    pub completed_evaluations: u64,
    /// The run that is deployed.
    pub deployed: Option<DeployedRun>,
}

/// The run that is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeployedRun {
    /// Its effective date, as [`TrainingRun::effective_at`](crate::evidence::TrainingRun) has it.
    pub effective_at: Option<OffsetDateTime>,
}

/// The performance and safety metrics of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Metrics {
    /// How many in all.
    pub total: u64,
    /// How many of them are measured: their status is not `not_available`.
    pub measured: u64,
}

/// The risk mitigations of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mitigations {
    /// How many in all.
    pub total: u64,
    /// How many are open.
    pub open: u64,
    /// The earliest due date of an open one of high severity.
    pub high_due_at: Option<OffsetDateTime>,
    /// The earliest due date of an open one of critical severity.
    pub critical_due_at: Option<OffsetDateTime>,
}

/// The metric snapshots of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Snapshots {
    /// How many.
    pub total: u64,
    /// When the newest was captured.
    pub latest_captured_at: Option<OffsetDateTime>,
}

/// The technical documentation of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Documentation {
    /// When it last changed; of an unknown age it counts as stale.
    pub updated_at: Option<OffsetDateTime>,
}

/// The reviews of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Reviews {
    /// How many were requested.
    pub total: u64,
    /// Whether one is open.
    pub open: bool,
    /// Whether the one that was decided last was approved.
    pub latest_approved: Option<bool>,
    /// The approval that was given last.
    pub approval: Option<Approval>,
}

/// An approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Approval {
    /// When it expires, if ever.
    pub expires_at: Option<OffsetDateTime>,
}

impl Evidence {
    /// What is known about a product of which nothing is known yet.
    #[must_use]
    pub fn nothing(kind: ProductKind, gate: LifecycleGate) -> Self {
        Self {
            kind,
            gate,
            has_owner: false,
            has_purpose: false,
            risk_classification: None,
            dependencies: Dependencies::default(),
            runs: Runs::default(),
            metrics: Metrics::default(),
            policies: 0,
            mitigations: Mitigations::default(),
            snapshots: Snapshots::default(),
            has_monitoring_plan: false,
            documentation: None,
            reviews: Reviews::default(),
            next_review_due_at: None,
            versions: 0,
            registered_models: 0,
            runtime_events: 0,
        }
    }
}
