//! Typed identifiers: `UUIDv7` inside, two spellings outside.
//!
//! Every id can be written as a hyphenated UUID (`0190f3a2-...`) or as a `TypeID`
//! (`sys_01j7sx5...`: a prefix naming the kind, an underscore, and the same 128 bits in
//! Crockford base 32). Both spellings name the same thing and both are accepted everywhere.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The Crockford alphabet in lower case, without `i`, `l`, `o` and `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 26 characters of 5 bits carry 130 bits; the top two are always zero.
const SUFFIX_LENGTH: usize = 26;

/// A text that is neither a UUID nor a `TypeID` of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a UUID or a `{prefix}_` identifier")]
pub struct ParseIdError {
    /// The `TypeID` prefix of the kind that was expected.
    pub prefix: &'static str,
}

/// Writes the `TypeID` spelling of a UUID.
#[must_use]
pub fn to_type_id(prefix: &str, id: Uuid) -> String {
    let bits = id.as_u128();
    let mut text = String::with_capacity(prefix.len() + 1 + SUFFIX_LENGTH);
    text.push_str(prefix);
    text.push('_');
    for place in (0..SUFFIX_LENGTH).rev() {
        let digit = usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default();
        text.push(ALPHABET.get(digit).copied().map_or('0', char::from));
    }
    text
}

/// Reads either spelling. The prefix of a `TypeID` must be the expected one, and hyphenated UUIDs
/// must have their 36-character form.
///
/// # Errors
/// [`ParseIdError`] for anything else, upper case `TypeID`s and values beyond 128 bits included.
pub fn parse_either(prefix: &'static str, text: &str) -> Result<Uuid, ParseIdError> {
    let wrong = ParseIdError { prefix };
    if text.len() == 36 {
        return Uuid::try_parse(text).map_err(|_| wrong);
    }
    let suffix = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'));
    suffix.and_then(decode_suffix).ok_or(wrong)
}

fn decode_suffix(suffix: &str) -> Option<Uuid> {
    if suffix.len() != SUFFIX_LENGTH || suffix.as_bytes().first()? > &b'7' {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in suffix.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == byte)?;
        bits = (bits << 5) | u128::try_from(digit).ok()?;
    }
    Some(Uuid::from_u128(bits))
}

/// Declares id newtypes: UUID inside, hyphenated `Display`, both spellings in `FromStr`.
macro_rules! define_id {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal;)+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            #[doc = concat!("The `TypeID` prefix of this kind: `", $prefix, "`.")]
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID.
            #[must_use]
            pub const fn new(id: Uuid) -> Self { Self(id) }

            /// The UUID inside.
            #[must_use]
            pub const fn uuid(self) -> Uuid { self.0 }

            /// The `TypeID` spelling, with the prefix in front.
            #[must_use]
            pub fn type_id(self) -> String { to_type_id(Self::PREFIX, self.0) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.hyphenated().fmt(f) }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_either(Self::PREFIX, text).map(Self)
            }
        }

        impl From<Uuid> for $name { fn from(id: Uuid) -> Self { Self(id) } }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+ };
}

define_id! {
    /// An organisation: the tenant that owns everything else.
    OrganizationId = "org";
    /// A person or service account of an organisation.
    UserId = "usr";
    /// A space: the place inside an organisation that holds products.
    SpaceId = "spc";
    /// A product: the governed AI system.
    ProductId = "sys";
    /// An entry of the model inventory.
    RegisteredModelId = "mdl";
    /// One metric snapshot.
    SnapshotId = "snap";
    /// One alert of a product and metric.
    AlertId = "alrt";
    /// The custom thresholds of one product.
    RiskMetricLinkId = "rml";
    /// An API key (never the secret itself).
    ApiKeyId = "key";
    /// A governance event.
    EventId = "evt";
    /// An endpoint that governance events are delivered to.
    WebhookEndpointId = "whk";
    /// A secret that deliveries are signed with (never the secret itself).
    WebhookSecretId = "whs";
    /// One message on its way to one endpoint.
    DeliveryId = "dlv";
    /// A version of a product.
    ProductVersionId = "ver";
    /// A declared data dependency of a product.
    DataDependencyId = "dep";
    /// A policy that is attached to a product.
    PolicyAttachmentId = "pol";
    /// A risk mitigation of a product.
    RiskMitigationId = "mit";
    /// A training, fine-tuning, evaluation or deployment run.
    TrainingRunId = "run";
    /// A performance or safety metric.
    SafetyMetricId = "smet";
    /// A runtime governance event.
    RuntimeEventId = "rtev";
    /// A governance review request.
    ReviewRequestId = "rev";
    /// An upload session of an artifact.
    UploadSessionId = "upl";
    /// A model artifact.
    ArtifactId = "art";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_type_id_vectors_hold() {
        let zero = Uuid::nil();
        assert_eq!(to_type_id("sys", zero), "sys_00000000000000000000000000");
        let max = Uuid::from_u128(u128::MAX);
        assert_eq!(to_type_id("sys", max), "sys_7zzzzzzzzzzzzzzzzzzzzzzzzz");
        let known = Uuid::try_parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        assert_eq!(to_type_id("sys", known), "sys_01h455vb4pex5vsknk084sn02q");
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "sys_",
            "sys_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "sys_01h455vb4pex5vsknk084sn02",
            "SYS_01h455vb4pex5vsknk084sn02q",
            "mdl_01h455vb4pex5vsknk084sn02q",
            "sys_01h455vb4pex5vsknk084sn02u",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a805}",
            "not-a-uuid",
        ] {
            assert!(text.parse::<ProductId>().is_err(), "{text} was accepted");
        }
    }

    proptest! {
        #[test]
        fn both_spellings_name_the_same_id(bits: u128) {
            let id = ProductId::new(Uuid::from_u128(bits));
            prop_assert_eq!(id.type_id().parse::<ProductId>().unwrap(), id);
            prop_assert_eq!(id.to_string().parse::<ProductId>().unwrap(), id);
        }
    }
}
