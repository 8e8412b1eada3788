//! The short queues of taken deliveries, one for each endpoint, and whose turn it is.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use probity_kernel::WebhookEndpointId;
use probity_webhooks::delivery::Claim;

use super::{ABREAST, TAKEN};

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<(Claim, Instant)>,
    running: u32,
    failing: bool,
}

/// What was taken and is not begun, by endpoint.
#[derive(Debug, Default)]
pub(super) struct Queues {
    queues: HashMap<WebhookEndpointId, Queue>,
    /// The endpoints that have something waiting, the one whose turn it is in front.
    turns: VecDeque<WebhookEndpointId>,
}

impl Queues {
    /// How many more of each of these endpoints to take. One that fails gets no more than can be tried
    /// at once.
    pub(super) fn wanted(&self, due: &[WebhookEndpointId]) -> Vec<(WebhookEndpointId, u32)> {
        due.iter()
            .filter_map(|id| {
                let wanted = match self.queues.get(id) {
                    None => TAKEN,
                    Some(queue) => {
                        let waiting = u32::try_from(queue.waiting.len()).unwrap_or(u32::MAX);
                        let most = if queue.failing { ABREAST } else { TAKEN };
                        most.saturating_sub(waiting.saturating_add(queue.running))
                    }
                };
                (wanted > 0).then_some((*id, wanted))
            })
            .collect()
    }

    /// Whether some endpoint could do with more than waits for it.
    pub(super) fn is_short(&self) -> bool {
        let half = usize::try_from(TAKEN / 2).unwrap_or(0);
        self.queues.is_empty() || self.queues.values().any(|queue| queue.waiting.len() < half)
    }

    /// Adds what was taken; it has to be begun before `until`.
    pub(super) fn push(&mut self, claims: Vec<Claim>, until: Instant) {
        for claim in claims {
            let id = claim.endpoint.id;
            let queue = self.queues.entry(id).or_default();
            queue.failing = claim.endpoint.failing_since.is_some();
            if queue.waiting.is_empty() {
                self.turns.push_back(id);
            }
            queue.waiting.push_back((claim, until));
        }
    }

    /// The next delivery that may begin: of the endpoints in turn, and of none more than run abreast.
    /// What has waited too long is left to whoever takes it next.
    pub(super) fn next(&mut self, now: Instant) -> Option<Claim> {
        for _ in 0..self.turns.len() {
            let id = self.turns.pop_front()?;
            let Some(queue) = self.queues.get_mut(&id) else {
                continue;
            };
            while queue
                .waiting
                .front()
                .is_some_and(|(_, until)| *until <= now)
            {
                queue.waiting.pop_front();
            }
            let free = queue.running < ABREAST;
            let claim = if free {
                queue.waiting.pop_front()
            } else {
                None
            };
            queue.running += u32::from(claim.is_some());
            if queue.waiting.is_empty() {
                self.tidy(id);
            } else {
                self.turns.push_back(id);
            }
            if let Some((claim, _)) = claim {
                return Some(claim);
            }
        }
        None
    }

    /// An attempt to an endpoint is over.
    pub(super) fn ended(&mut self, id: WebhookEndpointId) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.running = queue.running.saturating_sub(1);
        }
        self.tidy(id);
    }

    /// An attempt ended and nobody knows whose: all places are free, some of them twice for a while.
    pub(super) fn forget_running(&mut self) {
        for queue in self.queues.values_mut() {
            queue.running = 0;
        }
    }

    fn tidy(&mut self, id: WebhookEndpointId) {
        let idle = |queue: &Queue| queue.running == 0 && queue.waiting.is_empty();
        if self.queues.get(&id).is_some_and(idle) {
            self.queues.remove(&id);
        }
    }
}
