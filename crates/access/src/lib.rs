#![doc = include_str!("../README.md")]

pub mod api_key;
pub mod claims;
pub mod error;
pub mod event;
pub mod header;
pub mod member;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod organization;
pub mod principal;
pub mod rate;
pub mod reach;
pub mod repository;
pub mod role;
pub mod scope;
pub mod secret;
pub mod service;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use api_key::{ApiKey, NewApiKey};
pub use claims::{AcceptedToken, ClaimRules, RejectedToken};
pub use error::AccessError;
pub use event::{AccessEvent, Changed};
pub use header::{MalformedHeader, parse_bearer};
pub use member::{NamedMember, SpaceMember};
#[cfg(any(test, feature = "testing"))]
pub use memory::InMemoryAccess;
pub use organization::{MalformedSlug, NewOrganization, NewUser, Organization, Slug, User};
pub use principal::{Grant, Principal};
pub use rate::{Admitted, Refused, SlidingLog};
pub use reach::{Reach, SpaceStanding};
pub use repository::{AccessChange, AccessRepository, AccessWrite};
pub use role::{OrganizationRole, SpaceRole, UnknownRole, UnknownSpaceRole};
pub use scope::{Scope, ScopeSet, UnknownScope};
pub use secret::{ApiKeySecret, MalformedKey};
pub use service::{AccessService, IssuedKey, Rotation};
