//! What can only be shown from inside: turns, their queue, and migrations taken back.

mod checks;
mod failures;
mod gate;
mod lanes;
mod migrations;
mod roles;
mod search;
