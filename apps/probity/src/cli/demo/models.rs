//! The model inventory of the sample bank: every status, every tier, and a few sore points.

use probity_registry::{ModelPatchInput, NewModelInput, Patch};

/// One entry of the story: how it was registered and through which statuses it went since.
pub(super) struct Entry {
    pub(super) model_id: &'static str,
    provider: &'static str,
    name: &'static str,
    tier: &'static str,
    owner: &'static str,
    technique: &'static str,
    /// Days ago that it was registered.
    pub(super) registered: i64,
    /// Status moves, each with the days ago that it happened.
    pub(super) moves: &'static [(i64, &'static str)],
    /// A later tier, and the days ago that it was raised.
    pub(super) raised: Option<(i64, &'static str)>,
}

const fn entry(
    [model_id, provider, name]: [&'static str; 3],
    [tier, owner, technique]: [&'static str; 3],
    registered: i64,
    moves: &'static [(i64, &'static str)],
) -> Entry {
    Entry {
        model_id,
        provider,
        name,
        tier,
        owner,
        technique,
        registered,
        moves,
        raised: None,
    }
}

const PENDING: &str = "pending_validation";
const VALIDATING: &str = "in_validation";
const VALIDATED: &str = "validated";
const REMEDIATION: &str = "needs_remediation";

/// The entries.
pub(super) const ENTRIES: [Entry; 12] = [
    entry(
        [
            "credit-scorecard-v7",
            "self-hosted",
            "Consumer credit scorecard v7",
        ],
        ["tier_1", "credit-risk@example.com", "statistical"],
        700,
        &[(690, PENDING), (680, VALIDATING), (640, VALIDATED)],
    ),
    entry(
        ["mortgage-avm-3", "self-hosted", "Mortgage valuation 3"],
        ["tier_1", "property-risk@example.com", "machine_learning"],
        360,
        &[(350, PENDING), (340, VALIDATING), (300, VALIDATED)],
    ),
    entry(
        ["fraud-gbm-12", "self-hosted", "Card fraud ensemble 12"],
        ["tier_1", "fraud-analytics@example.com", "machine_learning"],
        300,
        &[
            (290, PENDING),
            (280, VALIDATING),
            (250, VALIDATED),
            (160, REMEDIATION),
            (120, VALIDATING),
            (90, VALIDATED),
        ],
    ),
    Entry {
        raised: Some((20, "tier_1")),
        ..entry(
            ["sme-limits-2", "self-hosted", "Small business limits 2"],
            ["tier_2", "sme-lending@example.com", "statistical"],
            340,
            &[(330, PENDING), (320, VALIDATING), (270, VALIDATED)],
        )
    },
    entry(
        ["collections-rank-1", "self-hosted", "Collections ranking"],
        ["tier_2", "collections@example.com", "machine_learning"],
        200,
        &[(190, PENDING), (180, VALIDATING), (60, REMEDIATION)],
    ),
    entry(
        [
            "tm-triage-4",
            "self-hosted",
            "Transaction monitoring triage 4",
        ],
        ["tier_1", "financial-crime@example.com", "machine_learning"],
        120,
        &[(100, PENDING), (40, VALIDATING)],
    ),
    entry(
        [
            "deposit-outflow-5",
            "self-hosted",
            "Deposit outflow forecast 5",
        ],
        ["tier_3", "treasury@example.com", "statistical"],
        90,
        &[(30, PENDING)],
    ),
    entry(
        ["gpt-4o", "openai", "GPT-4o"],
        ["tier_2", "ai-platform@example.com", "generative"],
        310,
        &[(300, PENDING), (290, VALIDATING), (260, VALIDATED)],
    ),
    entry(
        [
            "claude-3-5-sonnet-20241022",
            "anthropic",
            "Claude 3.5 Sonnet (Oct 2024)",
        ],
        ["tier_3", "ai-platform@example.com", "generative"],
        150,
        &[(140, PENDING)],
    ),
    entry(
        [
            "docreader-vit-2",
            "self-hosted",
            "Identity document reader 2",
        ],
        ["tier_2", "onboarding@example.com", "machine_learning"],
        100,
        &[(95, PENDING), (90, VALIDATING), (70, VALIDATED)],
    ),
    entry(
        ["refund-agent-0", "self-hosted", "Refund agent prototype"],
        ["tier_2", "service-design@example.com", "agentic"],
        15,
        &[],
    ),
    entry(
        ["branch-queue-1", "self-hosted", "Branch queue forecast"],
        ["tier_4", "branch-network@example.com", "statistical"],
        600,
        &[
            (590, PENDING),
            (580, VALIDATING),
            (560, VALIDATED),
            (130, "deprecated"),
        ],
    ),
];

impl Entry {
    /// The entry as it was registered.
    pub(super) fn input(&self) -> NewModelInput {
        let text = |text: &str| Some(text.to_owned());
        NewModelInput {
            model_id: text(self.model_id),
            provider: text(self.provider),
            display_name: text(self.name),
            risk_tier: text(self.tier),
            owner: text(self.owner),
            technique: text(self.technique),
            tags: Some([("bank".to_owned(), "example".to_owned())].into()),
            ..NewModelInput::default()
        }
    }
}

/// A change of status alone.
pub(super) fn moved_to(status: &str) -> ModelPatchInput {
    ModelPatchInput {
        validation_status: Patch::Value(status.to_owned()),
        ..ModelPatchInput::default()
    }
}

/// A change of tier alone.
pub(super) fn raised_to(tier: &str) -> ModelPatchInput {
    ModelPatchInput {
        risk_tier: Patch::Value(tier.to_owned()),
        ..ModelPatchInput::default()
    }
}

/// Models that requests name besides the registered ones: what a discovery will find.
pub(super) const UNREGISTERED: [(&str, &str); 4] = [
    ("gpt-4o-mini", "openai"),
    ("mistral-large-2411", "mistral"),
    ("eu.amazon.nova-pro-v1:0", "amazon"),
    ("house-embedder-2", "self-hosted"),
];
