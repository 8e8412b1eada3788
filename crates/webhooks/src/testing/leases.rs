//! Leases, attempts and what they say about an endpoint.

use serde_json::json;
use time::Duration;

use super::{LEASE, Run, must, result};
use crate::delivery::{DeliveryState, Next};
use crate::endpoint::EndpointPatch;
use crate::message::PING;
use crate::repository::{DeliveryQueue, WebhookRepository};

impl<R: WebhookRepository + DeliveryQueue> Run<'_, R> {
    pub(super) async fn an_event_has_one_delivery_to_each_that_wants_it(&self) {
        let ctx = self.context(100);
        let all = self.register(&ctx, &[]).await;
        let wanting = self.register(&ctx, &["webhook.endpoint.disabled"]).await;
        let other = self.register(&ctx, &["nothing.at_all"]).await;
        self.happen(101).await;
        for (endpoint, expected) in [(&all, 2), (&wanting, 2), (&other, 1)] {
            let found = self.deliveries(endpoint).await;
            assert_eq!(found.len(), expected, "{found:?}");
            let oldest = found.last().map(|one| one.event_type.as_str());
            assert_eq!(oldest, Some(PING));
        }
        let first = |one: &[crate::Delivery]| one.first().map(|one| one.id);
        let (one, two) = (self.deliveries(&all).await, self.deliveries(&wanting).await);
        assert_eq!(first(&one), first(&two), "its id is the event's");
        for endpoint in [all, wanting, other] {
            self.delete(&ctx, &endpoint).await;
        }
    }

    pub(super) async fn a_lease_is_one_workers(&self) {
        let endpoint = self.register(&self.context(200), &[]).await;
        let now = self.at(201);
        let due = || async { must(self.repository.due(now).await, "due") };
        assert!(due().await.contains(&endpoint.id));
        assert_eq!(self.claim(&endpoint, 0, now).await.len(), 0);
        let taken = self.claim(&endpoint, 5, now).await;
        assert_eq!(taken.len(), 1);
        let Some(first) = taken.first() else { return };
        assert_eq!(
            (first.fence, first.failures, first.secrets.len()),
            (1, 0, 1)
        );
        assert_eq!(first.endpoint.id, endpoint.id);
        assert!(self.claim(&endpoint, 5, now).await.is_empty());
        assert!(!due().await.contains(&endpoint.id));
        let early = now + LEASE - Duration::SECOND;
        assert!(self.claim(&endpoint, 5, early).await.is_empty());
        let again = self.claim(&endpoint, 5, now + LEASE).await;
        assert_eq!(again.first().map(|one| one.fence), Some(2));
        self.delete(&self.context(202), &endpoint).await;
    }

    pub(super) async fn the_latest_attempt_counts(&self) {
        let endpoint = self.register(&self.context(300), &[]).await;
        let (now, later) = (self.at(301), self.at(301) + LEASE);
        let first = self.claim(&endpoint, 1, now).await;
        let second = self.claim(&endpoint, 1, later).await;
        let (Some(first), Some(second)) = (first.first(), second.first()) else {
            panic!("nothing was claimed");
        };
        let retry = Next::RetryAt(later + Duration::HOUR);
        for next in [Next::Delivered, retry, Next::Dead] {
            assert_eq!(self.settle(vec![result(first, next, later)]).await, [false]);
        }
        assert_eq!(
            self.settle(vec![result(second, retry, later)]).await,
            [true]
        );
        let read = || async {
            let found = self
                .service
                .delivery(endpoint.organization, endpoint.id, first.delivery);
            must(found.await, "a delivery")
        };
        let (shown, attempts) = read().await;
        assert_eq!(shown.state, DeliveryState::Pending);
        assert_eq!(shown.next_attempt_at, Some(later + Duration::HOUR));
        assert_eq!((shown.attempts, shown.last_status), (2, Some(500)));
        assert_eq!(attempts.len(), 1);
        let third = self.claim(&endpoint, 1, later + Duration::HOUR).await;
        let Some(third) = third.first() else {
            panic!("nothing was due");
        };
        assert_eq!((third.fence, third.failures), (3, 1));
        // Told twice, it counts once.
        let arrived = result(third, Next::Delivered, later + Duration::HOUR);
        assert_eq!(self.settle(vec![arrived.clone()]).await, [true]);
        assert_eq!(self.settle(vec![arrived]).await, [false]);
        let (shown, attempts) = read().await;
        assert_eq!(shown.state, DeliveryState::Delivered);
        assert_eq!((shown.next_attempt_at, shown.last_error), (None, None));
        assert_eq!(
            attempts.len(),
            1,
            "a successful one is told by its delivery"
        );
        self.delete(&self.context(302), &endpoint).await;
    }

    pub(super) async fn an_endpoint_fails_from_the_first_failure_to_the_next_success(&self) {
        let endpoint = self
            .register(&self.context(400), &["webhook.endpoint.disabled"])
            .await;
        for minute in 401..405 {
            self.happen(minute).await;
        }
        let now = self.at(410);
        let claims = self.claim(&endpoint, 10, now).await;
        let [one, two, three, four, five] = claims.as_slice() else {
            panic!("{claims:?}");
        };
        let retry = Next::RetryAt(now + Duration::DAY);
        let at = |seconds| now + Duration::seconds(seconds);
        let settle = |results| async { must(self.repository.settle(results).await, "settled") };
        let failed = settle(vec![result(one, retry, at(1)), result(two, retry, at(2))]).await;
        let since: Vec<_> = failed.iter().map(|one| one.failing_since).collect();
        assert_eq!(since, [Some(at(1)), Some(at(1))]);
        assert_eq!(self.found(endpoint.id).await.failing_since, Some(at(1)));
        // A success between failures: it fails from the one after it.
        let mixed = vec![
            result(three, Next::Delivered, at(3)),
            result(four, Next::Dead, at(4)),
        ];
        let mixed = settle(mixed).await;
        assert!(mixed.iter().all(|one| one.counted));
        assert_eq!(mixed.last().and_then(|one| one.failing_since), Some(at(4)));
        assert_eq!(self.found(endpoint.id).await.failing_since, Some(at(4)));
        let healed = settle(vec![result(five, Next::Delivered, at(5))]).await;
        assert_eq!(healed.first().and_then(|one| one.failing_since), None);
        assert_eq!(self.found(endpoint.id).await.failing_since, None);
        // What does not count says nothing about it either.
        settle(vec![result(five, retry, at(6))]).await;
        assert_eq!(self.found(endpoint.id).await.failing_since, None);
        self.delete(&self.context(411), &endpoint).await;
    }

    pub(super) async fn what_waits_for_a_disabled_endpoint_waits(&self) {
        let ctx = self.context(500);
        let endpoint = self.register(&ctx, &[]).await;
        let set = |enabled| {
            let patch = EndpointPatch {
                enabled: Some(enabled),
                ..EndpointPatch::default()
            };
            self.service.update(&ctx, endpoint.id, None, patch, [1; 32])
        };
        must(set(false).await, "disabled");
        self.happen(501).await;
        let now = self.at(502);
        assert!(!must(self.repository.due(now).await, "due").contains(&endpoint.id));
        assert!(self.claim(&endpoint, 10, now).await.is_empty());
        assert_eq!(self.deliveries(&endpoint).await.len(), 1, "its ping");
        must(set(true).await, "enabled");
        assert_eq!(
            self.claim(&endpoint, 10, now).await.len(),
            2,
            "another ping"
        );
        self.delete(&ctx, &endpoint).await;
    }

    pub(super) async fn what_a_target_carries_back_is_there_next_time(&self) {
        let ctx = self.context(700);
        let mut input = super::input(&["webhook.endpoint.disabled"]);
        input.kind = Some("linear".to_owned());
        input.target_url = Some("https://api.linear.example/graphql".to_owned());
        input.credential = Some("key".to_owned());
        let team = json!("7c9e6679-7425-40de-944b-e07fc1f90ae7");
        input.settings = serde_json::Map::from_iter([("team_id".to_owned(), team)]);
        let made = self.service.register(&ctx, input, [7; 32]).await;
        let endpoint = must(made, "an endpoint").endpoint;
        self.happen(701).await;
        let now = self.at(702);
        let [ping] = self
            .claim(&endpoint, 10, now)
            .await
            .try_into()
            .unwrap_or_else(|claims| {
                panic!("one at a time: {claims:?}");
            });
        assert!(
            self.claim(&endpoint, 10, now).await.is_empty(),
            "it has the turn"
        );
        assert_eq!(
            self.settle(vec![result(&ping, Next::Delivered, now)]).await,
            [true]
        );
        let [event] = self
            .claim(&endpoint, 10, now)
            .await
            .try_into()
            .unwrap_or_else(|claims| {
                panic!("one at a time: {claims:?}");
            });
        assert_eq!(event.state, None);
        let key = crate::target::target("linear").and_then(|one| one.state_key(&event.message));
        let Some(key) = key else {
            panic!("nothing is carried back");
        };
        let ticket = json!({"issue": "one"});
        let mut failed = result(&event, Next::RetryAt(now + Duration::MINUTE), now);
        failed.state = Some((key, ticket.clone()));
        assert_eq!(self.settle(vec![failed]).await, [true]);
        let again = self.claim(&endpoint, 10, now + Duration::MINUTE).await;
        assert_eq!(
            again.first().and_then(|one| one.state.clone()),
            Some(ticket)
        );
        // Who never comes back has the turn as long as the lease.
        let late = now + Duration::MINUTE + LEASE;
        assert_eq!(self.claim(&endpoint, 10, late).await.len(), 1);
        self.delete(&ctx, &endpoint).await;
    }
}
