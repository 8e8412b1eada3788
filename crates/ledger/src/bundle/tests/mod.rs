//! A synthetic log, its bundles, and everything a thief may do to them.

mod anchors;
mod attacks;
mod honest;

use std::ops::Range;

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::absence::{Absence, EntrySet, Prune, Redaction};
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::leaf::{Args, LeafHeader, Slots, Target, instant_text};
use crate::memory::InMemoryTree;
use crate::note_key::{NoteSigner, NoteVerifier};
use crate::range::range_proof;
use crate::slot::{Commitment, Salt, SlotName};
use crate::tree::{consistency_proof, inclusion_proof, root_at};

const ORG: &str = "org_x";
const ORIGIN: &str = "gov.example/org_x/audit/1";

/// One stored entry: the leaf, and its slots while they are there.
#[derive(Clone)]
struct Stored {
    leaf: Option<Vec<u8>>,
    hash: Hash,
    slots: Vec<Option<(SlotName, Salt, Vec<u8>)>>,
}

/// What a server keeps: entries, their tree, and the key.
#[derive(Clone)]
struct Log {
    entries: Vec<Stored>,
    tree: InMemoryTree,
    explaining: Vec<u64>,
    key: NoteSigner,
    /// The key that it replaced and that still signs.
    previous: Option<NoteSigner>,
    origin: String,
}

fn key(origin: &str, seed: u8) -> NoteSigner {
    NoteSigner::from_seed(origin, &[seed; 32]).unwrap()
}

fn instant(minutes: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::minutes(minutes)
}

impl Log {
    fn empty() -> Self {
        Self {
            entries: Vec::new(),
            tree: InMemoryTree::new(),
            explaining: Vec::new(),
            key: key(ORIGIN, 1),
            previous: None,
            origin: ORIGIN.to_owned(),
        }
    }

    fn of(count: u64) -> Self {
        let mut log = Self::empty();
        for number in 0..count {
            log.append("model.registered", Args::NONE, number);
        }
        log
    }

    fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Appends an entry, one minute after the last one; `what` goes into its detail.
    fn append(&mut self, action: &str, args: &Args<'_>, what: u64) -> u64 {
        let seq = self.size();
        let salts = [1, 2].map(|slot| {
            let mut salt = [slot; 32];
            salt[..8].copy_from_slice(&seq.to_be_bytes());
            Salt::from_bytes(salt)
        });
        let actor = json!({"id": "usr_1", "type": "user"})
            .to_string()
            .into_bytes();
        let detail = json!({"name": format!("thing {what}")})
            .to_string()
            .into_bytes();
        let ts = instant(i64::try_from(seq).unwrap());
        let leaf = LeafHeader {
            action,
            args,
            org: ORG,
            seq,
            slots: Slots {
                actor: Some(Commitment::new(SlotName::Actor, &salts[0], &actor)),
                detail: Some(Commitment::new(SlotName::Detail, &salts[1], &detail)),
                net: None,
            },
            target: Target {
                id: "mdl_1",
                kind: "model",
            },
            ts,
        }
        .to_bytes()
        .unwrap();
        let hash = Hash::leaf(&leaf);
        self.entries.push(Stored {
            leaf: Some(leaf),
            hash,
            slots: vec![
                Some((SlotName::Actor, salts[0], actor)),
                Some((SlotName::Detail, salts[1], detail)),
            ],
        });
        self.tree.append(hash);
        seq
    }

    /// Appends a leaf that explains an absence, and deletes what it says.
    fn explain(&mut self, absence: &Absence) -> u64 {
        let (action, args) = match absence {
            Absence::Redaction(redaction) => (Redaction::ACTION, redaction.args().unwrap()),
            Absence::Prune(prune) => (Prune::ACTION, prune.args().unwrap()),
        };
        let seq = self.append(action, &args, 0);
        self.explaining.push(seq);
        self.delete(absence);
        seq
    }

    /// Deletes without a word.
    fn delete(&mut self, absence: &Absence) {
        for (number, entry) in (0..).zip(&mut self.entries) {
            match absence {
                Absence::Redaction(redaction) if redaction.entries.contains(number) => {
                    entry
                        .slots
                        .iter_mut()
                        .filter(|slot| slot.as_ref().is_some_and(|one| one.0 == redaction.slot))
                        .for_each(|slot| *slot = None);
                }
                Absence::Prune(prune) if (prune.from..prune.to).contains(&number) => {
                    entry.leaf = None;
                    entry.slots = Vec::new();
                }
                Absence::Redaction(_) | Absence::Prune(_) => {}
            }
        }
    }

    fn redaction(entries: &[u64], slot: SlotName) -> Absence {
        Absence::Redaction(Redaction {
            entries: entries.iter().copied().collect::<EntrySet>(),
            slot,
            basis: "gdpr:art-17".to_owned(),
            ticket: None,
        })
    }

    fn prune(&self, to: u64) -> Absence {
        Absence::Prune(Prune {
            from: 0,
            to,
            policy_days: 30,
            root: root_at(&self.tree, to).unwrap(),
        })
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(&self.origin, self.size(), self.tree.root()).unwrap()
    }

    fn signers(&self) -> Vec<&NoteSigner> {
        self.previous.iter().chain([&self.key]).collect()
    }

    fn note(&self) -> String {
        self.checkpoint().sign(&self.signers()).unwrap().to_string()
    }

    fn trust(&self) -> Trust {
        Trust {
            keys: vec![self.key.verifier().clone()],
            ..Trust::default()
        }
    }

    fn manifest(&self, run: Range<u64>) -> Manifest {
        let proof = range_proof(&self.tree, run.clone(), self.size()).unwrap();
        let keys = self
            .signers()
            .into_iter()
            .map(|key| key.verifier().to_string())
            .collect();
        Manifest::new(self.note(), keys, run, &proof)
    }

    fn bundle(&self, run: Range<u64>) -> Vec<u8> {
        let manifest = self.manifest(run);
        self.write(&manifest, false)
    }

    /// Writes a bundle as a server does.
    fn write(&self, manifest: &Manifest, withhold: bool) -> Vec<u8> {
        let mut writer = BundleWriter::new();
        let mut out = Vec::new();
        writer.head(manifest, &mut out).unwrap();
        let proof = |index| inclusion_proof(&self.tree, index, self.size()).unwrap();
        for index in self.explaining.iter().copied() {
            if let Some(leaf) = &self.at(index).leaf {
                writer.explanation(index, &proof(index), leaf, &mut out);
            }
        }
        if manifest.window.is_some() {
            let before = manifest.start.checked_sub(1);
            if let Some((index, leaf)) = before.and_then(|i| Some((i, self.at(i).leaf.as_ref()?))) {
                writer.before(index, &proof(index), leaf, &mut out);
            }
            if manifest.end < self.size() {
                let leaf = self.at(manifest.end).leaf.as_ref().unwrap();
                writer.after(manifest.end, &proof(manifest.end), leaf, &mut out);
            }
        }
        for index in manifest.start..manifest.end {
            let entry = self.at(index);
            let slots: Vec<_> = entry
                .slots
                .iter()
                .map(|slot| match slot {
                    None => SlotShown::Erased,
                    Some(_) if withhold => SlotShown::Withheld,
                    Some((_, salt, bytes)) => SlotShown::Open(salt, bytes),
                })
                .collect();
            match &entry.leaf {
                Some(leaf) => writer.entry(&Shown::Leaf(leaf, &slots), &mut out),
                None => writer.entry(&Shown::Pruned(&entry.hash), &mut out),
            }
        }
        writer
            .seal(&self.origin, &self.signers(), &mut out)
            .unwrap();
        out
    }

    fn at(&self, index: u64) -> &Stored {
        &self.entries[usize::try_from(index).unwrap()]
    }

    /// The log with one entry's stored bytes changed and its tree made anew.
    fn rebuilt(&self) -> Self {
        let mut tree = InMemoryTree::new();
        let mut rebuilt = self.clone();
        for entry in &mut rebuilt.entries {
            if let Some(leaf) = &entry.leaf {
                entry.hash = Hash::leaf(leaf);
            }
            tree.append(entry.hash);
        }
        rebuilt.tree = tree;
        rebuilt
    }
}

fn verify(bundle: &[u8], trust: Trust) -> Result<Report, Failure> {
    let mut verifier = BundleVerifier::new(trust);
    for line in bundle.split_inclusive(|byte| *byte == b'\n') {
        verifier.line(line)?;
    }
    verifier.finish()
}

#[track_caller]
fn refused(bundle: &[u8], trust: Trust, reason: Reason) -> Failure {
    let failure = verify(bundle, trust).expect_err("the bundle has to be refused");
    assert_eq!(failure.reason, reason, "{failure}");
    failure
}

fn since(log: &Log) -> Trust {
    Trust {
        since: Some(log.checkpoint()),
        ..log.trust()
    }
}

fn window(from: i64, to: i64) -> Window {
    Window {
        from: instant_text(instant(from)),
        to: instant_text(instant(to)),
    }
}

fn keys_of(log: &Log) -> Vec<NoteVerifier> {
    vec![log.key.verifier().clone()]
}
