//! Drives the real binary over HTTP, on SQLite and on PostgreSQL.
//!
//! A case is an `async fn` that takes an [`harness::Api`]: an organisation of its own on a server
//! that the cases share. `both!` makes a test of it per database. Every JSON answer that any case
//! sees is held against the server's own OpenAPI document on its way in.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it should be"
)]
#![expect(
    clippy::too_many_lines,
    reason = "a table is as long as it has rows, and a case tells one story"
)]

#[macro_use]
mod harness;

mod access;
mod alerts;
mod alerts_over_time;
mod anchors;
mod artifacts;
mod as_of;
mod attachments;
mod backups;
mod catalog;
mod custody;
mod event_stream;
mod events;
mod evidence;
mod guardian;
mod guardian_reference;
mod history;
mod http;
mod import;
mod interleavings;
mod isolation;
mod judgement;
mod limits;
mod minute;
mod model_cards;
mod openapi;
mod otlp;
mod record;
mod registry_reference;
mod roles;
mod targets;
mod tokens;
mod transfer;
mod versions;
mod webhooks;
