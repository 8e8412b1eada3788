//! Taking what is due, beside the attempts: nothing that is under way waits for the database.

use std::time::Instant;

use actix_web::web::Data;
use probity_kernel::{Clock as _, RepositoryError, WebhookEndpointId};
use probity_webhooks::DeliveryQueue as _;
use probity_webhooks::delivery::Claim;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;

use crate::state::AppState;

/// So many of each of these endpoints.
pub(super) type Wanted = Vec<(WebhookEndpointId, u32)>;

/// What a question to the database answered.
pub(super) enum Found {
    /// The endpoints that have something due.
    Due {
        /// When it was asked.
        now: OffsetDateTime,
        /// Those that were behind before.
        behind: Vec<WebhookEndpointId>,
        /// Those that have something due.
        due: Vec<WebhookEndpointId>,
    },
    /// What was taken of them.
    Taken {
        /// When it was asked; leases run from then.
        at: Instant,
        /// What was asked for.
        wanted: Wanted,
        /// What there was.
        claims: Vec<Claim>,
    },
}

/// The question that is under way, at most one at a time.
#[derive(Default)]
pub(super) struct Taking(JoinSet<Result<Found, RepositoryError>>);

impl Taking {
    /// Whether a question is under way.
    pub(super) fn is_busy(&self) -> bool {
        !self.0.is_empty()
    }

    /// Asks which endpoints have something due.
    pub(super) fn ask(&mut self, state: &Data<AppState>, behind: Vec<WebhookEndpointId>) {
        let state = state.clone();
        self.0.spawn(async move {
            let now = state.clock.now();
            let due = state.webhooks.repository().due(now).await?;
            Ok(Found::Due { now, behind, due })
        });
    }

    /// Takes what is wanted of them.
    pub(super) fn take(
        &mut self,
        state: &Data<AppState>,
        wanted: Wanted,
        now: OffsetDateTime,
        lease: Duration,
    ) {
        let state = state.clone();
        self.0.spawn(async move {
            let at = Instant::now();
            let queue = state.webhooks.repository();
            let claims = queue.claim(wanted.clone(), now, lease).await?;
            Ok(Found::Taken { at, wanted, claims })
        });
    }

    /// The next answer; `None` while nothing is under way.
    pub(super) async fn found(&mut self) -> Option<Found> {
        match self.0.join_next().await? {
            Ok(Ok(found)) => return Some(found),
            Ok(Err(error)) => tracing::warn!(error = ?error, "deliveries cannot be taken"),
            Err(error) => {
                tracing::error!(error = %error, "taking deliveries ended with a panic");
            }
        }
        None
    }
}
