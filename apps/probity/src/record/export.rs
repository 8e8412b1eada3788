//! A run of the record as one bundle that proves itself, made while it is sent.

use std::collections::VecDeque;
use std::ops::Range;

use actix_web::web::Bytes;
use futures_util::stream::{self, Stream};
use probity_kernel::{OrganizationId, RepositoryError};
use probity_ledger::bundle::{BundleWriter, Manifest, Shown, SlotShown, Stamped, Window};
use probity_ledger::{
    Absence, ConsistencyProof, Explanations, InclusionProof, Leaf, NoteSigner, SlotName,
    consistency_proof, inclusion_proof, instant_text, range_proof,
};
use time::OffsetDateTime;

use super::signer::epoch_of;
use super::{OpenSlot, Record, RecordEntry, RecordError, Signed, unproved};

/// How many entries are read and sent at a time.
const STEP: u64 = 256;

/// Which run of the record is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Entries by number; to the end of the record where there is no end.
    Entries(u64, Option<u64>),
    /// All entries from one instant to before another.
    Instants(OffsetDateTime, OffsetDateTime),
}

/// A bundle on its way.
pub(crate) struct Export {
    record: Record,
    organization: OrganizationId,
    writer: BundleWriter,
    head: Vec<u8>,
    rest: Range<u64>,
    explanations: Explanations,
    sees_slots: bool,
    origin: String,
    signers: Vec<NoteSigner>,
}

/// An entry outside the run, with its proof.
type Proved = (RecordEntry, InclusionProof);

impl Record {
    /// Prepares the bundle of a run: everything but its entries.
    pub(crate) async fn export(
        &self,
        organization: OrganizationId,
        wanted: Wanted,
        since: Option<u64>,
        sees_slots: bool,
    ) -> Result<Export, RecordError> {
        let signed = self.checkpoint(organization).await?;
        let (run, window) = self.run_of(organization, &signed, wanted).await?;
        let manifest = self
            .manifest(organization, &signed, run.clone(), window, since)
            .await?;
        let explaining = self
            .database
            .explaining_entries(organization, signed.checkpoint.size())
            .await?;
        let mut explanations = Explanations::default();
        for leaf in explaining.iter().filter_map(|entry| entry.leaf.as_deref()) {
            let leaf = Leaf::parse(leaf).ok();
            if let Some(Ok(Some(absence))) = leaf.map(|leaf| Absence::of(&leaf.header())) {
                explanations.add(&absence);
            }
        }
        let beside = self
            .beside(organization, &manifest, signed.checkpoint.size())
            .await?;
        let size = signed.checkpoint.size();
        let mut writer = BundleWriter::new();
        let mut head = Vec::new();
        writer
            .head(&manifest, &mut head)
            .map_err(|error| broken(error.to_string()))?;
        for (entry, proof) in self.proved(organization, explaining, size).await? {
            if let Some(leaf) = &entry.leaf {
                writer.explanation(entry.index, &proof, leaf, &mut head);
            }
        }
        for (entry, proof) in self.proved(organization, beside, size).await? {
            match &entry.leaf {
                Some(leaf) if entry.index < run.start => {
                    writer.before(entry.index, &proof, leaf, &mut head);
                }
                Some(leaf) => writer.after(entry.index, &proof, leaf, &mut head),
                None => {}
            }
        }
        let origin = signed.checkpoint.origin().to_owned();
        Ok(Export {
            record: self.clone(),
            organization,
            writer,
            head,
            rest: run,
            explanations,
            sees_slots,
            signers: self.signer.signers(&origin),
            origin,
        })
    }

    /// The run of entries that is wanted, below the size of the checkpoint.
    async fn run_of(
        &self,
        organization: OrganizationId,
        signed: &Signed,
        wanted: Wanted,
    ) -> Result<(Range<u64>, Option<Window>), RecordError> {
        let size = signed.checkpoint.size();
        let out = |what, range: String| RecordError::OutOfRange { what, range };
        match wanted {
            Wanted::Entries(start, end) => {
                let end = end.unwrap_or(size);
                if end > size {
                    return Err(out("to", format!("at most {size}, the size of the record")));
                }
                if start > end {
                    return Err(out("from", format!("at most {end}, the end of the run")));
                }
                Ok((start..end, None))
            }
            Wanted::Instants(from, to) => {
                if from >= to {
                    return Err(out("from", "before `to`".to_owned()));
                }
                let found = self.database.entries_between(organization, size, from, to);
                let window = Window {
                    from: instant_text(from),
                    to: instant_text(to),
                };
                Ok((found.await?, Some(window)))
            }
        }
    }

    async fn manifest(
        &self,
        organization: OrganizationId,
        signed: &Signed,
        run: Range<u64>,
        window: Option<Window>,
        since: Option<u64>,
    ) -> Result<Manifest, RecordError> {
        let size = signed.checkpoint.size();
        if let Some(since) = since.filter(|since| *since == 0 || *since > size) {
            let range = format!("from 1 to {size}, the size of the record, and not {since}");
            return Err(RecordError::OutOfRange {
                what: "since",
                range,
            });
        }
        let wanted = run.clone();
        let made = self.database.read_log(organization, move |hashes| {
            let range = range_proof(hashes, wanted, size).map_err(unproved)?;
            let earlier = since.map(|since| consistency_proof(hashes, since, size));
            Ok((range, earlier.transpose().map_err(unproved)?))
        });
        let (range, earlier) = made.await?.ok_or(RecordError::NoLog)?;
        let keys = self.signer.verifiers(signed.checkpoint.origin());
        let keys = keys.iter().map(ToString::to_string).collect();
        let stamps = self.stamps(organization, signed, run.end).await?;
        let manifest = Manifest::new(signed.note.clone(), keys, run, &range)
            .with_window(window)
            .with_timestamps(stamps);
        Ok(match since.zip(earlier) {
            Some((since, proof)) => manifest.with_consistency(since, &proof),
            None => manifest,
        })
    }

    /// The time stamps that tell when the entries before `end` existed.
    async fn stamps(
        &self,
        organization: OrganizationId,
        signed: &Signed,
        end: u64,
    ) -> Result<Vec<Stamped>, RecordError> {
        let size = signed.checkpoint.size();
        let epoch = epoch_of(signed.checkpoint.origin()).unwrap_or(1);
        let kept = self.database.timestamps(organization, epoch, end, size);
        let kept = kept.await?;
        if kept.is_empty() {
            return Ok(Vec::new());
        }
        let made = self.database.read_log(organization, move |hashes| {
            let stamped = kept.into_iter().map(|kept| {
                let proof = match kept.size {
                    0 => ConsistencyProof::default(),
                    from => consistency_proof(hashes, from, size).map_err(unproved)?,
                };
                Ok(Stamped::new(kept.note, &proof, &kept.token))
            });
            stamped.collect()
        });
        made.await?.ok_or(RecordError::NoLog)
    }

    /// The entries on both sides of a run that was named by instants.
    async fn beside(
        &self,
        organization: OrganizationId,
        manifest: &Manifest,
        size: u64,
    ) -> Result<Vec<RecordEntry>, RecordError> {
        let mut found = Vec::new();
        if manifest.window.is_none() {
            return Ok(found);
        }
        if let Some(before) = manifest.start.checked_sub(1) {
            found.extend(self.entries(organization, before..manifest.start).await?);
        }
        if manifest.end < size {
            let after = manifest.end..manifest.end + 1;
            found.extend(self.entries(organization, after).await?);
        }
        Ok(found)
    }

    async fn proved(
        &self,
        organization: OrganizationId,
        entries: Vec<RecordEntry>,
        size: u64,
    ) -> Result<Vec<Proved>, RecordError> {
        let made = self.database.read_log(organization, move |hashes| {
            entries
                .into_iter()
                .map(|entry| {
                    let proof = inclusion_proof(hashes, entry.index, size).map_err(unproved)?;
                    Ok((entry, proof))
                })
                .collect()
        });
        made.await?.ok_or(RecordError::NoLog)
    }
}

fn broken(detail: String) -> RecordError {
    RepositoryError::Database(detail.into()).into()
}

impl Export {
    /// The bundle, one step of entries at a time; a step is read only when the last one was sent.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<Bytes, RecordError>> {
        let head = VecDeque::from([self.head.clone()]);
        stream::unfold((Some(self), head), |(mut export, mut ready)| async move {
            loop {
                if let Some(chunk) = ready.pop_front() {
                    return Some((Ok(Bytes::from(chunk)), (export, ready)));
                }
                let made = export.take()?.step().await;
                match made {
                    Ok((chunk, rest)) => {
                        ready.push_back(chunk);
                        export = rest;
                    }
                    Err(error) => {
                        // The answer has begun: it ends without its seal, and no verifier takes it.
                        tracing::error!(error = ?error, "an export ended early");
                        return Some((Err(error), (None, ready)));
                    }
                }
            }
        })
    }

    /// The next entries, or the seal behind the last one.
    async fn step(mut self) -> Result<(Vec<u8>, Option<Self>), RecordError> {
        let mut out = Vec::new();
        if self.rest.is_empty() {
            let signers: Vec<&NoteSigner> = self.signers.iter().collect();
            self.writer
                .seal(&self.origin, &signers, &mut out)
                .map_err(|error| broken(error.to_string()))?;
            return Ok((out, None));
        }
        let step = self.rest.start..self.rest.end.min(self.rest.start + STEP);
        let entries = self.record.entries(self.organization, step.clone()).await?;
        let found = u64::try_from(entries.len()).unwrap_or(0);
        if found != step.end - step.start {
            return Err(broken(format!(
                "entries from {} on are missing",
                step.start
            )));
        }
        for entry in &entries {
            self.entry(entry, &mut out)?;
        }
        self.rest.start = step.end;
        Ok((out, Some(self)))
    }

    fn entry(&mut self, entry: &RecordEntry, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let unexplained = || broken(format!("entry {} lacks what nothing explains", entry.index));
        let Some(bytes) = entry.leaf.as_deref() else {
            // Pruned since the export began, perhaps: then the next export explains it.
            if !self.explanations.pruned(entry.index) {
                return Err(unexplained());
            }
            self.writer.entry(&Shown::Pruned(&entry.hash), out);
            return Ok(());
        };
        let leaf = Leaf::parse(bytes).map_err(|error| broken(error.to_string()))?;
        let mut slots = Vec::with_capacity(2);
        for (name, _) in leaf.header().slots.iter() {
            let open = match name {
                SlotName::Actor => entry.actor.as_ref(),
                SlotName::Detail => entry.detail.as_ref(),
                SlotName::Net => None,
            };
            slots.push(match open {
                Some(_) if !self.sees_slots => SlotShown::Withheld,
                Some(OpenSlot { salt, bytes }) => SlotShown::Open(salt, bytes),
                None if self.explanations.redacted(entry.index, name) => SlotShown::Erased,
                None => return Err(unexplained()),
            });
        }
        self.writer.entry(&Shown::Leaf(bytes, &slots), out);
        Ok(())
    }
}
