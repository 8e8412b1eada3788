//! The contract of [`AlertsRepository`] as a test that any implementation can run.

use std::fmt::Debug;

use probity_kernel::{
    Actor, AlertId, Context, OrganizationId, PageRequest, Patch, ProductId, RepositoryError,
};
use time::{Duration, OffsetDateTime};

use crate::alert::{AlertState, Resolution, Source, TrackedAlert};
use crate::error::AlertsError;
use crate::preferences::{PreferencesInput, RuleInput};
use crate::repository::{AlertsRepository, AlertsWrite, BannerFilter};
use crate::service::AlertsService;
use crate::severity::Severity;
use crate::sla::{TargetsInput, TierInput};

/// What exists already when the contract is run: two open alerts of high severity, not of a metric and
/// untouched, of one organisation; one such alert of another. Their clocks were started before `now`
/// and less than a minute before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// The organisation in which most of it happens.
    pub organization: OrganizationId,
    /// Its alerts.
    pub alerts: [AlertId; 2],
    /// Another organisation.
    pub other_organization: OrganizationId,
    /// An alert of that one.
    pub other_alert: AlertId,
    /// A moment after all of them opened.
    pub now: OffsetDateTime,
}

/// Runs the whole contract. It leaves resolved alerts, targets and preferences behind.
///
/// # Panics
/// When the repository breaks the contract; the message says where.
pub async fn repository_contract<R: AlertsRepository>(repository: &R, world: &World) {
    let run = Run {
        repository,
        service: AlertsService::new(Borrowed(repository)),
        world: *world,
    };
    run.lists_are_newest_first_and_filtered().await;
    run.lists_leave_muted_products_out().await;
    run.targets_move_by_their_version().await;
    run.preferences_are_ones_own().await;
    run.another_organization_sees_nothing().await;
    run.what_is_late_is_on_the_record_before_it_is_touched()
        .await;
    run.an_alert_is_decided_at_its_version().await;
    run.clocks_are_those_of_the_window().await;
}

/// Runs a future that never waits for anything, as those of an in-memory repository do not.
#[cfg(test)]
pub(crate) fn run_now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

/// So many minutes after the start of the story.
#[cfg(test)]
pub(crate) fn at(minute: i64) -> OffsetDateTime {
    time::macros::datetime!(2026-03-13 09:00 UTC) + Duration::minutes(minute)
}

/// A context at an instant.
#[cfg(test)]
pub(crate) fn context(now: OffsetDateTime) -> Context {
    Context::new(sample_organization(), Actor::System("test"), now)
}

#[cfg(test)]
fn sample_organization() -> OrganizationId {
    OrganizationId::new(uuid::Uuid::from_u128(1))
}

/// An open alert of a runtime event.
#[cfg(test)]
pub(crate) fn sample(severity: Severity, since: OffsetDateTime) -> TrackedAlert {
    let origin = crate::alert::Origin {
        source: Source::RuntimeEvent,
        id: uuid::Uuid::from_u128(3),
        subject: "blocked_action".to_owned(),
    };
    let product = probity_kernel::ProductId::new(uuid::Uuid::from_u128(2));
    let id = AlertId::new(uuid::Uuid::from_u128(4));
    TrackedAlert::open(&context(since), id, product, origin, severity)
}

/// A repository that somebody else holds.
struct Borrowed<'a, R>(&'a R);

impl<R: AlertsRepository> AlertsRepository for Borrowed<'_, R> {
    async fn find_alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
    ) -> Result<Option<TrackedAlert>, RepositoryError> {
        self.0.find_alert(organization, id).await
    }

    async fn list_alerts(
        &self,
        organization: OrganizationId,
        filter: &BannerFilter,
        page: &PageRequest,
    ) -> Result<probity_kernel::Page<TrackedAlert>, RepositoryError> {
        self.0.list_alerts(organization, filter, page).await
    }

    async fn clocks(
        &self,
        organization: OrganizationId,
        from: OffsetDateTime,
        to: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<crate::report::SlaRow>, RepositoryError> {
        self.0.clocks(organization, from, to, limit).await
    }

    async fn targets(
        &self,
        organization: OrganizationId,
    ) -> Result<crate::repository::Configured<crate::sla::SlaTargets>, RepositoryError> {
        self.0.targets(organization).await
    }

    async fn preferences(
        &self,
        organization: OrganizationId,
        recipient: &str,
    ) -> Result<crate::repository::Configured<crate::preferences::Preferences>, RepositoryError>
    {
        self.0.preferences(organization, recipient).await
    }

    async fn commit(
        &self,
        change: crate::repository::AlertsChange,
    ) -> Result<AlertsWrite, RepositoryError> {
        self.0.commit(change).await
    }
}

fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

struct Run<'a, R: AlertsRepository> {
    repository: &'a R,
    service: AlertsService<Borrowed<'a, R>>,
    world: World,
}

impl<R: AlertsRepository> Run<'_, R> {
    fn context(&self, minutes: i64) -> Context {
        let now = self.world.now + Duration::minutes(minutes);
        Context::new(self.world.organization, Actor::System("contract"), now)
    }

    async fn listed(&self, filter: &BannerFilter) -> Vec<AlertId> {
        let page = PageRequest::first(100);
        let found = self.service.list(self.world.organization, filter, &page);
        let found = must(found.await, "a list");
        let ids: Vec<_> = found.items.iter().map(|alert| alert.id).collect();
        assert_eq!(found.total, u64::try_from(ids.len()).unwrap_or_default());
        ids
    }

    async fn alert(&self, id: AlertId) -> TrackedAlert {
        must(
            self.service.alert(self.world.organization, id).await,
            "an alert",
        )
    }

    async fn lists_are_newest_first_and_filtered(&self) {
        let all = self.listed(&BannerFilter::default()).await;
        assert_eq!(all.len(), 2, "{all:?}");
        let mut own = self.world.alerts;
        own.sort_unstable();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, own);
        let one = |filter: BannerFilter| async move { self.listed(&filter).await.len() };
        for (severity, count) in [(Severity::High, 2), (Severity::Critical, 0)] {
            let severities = vec![severity];
            let filter = BannerFilter {
                severities,
                ..BannerFilter::default()
            };
            assert_eq!(one(filter).await, count, "{severity}");
        }
        for (acknowledged, count) in [(false, 2), (true, 0)] {
            let filter = BannerFilter {
                acknowledged: Some(acknowledged),
                state: Some(AlertState::Open),
                ..BannerFilter::default()
            };
            assert_eq!(one(filter).await, count, "acknowledged {acknowledged}");
        }
        let metric = BannerFilter {
            sources: vec![Source::Metric],
            ..BannerFilter::default()
        };
        assert_eq!(one(metric).await, 0);
        let first = PageRequest::first(1);
        let organization = self.world.organization;
        let filter = BannerFilter::default();
        let page = must(
            self.service.list(organization, &filter, &first).await,
            "the first page",
        );
        let Some(next) = page.next else {
            panic!("there is no second page");
        };
        let second = PageRequest {
            limit: 1,
            paging: probity_kernel::Paging::After(next),
        };
        let rest = must(
            self.service.list(organization, &filter, &second).await,
            "the second page",
        );
        let walked = page.items.iter().chain(&rest.items);
        assert_eq!(walked.map(|one| one.id).collect::<Vec<_>>(), all);
        assert_eq!(rest.next, None);
    }

    async fn lists_leave_muted_products_out(&self) {
        let known = self.alert(self.world.alerts[0]).await.product;
        let unknown = ProductId::new(uuid::Uuid::from_u128(1));
        for (muted, count) in [(vec![unknown], 2), (vec![unknown, known], 0)] {
            let filter = BannerFilter {
                muted,
                ..BannerFilter::default()
            };
            assert_eq!(self.listed(&filter).await.len(), count);
        }
    }

    async fn targets_move_by_their_version(&self) {
        let ctx = self.context(0);
        let before = must(self.service.targets(ctx.organization).await, "targets");
        assert_eq!(before.version.get(), 0);
        let input = |minutes| TargetsInput {
            high: TierInput {
                acknowledge: Patch::Value(minutes),
                resolve: Patch::Value(30),
            },
            ..TargetsInput::default()
        };
        let set = self.service.set_targets(&ctx, &input(10), None).await;
        let set = must(set, "new targets");
        assert_eq!(set.version.get(), 1);
        assert_eq!(
            self.service.targets(ctx.organization).await.ok(),
            Some(set.clone())
        );
        let same = self.service.set_targets(&ctx, &input(10), None).await;
        assert_eq!(must(same, "the same targets").version, set.version);
        let newer = input(11);
        let stale = self.service.set_targets(&ctx, &newer, Some(before.version));
        assert!(matches!(stale.await, Err(AlertsError::PreconditionFailed)));
        let next = self.service.set_targets(&ctx, &newer, Some(set.version));
        assert_eq!(must(next.await, "newer targets").version.get(), 2);
        let other = self.service.targets(self.world.other_organization).await;
        assert_eq!(must(other, "the others' targets").version.get(), 0);
    }

    async fn preferences_are_ones_own(&self) {
        let mine = self.context(0);
        let theirs = Context {
            actor: Actor::System("somebody else"),
            ..mine.clone()
        };
        let input = PreferencesInput {
            email: RuleInput {
                enabled: Some(true),
                minimum_severity: Some("medium".to_owned()),
            },
            event_types: Some(vec!["risk_score.changed".to_owned()]),
            muted_products: Some(vec![ProductId::new(uuid::Uuid::from_u128(1))]),
            ..PreferencesInput::default()
        };
        let set = must(
            self.service.set_preferences(&mine, &input, None).await,
            "preferences",
        );
        assert_eq!(set.version.get(), 1);
        assert_eq!(
            self.service.preferences(&mine).await.ok(),
            Some(set.clone())
        );
        let stale = self
            .service
            .set_preferences(&mine, &input, Some(set.version.next()));
        assert!(matches!(stale.await, Err(AlertsError::PreconditionFailed)));
        let abroad = Context {
            organization: self.world.other_organization,
            ..mine.clone()
        };
        for other in [theirs, abroad] {
            let found = must(
                self.service.preferences(&other).await,
                "others' preferences",
            );
            assert_eq!(found.version.get(), 0);
        }
    }

    async fn another_organization_sees_nothing(&self) {
        let World {
            organization,
            alerts: [own, _],
            other_organization,
            other_alert,
            ..
        } = self.world;
        for (organization, alert) in [(organization, other_alert), (other_organization, own)] {
            let found = self.service.alert(organization, alert).await;
            assert!(matches!(found, Err(AlertsError::AlertNotFound)));
        }
        let alert = self.alert(own).await;
        let ctx = Context {
            organization: other_organization,
            ..self.context(0)
        };
        let change = must(alert.acknowledge(&ctx, None), "a change");
        let Some(change) = change else {
            panic!("the alert is acknowledged already");
        };
        let foreign = self.repository.commit(change).await;
        assert!(
            matches!(foreign, Err(RepositoryError::Stale)),
            "{foreign:?}"
        );
    }

    /// The targets are 11 and 30 minutes by now.
    async fn what_is_late_is_on_the_record_before_it_is_touched(&self) {
        let [late, _] = self.world.alerts;
        let ctx = self.context(45);
        let note = Some("at last".to_owned());
        let acknowledged = self.service.acknowledge(&ctx, late, note).await;
        must(acknowledged, "an acknowledgement");
        let found = self.alert(late).await;
        let due = |minutes| Some(found.since + Duration::minutes(minutes));
        assert_eq!(found.acknowledge_breached_at, due(11));
        assert_eq!(found.resolve_breached_at, due(30));
        assert_eq!(found.acknowledged_at, Some(ctx.now));
        assert_eq!(found.note.as_deref(), Some("at last"));
        // Said once: what follows adds nothing.
        let later = self.context(50);
        must(self.service.resolve(&later, late, None).await, "an end");
        let found = self.alert(late).await;
        assert_eq!(found.resolve_breached_at, due(30));
        assert_eq!(found.resolution, Some(Resolution::Manual));
    }

    async fn an_alert_is_decided_at_its_version(&self) {
        let [_, id] = self.world.alerts;
        let alert = self.alert(id).await;
        let ctx = self.context(1);
        let change = |alert: &TrackedAlert| match alert.acknowledge(&ctx, None) {
            Ok(Some(change)) => change,
            other => panic!("{other:?}"),
        };
        must(self.repository.commit(change(&alert)).await, "a change");
        let again = self.repository.commit(change(&alert)).await;
        assert!(matches!(again, Err(RepositoryError::Stale)), "{again:?}");
        must(self.service.resolve(&ctx, id, None).await, "an end");
        let after = self.service.acknowledge(&ctx, id, None).await;
        assert!(matches!(after, Err(AlertsError::AlertResolved)));
        let found = self.alert(id).await;
        assert_eq!(found.acknowledge_breached_at, None);
    }

    async fn clocks_are_those_of_the_window(&self) {
        let now = self.world.now;
        let clocks = |from, to, limit| {
            self.repository
                .clocks(self.world.organization, from, to, limit)
        };
        let hour = Duration::hours(1);
        let all = must(clocks(now - hour, now + hour, 10).await, "clocks");
        assert_eq!(all.len(), 2);
        assert_eq!(all.iter().filter(|row| row.acknowledge_breached).count(), 1);
        assert_eq!(
            must(clocks(now - hour, now + hour, 1).await, "one").len(),
            1
        );
        assert_eq!(
            must(clocks(now + hour, now + hour * 2, 10).await, "none"),
            []
        );
        let report =
            self.service
                .report(self.world.organization, now - hour, now + hour, now + hour);
        let report = must(report.await, "a report");
        let high = report
            .tiers
            .iter()
            .find(|tier| tier.severity == Severity::High);
        let Some(high) = high else {
            panic!("{report:?}");
        };
        assert_eq!(
            (
                high.alerts,
                high.open,
                high.acknowledge.met,
                high.acknowledge.breached
            ),
            (2, 0, 1, 1)
        );
        let empty = self
            .service
            .report(self.world.organization, now, now, now)
            .await;
        assert!(matches!(empty, Err(AlertsError::Invalid(_))));
    }
}
