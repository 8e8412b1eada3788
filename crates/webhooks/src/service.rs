//! The commands and questions of webhooks over any repository.

use probity_kernel::{
    Change, Context, DeliveryId, FieldError, IdSource, OrganizationId, Page, PageRequest, Patch,
    RepositoryError, Version, WebhookEndpointId, WebhookSecretId,
};
use time::{Duration, OffsetDateTime};

use crate::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState, MOST_REPLAYED, Replay};
use crate::endpoint::changes::{self, Besides};
use crate::endpoint::{
    Alias, Disabling, Endpoint, EndpointInput, EndpointPatch, LONGEST_OVERLAP, NewEndpoint,
    SealContext, Sealed, SecretRecord, Vault, WebhookChange, WebhookError, WebhookEvent,
    WebhookWrite,
};
use crate::repository::WebhookRepository;
use crate::signature::SigningSecret;
use crate::target;
use crate::target_url::TargetRules;

/// How often a command is tried again when somebody else was faster.
const ATTEMPTS: u32 = 5;

/// Webhooks over a repository, a source of ids, a vault for secrets and the rules for URLs.
#[derive(Debug, Clone)]
pub struct WebhookService<R, I, V> {
    repository: R,
    ids: I,
    vault: V,
    rules: TargetRules,
}

/// An endpoint with the secret that was made for it: shown this once.
#[derive(Debug)]
pub struct Registered {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The secret; `None` when its name was in use before, and when this repeats an earlier request.
    pub secret: Option<SigningSecret>,
}

/// What a replay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// How many deliveries are made again.
    pub deliveries: u64,
    /// How many events get a first delivery.
    pub missed: u64,
    /// Whether there is more than one replay takes.
    pub more: bool,
}

/// What to replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayRange {
    /// To one endpoint; all of them otherwise.
    pub endpoint: Option<WebhookEndpointId>,
    /// What was made at this instant or later.
    pub from: Option<OffsetDateTime>,
    /// What was made before this instant.
    pub to: Option<OffsetDateTime>,
    /// What was delivered too, and not the dead letters alone.
    pub delivered: bool,
    /// Events too that the endpoint never got, because it was disabled or not there yet.
    pub missed: bool,
}

impl<R: WebhookRepository, I: IdSource, V: Vault> WebhookService<R, I, V> {
    /// Webhooks over these.
    pub const fn new(repository: R, ids: I, vault: V, rules: TargetRules) -> Self {
        Self {
            repository,
            ids,
            vault,
            rules,
        }
    }

    /// The repository.
    pub const fn repository(&self) -> &R {
        &self.repository
    }

    /// The vault.
    pub const fn vault(&self) -> &V {
        &self.vault
    }

    /// The rules for URLs and addresses.
    pub const fn rules(&self) -> &TargetRules {
        &self.rules
    }

    /// Reads a registration without taking it.
    ///
    /// # Errors
    /// [`WebhookError::Invalid`] with every fault.
    pub fn parse(&self, input: EndpointInput) -> Result<NewEndpoint, WebhookError> {
        NewEndpoint::parse(input, &self.rules).map_err(WebhookError::Invalid)
    }

    /// Registers an endpoint, makes its secret when the name is new, and sends it a ping. `entropy`
    /// becomes that secret.
    ///
    /// # Errors
    /// [`WebhookError::TooMany`], [`WebhookError::NotConfigured`], and what the repository answers.
    pub async fn register(
        &self,
        ctx: &Context,
        input: EndpointInput,
        entropy: [u8; 32],
    ) -> Result<Registered, WebhookError> {
        let id = WebhookEndpointId::new(self.ids.next_id(ctx.now));
        for _ in 0..ATTEMPTS {
            let new = self.parse(input.clone())?;
            self.vault.ready()?;
            let credential = input.credential.as_deref();
            let credential = self.seal_credential(ctx.organization, id, credential)?;
            let made = if new.is_signed() {
                self.first_secret(ctx, new.secret_alias(), entropy).await?
            } else {
                None
            };
            let besides = self.besides(ctx, made, true);
            let change = Endpoint::create(ctx, id, new, credential, besides);
            match self.repository.commit(change).await {
                Ok(WebhookWrite::Create(write)) => {
                    let fresh = write.endpoint.id == id && write.secret.is_some();
                    let secret = fresh.then(|| secret_of(entropy)).transpose()?;
                    return Ok(Registered {
                        endpoint: write.endpoint,
                        secret,
                    });
                }
                Ok(_) => return Err(unexpected("a registration without an endpoint")),
                Err(RepositoryError::Conflict("alias")) => {}
                Err(RepositoryError::Conflict("webhooks")) => return Err(WebhookError::TooMany),
                Err(error) => return Err(error.into()),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// Changes an endpoint. A new URL and an endpoint that is enabled get a ping.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`], [`WebhookError::PreconditionFailed`], [`WebhookError::Invalid`], and
    /// what the repository answers.
    pub async fn update(
        &self,
        ctx: &Context,
        id: WebhookEndpointId,
        expected: Option<Version>,
        patch: EndpointPatch,
        entropy: [u8; 32],
    ) -> Result<Registered, WebhookError> {
        for _ in 0..ATTEMPTS {
            let endpoint = self.get(ctx.organization, id).await?;
            let enabled = patch.enabled;
            let patched = patch.clone().over(&endpoint, &self.rules);
            let patched = patched.map_err(WebhookError::Invalid)?;
            at_version(&endpoint, expected)?;
            let mut next = patched.next;
            next.credential = match patched.credential {
                Patch::Absent => next.credential,
                Patch::Null => None,
                Patch::Value(text) => self.seal_credential(ctx.organization, id, Some(&text))?,
            };
            let made = if target::target(&next.kind).is_some_and(target::Target::is_signed) {
                self.first_secret(ctx, &next.secret_alias, entropy).await?
            } else {
                None
            };
            let moved = next.target_url != endpoint.target_url;
            let woken = enabled == Some(true) && !endpoint.is_enabled();
            let besides = self.besides(ctx, made, moved || woken);
            let Some(change) = endpoint.update(ctx, next, enabled, besides) else {
                return Ok(Registered {
                    endpoint,
                    secret: None,
                });
            };
            match self.repository.commit(change).await {
                Ok(WebhookWrite::Update { write, .. }) => {
                    let secret = write.secret.map(|_| secret_of(entropy)).transpose()?;
                    return Ok(Registered {
                        endpoint: write.endpoint,
                        secret,
                    });
                }
                Ok(_) => return Err(unexpected("an update without an endpoint")),
                Err(RepositoryError::Stale | RepositoryError::Conflict("alias")) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// Disables an endpoint because of what its receiver did; once more changes nothing.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn disable(
        &self,
        ctx: &Context,
        id: WebhookEndpointId,
        disabling: Disabling,
    ) -> Result<(), WebhookError> {
        for _ in 0..ATTEMPTS {
            let Some(endpoint) = self.repository.find(ctx.organization, id).await? else {
                return Ok(());
            };
            let Some(change) = endpoint.disable(ctx, &disabling) else {
                return Ok(());
            };
            match self.repository.commit(change).await {
                Ok(_) => return Ok(()),
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// Deletes an endpoint with all that waits for it.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`], [`WebhookError::PreconditionFailed`], and what the repository answers.
    pub async fn delete(
        &self,
        ctx: &Context,
        id: WebhookEndpointId,
        expected: Option<Version>,
    ) -> Result<(), WebhookError> {
        for _ in 0..ATTEMPTS {
            let endpoint = self.expected(ctx, id, expected).await?;
            match self.repository.commit(endpoint.delete(ctx)).await {
                Ok(_) => return Ok(()),
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// Puts a new secret in the place of the one that an endpoint uses, for all that use the same name.
    /// The old one signs beside it for `overlap`, 0 to 7 days.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`], [`WebhookError::PreconditionFailed`], [`WebhookError::Invalid`],
    /// [`WebhookError::NotConfigured`], and what the repository answers.
    pub async fn rotate_secret(
        &self,
        ctx: &Context,
        (id, expected): (WebhookEndpointId, Option<Version>),
        overlap: Duration,
        entropy: [u8; 32],
    ) -> Result<(SecretRecord, Option<SigningSecret>), WebhookError> {
        if !(Duration::ZERO..=LONGEST_OVERLAP).contains(&overlap) {
            let message = "must be 0 seconds to 7 days";
            let fault = FieldError::new("/overlap_seconds", "out_of_range", message);
            return Err(WebhookError::Invalid(vec![fault]));
        }
        let own = WebhookSecretId::new(self.ids.next_id(ctx.now));
        for _ in 0..ATTEMPTS {
            let endpoint = self.expected(ctx, id, expected).await?;
            let alias = &endpoint.secret_alias;
            let all = self.repository.secrets(ctx.organization, alias).await?;
            let number = all.first().map_or(1, |newest| newest.number + 1);
            let secret = secret_of(entropy)?;
            let named = (ctx.organization, alias.clone(), number);
            let new = SecretRecord::make(&self.vault, own, named, &secret, ctx.now)?;
            let live = all.into_iter().filter(|one| one.is_live(ctx.now)).collect();
            let change = changes::rotate(ctx, id, new, live, overlap);
            match self.repository.commit(change).await {
                Ok(WebhookWrite::Rotate { secret: kept, .. }) => {
                    let shown = (kept.id == own).then_some(secret);
                    return Ok((kept, shown));
                }
                Ok(_) => return Err(unexpected("a rotation without a secret")),
                Err(RepositoryError::Conflict("alias")) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// One endpoint.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`], and what the repository answers.
    pub async fn get(
        &self,
        organization: OrganizationId,
        id: WebhookEndpointId,
    ) -> Result<Endpoint, WebhookError> {
        let found = self.repository.find(organization, id).await?;
        found.ok_or(WebhookError::NotFound)
    }

    /// The endpoints of the organisation, newest first.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn list(
        &self,
        organization: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<Endpoint>, WebhookError> {
        Ok(self.repository.list(organization, page).await?)
    }

    /// The live secrets of an endpoint, newest first.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn live_secrets(
        &self,
        endpoint: &Endpoint,
        now: OffsetDateTime,
    ) -> Result<Vec<SecretRecord>, WebhookError> {
        let alias = &endpoint.secret_alias;
        let all = self
            .repository
            .secrets(endpoint.organization, alias)
            .await?;
        Ok(all.into_iter().filter(|one| one.is_live(now)).collect())
    }

    /// The keys that prove an endpoint's `v1a` signatures, newest first.
    ///
    /// # Errors
    /// [`WebhookError::NotConfigured`], [`WebhookError::Unreadable`], and what the repository answers.
    pub async fn public_keys(
        &self,
        endpoint: &Endpoint,
        now: OffsetDateTime,
    ) -> Result<Vec<String>, WebhookError> {
        if !endpoint.sign_ed25519 {
            return Ok(Vec::new());
        }
        let live = self.live_secrets(endpoint, now).await?;
        live.iter()
            .map(|record| Ok(record.open(&self.vault)?.public_key()))
            .collect()
    }

    /// Deliveries, newest first.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`] when there is no such endpoint, and what the repository answers.
    pub async fn deliveries(
        &self,
        organization: OrganizationId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, WebhookError> {
        if let Some(id) = filter.endpoint {
            self.get(organization, id).await?;
        }
        let found = self.repository.deliveries(organization, filter, page);
        Ok(found.await?)
    }

    /// One delivery of an endpoint with its failed attempts.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`], [`WebhookError::DeliveryNotFound`], and what the repository answers.
    pub async fn delivery(
        &self,
        organization: OrganizationId,
        endpoint: WebhookEndpointId,
        id: DeliveryId,
    ) -> Result<(Delivery, Vec<Attempt>), WebhookError> {
        self.get(organization, endpoint).await?;
        let found = self.repository.delivery(organization, endpoint, id).await?;
        found.ok_or(WebhookError::DeliveryNotFound)
    }

    /// Makes a delivery again. One that is pending is left as it is.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`], [`WebhookError::DeliveryNotFound`], [`WebhookError::Disabled`], and
    /// what the repository answers.
    pub async fn replay_one(
        &self,
        ctx: &Context,
        endpoint: WebhookEndpointId,
        id: DeliveryId,
    ) -> Result<Delivery, WebhookError> {
        let (delivery, _) = self.delivery(ctx.organization, endpoint, id).await?;
        if !self.get(ctx.organization, endpoint).await?.is_enabled() {
            return Err(WebhookError::Disabled);
        }
        if delivery.state != DeliveryState::Pending {
            let replay = Replay {
                deliveries: vec![(endpoint, id)],
                missed: Vec::new(),
            };
            self.commit_replay(ctx, endpoint, replay).await?;
        }
        Ok(self.delivery(ctx.organization, endpoint, id).await?.0)
    }

    /// Makes a range of deliveries again, at most [`MOST_REPLAYED`] with one call, newest first.
    ///
    /// # Errors
    /// [`WebhookError::NotFound`], [`WebhookError::Disabled`], [`WebhookError::Invalid`] when `from` is
    /// after `to`, and what the repository answers.
    pub async fn replay(
        &self,
        ctx: &Context,
        range: &ReplayRange,
    ) -> Result<Replayed, WebhookError> {
        if let (Some(from), Some(to)) = (range.from, range.to)
            && from > to
        {
            let message = "must not be before `from`";
            let fault = FieldError::new("/to", "out_of_order", message);
            return Err(WebhookError::Invalid(vec![fault]));
        }
        let endpoint = match range.endpoint {
            Some(id) => Some(self.get(ctx.organization, id).await?),
            None if range.delivered || range.missed => {
                let message = "is required to replay more than dead letters";
                let fault = FieldError::new("/webhook_id", "required", message);
                return Err(WebhookError::Invalid(vec![fault]));
            }
            None => None,
        };
        if endpoint.as_ref().is_some_and(|one| !one.is_enabled()) {
            return Err(WebhookError::Disabled);
        }
        let (deliveries, more) = self.replayable(ctx.organization, range).await?;
        let room = MOST_REPLAYED - u32::try_from(deliveries.len()).unwrap_or(MOST_REPLAYED);
        let mut missed = Vec::new();
        let mut more = more;
        if let Some(endpoint) = endpoint.as_ref().filter(|_| range.missed) {
            let found = self
                .repository
                .missed(endpoint, range.from, range.to, room + 1)
                .await?;
            let taken = usize::try_from(room).unwrap_or(usize::MAX);
            more |= found.len() > taken;
            missed = found
                .into_iter()
                .take(taken)
                .map(|one| (endpoint.id, one))
                .collect();
        }
        let replayed = Replayed {
            deliveries: u64::try_from(deliveries.len()).unwrap_or(u64::MAX),
            missed: u64::try_from(missed.len()).unwrap_or(u64::MAX),
            more,
        };
        // A repeated request finds its first outcome, whatever there is to replay by now.
        if replayed.deliveries + replayed.missed > 0 || ctx.idempotency.is_some() {
            let id = range.endpoint;
            let all = WebhookEndpointId::new(uuid::Uuid::nil());
            let replay = Replay { deliveries, missed };
            let done = self.commit_replay(ctx, id.unwrap_or(all), replay).await?;
            return Ok(Replayed {
                deliveries: u64::try_from(done.deliveries.len()).unwrap_or(u64::MAX),
                missed: u64::try_from(done.missed.len()).unwrap_or(u64::MAX),
                more,
            });
        }
        Ok(replayed)
    }

    async fn replayable(
        &self,
        organization: OrganizationId,
        range: &ReplayRange,
    ) -> Result<(Vec<(WebhookEndpointId, DeliveryId)>, bool), WebhookError> {
        let mut ids = Vec::new();
        let mut more = false;
        let states: &[DeliveryState] = if range.delivered {
            &[DeliveryState::Dead, DeliveryState::Delivered]
        } else {
            &[DeliveryState::Dead]
        };
        for state in states {
            let room = MOST_REPLAYED - u32::try_from(ids.len()).unwrap_or(MOST_REPLAYED);
            let filter = DeliveryFilter {
                endpoint: range.endpoint,
                state: Some(*state),
                event_type: None,
                from: range.from,
                to: range.to,
            };
            let page = PageRequest::first(room.max(1));
            let found = self.repository.deliveries(organization, &filter, &page);
            let found = found.await?;
            if room == 0 {
                more |= !found.items.is_empty();
                continue;
            }
            more |= found.next.is_some();
            ids.extend(found.items.into_iter().map(|one| (one.endpoint, one.id)));
        }
        Ok((ids, more))
    }

    async fn commit_replay(
        &self,
        ctx: &Context,
        endpoint: WebhookEndpointId,
        replay: Replay,
    ) -> Result<Replay, WebhookError> {
        let event = WebhookEvent::Replayed {
            endpoint,
            deliveries: replay.deliveries.iter().map(|(_, id)| *id).collect(),
            missed: replay.missed.len(),
        };
        let change: WebhookChange = Change::new(ctx, WebhookWrite::Replay(replay), event);
        let WebhookWrite::Replay(done) = self.repository.commit(change).await? else {
            return Err(unexpected("a replay without deliveries"));
        };
        Ok(done)
    }

    /// The first secret of a name that has no live one.
    async fn first_secret(
        &self,
        ctx: &Context,
        alias: &Alias,
        entropy: [u8; 32],
    ) -> Result<Option<SecretRecord>, WebhookError> {
        let all = self.repository.secrets(ctx.organization, alias).await?;
        if all.iter().any(|one| one.is_live(ctx.now)) {
            return Ok(None);
        }
        let id = WebhookSecretId::new(self.ids.next_id(ctx.now));
        let number = all.first().map_or(1, |newest| newest.number + 1);
        let named = (ctx.organization, alias.clone(), number);
        let secret = secret_of(entropy)?;
        let made = SecretRecord::make(&self.vault, id, named, &secret, ctx.now)?;
        Ok(Some(made))
    }

    fn besides(&self, ctx: &Context, secret: Option<SecretRecord>, ping: bool) -> Besides {
        let ping = ping.then(|| DeliveryId::new(self.ids.next_id(ctx.now)));
        Besides { secret, ping }
    }

    fn seal_credential(
        &self,
        organization: OrganizationId,
        id: WebhookEndpointId,
        credential: Option<&str>,
    ) -> Result<Option<Sealed>, WebhookError> {
        let context = SealContext {
            organization,
            purpose: "credential",
            id: id.uuid(),
        };
        let sealed = credential.map(|text| self.vault.seal(&context, text.as_bytes()));
        Ok(sealed.transpose()?)
    }

    /// The endpoint, when it is at the version that the caller expects.
    async fn expected(
        &self,
        ctx: &Context,
        id: WebhookEndpointId,
        expected: Option<Version>,
    ) -> Result<Endpoint, WebhookError> {
        let endpoint = self.get(ctx.organization, id).await?;
        at_version(&endpoint, expected)?;
        Ok(endpoint)
    }
}

fn at_version(endpoint: &Endpoint, expected: Option<Version>) -> Result<(), WebhookError> {
    if expected.is_some_and(|version| version != endpoint.version) {
        return Err(WebhookError::PreconditionFailed);
    }
    Ok(())
}

fn secret_of(entropy: [u8; 32]) -> Result<SigningSecret, WebhookError> {
    SigningSecret::from_bytes(entropy.to_vec()).map_err(|_| WebhookError::Unreadable)
}

/// A repository broke its contract.
fn unexpected(what: &'static str) -> WebhookError {
    RepositoryError::Database(what.into()).into()
}
