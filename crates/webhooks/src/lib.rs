#![doc = include_str!("../README.md")]

pub mod event;
pub mod filter;
pub mod repository;

pub use event::GovernanceEvent;
pub use filter::{EventFilter, EventType, MalformedEventType};
pub use repository::EventRepository;
