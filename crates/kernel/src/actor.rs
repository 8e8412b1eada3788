//! Who acts.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::id::{ApiKeyId, UserId};

/// Who asked for a change. Names and addresses are for rules that compare people
/// (separation of duties); the record keeps references only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user of the organisation, known to the server.
    User {
        /// The user's id.
        id: UserId,
        /// How the user's issuer names them.
        subject: String,
        /// The user's e-mail address, when recorded.
        email: Option<String>,
    },
    /// A program that presented an API key.
    ApiKey {
        /// The key's id.
        id: ApiKeyId,
        /// The key's name.
        name: String,
        /// The user or subject who created the key.
        created_by: Option<String>,
    },
    /// The bearer of a token whose issuer vouches for the subject.
    Token {
        /// The token's issuer.
        issuer: String,
        /// The token's subject.
        subject: String,
    },
    /// The server itself: a worker or a command line operation.
    System(&'static str),
}

impl Actor {
    /// Every name by which this actor may appear as an owner, in no particular order.
    pub fn identities(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let names = match self {
            Self::User { id, subject, email } => [
                Some(Cow::Owned(id.to_string())),
                Some(Cow::Borrowed(subject.as_str())),
                email.as_deref().map(Cow::Borrowed),
            ],
            Self::ApiKey {
                name, created_by, ..
            } => [
                Some(Cow::Borrowed(name.as_str())),
                created_by.as_deref().map(Cow::Borrowed),
                None,
            ],
            Self::Token { subject, .. } => [Some(Cow::Borrowed(subject.as_str())), None, None],
            Self::System(name) => [Some(Cow::Borrowed(*name)), None, None],
        };
        names.into_iter().flatten()
    }

    /// A reference to the actor that names no person: `user:<id>`, `api_key:<id>`,
    /// `token:<issuer>#<subject>`, `system:<name>`.
    #[must_use]
    pub fn spelling(&self) -> String {
        match self {
            Self::User { id, .. } => format!("user:{id}"),
            Self::ApiKey { id, .. } => format!("api_key:{id}"),
            Self::Token { issuer, subject } => format!("token:{issuer}#{subject}"),
            Self::System(name) => format!("system:{name}"),
        }
    }

    /// The id by which the server knows the actor: of the user or of the API key.
    #[must_use]
    pub const fn id(&self) -> Option<uuid::Uuid> {
        match self {
            Self::User { id, .. } => Some(id.uuid()),
            Self::ApiKey { id, .. } => Some(id.uuid()),
            Self::Token { .. } | Self::System(_) => None,
        }
    }

    /// The reference that the record keeps about the actor.
    #[must_use]
    pub fn reference(&self) -> Value {
        match self {
            Self::User { id, .. } => json!({"type": "user", "id": id.to_string()}),
            Self::ApiKey { id, .. } => json!({"type": "api_key", "id": id.to_string()}),
            Self::Token { issuer, subject } => {
                json!({"type": "token", "issuer": issuer, "subject": subject})
            }
            Self::System(name) => json!({"type": "system", "name": name}),
        }
    }
}
