//! Access

pub mod api_key;
pub mod claims;
pub mod error;
pub mod event;
pub mod header;
pub mod organization;
pub mod principal;
pub mod repository;
pub mod role;
pub mod scope;
pub mod secret;

pub use api_key::{ApiKey, NewApiKey};
pub use claims::{AcceptedToken, ClaimRules, RejectedToken};
pub use error::AccessError;
pub use event::AccessEvent;
pub use header::{MalformedHeader, parse_bearer};
pub use organization::{MalformedSlug, NewOrganization, NewUser, Organization, Slug, User};
pub use principal::{Grant, Principal};
pub use repository::{AccessChange, AccessRepository, AccessWrite};
pub use role::{OrganizationRole, UnknownRole};
pub use scope::{Scope, ScopeSet, UnknownScope};
pub use secret::{ApiKeySecret, MalformedKey};
