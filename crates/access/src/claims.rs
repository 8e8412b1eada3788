//! Which claims of a token are accepted, after its signature was checked.
//!
//! Every rule is closed: a claim of the wrong type is refused, never taken for an absent one, so
//! that an `exp` written as text cannot make a token eternal.

use probity_kernel::OrganizationId;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::organization::{Slug, is_email};
use crate::role::OrganizationRole;

/// How far two clocks may be apart, in seconds.
const SKEW: i64 = 60;
/// The longest life of a token, in seconds.
const LONGEST_LIFE: i64 = 24 * 60 * 60;
/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// What one issuer's tokens have to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRules {
    /// The only accepted `iss`.
    pub issuer: String,
    /// What `aud` has to be, or to hold.
    pub audience: String,
    /// The claim that names the organisation, by slug or id.
    pub organization_claim: String,
    /// The claim that may name the role.
    pub role_claim: String,
    /// The claim that may hold the e-mail address.
    pub email_claim: String,
}

/// What an accepted token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedToken {
    /// The subject.
    pub subject: String,
    /// The organisation as the token names it: a slug or an id.
    pub organization: String,
    /// The role, when the token names one.
    pub role: Option<OrganizationRole>,
    /// The e-mail address, when the token holds one.
    pub email: Option<String>,
    /// When the token ends.
    pub expires_at: OffsetDateTime,
}

/// Why a token is refused; for the log, not for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("token refused: {0}")]
pub struct RejectedToken(pub &'static str);

impl ClaimRules {
    /// Judges the claims of a token at `now`.
    ///
    /// | claim | rule |
    /// |---|---|
    /// | `exp` | required; the token ends 60 s after it; at most 24 h after `iat` |
    /// | `iat` | required; at most 60 s ahead; before `exp` |
    /// | `nbf` | honoured when present, with 60 s of tolerance |
    /// | `iss` | required; equal to the rule's issuer |
    /// | `aud` | required; the rule's audience, or a list of texts that holds it |
    /// | `sub` | required; 1 to 255 bytes, no control characters |
    /// | organisation | required; a slug or an organisation id |
    /// | role | optional; `admin`, `member` or `auditor` |
    /// | e-mail | optional; an address of up to 254 bytes |
    ///
    /// Instants are JSON numbers written as integers, in seconds from 1970 to the end of 9999.
    ///
    /// # Errors
    /// [`RejectedToken`] with the first reason found.
    pub fn accept(
        &self,
        claims: &Value,
        now: OffsetDateTime,
    ) -> Result<AcceptedToken, RejectedToken> {
        let claims = claims
            .as_object()
            .ok_or(RejectedToken("the claims are no object"))?;
        let expires_at = check_instants(claims, now)?;
        if text(claims, "iss")? != Some(self.issuer.as_str()) {
            return Err(RejectedToken("iss is not the issuer"));
        }
        self.check_audience(claims)?;
        let subject = text(claims, "sub")?
            .filter(|sub| (1..=255).contains(&sub.len()) && !sub.chars().any(char::is_control))
            .ok_or(RejectedToken("sub is missing, empty or too long"))?;
        let organization = text(claims, &self.organization_claim)?
            .filter(|name| name.parse::<Slug>().is_ok() || name.parse::<OrganizationId>().is_ok())
            .ok_or(RejectedToken(
                "the organization claim is missing or malformed",
            ))?;
        let role = text(claims, &self.role_claim)?
            .map(str::parse::<OrganizationRole>)
            .transpose()
            .map_err(|_| RejectedToken("the role claim names no role"))?;
        let email = text(claims, &self.email_claim)?;
        if email.is_some_and(|email| !is_email(email)) {
            return Err(RejectedToken("the e-mail claim is no address"));
        }
        Ok(AcceptedToken {
            subject: subject.to_owned(),
            organization: organization.to_owned(),
            role,
            email: email.map(str::to_owned),
            expires_at,
        })
    }

    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), RejectedToken> {
        let wanted = self.audience.as_str();
        let meant = match claims.get("aud") {
            Some(Value::String(one)) => one == wanted,
            Some(Value::Array(several)) if several.iter().all(Value::is_string) => {
                several.iter().any(|one| one == wanted)
            }
            _ => return Err(RejectedToken("aud is missing or of the wrong type")),
        };
        if meant {
            Ok(())
        } else {
            Err(RejectedToken("aud is somebody else"))
        }
    }
}

/// Checks `exp`, `iat` and `nbf`, and returns the token's end.
fn check_instants(
    claims: &Map<String, Value>,
    now: OffsetDateTime,
) -> Result<OffsetDateTime, RejectedToken> {
    let now = now.unix_timestamp();
    let exp = seconds(claims, "exp")?.ok_or(RejectedToken("exp is missing"))?;
    let iat = seconds(claims, "iat")?.ok_or(RejectedToken("iat is missing"))?;
    if now >= exp + SKEW {
        return Err(RejectedToken("the token has expired"));
    }
    if iat > now + SKEW {
        return Err(RejectedToken("iat is in the future"));
    }
    if exp <= iat || exp - iat > LONGEST_LIFE {
        return Err(RejectedToken("the token lives longer than 24 hours"));
    }
    if seconds(claims, "nbf")?.is_some_and(|nbf| nbf > now + SKEW) {
        return Err(RejectedToken("the token is not yet good"));
    }
    OffsetDateTime::from_unix_timestamp(exp).map_err(|_| RejectedToken("exp is out of range"))
}

/// An instant in seconds: absent, or a JSON integer in range.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, RejectedToken> {
    claims
        .get(name)
        .map(|value| {
            value
                .as_i64()
                .filter(|seconds| (0..=LAST_SECOND).contains(seconds))
                .ok_or(RejectedToken("exp, iat or nbf is no integer in range"))
        })
        .transpose()
}

/// A text: absent, or a JSON string.
fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, RejectedToken> {
    claims
        .get(name)
        .map(|value| {
            value
                .as_str()
                .ok_or(RejectedToken("a claim has the wrong type"))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-03-13 09:00 UTC);

    fn rules() -> ClaimRules {
        ClaimRules {
            issuer: "https://issuer.example".to_owned(),
            audience: "probity".to_owned(),
            organization_claim: "org".to_owned(),
            role_claim: "role".to_owned(),
            email_claim: "email".to_owned(),
        }
    }

    fn good() -> Value {
        let now = NOW.unix_timestamp();
        json!({
            "iss": "https://issuer.example", "aud": "probity", "sub": "user-1", "org": "acme",
            "iat": now, "exp": now + 3600,
        })
    }

    /// The good claims with one member replaced, or removed when it is `None`.
    fn with(name: &str, value: Option<Value>) -> Value {
        let mut claims = good();
        let members = claims.as_object_mut().unwrap();
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
        claims
    }

    /// A number that `json!` cannot write.
    fn huge(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    /// Judges one claim's rows: its value (`None`: removed) and whether the token is accepted.
    fn judge(name: &str, rows: &[(Option<Value>, bool)]) {
        for (value, accepted) in rows {
            let verdict = rules().accept(&with(name, value.clone()), NOW);
            assert_eq!(verdict.is_ok(), *accepted, "{name}: {value:?}: {verdict:?}");
        }
    }

    fn at(seconds: i64) -> Value {
        json!(NOW.unix_timestamp() + seconds)
    }

    #[test]
    fn exp_is_a_required_integer_with_sixty_seconds_of_tolerance() {
        let now = NOW.unix_timestamp();
        judge(
            "exp",
            &[
                (None, false),
                (Some(Value::Null), false),
                (Some(json!((now + 3600).to_string())), false),
                (Some(json!(1_773_396_000.5)), false),
                (Some(huge("1773396000.0")), false),
                (Some(huge("1.773396e9")), false),
                (Some(huge("1e300")), false),
                (Some(huge("18446744073709551615")), false),
                (Some(huge("253402300800")), false),
                (Some(json!(-1)), false),
                (Some(json!(0)), false),
                (Some(json!(true)), false),
                (Some(json!([now + 3600])), false),
                (Some(json!({"value": now + 3600})), false),
                (Some(at(0)), false),
                (Some(at(1)), true),
                (Some(at(86_400)), true),
                (Some(at(86_401)), false),
            ],
        );
    }

    #[test]
    fn iat_is_a_required_integer_before_exp() {
        let now = NOW.unix_timestamp();
        judge(
            "iat",
            &[
                (None, false),
                (Some(Value::Null), false),
                (Some(json!(now.to_string())), false),
                (Some(json!(1_773_392_400.5)), false),
                (Some(json!(-1)), false),
                (Some(huge("18446744073709551616")), false),
                (Some(at(60)), true),
                (Some(at(61)), false),
                (Some(at(3600)), false),
                (Some(at(-82_800)), true),
                (Some(at(-82_801)), false),
            ],
        );
    }

    #[test]
    fn nbf_is_honoured_when_present() {
        judge(
            "nbf",
            &[
                (None, true),
                (Some(at(-1)), true),
                (Some(at(60)), true),
                (Some(at(61)), false),
                (Some(Value::Null), false),
                (Some(json!("0")), false),
                (Some(json!(0.5)), false),
                (Some(json!(-1)), false),
            ],
        );
    }

    #[test]
    fn iss_is_exactly_the_issuer() {
        judge(
            "iss",
            &[
                (None, false),
                (Some(json!("https://issuer.example/")), false),
                (Some(json!(["https://issuer.example"])), false),
                (Some(Value::Null), false),
            ],
        );
    }

    #[test]
    fn aud_is_the_audience_or_holds_it() {
        judge(
            "aud",
            &[
                (None, false),
                (Some(json!("Probity")), false),
                (Some(json!(["probity"])), true),
                (Some(json!(["other", "probity"])), true),
                (Some(json!(["other"])), false),
                (Some(json!([])), false),
                (Some(json!(["probity", 1])), false),
                (Some(json!({"probity": true})), false),
                (Some(Value::Null), false),
            ],
        );
    }

    #[test]
    fn sub_is_a_text_of_1_to_255_bytes() {
        judge(
            "sub",
            &[
                (None, false),
                (Some(json!("")), false),
                (Some(json!(1)), false),
                (Some(json!("x".repeat(256))), false),
                (Some(json!("a\u{0}b")), false),
            ],
        );
    }

    #[test]
    fn the_organization_is_a_slug_or_an_id() {
        judge(
            "org",
            &[
                (None, false),
                (Some(json!("Acme Corp")), false),
                (Some(json!(7)), false),
                (Some(json!("org_01h455vb4pex5vsknk084sn02q")), true),
            ],
        );
    }

    #[test]
    fn the_role_is_one_of_three_when_present() {
        judge(
            "role",
            &[
                (Some(json!("auditor")), true),
                (Some(json!("owner")), false),
                (Some(Value::Null), false),
                (Some(json!(["admin"])), false),
            ],
        );
    }

    #[test]
    fn the_e_mail_is_an_address_when_present() {
        judge(
            "email",
            &[
                (Some(json!("a@example.com")), true),
                (Some(json!("nobody")), false),
                (Some(json!("a@b@c")), false),
                (Some(json!(1)), false),
                (Some(Value::Null), false),
            ],
        );
    }

    #[test]
    fn a_token_is_accepted_until_sixty_seconds_after_its_end() {
        let end = NOW + time::Duration::seconds(3600);
        for (late, accepted) in [(59, true), (60, false), (61, false)] {
            let verdict = rules().accept(&good(), end + time::Duration::seconds(late));
            assert_eq!(verdict.is_ok(), accepted, "{late}");
        }
    }

    #[test]
    fn an_accepted_token_says_what_its_claims_say() {
        let mut claims = good();
        claims["role"] = json!("member");
        claims["email"] = json!("a@example.com");
        let expected = AcceptedToken {
            subject: "user-1".to_owned(),
            organization: "acme".to_owned(),
            role: Some(OrganizationRole::Member),
            email: Some("a@example.com".to_owned()),
            expires_at: NOW + time::Duration::seconds(3600),
        };
        assert_eq!(rules().accept(&claims, NOW), Ok(expected));
        let plain = rules().accept(&good(), NOW).unwrap();
        assert_eq!((plain.role, plain.email), (None, None));
    }

    #[test]
    fn claims_that_are_no_object_are_refused() {
        for claims in [json!(null), json!([]), json!("claims"), json!(1)] {
            assert!(rules().accept(&claims, NOW).is_err(), "{claims}");
        }
        assert!(serde_json::from_str::<Value>("{\"exp\": 1e400}").is_err());
    }
}
