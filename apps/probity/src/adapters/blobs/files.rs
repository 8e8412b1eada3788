//! Files of the local store: opened without following links, made durable with their folders.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice};
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use bytes::Bytes;
use probity_artifacts::{BlobError, BlobReader};
use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;

use super::buffers::Buffer;
use super::share::Share;

/// How many bytes are moved at a time where files are read as a whole.
pub(super) const PIECE: usize = 256 << 10;
/// How many bytes a download reads at a time, where its share is not less: one such piece is read ahead.
const READ: usize = 512 << 10;

/// What an error of the operating system means.
pub(super) fn told(error: io::Error) -> BlobError {
    let kind = error.kind();
    let full = [
        ErrorKind::StorageFull,
        ErrorKind::QuotaExceeded,
        ErrorKind::FileTooLarge,
    ];
    if kind == ErrorKind::NotFound {
        return BlobError::NotFound;
    }
    if full.contains(&kind) {
        return BlobError::Full;
    }
    tracing::error!(error = %error, "the blob store failed");
    BlobError::Unavailable(Box::new(error))
}

/// How much work on files and digests is done at a time. Each piece of it takes a thread, and each
/// thread keeps memory of its own: senders beyond that wait for their turn.
static TURNS: Semaphore = Semaphore::const_new(8);

/// Starts work where it may block.
pub(super) fn start<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<Result<T, BlobError>> {
    if let Ok(turn) = TURNS.try_acquire() {
        return begin(turn, work);
    }
    tokio::spawn(async move {
        let turn = TURNS.acquire().await;
        let turn = turn.map_err(|error| BlobError::Unavailable(Box::new(error)))?;
        finished(begin(turn, work)).await
    })
}

/// Work goes to its end with its turn, also when nobody waits for it any more.
fn begin<T: Send + 'static>(
    turn: SemaphorePermit<'static>,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<Result<T, BlobError>> {
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        Ok(work())
    })
}

/// Runs work on files where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    settled(start(work)).await
}

/// The outcome of such work.
pub(super) async fn settled<T>(
    work: JoinHandle<Result<io::Result<T>, BlobError>>,
) -> Result<T, BlobError> {
    finished(work).await?.map_err(told)
}

/// What was started, once it is done.
pub(super) async fn finished<T>(work: JoinHandle<Result<T, BlobError>>) -> Result<T, BlobError> {
    let done = work.await;
    done.map_err(|error| BlobError::Unavailable(Box::new(error)))?
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    options.mode(0o600).custom_flags(flags);
    options
}

/// A new file that nobody has yet.
pub(super) fn create(path: &Path) -> io::Result<File> {
    options().read(true).write(true).create_new(true).open(path)
}

/// A file that is there.
pub(super) fn open(path: &Path, write: bool) -> io::Result<File> {
    let file = options().read(true).write(write).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(ErrorKind::NotFound, "not a file"))
    }
}

/// A folder with those above it, each new one durable in its parent.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_folder),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let Some(parent) = path.parent() else {
                return Err(error);
            };
            make_folder(parent)?;
            make_folder(path)
        }
        Err(error) => Err(error),
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes a file; nothing there is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    gone(std::fs::remove_file(path))
}

/// Removes a folder with all in it; nothing there is no error.
pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    gone(std::fs::remove_dir_all(path))
}

fn gone(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Writes pieces behind one another from a place on; answers where they end.
pub(super) fn write_pieces(file: &File, pieces: &[Bytes], mut at: u64) -> io::Result<u64> {
    let slices = pieces.iter().filter(|piece| !piece.is_empty());
    let mut slices: Vec<IoSlice<'_>> = slices.map(|piece| IoSlice::new(piece)).collect();
    let mut left = slices.as_mut_slice();
    while !left.is_empty() {
        match rustix::io::pwritev(file, left, at) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                at += u64::try_from(count).unwrap_or_default();
                IoSlice::advance_slices(&mut left, count);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(at)
}

/// Has the disk begin with a part of a file that was just written. Linux starts to write back what is
/// said not to be needed, and keeps it as long as it is being written; nothing else that it can be asked
/// for safely starts without waiting.
#[cfg(target_os = "linux")]
pub(super) fn write_back(file: &File, part: Range<u64>) {
    let length = NonZeroU64::new(part.end.saturating_sub(part.start));
    if length.is_some() {
        // A mere hint: what counts is that the chunk is made durable.
        let _ = rustix::fs::fadvise(file, part.start, length, rustix::fs::Advice::DontNeed);
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) const fn write_back(_: &File, _: Range<u64>) {}

/// Reads up to as many bytes as the buffer has, fewer at the end of the file.
fn read_full(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while !buffer.is_empty() {
        match file.read_at(buffer, offset) {
            Ok(0) => break,
            Ok(count) => {
                read += count;
                offset += u64::try_from(count).unwrap_or_default();
                buffer = buffer.get_mut(count..).unwrap_or_default();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// The first bytes of a file, so many.
pub(super) fn read_whole(file: &File, size: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    if read_full(file, &mut bytes, 0)? == bytes.len() {
        return Ok(bytes.into());
    }
    Err(io::Error::new(
        ErrorKind::UnexpectedEof,
        "the file is too short",
    ))
}

/// The part of a file that holds a chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) file: &'a File,
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// Whether two parts hold the same bytes.
pub(super) fn same_bytes(one: Part<'_>, other: Part<'_>) -> io::Result<bool> {
    if one.size != other.size {
        return Ok(false);
    }
    let (mut first, mut second) = (vec![0; PIECE], vec![0; PIECE]);
    let mut done = 0;
    while done < one.size {
        let (first, second) = (
            take(&mut first, one.size - done),
            take(&mut second, one.size - done),
        );
        let read = read_full(one.file, first, one.offset + done)?;
        let also = read_full(other.file, second, other.offset + done)?;
        if read != also || first != second || read == 0 {
            return Ok(false);
        }
        done += u64::try_from(read).unwrap_or(u64::MAX);
    }
    Ok(true)
}

fn take(buffer: &mut [u8], left: u64) -> &mut [u8] {
    let size = usize::try_from(left)
        .unwrap_or(usize::MAX)
        .min(buffer.len());
    buffer.get_mut(..size).unwrap_or_default()
}

/// Copies a part to a place in another file.
pub(super) fn copy(part: Part<'_>, to: &File, place: u64) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    let mut done = 0;
    while done < part.size {
        let piece = take(&mut buffer, part.size - done);
        if read_full(part.file, piece, part.offset + done)? != piece.len() {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "a chunk is too short",
            ));
        }
        to.write_all_at(piece, place + done)?;
        done += u64::try_from(piece.len()).unwrap_or(u64::MAX);
    }
    Ok(())
}

/// Reads a part of a file, one piece ahead of who takes them.
#[derive(Debug)]
pub(crate) struct FileReader {
    file: std::sync::Arc<File>,
    share: Share,
    next: u64,
    end: u64,
    ahead: Option<JoinHandle<Result<io::Result<Bytes>, BlobError>>>,
}

impl FileReader {
    pub(super) fn new(file: File, offset: u64, size: u64) -> Self {
        let mut reader = Self {
            file: std::sync::Arc::new(file),
            share: Share::take(),
            next: offset,
            end: offset.saturating_add(size),
            ahead: None,
        };
        reader.read_ahead();
        reader
    }

    fn read_ahead(&mut self) {
        let most = u64::try_from(READ.min(self.share.bytes())).unwrap_or(u64::MAX);
        let size = (self.end - self.next).min(most);
        if size == 0 {
            return;
        }
        let (file, offset) = (self.file.clone(), self.next);
        self.next += size;
        self.ahead = Some(start(move || {
            let mut piece = Buffer::new(usize::try_from(size).unwrap_or_default());
            if read_full(&file, piece.as_mut(), offset)? == piece.as_ref().len() {
                return Ok(piece.freeze());
            }
            Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "the file is too short",
            ))
        }));
    }
}

impl BlobReader for FileReader {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        let Some(ahead) = self.ahead.take() else {
            return Ok(None);
        };
        let piece = settled(ahead).await?;
        self.read_ahead();
        Ok(Some(piece))
    }
}
