//! Whom to believe about the time.

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::Certificate;

use crate::refusal::Refusal;

/// `id-kp-timeStamping`, the value of its DER.
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

/// Certificates that are trusted: of authorities themselves, or of those that issue certificates to them.
#[derive(Debug, Clone)]
pub struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
}

/// Why certificates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthoritiesError {
    /// The text is not certificates in PEM.
    #[error("expected certificates in PEM: {0}")]
    Malformed(String),
    /// The text holds no certificate.
    #[error("there is no certificate in it")]
    Empty,
}

impl Authorities {
    /// Reads certificates in PEM; whatever stands around them is passed over.
    ///
    /// # Errors
    /// A certificate that cannot be read, or none.
    pub fn from_pem(text: &[u8]) -> Result<Self, AuthoritiesError> {
        let mut read = Self {
            certificates: Vec::new(),
            anchors: Vec::new(),
        };
        for certificate in CertificateDer::pem_slice_iter(text) {
            let certificate =
                certificate.map_err(|error| AuthoritiesError::Malformed(format!("{error}")))?;
            let anchor = anchor_from_trusted_cert(&certificate)
                .map_err(|error| AuthoritiesError::Malformed(format!("{error}")))?;
            read.anchors.push(anchor.to_owned());
            read.certificates.push(certificate);
        }
        if read.certificates.is_empty() {
            return Err(AuthoritiesError::Empty);
        }
        Ok(read)
    }

    /// The certificates themselves.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.certificates.iter()
    }

    /// Whether a signer's certificate is trusted, by itself or by a chain, as one for time stamps at a time.
    pub(crate) fn vouch_for(
        &self,
        der: &CertificateDer<'_>,
        certificate: &Certificate,
        others: &[CertificateDer<'_>],
        time: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let untrusted = |reason: String| Refusal::Untrusted {
            time: time.format(&Rfc3339).unwrap_or_default(),
            reason,
        };
        let since = u64::try_from(time.unix_timestamp())
            .map(std::time::Duration::from_secs)
            .map_err(|_| untrusted("the time is before 1970".to_owned()))?;
        if self.certificates.iter().any(|known| known == der) {
            let validity = certificate.tbs_certificate().validity();
            let (from, to) = (validity.not_before, validity.not_after);
            let within = from.to_unix_duration() <= since && since <= to.to_unix_duration();
            return if within {
                Ok(())
            } else {
                Err(untrusted("its certificate was not valid then".to_owned()))
            };
        }
        let signer =
            EndEntityCert::try_from(der).map_err(|error| Refusal::Malformed(error.to_string()))?;
        let at = UnixTime::since_unix_epoch(since);
        // That the signer's own names this purpose was checked; issuers may name none.
        let usage = KeyUsage::required_if_present(TIME_STAMPING);
        signer
            .verify_for_usage(
                ALL_VERIFICATION_ALGS,
                &self.anchors,
                others,
                at,
                usage,
                None,
                None,
            )
            .map(|_| ())
            .map_err(|error| untrusted(error.to_string()))
    }
}
