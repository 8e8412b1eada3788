//! What the judgement needs from a store.

use std::future::Future;
use std::sync::Arc;

use probity_kernel::{
    Change, OrganizationId, Page, PageRequest, ProductId, RepositoryError, ReviewRequestId,
    SpaceId, Version,
};
use time::OffsetDateTime;

use crate::assessment::evidence::Evidence;
use crate::error::GovernanceError;
use crate::event::GovernanceEvent;
use crate::overview::{Fleet, ProductPosture};
use crate::review::{DecideReview, RequestReview, Requested, ReviewRequest};
use crate::settings::{Configuration, GovernanceSettings};
use crate::vocabulary::{DriftKey, LifecycleGate, ReviewStatus};

/// A write of the judgement with its event and context.
pub type GovernanceChange = Change<GovernanceWrite, GovernanceEvent>;

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GovernanceWrite {
    /// Inserts an open review request.
    RequestReview(Box<ReviewRequest>),
    /// Decides a request, and moves the day of the product's next review where the decision does.
    DecideReview {
        /// The request as it is to be.
        next: Box<ReviewRequest>,
        /// The version that is replaced.
        expected: Version,
    },
    /// Puts the settings in place of those at `expected`.
    Configure {
        /// The settings.
        settings: Box<GovernanceSettings>,
        /// The version that is replaced.
        expected: Version,
    },
}

/// How the record of an organisation stands, as far as a product is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFacts {
    /// How many leaves the log has.
    pub log_size: u64,
    /// Their root.
    pub root: [u8; 32],
    /// The index of the last leaf that published something about the product.
    pub last_index: Option<u64>,
}

/// Everything that a summary is made of, of one snapshot of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// What is known about the product.
    pub evidence: Evidence,
    /// The settings in force.
    pub configuration: Configuration,
    /// How many runtime events of each type there were.
    pub runtime_event_counts: Vec<(String, u64)>,
    /// How the record stands.
    pub record: RecordFacts,
}

/// Which postures are wanted; every part that is set has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostureFilter {
    /// Only those in these spaces.
    pub spaces: Option<Vec<SpaceId>>,
    /// Only those in one gate.
    pub lifecycle_gate: Option<LifecycleGate>,
    /// Only those of one review status.
    pub review_status: Option<ReviewStatus>,
    /// Only those in which a drift is active.
    pub drift: Option<DriftKey>,
    /// Only those of at least this score.
    pub min_score: Option<u8>,
    /// Only those of at most this score.
    pub max_score: Option<u8>,
}

impl PostureFilter {
    /// Whether a product is wanted.
    #[must_use]
    pub fn admits(&self, one: &ProductPosture) -> bool {
        let posture = &one.posture;
        let spaces = self.spaces.as_ref();
        let drift = |key: DriftKey| posture.drift & key.bit() != 0;
        spaces.is_none_or(|spaces| spaces.contains(&one.space))
            && self
                .lifecycle_gate
                .is_none_or(|gate| gate == posture.lifecycle_gate)
            && self
                .review_status
                .is_none_or(|status| status == posture.review_status)
            && self.drift.is_none_or(drift)
            && self.min_score.is_none_or(|score| posture.score >= score)
            && self.max_score.is_none_or(|score| posture.score <= score)
    }
}

/// A store of reviews, settings and postures.
///
/// # Contract
/// - Every call sees one organisation and nothing of any other.
/// - `request_review`, `decide_review` and `commit` apply everything and record the event, or do
///   nothing. When the context carries an idempotency claim, the claim is looked at **first**: a known
///   claim with an equal fingerprint answers the first outcome and writes nothing, with another
///   fingerprint `IdempotencyMismatch`. A call that is refused does not spend its claim.
/// - However many requests run at once, a product has at most one open review request, and what is
///   decided is decided once.
/// - After each of them the product's posture is the judgement of what is then known; a change of its
///   score or its review status is on the record as `risk_score.changed`.
/// - Review requests are listed newest first, by `requested_at` and then by id, both descending; the
///   cursor's key is that instant in Unix milliseconds, its tie the id's bits.
pub trait GovernanceRepository: Send + Sync {
    /// What a summary is made of; `None` for a product that does not exist.
    ///
    /// # Errors
    /// `unsupported_product_type`, and what the repository says.
    fn dossier(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> impl Future<Output = Result<Option<Dossier>, GovernanceError>> + Send;

    /// Gives back the open request of the product, or opens one with [`RequestReview::into_change`]:
    /// one transaction.
    fn request_review(
        &self,
        command: RequestReview,
    ) -> impl Future<Output = Result<Requested, GovernanceError>> + Send;

    /// Decides a request with [`DecideReview::into_change`]: one transaction.
    fn decide_review(
        &self,
        command: DecideReview,
    ) -> impl Future<Output = Result<ReviewRequest, GovernanceError>> + Send;

    /// One review request of a product.
    fn find_review(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ReviewRequestId,
    ) -> impl Future<Output = Result<Option<ReviewRequest>, RepositoryError>> + Send;

    /// The review requests of a product.
    fn list_reviews(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<ReviewRequest>, RepositoryError>> + Send;

    /// The settings in force.
    fn configuration(
        &self,
        organization: OrganizationId,
    ) -> impl Future<Output = Result<Configuration, RepositoryError>> + Send;

    /// Changes the settings: all of it or nothing. `Stale` when others are in force than those at the
    /// expected version. Postures are judged anew by and by, and before an overview tells them.
    fn configure(
        &self,
        change: GovernanceChange,
    ) -> impl Future<Output = Result<Configuration, RepositoryError>> + Send;

    /// Judges products anew whose posture has become another by the passing of time, or that stand by
    /// other settings, at most `limit`; answers how many it judged.
    fn rejudge_due(
        &self,
        organization: OrganizationId,
        now: OffsetDateTime,
        limit: u32,
    ) -> impl Future<Output = Result<u32, RepositoryError>> + Send;

    /// The fleet in these spaces, or in all, with so many of the worst products. A repository over the past judges
    /// every product anew and refuses with [`GovernanceError::PastTooLarge`] where there are too many.
    fn fleet(
        &self,
        organization: OrganizationId,
        spaces: Option<Vec<SpaceId>>,
        now: OffsetDateTime,
        worst: u32,
    ) -> impl Future<Output = Result<Fleet, GovernanceError>> + Send;

    /// The postures of products, lowest score first and then by id; the cursor's key is the score, its
    /// tie the id's bits.
    fn list_postures(
        &self,
        organization: OrganizationId,
        filter: &PostureFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<ProductPosture>, GovernanceError>> + Send;
}

/// What a reference to a repository can do, the repository can.
macro_rules! delegate {
    ($($pointer:ty),+) => { $(
        impl<T: GovernanceRepository> GovernanceRepository for $pointer {
            async fn dossier(
                &self,
                organization: OrganizationId,
                product: ProductId,
            ) -> Result<Option<Dossier>, GovernanceError> {
                T::dossier(self, organization, product).await
            }

            async fn request_review(
                &self,
                command: RequestReview,
            ) -> Result<Requested, GovernanceError> {
                T::request_review(self, command).await
            }

            async fn decide_review(
                &self,
                command: DecideReview,
            ) -> Result<ReviewRequest, GovernanceError> {
                T::decide_review(self, command).await
            }

            async fn find_review(
                &self,
                organization: OrganizationId,
                product: ProductId,
                id: ReviewRequestId,
            ) -> Result<Option<ReviewRequest>, RepositoryError> {
                T::find_review(self, organization, product, id).await
            }

            async fn list_reviews(
                &self,
                organization: OrganizationId,
                product: ProductId,
                page: &PageRequest,
            ) -> Result<Page<ReviewRequest>, RepositoryError> {
                T::list_reviews(self, organization, product, page).await
            }

            async fn configuration(
                &self,
                organization: OrganizationId,
            ) -> Result<Configuration, RepositoryError> {
                T::configuration(self, organization).await
            }

            async fn configure(
                &self,
                change: GovernanceChange,
            ) -> Result<Configuration, RepositoryError> {
                T::configure(self, change).await
            }

            async fn rejudge_due(
                &self,
                organization: OrganizationId,
                now: OffsetDateTime,
                limit: u32,
            ) -> Result<u32, RepositoryError> {
                T::rejudge_due(self, organization, now, limit).await
            }

            async fn fleet(
                &self,
                organization: OrganizationId,
                spaces: Option<Vec<SpaceId>>,
                now: OffsetDateTime,
                worst: u32,
            ) -> Result<Fleet, GovernanceError> {
                T::fleet(self, organization, spaces, now, worst).await
            }

            async fn list_postures(
                &self,
                organization: OrganizationId,
                filter: &PostureFilter,
                page: &PageRequest,
            ) -> Result<Page<ProductPosture>, GovernanceError> {
                T::list_postures(self, organization, filter, page).await
            }
        }
    )+ };
}

delegate!(&T, Arc<T>);
