//! What happened, as the record tells it. No hash, no secret and no address ever enters a detail.

use probity_kernel::{ApiKeyId, DomainEvent, OrganizationId, SpaceId, Subject, Trail, UserId};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::organization::Slug;
use crate::role::{OrganizationRole, SpaceRole};
use crate::scope::ScopeSet;

/// A value before and after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<T> {
    /// Before.
    pub before: T,
    /// After.
    pub after: T,
}

/// The event of an access change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessEvent {
    /// `organization.created`
    OrganizationCreated {
        /// The organisation.
        id: OrganizationId,
        /// Its slug.
        slug: Slug,
        /// Its name.
        name: String,
    },
    /// `api_key.created`
    KeyCreated {
        /// The key.
        id: ApiKeyId,
        /// Its name.
        name: String,
        /// Its scopes.
        scopes: ScopeSet,
        /// The spaces that it is confined to.
        spaces: Option<Vec<SpaceId>>,
        /// When it ends.
        expires_at: Option<OffsetDateTime>,
    },
    /// `api_key.rotated`
    KeyRotated {
        /// The key that was replaced.
        id: ApiKeyId,
        /// The key that replaces it.
        replaced_by: ApiKeyId,
        /// When the replaced key ends.
        expires_at: Changed<Option<OffsetDateTime>>,
        /// When the new key ends.
        new_expires_at: Option<OffsetDateTime>,
    },
    /// `api_key.revoked`
    KeyRevoked {
        /// The key.
        id: ApiKeyId,
        /// When it was revoked.
        at: OffsetDateTime,
    },
    /// `user.role.changed`; a user recorded for the first time had no role before.
    UserRoleChanged {
        /// The user.
        id: UserId,
        /// The role before.
        before: Option<OrganizationRole>,
        /// The role after.
        after: OrganizationRole,
        /// Whether the user is shut out after the change.
        disabled: bool,
    },
    /// `user.updated`: anything but the role.
    UserUpdated {
        /// The user.
        id: UserId,
        /// Whether the address changed; the addresses themselves stay out of the record.
        email_changed: bool,
        /// Whether the user is shut out.
        disabled: Changed<bool>,
    },
    /// `space.member.added`, `space.member.changed` or `space.member.removed`.
    MemberChanged {
        /// The space.
        space: SpaceId,
        /// The user.
        user: UserId,
        /// The role before and after; `None` for who is no member. They differ.
        role: Changed<Option<SpaceRole>>,
    },
}

/// RFC 3339 text of an instant; years beyond 9999, which no rule lets in, would be null.
fn instant(at: OffsetDateTime) -> Value {
    at.format(&Rfc3339).map_or(Value::Null, Value::String)
}

fn optional(at: Option<OffsetDateTime>) -> Value {
    at.map_or(Value::Null, instant)
}

fn created<T: Into<Value>>(after: T) -> Value {
    json!({"before": null, "after": after.into()})
}

impl DomainEvent for AccessEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::OrganizationCreated { .. } => "organization.created",
            Self::KeyCreated { .. } => "api_key.created",
            Self::KeyRotated { .. } => "api_key.rotated",
            Self::KeyRevoked { .. } => "api_key.revoked",
            Self::UserRoleChanged { .. } => "user.role.changed",
            Self::UserUpdated { .. } => "user.updated",
            Self::MemberChanged { role, .. } => match (role.before, role.after) {
                (None, _) => "space.member.added",
                (Some(_), Some(_)) => "space.member.changed",
                (Some(_), None) => "space.member.removed",
            },
        }
    }

    fn subject(&self) -> Subject {
        let (kind, id) = match self {
            Self::OrganizationCreated { id, .. } => ("organization", id.uuid()),
            Self::KeyCreated { id, .. }
            | Self::KeyRotated { id, .. }
            | Self::KeyRevoked { id, .. } => ("api_key", id.uuid()),
            Self::UserRoleChanged { id, .. } | Self::UserUpdated { id, .. } => ("user", id.uuid()),
            Self::MemberChanged { space, .. } => ("space", space.uuid()),
        };
        Subject { kind, id }
    }

    /// A rotation begins the history of the key that replaces.
    fn trails(&self) -> Vec<Trail> {
        let trail = |subject| Trail {
            subject,
            product: None,
        };
        let mut trails = vec![trail(self.subject())];
        if let Self::KeyRotated { replaced_by, .. } = self {
            trails.push(trail(Subject {
                kind: "api_key",
                id: replaced_by.uuid(),
            }));
        }
        trails
    }

    fn detail(&self) -> Value {
        match self {
            Self::OrganizationCreated { id: _, slug, name } => {
                json!({"slug": created(slug.as_str()), "name": created(name.as_str())})
            }
            Self::KeyCreated {
                id: _,
                name,
                scopes,
                spaces,
                expires_at,
            } => json!({
                "name": created(name.as_str()),
                "scopes": created(scopes.names().collect::<Vec<_>>()),
                "spaces": created(spaces.as_ref().map(|all| {
                    all.iter().map(ToString::to_string).collect::<Vec<_>>()
                })),
                "expires_at": created(optional(*expires_at)),
            }),
            Self::KeyRotated {
                id,
                replaced_by,
                expires_at,
                new_expires_at,
            } => rotated(*id, *replaced_by, expires_at, *new_expires_at),
            Self::KeyRevoked { id: _, at } => json!({"revoked_at": created(instant(*at))}),
            Self::UserRoleChanged {
                id: _,
                before,
                after,
                disabled,
            } => json!({
                "role": {"before": before.map(OrganizationRole::as_str), "after": after.as_str()},
                "disabled": {"after": disabled},
            }),
            Self::UserUpdated {
                id: _,
                email_changed,
                disabled,
            } => json!({
                "email": {"changed": email_changed},
                "disabled": {"before": disabled.before, "after": disabled.after},
            }),
            Self::MemberChanged {
                space: _,
                user,
                role,
            } => json!({
                "user": created(user.to_string()),
                "role": {
                    "before": role.before.map(SpaceRole::as_str),
                    "after": role.after.map(SpaceRole::as_str),
                },
            }),
        }
    }
}

/// A rotation as both keys are told of it.
fn rotated(
    id: ApiKeyId,
    replaced_by: ApiKeyId,
    expires_at: &Changed<Option<OffsetDateTime>>,
    new_expires_at: Option<OffsetDateTime>,
) -> Value {
    json!({
        "replaced_by": created(replaced_by.to_string()),
        "expires_at": {
            "before": optional(expires_at.before),
            "after": optional(expires_at.after),
        },
        "new_expires_at": created(optional(new_expires_at)),
        "created": [{
            "id": replaced_by.to_string(),
            "replaces": created(id.to_string()),
            "expires_at": created(optional(new_expires_at)),
        }],
    })
}
