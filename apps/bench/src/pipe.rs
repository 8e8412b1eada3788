//! The limit of a verified durable upload: plain sockets, received and written by one thread, hashed by
//! another, on disk before it is answered. Nothing of HTTP, nothing else kept.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

use sha2::{Digest as _, Sha256};

use crate::Outcome;

const BUFFER: usize = 1 << 20;
/// Buffers on their way to the hash and back.
const BUFFERS: usize = 4;

/// Takes one upload after another on a thread of its own: eight bytes of length, then so many bytes,
/// answered with their digest.
pub(crate) fn start(folder: &Path) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let path = folder.join("limit.bin");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Err(error) = take(stream, &path) {
                eprintln!("the limit's server: {error}");
            }
        }
    });
    Ok(address)
}

fn take(mut stream: TcpStream, path: &Path) -> Outcome<()> {
    let mut length = [0; 8];
    stream.read_exact(&mut length)?;
    let mut left = usize::try_from(u64::from_be_bytes(length))?;
    let mut file = File::create(path)?;
    let (full, to_hash) = sync_channel::<Vec<u8>>(BUFFERS);
    let (back, empty) = channel();
    for _ in 0..BUFFERS {
        back.send(vec![0; BUFFER])?;
    }
    let hashing = std::thread::spawn(move || hash(&to_hash, &back));
    while left > 0 {
        let mut buffer = empty.recv()?;
        buffer.resize(BUFFER.min(left), 0);
        stream.read_exact(&mut buffer)?;
        file.write_all(&buffer)?;
        left -= buffer.len();
        full.send(buffer)?;
    }
    drop(full);
    file.sync_all()?;
    let digest = hashing.join().map_err(|_| "the hash broke off")?;
    stream.write_all(&digest)?;
    Ok(())
}

fn hash(full: &Receiver<Vec<u8>>, back: &Sender<Vec<u8>>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    while let Ok(buffer) = full.recv() {
        hasher.update(&buffer);
        // At the end nobody waits for buffers any more.
        let _ = back.send(buffer);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use sha2::{Digest as _, Sha256};

    use super::{BUFFER, start};

    #[test]
    fn the_digest_of_what_was_sent_comes_back_and_its_bytes_are_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut stream = TcpStream::connect(start(folder.path()).unwrap()).unwrap();
        let sent = vec![7; BUFFER * 2 + 3];
        let length = u64::try_from(sent.len()).unwrap();
        stream.write_all(&length.to_be_bytes()).unwrap();
        stream.write_all(&sent).unwrap();
        let mut digest = [0; 32];
        stream.read_exact(&mut digest).unwrap();
        assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(&sent)));
        let kept = std::fs::read(folder.path().join("limit.bin")).unwrap();
        assert_eq!(kept, sent);
    }
}
