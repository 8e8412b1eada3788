//! The commands and questions of Guardian over any repository.

use probity_kernel::{
    AlertId, Context, FieldError, IdSource, OrganizationId, Page, PageRequest, ProductId,
    RepositoryError, RiskMetricLinkId, SnapshotId, Version,
};

use crate::alert::Alert;
use crate::error::GuardianError;
use crate::ingestion::{Ingestion, check_batch};
use crate::link::{RiskMetricLink, ThresholdOverrides};
use crate::repository::{
    AlertFilter, GuardianChange, GuardianRepository, GuardianWrite, HistoryFilter, Ingested,
    LinkFilter,
};
use crate::snapshot::{Snapshot, SnapshotDraft};
use crate::standing::effective;
use crate::threshold::{ThresholdSource, Thresholds};

/// A decision of a person on an alert: [`Alert::acknowledge`] or [`Alert::resolve`].
type Decide = fn(&Alert, &Context, Option<String>) -> Result<Option<GuardianChange>, GuardianError>;

/// Guardian over a repository and a source of ids.
#[derive(Debug, Clone)]
pub struct GuardianService<R, I> {
    repository: R,
    ids: I,
}

impl<R: GuardianRepository, I: IdSource> GuardianService<R, I> {
    /// Guardian over this repository.
    pub const fn new(repository: R, ids: I) -> Self {
        Self { repository, ids }
    }

    /// Takes in one snapshot; faults name its fields (`/driftScore`).
    ///
    /// # Errors
    /// `invalid_payload`, `model_not_found`, and what the repository answers.
    pub async fn ingest(
        &self,
        ctx: Context,
        draft: SnapshotDraft,
    ) -> Result<Ingested, GuardianError> {
        let id = SnapshotId::new(self.ids.next_id(ctx.now));
        let parsed = draft.parse(id, ctx.now, "");
        let snapshot = parsed.map_err(GuardianError::InvalidPayload)?;
        let ingestion = Ingestion::single(ctx, snapshot);
        let outcome = self.repository.ingest(ingestion).await?;
        let only = outcome.into_iter().next();
        only.ok_or_else(|| unexpected("an ingestion without an outcome").into())
    }

    /// Takes in 1 to 100 snapshots, all or none; faults name index and field
    /// (`/snapshots/3/driftScore`), those of every snapshot at once.
    ///
    /// # Errors
    /// `invalid_payload`, `model_not_found` for the first unknown product, and what the repository
    /// answers.
    pub async fn ingest_batch(
        &self,
        ctx: Context,
        drafts: Vec<SnapshotDraft>,
    ) -> Result<Vec<Ingested>, GuardianError> {
        let refuse = |fault| GuardianError::InvalidPayload(vec![fault]);
        check_batch(drafts.len()).map_err(refuse)?;
        let mut snapshots = Vec::with_capacity(drafts.len());
        let mut faults = Vec::new();
        for (index, draft) in drafts.into_iter().enumerate() {
            let id = SnapshotId::new(self.ids.next_id(ctx.now));
            match draft.parse(id, ctx.now, &format!("/snapshots/{index}")) {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(found) => faults.extend(found),
            }
        }
        if !faults.is_empty() {
            return Err(GuardianError::InvalidPayload(faults));
        }
        let ingestion = Ingestion::new(ctx, snapshots).map_err(refuse)?;
        Ok(self.repository.ingest(ingestion).await?)
    }

    /// The limits in force for a product, with their source.
    ///
    /// # Errors
    /// `model_not_found`, and what the repository answers.
    pub async fn thresholds(
        &self,
        organization: OrganizationId,
        product: ProductId,
    ) -> Result<(Thresholds, ThresholdSource), GuardianError> {
        let link = self.repository.link_of(organization, product).await?;
        if link.is_none() {
            self.require(organization, product, "modelId").await?;
        }
        Ok(effective(link.as_ref().map(|link| &link.overrides)))
    }

    /// The snapshots of a product, newest captured first.
    ///
    /// # Errors
    /// `invalid_payload` when `from` is after `to`, `model_not_found`, and what the repository
    /// answers.
    pub async fn history(
        &self,
        organization: OrganizationId,
        filter: &HistoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Snapshot>, GuardianError> {
        if let (Some(from), Some(to)) = (filter.from, filter.to)
            && from > to
        {
            let fault = FieldError::new("to", "out_of_order", "must not be before `from`");
            return Err(GuardianError::InvalidPayload(vec![fault]));
        }
        self.require(organization, filter.product, "modelId")
            .await?;
        Ok(self.repository.history(organization, filter, page).await?)
    }

    /// Gives a product limits of its own.
    ///
    /// # Errors
    /// `model_not_found`, `link_already_exists`, and what the repository answers.
    pub async fn create_link(
        &self,
        ctx: &Context,
        product: ProductId,
        overrides: ThresholdOverrides,
    ) -> Result<RiskMetricLink, GuardianError> {
        self.require(ctx.organization, product, "/modelId").await?;
        let id = RiskMetricLinkId::new(self.ids.next_id(ctx.now));
        let change = RiskMetricLink::create(ctx, id, product, overrides);
        match self.repository.commit(change).await {
            Ok(write) => link_in(write),
            Err(RepositoryError::Conflict(_)) => Err(GuardianError::LinkExists),
            Err(error) => Err(error.into()),
        }
    }

    /// One link.
    ///
    /// # Errors
    /// `link_not_found`, and what the repository answers.
    pub async fn link(
        &self,
        organization: OrganizationId,
        id: RiskMetricLinkId,
    ) -> Result<RiskMetricLink, GuardianError> {
        let found = self.repository.find_link(organization, id).await?;
        found.ok_or(GuardianError::LinkNotFound)
    }

    /// The links of the organisation that pass the filter, newest first. An unknown product has none.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn list_links(
        &self,
        organization: OrganizationId,
        filter: &LinkFilter,
        page: &PageRequest,
    ) -> Result<Page<RiskMetricLink>, GuardianError> {
        let found = self.repository.list_links(organization, filter, page);
        Ok(found.await?)
    }

    /// Replaces the limits of a link, if it is at the expected version. Without one the last
    /// writer wins.
    ///
    /// # Errors
    /// `link_not_found`, `precondition_failed`, and what the repository answers.
    pub async fn update_link(
        &self,
        ctx: &Context,
        id: RiskMetricLinkId,
        overrides: ThresholdOverrides,
        expected: Option<Version>,
    ) -> Result<RiskMetricLink, GuardianError> {
        let mut retried = false;
        loop {
            let link = self.expected_link(ctx, id, expected).await?;
            let Some(change) = link.update(ctx, overrides) else {
                return Ok(link);
            };
            match self.repository.commit(change).await {
                Err(RepositoryError::Stale) if !retried => retried = true,
                Err(error) => return Err(error.into()),
                Ok(write) => return link_in(write),
            }
        }
    }

    /// Deletes a link, if it is at the expected version, and so takes its product back to the
    /// defaults.
    ///
    /// # Errors
    /// `link_not_found`, `precondition_failed`, and what the repository answers.
    pub async fn delete_link(
        &self,
        ctx: &Context,
        id: RiskMetricLinkId,
        expected: Option<Version>,
    ) -> Result<(), GuardianError> {
        let mut retried = false;
        loop {
            let link = self.expected_link(ctx, id, expected).await?;
            match self.repository.commit(link.delete(ctx)).await {
                Err(RepositoryError::Stale) if !retried => retried = true,
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// One alert.
    ///
    /// # Errors
    /// `alert_not_found`, and what the repository answers.
    pub async fn alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
    ) -> Result<Alert, GuardianError> {
        let found = self.repository.find_alert(organization, id).await?;
        found.ok_or(GuardianError::AlertNotFound)
    }

    /// The alerts of the organisation, newest opened first.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn list_alerts(
        &self,
        organization: OrganizationId,
        filter: &AlertFilter,
        page: &PageRequest,
    ) -> Result<Page<Alert>, GuardianError> {
        let found = self.repository.list_alerts(organization, filter, page);
        Ok(found.await?)
    }

    /// Acknowledges an alert; once more changes nothing.
    ///
    /// # Errors
    /// `alert_not_found`, `alert_resolved`, `invalid_payload` for the note, and what the
    /// repository answers.
    pub async fn acknowledge(
        &self,
        ctx: &Context,
        id: AlertId,
        note: Option<String>,
    ) -> Result<Alert, GuardianError> {
        self.decide(ctx, id, note, Alert::acknowledge).await
    }

    /// Resolves an alert by hand; once more changes nothing.
    ///
    /// # Errors
    /// `alert_not_found`, `invalid_payload` for the note, and what the repository answers.
    pub async fn resolve(
        &self,
        ctx: &Context,
        id: AlertId,
        note: Option<String>,
    ) -> Result<Alert, GuardianError> {
        self.decide(ctx, id, note, Alert::resolve).await
    }

    /// Decides on an alert as it stands; a second time when a snapshot moved it in between.
    async fn decide(
        &self,
        ctx: &Context,
        id: AlertId,
        note: Option<String>,
        decide: Decide,
    ) -> Result<Alert, GuardianError> {
        let mut retried = false;
        loop {
            let alert = self.alert(ctx.organization, id).await?;
            let Some(change) = decide(&alert, ctx, note.clone())? else {
                return Ok(alert);
            };
            match self.repository.commit(change).await {
                Err(RepositoryError::Stale) if !retried => retried = true,
                Err(error) => return Err(error.into()),
                Ok(GuardianWrite::UpdateAlert { next, expected: _ }) => return Ok(next),
                Ok(_) => return Err(unexpected("an alert's commit without an alert").into()),
            }
        }
    }

    /// The link, when it is at the version that the caller expects.
    async fn expected_link(
        &self,
        ctx: &Context,
        id: RiskMetricLinkId,
        expected: Option<Version>,
    ) -> Result<RiskMetricLink, GuardianError> {
        let link = self.link(ctx.organization, id).await?;
        if expected.is_some_and(|version| version != link.version) {
            return Err(GuardianError::PreconditionFailed);
        }
        Ok(link)
    }

    async fn require(
        &self,
        organization: OrganizationId,
        product: ProductId,
        field: &str,
    ) -> Result<(), GuardianError> {
        let exists = self.repository.product_exists(organization, product);
        if exists.await? {
            return Ok(());
        }
        Err(GuardianError::ModelNotFound {
            field: field.to_owned(),
        })
    }
}

/// The link that a commit wrote.
fn link_in(write: GuardianWrite) -> Result<RiskMetricLink, GuardianError> {
    match write {
        GuardianWrite::CreateLink(link) => Ok(link),
        GuardianWrite::UpdateLink { next, expected: _ } => Ok(next),
        GuardianWrite::DeleteLink { .. } | GuardianWrite::UpdateAlert { .. } => {
            Err(unexpected("a link's commit without a link").into())
        }
    }
}

/// A repository broke its contract.
fn unexpected(what: &'static str) -> RepositoryError {
    RepositoryError::Database(what.into())
}

#[cfg(test)]
mod tests;
