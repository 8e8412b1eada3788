//! A chunk on its way to the disk.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use probity_artifacts::{BlobError, ChunkSink, ChunkWrite, Landed, Span, UploadPlace};

use super::{BASE, LocalBlobs, Upload, file_of};
use crate::adapters::blobs::files::{self, Part, blocking};
use crate::adapters::blobs::inflow::{Inflow, Put};
use crate::adapters::blobs::nonce;

/// A chunk that is being written.
pub(crate) struct LocalSink {
    staging: PathBuf,
    file: Arc<File>,
    /// Where the chunk begins in the file.
    offset: u64,
    span: Span,
    known: Option<String>,
    target: Target,
    inflow: Inflow,
}

/// Where the bytes go.
#[derive(Debug)]
enum Target {
    /// Their place in the base, which is this sink's alone while it lives.
    Place(Arc<Slot>),
    /// A file of their own.
    Part {
        name: String,
        path: PathBuf,
        kept: bool,
    },
}

/// The right to write a chunk in place.
#[derive(Debug)]
struct Slot {
    upload: Arc<Upload>,
    index: u32,
}

impl Slot {
    fn take(upload: Arc<Upload>, index: u32) -> Option<Arc<Self>> {
        let mut slots = upload.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let free = slots.insert(index);
        drop(slots);
        free.then(|| Arc::new(Self { upload, index }))
    }

    /// Writes unless the upload is closed; answers whether it did.
    fn write(&self, file: &File, pieces: &[Bytes], at: u64) -> io::Result<bool> {
        let closed = self
            .upload
            .closed
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Ok(false);
        }
        write(file, pieces, at).map(|()| true)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut slots = self
            .upload
            .slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        slots.remove(&self.index);
    }
}

impl Target {
    /// How pieces are written to its file.
    fn put(&self, file: Arc<File>) -> Put {
        match self {
            Self::Place(slot) => {
                let slot = slot.clone();
                Arc::new(move |pieces, at| slot.write(&file, pieces, at))
            }
            Self::Part { .. } => {
                Arc::new(move |pieces, at| write(&file, pieces, at).map(|()| true))
            }
        }
    }
}

/// Writes, and has the disk begin at once: little is left to be done when the chunk is made durable.
fn write(file: &File, pieces: &[Bytes], at: u64) -> io::Result<()> {
    let end = files::write_pieces(file, pieces, at)?;
    files::write_back(file, at..end);
    Ok(())
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Self::Part {
            path, kept: false, ..
        } = self
        {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl LocalSink {
    pub(super) async fn begin(
        store: &LocalBlobs,
        place: &UploadPlace,
        write: ChunkWrite,
    ) -> Result<Self, BlobError> {
        let (staging, span) = (store.staging(place), write.span);
        let slot = match write.known {
            None => Slot::take(store.upload(place.upload), span.index),
            Some(_) => None,
        };
        let (target, path, offset) = if let Some(slot) = slot {
            (Target::Place(slot), staging.join(BASE), span.offset)
        } else {
            let name = format!("part-{}-{:016x}", span.index, nonce()?);
            let path = staging.join(&name);
            let target = Target::Part {
                name,
                path: path.clone(),
                kept: false,
            };
            (target, path, 0)
        };
        let in_place = matches!(target, Target::Place(_));
        let opened = blocking(move || {
            if in_place {
                files::open(&path, true)
            } else {
                files::create(&path)
            }
        });
        let file = match opened.await {
            Ok(file) => Arc::new(file),
            // The folder went with the upload.
            Err(BlobError::NotFound) => return Err(BlobError::Closed),
            Err(error) => return Err(error),
        };
        let inflow = Inflow::new(target.put(file.clone()), offset, write.tally);
        Ok(Self {
            staging,
            file,
            offset,
            span,
            known: write.known,
            target,
            inflow,
        })
    }
}

impl ChunkSink for LocalSink {
    async fn write(&mut self, piece: Bytes) -> Result<(), BlobError> {
        self.inflow.write(piece).await
    }

    async fn finish(&mut self) -> Result<Landed, BlobError> {
        self.inflow.land().await?;
        let file = self.file.clone();
        let folder = match &self.target {
            Target::Place(_) => None,
            Target::Part { .. } => Some(self.staging.clone()),
        };
        blocking(move || {
            file.sync_data()?;
            folder.map_or(Ok(()), |folder| files::sync_folder(&folder))
        })
        .await?;
        let known = self.known.take();
        let same_as = match known {
            Some(known) if self.is_same(&known).await? => Some(known),
            Some(_) | None => None,
        };
        let tally = self.inflow.tally().await?;
        let location = match &mut self.target {
            Target::Place(_) => BASE.to_owned(),
            Target::Part { name, kept, .. } => {
                *kept = true;
                name.clone()
            }
        };
        Ok(Landed {
            location,
            same_as,
            tally,
        })
    }
}

impl LocalSink {
    /// Whether the chunk that was there has the same bytes.
    async fn is_same(&self, known: &str) -> Result<bool, BlobError> {
        let (path, offset) = file_of(&self.staging, known, self.span.offset)?;
        let (file, size, own) = (self.file.clone(), self.inflow.taken(), self.offset);
        let compared = blocking(move || {
            let before = files::open(&path, false)?;
            let before = Part {
                file: &before,
                offset,
                size,
            };
            files::same_bytes(
                Part {
                    file: &file,
                    offset: own,
                    size,
                },
                before,
            )
        });
        match compared.await {
            // It was replaced and removed meanwhile.
            Err(BlobError::NotFound) => Ok(false),
            compared => compared,
        }
    }
}
