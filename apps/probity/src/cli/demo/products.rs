//! The twelve products of the sample bank, and how each of them fared over the year.

use probity_catalog::{DossierInput, ProductInput};
use probity_kernel::Patch;

use super::files::File;

/// How a product's figures moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Quiet all year.
    Steady,
    /// Drifts a little each week and is over the line by now.
    Drifting,
    /// Was hit once, was repaired, and recovered.
    ShockAndRecovery,
    /// Treats groups less and less alike.
    LosingFairness,
    /// Swings with the seasons, in and out of bounds.
    Seasonal,
    /// Monitored closely under limits of its own.
    Strict,
    /// Went live two months ago.
    Recent,
    /// Nobody has sent figures for months.
    Silent,
    /// Not monitored at all.
    Unmonitored,
}

/// One product of the story.
pub(super) struct Sample {
    pub(super) space: &'static str,
    pub(super) name: &'static str,
    pub(super) course: Course,
    product_type: &'static str,
    risk: Option<&'static str>,
    stage: &'static str,
    status: &'static str,
    family: &'static str,
    task: &'static str,
    use_case: &'static str,
}

/// The spaces: slug and name.
pub(super) const SPACES: [(&str, &str); 3] = [
    ("retail-risk", "Retail risk"),
    ("financial-crime", "Financial crime"),
    ("customer-service", "Customer service"),
];

const fn sample(
    space: &'static str,
    name: &'static str,
    course: Course,
    [product_type, stage, status, family, task]: [&'static str; 5],
    risk: Option<&'static str>,
    use_case: &'static str,
) -> Sample {
    Sample {
        space,
        name,
        course,
        product_type,
        risk,
        stage,
        status,
        family,
        task,
        use_case,
    }
}

/// The products.
pub(super) const PRODUCTS: [Sample; 12] = [
    sample(
        "retail-risk",
        "Consumer credit scorecard",
        Course::Drifting,
        [
            "ML Model",
            "production",
            "production",
            "traditional_ml",
            "classification",
        ],
        Some("high"),
        "Approves or refers consumer loans up to 50 000.",
    ),
    sample(
        "retail-risk",
        "Mortgage valuation",
        Course::Seasonal,
        [
            "ML Model",
            "production",
            "production",
            "traditional_ml",
            "regression",
        ],
        Some("high"),
        "Values residential property for lending decisions.",
    ),
    sample(
        "retail-risk",
        "Small business limits",
        Course::Strict,
        [
            "ML Model",
            "production",
            "production",
            "traditional_ml",
            "regression",
        ],
        Some("high"),
        "Proposes overdraft limits for small businesses.",
    ),
    sample(
        "retail-risk",
        "Collections contact strategy",
        Course::LosingFairness,
        [
            "ML Model",
            "production",
            "production",
            "traditional_ml",
            "ranking",
        ],
        Some("limited"),
        "Orders overdue accounts for the collections desk.",
    ),
    sample(
        "retail-risk",
        "Deposit outflow forecast",
        Course::Silent,
        [
            "ML Model",
            "production",
            "production",
            "traditional_ml",
            "forecasting",
        ],
        Some("minimal"),
        "Forecasts daily deposit outflows for treasury.",
    ),
    sample(
        "financial-crime",
        "Card fraud detection",
        Course::ShockAndRecovery,
        [
            "ML Model",
            "production",
            "production",
            "traditional_ml",
            "anomaly_detection",
        ],
        Some("high"),
        "Blocks card payments that look stolen.",
    ),
    sample(
        "financial-crime",
        "Transaction monitoring triage",
        Course::Steady,
        [
            "AI System",
            "monitoring",
            "production",
            "traditional_ml",
            "classification",
        ],
        Some("high"),
        "Orders money laundering alerts for investigators.",
    ),
    sample(
        "financial-crime",
        "Identity document reader",
        Course::Recent,
        [
            "ML Model",
            "deployment",
            "production",
            "foundation_model",
            "classification",
        ],
        Some("limited"),
        "Reads and checks identity documents at onboarding.",
    ),
    sample(
        "customer-service",
        "Service chat assistant",
        Course::Seasonal,
        ["AI App", "production", "production", "genai", "llm"],
        Some("limited"),
        "Answers everyday questions of customers in chat.",
    ),
    sample(
        "customer-service",
        "Complaint summaries",
        Course::Steady,
        ["AI App", "production", "production", "genai", "llm"],
        Some("minimal"),
        "Summarises complaints for case handlers.",
    ),
    sample(
        "customer-service",
        "Refund agent",
        Course::Unmonitored,
        ["LLM Agent", "development", "development", "agent", "agent"],
        None,
        "Settles small refunds by itself within limits.",
    ),
    sample(
        "customer-service",
        "Branch queue forecast",
        Course::Silent,
        [
            "ML Model",
            "retired",
            "retired",
            "traditional_ml",
            "forecasting",
        ],
        Some("minimal"),
        "Forecast waiting times in branches.",
    ),
];

impl Sample {
    /// Whether it is in service.
    pub(super) fn is_live(&self) -> bool {
        self.status == "production"
    }

    /// Whether it is made by training, and not of a model that others made.
    pub(super) fn is_trained(&self) -> bool {
        matches!(self.product_type, "ML Model" | "AI System")
    }

    /// The record to create.
    pub(super) fn input(&self, file: &File) -> ProductInput {
        let text = |text: &str| Some(text.to_owned());
        let given =
            |text: Option<&str>| text.map_or(Patch::Absent, |text| Patch::Value(text.to_owned()));
        ProductInput {
            dossier: DossierInput {
                owner: given(file.owner),
                monitoring_plan: given(file.monitoring_plan),
                ..DossierInput::default()
            },
            name: text(self.name),
            description: text(self.use_case),
            product_type: text(self.product_type),
            risk_classification: self.risk.map(str::to_owned),
            lifecycle_stage: text(self.stage),
            deployment_status: text(self.status),
            model_family: text(self.family),
            model_task_type: text(self.task),
            intended_use: text(self.use_case),
            environment: text(self.status),
            ..ProductInput::default()
        }
    }
}

/// The figures of one day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figures {
    pub(super) drift: f64,
    pub(super) fairness: f64,
    pub(super) psi: f64,
    pub(super) impact: f64,
}

impl Course {
    /// The figures of a day of the year, 0 to 364, or none where nothing was sent. `noise` is
    /// between -1 and 1.
    pub(super) fn figures(self, day: f64, noise: f64) -> Option<Figures> {
        let season = (day / 365.0 * std::f64::consts::TAU * 2.0).sin();
        let (drift, fairness) = match self {
            Self::Steady => (12.0, 96.0),
            Self::Drifting => (10.0 + day / 365.0 * 64.0, 94.0),
            Self::ShockAndRecovery if (200.0..230.0).contains(&day) => (78.0, 91.5),
            Self::ShockAndRecovery => (18.0, 95.0),
            Self::LosingFairness => (20.0, 97.0 - day / 365.0 * 14.0),
            Self::Seasonal => (38.0 + 17.0 * season, 93.0),
            Self::Strict => (22.0 + 6.0 * season, 95.5),
            Self::Recent if day >= 300.0 => (25.0, 92.5),
            Self::Silent if day < 210.0 => (15.0, 95.0),
            Self::Recent | Self::Silent | Self::Unmonitored => return None,
        };
        let drift = (drift + 2.0 * noise).clamp(0.0, 100.0);
        let fairness = (fairness + 0.8 * noise).clamp(0.0, 100.0);
        let cut = |value: f64, unit: f64| (value * unit).round() / unit;
        Some(Figures {
            drift: cut(drift, 10.0),
            fairness: cut(fairness, 10.0),
            psi: cut(drift / 500.0, 1000.0),
            impact: cut((fairness / 100.0).powi(2), 1000.0),
        })
    }
}
