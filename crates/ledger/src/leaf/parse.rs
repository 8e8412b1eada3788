//! Reading leaf bytes back, strictly: what is accepted encodes to the very same bytes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use time::OffsetDateTime;

use super::args::{ArgValue, Args};
use super::{LeafError, LeafHeader, MAX_LEAF_LEN, Slots, Target, VERSION, timestamp};
use crate::slot::Commitment;

/// A leaf read from its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    action: String,
    args: Args<'static>,
    org: String,
    seq: u64,
    slots: Slots,
    target_id: String,
    target_kind: String,
    ts: OffsetDateTime,
}

impl Leaf {
    /// Reads a leaf. Encoding [`header`](Self::header) again gives exactly `bytes`, so their hash is the leaf hash.
    ///
    /// # Errors
    /// Anything that is not a leaf of this version in its one canonical spelling: unknown, missing or repeated members,
    /// other types, floats, white space, other escapes, another order, trailing bytes, more than [`MAX_LEAF_LEN`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        if bytes.len() > MAX_LEAF_LEN {
            return Err(LeafError::TooLong);
        }
        let wire: Wire =
            serde_json::from_slice(bytes).map_err(|error| LeafError::Shape(error.to_string()))?;
        if wire.v != u64::from(VERSION) {
            return Err(LeafError::Version(wire.v));
        }
        let leaf = Self {
            action: wire.action,
            args: wire.args.0,
            org: wire.org,
            seq: wire.seq,
            slots: wire.slots.read()?,
            target_id: wire.target.id,
            target_kind: wire.target.kind,
            ts: timestamp::parse(&wire.ts)?,
        };
        let mut again = Vec::with_capacity(bytes.len());
        leaf.header().encode(&mut again)?;
        if again == bytes {
            Ok(leaf)
        } else {
            Err(LeafError::NotCanonical)
        }
    }

    /// What the leaf says.
    #[must_use]
    pub fn header(&self) -> LeafHeader<'_> {
        LeafHeader {
            action: &self.action,
            args: &self.args,
            org: &self.org,
            seq: self.seq,
            slots: self.slots,
            target: Target {
                id: &self.target_id,
                kind: &self.target_kind,
            },
            ts: self.ts,
        }
    }
}

/// The members as JSON spells them.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    action: String,
    #[serde(default)]
    args: WireArgs,
    org: String,
    seq: u64,
    slots: WireSlots,
    target: WireTarget,
    ts: String,
    v: u64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTarget {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSlots {
    actor: Option<String>,
    detail: Option<String>,
    net: Option<String>,
}

impl WireSlots {
    fn read(self) -> Result<Slots, LeafError> {
        let read = |text: Option<String>| -> Result<Option<Commitment>, LeafError> {
            text.map(|text| {
                text.parse()
                    .map_err(|error| LeafError::Shape(format!("slots: {error}")))
            })
            .transpose()
        };
        Ok(Slots {
            actor: read(self.actor)?,
            detail: read(self.detail)?,
            net: read(self.net)?,
        })
    }
}

#[derive(Default)]
struct WireArgs(Args<'static>);

impl<'de> Deserialize<'de> for WireArgs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ArgsVisitor).map(Self)
    }
}

struct ArgsVisitor;

impl<'de> Visitor<'de> for ArgsVisitor {
    type Value = Args<'static>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings and integers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Args<'static>, A::Error> {
        let mut args = Args::new();
        while let Some((name, value)) = map.next_entry::<String, WireValue>()? {
            args = args.with(name, value.0).map_err(de::Error::custom)?;
        }
        Ok(args)
    }
}

struct WireValue(ArgValue<'static>);

impl<'de> Deserialize<'de> for WireValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = ArgValue<'static>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an integer")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ArgValue<'static>, E> {
        Ok(ArgValue::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<ArgValue<'static>, E> {
        Ok(ArgValue::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<ArgValue<'static>, E> {
        i64::try_from(number)
            .map(ArgValue::Integer)
            .map_err(E::custom)
    }
}
