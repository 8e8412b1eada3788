//! The commands and questions of the judgement over any repository.

use probity_kernel::{
    Change, Context, IdSource, OrganizationId, Page, PageRequest, ProductId, RepositoryError,
    ReviewRequestId, SpaceId, Version,
};
use time::OffsetDateTime;

use crate::assessment::{Assessment, assess};
use crate::error::GovernanceError;
use crate::event::GovernanceEvent;
use crate::overview::{Overview, ProductPosture};
use crate::repository::{GovernanceRepository, GovernanceWrite, PostureFilter, RecordFacts};
use crate::review::{
    DecideReview, NewDecision, RequestReview, Requested, ReviewRequest, parse_selection,
};
use crate::settings::{Configuration, SettingsInput};

/// How many products an overview judges anew at the most before it answers.
pub const REJUDGED_BY_AN_OVERVIEW: u32 = 500;
/// How often a change of the settings is tried again when others changed them meanwhile.
const ATTEMPTS: usize = 3;

/// A product's summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The judgement.
    pub assessment: Assessment,
    /// As of when.
    pub as_of: OffsetDateTime,
    /// How many runtime events of each type there were.
    pub runtime_event_counts: Vec<(String, u64)>,
    /// How the record stands.
    pub record: RecordFacts,
}

/// The judgement over a repository and a source of ids.
#[derive(Debug, Clone)]
pub struct GovernanceService<R, I> {
    repository: R,
    ids: I,
}

impl<R: GovernanceRepository, I: IdSource> GovernanceService<R, I> {
    /// The judgement over this repository.
    pub const fn new(repository: R, ids: I) -> Self {
        Self { repository, ids }
    }

    /// Judges a product live, by what is known now.
    ///
    /// # Errors
    /// `product_not_found`, `unsupported_product_type`, and what the repository answers.
    pub async fn summary(
        &self,
        organization: OrganizationId,
        product: ProductId,
        now: OffsetDateTime,
    ) -> Result<Summary, GovernanceError> {
        let dossier = self.repository.dossier(organization, product).await?;
        let dossier = dossier.ok_or(GovernanceError::ProductNotFound)?;
        Ok(Summary {
            assessment: assess(&dossier.evidence, &dossier.configuration.settings, now),
            as_of: now,
            runtime_event_counts: dossier.runtime_event_counts,
            record: dossier.record,
        })
    }

    /// Requests a review of the selected drifts, or of all active ones; gives back the open request
    /// where there is one.
    ///
    /// # Errors
    /// Unknown keys by their pointer, `no_active_drift_indicators`, `unsupported_product_type`,
    /// `product_archived`, `product_not_found`, and what the repository answers.
    pub async fn request_review(
        &self,
        context: &Context,
        product: ProductId,
        keys: Option<&[String]>,
    ) -> Result<Requested, GovernanceError> {
        let selected = keys.map(parse_selection).transpose();
        let command = RequestReview {
            context: context.clone(),
            id: ReviewRequestId::new(self.ids.next_id(context.now)),
            product,
            selected: selected.map_err(GovernanceError::Invalid)?,
        };
        self.repository.request_review(command).await
    }

    /// Decides a review request.
    ///
    /// # Errors
    /// Faulty fields, `review_request_not_found`, `review_already_decided`, and what the repository
    /// answers.
    pub async fn decide_review(
        &self,
        context: &Context,
        product: ProductId,
        id: ReviewRequestId,
        decision: NewDecision,
    ) -> Result<ReviewRequest, GovernanceError> {
        decision
            .check(context.now)
            .map_err(GovernanceError::Invalid)?;
        let command = DecideReview {
            context: context.clone(),
            product,
            id,
            decision,
        };
        self.repository.decide_review(command).await
    }

    /// One review request of a product.
    ///
    /// # Errors
    /// `review_request_not_found`, and what the repository answers.
    pub async fn review(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ReviewRequestId,
    ) -> Result<ReviewRequest, GovernanceError> {
        let found = self.repository.find_review(organization, product, id);
        found.await?.ok_or(GovernanceError::ReviewNotFound)
    }

    /// The review requests of a product, newest first.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn reviews(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<ReviewRequest>, GovernanceError> {
        let page = self.repository.list_reviews(organization, product, page);
        Ok(page.await?)
    }

    /// The settings in force.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn configuration(
        &self,
        organization: OrganizationId,
    ) -> Result<Configuration, GovernanceError> {
        Ok(self.repository.configuration(organization).await?)
    }

    /// Changes the settings: what the input leaves out stays as it is. Settings that are as they were
    /// change nothing and record nothing.
    ///
    /// # Errors
    /// All faulty fields, `precondition_failed` when others are in force than those demanded, and what
    /// the repository answers.
    pub async fn configure(
        &self,
        context: &Context,
        input: &SettingsInput,
        demanded: Option<Version>,
    ) -> Result<Configuration, GovernanceError> {
        for _ in 0..ATTEMPTS {
            let current = self.repository.configuration(context.organization).await?;
            if demanded.is_some_and(|demanded| demanded != current.version) {
                return Err(GovernanceError::PreconditionFailed);
            }
            let next = current
                .settings
                .with(input)
                .map_err(GovernanceError::Invalid)?;
            if next == current.settings {
                return Ok(current);
            }
            let event = GovernanceEvent::SettingsChanged {
                organization: context.organization,
                before: Box::new(current.settings),
                after: Box::new(next),
            };
            let write = GovernanceWrite::Configure {
                settings: Box::new(next),
                expected: current.version,
            };
            let change = Change::new(context, write, event);
            match self.repository.configure(change).await {
                Err(RepositoryError::Stale) => {}
                other => return Ok(other?),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// The fleet in these spaces, or in all, as of now: what is due is judged anew first, and what is
    /// left of it is told as pending.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn overview(
        &self,
        organization: OrganizationId,
        spaces: Option<Vec<SpaceId>>,
        now: OffsetDateTime,
        worst: u32,
    ) -> Result<Overview, GovernanceError> {
        self.catch_up(organization, now).await;
        let fleet = self.repository.fleet(organization, spaces, now, worst);
        Ok(Overview::of(fleet.await?, now))
    }

    /// The postures of products as of now, lowest score first.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn postures(
        &self,
        organization: OrganizationId,
        filter: &PostureFilter,
        now: OffsetDateTime,
        page: &PageRequest,
    ) -> Result<Page<ProductPosture>, GovernanceError> {
        self.catch_up(organization, now).await;
        let page = self.repository.list_postures(organization, filter, page);
        page.await
    }

    /// Judges anew what is due. Where nothing can be written now, reading goes on: what is told is
    /// pending then.
    async fn catch_up(&self, organization: OrganizationId, now: OffsetDateTime) {
        let limit = REJUDGED_BY_AN_OVERVIEW;
        // What went wrong is the repository's to log; the caller asked for a reading.
        let _ = self.repository.rejudge_due(organization, now, limit).await;
    }
}
