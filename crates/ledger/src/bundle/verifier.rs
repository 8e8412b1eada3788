//! Checking a bundle, line by line, in memory that does not grow with it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::anchors::{Anchor, Compared, contradiction, relate};
use super::failure::{Failure, Reason};
use super::manifest::{Manifest, hash, unwrap};
use super::report::{Limits, Report};
use super::stamps::{self, Stamp};
use super::{MAGIC, seal_text};
use crate::absence::{Absence, Explanations};
use crate::canonical::push_string;
use crate::checkpoint::Checkpoint;
use crate::frontier::Frontier;
use crate::hash::Hash;
use crate::leaf::{Leaf, parse_instant};
use crate::note::SignedNote;
use crate::note_key::NoteVerifier;
use crate::proof::{ConsistencyProof, InclusionProof, verify_consistency, verify_inclusion};
use crate::range::Closing;
use crate::slot::{Commitment, Salt, SlotName};

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

/// A root that the log has to have at a size, and who says so.
#[derive(Debug, Clone, Copy)]
struct Milestone {
    size: u64,
    root: Hash,
    source: Source,
}

/// Who names a root.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// The checkpoint that the auditor kept.
    Kept,
    /// A checkpoint that was kept outside.
    Anchored,
    /// A leaf that tells of pruned entries.
    Pruned,
}

impl Source {
    /// The failure at a root that is another.
    fn failure(self, size: u64) -> Failure {
        let (reason, whose) = match self {
            Self::Kept => (Reason::Rewritten, "of the checkpoint that was kept"),
            Self::Anchored => (Reason::Rewritten, "of an anchored checkpoint"),
            Self::Pruned => (Reason::Explanation, "that were pruned"),
        };
        Failure::new(
            reason,
            format!("the first {size} entries are not those {whose}"),
        )
    }
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

    /// Compares with all that was kept outside the log.
    fn meet(&mut self, trust: &Trust) -> Result<(), Failure> {
        self.connect(trust.since.as_ref())?;
        if let Some(anchors) = &trust.anchors {
            self.compare(anchors)?;
        }
        let stamped = self.manifest.timestamps.iter();
        let checked = stamped.map(|stamped| stamps::check(stamped, &self.checkpoint));
        self.stamps = checked.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Compares with the checkpoints of this log that were kept outside.
    fn compare(&mut self, anchors: &[Checkpoint]) -> Result<(), Failure> {
        let origin = self.checkpoint.origin();
        let kept: Vec<&Checkpoint> = anchors
            .iter()
            .filter(|anchor| anchor.origin() == origin)
            .collect();
        if let Some(size) = contradiction(&kept) {
            let told =
                format!("the log had two roots at {size} entries: two histories were signed");
            return Err(Failure::new(Reason::Rewritten, told));
        }
        let run = (self.manifest.start, self.manifest.end);
        self.anchors = kept
            .into_iter()
            .map(|kept| Anchor {
                checkpoint: kept.clone(),
                compared: relate(kept, &self.checkpoint, run),
            })
            .collect();
        let seen =
            |compared: Compared| self.anchors.iter().any(move |one| one.compared == compared);
        self.limits.unanchored = !seen(Compared::Same) && !seen(Compared::Continued);
        if seen(Compared::Later) && !seen(Compared::Same) {
            let largest = self.anchors.iter().map(|one| one.checkpoint.size()).max();
            let told = format!(
                "the log has {} entries, but a checkpoint over {} was anchored and this one was not: its end was cut \
                 off, or the bundle is older than the anchors",
                self.checkpoint.size(),
                largest.unwrap_or_default()
            );
            return Err(Failure::new(Reason::Shrunk, told));
        }
        self.meet_anchors()
    }

    /// Notes the roots that anchored checkpoints name.
    fn meet_anchors(&mut self) -> Result<(), Failure> {
        let mut roots = Vec::with_capacity(self.anchors.len());
        for Anchor {
            checkpoint,
            compared,
        } in &self.anchors
        {
            match compared {
                Compared::Same if checkpoint.root() != self.checkpoint.root() => {
                    return Err(Source::Anchored.failure(checkpoint.size()));
                }
                Compared::Continued => roots.push((checkpoint.size(), checkpoint.root())),
                Compared::Same | Compared::Outside | Compared::Later => {}
            }
        }
        // The largest first, so that each takes its place at the end.
        roots.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        for (size, root) in roots {
            self.milestone(size, root, Source::Anchored)?;
        }
        Ok(())
    }

    /// Compares with the checkpoint that the auditor kept.
    fn connect(&mut self, since: Option<&Checkpoint>) -> Result<(), Failure> {
        let Some(kept) = since else {
            self.limits.no_earlier_checkpoint = true;
            return Ok(());
        };
        let (size, now) = (kept.size(), self.checkpoint.size());
        if kept.origin() != self.checkpoint.origin() {
            return Err(other_log(kept, &self.checkpoint));
        }
        if size > now {
            let told = format!(
                "the log has {now} entries, but a checkpoint over {size} was kept: its end was cut off"
            );
            return Err(Failure::new(Reason::Shrunk, told));
        }
        self.continues = Some(size);
        let rewritten = || {
            let told =
                format!("the first {size} entries are not those of the checkpoint that was kept");
            Failure::new(Reason::Rewritten, told)
        };
        if size == now {
            return if kept.root() == self.checkpoint.root() {
                Ok(())
            } else {
                Err(rewritten())
            };
        }
        if size == 0 {
            return Ok(());
        }
        if let Some(consistency) = &self.manifest.consistency
            && consistency.from == size
        {
            let proof = ConsistencyProof::new(unwrap(&consistency.proof))
                .map_err(|error| malformed(format!("the consistency proof: {error}")))?;
            return verify_consistency(size, now, &proof, &kept.root(), &self.checkpoint.root())
                .map_err(|_| rewritten());
        }
        if (self.manifest.start..=self.manifest.end).contains(&size) {
            self.milestone(size, kept.root(), Source::Kept)?;
            return Ok(());
        }
        let told = format!(
            "the bundle does not connect to the checkpoint over {size} entries; export it with since={size}"
        );
        Err(Failure::new(Reason::Unconnected, told))
    }

    /// Notes a root that the log has to have at a size inside the run.
    fn milestone(&mut self, size: u64, root: Hash, source: Source) -> Result<(), Failure> {
        let place = self.milestones.partition_point(|known| known.size > size);
        let milestone = Milestone { size, root, source };
        self.milestones.insert(place, milestone);
        self.pass_milestones()
    }

    fn pass_milestones(&mut self) -> Result<(), Failure> {
        let size = self.frontier.size();
        while let Some(passed) = self.milestones.pop_if(|known| known.size <= size) {
            if self.frontier.root() != passed.root {
                return Err(passed.source.failure(size));
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
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

fn other_log(kept: &Checkpoint, now: &Checkpoint) -> Failure {
    let parts = |origin: &str| {
        origin
            .rsplit_once('/')
            .map(|(log, epoch)| (log.to_owned(), epoch.to_owned()))
    };
    match (parts(kept.origin()), parts(now.origin())) {
        (Some((kept_log, kept_epoch)), Some((log, epoch))) if kept_log == log => {
            let told = format!(
                "the log is in epoch {epoch}, the checkpoint over {} entries that was kept is of epoch {kept_epoch}: \
                 the log was opened anew since, and entries may be lost",
                kept.size()
            );
            Failure::new(Reason::Epoch, told)
        }
        _ => {
            let told = format!(
                "the checkpoint that was kept is of the log {}",
                kept.origin()
            );
            Failure::new(Reason::OtherLog, told)
        }
    }
}

/// The organisation in `<host>/<org>/audit/<epoch>`.
fn organization_of(origin: &str) -> Option<&str> {
    let (rest, _) = origin.rsplit_once('/')?;
    let rest = rest.strip_suffix("/audit")?;
    rest.rsplit_once('/').map(|(_, organization)| organization)
}

/// A whole number in its one spelling.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
