//! Digests and signatures, each named by an algorithm identifier.

use aws_lc_rs::digest::{self, Algorithm};
use der::asn1::ObjectIdentifier;
use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::{EndEntityCert, Error, aws_lc_rs as known};

use crate::asn1::oid;
use crate::refusal::Refusal;

/// The digest that an identifier names. SHA-1 is none of them.
pub(crate) fn digest_named(name: ObjectIdentifier) -> Result<&'static Algorithm, Refusal> {
    match name {
        oid::SHA256 => Ok(&digest::SHA256),
        oid::SHA384 => Ok(&digest::SHA384),
        oid::SHA512 => Ok(&digest::SHA512),
        other => Err(Refusal::Algorithm(other.to_string())),
    }
}

/// The algorithms that a signature may be of. CMS names RSA with the digest or beside it.
fn candidates(
    signature: ObjectIdentifier,
    digest: ObjectIdentifier,
) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
    match (signature, digest) {
        (oid::RSA | oid::RSA_SHA256, oid::SHA256) => vec![known::RSA_PKCS1_2048_8192_SHA256],
        (oid::RSA | oid::RSA_SHA384, oid::SHA384) => vec![known::RSA_PKCS1_2048_8192_SHA384],
        (oid::RSA | oid::RSA_SHA512, oid::SHA512) => vec![known::RSA_PKCS1_2048_8192_SHA512],
        (oid::ECDSA_SHA256, oid::SHA256) => vec![
            known::ECDSA_P256_SHA256,
            known::ECDSA_P384_SHA256,
            known::ECDSA_P521_SHA256,
        ],
        (oid::ECDSA_SHA384, oid::SHA384) => vec![
            known::ECDSA_P256_SHA384,
            known::ECDSA_P384_SHA384,
            known::ECDSA_P521_SHA384,
        ],
        (oid::ECDSA_SHA512, oid::SHA512) => vec![
            known::ECDSA_P256_SHA512,
            known::ECDSA_P384_SHA512,
            known::ECDSA_P521_SHA512,
        ],
        (oid::ED25519, oid::SHA512) => vec![known::ED25519],
        _ => vec![],
    }
}

/// Checks a signature with the key of a certificate.
pub(crate) fn verify(
    certificate: &EndEntityCert<'_>,
    (signature_name, digest_name): (ObjectIdentifier, ObjectIdentifier),
    message: &[u8],
    signature: &[u8],
) -> Result<(), Refusal> {
    for algorithm in candidates(signature_name, digest_name) {
        match certificate.verify_signature(algorithm, message, signature) {
            Ok(()) => return Ok(()),
            // The key is of another curve: the next may fit.
            Err(Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
            Err(_) => return Err(Refusal::Signature),
        }
    }
    Err(Refusal::Algorithm(signature_name.to_string()))
}
