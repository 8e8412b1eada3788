//! Tokens: JWTs whose algorithm comes from the key, never from the token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use probity_access::{AcceptedToken, ClaimRules};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// Longest `kid` that is looked up.
const LONGEST_KID: usize = 64;

/// A token that was taken apart and not yet believed.
pub(super) struct Unverified<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    kid: Option<String>,
    claims: Value,
    issuer: String,
}

impl<'a> Unverified<'a> {
    /// Takes a compact JWS apart. Members that ask for keys from elsewhere are not looked at;
    /// critical extensions and types other than a JWT are refused.
    pub(super) fn parse(text: &'a str) -> Result<Self, &'static str> {
        let (signed, signature) = text.rsplit_once('.').ok_or("no signature")?;
        let (header, claims) = signed.split_once('.').ok_or("no claims")?;
        if claims.contains('.') {
            return Err("too many parts");
        }
        let header = object(header)?;
        if header.get("crit").is_some() {
            return Err("critical extensions");
        }
        let types = ["JWT", "at+jwt", "application/at+jwt"];
        let fits = header.get("typ").is_none_or(|typ| {
            typ.as_str()
                .is_some_and(|typ| types.iter().any(|known| known.eq_ignore_ascii_case(typ)))
        });
        if !fits {
            return Err("not a JWT");
        }
        let kid = match header.get("kid") {
            None => None,
            Some(kid) => Some(
                kid.as_str()
                    .filter(|kid| is_kid(kid))
                    .ok_or("malformed kid")?
                    .to_owned(),
            ),
        };
        let claims = object(claims)?;
        let issuer = claims
            .get("iss")
            .and_then(Value::as_str)
            .ok_or("no issuer")?
            .to_owned();
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| "malformed signature")?;
        Ok(Self {
            signed,
            signature,
            kid,
            claims,
            issuer,
        })
    }

    /// Who claims to have issued it.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) const fn claims(&self) -> &Value {
        &self.claims
    }

    /// The signature as the JOSE libraries take it, and what it is over.
    pub(super) fn parts(&self) -> (String, &str) {
        (URL_SAFE_NO_PAD.encode(&self.signature), self.signed)
    }
}

fn is_kid(kid: &str) -> bool {
    (1..=LONGEST_KID).contains(&kid.len())
        && kid
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn object(part: &str) -> Result<Value, &'static str> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| "malformed base64url")?;
    crate::http::json::check_shape(&bytes).map_err(|_| "malformed JSON")?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| "malformed JSON")?;
    if value.is_object() {
        Ok(value)
    } else {
        Err("not an object")
    }
}

/// The server's own issuer of tokens.
pub(crate) struct TokenIssuer {
    key: SigningKey,
    kid: String,
    rules: ClaimRules,
}

/// What a new token says.
pub(crate) struct NewToken<'a> {
    pub(crate) organization: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) issued_at: OffsetDateTime,
    pub(crate) lifetime: time::Duration,
}

impl TokenIssuer {
    pub(crate) fn new(key: SigningKey, issuer: &str, audience: &str) -> Self {
        let kid = thumbprint(&key);
        let rules = ClaimRules {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            organization_claim: "org".to_owned(),
            role_claim: "role".to_owned(),
            email_claim: "email".to_owned(),
        };
        Self { key, kid, rules }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.rules.issuer
    }

    /// A new token. It names no role: the role is read from the user's record at each use.
    pub(crate) fn issue(&self, token: &NewToken<'_>) -> String {
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": self.kid});
        let claims = json!({
            "iss": self.rules.issuer,
            "aud": self.rules.audience,
            "sub": token.subject,
            "org": token.organization,
            "iat": token.issued_at.unix_timestamp(),
            "exp": (token.issued_at + token.lifetime).unix_timestamp(),
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    pub(super) fn verify(
        &self,
        token: &Unverified<'_>,
        now: OffsetDateTime,
    ) -> Result<AcceptedToken, &'static str> {
        if token.kid().is_some_and(|kid| kid != self.kid) {
            return Err("unknown kid");
        }
        let signature =
            Signature::from_slice(&token.signature).map_err(|_| "malformed signature")?;
        self.key
            .verifying_key()
            .verify_strict(token.signed.as_bytes(), &signature)
            .map_err(|_| "wrong signature")?;
        self.rules
            .accept(token.claims(), now)
            .map_err(|rejected| rejected.0)
    }

    /// The public key as a JWK set.
    pub(crate) fn jwks(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        json!({"keys": [{
            "kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "use": "sig", "alg": "EdDSA",
        }]})
    }
}

/// The key's thumbprint (RFC 7638).
fn thumbprint(key: &SigningKey) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_the_one_of_rfc_8037() {
        let seed = URL_SAFE_NO_PAD
            .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
            .unwrap();
        let key = SigningKey::from_bytes(&seed.try_into().unwrap());
        assert_eq!(
            thumbprint(&key),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn a_token_of_ours_is_believed_and_any_change_of_it_is_not() {
        let now = OffsetDateTime::from_unix_timestamp(1_770_000_000).unwrap();
        let issuer = TokenIssuer::new(SigningKey::from_bytes(&[7; 32]), "probity", "probity");
        let new = NewToken {
            organization: "acme",
            subject: "ada",
            issued_at: now,
            lifetime: time::Duration::hours(1),
        };
        let text = issuer.issue(&new);
        let accept = |text: &str| {
            Unverified::parse(text)
                .and_then(|token| issuer.verify(&token, now))
                .map(|t| t.subject)
        };
        assert_eq!(accept(&text), Ok("ada".to_owned()));
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(
                accept(&changed).is_err(),
                "a change at {place} was accepted"
            );
        }
        let none = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
            &text.split('.').nth(1).unwrap()
        );
        assert!(accept(&none).is_err());
        let later = now + time::Duration::hours(2);
        let token = Unverified::parse(&text).unwrap();
        assert!(issuer.verify(&token, later).is_err());
    }
}
