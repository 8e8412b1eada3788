//! Why a time stamp is not believed.

/// Why an answer or a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not the structure that has to stand there, in DER.
    #[error("not a time stamp in DER: {0}")]
    Malformed(String),
    /// The authority did not grant a time stamp.
    #[error("the authority refused: status {status}{text}")]
    NotGranted {
        /// Its status, RFC 3161 2.4.2.
        status: u8,
        /// Its own words, after a colon; empty where there are none.
        text: String,
    },
    /// The stamp is on something else.
    #[error("it is the time stamp of something else")]
    OtherImprint,
    /// The stamp answers another request.
    #[error("it answers another request: the nonce is not the one that was sent")]
    OtherNonce,
    /// The certificate of the signer is not in the token.
    #[error("the certificate of the signer is not in it")]
    NoCertificate,
    /// The certificate may not sign time stamps, or not only that.
    #[error("the certificate is not one for time stamps alone")]
    OtherPurpose,
    /// No trusted certificate vouches for the signer at that time.
    #[error("no trusted certificate vouches for the signer at {time}: {reason}")]
    Untrusted {
        /// The time that the token states.
        time: String,
        /// What is wrong with the chain.
        reason: String,
    },
    /// An algorithm that is not known, or no longer strong.
    #[error("the algorithm {0} is not accepted")]
    Algorithm(String),
    /// The signature does not verify.
    #[error("its signature is wrong")]
    Signature,
    /// The signed attributes are not those of the content.
    #[error("what was signed is not what it says: {0}")]
    Attributes(&'static str),
}

impl From<der::Error> for Refusal {
    fn from(error: der::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}
