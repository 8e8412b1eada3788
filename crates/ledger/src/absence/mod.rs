//! Leaves that explain what is no longer there.
//!
//! Erasing and pruning are entries of the log themselves. Their parameters stand in the clear arguments, which can never be
//! erased, and explain only absences at lower indexes than their own. A verifier refuses any absence that none of them
//! explains.

mod ranges;

pub use ranges::{EntrySet, ParseEntrySetError};

use crate::hash::{Hash, ParseHashError};
use crate::leaf::{ArgValue, Args, LeafError, LeafHeader};
use crate::slot::SlotName;

/// A leaf that explains absences at lower indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// Salt and bytes of one slot of some entries were erased.
    Redaction(Redaction),
    /// The leaves of the oldest entries were deleted; their hashes stay.
    Prune(Prune),
}

impl Absence {
    /// Reads what a leaf explains; `None` if its action is neither [`Redaction::ACTION`] nor [`Prune::ACTION`].
    ///
    /// # Errors
    /// Such an action with other arguments than it takes, or about entries that are not below the leaf's own index.
    pub fn of(header: &LeafHeader<'_>) -> Result<Option<Self>, AbsenceError> {
        match header.action {
            Redaction::ACTION => Redaction::read(header).map(|found| Some(Self::Redaction(found))),
            Prune::ACTION => Prune::read(header).map(|found| Some(Self::Prune(found))),
            _ => Ok(None),
        }
    }
}

/// The arguments of an `audit.redact` leaf: `basis`, `entries`, `slot` and, if there is one, `ticket`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// The entries whose slot was erased, all below the index of this leaf. Not empty.
    pub entries: EntrySet,
    /// The slot.
    pub slot: SlotName,
    /// On what ground, such as `gdpr:art-17`. Not empty, no personal data: it can never be erased.
    pub basis: String,
    /// The reference of the request in some other system. No personal data.
    pub ticket: Option<String>,
}

impl Redaction {
    /// The action of the leaf.
    pub const ACTION: &'static str = "audit.redact";

    /// The most bytes that [`entries`](Self::entries) may have when spelled, so that the leaf stays within
    /// [`MAX_LEAF_LEN`](crate::MAX_LEAF_LEN). More entries make more leaves.
    pub const MAX_ENTRIES_TEXT: usize = 48 << 10;

    /// The clear arguments of the leaf.
    ///
    /// # Errors
    /// No entries, an empty basis, or more than [`MAX_ENTRIES_TEXT`](Self::MAX_ENTRIES_TEXT).
    pub fn args(&self) -> Result<Args<'static>, AbsenceError> {
        let entries = self.entries.to_string();
        if self.entries.is_empty() || entries.len() > Self::MAX_ENTRIES_TEXT {
            return Err(AbsenceError::Argument("entries"));
        }
        if self.basis.is_empty() {
            return Err(AbsenceError::Argument("basis"));
        }
        let args = Args::new()
            .with("basis", self.basis.clone())?
            .with("entries", entries)?
            .with("slot", self.slot.as_str())?;
        Ok(match &self.ticket {
            Some(ticket) => args.with("ticket", ticket.clone())?,
            None => args,
        })
    }

    fn read(header: &LeafHeader<'_>) -> Result<Self, AbsenceError> {
        let found = Self {
            entries: text(header.args, "entries")?
                .parse()
                .map_err(|_| AbsenceError::Argument("entries"))?,
            slot: text(header.args, "slot")?
                .parse()
                .map_err(|_| AbsenceError::Argument("slot"))?,
            basis: text(header.args, "basis")?.to_owned(),
            ticket: match header.args.get("ticket") {
                Some(_) => Some(text(header.args, "ticket")?.to_owned()),
                None => None,
            },
        };
        if found.args()? != *header.args {
            return Err(AbsenceError::Unknown);
        }
        if found.entries.last() >= Some(header.seq) {
            return Err(AbsenceError::NotBefore);
        }
        Ok(found)
    }
}

/// The arguments of an `audit.prune` leaf: `from`, `policy_days`, `root` and `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prune {
    /// The first entry without a leaf. A log is pruned from its start, and every prune states that anew (`from` is 0):
    /// the leaf that explained an earlier one may be among those deleted.
    pub from: u64,
    /// The first entry that keeps its leaf; above `from`, and not above the index of this leaf.
    pub to: u64,
    /// The retention window that asked for it, in days.
    pub policy_days: u32,
    /// The root of the first `to` leaves, so that what was deleted stays named.
    pub root: Hash,
}

impl Prune {
    /// The action of the leaf.
    pub const ACTION: &'static str = "audit.prune";

    /// The clear arguments of the leaf.
    ///
    /// # Errors
    /// A `to` that is not above `from`, or is 2^53 or more.
    pub fn args(&self) -> Result<Args<'static>, AbsenceError> {
        if self.from >= self.to {
            return Err(AbsenceError::Argument("to"));
        }
        let index = |value: u64| i64::try_from(value).map_err(|_| AbsenceError::Argument("to"));
        Ok(Args::new()
            .with("from", index(self.from)?)?
            .with("policy_days", i64::from(self.policy_days))?
            .with("root", self.root.to_string())?
            .with("to", index(self.to)?)?)
    }

    fn read(header: &LeafHeader<'_>) -> Result<Self, AbsenceError> {
        let found = Self {
            from: number(header.args, "from")?,
            to: number(header.args, "to")?,
            policy_days: u32::try_from(number(header.args, "policy_days")?)
                .map_err(|_| AbsenceError::Argument("policy_days"))?,
            root: text(header.args, "root")?.parse()?,
        };
        if found.args()? != *header.args {
            return Err(AbsenceError::Unknown);
        }
        if found.to > header.seq {
            return Err(AbsenceError::NotBefore);
        }
        Ok(found)
    }
}

fn text<'a>(args: &'a Args<'_>, name: &'static str) -> Result<&'a str, AbsenceError> {
    match args.get(name) {
        Some(ArgValue::Text(text)) => Ok(text),
        _ => Err(AbsenceError::Argument(name)),
    }
}

fn number(args: &Args<'_>, name: &'static str) -> Result<u64, AbsenceError> {
    match args.get(name) {
        Some(ArgValue::Integer(number)) => {
            u64::try_from(*number).map_err(|_| AbsenceError::Argument(name))
        }
        _ => Err(AbsenceError::Argument(name)),
    }
}

/// What all absences in a part of a log are explained by.
#[derive(Debug, Clone, Default)]
pub struct Explanations {
    redacted: [EntrySet; SlotName::ALL.len()],
    pruned: EntrySet,
    roots: Vec<(u64, Hash)>,
}

impl Explanations {
    /// Takes what one leaf explains.
    pub fn add(&mut self, absence: &Absence) {
        match absence {
            Absence::Redaction(redaction) => {
                let [actor, detail, net] = &mut self.redacted;
                let set = match redaction.slot {
                    SlotName::Actor => actor,
                    SlotName::Detail => detail,
                    SlotName::Net => net,
                };
                for run in redaction.entries.runs() {
                    set.insert(run.clone());
                }
            }
            Absence::Prune(prune) => {
                self.pruned.insert(prune.from..prune.to);
                self.roots.push((prune.to, prune.root));
            }
        }
    }

    /// Whether the leaf of this entry may be missing.
    #[must_use]
    pub fn pruned(&self, entry: u64) -> bool {
        self.pruned.contains(entry)
    }

    /// Whether this slot of the entry may be missing.
    #[must_use]
    pub fn redacted(&self, entry: u64, slot: SlotName) -> bool {
        let [actor, detail, net] = &self.redacted;
        match slot {
            SlotName::Actor => actor,
            SlotName::Detail => detail,
            SlotName::Net => net,
        }
        .contains(entry)
    }

    /// The roots that prunes state, each with the number of leaves it covers.
    #[must_use]
    pub fn stated_roots(&self) -> &[(u64, Hash)] {
        &self.roots
    }
}

/// Why a leaf explains nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AbsenceError {
    /// An argument is missing or not what it has to be.
    #[error("the argument {0} is missing or out of range")]
    Argument(&'static str),
    /// An argument that such a leaf does not take.
    #[error("the leaf has an argument that its action does not take")]
    Unknown,
    /// It names entries that are not before it.
    #[error("a leaf explains only absences before it")]
    NotBefore,
    /// The arguments cannot be written.
    #[error(transparent)]
    Leaf(#[from] LeafError),
}

impl From<ParseHashError> for AbsenceError {
    fn from(_: ParseHashError) -> Self {
        Self::Argument("root")
    }
}

#[cfg(test)]
mod tests;
