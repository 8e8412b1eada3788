//! One attempt of a delivery.

use std::time::{Duration, Instant};

use probity_kernel::Clock as _;
use probity_webhooks::delivery::{self, Attempt, Claim, Next, Settlement};
use probity_webhooks::endpoint::Vault as _;
use probity_webhooks::target::{Exchange, MOST_STEPS, Outcome, Step, Verdict, target};
use probity_webhooks::{SigningSecret, retry};
use tokio::sync::oneshot;

use crate::adapters::courier::Failed;
use crate::state::AppState;

/// What became of an attempt.
pub(super) struct Ended {
    /// What is kept of it.
    pub(super) settlement: Settlement,
    /// Whether the receiver said that it is gone for good.
    pub(super) gone: bool,
    /// Told, or dropped, when the result is kept.
    pub(super) kept: Option<oneshot::Sender<()>>,
}

/// What an attempt ran into.
struct Reached {
    outcome: Outcome,
    status: Option<u16>,
    retry_after: Option<String>,
}

impl Reached {
    fn nothing(error: &str) -> Self {
        Self {
            outcome: Outcome::of(Verdict::Failed(error.to_owned())),
            status: None,
            retry_after: None,
        }
    }
}

/// Makes the attempt, within the time that one may take.
pub(super) async fn make(state: &AppState, claim: Claim) -> Ended {
    let started = Instant::now();
    let within = state.courier_client.timeout();
    let reached = tokio::time::timeout(within, exchange(state, &claim)).await;
    let reached = reached.unwrap_or_else(|_| Reached::nothing(Failed::Timeout.as_str()));
    ended(state, &claim, reached, started.elapsed())
}

async fn exchange(state: &AppState, claim: &Claim) -> Reached {
    let endpoint = &claim.endpoint;
    let Some(target) = target(&endpoint.kind) else {
        return Reached::nothing("unknown kind of receiver");
    };
    let Some((secrets, credential)) = open(state, claim) else {
        return Reached::nothing("a secret cannot be read");
    };
    let exchange = Exchange {
        message: &claim.message,
        url: &endpoint.target_url,
        settings: &endpoint.settings,
        credential: credential.as_deref(),
        secrets: &secrets,
        with_pair: endpoint.sign_ed25519,
        state: claim.state.as_ref(),
        now: state.clock.now(),
    };
    let mut answers = Vec::new();
    let mut retry_after = None;
    while answers.len() <= MOST_STEPS {
        match target.step(&exchange, &answers) {
            Step::End(outcome) => {
                let last = answers.last();
                return Reached {
                    outcome,
                    status: last.map(|answer: &probity_webhooks::target::Answer| answer.status),
                    retry_after,
                };
            }
            Step::Send(request) => match state.courier_client.send(*request).await {
                Ok(answer) => {
                    let patient = matches!(answer.status, 429 | 503);
                    retry_after = answer.retry_after.clone().filter(|_| patient);
                    answers.push(answer);
                }
                Err(failed) => return Reached::nothing(failed.as_str()),
            },
        }
    }
    Reached::nothing("too many steps")
}

/// The secrets and the credential, opened.
fn open(state: &AppState, claim: &Claim) -> Option<(Vec<SigningSecret>, Option<String>)> {
    let vault = state.webhooks.vault();
    let now = state.clock.now();
    let live = claim.secrets.iter().filter(|record| record.is_live(now));
    let secrets = live.map(|record| record.open(vault));
    let secrets = secrets.collect::<Result<Vec<_>, _>>().ok()?;
    let endpoint = &claim.endpoint;
    let credential = match &endpoint.credential {
        None => None,
        Some(sealed) => {
            let bytes = vault.open(&endpoint.credential_context(), sealed).ok()?;
            Some(String::from_utf8(bytes).ok()?)
        }
    };
    Some((secrets, credential))
}

fn ended(state: &AppState, claim: &Claim, reached: Reached, took: Duration) -> Ended {
    let now = state.clock.now();
    let Outcome {
        verdict,
        state: carried,
    } = reached.outcome;
    let asked = reached.retry_after.as_deref();
    let asked = asked.and_then(|header| retry::retry_after(header, now));
    let next = delivery::next(&verdict, claim.failures + 1, now, chance(), asked);
    let gone = verdict == Verdict::Gone;
    let error = match verdict {
        Verdict::Delivered => None,
        Verdict::Gone => Some("status 410: the receiver is gone".to_owned()),
        Verdict::Failed(error) => Some(error),
    };
    let settlement = Settlement {
        organization: claim.organization,
        endpoint: claim.endpoint.id,
        delivery: claim.delivery,
        attempt: Attempt {
            number: claim.fence,
            at: now,
            took_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
            status: reached.status,
            error,
        },
        next,
        state: carried.and_then(|value| Some((state_key(claim)?, value))),
    };
    Ended {
        settlement,
        gone,
        kept: None,
    }
}

fn state_key(claim: &Claim) -> Option<String> {
    target(&claim.endpoint.kind)?.state_key(&claim.message)
}

/// A random number from 0 to below 1.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / (f64::from(u32::MAX) + 1.0))
}

impl Ended {
    /// Whether the receiver has the message.
    pub(super) fn arrived(&self) -> bool {
        self.settlement.next == Next::Delivered
    }

    /// How it counts: `delivered`, `failed` or `dead`.
    pub(super) const fn outcome(&self) -> &'static str {
        match self.settlement.next {
            Next::Delivered => "delivered",
            Next::RetryAt(_) => "failed",
            Next::Dead => "dead",
        }
    }
}
