#![doc = include_str!("../README.md")]

pub mod address;
pub mod cloudevent;
pub mod delivery;
pub mod endpoint;
pub mod event;
pub mod filter;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod message;
pub mod repository;
pub mod retry;
mod rewrap;
pub mod service;
pub mod signature;
pub mod stream;
pub mod target;
pub mod target_url;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use delivery::{Delivery, DeliveryFilter, DeliveryState};
pub use endpoint::{Endpoint, WebhookError, WebhookWrite};
pub use event::GovernanceEvent;
pub use filter::{EventFilter, EventType, MalformedEventType};
pub use message::Message;
pub use repository::{DeliveryQueue, EventRepository, WebhookRepository};
pub use rewrap::Rewrapped;
pub use service::WebhookService;
pub use signature::SigningSecret;
pub use stream::{Batch, EventStream, MalformedPosition, Position, Resume};
pub use target_url::{AdmittedHost, Refusal, TargetRules, TargetUrl};
