//! Delivers governance events to webhooks.
//!
//! One thread takes what is due under a lease, keeps a short queue for each endpoint, and lets at most
//! [`ABREAST`] attempts to one endpoint run at a time: an endpoint that hangs fills its own places and no
//! others. HTTP runs outside every transaction; results are kept in batches.

mod attempt;
mod keeper;
mod queues;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::web::Data;
use probity_kernel::WebhookEndpointId;
use probity_webhooks::DeliveryQueue as _;
use probity_webhooks::endpoint::Vault as _;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use self::attempt::Ended;
use self::queues::Queues;
use crate::settings::Settings;
use crate::startup::StartError;
use crate::state::AppState;

/// How many attempts to one endpoint run at a time.
const ABREAST: u32 = 4;
/// How many deliveries of one endpoint are taken at a time while it answers.
const TAKEN: u32 = 64;
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
        state,
        queues: Queues::default(),
        running: JoinSet::new(),
        results,
        more: true,
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
    queues: Queues,
    running: JoinSet<WebhookEndpointId>,
    results: mpsc::Sender<Ended>,
    /// Whether more may be due than was taken last.
    more: bool,
    looked: Option<Instant>,
}

impl Round {
    /// Goes round until it is told to stop.
    async fn serve(&mut self, stop: &Stop) {
        let bell = self.state.database.deliveries();
        let mut rung = true;
        while !stop.asked.load(Ordering::SeqCst) {
            if rung || self.is_time_to_look() {
                self.take().await;
            }
            self.start();
            rung = tokio::select! {
                () = bell.notified() => true,
                Some(ended) = self.running.join_next() => {
                    self.ended(ended);
                    false
                }
                () = tokio::time::sleep(LOOK) => false,
                () = stop.bell.notified() => false,
            };
        }
    }

    fn is_time_to_look(&self) -> bool {
        let hungry = self.more && self.queues.is_short();
        hungry || self.looked.is_none_or(|at| at.elapsed() >= LOOK)
    }

    /// Takes what is due and has a place.
    async fn take(&mut self) {
        self.looked = Some(Instant::now());
        let queue = self.state.webhooks.repository();
        let now = self.state.clock.now();
        let lease = self.state.courier_client.timeout() + MARGIN;
        let taken = async {
            let due = queue.due(now).await?;
            let wanted = self.queues.wanted(&due);
            if wanted.is_empty() {
                return Ok((Vec::new(), false));
            }
            let most = wanted.iter().map(|(_, wanted)| *wanted).max().unwrap_or(0);
            let lease = time::Duration::try_from(lease).unwrap_or(time::Duration::MINUTE);
            let claims = queue.claim(wanted, now, lease).await?;
            let more = u32::try_from(claims.len()).unwrap_or(u32::MAX) >= most;
            Ok::<_, probity_kernel::RepositoryError>((claims, more))
        };
        match taken.await {
            Ok((claims, more)) => {
                self.more = more;
                // An attempt that is not begun by then might outlive its lease.
                let until = Instant::now() + MARGIN / 2;
                self.queues.push(claims, until);
            }
            Err(error) => {
                self.more = false;
                tracing::warn!(error = ?error, "deliveries cannot be taken");
            }
        }
    }

    /// Begins the attempts that have a place.
    fn start(&mut self) {
        while self.running.len() < MOST_RUNNING
            && let Some(claim) = self.queues.next(Instant::now())
        {
            let (state, results) = (self.state.clone(), self.results.clone());
            self.running.spawn(async move {
                let endpoint = claim.endpoint.id;
                let ended = attempt::make(&state, claim).await;
                if results.send(ended).await.is_err() {
                    tracing::error!("the result of a delivery was lost");
                }
                endpoint
            });
        }
    }

    fn ended(&mut self, ended: Result<WebhookEndpointId, tokio::task::JoinError>) {
        match ended {
            Ok(endpoint) => self.queues.ended(endpoint),
            Err(error) => {
                tracing::error!(error = %error, "an attempt ended with a panic");
                self.queues.forget_running();
            }
        }
    }

    /// Makes what was taken already.
    async fn finish(&mut self) {
        self.start();
        while let Some(ended) = self.running.join_next().await {
            self.ended(ended);
            self.start();
        }
    }
}
