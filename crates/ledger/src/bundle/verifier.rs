//! Checking a bundle, line by line, in memory that does not grow with it.

mod kept;
mod lines;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use self::kept::Milestone;
use super::anchors::Anchor;
use super::failure::{Failure, Reason};
use super::manifest::{Manifest, unwrap};
use super::report::{Limits, Report};
use super::stamps::Stamp;
use super::{MAGIC, seal_text};
use crate::absence::Explanations;
use crate::canonical::push_string;
use crate::checkpoint::Checkpoint;
use crate::frontier::Frontier;
use crate::note::SignedNote;
use crate::note_key::NoteVerifier;
use crate::range::Closing;

/// What the auditor brings along.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Keys that were obtained elsewhere than from the bundle. Those named like the log sign it, the others are
    /// witnesses. Without any, the keys in the bundle are used, which is said as a limit.
    pub keys: Vec<NoteVerifier>,
    /// How many witnesses have to have signed for the checkpoint to count as witnessed; 0 counts as 1.
    pub quorum: usize,
    /// A checkpoint that was kept from earlier, a signed note.
    pub since: Option<Checkpoint>,
    /// Checkpoints that were kept outside, of this log and perhaps of others. `None`: nobody kept any.
    pub anchors: Option<Vec<Checkpoint>>,
}

/// Checks one bundle: feed it every line, then ask it to [`finish`](Self::finish).
#[derive(Debug)]
pub struct BundleVerifier {
    trust: Trust,
    digest: Sha256,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Magic,
    Manifest,
    Lines(Box<Run>),
    Sealed(Box<Report>),
    Failed,
}

/// A run of entries on its way.
#[derive(Debug)]
struct Run {
    manifest: Manifest,
    checkpoint: Checkpoint,
    organization: String,
    keys: Vec<NoteVerifier>,
    signed_by: Vec<String>,
    frontier: Frontier,
    explanations: Explanations,
    /// Roots that the log has to have at sizes inside the run, falling: the next one is last.
    milestones: Vec<Milestone>,
    /// Whether the run has begun, after which nothing may be explained any more.
    begun: bool,
    edges: u64,
    instants: Option<(OffsetDateTime, OffsetDateTime)>,
    opened: u64,
    continues: Option<u64>,
    anchors: Vec<Anchor>,
    stamps: Vec<Stamp>,
    limits: Limits,
}

impl BundleVerifier {
    /// A verifier of one bundle.
    #[must_use]
    pub fn new(trust: Trust) -> Self {
        Self {
            trust,
            digest: Sha256::new(),
            stage: Stage::Magic,
        }
    }

    /// Takes the next line, with its newline.
    ///
    /// # Errors
    /// The first thing that is wrong. Nothing that comes after it is looked at.
    pub fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let stage = std::mem::replace(&mut self.stage, Stage::Failed);
        self.stage = self.next(stage, line)?;
        Ok(())
    }

    fn next(&mut self, stage: Stage, line: &[u8]) -> Result<Stage, Failure> {
        let Some(text) = line.strip_suffix(b"\n") else {
            let reason = if matches!(stage, Stage::Magic) {
                Reason::NotABundle
            } else {
                Reason::Incomplete
            };
            return Err(Failure::new(
                reason,
                "the last line does not end with a newline",
            ));
        };
        match stage {
            Stage::Magic if text == MAGIC.as_bytes() => {
                self.digest.update(line);
                Ok(Stage::Manifest)
            }
            Stage::Magic => Err(Failure::new(
                Reason::NotABundle,
                "the file is not a bundle of the record",
            )),
            Stage::Manifest => {
                self.digest.update(line);
                Ok(Stage::Lines(Box::new(Run::open(&self.trust, text)?)))
            }
            Stage::Lines(mut run) => {
                if let Some(seal) = text.strip_prefix(b"seal\t") {
                    let digest = std::mem::take(&mut self.digest).finalize();
                    let report = run.close(seal, &digest)?;
                    return Ok(Stage::Sealed(Box::new(report)));
                }
                self.digest.update(line);
                run.line(text)?;
                Ok(Stage::Lines(run))
            }
            Stage::Sealed(_) | Stage::Failed => Err(Failure::new(
                Reason::Incomplete,
                "there is more behind the seal",
            )),
        }
    }

    /// What the whole bundle proves.
    ///
    /// # Errors
    /// The file ended before its seal.
    pub fn finish(self) -> Result<Report, Failure> {
        match self.stage {
            Stage::Sealed(report) => Ok(*report),
            Stage::Magic => Err(Failure::new(Reason::NotABundle, "the file is empty")),
            Stage::Manifest | Stage::Lines(_) | Stage::Failed => Err(Failure::new(
                Reason::Incomplete,
                "the file ends before its seal: a part of it is missing",
            )),
        }
    }
}

fn malformed(detail: impl Into<String>) -> Failure {
    Failure::new(Reason::Malformed, detail)
}

impl Run {
    /// Reads the manifest and checks the checkpoint in it.
    fn open(trust: &Trust, line: &[u8]) -> Result<Self, Failure> {
        let manifest =
            Manifest::parse(line).map_err(|error| malformed(format!("the manifest: {error}")))?;
        let mut limits = Limits::default();
        let keys = if trust.keys.is_empty() {
            limits.own_keys = true;
            let own = manifest.keys.iter().map(|key| key.parse());
            own.collect::<Result<Vec<NoteVerifier>, _>>()
                .map_err(|error| malformed(format!("the keys: {error}")))?
        } else {
            trust.keys.clone()
        };
        let refused =
            |error: String| Failure::new(Reason::Signature, format!("the checkpoint: {error}"));
        let checkpoint = Checkpoint::verify(manifest.checkpoint.as_bytes(), &keys)
            .map_err(|error| refused(error.to_string()))?;
        let signed = SignedNote::parse(manifest.checkpoint.as_bytes())
            .map_err(|error| refused(error.to_string()))?;
        let signed = signed
            .verify(&keys)
            .map_err(|error| refused(error.to_string()))?;
        let signed_by: Vec<_> = signed.iter().map(ToString::to_string).collect();
        let witnesses = signed
            .iter()
            .filter(|key| key.name() != checkpoint.origin())
            .count();
        limits.unwitnessed = witnesses < trust.quorum.max(1);
        if manifest.end > checkpoint.size() {
            return Err(malformed("the run is longer than the log"));
        }
        let organization = organization_of(checkpoint.origin())
            .ok_or_else(|| malformed("the origin does not name a log"))?
            .to_owned();
        let left = unwrap(&manifest.left);
        let frontier = Frontier::from_hashes(manifest.start, left).map_err(|_| {
            Failure::new(
                Reason::Root,
                "the hashes before the run do not fit its start",
            )
        })?;
        let mut run = Self {
            manifest,
            checkpoint,
            organization,
            keys,
            signed_by,
            frontier,
            explanations: Explanations::default(),
            milestones: Vec::new(),
            begun: false,
            edges: 0,
            instants: None,
            opened: 0,
            continues: None,
            anchors: Vec::new(),
            stamps: Vec::new(),
            limits,
        };
        run.meet(trust)?;
        Ok(run)
    }

    /// Checks the root over the run and the seal over the bytes.
    fn close(mut self, seal: &[u8], digest: &[u8]) -> Result<Report, Failure> {
        let index = self.frontier.size();
        if index != self.manifest.end {
            let told = format!(
                "the run ends at entry {index} instead of {}",
                self.manifest.end
            );
            return Err(Failure::new(Reason::Order, told).at(index));
        }
        let (start, end) = (self.manifest.start, self.manifest.end);
        Closing {
            frontier: std::mem::take(&mut self.frontier),
            size: self.checkpoint.size(),
            right: &unwrap(&self.manifest.right),
        }
        .verify(&self.checkpoint.root())
        .map_err(|error| {
            let told = format!(
                "the entries from {start} to below {end} are not those that were signed ({error}): at least one was changed"
            );
            Failure::new(Reason::Root, told)
        })?;
        self.check_seal(seal, digest)?;
        let wanted = match &self.manifest.window {
            None => 0,
            Some(_) => u64::from(start > 0) + u64::from(end < self.checkpoint.size()),
        };
        self.limits.open_edges = wanted.saturating_sub(self.edges);
        Ok(Report {
            checkpoint: self.checkpoint,
            signed_by: self.signed_by,
            start,
            end,
            window: self.manifest.window,
            instants: self.instants,
            opened: self.opened,
            continues: self.continues,
            anchors: self.anchors,
            stamps: self.stamps,
            limits: self.limits,
        })
    }

    fn check_seal(&self, seal: &[u8], digest: &[u8]) -> Result<(), Failure> {
        let failed = |told: &str| Failure::new(Reason::Seal, told);
        let note: String =
            serde_json::from_slice(seal).map_err(|_| failed("the seal is not a JSON string"))?;
        let mut again = Vec::with_capacity(seal.len());
        push_string(&mut again, &note);
        if again != seal {
            return Err(failed("the seal is not in canonical form"));
        }
        let entries = self.manifest.end - self.manifest.start;
        let note =
            SignedNote::parse(note.as_bytes()).map_err(|error| failed(&error.to_string()))?;
        if note.text() != seal_text(self.checkpoint.origin(), entries, digest) {
            return Err(failed(
                "the bytes of the file are not those that were sealed",
            ));
        }
        let own = |key: &NoteVerifier| key.name() == self.checkpoint.origin();
        let mut log: Vec<NoteVerifier> = self.keys.iter().filter(|key| own(key)).cloned().collect();
        // While keys rotate the log signs with both; the reader may know one of them only.
        for key in &self.manifest.keys {
            let key: NoteVerifier = key
                .parse()
                .map_err(|error| malformed(format!("the keys: {error}")))?;
            if own(&key) && !log.contains(&key) {
                log.push(key);
            }
        }
        let signed = note
            .verify(&log)
            .map_err(|error| failed(&error.to_string()))?;
        // A signature that nobody can check would be a place for bytes that nobody vouches for.
        if signed.len() != note.signatures().len() {
            return Err(failed("the seal has a signature by an unknown key"));
        }
        if signed.iter().any(|key| self.keys.contains(key)) {
            Ok(())
        } else {
            Err(failed("no key that is trusted sealed it"))
        }
    }
}

/// The organisation in `<host>/<org>/audit/<epoch>`.
fn organization_of(origin: &str) -> Option<&str> {
    let (rest, _) = origin.rsplit_once('/')?;
    let rest = rest.strip_suffix("/audit")?;
    rest.rsplit_once('/').map(|(_, organization)| organization)
}
