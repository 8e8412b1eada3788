#![doc = include_str!("../README.md")]

mod asn1;
mod authorities;
mod refusal;
mod request;
mod response;
mod signature;
mod token;

pub use authorities::{Authorities, AuthoritiesError};
pub use refusal::Refusal;
pub use request::{Imprint, Nonce, Request};
pub use response::Response;
pub use token::Timestamp;

#[cfg(test)]
mod tests;
