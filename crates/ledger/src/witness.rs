//! What a log and a witness say to each other (C2SP tlog-witness).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;
use crate::proof::{ConsistencyProof, ProofError};

/// The request to sign a checkpoint: the size that the witness is believed to know, the proof from there, and the signed
/// checkpoint. `Display` and [`parse`](Self::parse) are its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old: u64,
    proof: ConsistencyProof,
    note: String,
}

impl AddCheckpoint {
    /// A request.
    #[must_use]
    pub const fn new(old: u64, proof: ConsistencyProof, note: String) -> Self {
        Self { old, proof, note }
    }

    /// The size that the witness is believed to know.
    #[must_use]
    pub const fn old(&self) -> u64 {
        self.old
    }

    /// The proof from that size; none from 0, and none to the same size.
    #[must_use]
    pub const fn proof(&self) -> &ConsistencyProof {
        &self.proof
    }

    /// The signed checkpoint, unverified.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Reads a request in its one spelling.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(body: &[u8]) -> Result<Self, ParseAddCheckpointError> {
        let text = str::from_utf8(body).map_err(|_| ParseAddCheckpointError)?;
        let (head, note) = text.split_once("\n\n").ok_or(ParseAddCheckpointError)?;
        let mut lines = head.split('\n');
        let old = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(|size| size.parse().ok())
            .ok_or(ParseAddCheckpointError)?;
        let hashes = lines
            .map(|line| {
                let bytes = STANDARD.decode(line).ok()?;
                Hash::try_from(bytes.as_slice()).ok()
            })
            .collect::<Option<Vec<Hash>>>()
            .ok_or(ParseAddCheckpointError)?;
        let read = Self::new(old, ConsistencyProof::new(hashes)?, note.to_owned());
        if read.to_string() == text {
            Ok(read)
        } else {
            Err(ParseAddCheckpointError)
        }
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in self.proof.hashes() {
            writeln!(f, "{}", STANDARD.encode(hash.as_bytes()))?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// The body is not `old` and a size, hashes, an empty line and a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a request to a witness: old size, hashes, empty line, checkpoint")]
pub struct ParseAddCheckpointError;

impl From<ProofError> for ParseAddCheckpointError {
    fn from(_: ProofError) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::note::SignedNote;
    use crate::note_key::{NoteSigner, NoteVerifier};

    #[test]
    fn requests_have_one_spelling() {
        let proof = ConsistencyProof::new(vec![Hash::EMPTY, Hash::leaf(b"x")]).unwrap();
        let request = AddCheckpoint::new(7, proof, "a\n8\nroot\n\n— a b\n".to_owned());
        let text = request.to_string();
        assert_eq!(AddCheckpoint::parse(text.as_bytes()), Ok(request));
        for bad in [
            text.replacen("old 7", "old 07", 1),
            text.replacen("old 7", "old +7", 1),
            text.replacen("old", "new", 1),
            text.replacen("old 7\n", "old 7\n\n", 1),
            "old 7".to_owned(),
        ] {
            let read = AddCheckpoint::parse(bad.as_bytes());
            assert!(
                read.is_err() || read.is_ok_and(|read| read.proof().hashes().is_empty()),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_published_cosignature_is_made_again() {
        let mut seed = [0; 32];
        for (place, byte) in (0..).zip(&mut seed) {
            *byte = place;
        }
        let root = "d6e7566e40ee75a71b5600dcd222a0d2e80d3b127b02ef3336859658fb58f43b";
        let checkpoint =
            Checkpoint::new("gov.example/org_x/audit/1", 11, root.parse().unwrap()).unwrap();
        let witness = NoteSigner::witness_from_seed("witness.example/w", &seed).unwrap();
        let published = "JOPrOQAAAABqAf1khYFdzBPTXtQ9IZUHBD2P+RfhiuUrrWQUHo1vPb2LCuARlm+kI3yZPZgnw9mvj1nSGu+LIgpWB32f0YwnHBT5CQ==";
        let published = STANDARD.decode(published).unwrap();
        // The first four bytes name the key, whose own name is not published.
        assert_eq!(
            witness.cosign(&checkpoint, 1_778_515_300).signature(),
            &published[4..]
        );
    }

    #[test]
    fn a_cosignature_counts_beside_that_of_the_log() {
        let log = NoteSigner::from_seed("gov.example/org_x/audit/1", &[1; 32]).unwrap();
        let witness = NoteSigner::witness_from_seed("witness.example/w", &[2; 32]).unwrap();
        let checkpoint = Checkpoint::new(log.verifier().name(), 0, Hash::EMPTY).unwrap();
        let mut note = checkpoint.sign(&[&log]).unwrap();
        let line = format!("{}\n", witness.cosign(&checkpoint, 1_778_515_300));
        let found = witness
            .verifier()
            .signature_among(note.text(), &line)
            .unwrap();
        note.add_signature(found);
        let vkey: NoteVerifier = witness.verifier().to_string().parse().unwrap();
        assert_eq!(&vkey, witness.verifier());
        let known = [log.verifier().clone(), vkey.clone()];
        let text = note.to_string();
        let signed = SignedNote::parse(text.as_bytes()).unwrap();
        assert_eq!(signed.verify(&known).unwrap().len(), 2);
        assert!(Checkpoint::verify(text.as_bytes(), &known).is_ok());
        // Alone it is no checkpoint of the log, and of another text it is no signature.
        assert!(Checkpoint::verify(text.as_bytes(), std::slice::from_ref(&vkey)).is_err());
        assert_eq!(vkey.signature_among("other\n", &line), None);
        let moved = line.replacen("witness.example/w", "witness.example/v", 1);
        assert_eq!(vkey.signature_among(note.text(), &moved), None);
    }
}
