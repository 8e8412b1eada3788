//! Who is calling: API keys, the server's own tokens, and tokens of trusted issuers.

mod caller;
mod issuers;
mod key_cache;
mod token;

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use probity_access::{
    AcceptedToken, AccessError, AccessRepository as _, ApiKeySecret, OrganizationRole, Principal,
    Slug, parse_bearer,
};
use probity_kernel::OrganizationId;
use time::OffsetDateTime;

pub(crate) use self::caller::{
    AdminAccess, Caller, IngestBatch, IngestSingle, ReadAccess, WriteAccess,
};
pub(crate) use self::issuers::{Issuers, IssuersError};
use self::key_cache::KeyCache;
use self::token::Unverified;
pub(crate) use self::token::{NewToken, TokenIssuer};
use crate::http::failure::Problem;
use crate::http::limits::{Class, RateLimits};
use crate::state::Access;

/// Decides who a request is from.
pub(crate) struct Authenticator {
    access: Arc<Access>,
    keys: KeyCache,
    own: TokenIssuer,
    external: Issuers,
}

impl Authenticator {
    pub(crate) fn new(access: Arc<Access>, own: TokenIssuer, external: Issuers) -> Self {
        Self {
            access,
            keys: KeyCache::default(),
            own,
            external,
        }
    }

    /// The server's own issuer of tokens.
    pub(crate) const fn own(&self) -> &TokenIssuer {
        &self.own
    }

    /// Forgets a key at once, after it was revoked or rotated here.
    pub(crate) fn forget(&self, key: probity_kernel::ApiKeyId) {
        self.keys.forget(key);
    }

    /// The principal behind the request's one `Authorization` header.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
        limits: &RateLimits,
        now: OffsetDateTime,
    ) -> Result<Arc<Principal>, Problem> {
        let mut values = headers.get_all(AUTHORIZATION);
        let header = values.next().ok_or_else(Problem::unauthorized)?;
        if values.next().is_some() {
            return Err(Problem::unauthorized());
        }
        let credential = parse_bearer(header.as_bytes()).map_err(|_| Problem::unauthorized())?;
        if let Ok(secret) = ApiKeySecret::parse(credential) {
            return self.by_key(&secret, peer, limits, now).await;
        }
        if ApiKeySecret::is_announced_by(credential) {
            // A wrong checksum is a typo: no look-up, no cost.
            return Err(Problem::unauthorized());
        }
        self.by_token(credential, now).await.map(Arc::new)
    }

    async fn by_key(
        &self,
        secret: &ApiKeySecret,
        peer: Option<IpAddr>,
        limits: &RateLimits,
        now: OffsetDateTime,
    ) -> Result<Arc<Principal>, Problem> {
        let hash = secret.hash();
        if let Some(known) = self.keys.get(&hash) {
            return self.admit(&known, now);
        }
        // Whoever had a good key a moment ago is not guessing, even where many come from one address
        // and one of them does.
        if let Some(peer) = peer.filter(|_| !self.keys.has_known(&hash)) {
            limits.check_guessing(peer)?;
        }
        let found = self.access.repository().find_key_by_hash(&hash).await?;
        let Some(key) = found.filter(|key| key.matches(secret)) else {
            if let Some(peer) = peer {
                limits.admit_here(&format!("guess:{peer}"), Class::Guess)?;
            }
            return Err(Problem::unauthorized());
        };
        let known = self.keys.keep(hash, key);
        self.admit(&known, now)
    }

    #[expect(
        clippy::result_large_err,
        reason = "a refusal is rare and rendered at once"
    )]
    fn admit(
        &self,
        known: &Arc<key_cache::Known>,
        now: OffsetDateTime,
    ) -> Result<Arc<Principal>, Problem> {
        if !known.key.is_usable(now) {
            return Err(Problem::unauthorized());
        }
        if known.notes_usage_at(now) {
            // An observation beside the request: it neither delays nor fails it.
            let (access, known) = (self.access.clone(), known.clone());
            tokio::task::spawn_local(async move {
                if let Err(error) = access.note_usage(&known.key, now).await {
                    tracing::warn!(error = %error, "the use of a key was not noted");
                }
            });
        }
        Ok(known.principal.clone())
    }

    async fn by_token(&self, text: &str, now: OffsetDateTime) -> Result<Principal, Problem> {
        let refused = |reason: &'static str| {
            tracing::debug!(reason, "a token was refused");
            Problem::unauthorized()
        };
        let token = Unverified::parse(text).map_err(refused)?;
        let accepted = if token.issuer() == self.own.issuer() {
            self.own.verify(&token, now)
        } else {
            self.external.verify(&token, now).await
        };
        let accepted = accepted.map_err(refused)?;
        let organization = self.organization_of(&accepted).await?;
        let issuer = token.issuer();
        let user = self
            .access
            .repository()
            .find_user(organization, issuer, &accepted.subject)
            .await?;
        if issuer == self.own.issuer() && user.is_none() {
            return Err(refused("the server's own tokens name users that it knows"));
        }
        let standings = match Principal::role_of(&accepted, user.as_ref()) {
            // An admin reaches every space; without a role there is nothing to reach.
            Some(OrganizationRole::Admin) | None => Vec::new(),
            Some(OrganizationRole::Member | OrganizationRole::Auditor) => {
                let user = user.as_ref().map(|user| user.id);
                let repository = self.access.repository();
                repository.space_standings(organization, user).await?
            }
        };
        let principal =
            Principal::for_token(organization, issuer, &accepted, user.as_ref(), &standings);
        principal.map_err(|error| {
            if matches!(error, AccessError::Unauthorized) {
                Problem::unauthorized()
            } else {
                Problem::from(error)
            }
        })
    }

    async fn organization_of(&self, token: &AcceptedToken) -> Result<OrganizationId, Problem> {
        let repository = self.access.repository();
        let found = if let Ok(id) = token.organization.parse::<OrganizationId>() {
            repository.find_organization(id).await?
        } else if let Ok(slug) = token.organization.parse::<Slug>() {
            repository.find_organization_by_slug(&slug).await?
        } else {
            None
        };
        found
            .map(|organization| organization.id)
            .ok_or_else(Problem::unauthorized)
    }
}
