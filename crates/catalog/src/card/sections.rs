//! Which section of a card is which field of a product.

use crate::taxonomy::DocumentationSection;

/// Where the text of a section belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A column of an import.
    Column(&'static str),
    /// A section of the technical documentation.
    Documentation(DocumentationSection),
}

/// A section: the heading under which it is written, its field, other headings under which cards have it.
pub(super) struct Section {
    pub(super) heading: &'static str,
    pub(super) place: Place,
    also: &'static [&'static str],
}

const fn column(
    heading: &'static str,
    name: &'static str,
    also: &'static [&'static str],
) -> Section {
    Section {
        heading,
        place: Place::Column(name),
        also,
    }
}

const fn documentation(
    heading: &'static str,
    section: DocumentationSection,
    also: &'static [&'static str],
) -> Section {
    Section {
        heading,
        place: Place::Documentation(section),
        also,
    }
}

/// The sections in the order in which they are written.
pub(super) const SECTIONS: [Section; 12] = [
    column(
        "Model Details",
        "long_description",
        &[
            "model description",
            "description",
            "overview",
            "model summary",
            "introduction",
        ],
    ),
    column("Business Use Case", "business_use_case", &[]),
    column(
        "Uses",
        "intended_use",
        &[
            "intended use",
            "intended uses",
            "intended uses & limitations",
        ],
    ),
    column(
        "Bias, Risks, and Limitations",
        "limitations",
        &[
            "limitations",
            "limitations and bias",
            "limitations and biases",
            "bias and limitations",
            "risks and limitations",
            "ethical considerations",
        ],
    ),
    documentation(
        "General Description",
        DocumentationSection::GeneralDescription,
        &[],
    ),
    documentation(
        "Technical Specifications",
        DocumentationSection::SystemArchitecture,
        &["model architecture", "architecture", "system architecture"],
    ),
    documentation(
        "Training Details",
        DocumentationSection::DataGovernance,
        &[
            "training data",
            "training",
            "training procedure",
            "data governance",
        ],
    ),
    documentation(
        "Evaluation",
        DocumentationSection::PerformanceTesting,
        &[
            "evaluation results",
            "performance",
            "results",
            "benchmarks",
            "performance testing",
        ],
    ),
    documentation("Risk Management", DocumentationSection::RiskManagement, &[]),
    documentation("Human Oversight", DocumentationSection::HumanOversight, &[]),
    column("Monitoring", "monitoring_plan", &["monitoring plan"]),
    documentation(
        "Change Log",
        DocumentationSection::ChangeLog,
        &["changelog", "version history", "release notes"],
    ),
];

/// The place of a section by its heading, whatever its case and marks.
pub(super) fn place(heading: &str) -> Option<Place> {
    let plain: String = heading.chars().filter(|c| !"*_:`".contains(*c)).collect();
    let plain = plain.trim().to_lowercase();
    let named = |section: &&Section| {
        section.heading.to_lowercase() == plain || section.also.contains(&plain.as_str())
    };
    SECTIONS.iter().find(named).map(|section| section.place)
}

/// The JSON Pointer to a field of the catalog in the terms of a card: a key of the front matter, or
/// `/sections/` and a heading.
pub(crate) fn pointer(field: &str) -> String {
    if let Some(key) = field.strip_prefix(super::metadata::FIELD) {
        return key.to_owned();
    }
    let of_section = |section: &&Section| match section.place {
        Place::Column(name) => field.strip_prefix('/') == Some(name),
        Place::Documentation(one) => {
            field.strip_prefix("/ai_details/technical_documentation/") == Some(one.as_str())
        }
    };
    if let Some(section) = SECTIONS.iter().find(of_section) {
        return format!("/sections/{}", section.heading);
    }
    match field {
        "/name" | "/description" => field.to_owned(),
        "/framework" => "/library_name".to_owned(),
        other => format!(
            "/probity{}",
            other.strip_prefix("/ai_details").unwrap_or(other)
        ),
    }
}
