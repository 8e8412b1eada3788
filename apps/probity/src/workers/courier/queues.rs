//! The short queues of taken deliveries, one for each endpoint, and whose turn it is.
//!
//! How many attempts to an endpoint run abreast follows from how it answers: one more with each success,
//! half as many after a failure. An endpoint that fails over and over is left alone for a while, longer
//! each time, so that it costs the others nothing.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_kernel::WebhookEndpointId;
use probity_store::{Desk, PLACES, Seat};
use probity_webhooks::delivery::Claim;
use probity_webhooks::target::{Target, target};

/// How many attempts to an endpoint of which nothing is known run abreast.
const ABREAST: u32 = PLACES / AHEAD;
/// How many run abreast at the most.
const MOST_ABREAST: u32 = 64;
/// For each that may run, how many are taken.
const AHEAD: u32 = 4;
/// After so many failures in a row an endpoint counts as failing: nothing is taken ahead for it.
const FAILING: u32 = 3;
/// After so many it is left alone for a while.
const LEFT_ALONE: u32 = 8;
/// The first such while; each further failure doubles it.
const WHILE: Duration = Duration::from_secs(1);
/// How often it is doubled.
const DOUBLINGS: u32 = 5;
/// For how long it is remembered how an endpoint answered.
const REMEMBERED: Duration = Duration::from_mins(10);

/// A delivery that this node has under lease.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) claim: Claim,
    /// It has to be begun before: an attempt might outlive the lease otherwise.
    pub(super) until: Instant,
    /// Its place, where it was left at the desk.
    pub(super) seat: Option<Seat>,
}

impl Taken {
    /// Whether an attempt carries something back.
    pub(super) fn keeps_state(&self) -> bool {
        target(&self.claim.endpoint.kind).is_some_and(Target::keeps_state)
    }
}

#[derive(Debug)]
struct Queue {
    waiting: VecDeque<Taken>,
    running: u32,
    abreast: u32,
    /// Failures since the last success.
    failures: u32,
    /// Nothing begins before.
    alone_until: Option<Instant>,
    /// Whether more may be due than was taken.
    more: bool,
    /// Whether one attempt follows the other: what the first carries back, the next has to see.
    in_turn: bool,
    used: Instant,
}

impl Queue {
    fn new(now: Instant) -> Self {
        Self {
            used: now,
            waiting: VecDeque::new(),
            running: 0,
            abreast: ABREAST,
            failures: 0,
            alone_until: None,
            more: false,
            in_turn: false,
        }
    }

    fn is_idle(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }

    fn is_left_alone(&self, now: Instant) -> bool {
        self.alone_until.is_some_and(|until| now < until)
    }

    /// How many may be taken and not over: few more than can be tried, so that none waits for long.
    const fn places(&self) -> u32 {
        if self.in_turn {
            1
        } else if self.failures >= FAILING {
            self.abreast
        } else {
            self.abreast * AHEAD
        }
    }

    /// How many may be left for it: none while it fails.
    const fn room(&self) -> u32 {
        if self.failures >= FAILING {
            0
        } else {
            self.places()
        }
    }

    /// How many more to take: none before half of the places are free, so that many are taken at once.
    fn wanted(&self, now: Instant) -> u32 {
        if self.is_left_alone(now) {
            return 0;
        }
        let waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        let places = self.places();
        let free = places.saturating_sub(waiting.saturating_add(self.running));
        if free * 2 < places { 0 } else { free }
    }

    fn arrived(&mut self) {
        self.failures = 0;
        self.alone_until = None;
        self.abreast = (self.abreast + 1).min(MOST_ABREAST);
    }

    fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.abreast = (self.abreast / 2).max(1);
        if let Some(beyond) = self.failures.checked_sub(LEFT_ALONE) {
            self.alone_until = Some(now + WHILE * 2_u32.pow(beyond.min(DOUBLINGS)));
        }
    }
}

/// What was taken and is not begun, by endpoint.
#[derive(Debug)]
pub(super) struct Queues {
    desk: Arc<Desk>,
    by_endpoint: HashMap<WebhookEndpointId, Queue>,
    /// The endpoints that have something waiting, the one whose turn it is in front.
    turns: VecDeque<WebhookEndpointId>,
}

impl Queues {
    /// None yet; the desk is told how much may be left for each endpoint.
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        Self {
            desk,
            by_endpoint: HashMap::new(),
            turns: VecDeque::new(),
        }
    }

    /// How many of each of these endpoints to take now. Those of which none are wanted yet are
    /// remembered; of all others nothing is due, whatever was known of them.
    pub(super) fn wanted(
        &mut self,
        due: &[WebhookEndpointId],
        now: Instant,
    ) -> Vec<(WebhookEndpointId, u32)> {
        self.forget(&due.iter().copied().collect(), now);
        for queue in self.by_endpoint.values_mut() {
            queue.more = false;
        }
        let mut all = Vec::with_capacity(due.len());
        for id in due {
            let queue = self.queue(*id, now);
            let wanted = queue.wanted(now);
            queue.more = true;
            if wanted > 0 {
                all.push((*id, wanted));
            }
        }
        all
    }

    /// Of an endpoint so many were wanted and so many were there.
    pub(super) fn took(&mut self, id: WebhookEndpointId, wanted: u32, taken: u32) {
        if let Some(queue) = self.by_endpoint.get_mut(&id) {
            queue.more = taken >= wanted;
        }
    }

    /// Whether there is room for something that may be due.
    pub(super) fn is_short(&self, now: Instant) -> bool {
        self.by_endpoint
            .values()
            .any(|queue| queue.more && queue.wanted(now) > 0)
    }

    /// Adds what was taken.
    pub(super) fn push(&mut self, taken: Taken, now: Instant) {
        let id = taken.claim.endpoint.id;
        let queue = self.queue(id, now);
        if taken.keeps_state() {
            (queue.in_turn, queue.more) = (true, true);
        }
        let first = queue.waiting.is_empty();
        queue.waiting.push_back(taken);
        if first {
            self.turns.push_back(id);
        }
    }

    /// The next delivery that may begin: of the endpoints in turn, and of none more than may run
    /// abreast. What has waited too long is left to whoever takes it next.
    pub(super) fn next(&mut self, now: Instant) -> Option<Taken> {
        for _ in 0..self.turns.len() {
            let id = self.turns.pop_front()?;
            let Some(queue) = self.by_endpoint.get_mut(&id) else {
                continue;
            };
            while queue.waiting.front().is_some_and(|one| one.until <= now) {
                queue.waiting.pop_front();
            }
            let free = queue.running < queue.abreast && !queue.is_left_alone(now);
            let taken = if free {
                queue.waiting.pop_front()
            } else {
                None
            };
            queue.running += u32::from(taken.is_some());
            if !queue.waiting.is_empty() {
                self.turns.push_back(id);
            }
            if taken.is_some() {
                return taken;
            }
        }
        None
    }

    /// An attempt to an endpoint is over.
    pub(super) fn ended(&mut self, id: WebhookEndpointId, arrived: bool, now: Instant) {
        let queue = self.queue(id, now);
        queue.running = queue.running.saturating_sub(1);
        let before = queue.room();
        if arrived {
            queue.arrived();
        } else {
            queue.failed(now);
        }
        let after = queue.room();
        if before != after {
            self.desk.set_places(id, after);
        }
    }

    /// An attempt ended and nobody knows whose: all places are free, some of them twice for a while.
    pub(super) fn forget_running(&mut self) {
        for queue in self.by_endpoint.values_mut() {
            queue.running = 0;
        }
    }

    fn queue(&mut self, id: WebhookEndpointId, now: Instant) -> &mut Queue {
        let queue = self
            .by_endpoint
            .entry(id)
            .or_insert_with(|| Queue::new(now));
        queue.used = now;
        queue
    }

    /// Forgets endpoints that have had nothing to do for a long time.
    fn forget(&mut self, due: &HashSet<WebhookEndpointId>, now: Instant) {
        let desk = &self.desk;
        self.by_endpoint.retain(|id, queue| {
            let recent = now.duration_since(queue.used) < REMEMBERED;
            let kept = recent || !queue.is_idle() || due.contains(id);
            if !kept {
                desk.set_places(*id, PLACES);
            }
            kept
        });
    }
}

#[cfg(test)]
mod tests;
