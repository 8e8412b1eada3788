//! The logs: entries, the tree over them, its stored nodes and its checkpoints.

use diesel::prelude::*;
use probity_kernel::OrganizationId;
use probity_ledger::{
    Absence, Checkpoint, Commitment, EntrySet, Explanations, Frontier, Hash, Leaf, Salt,
    SignedNote, SlotName, StoredHash, TILE_HEIGHT,
};

use super::PAGE;
use super::evidence::Evidence;
use super::figures;
use super::findings::Findings;
use super::log::{Entry, Log};
use crate::audit::nodes;
use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::record::position;
use crate::schema::{audit_checkpoints, audit_heads, audit_nodes};
use crate::types::Id;

const ENTRIES: &str = "record.entries";
const HEAD: &str = "record.head";
const NODES: &str = "record.nodes";
const CHECKPOINTS: &str = "record.checkpoints";

type HeadRow = (Id, i64, i64, i64, Vec<u8>);

pub(super) fn check(
    conn: &mut AnyConnection,
    findings: &mut Findings,
    ids_at_once: u64,
) -> StoreResult<()> {
    for name in [ENTRIES, HEAD, NODES, CHECKPOINTS, figures::CHECK] {
        findings.examined(name, 0);
    }
    let mut after = i64::MIN;
    loop {
        let heads: Vec<HeadRow> = audit_heads::table
            .filter(audit_heads::no.gt(after))
            .order(audit_heads::no)
            .limit(PAGE)
            .select((
                audit_heads::organization_id,
                audit_heads::no,
                audit_heads::epoch,
                audit_heads::size,
                audit_heads::frontier,
            ))
            .load(conn)?;
        let Some(last) = heads.last() else {
            return Ok(());
        };
        after = last.1;
        for (id, no, epoch, size, frontier) in heads {
            let log = Log {
                organization: OrganizationId::new(id.0),
                no,
                epoch,
                size,
            };
            let mut evidence = Evidence::gather(conn, log.organization, ids_at_once)?;
            Walk::new(log).walk(conn, findings, &frontier, &mut evidence)?;
            evidence.finish(conn, findings, log)?;
        }
    }
}

/// A kept checkpoint: size, epoch and note.
type Kept = (i64, i64, String);

/// One way through a log.
struct Walk {
    log: Log,
    tree: Frontier,
    /// Whether entries are missing, and the tree can no longer be told.
    broken: bool,
    nodes: i64,
    /// Of how many leaves at the start the levels between tiles may be missing.
    sparse: i64,
    gone: Gone,
    checkpoints: Vec<Kept>,
    /// Checkpoints up to this size and epoch were taken from the table.
    fetched: (i64, i64),
}

impl Walk {
    fn new(log: Log) -> Self {
        Self {
            log,
            tree: Frontier::new(),
            broken: false,
            nodes: 0,
            sparse: 0,
            gone: Gone::default(),
            checkpoints: Vec::new(),
            fetched: (-1, 0),
        }
    }

    fn subject(&self, seq: i64) -> String {
        format!("{} {seq}", self.log.organization)
    }

    fn walk(
        mut self,
        conn: &mut AnyConnection,
        findings: &mut Findings,
        frontier: &[u8],
        evidence: &mut Evidence,
    ) -> StoreResult<()> {
        let log = self.log;
        self.sparse = nodes::sparse(conn, log.organization)?;
        self.pass_checkpoints(conn, findings)?;
        log.pages(conn, |conn, page| {
            findings.examined(ENTRIES, u64::try_from(page.len()).unwrap_or_default());
            let mut completed = Vec::new();
            for entry in page {
                let leaf = self.entry(findings, entry);
                if entry.leaf.is_none() {
                    evidence.miss();
                }
                if let Some(leaf) = leaf {
                    evidence.take(&leaf, entry);
                }
                if let (false, Ok(hash)) = (self.broken, Hash::try_from(entry.leaf_hash.as_slice()))
                {
                    completed.extend(self.tree.append_batch(&[hash]));
                    self.pass_checkpoints(conn, findings)?;
                }
            }
            figures::compare(conn, findings, log.organization, page)?;
            self.compare_nodes(conn, findings, &completed)
        })?;
        self.gone.unexplained(findings, self.log);
        self.compare_head(findings, frontier);
        self.count_nodes(conn, findings)?;
        self.leftover_checkpoints(conn, findings)
    }

    /// How many leaves the tree has.
    fn size(&self) -> i64 {
        i64::try_from(self.tree.size()).unwrap_or(i64::MAX)
    }

    /// Checks one entry by itself; answers its leaf.
    fn entry(&mut self, findings: &mut Findings, entry: &Entry) -> Option<Leaf> {
        let seq = entry.position - position(self.log.no, 0);
        let subject = self.subject(seq);
        let mut wrong = |detail: &str| findings.violated(ENTRIES, subject.as_str(), detail);
        if !self.broken && seq != self.size() {
            wrong(&format!("the entries from {} on are missing", self.size()));
            self.broken = true;
        }
        if entry.organization_id.0 != self.log.organization.uuid() {
            wrong("is of another organisation than its position");
        }
        let number = u64::try_from(seq).unwrap_or_default();
        let Some(bytes) = entry.leaf.as_deref() else {
            self.gone.leaves.insert(number..number + 1);
            return None;
        };
        if entry.leaf_hash != Hash::leaf(bytes).as_bytes() {
            wrong("the leaf does not have the stored hash");
        }
        let leaf = match Leaf::parse(bytes) {
            Ok(leaf) => leaf,
            Err(error) => {
                wrong(&format!("the leaf cannot be read: {error}"));
                return None;
            }
        };
        let header = leaf.header();
        if i64::try_from(header.seq) != Ok(seq) {
            wrong(&format!("the leaf says {}", header.seq));
        }
        if header.org != self.log.organization.to_string() {
            wrong("the leaf names another organisation");
        }
        let slots = [
            (SlotName::Actor, &entry.actor_salt, &entry.actor),
            (SlotName::Detail, &entry.detail_salt, &entry.detail),
        ];
        match Absence::of(&header) {
            Ok(Some(absence)) => self.gone.explained.add(&absence),
            Ok(None) => {}
            Err(error) => wrong(&format!("explains nothing: {error}")),
        }
        for (name, salt, bytes) in slots {
            if salt.is_none() && bytes.is_none() && header.slots.get(name).is_some() {
                self.gone.slot(name).insert(number..number + 1);
            } else if !committed(
                header.slots.get(name),
                name,
                salt.as_deref(),
                bytes.as_deref(),
            ) {
                wrong(&format!("the {name} is not what the leaf commits to"));
            }
        }
        Some(leaf)
    }

    fn compare_nodes(
        &mut self,
        conn: &mut AnyConnection,
        findings: &mut Findings,
        completed: &[StoredHash],
    ) -> StoreResult<()> {
        for tile in completed {
            let index = i64::try_from(tile.index).unwrap_or(i64::MAX);
            let key = (
                Id(self.log.organization.uuid()),
                i32::from(tile.level),
                index,
            );
            let stored: Option<Vec<u8>> = audit_nodes::table
                .find(key)
                .select(audit_nodes::hash)
                .first(conn)
                .optional()?;
            self.nodes += 1;
            findings.examined(NODES, 1);
            let subject = format!("{} {}/{}", self.log.organization, tile.level, tile.index);
            match stored {
                None if self.is_to_come(tile) => {}
                None => findings.violated(NODES, subject, "is missing"),
                Some(hash) if hash != tile.hash.as_bytes() => {
                    findings.violated(NODES, subject, "is not the root of its leaves");
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Whether a worker is still to bring the hash up: levels between tiles, in a log from before they were stored.
    fn is_to_come(&self, node: &StoredHash) -> bool {
        let first = i64::try_from(node.index << node.level).unwrap_or(i64::MAX);
        !node.level.is_multiple_of(TILE_HEIGHT) && first < self.sparse
    }

    fn count_nodes(&self, conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
        let stored: i64 = audit_nodes::table
            .filter(audit_nodes::organization_id.eq(Id(self.log.organization.uuid())))
            .count()
            .get_result(conn)?;
        if !self.broken && stored > self.nodes {
            let detail = format!("{stored} nodes are stored, {} belong there", self.nodes);
            findings.violated(NODES, self.log.organization.to_string(), detail);
        }
        Ok(())
    }

    fn compare_head(&self, findings: &mut Findings, frontier: &[u8]) {
        findings.examined(HEAD, 1);
        let mut wrong = |detail: String| {
            findings.violated(HEAD, self.log.organization.to_string(), detail);
        };
        let size = u64::try_from(self.log.size).unwrap_or_default();
        match Frontier::from_bytes(size, frontier) {
            Err(error) => wrong(error.to_string()),
            Ok(_) if self.broken => {}
            Ok(_) if self.size() != self.log.size => {
                wrong(format!("has {} leaves of {}", self.size(), self.log.size));
            }
            Ok(kept) if kept != self.tree => {
                wrong("is not the root of the leaf hashes".to_owned());
            }
            Ok(_) => {}
        }
    }

    /// Compares the checkpoints that were made at the size which the tree has now.
    fn pass_checkpoints(
        &mut self,
        conn: &mut AnyConnection,
        findings: &mut Findings,
    ) -> StoreResult<()> {
        if self.checkpoints.is_empty() && self.fetched.0 < i64::MAX {
            self.fetch(conn)?;
        }
        let size = self.size();
        while let Some(kept) = self.checkpoints.pop_if(|(at, ..)| *at <= size) {
            self.compare_checkpoint(findings, &kept);
        }
        Ok(())
    }

    /// The next checkpoints by size, the smallest last.
    fn fetch(&mut self, conn: &mut AnyConnection) -> StoreResult<()> {
        let (size, epoch) = self.fetched;
        let later = audit_checkpoints::size.gt(size).or(audit_checkpoints::size
            .eq(size)
            .and(audit_checkpoints::epoch.gt(epoch)));
        let mut next: Vec<Kept> = audit_checkpoints::table
            .filter(audit_checkpoints::organization_id.eq(Id(self.log.organization.uuid())))
            .filter(later)
            .order((audit_checkpoints::size, audit_checkpoints::epoch))
            .limit(PAGE)
            .select((
                audit_checkpoints::size,
                audit_checkpoints::epoch,
                audit_checkpoints::note,
            ))
            .load(conn)?;
        let last = next.last();
        self.fetched = last.map_or((i64::MAX, 0), |(size, epoch, _)| (*size, *epoch));
        next.reverse();
        self.checkpoints = next;
        Ok(())
    }

    fn compare_checkpoint(&self, findings: &mut Findings, (at, epoch, note): &Kept) {
        let at = *at;
        findings.examined(CHECKPOINTS, 1);
        let mut wrong = |detail: &str| findings.violated(CHECKPOINTS, self.subject(at), detail);
        let read = SignedNote::parse(note.as_bytes())
            .map_err(|error| error.to_string())
            .and_then(|note| {
                Checkpoint::parse_body(note.text()).map_err(|error| error.to_string())
            });
        let checkpoint = match read {
            Ok(checkpoint) => checkpoint,
            Err(error) => return wrong(&format!("the note cannot be read: {error}")),
        };
        let origin = format!("/{}/audit/{epoch}", self.log.organization);
        if !checkpoint.origin().ends_with(&origin) || *epoch > self.log.epoch {
            wrong("the note is of another log");
        }
        if i64::try_from(checkpoint.size()) != Ok(at) {
            wrong("the note states another size");
        } else if self.size() == at && checkpoint.root() != self.tree.root() {
            wrong("the note states another root than the log has at that size");
        }
    }

    /// Checkpoints of more leaves than there are.
    fn leftover_checkpoints(
        mut self,
        conn: &mut AnyConnection,
        findings: &mut Findings,
    ) -> StoreResult<()> {
        if self.broken {
            return Ok(());
        }
        loop {
            while let Some((at, ..)) = self.checkpoints.pop() {
                findings.examined(CHECKPOINTS, 1);
                findings.violated(CHECKPOINTS, self.subject(at), "the log has fewer leaves");
            }
            if self.fetched.0 == i64::MAX {
                return Ok(());
            }
            self.fetch(conn)?;
        }
    }
}

/// What is no longer there, and what explains it.
#[derive(Default)]
struct Gone {
    leaves: EntrySet,
    actors: EntrySet,
    details: EntrySet,
    explained: Explanations,
}

impl Gone {
    const fn slot(&mut self, name: SlotName) -> &mut EntrySet {
        match name {
            SlotName::Actor => &mut self.actors,
            SlotName::Detail | SlotName::Net => &mut self.details,
        }
    }

    /// Tells every absence that no leaf explains.
    fn unexplained(&self, findings: &mut Findings, log: Log) {
        let mut tell = |entry: u64, what: &str| {
            let detail = format!("has no {what}, and nothing on the record explains that");
            findings.violated(ENTRIES, format!("{} {entry}", log.organization), detail);
        };
        for entry in self.leaves.runs().iter().cloned().flatten() {
            if !self.explained.pruned(entry) {
                tell(entry, "leaf");
            }
        }
        for (name, gone) in [
            (SlotName::Actor, &self.actors),
            (SlotName::Detail, &self.details),
        ] {
            for entry in gone.runs().iter().cloned().flatten() {
                if !self.explained.redacted(entry, name) {
                    tell(entry, name.as_str());
                }
            }
        }
    }
}

/// Whether a slot holds what its leaf commits to: both or neither.
fn committed(
    commitment: Option<Commitment>,
    name: SlotName,
    salt: Option<&[u8]>,
    bytes: Option<&[u8]>,
) -> bool {
    match (commitment, salt, bytes) {
        (Some(commitment), Some(salt), Some(bytes)) => salt
            .try_into()
            .is_ok_and(|salt| commitment.verify(name, &Salt::from_bytes(salt), bytes)),
        (None, None, None) => true,
        _ => false,
    }
}
