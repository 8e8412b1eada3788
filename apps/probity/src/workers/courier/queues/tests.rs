use probity_kernel::{DeliveryId, OrganizationId, Version};
use probity_webhooks::endpoint::{Alias, Endpoint, Standing};
use probity_webhooks::{Message, TargetRules};
use serde_json::{Map, Value};
use time::macros::datetime;
use uuid::Uuid;

use super::*;

fn id(number: u128) -> WebhookEndpointId {
    WebhookEndpointId::new(Uuid::from_u128(number))
}

fn claim(endpoint: u128, number: u128) -> Claim {
    let at = datetime!(2026-03-13 09:00 UTC);
    let url = TargetRules::default().parse("https://receiver.example/");
    let endpoint = Endpoint {
        id: id(endpoint),
        organization: OrganizationId::new(Uuid::from_u128(1)),
        kind: "webhook".to_owned(),
        target_url: url.unwrap(),
        description: None,
        event_types: Vec::new(),
        secret_alias: Alias::primary(),
        sign_ed25519: false,
        settings: Map::new(),
        credential: None,
        standing: Standing::Enabled,
        failing_since: None,
        created_at: at,
        updated_at: at,
        version: Version::FIRST,
    };
    Claim {
        organization: endpoint.organization,
        delivery: DeliveryId::new(Uuid::from_u128(number)),
        fence: 1,
        failures: 0,
        endpoint: Arc::new(endpoint),
        secrets: Arc::default(),
        message: Message::note(Uuid::from_u128(number), "a.b", at, Value::Null),
        state: None,
    }
}

fn queues() -> (Queues, Instant) {
    (Queues::new(Arc::default()), Instant::now())
}

fn push(queues: &mut Queues, endpoint: u128, count: u128, now: Instant) {
    for number in 0..count {
        let taken = Taken {
            claim: claim(endpoint, number),
            until: now + Duration::from_secs(15),
            seat: None,
        };
        queues.push(taken, now);
    }
}

/// Begins what may begin; answers how many of each endpoint.
fn begin(queues: &mut Queues, now: Instant) -> HashMap<WebhookEndpointId, u32> {
    let mut begun = HashMap::new();
    while let Some(taken) = queues.next(now) {
        *begun.entry(taken.claim.endpoint.id).or_default() += 1;
    }
    begun
}

#[test]
fn an_endpoint_that_hangs_fills_its_own_places_and_no_others() {
    let (mut queues, now) = queues();
    push(&mut queues, 1, 10, now);
    push(&mut queues, 2, 10, now);
    let begun = begin(&mut queues, now);
    assert_eq!(begun, HashMap::from([(id(1), ABREAST), (id(2), ABREAST)]));
    // The first one hangs; what the second one answers makes room for more.
    for _ in 0..ABREAST {
        queues.ended(id(2), true, now);
    }
    let begun = begin(&mut queues, now);
    assert_eq!(begun, HashMap::from([(id(2), 6)]));
}

#[test]
fn endpoints_take_turns() {
    let (mut queues, now) = queues();
    push(&mut queues, 1, 3, now);
    push(&mut queues, 2, 1, now);
    let order: Vec<_> = std::iter::from_fn(|| queues.next(now))
        .map(|taken| taken.claim.endpoint.id)
        .collect();
    assert_eq!(order, [id(1), id(2), id(1), id(1)]);
}

#[test]
fn success_widens_and_failure_narrows() {
    let (mut queues, now) = queues();
    for _ in 0..200 {
        queues.ended(id(1), true, now);
    }
    assert_eq!(queues.by_endpoint[&id(1)].abreast, MOST_ABREAST);
    assert_eq!(
        queues.wanted(&[id(1)], now),
        [(id(1), MOST_ABREAST * AHEAD)]
    );
    queues.ended(id(1), false, now);
    assert_eq!(queues.by_endpoint[&id(1)].abreast, MOST_ABREAST / 2);
    for _ in 0..20 {
        queues.ended(id(1), false, now);
    }
    assert_eq!(queues.by_endpoint[&id(1)].abreast, 1);
}

#[test]
fn an_endpoint_that_fails_over_and_over_is_left_alone_for_longer_and_longer() {
    let (mut queues, now) = queues();
    for _ in 1..LEFT_ALONE {
        queues.ended(id(1), false, now);
    }
    assert_eq!(queues.wanted(&[id(1)], now), [(id(1), 1)], "not yet");
    for seconds in [1, 2, 4, 8, 16, 32, 32] {
        queues.ended(id(1), false, now);
        let until = now + Duration::from_secs(seconds);
        let before = now + Duration::from_millis(seconds * 1000 - 1);
        push(&mut queues, 1, 1, now);
        assert_eq!(queues.wanted(&[id(1)], before), [], "{seconds}");
        assert!(
            queues
                .next((now + Duration::from_secs(14)).min(before))
                .is_none()
        );
        queues.by_endpoint.get_mut(&id(1)).unwrap().waiting.clear();
        queues.turns.clear();
        assert_eq!(queues.wanted(&[id(1)], until), [(id(1), 1)], "{seconds}");
    }
    queues.ended(id(1), true, now);
    assert!(
        queues
            .wanted(&[id(1)], now)
            .first()
            .is_some_and(|(_, wanted)| *wanted > 1)
    );
}

#[test]
fn what_has_waited_too_long_is_left_to_others() {
    let (mut queues, now) = queues();
    push(&mut queues, 1, 3, now);
    let late = now + Duration::from_secs(15);
    assert!(queues.next(late).is_none());
    assert!(queues.by_endpoint[&id(1)].is_idle());
}

#[test]
fn more_is_taken_when_half_of_the_places_are_free() {
    let (mut queues, now) = queues();
    let wanted = queues.wanted(&[id(1)], now);
    assert_eq!(wanted, [(id(1), PLACES)]);
    push(&mut queues, 1, u128::from(PLACES), now);
    queues.took(id(1), PLACES, PLACES);
    assert_eq!(queues.wanted(&[id(1)], now), []);
    assert!(!queues.is_short(now));
    let begun = begin(&mut queues, now);
    assert_eq!(begun[&id(1)], ABREAST);
    for _ in 0..ABREAST {
        queues.ended(id(1), true, now);
    }
    // Its places have grown meanwhile.
    assert!(queues.is_short(now));
    let short = queues.wanted(&[id(1)], now);
    assert_eq!(short, [(id(1), 2 * PLACES - (PLACES - ABREAST))]);
    queues.took(id(1), 20, 3);
    assert!(!queues.is_short(now), "nothing more is due");
}

#[test]
fn endpoints_without_anything_to_do_are_forgotten() {
    let (mut queues, now) = queues();
    queues.ended(id(1), true, now);
    queues.wanted(&[id(2)], now + REMEMBERED);
    assert!(!queues.by_endpoint.contains_key(&id(1)));
    assert!(queues.by_endpoint.contains_key(&id(2)));
}

#[test]
fn an_endpoint_of_which_nothing_is_due_any_more_is_not_looked_for() {
    let (mut queues, now) = queues();
    queues.ended(id(1), false, now);
    for _ in 0..LEFT_ALONE {
        queues.ended(id(1), false, now);
    }
    // It is left alone for now, and something of it is due.
    assert_eq!(queues.wanted(&[id(1)], now), []);
    assert!(!queues.is_short(now));
    // Then it is disabled or deleted: what was due of it is asked for once, and not over and over.
    let later = now + 4 * WHILE;
    assert!(queues.is_short(later));
    assert_eq!(queues.wanted(&[], later), []);
    assert!(!queues.is_short(later));
}
