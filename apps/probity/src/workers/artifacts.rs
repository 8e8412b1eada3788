//! Uploads whose time is over, bytes that nobody needs, bytes that changed.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::state::AppState;

/// How often all blobs are looked through for those that nobody refers to.
const ORPHANS_EVERY: Duration = Duration::from_hours(6);
/// How many artifacts are read again in a round.
const SCRUB_STEP: u32 = 4;

/// The upkeep of artifacts. Several nodes may do it at once: whoever comes second finds nothing.
pub(super) struct Upkeep {
    runtime: Runtime,
    scrub_after: Option<time::Duration>,
    looked: Option<Instant>,
}

impl Upkeep {
    pub(super) fn new(scrub_after: Option<time::Duration>) -> std::io::Result<Self> {
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            scrub_after,
            looked: None,
        })
    }

    /// One round.
    pub(super) fn round(&mut self, state: &AppState) {
        let (artifacts, now) = (&state.artifacts, state.clock.now());
        match self.runtime.block_on(artifacts.sweep(now)) {
            Ok(swept) if swept.failures > 0 => {
                tracing::warn!(?swept, "not everything of artifacts was cleared");
            }
            Ok(swept) => tracing::debug!(?swept, "swept artifacts"),
            Err(error) => tracing::warn!(error = %error, "artifacts were not swept"),
        }
        if self.looked.is_none_or(|at| at.elapsed() >= ORPHANS_EVERY) {
            self.looked = Some(Instant::now());
            if let Err(error) = self.runtime.block_on(artifacts.sweep_orphans(now)) {
                tracing::warn!(error = %error, "orphans among blobs were not swept");
            }
            if let Err(error) = self.runtime.block_on(artifacts.sweep_staged(now)) {
                tracing::warn!(error = %error, "what is left of uploads was not swept");
            }
        }
        let Some(before) = self.scrub_after.map(|after| now.saturating_sub(after)) else {
            return;
        };
        match self
            .runtime
            .block_on(artifacts.scrub(now, before, SCRUB_STEP))
        {
            Ok((_, failed)) => {
                for artifact in failed {
                    tracing::error!(artifact = %artifact.id, "an artifact has lost its bytes");
                }
            }
            Err(error) => tracing::warn!(error = %error, "artifacts were not read again"),
        }
    }
}
