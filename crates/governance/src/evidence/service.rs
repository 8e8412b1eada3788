//! The commands and questions on evidence over any repository.

use probity_kernel::{
    Context, IdSource, OrganizationId, Page, PageRequest, ProductId, RepositoryError,
    RuntimeEventId, SafetyMetricId, TrainingRunId, Version,
};

use super::change_log::{DraftRequest, last_entry};
use super::error::EvidenceError;
use super::repository::{EvidenceChange, EvidenceRepository, EvidenceWrite};
use super::runtime_event::{RuntimeEvent, RuntimeEventInput};
use super::safety_metric::{MetricInput, SafetyMetric};
use super::training_run::{RunInput, RunPatch, TrainingRun};
use super::vocabulary::MetricCategory;

/// How often a change that demands no version is decided anew when others came first. Each of many
/// deployments at once moves the run that it takes the flag from.
const ATTEMPTS: usize = 8;

/// Evidence over a repository and a source of ids.
#[derive(Debug, Clone)]
pub struct EvidenceService<R, I> {
    repository: R,
    ids: I,
}

impl<R: EvidenceRepository, I: IdSource> EvidenceService<R, I> {
    /// Evidence over this repository.
    pub const fn new(repository: R, ids: I) -> Self {
        Self { repository, ids }
    }

    /// The repository underneath.
    pub const fn repository(&self) -> &R {
        &self.repository
    }

    /// Records a run.
    ///
    /// # Errors
    /// `validation_error`, `product_not_found`, `product_archived`, and what the repository
    /// answers.
    pub async fn record_run(
        &self,
        ctx: &Context,
        product: ProductId,
        input: RunInput,
    ) -> Result<TrainingRun, EvidenceError> {
        let fields = input.parse(ctx.now).map_err(EvidenceError::Invalid)?;
        let id = TrainingRunId::new(self.ids.next_id(ctx.now));
        let change = TrainingRun::record(ctx, id, product, fields);
        let EvidenceWrite::CreateRun(run) = self.claimed(product, change).await? else {
            return Err(unexpected());
        };
        Ok(*run)
    }

    /// One run.
    ///
    /// # Errors
    /// `training_run_not_found`, and what the repository answers.
    pub async fn run(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: TrainingRunId,
    ) -> Result<TrainingRun, EvidenceError> {
        let found = self.repository.find_run(organization, product, id).await?;
        found.ok_or(EvidenceError::RunNotFound)
    }

    /// The runs of a product, newest start first, those without one last.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn list_runs(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<TrainingRun>, EvidenceError> {
        let found = self.repository.list_runs(organization, product, page);
        Ok(found.await?)
    }

    /// Changes what is known about a run, if it is at the expected version.
    ///
    /// # Errors
    /// `training_run_not_found`, `validation_error`, `precondition_failed`, `product_archived`, and
    /// what the repository answers.
    pub async fn update_run(
        &self,
        ctx: &Context,
        product: ProductId,
        id: TrainingRunId,
        patch: RunPatch,
        expected: Option<Version>,
    ) -> Result<TrainingRun, EvidenceError> {
        let mut attempt = 1;
        loop {
            let run = self.run(ctx.organization, product, id).await?;
            demand(run.version, expected)?;
            let input = patch.clone().over(&run.fields);
            let fields = input.and_then(|input| input.parse(ctx.now));
            let fields = fields.map_err(EvidenceError::Invalid)?;
            let Some(change) = run.update(ctx, fields) else {
                return Ok(run);
            };
            match self.repository.commit(change).await {
                Err(RepositoryError::Stale) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error.into()),
                Ok(EvidenceWrite::UpdateRun { next, expected: _ }) => return Ok(*next),
                Ok(_) => return Err(unexpected()),
            }
        }
    }

    /// Deletes a run, if it is at the expected version.
    ///
    /// # Errors
    /// `training_run_not_found`, `precondition_failed`, `product_archived`, and what the repository
    /// answers.
    pub async fn delete_run(
        &self,
        ctx: &Context,
        product: ProductId,
        id: TrainingRunId,
        expected: Option<Version>,
    ) -> Result<(), EvidenceError> {
        let mut attempt = 1;
        loop {
            let run = self.run(ctx.organization, product, id).await?;
            demand(run.version, expected)?;
            match self.repository.commit(run.delete(ctx)).await {
                Err(RepositoryError::Stale) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// Records a metric.
    ///
    /// # Errors
    /// `validation_error`, `product_not_found`, `product_archived`, and what the repository
    /// answers.
    pub async fn record_metric(
        &self,
        ctx: &Context,
        product: ProductId,
        input: MetricInput,
    ) -> Result<SafetyMetric, EvidenceError> {
        let fields = input.parse(ctx.now).map_err(EvidenceError::Invalid)?;
        let id = SafetyMetricId::new(self.ids.next_id(ctx.now));
        let change = SafetyMetric::record(ctx, id, product, fields);
        let EvidenceWrite::CreateMetric(metric) = self.claimed(product, change).await? else {
            return Err(unexpected());
        };
        Ok(*metric)
    }

    /// One metric.
    ///
    /// # Errors
    /// `safety_metric_not_found`, and what the repository answers.
    pub async fn metric(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: SafetyMetricId,
    ) -> Result<SafetyMetric, EvidenceError> {
        let found = self.repository.find_metric(organization, product, id);
        found.await?.ok_or(EvidenceError::MetricNotFound)
    }

    /// The metrics of a product by category, name and newest measurement.
    ///
    /// # Errors
    /// `validation_error` for a cursor whose metric is gone, and what the repository answers.
    pub async fn list_metrics(
        &self,
        organization: OrganizationId,
        product: ProductId,
        category: Option<MetricCategory>,
        page: &PageRequest,
    ) -> Result<Page<SafetyMetric>, EvidenceError> {
        let found = self
            .repository
            .list_metrics(organization, product, category, page);
        Ok(found.await?)
    }

    /// Changes what is known about a metric, if it is at the expected version; what the patch does
    /// not hold stays as it is.
    ///
    /// # Errors
    /// `safety_metric_not_found`, `validation_error`, `precondition_failed`, `product_archived`,
    /// and what the repository answers.
    pub async fn update_metric(
        &self,
        ctx: &Context,
        product: ProductId,
        id: SafetyMetricId,
        patch: MetricInput,
        expected: Option<Version>,
    ) -> Result<SafetyMetric, EvidenceError> {
        self.change_metric(ctx, product, id, expected, |metric| {
            let fields = patch.clone().over(&metric.fields).parse(ctx.now);
            let fields = fields.map_err(EvidenceError::Invalid)?;
            Ok(metric.update(ctx, fields))
        })
        .await
    }

    /// The caller vouches for a metric as it stands, if it is at the expected version.
    ///
    /// # Errors
    /// `safety_metric_not_found`, `precondition_failed`, `product_archived`, and what the
    /// repository answers.
    pub async fn attest_metric(
        &self,
        ctx: &Context,
        product: ProductId,
        id: SafetyMetricId,
        expected: Option<Version>,
    ) -> Result<SafetyMetric, EvidenceError> {
        let attest = |metric: &SafetyMetric| Ok(Some(metric.attest(ctx)));
        self.change_metric(ctx, product, id, expected, attest).await
    }

    /// Deletes a metric, if it is at the expected version.
    ///
    /// # Errors
    /// `safety_metric_not_found`, `precondition_failed`, `product_archived`, and what the
    /// repository answers.
    pub async fn delete_metric(
        &self,
        ctx: &Context,
        product: ProductId,
        id: SafetyMetricId,
        expected: Option<Version>,
    ) -> Result<(), EvidenceError> {
        let mut attempt = 1;
        loop {
            let metric = self.metric(ctx.organization, product, id).await?;
            demand(metric.version, expected)?;
            match self.repository.commit(metric.delete(ctx)).await {
                Err(RepositoryError::Stale) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// Records a runtime event.
    ///
    /// # Errors
    /// `validation_error`, `product_not_found`, `product_archived`, and what the repository
    /// answers.
    pub async fn record_runtime_event(
        &self,
        ctx: &Context,
        product: ProductId,
        input: RuntimeEventInput,
    ) -> Result<RuntimeEvent, EvidenceError> {
        let id = RuntimeEventId::new(self.ids.next_id(ctx.now));
        let event = RuntimeEvent::parse(ctx, id, product, input);
        let change = event.map_err(EvidenceError::Invalid)?.record(ctx);
        let EvidenceWrite::RecordRuntimeEvent(event) = self.claimed(product, change).await? else {
            return Err(unexpected());
        };
        Ok(*event)
    }

    /// The runtime events of a product, newest first.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn list_runtime_events(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<RuntimeEvent>, EvidenceError> {
        let found = self
            .repository
            .list_runtime_events(organization, product, page);
        Ok(found.await?)
    }

    /// What a draft of the product's next change log entry is made of: everything that was recorded
    /// since the last dated entry of the log there is.
    ///
    /// # Errors
    /// `validation_error` for the log, and what the repository answers.
    pub async fn change_log_request(
        &self,
        ctx: &Context,
        product: ProductId,
        product_name: String,
        existing: Option<String>,
    ) -> Result<DraftRequest, EvidenceError> {
        let checked = DraftRequest::check_log(existing.as_deref());
        checked.map_err(|fault| EvidenceError::Invalid(vec![fault]))?;
        let today = ctx.now.date();
        let last = existing.as_deref().and_then(|log| last_entry(log, today));
        let since = last.map(|date| date.midnight().assume_utc());
        let found = self.repository.material(ctx.organization, product, since);
        Ok(DraftRequest {
            product_name,
            today,
            last_entry: last,
            existing: existing.unwrap_or_default(),
            material: found.await?,
        })
    }

    /// Commits what creates. The claim may have been spent on another product of the same route:
    /// that is another request.
    async fn claimed(
        &self,
        product: ProductId,
        change: EvidenceChange,
    ) -> Result<EvidenceWrite, EvidenceError> {
        let write = self.repository.commit(change).await?;
        if write.product() == product {
            return Ok(write);
        }
        Err(RepositoryError::IdempotencyMismatch.into())
    }

    async fn change_metric(
        &self,
        ctx: &Context,
        product: ProductId,
        id: SafetyMetricId,
        expected: Option<Version>,
        decide: impl Fn(&SafetyMetric) -> Result<Option<EvidenceChange>, EvidenceError> + Send,
    ) -> Result<SafetyMetric, EvidenceError> {
        let mut attempt = 1;
        loop {
            let metric = self.metric(ctx.organization, product, id).await?;
            demand(metric.version, expected)?;
            let Some(change) = decide(&metric)? else {
                return Ok(metric);
            };
            match self.repository.commit(change).await {
                Err(RepositoryError::Stale) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error.into()),
                Ok(EvidenceWrite::UpdateMetric { next, expected: _ }) => return Ok(*next),
                Ok(_) => return Err(unexpected()),
            }
        }
    }
}

/// Goes on only at the version that the caller demands.
fn demand(stored: Version, expected: Option<Version>) -> Result<(), EvidenceError> {
    if expected.is_some_and(|version| version != stored) {
        return Err(EvidenceError::PreconditionFailed);
    }
    Ok(())
}

/// A claim that was spent on another kind of write, which only a fault of ours can bring about.
fn unexpected() -> EvidenceError {
    RepositoryError::Database("a commit answered another write".into()).into()
}

#[cfg(test)]
mod tests;
