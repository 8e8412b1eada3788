//! Signed notes (C2SP signed-note): a text and the signatures under it, made to be read and copied by people.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::note_key::{NoteSigner, NoteVerifier, check_name};

/// The most signature lines a note may have.
pub const MAX_SIGNATURES: usize = 16;

/// What a signature line starts with: an em dash and a space.
const MARK: &str = "— ";

/// A note as it was read or made. Reading checks its form; [`verify`](Self::verify) checks who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line: `— name base64(key id ‖ signature)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl NoteSignature {
    /// The name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The identifier of the key.
    #[must_use]
    pub const fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// The bytes of the signature, whose meaning depends on the key's type. Not empty.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    pub(crate) fn new(key: &NoteVerifier, signature: Vec<u8>) -> Self {
        Self {
            name: key.name().to_owned(),
            key_id: key.id(),
            signature,
        }
    }

    pub(crate) fn is_by(&self, key: &NoteVerifier) -> bool {
        self.name == key.name() && self.key_id == key.id()
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(MARK)?.split_once(' ')?;
        check_name(name).ok()?;
        // The engine refuses stray trailing bits, so that a signature line has one spelling.
        let bytes = STANDARD.decode(encoded).ok()?;
        let (key_id, signature) = bytes.split_first_chunk::<4>()?;
        if signature.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            key_id: *key_id,
            signature: signature.to_vec(),
        })
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id, self.signature.as_slice()].concat();
        write!(f, "{MARK}{} {}", self.name, STANDARD.encode(bytes))
    }
}

impl SignedNote {
    /// Signs a text with one key or, while keys rotate, several.
    ///
    /// # Errors
    /// A text without final newline or with control characters, no key, or more than [`MAX_SIGNATURES`].
    pub fn sign(text: &str, signers: &[&NoteSigner]) -> Result<Self, NoteError> {
        check_text(text)?;
        if signers.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        if signers.len() > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = signers.iter().map(|signer| NoteSignature {
            name: signer.verifier().name().to_owned(),
            key_id: signer.verifier().id(),
            signature: signer.sign(text).to_vec(),
        });
        Ok(Self {
            text: text.to_owned(),
            signatures: signatures.collect(),
        })
    }

    /// Reads a note, strictly: nothing may stand before, between or after its parts, and it prints as the same bytes.
    ///
    /// # Errors
    /// The way in which it is malformed.
    pub fn parse(message: &[u8]) -> Result<Self, NoteError> {
        let message = str::from_utf8(message).map_err(|_| NoteError::NotUtf8)?;
        check_text(message)?;
        // The text may hold empty lines itself, so the last one divides it from the signatures.
        let end = message.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, rest) = message.split_at(end + 1);
        let mut signatures = Vec::new();
        for line in rest
            .strip_prefix('\n')
            .unwrap_or(rest)
            .split_terminator('\n')
        {
            if signatures.len() == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(NoteSignature::parse(line).ok_or(NoteError::MalformedSignature)?);
        }
        if signatures.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The signed text with its final newline. Unverified until [`verify`](Self::verify) has passed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in order, known keys or not.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature line by somebody else, such as a witness; one beyond [`MAX_SIGNATURES`] is left out.
    pub fn add_signature(&mut self, signature: NoteSignature) {
        if self.signatures.len() < MAX_SIGNATURES {
            self.signatures.push(signature);
        }
    }

    /// Checks every signature by a known key and returns the keys that signed. Unknown keys are ignored.
    ///
    /// # Errors
    /// A signature with the name and id of a known key that does not verify, or no signature by any known key.
    pub fn verify<'k>(
        &self,
        known: &'k [NoteVerifier],
    ) -> Result<Vec<&'k NoteVerifier>, NoteError> {
        let mut signed = Vec::new();
        for key in known {
            let mut found = false;
            for signature in self.signatures.iter().filter(|line| line.is_by(key)) {
                if !key.verify(&self.text, &signature.signature) {
                    return Err(NoteError::BadSignature(key.name().to_owned()));
                }
                found = true;
            }
            if found {
                signed.push(key);
            }
        }
        if signed.is_empty() {
            Err(NoteError::NoKnownKey)
        } else {
            Ok(signed)
        }
    }
}

/// Prints the note as it is sent and stored.
impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::ControlCharacter);
    }
    if text.ends_with('\n') {
        Ok(())
    } else {
        Err(NoteError::NoFinalNewline)
    }
}

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not UTF-8.
    #[error("the note is not UTF-8")]
    NotUtf8,
    /// A control character other than newline.
    #[error("the note has a control character")]
    ControlCharacter,
    /// It does not end with a newline.
    #[error("the note does not end with a newline")]
    NoFinalNewline,
    /// No empty line with at least one signature after it, or no key to sign with.
    #[error("the note has no signature")]
    NoSignatures,
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has more than 16 signatures")]
    TooManySignatures,
    /// A line after the text that is no signature in its one spelling.
    #[error("the note has a malformed signature line")]
    MalformedSignature,
    /// A signature in the name of a known key that this key did not make.
    #[error("the signature of {0} is wrong")]
    BadSignature(String),
    /// Nobody known signed.
    #[error("no known key signed the note")]
    NoKnownKey,
}

#[cfg(test)]
mod tests;
