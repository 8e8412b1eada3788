//! What is asked of a time-stamp authority.

use der::Encode as _;
use der::asn1::{Any, OctetString, Uint};
use spki::AlgorithmIdentifierOwned;

use crate::asn1::{MessageImprint, TimeStampReq, oid};
use crate::refusal::Refusal;

/// The SHA-256 of what is stamped.
pub type Imprint = [u8; 32];

/// A number that an answer has to repeat, so that an old answer does not pass for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// A nonce of random bytes. Two of its bits are fixed, so that it is a positive integer of always the same length.
    #[must_use]
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        let [first, ..] = &mut bytes;
        *first = *first & 0x3f | 0x40;
        Self(bytes)
    }

    /// The integer, big-endian.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A request: the digest of what is to be stamped, and a nonce. It asks for the authority's certificate, so that the token
/// can be verified offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    imprint: Imprint,
    nonce: Nonce,
}

impl Request {
    /// The media type of a request.
    pub const MEDIA_TYPE: &'static str = "application/timestamp-query";

    /// A request.
    #[must_use]
    pub const fn new(imprint: Imprint, nonce: Nonce) -> Self {
        Self { imprint, nonce }
    }

    /// Its bytes, DER.
    ///
    /// # Errors
    /// None that the library makes for these lengths.
    pub fn to_der(&self) -> Result<Vec<u8>, Refusal> {
        let request = TimeStampReq {
            version: 1,
            imprint: MessageImprint {
                algorithm: AlgorithmIdentifierOwned {
                    oid: oid::SHA256,
                    parameters: Some(Any::null()),
                },
                hashed: OctetString::new(self.imprint.as_slice())?,
            },
            policy: None,
            nonce: Some(Uint::new(self.nonce.as_bytes())?),
            wants_certificate: true,
        };
        Ok(request.to_der()?)
    }
}
