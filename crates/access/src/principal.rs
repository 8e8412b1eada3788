//! Who is calling and what they may do.

use probity_kernel::{Actor, OrganizationId, SpaceId};

use crate::api_key::ApiKey;
use crate::claims::AcceptedToken;
use crate::error::AccessError;
use crate::organization::User;
use crate::reach::{Reach, SpaceStanding};
use crate::role::{OrganizationRole, SpaceRole};
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
    /// Into which spaces it reaches, and as what.
    pub reach: Reach,
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
            reach: Reach::of_scopes(key.scopes, key.spaces.as_deref()),
            limit_key: format!("key:{}", key.id),
        }
    }

    /// The bearer of an accepted token. A user whom the organisation knows has the role that is
    /// recorded, whatever the token says; anyone else has the token's role, and without one no
    /// scope at all. `standings` are the spaces for members only and those that the user is a member of.
    ///
    /// # Errors
    /// [`AccessError::Unauthorized`] when the user is disabled or of another organisation.
    pub fn for_token(
        organization: OrganizationId,
        issuer: &str,
        token: &AcceptedToken,
        user: Option<&User>,
        standings: &[SpaceStanding],
    ) -> Result<Self, AccessError> {
        if user.is_some_and(|user| user.disabled || user.organization != organization) {
            return Err(AccessError::Unauthorized);
        }
        let actor = match user {
            Some(user) => Actor::User {
                id: user.id,
                subject: user.subject.clone(),
                email: user.email.clone(),
            },
            None => Actor::Token {
                issuer: issuer.to_owned(),
                subject: token.subject.clone(),
            },
        };
        let role = Self::role_of(token, user);
        Ok(Self {
            organization,
            actor,
            scopes: role.map_or(ScopeSet::EMPTY, OrganizationRole::scopes),
            reach: role.map_or(Reach::everywhere(None), |role| {
                Reach::of_role(role, standings)
            }),
            limit_key: format!("token:{organization}:{issuer}:{}", token.subject),
        })
    }

    /// The role that counts: the recorded one, else the token's.
    #[must_use]
    pub fn role_of(token: &AcceptedToken, user: Option<&User>) -> Option<OrganizationRole> {
        user.map(|user| user.role).or(token.role)
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
        self.reach.role_in(space).is_some()
    }

    /// Demands a role in a space that the caller sees.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] when the caller is less there, or nothing.
    pub fn require_in(&self, space: SpaceId, role: SpaceRole) -> Result<(), AccessError> {
        if self.reach.role_in(space).is_some_and(|held| held >= role) {
            return Ok(());
        }
        Err(AccessError::Forbidden(match role {
            SpaceRole::Viewer => "this needs to be a viewer of the space",
            SpaceRole::Editor => "this needs to be an editor of the space",
            SpaceRole::Admin => "this needs to be an admin of the space",
        }))
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
            spaces: principal.reach.only(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_kernel::{DomainError, Version};
    use time::macros::datetime;
    use uuid::Uuid;

    fn organization(n: u128) -> OrganizationId {
        OrganizationId::new(Uuid::from_u128(n))
    }

    fn space(n: u128) -> SpaceId {
        SpaceId::new(Uuid::from_u128(n))
    }

    fn token(role: Option<OrganizationRole>) -> AcceptedToken {
        AcceptedToken {
            subject: "ann".to_owned(),
            organization: "acme".to_owned(),
            role,
            email: None,
            expires_at: datetime!(2026-03-13 10:00 UTC),
        }
    }

    fn user(role: OrganizationRole, disabled: bool) -> User {
        let at = datetime!(2026-03-13 09:00 UTC);
        User {
            id: Uuid::from_u128(3).into(),
            organization: organization(1),
            issuer: "https://issuer.example".to_owned(),
            subject: "ann".to_owned(),
            email: None,
            role,
            disabled,
            created_at: at,
            updated_at: at,
            version: Version::FIRST,
        }
    }

    fn principal(token: &AcceptedToken, user: Option<&User>) -> Result<Principal, AccessError> {
        Principal::for_token(organization(1), "https://issuer.example", token, user, &[])
    }

    #[test]
    fn the_recorded_role_beats_the_role_in_the_token() {
        use OrganizationRole::{Admin, Auditor};
        let auditor = user(Auditor, false);
        for (claimed, recorded, scopes) in [
            (Some(Admin), Some(&auditor), ScopeSet::READ),
            (None, Some(&auditor), ScopeSet::READ),
            (Some(Admin), None, ScopeSet::ADMIN),
            (None, None, ScopeSet::EMPTY),
        ] {
            assert_eq!(principal(&token(claimed), recorded).unwrap().scopes, scopes);
        }
    }

    #[test]
    fn a_disabled_or_foreign_user_is_unauthorized() {
        let disabled = user(OrganizationRole::Admin, true);
        let foreign = User {
            organization: organization(2),
            ..user(OrganizationRole::Admin, false)
        };
        for shut_out in [disabled, foreign] {
            let error = principal(&token(None), Some(&shut_out)).unwrap_err();
            assert_eq!(error.code(), "unauthorized");
        }
    }

    #[test]
    fn a_demand_names_the_missing_scope() {
        let member = principal(&token(Some(OrganizationRole::Member)), None).unwrap();
        assert!(member.require(Scope::Read).is_ok());
        assert!(member.require(Scope::Write).is_ok());
        let error = member.require(Scope::Admin).unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            ("forbidden", "this needs the scope `admin`")
        );
    }

    #[test]
    fn a_demand_in_a_space_names_the_missing_role() {
        let mut caller = principal(&token(Some(OrganizationRole::Member)), None).unwrap();
        assert!(caller.require_in(space(1), SpaceRole::Editor).is_ok());
        let error = caller.require_in(space(1), SpaceRole::Admin).unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            ("forbidden", "this needs to be an admin of the space")
        );
        caller.reach = Reach::of_scopes(ScopeSet::ADMIN, Some(&[space(1)]));
        assert!(caller.can_see_space(space(1)) && !caller.can_see_space(space(2)));
        assert!(caller.require_in(space(1), SpaceRole::Admin).is_ok());
        assert_eq!(Grant::from(&caller).spaces, Some(vec![space(1)]));
    }

    #[test]
    fn a_grant_covers_no_more_than_the_issuer_holds() {
        let confined = Grant {
            scopes: ScopeSet::WRITE,
            spaces: Some(vec![space(1), space(2)]),
        };
        let open = Grant::from(ScopeSet::WRITE);
        let one = [space(1)];
        let both = [space(2), space(1)];
        let more = [space(1), space(3)];
        for (grant, scopes, spaces, covered) in [
            (&open, ScopeSet::READ, None, true),
            (&open, ScopeSet::WRITE, Some(&more[..]), true),
            (&open, ScopeSet::ADMIN, None, false),
            (&confined, ScopeSet::WRITE, Some(&one[..]), true),
            (&confined, ScopeSet::WRITE, Some(&both[..]), true),
            (&confined, ScopeSet::WRITE, Some(&more[..]), false),
            (&confined, ScopeSet::WRITE, None, false),
            (&confined, ScopeSet::ADMIN, Some(&one[..]), false),
        ] {
            let verdict = grant.covers(scopes, spaces);
            assert_eq!(verdict.is_ok(), covered, "{grant:?} {scopes:?} {spaces:?}");
            assert!(
                verdict
                    .err()
                    .is_none_or(|error| error.code() == "forbidden")
            );
        }
    }
}
