#![doc = include_str!("../README.md")]

pub mod actor;
pub mod change;
pub mod clock;
pub mod context;
pub mod error;
pub mod id;
pub mod idempotency;
pub mod instant;
pub mod object;
pub mod page;
pub mod patch;
pub mod text;
pub mod version;
pub mod vocabulary;
pub mod wrong_type;

pub use actor::Actor;
pub use change::{Change, ClearArg, DomainEvent, Publication, Subject, Trail, differences};
pub use clock::{Clock, FixedClock, IdSource, SequentialIds, SystemClock, SystemIds};
pub use context::{Context, RequestId};
pub use error::{DomainError, ErrorKind, FieldError, RepositoryError};
pub use id::{
    AlertId, ApiKeyId, ArtifactId, DataDependencyId, DeliveryId, EventId, OrganizationId,
    ParseIdError, PolicyAttachmentId, ProductId, ProductVersionId, RegisteredModelId,
    ReviewRequestId, RiskMetricLinkId, RiskMitigationId, RuntimeEventId, SafetyMetricId,
    SnapshotId, SpaceId, TrainingRunId, UploadSessionId, UserId, WebhookEndpointId,
    WebhookSecretId,
};
pub use idempotency::IdempotencyClaim;
pub use object::ObjectRule;
pub use page::{Cursor, Page, PageRequest, Paging, ParseCursorError};
pub use patch::Patch;
pub use version::Version;
pub use vocabulary::NotInVocabulary;
