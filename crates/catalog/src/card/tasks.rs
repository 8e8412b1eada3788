//! What the task that a card names says about a product.

use crate::taxonomy::{ModelFamily, TaskType};

/// The task type and, where the task decides it, the family.
pub(super) fn of_pipeline(tag: &str) -> (TaskType, Option<ModelFamily>) {
    match tag {
        "text-generation"
        | "text2text-generation"
        | "conversational"
        | "image-text-to-text"
        | "audio-text-to-text"
        | "video-text-to-text"
        | "any-to-any"
        | "summarization"
        | "translation" => (TaskType::Llm, Some(ModelFamily::GenAi)),
        "text-to-image"
        | "image-to-image"
        | "text-to-video"
        | "image-to-video"
        | "text-to-speech"
        | "text-to-audio"
        | "text-to-3d"
        | "image-to-3d"
        | "unconditional-image-generation" => (TaskType::Other, Some(ModelFamily::GenAi)),
        "feature-extraction" | "sentence-similarity" | "image-feature-extraction" => {
            (TaskType::Embedding, Some(ModelFamily::EmbeddingModel))
        }
        "text-classification"
        | "token-classification"
        | "zero-shot-classification"
        | "image-classification"
        | "zero-shot-image-classification"
        | "audio-classification"
        | "video-classification" => (TaskType::Classification, None),
        "tabular-classification" => (TaskType::Classification, Some(ModelFamily::TraditionalMl)),
        "tabular-regression" => (TaskType::Regression, Some(ModelFamily::TraditionalMl)),
        "time-series-forecasting" => (TaskType::Forecasting, None),
        "text-ranking" => (TaskType::Ranking, None),
        _ => (TaskType::Other, None),
    }
}
