//! Who is calling and what they may do.

use probity_kernel::{Actor, OrganizationId, SpaceId};

use crate::api_key::ApiKey;
use crate::claims::AcceptedToken;
use crate::error::AccessError;
use crate::organization::User;
use crate::role::OrganizationRole;
use crate::scope::{Scope, ScopeSet};

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The organisation that the credential opens; nothing outside it exists for the caller.
    pub organization: OrganizationId,
    /// Who acts, as the record will name them.
    pub actor: Actor,
    /// What the credential permits.
    pub scopes: ScopeSet,
    /// The spaces that the credential is confined to; `None` means all of them.
    pub spaces: Option<Vec<SpaceId>>,
    /// What rate limits count: one text per credential holder.
    pub limit_key: String,
}

impl Principal {
    /// The bearer of an API key. Whether the key is usable was asked before.
    #[must_use]
    pub fn for_key(key: &ApiKey) -> Self {
        Self {
            organization: key.organization,
            actor: Actor::ApiKey {
                id: key.id,
                name: key.name.clone(),
                created_by: key.created_by.clone(),
            },
            scopes: key.scopes,
            spaces: key.spaces.clone(),
            limit_key: format!("key:{}", key.id),
        }
    }

    /// The bearer of an accepted token. A user whom the organisation knows has the role that is
    /// recorded, whatever the token says; anyone else has the token's role, and without one no
    /// scope at all.
    ///
    /// # Errors
    /// [`AccessError::Unauthorized`] when the user is disabled or of another organisation.
    pub fn for_token(
        organization: OrganizationId,
        issuer: &str,
        token: &AcceptedToken,
        user: Option<&User>,
    ) -> Result<Self, AccessError> {
        if user.is_some_and(|user| user.disabled || user.organization != organization) {
            return Err(AccessError::Unauthorized);
        }
        let actor = match user {
            Some(user) => Actor::User {
                id: user.id,
                email: user.email.clone(),
            },
            None => Actor::Token {
                issuer: issuer.to_owned(),
                subject: token.subject.clone(),
            },
        };
        let role = user.map(|user| user.role).or(token.role);
        Ok(Self {
            organization,
            actor,
            scopes: role.map_or(ScopeSet::EMPTY, OrganizationRole::scopes),
            spaces: None,
            limit_key: format!("token:{organization}:{issuer}:{}", token.subject),
        })
    }

    /// Demands a scope.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] when the credential does not permit it.
    pub fn require(&self, scope: Scope) -> Result<(), AccessError> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        Err(AccessError::Forbidden(match scope {
            Scope::Read => "this needs the scope `read`",
            Scope::Write => "this needs the scope `write`",
            Scope::Admin => "this needs the scope `admin`",
        }))
    }

    /// Whether the credential reaches into the space; where it does not, the space does not exist.
    #[must_use]
    pub fn can_see_space(&self, space: SpaceId) -> bool {
        self.spaces
            .as_ref()
            .is_none_or(|spaces| spaces.contains(&space))
    }
}

/// What an issuer holds and may therefore pass on to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The scopes that it holds.
    pub scopes: ScopeSet,
    /// The spaces that it is confined to; `None` means all of them.
    pub spaces: Option<Vec<SpaceId>>,
}

impl Grant {
    /// Whether a key with these scopes and spaces stays within the grant.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] when it would permit more than the issuer may do.
    pub fn covers(&self, scopes: ScopeSet, spaces: Option<&[SpaceId]>) -> Result<(), AccessError> {
        if !scopes.is_subset(self.scopes) {
            let reason = "a key cannot have scopes that its issuer does not hold";
            return Err(AccessError::Forbidden(reason));
        }
        let confined = match (&self.spaces, spaces) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(held), Some(asked)) => asked.iter().all(|space| held.contains(space)),
        };
        if !confined {
            let reason = "a key cannot reach into spaces that its issuer cannot see";
            return Err(AccessError::Forbidden(reason));
        }
        Ok(())
    }
}

/// The scopes with every space of the organisation.
impl From<ScopeSet> for Grant {
    fn from(scopes: ScopeSet) -> Self {
        Self {
            scopes,
            spaces: None,
        }
    }
}

/// What the caller itself may do.
impl From<&Principal> for Grant {
    fn from(principal: &Principal) -> Self {
        Self {
            scopes: principal.scopes,
            spaces: principal.spaces.clone(),
        }
    }
}
