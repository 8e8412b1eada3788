//! Signatures as the Standard Webhooks specification defines them: `v1` with a shared secret, `v1a`
//! with a key pair.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use secrecy::{ExposeSecret, SecretBox};
use time::OffsetDateTime;

/// What the text of a shared secret begins with.
const PREFIX: &str = "whsec_";
/// What the text of a public key begins with.
const PUBLIC_PREFIX: &str = "whpk_";
/// Sets the key pair of a secret apart from its use as a shared secret.
const PAIR_LABEL: &[u8] = b"probity/webhooks/v1a";
/// How far the time of a message may lie from that of its reader, in seconds.
pub const TOLERANCE: i64 = 300;

/// A secret that deliveries are signed with: 24 to 64 bytes, wiped from memory when dropped, never
/// printed by `Debug`.
pub struct SigningSecret(SecretBox<Vec<u8>>);

/// A text or bytes that are no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is whsec_ and 24 to 64 bytes in base 64")]
pub struct MalformedSecret;

impl SigningSecret {
    /// The secret of these bytes.
    ///
    /// # Errors
    /// [`MalformedSecret`] when they are not 24 to 64.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, MalformedSecret> {
        if (24..=64).contains(&bytes.len()) {
            return Ok(Self(SecretBox::new(Box::new(bytes))));
        }
        Err(MalformedSecret)
    }

    /// Reads the text of a secret.
    ///
    /// # Errors
    /// [`MalformedSecret`] for anything else.
    pub fn parse(text: &str) -> Result<Self, MalformedSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(MalformedSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| MalformedSecret)?;
        Self::from_bytes(bytes)
    }

    /// The bytes, for sealing.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The text, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.bytes()))
    }

    /// The `v1` signature: HMAC-SHA-256 over `id.timestamp.body`.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes());
        let mut context = hmac::Context::with_key(&key);
        context.update(&signed_part(id, timestamp));
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign().as_ref()))
    }

    /// The `v1a` signature: Ed25519 over the same, with the key pair that follows from the secret.
    #[must_use]
    pub fn sign_with_pair(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut content = signed_part(id, timestamp);
        content.extend_from_slice(body);
        let signature = self.pair().sign(&content);
        format!("v1a,{}", STANDARD.encode(signature.to_bytes()))
    }

    /// The public key that proves `v1a` signatures.
    #[must_use]
    pub fn public_key(&self) -> String {
        let key = self.pair().verifying_key();
        format!("{PUBLIC_PREFIX}{}", STANDARD.encode(key.as_bytes()))
    }

    fn pair(&self) -> SigningKey {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes());
        let seed = hmac::sign(&key, PAIR_LABEL);
        // HMAC-SHA-256 has the 32 bytes of a seed.
        SigningKey::from_bytes(&seed.as_ref().try_into().unwrap_or_default())
    }

    /// Whether one of the signatures of a header is this secret's `v1` signature, and the time is
    /// within five minutes of `now`. Compared in constant time.
    #[must_use]
    pub fn verifies(&self, signed: &Signed<'_>, now: OffsetDateTime) -> bool {
        let age = now.unix_timestamp().saturating_sub(signed.timestamp);
        if age.unsigned_abs() > TOLERANCE.unsigned_abs() {
            return false;
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes());
        let mut content = signed_part(signed.id, signed.timestamp);
        content.extend_from_slice(signed.body);
        signed
            .signatures
            .split(' ')
            .filter_map(|one| one.strip_prefix("v1,"))
            .filter_map(|encoded| STANDARD.decode(encoded).ok())
            .any(|tag| hmac::verify(&key, &content, &tag).is_ok())
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret([REDACTED])")
    }
}

/// What a receiver gets: the three headers and the body.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`, seconds since 1970.
    pub timestamp: i64,
    /// `webhook-signature`
    pub signatures: &'a str,
    /// The bytes of the body.
    pub body: &'a [u8],
}

fn signed_part(id: &str, timestamp: i64) -> Vec<u8> {
    format!("{id}.{timestamp}.").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
    use time::Duration;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = b"{\"test\": 2432232314}";

    fn secret() -> SigningSecret {
        SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    fn accepted(signatures: &str, seconds: i64) -> bool {
        let signed = Signed {
            id: ID,
            timestamp: AT,
            signatures,
            body: BODY,
        };
        let now = OffsetDateTime::from_unix_timestamp(AT).unwrap() + Duration::seconds(seconds);
        secret().verifies(&signed, now)
    }

    #[test]
    fn the_published_vectors_hold() {
        let vectors = [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                ID,
                AT,
                BODY,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                br#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
        ];
        for (text, id, at, body, signature) in vectors {
            let secret = SigningSecret::parse(text).unwrap();
            assert_eq!(secret.sign(id, at, body), signature);
            assert_eq!(secret.expose(), text);
        }
    }

    #[test]
    fn readers_take_what_is_theirs_and_nothing_else() {
        let good = secret().sign(ID, AT, BODY);
        let (_, tag) = good.split_once(',').unwrap();
        for (signatures, seconds, taken) in [
            (good.clone(), 0, true),
            (good.clone(), 300, true),
            (good.clone(), -300, true),
            (good.clone(), 301, false),
            (good.clone(), -301, false),
            (format!("v1,AAAA v2,{tag} {good}"), 0, true),
            (format!("v2,{tag}"), 0, false),
            (format!("v1a,{tag}"), 0, false),
            (good[..good.len() - 4].to_owned(), 0, false),
            ("v1,".to_owned(), 0, false),
            (String::new(), 0, false),
        ] {
            assert_eq!(
                accepted(&signatures, seconds),
                taken,
                "{signatures} {seconds}"
            );
        }
    }

    #[test]
    fn the_pair_signs_what_its_public_key_proves() {
        let secret = secret();
        let signature = secret.sign_with_pair(ID, AT, BODY);
        let encoded = signature.strip_prefix("v1a,").unwrap();
        let signature: [u8; 64] = STANDARD.decode(encoded).unwrap().try_into().unwrap();
        let public = secret.public_key();
        let public = STANDARD
            .decode(public.strip_prefix("whpk_").unwrap())
            .unwrap();
        let key = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
        let content = [format!("{ID}.{AT}.").as_bytes(), BODY].concat();
        assert!(
            key.verify(&content, &Signature::from_bytes(&signature))
                .is_ok()
        );
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_!!!!",
            "whsec_AAAA",
        ] {
            assert!(SigningSecret::parse(text).is_err(), "{text}");
        }
        assert!(SigningSecret::from_bytes(vec![0; 23]).is_err());
        assert!(SigningSecret::from_bytes(vec![0; 24]).is_ok());
        assert!(SigningSecret::from_bytes(vec![0; 64]).is_ok());
        assert!(SigningSecret::from_bytes(vec![0; 65]).is_err());
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        assert_eq!(format!("{:?}", secret()), "SigningSecret([REDACTED])");
    }
}
