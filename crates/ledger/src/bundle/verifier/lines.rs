//! The lines of a run: explanations, edges and entries.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::kept::Source;
use super::{Run, malformed};
use crate::absence::Absence;
use crate::bundle::failure::{Failure, Reason};
use crate::bundle::manifest::hash;
use crate::hash::Hash;
use crate::leaf::{Leaf, parse_instant};
use crate::proof::{InclusionProof, verify_inclusion};
use crate::slot::{Commitment, Salt, SlotName};

impl Run {
    pub(super) fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let text = str::from_utf8(line).map_err(|_| malformed("a line is not UTF-8"))?;
        match text.split_once('\t') {
            Some(("explains", rest)) => self.explanation(rest),
            Some(("before", rest)) => self.edge(rest, true),
            Some(("after", rest)) => self.edge(rest, false),
            Some(("pruned", text)) => self.pruned(text),
            _ => self.entry(text),
        }
    }

    /// Reads index, proof and leaf, and checks that the leaf is in the log.
    fn proved(&self, rest: &str, reason: Reason) -> Result<Leaf, Failure> {
        if self.begun {
            return Err(malformed("a proved leaf stands behind the first entry"));
        }
        let mut fields = rest.splitn(3, '\t');
        let (Some(index), Some(hashes), Some(leaf)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(malformed("a proved leaf has an index, a proof and a leaf"));
        };
        let index = decimal(index).ok_or_else(|| malformed("the index of a proved leaf"))?;
        let hashes = match hashes {
            "-" => Some(Vec::new()),
            hashes => hashes.split(',').map(hash).collect(),
        };
        let proof = hashes
            .and_then(|hashes| InclusionProof::new(hashes).ok())
            .ok_or_else(|| malformed("the proof of a leaf").at(index))?;
        let (size, root) = (self.checkpoint.size(), self.checkpoint.root());
        verify_inclusion(&Hash::leaf(leaf.as_bytes()), index, size, &proof, &root).map_err(
            |error| Failure::new(reason, format!("it is not in the log: {error}")).at(index),
        )?;
        self.leaf(leaf, index)
    }

    /// Reads a leaf that has to stand at `index` of this log.
    fn leaf(&self, text: &str, index: u64) -> Result<Leaf, Failure> {
        let leaf = Leaf::parse(text.as_bytes())
            .map_err(|error| Failure::new(Reason::Leaf, error.to_string()).at(index))?;
        let header = leaf.header();
        if header.seq != index {
            let told = format!(
                "the leaf in this place is number {}: entries were moved, left out or added",
                header.seq
            );
            return Err(Failure::new(Reason::Order, told).at(index));
        }
        if header.org != self.organization {
            let told = format!("the leaf is of the organisation {}", header.org);
            return Err(Failure::new(Reason::Organization, told).at(index));
        }
        Ok(leaf)
    }

    fn explanation(&mut self, rest: &str) -> Result<(), Failure> {
        let leaf = self.proved(rest, Reason::Explanation)?;
        let header = leaf.header();
        let failed = |told: String| Err(Failure::new(Reason::Explanation, told).at(header.seq));
        let absence = match Absence::of(&header) {
            Ok(Some(absence)) => absence,
            Ok(None) => return failed(format!("{} explains no absence", header.action)),
            Err(error) => return failed(error.to_string()),
        };
        if let Absence::Prune(prune) = &absence
            && (self.manifest.start..=self.manifest.end).contains(&prune.to)
        {
            self.milestone(prune.to, prune.root, Source::Pruned)?;
        }
        self.explanations.add(&absence);
        Ok(())
    }

    /// An entry beside the run, which shows that the run covers the span of time.
    fn edge(&mut self, rest: &str, before: bool) -> Result<(), Failure> {
        let leaf = self.proved(rest, Reason::Edge)?;
        let header = leaf.header();
        let failed = |told: &str| Err(Failure::new(Reason::Edge, told).at(header.seq));
        let place = if before {
            self.manifest.start.checked_sub(1)
        } else {
            Some(self.manifest.end)
        };
        if place != Some(header.seq) {
            return failed("it does not stand beside the run");
        }
        let Some(window) = &self.manifest.window else {
            return failed("no span of time was asked for");
        };
        let bound = if before { &window.from } else { &window.to };
        let bound = parse_instant(bound).map_err(|_| malformed("the span of time"))?;
        if before == (header.ts < bound) {
            self.edges += 1;
            Ok(())
        } else {
            failed("it lies within the span of time, and is not in the run")
        }
    }

    fn pruned(&mut self, text: &str) -> Result<(), Failure> {
        let index = self.begin()?;
        let hash = hash(text).ok_or_else(|| malformed("the hash of a pruned leaf").at(index))?;
        if !self.explanations.pruned(index) {
            let told = "the leaf is missing, and nothing in the log explains that";
            return Err(Failure::new(Reason::Unexplained, told).at(index));
        }
        self.limits.pruned += 1;
        self.frontier.append(hash);
        self.pass_milestones()
    }

    /// The number of the entry that comes next.
    fn begin(&mut self) -> Result<u64, Failure> {
        self.begun = true;
        let index = self.frontier.size();
        if index >= self.manifest.end {
            let told = "there are more entries than the run has";
            return Err(Failure::new(Reason::Order, told).at(index));
        }
        Ok(index)
    }

    fn entry(&mut self, text: &str) -> Result<(), Failure> {
        let index = self.begin()?;
        let mut fields = text.split('\t');
        let bytes = fields.next().unwrap_or_default();
        let leaf = self.leaf(bytes, index)?;
        let header = leaf.header();
        for (name, commitment) in header.slots.iter() {
            let slot = fields
                .next()
                .ok_or_else(|| malformed(format!("the slot {name} is left out")).at(index))?;
            self.slot(index, name, &commitment, slot)?;
        }
        if fields.next().is_some() {
            return Err(malformed("there are more slots than the leaf commits to").at(index));
        }
        self.instants = Some(match self.instants {
            None => (header.ts, header.ts),
            Some((first, _)) => (first, header.ts),
        });
        self.frontier.append(Hash::leaf(bytes.as_bytes()));
        self.pass_milestones()
    }

    fn slot(
        &mut self,
        index: u64,
        name: SlotName,
        commitment: &Commitment,
        text: &str,
    ) -> Result<(), Failure> {
        match text {
            "withheld" => {
                self.limits.withheld += 1;
                return Ok(());
            }
            "erased" if self.explanations.redacted(index, name) => {
                self.limits.redacted += 1;
                return Ok(());
            }
            "erased" => {
                let told = format!("the {name} is missing, and nothing in the log explains that");
                return Err(Failure::new(Reason::Unexplained, told).at(index));
            }
            _ => {}
        }
        let salt = text.split_once(':').and_then(|(salt, bytes)| {
            let mut raw = [0; 32];
            let read = URL_SAFE_NO_PAD.decode_slice(salt, &mut raw).ok()?;
            (read == raw.len()).then_some((Salt::from_bytes(raw), bytes))
        });
        let (salt, bytes) = salt
            .ok_or_else(|| malformed(format!("the slot {name} is no salt and bytes")).at(index))?;
        if !commitment.verify(name, &salt, bytes.as_bytes()) {
            let told = format!("the {name} is not what the leaf commits to");
            return Err(Failure::new(Reason::Commitment, told).at(index));
        }
        self.opened += 1;
        Ok(())
    }
}

/// A whole number in its one spelling.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
