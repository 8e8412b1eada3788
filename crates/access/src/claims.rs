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
