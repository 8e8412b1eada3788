//! Safety metrics.

use probity_kernel::RepositoryError;
use time::Duration;

use super::{Run, START, bare_metric, must, present};
use crate::evidence::repository::{EvidenceRepository, EvidenceWrite};
use crate::evidence::safety_metric::{MetricFields, MetricInput};

fn full_metric() -> MetricInput {
    let text = |text: &str| Some(text.to_owned());
    MetricInput {
        category: text("fairness"),
        metric_name: text("False positive rate parity"),
        metric_value: Some(0.03),
        unit: text("ratio"),
        threshold_warning: Some(0.05),
        threshold_critical: Some(0.1),
        status: text("healthy"),
        test_dataset: text("claims_fairness_eval"),
        test_dataset_version: text("2026.06"),
        methodology: text("Compared by age band\nand region."),
        measured_at: Some(START + Duration::microseconds(3)),
        demographic_group: text("all groups"),
        external_url: text("https://example.com/reports/claims-fairness"),
        notes: text("Reviewed."),
    }
}

impl<R: EvidenceRepository> Run<'_, R> {
    pub(super) async fn a_metric_comes_back_as_it_went_in(&self) {
        for input in [bare_metric("drift", "bare"), full_metric()] {
            let metric = self.recorded_metric(self.world.product, input).await;
            assert_eq!(self.stored_metric(&metric).await, Some(metric));
        }
    }

    pub(super) async fn metrics_live_and_die_by_their_version(&self) {
        let metric = self
            .recorded_metric(self.world.product, full_metric())
            .await;
        let attest = || metric.attest(&self.context());
        let EvidenceWrite::UpdateMetric { next, .. } =
            must(self.repo.commit(attest()).await, "an attestation")
        else {
            panic!("an attestation answered something else");
        };
        assert!(next.attestation.is_some());
        assert_eq!(
            self.stored_metric(&metric).await.as_ref(),
            Some(next.as_ref())
        );
        for stale in [attest(), metric.delete(&self.context())] {
            let outcome = self.repo.commit(stale).await;
            assert!(
                matches!(outcome, Err(RepositoryError::Stale)),
                "{outcome:?}"
            );
        }
        let worse = MetricFields {
            metric_value: Some(-1e300),
            ..next.fields.clone()
        };
        let change = present(next.update(&self.context(), worse), "a change");
        let EvidenceWrite::UpdateMetric { next, .. } =
            must(self.repo.commit(change).await, "an update")
        else {
            panic!("an update answered something else");
        };
        assert_eq!(next.attestation, None);
        assert_eq!(
            self.stored_metric(&metric).await.as_ref(),
            Some(next.as_ref())
        );
        must(
            self.repo.commit(next.delete(&self.context())).await,
            "a deletion",
        );
        assert_eq!(self.stored_metric(&metric).await, None);
    }
}
