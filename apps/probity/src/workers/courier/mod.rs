//! Delivers governance events to webhooks.
//!
//! One thread has deliveries under lease: those that this node's write lanes left at the desk, and what
//! else is due. It keeps a short queue for each endpoint and lets so many attempts to one endpoint run
//! abreast as it bears: an endpoint that hangs fills its own places and no others. HTTP runs outside
//! every transaction; results are kept in batches.

mod attempt;
mod keeper;
mod queues;
mod taking;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::web::Data;
use probity_kernel::{Clock as _, WebhookEndpointId};
use probity_store::{Desk, Handed};
use probity_webhooks::delivery::Claim;
use probity_webhooks::endpoint::Vault as _;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use self::attempt::Ended;
use self::queues::{Queues, Taken};
use self::taking::{Found, Taking, Wanted};
use crate::settings::Settings;
use crate::startup::StartError;
use crate::state::AppState;

/// How many attempts run at a time in all.
const MOST_RUNNING: usize = 1024;
/// How often the queue is looked at when nobody rings: deliveries of other nodes, retries.
const LOOK: Duration = Duration::from_millis(500);
/// For how long a delivery is taken beyond the time of one attempt.
const MARGIN: Duration = Duration::from_secs(30);

/// The running courier.
pub(crate) struct Courier {
    stop: Arc<Stop>,
    thread: JoinHandle<()>,
}

/// Says that the courier is to end.
#[derive(Default)]
struct Stop {
    asked: AtomicBool,
    bell: Notify,
}

impl Courier {
    /// Takes nothing more, finishes what is under way, and ends.
    pub(crate) fn stop(self) {
        self.stop.asked.store(true, Ordering::SeqCst);
        self.stop.bell.notify_one();
        if self.thread.join().is_err() {
            tracing::error!("the courier ended with a panic");
        }
    }
}

/// Starts the courier, where webhooks are set up.
pub(crate) fn start(
    settings: &Settings,
    state: &Data<AppState>,
) -> Result<Option<Courier>, StartError> {
    if state.webhooks.vault().ready().is_err() {
        return Ok(None);
    }
    let stop = Arc::new(Stop::default());
    let (state, stopped) = (state.clone(), stop.clone());
    let grace = settings.shutdown_timeout;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let thread = std::thread::Builder::new()
        .name("courier".to_owned())
        .spawn(move || runtime.block_on(run(state, stopped, grace)))?;
    Ok(Some(Courier { stop, thread }))
}

/// Removes deliveries that are done and older than the retention, and what deleted endpoints left.
pub(super) fn sweep(state: &AppState, retention: time::Duration) {
    let before = state.clock.now() - retention;
    for _ in 0..100 {
        match state.webhooks.repository().sweep(before, 1000) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(error = %error, "deliveries were not swept");
                return;
            }
        }
    }
}

async fn run(state: Data<AppState>, stop: Arc<Stop>, grace: Duration) {
    let (results, received) = mpsc::channel(4096);
    let keeper = tokio::spawn(keeper::keep(state.clone(), received));
    let mut round = Round {
        queues: Queues::new(state.database.desk().clone()),
        desk: state.database.desk().clone(),
        state,
        running: JoinSet::new(),
        results,
        taking: Taking::default(),
        looked: None,
    };
    round.serve(&stop).await;
    if tokio::time::timeout(grace, round.finish()).await.is_err() {
        tracing::warn!("deliveries under way were cut off; they are made again after their lease");
    }
    // Closes the channel: the keeper ends when it has kept what is in it.
    drop(round);
    if keeper.await.is_err() {
        tracing::error!("the keeper of results ended with a panic");
    }
}

/// What the courier works with.
struct Round {
    state: Data<AppState>,
    desk: Arc<Desk>,
    queues: Queues,
    running: JoinSet<(WebhookEndpointId, bool)>,
    results: mpsc::Sender<Ended>,
    taking: Taking,
    looked: Option<Instant>,
}

impl Round {
    /// Goes round until it is told to stop.
    async fn serve(&mut self, stop: &Stop) {
        let desk = self.desk.clone();
        if let Ok(lease) = time::Duration::try_from(self.lease()) {
            desk.open(lease);
        }
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.asked.load(Ordering::SeqCst) {
            self.take_left();
            if !self.taking.is_busy() && (desk.take_due() || self.is_time_to_look()) {
                self.looked = Some(Instant::now());
                self.taking.ask(&self.state, desk.behind());
            }
            self.start();
            tokio::select! {
                () = desk.rung() => {}
                Some(found) = self.taking.found() => self.found(found),
                Some(ended) = self.running.join_next() => self.ended(ended),
                _ = look.tick() => {}
                () = stop.bell.notified() => {}
            }
        }
    }

    /// For how long a delivery is taken.
    fn lease(&self) -> Duration {
        self.state.courier_client.timeout() + MARGIN
    }

    fn is_time_to_look(&self) -> bool {
        self.queues.is_short(Instant::now()) || self.looked.is_none_or(|at| at.elapsed() >= LOOK)
    }

    /// Takes what this node's lanes left.
    fn take_left(&mut self) {
        let (now, latest) = (self.state.clock.now(), Instant::now() + MARGIN / 2);
        for Handed {
            claim,
            lease_end,
            seat,
        } in self.desk.take()
        {
            // It may have waited for its turn in the lane.
            let left = Duration::try_from(lease_end - now).unwrap_or_default();
            let left = left.saturating_sub(self.state.courier_client.timeout());
            let at = Instant::now();
            let taken = Taken {
                claim,
                until: latest.min(at + left),
                seat: Some(seat),
            };
            self.queues.push(taken, at);
        }
    }

    /// Goes on with what the database answered.
    fn found(&mut self, found: Found) {
        match found {
            Found::Due { now, behind, due } => {
                for endpoint in behind.iter().filter(|one| !due.contains(one)) {
                    self.desk.caught_up(*endpoint);
                }
                let wanted = self.queues.wanted(&due, Instant::now());
                if !wanted.is_empty() {
                    let lease = time::Duration::try_from(self.lease());
                    let lease = lease.unwrap_or(time::Duration::MINUTE);
                    self.taking.take(&self.state, wanted, now, lease);
                }
            }
            Found::Taken { at, wanted, claims } => self.push(at, wanted, claims),
        }
    }

    fn push(&mut self, at: Instant, wanted: Wanted, claims: Vec<Claim>) {
        for (endpoint, wanted) in wanted {
            let taken = claims.iter().filter(|one| one.endpoint.id == endpoint);
            let taken = u32::try_from(taken.count()).unwrap_or(u32::MAX);
            self.queues.took(endpoint, wanted, taken);
            if taken < wanted {
                self.desk.caught_up(endpoint);
            }
        }
        let now = Instant::now();
        for claim in claims {
            let taken = Taken {
                claim,
                until: at + MARGIN / 2,
                seat: None,
            };
            self.queues.push(taken, now);
        }
    }

    /// Begins the attempts that have a place.
    fn start(&mut self) {
        while self.running.len() < MOST_RUNNING
            && let Some(taken) = self.queues.next(Instant::now())
        {
            let (state, results) = (self.state.clone(), self.results.clone());
            self.running.spawn(deliver(state, results, taken));
        }
    }

    fn ended(&mut self, ended: Result<(WebhookEndpointId, bool), tokio::task::JoinError>) {
        match ended {
            Ok((endpoint, arrived)) => self.queues.ended(endpoint, arrived, Instant::now()),
            Err(error) => {
                tracing::error!(error = %error, "an attempt ended with a panic");
                self.queues.forget_running();
            }
        }
    }

    /// Makes what was taken already.
    async fn finish(&mut self) {
        self.desk.close();
        loop {
            self.take_left();
            self.start();
            tokio::select! {
                Some(found) = self.taking.found() => self.found(found),
                Some(ended) = self.running.join_next() => self.ended(ended),
                else => return,
            }
        }
    }
}

/// Makes one attempt and hands its result to the keeper; answers whose it was and whether it arrived.
async fn deliver(
    state: Data<AppState>,
    results: mpsc::Sender<Ended>,
    taken: Taken,
) -> (WebhookEndpointId, bool) {
    let waits = taken.keeps_state();
    let Taken { claim, seat, .. } = taken;
    let endpoint = claim.endpoint.id;
    let mut ended = attempt::make(&state, claim).await;
    drop(seat);
    let (told, kept) = oneshot::channel();
    ended.kept = waits.then_some(told);
    let arrived = ended.arrived();
    if results.send(ended).await.is_err() {
        tracing::error!("the result of a delivery was lost");
    } else if waits {
        // The next attempt begins with what this one carried back.
        let _ = kept.await;
    }
    (endpoint, arrived)
}
