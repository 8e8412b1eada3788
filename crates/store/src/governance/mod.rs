//! The judgement of products: their evidence, postures and reviews.

mod dossier;
pub(crate) mod evidence;
mod fleet;
mod past;
pub(crate) mod postures;
pub(crate) mod records;
pub(crate) mod reviews;
pub(crate) mod settings;

use probity_governance::{
    Configuration, DecideReview, Dossier, Fleet, GovernanceChange, GovernanceError,
    GovernanceEvent, GovernanceRepository, GovernanceWrite, Posture, PostureFilter, ProductPosture,
    RequestReview, Requested, ReviewRequest, assess, overview,
};
use probity_kernel::{
    Context, OrganizationId, Page, PageRequest, ProductId, RepositoryError, ReviewRequestId,
    SpaceId,
};
use time::{Duration, OffsetDateTime};

use self::postures::PostureRow;
use crate::alerts::tracking;
use crate::connection::Scope;
use crate::database::Database;
use crate::error::{StoreError, StoreResult};
use crate::turn::Tx;

/// The repository of the judgement over Diesel.
#[derive(Debug, Clone)]
pub struct DieselGovernance {
    database: Database,
}

impl DieselGovernance {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The products that a filter wants as they stood at an instant, in the order of lists.
    async fn judged_as_of(
        &self,
        organization: OrganizationId,
        at: OffsetDateTime,
        filter: PostureFilter,
    ) -> Result<Vec<ProductPosture>, GovernanceError> {
        let read = self
            .database
            .scan(Scope::Organization(organization), move |conn| {
                past::judged(conn, organization, at, &filter)
            });
        read.await?
    }
}

impl GovernanceRepository for DieselGovernance {
    async fn dossier(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<Option<Dossier>, GovernanceError> {
        let read = self
            .database
            .points(Scope::Organization(organization), move |conn| {
                dossier::read(conn, organization, product)
            });
        read.await?.transpose()
    }

    async fn request_review(&self, command: RequestReview) -> Result<Requested, GovernanceError> {
        let organization = command.context.organization;
        let written = self
            .database
            .write(organization, move |tx| reviews::request(tx, &command));
        written.await?
    }

    async fn decide_review(&self, command: DecideReview) -> Result<ReviewRequest, GovernanceError> {
        let organization = command.context.organization;
        let written = self
            .database
            .write(organization, move |tx| reviews::decide(tx, &command));
        written.await?
    }

    async fn find_review(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ReviewRequestId,
    ) -> Result<Option<ReviewRequest>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                reviews::find(conn, organization, product, id)
            })
            .await
    }

    async fn list_reviews(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<ReviewRequest>, RepositoryError> {
        let page = page.clone();
        self.database
            .points(Scope::Organization(organization), move |conn| {
                reviews::list(conn, organization, product, &page)
            })
            .await
    }

    async fn configuration(
        &self,
        organization: OrganizationId,
    ) -> Result<Configuration, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                settings::in_force(conn, organization)
            })
            .await
    }

    async fn configure(&self, change: GovernanceChange) -> Result<Configuration, RepositoryError> {
        let (context, write, event) = change.into_parts();
        let organization = context.organization;
        self.database
            .write(organization, move |tx| {
                let GovernanceWrite::Configure { settings, expected } = &write else {
                    return Err(StoreError(RepositoryError::Stale));
                };
                let stored = settings::configure(tx, &context, settings, *expected)?;
                tx.record(&context, &event)?;
                Ok(stored)
            })
            .await
    }

    async fn rejudge_due(
        &self,
        organization: OrganizationId,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        // The past is judged as of its instant whenever it is asked for.
        if self.database.is_past() {
            return Ok(0);
        }
        let looked = self
            .database
            .point(Scope::Organization(organization), move |conn| {
                Ok(!fleet::due(conn, organization, now, 1)?.is_empty())
            });
        if !looked.await? {
            return Ok(0);
        }
        self.database
            .write(organization, move |tx| {
                fleet::rejudge(tx, organization, now, limit)
            })
            .await
            .inspect_err(|error| {
                tracing::warn!(error = ?error, "products that are due were not judged anew");
            })
    }

    async fn fleet(
        &self,
        organization: OrganizationId,
        spaces: Option<Vec<SpaceId>>,
        now: OffsetDateTime,
        worst: u32,
    ) -> Result<Fleet, GovernanceError> {
        if let Some(at) = self.database.past_at() {
            let filter = PostureFilter {
                spaces,
                ..PostureFilter::default()
            };
            let products = self.judged_as_of(organization, at, filter).await?;
            return Ok(Fleet::of(products, worst));
        }
        let read = self
            .database
            .points(Scope::Organization(organization), move |conn| {
                fleet::fleet(conn, organization, spaces.as_deref(), now, worst)
            });
        Ok(read.await?)
    }

    async fn list_postures(
        &self,
        organization: OrganizationId,
        filter: &PostureFilter,
        page: &PageRequest,
    ) -> Result<Page<ProductPosture>, GovernanceError> {
        let (filter, page) = (filter.clone(), page.clone());
        if let Some(at) = self.database.past_at() {
            let products = self.judged_as_of(organization, at, filter).await?;
            return Ok(overview::page_of(products, &page));
        }
        let read = self
            .database
            .scan(Scope::Organization(organization), move |conn| {
                fleet::list(conn, organization, &filter, &page)
            });
        Ok(read.await?)
    }
}

impl Database {
    /// Judges products anew that are due, at most `limit`, for a worker. Blocks meanwhile. Answers how
    /// many it judged.
    ///
    /// # Errors
    /// What the database says.
    pub fn rejudge_due(
        &self,
        organization: OrganizationId,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        self.write_blocking(organization, move |tx| {
            fleet::rejudge(tx, organization, now, limit)
        })
    }

    /// The organisations with products that are due. Blocks meanwhile.
    ///
    /// # Errors
    /// What the database says.
    pub fn organizations_due(
        &self,
        now: OffsetDateTime,
    ) -> Result<Vec<OrganizationId>, RepositoryError> {
        self.system_read(|conn| fleet::organizations_due(conn, now))
    }
}

/// Judges a product anew after something that is known about it has changed, in the transaction that
/// changed it. A change of its score or its review status goes on the record; that it is judged for
/// the first time does not. What is archived or of a type that is not judged loses its posture.
pub(crate) fn reassess(tx: &mut Tx<'_>, context: &Context, product: ProductId) -> StoreResult<()> {
    let organization = context.organization;
    let before = postures::stored(tx.conn, organization, product)?;
    let known = evidence::read(tx.conn, organization, product)?;
    let configuration = settings::in_force(tx.conn, organization)?;
    judge(tx, context, &configuration, product, before, known)
}

/// The judgement of [`reassess`] over what was read.
fn judge(
    tx: &mut Tx<'_>,
    context: &Context,
    configuration: &Configuration,
    product: ProductId,
    before: Option<PostureRow>,
    known: Option<evidence::Known>,
) -> StoreResult<()> {
    let organization = context.organization;
    let judged = known.filter(|known| !known.archived);
    let judged = judged.and_then(|known| Some((known.space, known.evidence?)));
    let Some((space, evidence)) = judged else {
        let Some(row) = &before else { return Ok(()) };
        let worst = Posture::try_from(row.clone()).ok();
        let worst = worst.and_then(|posture| posture.worst_severity);
        postures::remove(tx.writing(), row)?;
        return tracking::posture_moved(tx, context, product, worst, None);
    };
    // A request that waited in the lane is older than what was judged meanwhile: time does not run
    // backwards for a product.
    let earlier = before.as_ref().map(|row| row.evaluated_at().0);
    let now = earlier.map_or(context.now, |earlier| earlier.max(context.now));
    let assessment = assess(&evidence, &configuration.settings, now);
    let after = Posture::of(&assessment, configuration.version, now);
    let row = PostureRow::new(organization, product, space, &after);
    postures::keep(tx.writing(), before.as_ref(), &row)?;
    let Some(before) = before.filter(PostureRow::is_judged) else {
        return Ok(());
    };
    let before = Posture::try_from(before).map_err(StoreError)?;
    let worst = [before.worst_severity, after.worst_severity];
    if (before.score, before.review_status) != (after.score, after.review_status) {
        let event = GovernanceEvent::ScoreChanged {
            product,
            before: Box::new(before),
            after: Box::new(after),
        };
        tx.record(context, &event)?;
    }
    let [before, after] = worst;
    tracking::posture_moved(tx, context, product, before, after)
}

/// Judges a product anew after a snapshot arrived, where that can bring it back under monitoring: it
/// is the first, or the one before is older than the shortest monitoring window, a day. What arrives
/// while monitoring goes on moves no judgement and costs nothing.
pub(crate) fn after_snapshot(
    tx: &mut Tx<'_>,
    context: &Context,
    product: ProductId,
    captured_before: Option<OffsetDateTime>,
) -> StoreResult<()> {
    let recent = captured_before.is_some_and(|at| context.now - at < Duration::DAY);
    if recent {
        return Ok(());
    }
    reassess(tx, context, product)
}
