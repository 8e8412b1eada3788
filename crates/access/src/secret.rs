//! The secret of an API key.
//!
//! `prb_`, 30 characters of base 62, and 6 more that are the CRC-32 of those 30 (base 62, most
//! significant digit first, padded with `0`). The checksum tells a typo from a wrong key without
//! asking a database, and lets scanners recognise a leaked key offline.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const PREFIX: &str = "prb_";
const BODY_LENGTH: usize = 30;
const CHECKSUM_LENGTH: usize = 6;
const LENGTH: usize = PREFIX.len() + BODY_LENGTH + CHECKSUM_LENGTH;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Why a text is no API key at all; a key that is well formed and unknown is another matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKey {
    /// It does not start with `prb_`.
    #[error("an API key starts with prb_")]
    Prefix,
    /// It does not have 40 characters.
    #[error("an API key has 40 characters")]
    Length,
    /// It holds something besides digits and ASCII letters.
    #[error("an API key holds digits and ASCII letters")]
    Alphabet,
    /// The checksum differs: at least one character is wrong.
    #[error("the API key has a typing error")]
    Checksum,
}

/// The secret of an API key: 178 bits of entropy, wiped from memory when dropped, never printed by
/// `Debug`.
pub struct ApiKeySecret(SecretString);

impl ApiKeySecret {
    /// Makes a secret from 32 random bytes.
    ///
    /// The bytes are read as one 256-bit number whose 30 lowest base-62 digits are the body. That
    /// needs no rejection: 2^256 is so much larger than 62^30 (about 2^178.6) that the most and the
    /// least likely body differ in probability by less than one part in 2^77.
    #[must_use]
    pub fn from_entropy(entropy: [u8; 32]) -> Self {
        let mut number = entropy;
        let body: String = (0..BODY_LENGTH)
            .map(|_| digit(divide_by_62(&mut number)))
            .collect();
        let sum = checksum(&body);
        Self(SecretString::from(format!("{PREFIX}{body}{sum}")))
    }

    /// Reads a secret that a caller presents.
    ///
    /// # Errors
    /// [`MalformedKey`] says what is wrong; nothing that is refused here can be a key of ours.
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        let rest = text.strip_prefix(PREFIX).ok_or(MalformedKey::Prefix)?;
        if text.len() != LENGTH {
            return Err(MalformedKey::Length);
        }
        if !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(MalformedKey::Alphabet);
        }
        let (body, sum) = rest
            .split_at_checked(BODY_LENGTH)
            .ok_or(MalformedKey::Length)?;
        if checksum(body) != sum {
            return Err(MalformedKey::Checksum);
        }
        Ok(Self(SecretString::from(text.to_owned())))
    }

    /// Whether a credential is meant to be an API key: it starts with `prb_`.
    #[must_use]
    pub fn is_announced_by(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// SHA-256 of the whole secret, prefix and checksum included: what is stored and looked up. A
    /// fast hash is right for 178 bits of entropy.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.expose().as_bytes()).into()
    }

    /// The secret as text, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The first eight characters, e.g. `prb_1a2b`, to recognise the key by.
    #[must_use]
    pub fn display_prefix(&self) -> &str {
        self.expose().get(..PREFIX.len() + 4).unwrap_or_default()
    }

    /// The last four characters. They belong to the checksum.
    #[must_use]
    pub fn last_four(&self) -> &str {
        self.expose().get(LENGTH - 4..).unwrap_or_default()
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret([REDACTED])")
    }
}

fn digit(value: u32) -> char {
    let place = usize::try_from(value).unwrap_or_default();
    ALPHABET.get(place).copied().map_or('0', char::from)
}

/// Divides a big-endian number in place and returns the remainder.
fn divide_by_62(number: &mut [u8; 32]) -> u32 {
    let mut remainder: u32 = 0;
    for byte in number {
        let value = remainder * 256 + u32::from(*byte);
        // The quotient fits: the remainder is below 62, so the value is below 62 * 256.
        *byte = u8::try_from(value / 62).unwrap_or_default();
        remainder = value % 62;
    }
    remainder
}

fn checksum(body: &str) -> String {
    let sum = crc32fast::hash(body.as_bytes());
    (0..CHECKSUM_LENGTH)
        .rev()
        .map(|place| digit(sum / 62_u32.pow(u32::try_from(place).unwrap_or_default()) % 62))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn the_published_checksum_vector_holds() {
        assert_eq!(checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), "0mLq17");
    }

    #[test]
    fn a_made_secret_has_the_documented_form() {
        let secret = ApiKeySecret::from_entropy([7; 32]);
        let text = secret.expose();
        assert_eq!(text.len(), 40);
        assert_eq!(secret.display_prefix(), &text[..8]);
        assert_eq!(secret.last_four(), &text[36..]);
        let expected: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        assert_eq!(secret.hash(), expected);
        assert!(ApiKeySecret::is_announced_by(text));
    }

    #[test]
    fn the_mapping_is_the_number_written_in_base_62() {
        let mut entropy = [0; 32];
        let zero = ApiKeySecret::from_entropy(entropy);
        assert_eq!(&zero.expose()[4..34], "0".repeat(30));
        // 256 = 4 * 62 + 8, lowest digit first.
        entropy[30] = 1;
        let secret = ApiKeySecret::from_entropy(entropy);
        assert_eq!(&secret.expose()[4..34], format!("84{}", "0".repeat(28)));
    }

    #[test]
    fn what_is_no_key_is_refused_for_its_reason() {
        let good = ApiKeySecret::from_entropy([9; 32]).expose().to_owned();
        let reversed: String = good[4..].chars().rev().collect();
        for (text, reason) in [
            (String::new(), MalformedKey::Prefix),
            ("prb".to_owned(), MalformedKey::Prefix),
            (good.replacen("prb_", "grd_", 1), MalformedKey::Prefix),
            (good.to_uppercase(), MalformedKey::Prefix),
            ("prb_".to_owned(), MalformedKey::Length),
            (good[..39].to_owned(), MalformedKey::Length),
            (format!("{good}0"), MalformedKey::Length),
            (format!("{good} "), MalformedKey::Length),
            (format!("{}-", &good[..39]), MalformedKey::Alphabet),
            (format!("{}é", &good[..38]), MalformedKey::Alphabet),
            (format!("prb_{reversed}"), MalformedKey::Checksum),
        ] {
            assert_eq!(ApiKeySecret::parse(&text).err(), Some(reason), "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let secret = ApiKeySecret::from_entropy([9; 32]);
        assert_eq!(format!("{secret:?}"), "ApiKeySecret([REDACTED])");
    }

    #[test]
    fn every_character_is_equally_likely() {
        let mut counts: HashMap<char, u32> = HashMap::new();
        for seed in 0..2000_u32 {
            let entropy: [u8; 32] = Sha256::digest(seed.to_be_bytes()).into();
            let secret = ApiKeySecret::from_entropy(entropy);
            for c in secret.expose()[4..34].chars() {
                *counts.entry(c).or_default() += 1;
            }
        }
        assert_eq!(counts.len(), 62);
        // 60,000 draws from 62: chi-square with 61 degrees of freedom is below 115 at p = 3e-5.
        let mean = 60_000.0 / 62.0;
        let chi_square: f64 = counts
            .values()
            .map(|n| (f64::from(*n) - mean).powi(2) / mean)
            .sum();
        assert!(chi_square < 115.0, "{chi_square}");
    }

    proptest! {
        #[test]
        fn every_made_secret_is_read_back(entropy: [u8; 32]) {
            let secret = ApiKeySecret::from_entropy(entropy);
            let read = ApiKeySecret::parse(secret.expose()).unwrap();
            prop_assert_eq!(read.hash(), secret.hash());
        }

        #[test]
        fn one_wrong_character_is_a_typing_error(
            entropy: [u8; 32],
            place in 4_usize..40,
            other in 0_usize..62,
        ) {
            let good = ApiKeySecret::from_entropy(entropy).expose().to_owned();
            let mut bytes = good.clone().into_bytes();
            bytes[place] = ALPHABET[other];
            let text = String::from_utf8(bytes).unwrap();
            let expected = (text != good).then_some(MalformedKey::Checksum);
            prop_assert_eq!(ApiKeySecret::parse(&text).err(), expected);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(prb_)?\\PC{0,60}") {
            let _ = ApiKeySecret::parse(&text);
        }
    }
}
