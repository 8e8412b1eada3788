//! The bytes of a leaf: canonical JSON, made once and stored as they are.

mod args;
mod parse;
mod timestamp;

pub use args::{ArgValue, Args};
pub use parse::Leaf;
use time::OffsetDateTime;
pub(crate) use timestamp::parse as parse_instant;
pub use timestamp::text as instant_text;

use crate::canonical::{push_decimal, push_string};
use crate::frontier::MAX_SIZE;
use crate::slot::{Commitment, SlotName};

/// The version of the leaf format, its member `v`.
pub const VERSION: u8 = 1;

/// The most bytes a leaf may have: a tlog-tiles entry bundle counts them in 16 bits.
pub const MAX_LEAF_LEN: usize = 65_535;

/// What happened, to what, when: the clear part of a leaf. It must hold no personal data, which belongs into slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafHeader<'a> {
    /// The action in dotted form, such as `model.registered`. Not empty.
    pub action: &'a str,
    /// Parameters that must stay readable for ever; none leaves the member out.
    pub args: &'a Args<'a>,
    /// The organisation whose log this is. Not empty.
    pub org: &'a str,
    /// The index of the leaf in its tree, below 2^53.
    pub seq: u64,
    /// Commitments to the erasable parts.
    pub slots: Slots,
    /// What the action was done to.
    pub target: Target<'a>,
    /// The instant, in years 0 to 9999 of UTC; written in whole milliseconds, cut and never rounded up.
    pub ts: OffsetDateTime,
}

/// The object of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// Its identifier. Not empty.
    pub id: &'a str,
    /// Its type, the member `type`. Not empty.
    pub kind: &'a str,
}

/// The commitments of a leaf, each there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slots {
    /// Who acted.
    pub actor: Option<Commitment>,
    /// What changed.
    pub detail: Option<Commitment>,
    /// From where.
    pub net: Option<Commitment>,
}

impl Slots {
    /// The commitment of one slot.
    #[must_use]
    pub const fn get(&self, name: SlotName) -> Option<Commitment> {
        match name {
            SlotName::Actor => self.actor,
            SlotName::Detail => self.detail,
            SlotName::Net => self.net,
        }
    }

    /// The slots that are there, in the order in which the leaf writes them.
    pub fn iter(&self) -> impl Iterator<Item = (SlotName, Commitment)> {
        SlotName::ALL
            .into_iter()
            .filter_map(|name| self.get(name).map(|commitment| (name, commitment)))
    }
}

impl LeafHeader<'_> {
    /// Appends the bytes of the leaf to `out`, which is left as it was if the header is refused.
    ///
    /// # Errors
    /// An empty name, a `seq` of 2^53 or more, an instant outside years 0 to 9999, or more than [`MAX_LEAF_LEN`] bytes.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), LeafError> {
        self.check()?;
        let start = out.len();
        let written = self.write(out).and_then(|()| {
            if out.len() - start > MAX_LEAF_LEN {
                Err(LeafError::TooLong)
            } else {
                Ok(())
            }
        });
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// The bytes of the leaf.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn to_bytes(&self) -> Result<Vec<u8>, LeafError> {
        let mut out = Vec::with_capacity(384);
        self.encode(&mut out)?;
        Ok(out)
    }

    fn check(&self) -> Result<(), LeafError> {
        for (member, value) in [
            ("action", self.action),
            ("org", self.org),
            ("target.id", self.target.id),
            ("target.type", self.target.kind),
        ] {
            if value.is_empty() {
                return Err(LeafError::Empty(member));
            }
        }
        if self.seq >= MAX_SIZE {
            Err(LeafError::Seq(self.seq))
        } else {
            Ok(())
        }
    }

    /// The members in their canonical order.
    fn write(&self, out: &mut Vec<u8>) -> Result<(), LeafError> {
        out.extend_from_slice(br#"{"action":"#);
        push_string(out, self.action);
        if !self.args.is_empty() {
            out.extend_from_slice(br#","args":"#);
            self.args.push(out);
        }
        out.extend_from_slice(br#","org":"#);
        push_string(out, self.org);
        out.extend_from_slice(br#","seq":"#);
        push_decimal(out, self.seq, 1);
        out.extend_from_slice(br#","slots":{"#);
        for (place, (name, commitment)) in self.slots.iter().enumerate() {
            out.extend_from_slice(if place == 0 { b"\"" } else { b",\"" });
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(br#"":""#);
            commitment.push_text(out);
            out.push(b'"');
        }
        out.extend_from_slice(br#"},"target":{"id":"#);
        push_string(out, self.target.id);
        out.extend_from_slice(br#","type":"#);
        push_string(out, self.target.kind);
        out.extend_from_slice(br#"},"ts":""#);
        timestamp::push(out, self.ts)?;
        out.extend_from_slice(br#"","v":"#);
        push_decimal(out, u64::from(VERSION), 1);
        out.push(b'}');
        Ok(())
    }
}

/// Why a leaf is refused, on the way in or out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// A member that names something is empty.
    #[error("the leaf member {0} is empty")]
    Empty(&'static str),
    /// An index of 2^53 or more.
    #[error("the leaf index {0} is not below 2^53")]
    Seq(u64),
    /// An instant outside years 0 to 9999.
    #[error("the instant of a leaf is outside the years 0 to 9999")]
    Instant,
    /// More than [`MAX_LEAF_LEN`] bytes.
    #[error("a leaf has at most 65,535 bytes")]
    TooLong,
    /// The same argument twice.
    #[error("the argument {0:?} is given twice")]
    DuplicateArg(String),
    /// An integer argument beyond ±2^53.
    #[error("the argument {0:?} is beyond ±2^53")]
    ArgOutOfRange(String),
    /// Not JSON of the leaf's shape: a member missing, unknown, twice, or of another type.
    #[error("not a leaf: {0}")]
    Shape(String),
    /// A format version that this code does not know.
    #[error("the leaf format version {0} is unknown")]
    Version(u64),
    /// The right content, but not spelled in its one canonical way.
    #[error("the leaf is not in canonical form")]
    NotCanonical,
}

#[cfg(test)]
mod tests;
