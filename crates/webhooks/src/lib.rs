#![doc = include_str!("../README.md")]

pub mod address;
pub mod event;
pub mod filter;
pub mod message;
pub mod repository;
pub mod retry;
pub mod signature;
pub mod target;
pub mod target_url;

pub use event::GovernanceEvent;
pub use filter::{EventFilter, EventType, MalformedEventType};
pub use message::Message;
pub use repository::EventRepository;
pub use signature::SigningSecret;
pub use target_url::{AdmittedHost, Refusal, TargetRules, TargetUrl};
