//! Keeps the results of attempts, many at a time, and the figures of what waits.
//!
//! A result that is kept a moment later costs nobody anything, and a commit for many costs hardly more
//! than one for few: results are gathered before they are kept. What a crash takes with it is delivered
//! again.

use std::time::Duration;

use actix_web::web::Data;
use probity_kernel::{Actor, Clock as _, Context};
use probity_webhooks::DeliveryQueue as _;
use probity_webhooks::delivery::Settlement;
use probity_webhooks::endpoint::{DisableReason, Disabling, is_too_long};
use time::OffsetDateTime;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

use super::attempt::Ended;
use crate::state::AppState;

/// How many results are kept at a time.
const BATCH: usize = 1024;
/// For how long results are gathered.
const GATHER: Duration = Duration::from_millis(25);
/// How often the figures of what waits are brought up to date.
const COUNT: Duration = Duration::from_secs(5);
/// How often keeping a result is tried.
const TRIES: u32 = 50;
/// The actor of what the receivers bring about.
const COURIER: Actor = Actor::System("webhooks");

/// Keeps what comes until nobody sends any more.
pub(super) async fn keep(state: Data<AppState>, mut results: Receiver<Ended>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut count = tokio::time::interval(COUNT);
    loop {
        tokio::select! {
            received = results.recv_many(&mut batch, BATCH) => {
                if received == 0 {
                    return;
                }
                gather(&mut results, &mut batch).await;
                settle(&state, std::mem::take(&mut batch)).await;
            }
            _ = count.tick() => figures(&state).await,
        }
    }
}

/// Takes what comes for a moment, or until there is enough.
async fn gather(results: &mut Receiver<Ended>, batch: &mut Vec<Ended>) {
    let until = Instant::now() + GATHER;
    while batch.len() < BATCH {
        let more = results.recv_many(batch, BATCH - batch.len());
        if !matches!(timeout_at(until, more).await, Ok(1..)) {
            return;
        }
    }
}

async fn settle(state: &AppState, batch: Vec<Ended>) {
    let results: Vec<Settlement> = batch.iter().map(|one| one.settlement.clone()).collect();
    for _ in 0..TRIES {
        match state.webhooks.repository().settle(results.clone()).await {
            Ok(settled) => {
                for (ended, settled) in batch.iter().zip(settled) {
                    if settled.counted {
                        state.metrics.delivery(ended.outcome());
                        disable(state, ended, settled.failing_since).await;
                    }
                }
                return;
            }
            Err(error) => {
                tracing::warn!(error = ?error, "results of deliveries are not kept yet");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    tracing::error!(
        results = results.len(),
        "results of deliveries were lost: the deliveries are made again"
    );
}

/// Disables an endpoint whose receiver is gone or has failed for too long.
async fn disable(state: &AppState, ended: &Ended, failing_since: Option<OffsetDateTime>) {
    let now = state.clock.now();
    let reason = match failing_since {
        _ if ended.gone => DisableReason::Gone,
        Some(since) if !ended.arrived() && is_too_long(since, now) => DisableReason::Failing,
        _ => return,
    };
    let Settlement {
        organization,
        endpoint,
        ..
    } = ended.settlement;
    let context = Context::new(organization, COURIER, now);
    let disabled = state
        .webhooks
        .disable(&context, endpoint, Disabling { reason });
    match disabled.await {
        Ok(()) => {
            tracing::warn!(%organization, %endpoint, reason = reason.as_str(), "a webhook was disabled");
        }
        Err(error) => tracing::error!(error = ?error, %endpoint, "a webhook was not disabled"),
    }
}

async fn figures(state: &AppState) {
    match state.webhooks.repository().backlog().await {
        Ok(backlog) => state.metrics.backlog(&backlog, state.clock.now()),
        Err(error) => tracing::debug!(error = ?error, "what waits cannot be counted"),
    }
}
