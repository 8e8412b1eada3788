//! What an authority answers.

use der::{Decode as _, Encode as _};

use crate::asn1::TimeStampResp;
use crate::refusal::Refusal;

/// Granted, and granted with changes that the token shows.
const GRANTED: [u8; 2] = [0, 1];

/// An answer that grants a time stamp. The token in it is not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    token: Vec<u8>,
}

impl Response {
    /// The media type of an answer.
    pub const MEDIA_TYPE: &'static str = "application/timestamp-reply";

    /// Reads an answer.
    ///
    /// # Errors
    /// `NotGranted` with the authority's own words, or `Malformed`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let read = TimeStampResp::from_der(bytes)?;
        if !GRANTED.contains(&read.status.status) {
            let words = read.status.text.unwrap_or_default().join("; ");
            return Err(Refusal::NotGranted {
                status: read.status.status,
                text: quoted(&words),
            });
        }
        let token = read
            .token
            .ok_or_else(|| Refusal::Malformed("it is granted, but there is no token".to_owned()))?;
        Ok(Self {
            token: token.to_der()?,
        })
    }

    /// The token, DER: what is kept.
    #[must_use]
    pub fn token(&self) -> &[u8] {
        &self.token
    }
}

/// What somebody else wrote, for a log: one line, and not a long one.
fn quoted(words: &str) -> String {
    if words.is_empty() {
        return String::new();
    }
    let plain = words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200);
    format!(": {}", plain.collect::<String>())
}
