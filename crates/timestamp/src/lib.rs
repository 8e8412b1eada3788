//! RFC 3161 time stamps: somebody else's word, signed, that some bytes existed at some time.
//!
//! Pure: a [`Request`] is bytes to send, [`Response`] reads what came back, and [`Authorities`] verifies a token at any
//! later time with no network. What a token has to be before it is believed stands at [`Authorities::verify`].

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
