//! The store on both of its databases. Each test has a database of its own.

#[macro_use]
mod support;

mod contracts;
