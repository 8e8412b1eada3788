//! What is on file about each product of the sample bank: evidence, attachments, reviews. Together they
//! stand in every way in which products stand.

/// How an evaluation turned out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub(super) category: &'static str,
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// Where warning and where criticism begins; above the one means that less is better.
    pub(super) limits: (f64, f64),
    pub(super) value: f64,
}

/// A risk that is, or was, to be mitigated; all in days ago, ahead where negative.
#[derive(Debug, Clone, Copy)]
pub(super) struct Risk {
    pub(super) title: &'static str,
    pub(super) severity: &'static str,
    pub(super) opened: i64,
    pub(super) due: i64,
    pub(super) resolved: Option<i64>,
}

/// A review: when it was asked for and, if so, decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Review {
    pub(super) asked: i64,
    pub(super) decided: Option<Decided>,
}

/// A decision, in days ago.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    pub(super) approved: bool,
    /// When the approval ends.
    pub(super) expires: Option<i64>,
    /// When the next review is due.
    pub(super) next: Option<i64>,
    pub(super) comment: &'static str,
}

/// What is on file about one product.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    pub(super) owner: Option<&'static str>,
    pub(super) monitoring_plan: Option<&'static str>,
    /// When its documentation was written, in days ago.
    pub(super) documented: Option<i64>,
    /// The data it depends on, when that was declared, and when it last changed.
    pub(super) data: Option<(&'static str, i64, Option<i64>)>,
    pub(super) policies: &'static [(&'static str, &'static str)],
    /// When it was trained and evaluated, in days ago.
    pub(super) evaluated: &'static [i64],
    pub(super) measures: &'static [Measure],
    pub(super) risk: Option<Risk>,
    pub(super) reviews: &'static [Review],
    /// The entry of the inventory behind it.
    pub(super) model: Option<&'static str>,
}

const NOTHING: File = File {
    owner: None,
    monitoring_plan: None,
    documented: None,
    data: None,
    policies: &[],
    evaluated: &[],
    measures: &[],
    risk: None,
    reviews: &[],
    model: None,
};

const CREDIT_POLICY: (&str, &str) = (
    "credit-policy-4",
    "Credit policy, chapter 4: automated decisions",
);
const FAIR_LENDING: (&str, &str) = ("fair-lending", "Fair lending standard");
const MODEL_RISK: (&str, &str) = ("mrm-1", "Model risk management framework");
const FINANCIAL_CRIME: (&str, &str) = ("fcc-7", "Financial crime controls");
const GENERATIVE: (&str, &str) = ("genai-2", "Use of generative models with customers");

const fn measure(
    [category, name, unit]: [&'static str; 3],
    limits: (f64, f64),
    value: f64,
) -> Measure {
    Measure {
        category,
        name,
        unit,
        limits,
        value,
    }
}

const AUC: [&str; 3] = ["accuracy", "Area under the ROC curve", "ratio"];
const PARITY: [&str; 3] = [
    "fairness",
    "False positive rate difference by age band",
    "ratio",
];
const SHIFT: [&str; 3] = [
    "robustness",
    "Loss of accuracy under a shifted sample",
    "ratio",
];
const GROUNDED: [&str; 3] = ["accuracy", "Answers grounded in the sources", "ratio"];
const INJECTION: [&str; 3] = [
    "cybersecurity",
    "Prompt injections that got through",
    "ratio",
];

#[expect(clippy::unnecessary_wraps, reason = "a review may be undecided")]
const fn approved(expires: Option<i64>, next: Option<i64>) -> Option<Decided> {
    Some(Decided {
        approved: true,
        expires,
        next,
        comment: "Evidence and open findings were reviewed.",
    })
}

const fn review(asked: i64, decided: Option<Decided>) -> Review {
    Review { asked, decided }
}

/// The files, in the order of the products.
pub(super) const FILES: [File; 12] = [
    // Consumer credit scorecard: approved once, expired since, on data that changed.
    File {
        owner: Some("credit-risk@example.com"),
        documented: Some(210),
        data: Some(("bureau_features", 600, Some(6))),
        policies: &[CREDIT_POLICY, FAIR_LENDING],
        evaluated: &[215, 45],
        measures: &[
            measure(AUC, (0.75, 0.70), 0.78),
            measure(PARITY, (0.05, 0.10), 0.07),
        ],
        reviews: &[review(218, approved(Some(20), None))],
        model: Some("credit-scorecard-v7"),
        ..NOTHING
    },
    // Mortgage valuation: nothing is missing.
    File {
        owner: Some("property-risk@example.com"),
        documented: Some(30),
        data: Some(("property_transactions", 380, Some(60))),
        policies: &[CREDIT_POLICY, MODEL_RISK],
        evaluated: &[300, 40],
        measures: &[
            measure(
                ["accuracy", "Median absolute error", "ratio"],
                (0.12, 0.20),
                0.08,
            ),
            measure(PARITY, (0.05, 0.10), 0.02),
            measure(SHIFT, (0.05, 0.12), 0.03),
        ],
        reviews: &[
            review(310, approved(None, None)),
            review(33, approved(Some(-330), None)),
        ],
        model: Some("mortgage-avm-3"),
        ..NOTHING
    },
    // Small business limits: a grave risk is past its date.
    File {
        owner: Some("sme-lending@example.com"),
        documented: Some(80),
        data: Some(("current_accounts", 390, None)),
        policies: &[CREDIT_POLICY],
        evaluated: &[90],
        measures: &[
            measure(
                ["accuracy", "Gini coefficient", "ratio"],
                (0.40, 0.30),
                0.52,
            ),
            measure(PARITY, (0.05, 0.10), 0.03),
        ],
        risk: Some(Risk {
            title: "Limits react late to a fall in turnover",
            severity: "high",
            opened: 75,
            due: 12,
            resolved: None,
        }),
        reviews: &[review(85, approved(Some(-190), None))],
        model: Some("sme-limits-2"),
        ..NOTHING
    },
    // Collections contact strategy: under review, since groups are treated less and less alike.
    File {
        owner: Some("collections@example.com"),
        documented: Some(95),
        data: Some(("contact_history", 365, Some(9))),
        evaluated: &[100],
        measures: &[
            measure(AUC, (0.70, 0.62), 0.74),
            measure(PARITY, (0.05, 0.10), 0.12),
        ],
        reviews: &[review(3, None)],
        model: Some("collections-rank-1"),
        ..NOTHING
    },
    // Deposit outflow forecast: in service and forgotten.
    File {
        owner: Some("treasury@example.com"),
        data: Some(("daily_balances", 360, None)),
        policies: &[MODEL_RISK],
        evaluated: &[355],
        measures: &[measure(
            ["accuracy", "Mean absolute percentage error", "ratio"],
            (0.10, 0.20),
            0.06,
        )],
        reviews: &[review(353, approved(Some(60), Some(40)))],
        model: Some("deposit-outflow-5"),
        ..NOTHING
    },
    // Card fraud detection: was hit, was repaired, is in order again.
    File {
        owner: Some("fraud-analytics@example.com"),
        documented: Some(85),
        data: Some(("card_authorisations", 500, Some(140))),
        policies: &[FINANCIAL_CRIME, MODEL_RISK],
        evaluated: &[280, 130, 92],
        measures: &[
            measure(
                ["accuracy", "Recall at a false alarm in a thousand", "ratio"],
                (0.60, 0.50),
                0.71,
            ),
            measure(SHIFT, (0.08, 0.15), 0.05),
            measure(
                ["drift", "Population stability index", "index"],
                (0.10, 0.20),
                0.04,
            ),
        ],
        risk: Some(Risk {
            title: "A merchant category was missing from the features",
            severity: "critical",
            opened: 160,
            due: 100,
            resolved: Some(112),
        }),
        reviews: &[review(90, approved(Some(-275), None))],
        model: Some("fraud-gbm-12"),
        ..NOTHING
    },
    // Transaction monitoring triage: complete, and its review is long overdue.
    File {
        owner: Some("financial-crime@example.com"),
        documented: Some(110),
        data: Some(("transactions", 480, None)),
        policies: &[FINANCIAL_CRIME],
        evaluated: &[400, 115],
        measures: &[
            measure(AUC, (0.80, 0.72), 0.86),
            measure(SHIFT, (0.08, 0.15), 0.06),
        ],
        reviews: &[review(405, approved(None, Some(100)))],
        model: Some("tm-triage-4"),
        ..NOTHING
    },
    // Identity document reader: went live before it was evaluated.
    File {
        owner: Some("onboarding@example.com"),
        data: Some(("document_scans", 95, None)),
        policies: &[FINANCIAL_CRIME],
        model: Some("docreader-vit-2"),
        ..NOTHING
    },
    // Service chat assistant: watched closely; redeployed after its documentation.
    File {
        owner: Some("ai-platform@example.com"),
        documented: Some(70),
        data: Some(("help_centre_articles", 330, Some(50))),
        policies: &[GENERATIVE],
        evaluated: &[240, 35],
        measures: &[
            measure(GROUNDED, (0.90, 0.80), 0.94),
            measure(INJECTION, (0.02, 0.05), 0.013),
        ],
        reviews: &[review(75, approved(Some(-110), None))],
        model: Some("gpt-4o"),
        ..NOTHING
    },
    // Complaint summaries: in order, for another two weeks.
    File {
        owner: Some("service-design@example.com"),
        documented: Some(60),
        data: Some(("complaints", 300, None)),
        policies: &[GENERATIVE],
        evaluated: &[65],
        measures: &[
            measure(GROUNDED, (0.90, 0.80), 0.97),
            measure(INJECTION, (0.02, 0.05), 0.004),
        ],
        reviews: &[review(68, approved(Some(-15), None))],
        model: Some("claude-3-5-sonnet-20241022"),
        ..NOTHING
    },
    // Refund agent: still being made, and it shows.
    File {
        owner: Some("service-design@example.com"),
        monitoring_plan: Some("Every refund is sampled; the share of reversals is watched weekly."),
        data: Some(("refund_requests", 14, None)),
        evaluated: &[],
        risk: Some(Risk {
            title: "Refunds can be talked into by a forged order number",
            severity: "high",
            opened: 10,
            due: -20,
            resolved: None,
        }),
        model: Some("refund-agent-0"),
        ..NOTHING
    },
    // Branch queue forecast: retired; a rejection was its last review.
    File {
        owner: Some("branch-network@example.com"),
        documented: Some(340),
        data: Some(("branch_visits", 360, None)),
        policies: &[MODEL_RISK],
        evaluated: &[345],
        measures: &[measure(
            ["accuracy", "Mean absolute percentage error", "ratio"],
            (0.25, 0.40),
            0.31,
        )],
        reviews: &[review(
            150,
            Some(Decided {
                approved: false,
                expires: None,
                next: None,
                comment: "Branches are booked ahead by now: retire it.",
            }),
        )],
        model: Some("branch-queue-1"),
        ..NOTHING
    },
];

/// What happened while the assistants were in use: product, event, severity, status, what it was.
pub(super) const RUNTIME: [(usize, &str, &str, &str, &str); 8] = [
    (
        8,
        "guardrail_trigger",
        "medium",
        "resolved",
        "A prompt injection in a pasted letter was blocked.",
    ),
    (
        8,
        "sensitive_data_redaction",
        "low",
        "resolved",
        "A card number was redacted before it was sent to the model.",
    ),
    (
        8,
        "human_escalation",
        "info",
        "resolved",
        "A customer in distress was handed to a person.",
    ),
    (
        8,
        "blocked_action",
        "high",
        "acknowledged",
        "The assistant tried to promise a rate and was stopped.",
    ),
    (
        9,
        "sensitive_data_redaction",
        "low",
        "resolved",
        "Names of third parties were redacted from a summary.",
    ),
    (
        6,
        "policy_exception",
        "medium",
        "acknowledged",
        "Triage ran a night without the sanctions list; the alerts were ordered again by hand.",
    ),
    (
        5,
        "incident_created",
        "critical",
        "resolved",
        "Payments to a whole merchant category were blocked for two hours.",
    ),
    (
        10,
        "guardrail_trigger",
        "high",
        "open",
        "A refund above the limit was asked for and refused.",
    ),
];

/// The sections of technical documentation that a product has.
pub(super) const SECTIONS: [(&str, &str); 5] = [
    (
        "general_description",
        "What the product is for, who provides it and which versions were in service.",
    ),
    (
        "data_governance",
        "Where the data comes from, how it is prepared, and who owns it.",
    ),
    (
        "risk_management",
        "The risks that were found, what was done about them, and what remains.",
    ),
    (
        "human_oversight",
        "Who can stop it, how decisions are reviewed, and what customers are told.",
    ),
    (
        "performance_testing",
        "How it is tested before release and watched afterwards.",
    ),
];
