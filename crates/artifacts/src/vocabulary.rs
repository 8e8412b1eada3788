//! The closed vocabularies of artifacts. Texts are matched exactly; nothing is folded.

use probity_kernel::vocabulary;

vocabulary! {
    /// What an artifact is.
    ArtifactKind {
        /// A serialised model or a package of one.
        ModelBinary = "model_binary",
        /// Weights of a model.
        Weights = "weights",
        /// A checkpoint of training or fine-tuning.
        Checkpoint = "checkpoint",
        /// An adapter, a delta, what fine-tuning made.
        Adapter = "adapter",
        /// A tokenizer or its vocabulary.
        Tokenizer = "tokenizer",
        /// A collection or bundle of prompts.
        PromptBundle = "prompt_bundle",
        /// A report of an evaluation or benchmark.
        EvalReport = "eval_report",
        /// A model card or documentation of a release.
        ModelCard = "model_card",
        /// Anything else.
        Other = "other",
    }

    /// Where an upload session stands.
    UploadStatus {
        /// Opened; no chunk has arrived.
        Initialized = "initialized",
        /// Chunks have arrived.
        Uploading = "uploading",
        /// It became an artifact.
        Completed = "completed",
        /// The bytes were not those that were expected.
        Failed = "failed",
        /// Nobody touched it in time.
        Expired = "expired",
        /// Its owner gave it up: for callers it does not exist any more.
        Aborted = "aborted",
    }

    /// Where an artifact stands.
    ArtifactStatus {
        /// Its bytes are there and were what they should be when last looked at.
        Available = "available",
        /// It was deleted; the record stays.
        Deleted = "deleted",
        /// Its bytes are gone or are others than those that were approved.
        Failed = "failed",
    }

    /// How the bytes of an upload are cut into chunks.
    Layout {
        /// Chunks of one size, the last one shorter, in any order.
        Fixed = "fixed",
        /// Pieces of any size, each behind the one before.
        Appended = "appended",
    }
}

impl UploadStatus {
    /// Whether chunks are still taken.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Initialized | Self::Uploading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_what_they_were() {
        for kind in ArtifactKind::ALL {
            assert_eq!(kind.as_str().parse::<ArtifactKind>().as_ref(), Ok(kind));
        }
        assert!("MODEL_BINARY".parse::<ArtifactKind>().is_err());
        assert!("".parse::<UploadStatus>().is_err());
    }
}
