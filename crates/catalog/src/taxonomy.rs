//! The closed vocabularies of the catalog. Texts are matched exactly; nothing is folded.

use probity_kernel::vocabulary;

vocabulary! {
    /// A section of the technical documentation (Annex IV of the EU AI Act).
    DocumentationSection {
        /// What the system is, who provides it, its versions.
        GeneralDescription = "general_description",
        /// Design choices and components.
        SystemArchitecture = "system_architecture",
        /// Where data comes from and how it is prepared.
        DataGovernance = "data_governance",
        /// Risks, mitigations, what remains.
        RiskManagement = "risk_management",
        /// How people oversee it.
        HumanOversight = "human_oversight",
        /// How its performance is tested.
        PerformanceTesting = "performance_testing",
        /// What changed over its life.
        ChangeLog = "change_log",
    }

    /// What kind of AI product it is.
    ProductType {
        /// A trained model.
        MlModel = "ML Model",
        /// A system with AI inside.
        AiSystem = "AI System",
        /// An agent around a language model.
        LlmAgent = "LLM Agent",
        /// An application that uses AI.
        AiApp = "AI App",
        /// Any other agent.
        Agent = "Agent",
        /// A set of prompts; it has no governance workbench.
        PromptCollection = "Prompt Collection",
    }

    /// The family of a model.
    ModelFamily {
        /// Trees, regressions and other models without generation.
        TraditionalMl = "traditional_ml",
        /// Generative models.
        GenAi = "genai",
        /// Models made to be adapted.
        FoundationModel = "foundation_model",
        /// Models that embed.
        EmbeddingModel = "embedding_model",
        /// Agents.
        Agent = "agent",
        /// Applications.
        AiApp = "ai_app",
        /// Sets of prompts.
        PromptCollection = "prompt_collection",
        /// Anything else.
        Other = "other",
    }

    /// What a model does.
    TaskType {
        /// Language modelling.
        Llm = "llm",
        /// Classification.
        Classification = "classification",
        /// Regression.
        Regression = "regression",
        /// Clustering.
        Clustering = "clustering",
        /// Forecasting.
        Forecasting = "forecasting",
        /// Embedding.
        Embedding = "embedding",
        /// Ranking.
        Ranking = "ranking",
        /// Detection of anomalies.
        AnomalyDetection = "anomaly_detection",
        /// Recommendation.
        Recommendation = "recommendation",
        /// Acting on behalf of a user.
        Agent = "agent",
        /// Anything else.
        Other = "other",
    }

    /// The governance risk class, after the EU AI Act, gravest first.
    RiskClassification {
        /// Not permitted at all.
        Prohibited = "prohibited",
        /// High risk.
        High = "high",
        /// Limited risk: duties of transparency.
        Limited = "limited",
        /// Minimal risk.
        Minimal = "minimal",
    }

    /// Where a product stands in its life. The list is closed: `development`, `production` and
    /// `retired` are there because teams say so where others say `training`, `monitoring` and
    /// `retirement`; each is kept as it was given.
    LifecycleStage {
        /// Being designed.
        Design = "design",
        /// Being built.
        Development = "development",
        /// Being trained.
        Training = "training",
        /// Being validated.
        Validation = "validation",
        /// Being put into service.
        Deployment = "deployment",
        /// In service.
        Production = "production",
        /// In service and watched.
        Monitoring = "monitoring",
        /// Being taken out of service.
        Retirement = "retirement",
        /// Out of service.
        Retired = "retired",
    }

    /// Where a product runs. The list is closed.
    DeploymentStatus {
        /// Nowhere but with its makers; the default.
        Development = "development",
        /// In a test environment.
        Testing = "testing",
        /// In an environment like the real one.
        Staging = "staging",
        /// Beside the real one, its answers unused.
        Shadow = "shadow",
        /// For a small part of the real traffic.
        Canary = "canary",
        /// In service.
        Production = "production",
        /// Taken out of service for a time.
        Suspended = "suspended",
        /// Still in service, on its way out.
        Deprecated = "deprecated",
        /// Out of service for good.
        Retired = "retired",
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::str::FromStr;

    use probity_kernel::NotInVocabulary;

    use super::*;

    fn holds<T>(all: &[T], texts: &[&str])
    where
        T: Copy + PartialEq + fmt::Debug + fmt::Display + FromStr<Err = NotInVocabulary>,
    {
        assert_eq!(all.len(), texts.len());
        for (value, text) in all.iter().zip(texts) {
            assert_eq!(value.to_string(), *text);
            assert_eq!(text.parse::<T>().as_ref(), Ok(value));
            for wrong in [
                text.to_uppercase().replace("ML M", "ml m"),
                format!(" {text}"),
                format!("{text}s"),
            ] {
                let error = wrong.parse::<T>().unwrap_err();
                assert_eq!(error.allowed, texts, "{wrong}");
            }
        }
        assert!("".parse::<T>().is_err());
    }

    #[test]
    fn product_type_reads_back_its_own_texts_and_no_others() {
        holds(
            ProductType::ALL,
            &[
                "ML Model",
                "AI System",
                "LLM Agent",
                "AI App",
                "Agent",
                "Prompt Collection",
            ],
        );
    }

    #[test]
    fn model_family_reads_back_its_own_texts_and_no_others() {
        holds(
            ModelFamily::ALL,
            &[
                "traditional_ml",
                "genai",
                "foundation_model",
                "embedding_model",
                "agent",
                "ai_app",
                "prompt_collection",
                "other",
            ],
        );
    }

    #[test]
    fn task_type_reads_back_its_own_texts_and_no_others() {
        holds(
            TaskType::ALL,
            &[
                "llm",
                "classification",
                "regression",
                "clustering",
                "forecasting",
                "embedding",
                "ranking",
                "anomaly_detection",
                "recommendation",
                "agent",
                "other",
            ],
        );
    }

    #[test]
    fn risk_classification_reads_back_its_own_texts_and_no_others() {
        holds(
            RiskClassification::ALL,
            &["prohibited", "high", "limited", "minimal"],
        );
    }

    #[test]
    fn lifecycle_stage_reads_back_its_own_texts_and_no_others() {
        holds(
            LifecycleStage::ALL,
            &[
                "design",
                "development",
                "training",
                "validation",
                "deployment",
                "production",
                "monitoring",
                "retirement",
                "retired",
            ],
        );
    }

    #[test]
    fn deployment_status_reads_back_its_own_texts_and_no_others() {
        holds(
            DeploymentStatus::ALL,
            &[
                "development",
                "testing",
                "staging",
                "shadow",
                "canary",
                "production",
                "suspended",
                "deprecated",
                "retired",
            ],
        );
    }
}
