//! Risk metric links.

use probity_kernel::{PageRequest, Paging, RepositoryError};

use super::{ALL, Run, drift_limits, must, present};
use crate::link::RiskMetricLink;
use crate::metric::ComplianceStatus;
use crate::repository::{GuardianRepository, GuardianWrite, LinkFilter};
use crate::threshold::ThresholdSource;

impl<R: GuardianRepository> Run<'_, R> {
    async fn new_link(&self, product: probity_kernel::ProductId) -> RiskMetricLink {
        let limits = drift_limits(10.0, 20.0_f64.next_up());
        let change = RiskMetricLink::create(&self.context(), self.new_link_id(), product, limits);
        let write = must(self.repo.commit(change).await, "a new link");
        let GuardianWrite::CreateLink(link) = write else {
            panic!("a new link wrote {write:?}");
        };
        link
    }

    async fn link_by_id(&self, link: &RiskMetricLink) -> Option<RiskMetricLink> {
        let found = self.repo.find_link(self.world.organization, link.id).await;
        must(found, "a link by its id")
    }

    async fn delete(&self, link: &RiskMetricLink) {
        let outcome = self.repo.commit(link.delete(&self.context())).await;
        assert!(
            matches!(outcome, Ok(GuardianWrite::DeleteLink { id, .. }) if id == link.id),
            "{outcome:?}"
        );
    }

    pub(super) async fn links_live_and_die_by_their_version(&self) {
        let (organization, product) = (self.world.organization, self.world.product);
        let link = self.new_link(product).await;
        let of_product = self.repo.link_of(organization, product).await;
        assert_eq!(must(of_product, "a link"), Some(link.clone()));
        assert_eq!(self.link_by_id(&link).await, Some(link.clone()));
        self.a_second_link_is_a_conflict(&link).await;
        self.a_link_is_invisible_elsewhere(&link).await;
        let limits = drift_limits(30.0, 40.0);
        let change = link.update(&self.context(), limits);
        let outcome = self.repo.commit(present(change, "a change")).await;
        let Ok(GuardianWrite::UpdateLink { next, expected: _ }) = outcome else {
            panic!("an update of a link was answered with {outcome:?}");
        };
        assert_eq!((next.overrides, next.version.get()), (limits, 2));
        assert_eq!(self.link_by_id(&link).await, Some(next.clone()));
        let update = present(
            link.update(&self.context(), drift_limits(1.0, 2.0)),
            "a change",
        );
        for stale in [update, link.delete(&self.context())] {
            let outcome = self.repo.commit(stale).await;
            assert!(
                matches!(outcome, Err(RepositoryError::Stale)),
                "{outcome:?}"
            );
        }
        assert_eq!(self.link_by_id(&link).await, Some(next.clone()));
        self.lists_of_links_are_newest_first(&next).await;
        self.delete(&next).await;
        assert_eq!(self.link_by_id(&next).await, None);
        let again = self.repo.commit(next.delete(&self.context())).await;
        assert!(matches!(again, Err(RepositoryError::Stale)), "{again:?}");
    }

    async fn a_second_link_is_a_conflict(&self, link: &RiskMetricLink) {
        let limits = drift_limits(1.0, 2.0);
        let id = self.new_link_id();
        let change = RiskMetricLink::create(&self.context(), id, link.product, limits);
        let outcome = self.repo.commit(change).await;
        assert!(
            matches!(outcome, Err(RepositoryError::Conflict("modelId"))),
            "{outcome:?}"
        );
    }

    async fn a_link_is_invisible_elsewhere(&self, link: &RiskMetricLink) {
        let other = self.world.other_organization;
        let found = self.repo.find_link(other, link.id).await;
        assert_eq!(must(found, "a foreign find"), None);
        let found = self.repo.link_of(other, link.product).await;
        assert_eq!(must(found, "a foreign link"), None);
        let any = LinkFilter::default();
        let page = must(
            self.repo.list_links(other, &any, &ALL).await,
            "foreign links",
        );
        assert_eq!((page.items.len(), page.total), (0, 0));
        let ctx = self.context_of(other);
        let outcome = self.repo.commit(link.delete(&ctx)).await;
        assert!(
            matches!(outcome, Err(RepositoryError::Stale)),
            "{outcome:?}"
        );
    }

    async fn lists_of_links_are_newest_first(&self, older: &RiskMetricLink) {
        let organization = self.world.organization;
        let newer = self.new_link(self.world.second_product).await;
        let any = LinkFilter::default();
        let all = self.repo.list_links(organization, &any, &ALL).await;
        assert_eq!(
            must(all, "links").items,
            [newer.clone(), older.clone()],
            "newest first"
        );
        for filter in [
            LinkFilter {
                product: Some(older.product),
                spaces: None,
            },
            LinkFilter {
                product: None,
                spaces: Some(vec![self.world.space]),
            },
        ] {
            let only = self.repo.list_links(organization, &filter, &ALL).await;
            assert_eq!(must(only, "links").items, std::slice::from_ref(older));
        }
        let mut request = PageRequest::first(1);
        let page = self.repo.list_links(organization, &any, &request).await;
        let page = must(page, "a page of links");
        assert_eq!((page.items, page.total), (vec![newer.clone()], 2));
        request.paging = Paging::After(present(page.next, "a cursor"));
        let page = self.repo.list_links(organization, &any, &request).await;
        let page = must(page, "a page of links");
        assert_eq!((page.items, page.next), (vec![older.clone()], None));
        self.delete(&newer).await;
    }

    pub(super) async fn a_link_decides_what_is_a_breach(&self) {
        let product = self.world.product;
        let link = self.new_link(product).await;
        let judged = self.drift(product, 15.0).await;
        assert_eq!(judged.status, ComplianceStatus::Amber);
        let history = self.history_of(product).await;
        let newest = present(history.first(), "the newest snapshot");
        assert_eq!(newest.threshold_source, ThresholdSource::RiskMetricLink);
        let alert = self.open_drift_alert(product).await;
        assert!((alert.threshold - 10.0).abs() < f64::EPSILON);
        self.delete(&link).await;
        assert_eq!(
            self.open_drift_alert(product).await,
            alert,
            "a link that goes leaves alerts as they are"
        );
        let judged = self.drift(product, 15.0).await;
        assert_eq!(judged.status, ComplianceStatus::Green);
        self.no_alert_is_open(product).await;
    }
}
