//! Signatures over the files of a model: sigstore bundles as OpenSSF model signing writes them, verified
//! with a public key and nothing else.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use probity_kernel::text::hex;
use probity_kernel::wrong_type;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use spki::der::pem::PemLabel as _;
use spki::{Document, ObjectIdentifier, SubjectPublicKeyInfoRef};

/// The most bytes of a bundle.
pub const LARGEST_BUNDLE: usize = 4 << 20;

const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
];
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://model_signing/signature/v1.0";

const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// Why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The key cannot be read or is of a kind that is not used for models.
    #[error("the public key must be a PEM file of an elliptic curve key: P-256, P-384 or P-521")]
    Key,
    /// The bundle is larger than 4 MiB.
    #[error("the bundle must be at most 4 MiB")]
    TooLarge,
    /// The bundle is not what it should be; the text says what.
    #[error("the bundle is not one of a signed model: {0}")]
    Malformed(String),
    /// The key did not make the signature over this statement.
    #[error("the signature does not verify with the public key")]
    Signature,
    /// The signed statement contradicts itself.
    #[error("the digest of the signed statement is not that of the files it lists")]
    Statement,
    /// The file is not among those that were signed.
    #[error("the file `{0}` is not among the signed ones")]
    NotSigned(String),
    /// The file has other bytes than the signed one.
    #[error("the file has the digest {actual}, signed is {signed}")]
    Digest {
        /// The digest that was signed, in hex.
        signed: String,
        /// The digest of the file, in hex.
        actual: String,
    },
}

/// A public key that signatures are held against.
#[derive(Clone)]
pub struct PublicKey {
    der: Vec<u8>,
    algorithm: &'static dyn VerificationAlgorithm,
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PublicKey")
            .field(&self.fingerprint())
            .finish()
    }
}

impl PublicKey {
    /// Reads a key from its PEM file (`BEGIN PUBLIC KEY`).
    ///
    /// # Errors
    /// [`SignatureError::Key`].
    pub fn from_pem(pem: &str) -> Result<Self, SignatureError> {
        let (label, document) = Document::from_pem(pem.trim()).map_err(|_| SignatureError::Key)?;
        let der = document.as_bytes();
        let key = SubjectPublicKeyInfoRef::try_from(der).map_err(|_| SignatureError::Key)?;
        let curve = key.algorithm.parameters_oid();
        let algorithm: &'static dyn VerificationAlgorithm = match (key.algorithm.oid, curve) {
            (EC_KEY, Ok(P256)) => &ECDSA_P256_SHA256_ASN1,
            (EC_KEY, Ok(P384)) => &ECDSA_P384_SHA384_ASN1,
            (EC_KEY, Ok(P521)) => &ECDSA_P521_SHA512_ASN1,
            _ => return Err(SignatureError::Key),
        };
        if label != SubjectPublicKeyInfoRef::PEM_LABEL {
            return Err(SignatureError::Key);
        }
        Ok(Self {
            der: der.to_vec(),
            algorithm,
        })
    }

    /// SHA-256 of the key (`SubjectPublicKeyInfo` in DER) in lower-case hex.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&Sha256::digest(&self.der))
    }
}

/// What a signature says, once it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What the signer called the model.
    pub subject: String,
    /// How many files were signed together.
    pub files: usize,
    /// The key that signed, as [`PublicKey::fingerprint`].
    pub key: String,
}

/// Verifies that the key signed a file of this name and digest (SHA-256 in hex). A signature over one
/// file alone holds for its bytes under any name.
///
/// # Errors
/// [`SignatureError`] when any part does not hold.
pub fn verify(
    bundle: &[u8],
    key: &PublicKey,
    file_name: &str,
    sha256: &str,
) -> Result<Signed, SignatureError> {
    if bundle.len() > LARGEST_BUNDLE {
        return Err(SignatureError::TooLarge);
    }
    let payload = opened(bundle, key)?;
    let statement: Statement = serde_json::from_slice(&payload).map_err(|fault| unread(&fault))?;
    statement.check()?;
    let (subject, files) = (statement.subject()?, statement.predicate.resources.len());
    let sha256 = sha256.to_ascii_lowercase();
    let resource = statement.predicate.resource(file_name);
    let resource = resource.ok_or_else(|| SignatureError::NotSigned(file_name.to_owned()))?;
    if resource.digest != sha256 {
        return Err(SignatureError::Digest {
            signed: resource.digest.clone(),
            actual: sha256,
        });
    }
    Ok(Signed {
        subject: subject.name.clone(),
        files,
        key: key.fingerprint(),
    })
}

fn malformed(what: &impl ToString) -> SignatureError {
    SignatureError::Malformed(what.to_string())
}

/// What is JSON of another form is told in the words of JSON, what is no JSON by its place.
fn unread(fault: &serde_json::Error) -> SignatureError {
    let told = fault.to_string();
    malformed(&if fault.is_data() {
        wrong_type::must_be(&told)
    } else {
        told
    })
}

/// The payload of a bundle whose signature holds.
fn opened(bundle: &[u8], key: &PublicKey) -> Result<Vec<u8>, SignatureError> {
    let bundle: Bundle = serde_json::from_slice(bundle).map_err(|fault| unread(&fault))?;
    if !MEDIA_TYPES.contains(&bundle.media_type.as_str()) {
        return Err(malformed(
            &"mediaType must be that of a sigstore bundle v0.3",
        ));
    }
    let envelope = bundle.dsse_envelope;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(malformed(&format!("payloadType must be {PAYLOAD_TYPE}")));
    }
    let [signature] = envelope.signatures.as_slice() else {
        return Err(malformed(&"there must be one signature"));
    };
    let bytes = |text: &str| STANDARD.decode(text).map_err(|fault| malformed(&fault));
    let (payload, signature) = (bytes(&envelope.payload)?, bytes(&signature.sig)?);
    let message = pre_authentication(&envelope.payload_type, &payload);
    UnparsedPublicKey::new(key.algorithm, &key.der)
        .verify(&message, &signature)
        .map_err(|_| SignatureError::Signature)?;
    Ok(payload)
}

/// What DSSE signs: type and payload, each behind its length.
fn pre_authentication(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    dsse_envelope: Envelope,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Deserialize)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Deserialize)]
struct SubjectDigest {
    sha256: String,
}

#[derive(Deserialize)]
struct Predicate {
    resources: Vec<Resource>,
    serialization: Serialization,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    algorithm: String,
    digest: String,
}

#[derive(Deserialize)]
struct Serialization {
    method: String,
}

impl Statement {
    fn subject(&self) -> Result<&Subject, SignatureError> {
        match self.subject.as_slice() {
            [one] => Ok(one),
            _ => Err(malformed(&"there must be one subject")),
        }
    }

    /// Whether the statement is of the known kind, and its digest that of the files it lists.
    fn check(&self) -> Result<(), SignatureError> {
        if self.kind != STATEMENT_TYPE || self.predicate_type != PREDICATE_TYPE {
            return Err(malformed(&"the statement must be a model signature v1.0"));
        }
        if self.predicate.serialization.method != "files" {
            return Err(malformed(&"files must be signed whole (method `files`)"));
        }
        let mut root = Sha256::new();
        for resource in &self.predicate.resources {
            if resource.algorithm != "sha256" {
                return Err(malformed(&"every digest must be sha256"));
            }
            let digest = unhex(&resource.digest);
            root.update(digest.ok_or_else(|| malformed(&"a digest must be 64 hex digits"))?);
        }
        if hex(&root.finalize()) == self.subject()?.digest.sha256 {
            Ok(())
        } else {
            Err(SignatureError::Statement)
        }
    }
}

impl Predicate {
    /// The entry of a file. One that was signed alone goes by `.`.
    fn resource(&self, file_name: &str) -> Option<&Resource> {
        match self.resources.as_slice() {
            [one] if one.name == "." => Some(one),
            all => {
                let mut named = all.iter().filter(|one| one.name == file_name);
                // A name that is there twice names nothing.
                named.next().filter(|_| named.next().is_none())
            }
        }
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let lower = digits
        .iter()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
    if digits.len() != 64 || !lower {
        return None;
    }
    let mut bytes = [0; 32];
    for (to, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *to = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}
