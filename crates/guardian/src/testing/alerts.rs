//! The life of alerts.

use probity_kernel::{PageRequest, Paging, ProductId, RepositoryError};
use time::Duration;

use super::{ALL, Run, must, present, with_impact, with_psi};
use crate::alert::{Alert, AlertState, Resolution};
use crate::metric::{ComplianceStatus, MetricKind};
use crate::repository::{AlertFilter, GuardianChange, GuardianRepository, GuardianWrite};
use crate::snapshot::NewSnapshot;

impl<R: GuardianRepository> Run<'_, R> {
    /// Commits a decision on an alert.
    pub(super) async fn commit_alert(&self, change: GuardianChange) -> Alert {
        let write = self.repo.commit(change).await;
        let write = must(write, "a decision on an alert");
        let GuardianWrite::UpdateAlert { next, expected: _ } = write else {
            panic!("a decision on an alert wrote {write:?}");
        };
        next
    }

    pub(super) async fn acknowledged(&self, alert: &Alert) -> Alert {
        let note = Some("looking into it".to_owned());
        let change = must(alert.acknowledge(&self.context(), note), "an open alert");
        self.commit_alert(present(change, "a change")).await
    }

    /// Nobody changes an alert from another organisation.
    pub(super) async fn foreign_changes_are_stale(&self, alert: &Alert) {
        let ctx = self.context_of(self.world.other_organization);
        let change = must(alert.resolve(&ctx, None), "a decision");
        let outcome = self.repo.commit(present(change, "a change")).await;
        assert!(
            matches!(outcome, Err(RepositoryError::Stale)),
            "{outcome:?}"
        );
        assert_eq!(self.alert_of_id(alert).await, *alert);
    }

    pub(super) async fn an_alert_opens_escalates_and_recovers(&self) {
        let product = self.world.product;
        let opening = self.drift(product, 60.0).await;
        let opened = self.open_drift_alert(product).await;
        assert_eq!(opened.severity, ComplianceStatus::Amber);
        assert_eq!(opened.snapshot, opening.snapshot);
        assert_eq!(
            (opened.value, opened.threshold, opened.version.get()),
            (60.0, 50.0, 1)
        );
        self.drift(product, 65.0).await;
        assert_eq!(self.open_drift_alert(product).await, opened, "a repetition");
        let escalating = self.drift(product, 71.0).await;
        let escalated = self.open_drift_alert(product).await;
        assert_eq!(escalated.id, opened.id);
        assert_eq!(escalated.severity, ComplianceStatus::Red);
        assert_eq!(escalated.snapshot, escalating.snapshot);
        assert_eq!(
            (escalated.value, escalated.threshold),
            (71.0, 70.0),
            "what broke the limit"
        );
        assert_eq!(escalated.escalated_at, Some(escalated.updated_at));
        assert_eq!(escalated.version.get(), 2);
        self.drift(product, 60.0).await;
        assert_eq!(
            self.open_drift_alert(product).await,
            escalated,
            "the worst is kept until GREEN"
        );
        let recovering = self.drift(product, 50.0).await;
        self.no_alert_is_open(product).await;
        let recovered = self.alert_of_id(&opened).await;
        assert_eq!(recovered.state, AlertState::Resolved);
        assert_eq!(recovered.resolution, Some(Resolution::Recovered));
        assert_eq!(recovered.resolved_at, Some(recovered.updated_at));
        assert_eq!(recovered.snapshot, recovering.snapshot);
        assert_eq!((recovered.value, recovered.version.get()), (50.0, 3));
        assert_eq!(recovered.severity, ComplianceStatus::Red);
    }

    pub(super) async fn an_escalation_clears_the_acknowledgement(&self) {
        let product = self.world.product;
        self.drift(product, 60.0).await;
        let opened = self.open_drift_alert(product).await;
        let acknowledged = self.acknowledged(&opened).await;
        assert_eq!(self.alert_of_id(&opened).await, acknowledged);
        assert_eq!(
            acknowledged.acknowledged_by.as_deref(),
            Some("system:contract")
        );
        assert_eq!(acknowledged.note.as_deref(), Some("looking into it"));
        assert_eq!(acknowledged.version, opened.version.next());
        self.drift(product, 61.0).await;
        assert_eq!(self.open_drift_alert(product).await, acknowledged);
        self.drift(product, 80.0).await;
        let escalated = self.open_drift_alert(product).await;
        assert_eq!(escalated.acknowledged_at, None);
        assert_eq!(escalated.acknowledged_by, None);
        assert_eq!(escalated.note.as_deref(), Some("looking into it"));
        self.drift(product, 1.0).await;
    }

    pub(super) async fn a_resolved_alert_gives_way_to_a_new_one(&self) {
        let product = self.world.product;
        self.drift(product, 80.0).await;
        let first = self.open_drift_alert(product).await;
        let change = must(first.resolve(&self.context(), None), "a decision");
        let resolved = self.commit_alert(present(change, "a change")).await;
        assert_eq!(self.alert_of_id(&first).await, resolved);
        assert_eq!(resolved.resolution, Some(Resolution::Manual));
        self.no_alert_is_open(product).await;
        self.drift(product, 80.0).await;
        let second = self.open_drift_alert(product).await;
        assert_ne!(second.id, first.id);
        assert_eq!(second.severity, ComplianceStatus::Red);
        self.drift(product, 1.0).await;
        assert_eq!(self.alert_of_id(&first).await, resolved, "it is over");
    }

    pub(super) async fn a_batch_moves_one_alert_several_times(&self) {
        let product = self.world.product;
        let before = self.alerts_of(product, None).await.len();
        let ctx = self.context();
        let drifts = [60.0, 90.0, 10.0, 95.0, 60.0];
        let batch = drifts.map(|drift| self.snapshot(&ctx, product, drift, 95.0));
        self.ingest(ctx, batch.into()).await;
        let open = self.open_drift_alert(product).await;
        assert_eq!((open.value, open.version.get()), (95.0, 1));
        let all = self.alerts_of(product, None).await;
        assert_eq!(all.len(), before + 2);
        let mut same = all.iter().filter(|alert| alert.opened_at == open.opened_at);
        let first = same.find(|alert| alert.id != open.id);
        let first = present(first, "the alert that was opened and resolved in the batch");
        assert_eq!(first.resolution, Some(Resolution::Recovered));
        assert_eq!((first.value, first.version.get()), (10.0, 3));
        self.drift(product, 1.0).await;
    }

    pub(super) async fn absent_metrics_and_late_arrivals_move_nothing(&self) {
        let product = self.world.product;
        let ctx = self.context();
        let past = ctx.now - Duration::days(1);
        let both = with_psi(self.snapshot(&ctx, product, 60.0, 95.0), 0.3);
        self.ingest(ctx, vec![both]).await;
        self.drift(product, 60.0).await;
        let open = self.alerts_of(product, Some(AlertState::Open)).await;
        assert_eq!(open.len(), 2, "a snapshot without psi leaves its alert");
        let ctx = self.context();
        let late = NewSnapshot {
            captured_at: past,
            ..with_psi(self.snapshot(&ctx, product, 99.0, 1.0), 0.0)
        };
        let late_id = late.id;
        let outcome = self.ingest(ctx, vec![late]).await;
        assert_eq!(
            outcome.first().map(|one| one.status),
            Some(ComplianceStatus::Red),
            "a late arrival is judged"
        );
        let history = self.history_of(product).await;
        assert!(
            history.iter().any(|one| one.new.id == late_id),
            "and stored"
        );
        let after = self.alerts_of(product, Some(AlertState::Open)).await;
        assert_eq!(after, open, "but it moves no alert");
        let ctx = self.context();
        let green = with_psi(self.snapshot(&ctx, product, 1.0, 95.0), 0.0);
        self.ingest(ctx, vec![green]).await;
        self.no_alert_is_open(product).await;
    }

    pub(super) async fn stale_alerts_are_refused(&self) {
        let product = self.world.product;
        self.drift(product, 60.0).await;
        let seen = self.open_drift_alert(product).await;
        self.drift(product, 75.0).await;
        let change = must(seen.acknowledge(&self.context(), None), "a decision");
        let outcome = self.repo.commit(present(change, "a change")).await;
        assert!(
            matches!(outcome, Err(RepositoryError::Stale)),
            "{outcome:?}"
        );
        let current = self.open_drift_alert(product).await;
        assert_eq!(current.acknowledged_at, None);
        self.acknowledged(&current).await;
        self.drift(product, 1.0).await;
    }

    pub(super) async fn alerts_are_listed_newest_first_and_filtered(&self) {
        let (first, second) = (self.world.product, self.world.second_product);
        let ctx = self.context();
        let bad = |product: ProductId| {
            let two = self.snapshot(&ctx, product, 60.0, 75.0);
            with_impact(with_psi(two, 0.15), 0.5)
        };
        let batch = vec![bad(first), bad(second)];
        self.ingest(ctx, batch).await;
        let open = |product, metric, severity| AlertFilter {
            spaces: None,
            product,
            metric,
            severity,
            state: Some(AlertState::Open),
        };
        let red = Some(ComplianceStatus::Red);
        for (filter, expected) in [
            (open(None, None, None), 8),
            (open(Some(first), None, None), 4),
            (open(None, Some(MetricKind::Psi), None), 2),
            (open(None, None, red), 4),
            (open(Some(first), Some(MetricKind::Fairness), red), 1),
            (open(Some(first), Some(MetricKind::Psi), red), 0),
            (open(Some(self.world.other_product), None, None), 0),
        ] {
            assert_eq!(self.count(&filter).await, expected, "{filter:?}");
        }
        for (spaces, expected) in [(vec![self.world.space], 4), (Vec::new(), 0)] {
            let filter = AlertFilter {
                spaces: Some(spaces),
                ..open(None, None, None)
            };
            assert_eq!(self.count(&filter).await, expected, "{filter:?}");
        }
        self.pages_of_alerts_join().await;
        let ctx = self.context();
        let good = |product: ProductId| {
            let two = self.snapshot(&ctx, product, 1.0, 95.0);
            with_impact(with_psi(two, 0.0), 1.0)
        };
        let batch = vec![good(first), good(second)];
        self.ingest(ctx, batch).await;
        self.no_alert_is_open(first).await;
        self.no_alert_is_open(second).await;
    }

    async fn count(&self, filter: &AlertFilter) -> u64 {
        let organization = self.world.organization;
        let page = self.repo.list_alerts(organization, filter, &ALL).await;
        let page = must(page, "alerts");
        assert_eq!(u64::try_from(page.items.len()).ok(), Some(page.total));
        page.total
    }

    async fn pages_of_alerts_join(&self) {
        let organization = self.world.organization;
        let filter = AlertFilter::default();
        let all = self.repo.list_alerts(organization, &filter, &ALL).await;
        let all = must(all, "alerts").items;
        let rank = |alert: &Alert| (alert.opened_at, alert.id);
        assert!(all.is_sorted_by(|a, b| rank(a) > rank(b)), "newest first");
        let mut joined = Vec::new();
        let mut request = PageRequest::first(3);
        loop {
            let page = self.repo.list_alerts(organization, &filter, &request).await;
            let page = must(page, "a page of alerts");
            joined.extend(page.items);
            match page.next {
                Some(cursor) => request.paging = Paging::After(cursor),
                None => break,
            }
        }
        assert_eq!(joined, all);
    }
}
