//! What the server does by itself: signing checkpoints of the record, judging products anew as dates
//! pass, telling of alerts that missed a deadline, indexing texts, forgetting what has expired.

mod artifacts;
mod background;
pub(crate) mod courier;
mod deadlines;
mod entries;
mod postures;
mod retention;
mod searches;

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::web::Data;

use self::background::Background;
use crate::adapters::timestamps::TimestampAuthority;
use crate::record::Stamper;
use crate::settings::Settings;
use crate::startup::StartError;
use crate::state::AppState;

/// How often expired idempotency keys are forgotten.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// How often what retention no longer covers is looked for.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// How many of them at a time, so that no caller waits long for the writer.
const SWEEP_STEP: i64 = 1000;

/// The running workers.
pub(crate) struct Workers {
    stop: Sender<()>,
    thread: JoinHandle<()>,
    background: Vec<Background>,
}

impl Workers {
    /// Ends the workers after one last round, so that shutdown leaves nothing unsigned.
    pub(crate) fn stop(self) {
        drop(self.stop);
        self.background.into_iter().for_each(Background::stop);
        if self.thread.join().is_err() {
            tracing::error!("the workers ended with a panic");
        }
    }
}

/// Starts the workers.
pub(crate) fn start(settings: &Settings, state: &Data<AppState>) -> Result<Workers, StartError> {
    let every = settings.checkpoint_interval;
    let mut background = vec![
        postures::start(&state.database, state.clock.clone(), every)?,
        entries::start(&state.database, every)?,
    ];
    background.extend(searches::start(&state.database)?);
    let signer = state.record.signer().clone();
    let (stop, stopped) = channel::<()>();
    let state = state.clone();
    let mut upkeep = artifacts::Upkeep::new(settings.artifacts.scrub_after)?;
    let retention = time::Duration::days(settings.webhooks.retention_days);
    let stamper = stamper(settings, &state)?;
    let thread = std::thread::Builder::new()
        .name("workers".to_owned())
        .spawn(move || {
            let mut swept: Option<Instant> = None;
            let mut pruned: Option<Instant> = None;
            loop {
                let ending = !matches!(stopped.recv_timeout(every), Err(RecvTimeoutError::Timeout));
                if let Err(error) = signer.sign_all(state.clock.as_ref()) {
                    tracing::error!(error = %error, "checkpoints were not signed");
                }
                if let Some(stamper) = &stamper {
                    stamp(stamper, &state);
                }
                if ending {
                    return;
                }
                deadlines::settle(&state.database, state.clock.now());
                if swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
                    sweep(&state);
                    upkeep.round(&state);
                    courier::sweep(&state, retention);
                    swept = Some(Instant::now());
                }
                if pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
                    retention::prune(&state.database, state.clock.now());
                    pruned = Some(Instant::now());
                }
            }
        })?;
    Ok(Workers {
        stop,
        thread,
        background,
    })
}

/// What has checkpoints stamped, if there is an authority.
fn stamper(settings: &Settings, state: &AppState) -> Result<Option<Stamper>, StartError> {
    let Some(timestamps) = &settings.anchors.timestamps else {
        return Ok(None);
    };
    let authority = TimestampAuthority::new(timestamps)?;
    let stamper = Stamper::new(authority, timestamps.every, state.database.clone());
    Ok(Some(stamper))
}

fn stamp(stamper: &Stamper, state: &AppState) {
    match stamper.round(state.clock.as_ref()) {
        Ok(0) => {}
        Ok(count) => tracing::debug!(count, "had checkpoints stamped"),
        Err(error) => tracing::warn!(error = %error, "checkpoints were not stamped"),
    }
}

fn sweep(state: &AppState) {
    let before = state.clock.now() - time::Duration::hours(24);
    loop {
        match state.database.sweep_idempotency(before, SWEEP_STEP) {
            Ok(0) => return,
            Ok(count) => tracing::debug!(count, "forgot idempotency keys"),
            Err(error) => {
                tracing::warn!(error = %error, "idempotency keys were not swept");
                return;
            }
        }
    }
}
