//! Dead letters and events that were never delivered.

use super::{Run, must, result};
use crate::delivery::{DeliveryFilter, DeliveryState, Next};
use crate::repository::{DeliveryQueue, WebhookRepository};
use crate::service::ReplayRange;
use probity_kernel::PageRequest;

impl<R: WebhookRepository + DeliveryQueue> Run<'_, R> {
    pub(super) async fn dead_letters_and_missed_events_are_replayed(&self) {
        self.happen(600).await;
        let ctx = self.context(601);
        let endpoint = self.register(&ctx, &["webhook.endpoint.disabled"]).await;
        self.happen(602).await;
        let claims = self.claim(&endpoint, 10, self.at(603)).await;
        let dead = claims
            .iter()
            .map(|one| result(one, Next::Dead, self.at(603)));
        assert_eq!(self.settle(dead.collect()).await, [true, true]);
        assert_eq!(self.dead(&endpoint).await, 2);
        let range = ReplayRange {
            endpoint: Some(endpoint.id),
            from: Some(self.at(600)),
            missed: true,
            ..ReplayRange::default()
        };
        let replayed = must(self.service.replay(&ctx, &range).await, "a replay");
        assert_eq!(
            (replayed.deliveries, replayed.missed, replayed.more),
            (2, 1, false)
        );
        assert_eq!(self.dead(&endpoint).await, 0);
        let again = must(self.service.replay(&ctx, &range).await, "nothing");
        assert_eq!((again.deliveries, again.missed), (0, 0));
        let claims = self.claim(&endpoint, 10, self.at(604)).await;
        assert_eq!(claims.len(), 3);
        assert!(claims.iter().all(|one| one.failures == 0));
        let arrived = claims
            .iter()
            .map(|one| result(one, Next::Delivered, self.at(604)));
        assert_eq!(self.settle(arrived.collect()).await, [true; 3]);
        self.delete(&ctx, &endpoint).await;
    }

    async fn dead(&self, endpoint: &crate::Endpoint) -> usize {
        let filter = DeliveryFilter {
            endpoint: Some(endpoint.id),
            state: Some(DeliveryState::Dead),
            ..DeliveryFilter::default()
        };
        let page = PageRequest::first(100);
        let found = self
            .repository
            .deliveries(endpoint.organization, &filter, &page);
        must(found.await, "dead letters").items.len()
    }
}
