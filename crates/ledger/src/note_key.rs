//! Keys of signed notes: Ed25519 under a name.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::checkpoint::Checkpoint;
use crate::note::NoteSignature;

/// The signature type byte of plain Ed25519 in the note format.
const ED25519: u8 = 0x01;

/// The signature type byte of a timestamped Ed25519 cosignature (C2SP tlog-cosignature).
const COSIGNATURE: u8 = 0x04;

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The text of a note.
    Plain,
    /// The text of a checkpoint, with the time at which a witness saw it.
    Cosignature,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Plain => ED25519,
            Self::Cosignature => COSIGNATURE,
        }
    }
}

/// What a witness signs.
fn cosigned(text: &str, at: u64) -> String {
    format!("cosignature/v1\ntime {at}\n{text}")
}

/// A key that signs notes.
#[derive(Clone)]
pub struct NoteSigner {
    public: NoteVerifier,
    key: SigningKey,
}

impl NoteSigner {
    /// The Ed25519 key of a 32-byte seed, under a name.
    ///
    /// # Errors
    /// A name that is empty or holds white space, control characters or `+`.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::of(name, seed, Kind::Plain)
    }

    /// The key of a witness, whose signatures tell the time at which it saw a checkpoint.
    ///
    /// # Errors
    /// As [`from_seed`](Self::from_seed).
    pub fn witness_from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::of(name, seed, Kind::Cosignature)
    }

    fn of(name: &str, seed: &[u8; 32], kind: Kind) -> Result<Self, KeyError> {
        let key = SigningKey::from_bytes(seed);
        Ok(Self {
            public: NoteVerifier::new(name, key.verifying_key(), kind)?,
            key,
        })
    }

    /// Signs a checkpoint as a witness that saw it at `at`, in seconds since 1970. Whether it continues the last one seen
    /// is the caller's to check.
    #[must_use]
    pub fn cosign(&self, checkpoint: &Checkpoint, at: u64) -> NoteSignature {
        let signed = self.key.sign(cosigned(&checkpoint.body(), at).as_bytes());
        let mut bytes = at.to_be_bytes().to_vec();
        bytes.extend_from_slice(&signed.to_bytes());
        NoteSignature::new(&self.public, bytes)
    }

    /// The public half, whose `Display` is the vkey to hand out.
    #[must_use]
    pub const fn verifier(&self) -> &NoteVerifier {
        &self.public
    }

    pub(crate) fn sign(&self, text: &str) -> [u8; Signature::BYTE_SIZE] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

/// Prints the public half only.
impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NoteSigner").field(&self.public).finish()
    }
}

/// A key that checks notes. `Display` and `FromStr` are its vkey, `name+keyhash+base64(0x01 ‖ public key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct NoteVerifier {
    name: String,
    id: [u8; 4],
    kind: Kind,
    key: VerifyingKey,
}

impl NoteVerifier {
    fn new(name: &str, key: VerifyingKey, kind: Kind) -> Result<Self, KeyError> {
        check_name(name)?;
        let mut hasher = Sha256::new();
        hasher.update(name);
        hasher.update([b'\n', kind.byte()]);
        hasher.update(key.as_bytes());
        let [a, b, c, d, ..]: [u8; 32] = hasher.finalize().into();
        Ok(Self {
            name: name.to_owned(),
            id: [a, b, c, d],
            kind,
            key,
        })
    }

    /// The name, which for a log is its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of the hash over name, type and key. Only a hint which key to try.
    #[must_use]
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Whether this is the key of a witness.
    #[must_use]
    pub fn is_witness(&self) -> bool {
        self.kind == Kind::Cosignature
    }

    /// Whether this key signed the text. Strict: keys and signatures of small order are refused.
    pub(crate) fn verify(&self, text: &str, signature: &[u8]) -> bool {
        match self.kind {
            Kind::Plain => self.verify_bytes(text.as_bytes(), signature),
            Kind::Cosignature => signature.split_first_chunk().is_some_and(|(at, rest)| {
                let text = cosigned(text, u64::from_be_bytes(*at));
                self.verify_bytes(text.as_bytes(), rest)
            }),
        }
    }

    fn verify_bytes(&self, bytes: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .and_then(|signature| self.key.verify_strict(bytes, &signature))
            .is_ok()
    }

    /// The signature of this key over a text among signature lines, if there is a good one.
    #[must_use]
    pub fn signature_among(&self, text: &str, lines: &str) -> Option<NoteSignature> {
        lines
            .split_terminator('\n')
            .filter_map(NoteSignature::parse)
            .find(|line| line.is_by(self) && self.verify(text, line.signature()))
    }
}

impl fmt::Display for NoteVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = vec![self.kind.byte()];
        typed.extend_from_slice(self.key.as_bytes());
        let id = u32::from_be_bytes(self.id);
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(typed))
    }
}

impl fmt::Debug for NoteVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for NoteVerifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, rest) = text.split_once('+').ok_or(KeyError::Vkey)?;
        let (_, encoded) = rest.split_once('+').ok_or(KeyError::Vkey)?;
        let typed = STANDARD.decode(encoded).map_err(|_| KeyError::Vkey)?;
        let (kind, public) = typed.split_first().ok_or(KeyError::Vkey)?;
        let kind = match *kind {
            ED25519 => Kind::Plain,
            COSIGNATURE => Kind::Cosignature,
            other => return Err(KeyError::Type(other)),
        };
        let public = public.try_into().map_err(|_| KeyError::Vkey)?;
        let key = VerifyingKey::from_bytes(public).map_err(|_| KeyError::Vkey)?;
        let verifier = Self::new(name, key, kind)?;
        // Writing it again checks the key hash and that every part has its one spelling.
        if verifier.to_string() == text {
            Ok(verifier)
        } else {
            Err(KeyError::Vkey)
        }
    }
}

/// A key name stands between spaces in a note and between `+` in a vkey.
pub(crate) fn check_name(name: &str) -> Result<(), KeyError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(bad) {
        Err(KeyError::Name)
    } else {
        Ok(())
    }
}

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty or holds white space, control characters or `+`.
    #[error("a key name is not empty and has no white space, control characters or '+'")]
    Name,
    /// The vkey is malformed, or its key hash is not that of its key.
    #[error("not a vkey: name+keyhash+base64(type and public key)")]
    Vkey,
    /// A signature type other than Ed25519.
    #[error("the signature type {0:#04x} is not supported")]
    Type(u8),
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn published_vkeys_read_back() {
        for (vkey, name) in [
            (EXAMPLE, "example.com/foo"),
            (
                "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                "PeterNeumann",
            ),
        ] {
            let key: NoteVerifier = vkey.parse().unwrap();
            assert_eq!((key.name(), key.to_string().as_str()), (name, vkey));
        }
    }

    #[test]
    fn malformed_vkeys_are_refused() {
        let swap = |from: &str, to: &str| EXAMPLE.replacen(from, to, 1);
        for (bad, error) in [
            (String::new(), KeyError::Vkey),
            ("example.com/foo+530d903a".to_owned(), KeyError::Vkey),
            (swap("530d903a", "530d903b"), KeyError::Vkey),
            (swap("530d903a", "530D903A"), KeyError::Vkey),
            (swap("530d903a", "0530d903a"), KeyError::Vkey),
            (swap("foo", "bar"), KeyError::Vkey),
            (swap("3U2k", "3U2l"), KeyError::Vkey),
            (swap("3U2k", "3U2"), KeyError::Vkey),
            (format!("{EXAMPLE}="), KeyError::Vkey),
            (format!("{EXAMPLE}\n"), KeyError::Vkey),
            (swap("+Aeky", "+Beky"), KeyError::Type(5)),
            (swap("example.com/foo", ""), KeyError::Name),
            (swap("example.com/foo", "example com"), KeyError::Name),
            (swap("example.com/foo", "example\u{a0}com"), KeyError::Name),
            (
                format!("example.com/foo+530d903a+{}", STANDARD.encode([1])),
                KeyError::Vkey,
            ),
            (
                format!("example.com/foo+530d903a+{}", STANDARD.encode([])),
                KeyError::Vkey,
            ),
        ] {
            assert_eq!(bad.parse::<NoteVerifier>(), Err(error), "{bad}");
        }
    }

    #[test]
    fn signer_names_are_checked_and_seeds_stay_out_of_debug_output() {
        for bad in ["", "a b", "a+b", "a\nb", "a\u{2003}b", "a\u{7f}"] {
            assert_eq!(
                NoteSigner::from_seed(bad, &[7; 32]).unwrap_err(),
                KeyError::Name
            );
        }
        let signer = NoteSigner::from_seed("a", &[7; 32]).unwrap();
        assert_eq!(
            format!("{signer:?}"),
            format!("NoteSigner({})", signer.verifier())
        );
    }
}
