//! Tokens: a `TSTInfo` inside CMS signed data.

use aws_lc_rs::digest;
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{Any, ObjectIdentifier, OctetString};
use der::{Decode as _, Encode as _, Tag, Tagged as _};
use rustls_pki_types::CertificateDer;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};
use webpki::EndEntityCert;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};

use crate::asn1::{
    Accuracy, MessageImprint, SigningCertificate, SigningCertificateV2, TstInfo, oid,
};
use crate::authorities::Authorities;
use crate::refusal::Refusal;
use crate::request::{Imprint, Nonce};
use crate::signature::{digest_named, verify};

/// The one purpose of a certificate that signs time stamps.
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");

/// What a token that was verified says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    /// The time at which what was stamped existed.
    pub time: OffsetDateTime,
    /// How far the time may be off, where the authority says so.
    pub accuracy: Option<Duration>,
    /// The number of the stamp at its authority, hexadecimal.
    pub serial: String,
    /// The policy under which it was made, an object identifier.
    pub policy: String,
    /// The name of the authority, as its certificate spells it.
    pub authority: String,
}

impl Authorities {
    /// Verifies a token, DER: the time stamp of `imprint`, and the answer to `nonce` where one is given.
    ///
    /// The token has one signer, whose certificate is in it or is trusted itself. The certificate is one for time stamps
    /// and nothing else (a critical extended key usage), was valid at the time that the token states, and leads to a
    /// trusted one. The signed attributes name the content type, its digest, and that certificate.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(
        &self,
        token: &[u8],
        imprint: &Imprint,
        nonce: Option<&Nonce>,
    ) -> Result<Timestamp, Refusal> {
        let content = ContentInfo::from_der(token)?;
        if content.content_type != oid::SIGNED_DATA {
            return Err(malformed("it is no signed data"));
        }
        let data: SignedData = content.content.decode_as()?;
        let inside = content_of(&data)?;
        let info = TstInfo::from_der(inside)?;
        let time = check_info(&info, imprint, nonce)?;
        let [signer] = data.signer_infos.0.as_slice() else {
            return Err(malformed("it has not exactly one signer"));
        };
        let mut certificates = certificates_of(&data)?;
        certificates.extend(
            self.certificates()
                .map(parsed)
                .collect::<Result<Vec<_>, _>>()?,
        );
        let (der, certificate) = certificates
            .iter()
            .find(|(_, certificate)| is_of(certificate, &signer.sid))
            .ok_or(Refusal::NoCertificate)?;
        check_signature(signer, inside, der)?;
        check_purpose(certificate)?;
        let others: Vec<CertificateDer<'_>> =
            certificates.iter().map(|(der, _)| der.clone()).collect();
        self.vouch_for(der, certificate, &others, time)?;
        Ok(Timestamp {
            time,
            accuracy: info.accuracy.as_ref().map(accuracy),
            serial: hexadecimal(info.serial.as_bytes()),
            policy: info.policy.to_string(),
            authority: certificate.tbs_certificate().subject().to_string(),
        })
    }
}

fn malformed(reason: &str) -> Refusal {
    Refusal::Malformed(reason.to_owned())
}

/// The bytes of the `TSTInfo`.
fn content_of(signed: &SignedData) -> Result<&[u8], Refusal> {
    let inside = &signed.encap_content_info;
    if inside.econtent_type != oid::TST_INFO {
        return Err(malformed("what is signed is no time stamp"));
    }
    match &inside.econtent {
        Some(content) if content.tag() == Tag::OctetString => Ok(content.value()),
        _ => Err(malformed("the time stamp is not in it")),
    }
}

/// Compares what was stamped and asked; answers the time.
fn check_info(
    info: &TstInfo,
    imprint: &Imprint,
    nonce: Option<&Nonce>,
) -> Result<OffsetDateTime, Refusal> {
    if info.version != 1 {
        return Err(malformed("its version is unknown"));
    }
    let critical = |list: &x509_cert::ext::Extensions| list.iter().any(|one| one.critical);
    if info.extensions.as_ref().is_some_and(critical) {
        return Err(malformed("it has a critical extension that is unknown"));
    }
    let MessageImprint { algorithm, hashed } = &info.imprint;
    if algorithm.oid != oid::SHA256 || hashed.as_bytes() != imprint {
        return Err(Refusal::OtherImprint);
    }
    let same = |nonce: &Nonce| {
        let found = info.nonce.as_ref();
        found.is_some_and(|found| found.as_bytes() == nonce.as_bytes())
    };
    if !nonce.is_none_or(same) {
        return Err(Refusal::OtherNonce);
    }
    instant(&info.time)
}

/// Reads `YYYYMMDDhhmmss[.f]Z`.
pub(crate) fn instant(time: &Any) -> Result<OffsetDateTime, Refusal> {
    let wrong = || malformed("its time is no GeneralizedTime in UTC");
    if time.tag() != Tag::GeneralizedTime {
        return Err(wrong());
    }
    let text = str::from_utf8(time.value()).map_err(|_| wrong())?;
    let text = text.strip_suffix('Z').ok_or_else(wrong)?;
    let format = time::macros::format_description!(
        version = 2,
        "[year][month][day][hour][minute][second][optional [.[subsecond]]]"
    );
    let read = PrimitiveDateTime::parse(text, format).map_err(|_| wrong())?;
    Ok(read.assume_utc())
}

fn accuracy(accuracy: &Accuracy) -> Duration {
    Duration::seconds(accuracy.seconds.map_or(0, i64::from))
        + Duration::milliseconds(accuracy.millis.map_or(0, i64::from))
        + Duration::microseconds(accuracy.micros.map_or(0, i64::from))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A certificate as bytes and as it was read.
type Read = (CertificateDer<'static>, Certificate);

fn parsed(der: &CertificateDer<'static>) -> Result<Read, Refusal> {
    Ok((der.clone(), Certificate::from_der(der)?))
}

/// The certificates that the token brings along.
fn certificates_of(signed: &SignedData) -> Result<Vec<Read>, Refusal> {
    let mut found = Vec::new();
    for choice in signed.certificates.iter().flat_map(|set| set.0.iter()) {
        if let CertificateChoices::Certificate(certificate) = choice {
            let der = CertificateDer::from(certificate.to_der()?);
            found.push((der, certificate.clone()));
        }
    }
    Ok(found)
}

fn is_of(certificate: &Certificate, signer: &SignerIdentifier) -> bool {
    let body = certificate.tbs_certificate();
    match signer {
        SignerIdentifier::IssuerAndSerialNumber(named) => {
            named.issuer == *body.issuer() && named.serial_number == *body.serial_number()
        }
        SignerIdentifier::SubjectKeyIdentifier(named) => {
            let found = body.get_extension::<SubjectKeyIdentifier>();
            found.is_ok_and(|found| found.is_some_and(|(_, id)| id == *named))
        }
    }
}

/// RFC 3161, 2.3: the extended key usage is critical and has this one purpose.
fn check_purpose(certificate: &Certificate) -> Result<(), Refusal> {
    let usage = certificate
        .tbs_certificate()
        .get_extension::<ExtendedKeyUsage>()?;
    match usage {
        Some((true, purposes)) if purposes.0 == [TIME_STAMPING] => Ok(()),
        _ => Err(Refusal::OtherPurpose),
    }
}

/// RFC 5652, 5.4: the signature is over the attributes, and they over the content.
fn check_signature(
    signer: &SignerInfo,
    content: &[u8],
    certificate: &CertificateDer<'_>,
) -> Result<(), Refusal> {
    let attributes = signer
        .signed_attrs
        .as_ref()
        .ok_or(Refusal::Attributes("it has no signed attributes"))?;
    let one = |name: ObjectIdentifier| {
        let mut found = attributes.iter().filter(|attribute| attribute.oid == name);
        match (found.next(), found.next()) {
            (Some(attribute), None) => match attribute.values.as_slice() {
                [value] => Some(value),
                _ => None,
            },
            _ => None,
        }
    };
    let stated = one(oid::CONTENT_TYPE).map(Any::decode_as::<ObjectIdentifier>);
    if !matches!(stated, Some(Ok(oid::TST_INFO))) {
        return Err(Refusal::Attributes("the content type"));
    }
    let algorithm = digest_named(signer.digest_alg.oid)?;
    let made = digest::digest(algorithm, content);
    let stated = one(oid::MESSAGE_DIGEST).map(Any::decode_as::<OctetString>);
    if !matches!(stated, Some(Ok(stated)) if stated.as_bytes() == made.as_ref()) {
        return Err(Refusal::Attributes("the digest of the content"));
    }
    if !names(
        certificate,
        one(oid::SIGNING_CERTIFICATE),
        one(oid::SIGNING_CERTIFICATE_V2),
    )? {
        return Err(Refusal::Attributes("the certificate of the signer"));
    }
    let signer_certificate = EndEntityCert::try_from(certificate)
        .map_err(|error| Refusal::Malformed(error.to_string()))?;
    let algorithms = (signer.signature_algorithm.oid, signer.digest_alg.oid);
    // Signed is the set as such, not the field of the structure.
    let message = attributes.to_der()?;
    verify(
        &signer_certificate,
        algorithms,
        &message,
        signer.signature.as_bytes(),
    )
}

/// Whether the signer named this certificate (RFC 5035): by whichever of the two attributes there is, and by both.
fn names(
    certificate: &CertificateDer<'_>,
    first: Option<&Any>,
    second: Option<&Any>,
) -> Result<bool, Refusal> {
    let mut named = false;
    if let Some(value) = first {
        let list: SigningCertificate = value.decode_as()?;
        // SHA-1 binds nothing here that the signature does not bind: the key is that of the certificate.
        let made = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
        named = list
            .certificates
            .first()
            .is_some_and(|id| id.hash.as_bytes() == made.as_ref());
        if !named {
            return Ok(false);
        }
    }
    if let Some(value) = second {
        let list: SigningCertificateV2 = value.decode_as()?;
        let Some(id) = list.certificates.first() else {
            return Ok(false);
        };
        let name = id
            .algorithm
            .as_ref()
            .map_or(oid::SHA256, |algorithm| algorithm.oid);
        let made = digest::digest(digest_named(name)?, certificate);
        named = id.hash.as_bytes() == made.as_ref();
    }
    Ok(named)
}
