//! What is read from files goes through buffers that are used again. They are filled on one thread and
//! let go on another: the heap of each thread would keep some for itself.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// How many are kept while nobody needs them.
const MOST_SPARE: usize = 8;

static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// A buffer of some length. What is in it at first is of no meaning.
#[derive(Debug)]
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    pub(super) fn new(length: usize) -> Self {
        let mut buffer = spare().pop().unwrap_or_default();
        buffer.resize(length, 0);
        Self(buffer)
    }

    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Its bytes; the buffer is used again when the last of them is let go.
    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spare = spare();
        if spare.len() < MOST_SPARE {
            spare.push(std::mem::take(&mut self.0));
        }
    }
}

fn spare() -> std::sync::MutexGuard<'static, Vec<Vec<u8>>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Buffer, MOST_SPARE, spare};

    #[test]
    fn buffers_have_the_length_that_is_asked_for_and_few_are_kept() {
        let many: Vec<_> = (1..20).map(|size| Buffer::new(size * 100)).collect();
        for (buffer, size) in many.iter().zip(1..) {
            assert_eq!(buffer.as_ref().len(), size * 100);
        }
        let pieces: Vec<_> = many.into_iter().map(Buffer::freeze).collect();
        let part = pieces[0].slice(10..20);
        drop(pieces);
        assert_eq!(part.len(), 10);
        drop(part);
        assert!(spare().len() <= MOST_SPARE);
    }
}
