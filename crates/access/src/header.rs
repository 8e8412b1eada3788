//! The `Authorization` header.

use crate::secret::ApiKeySecret;

/// The longest token.
const LONGEST_TOKEN: usize = 4096;
/// The longest text that starts like an API key.
const LONGEST_KEY: usize = 512;

/// An `Authorization` header that carries no bearer credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedHeader {
    /// Another scheme, or none.
    #[error("the scheme is not Bearer")]
    Scheme,
    /// No credential, more than one space, or something that is not visible ASCII.
    #[error("after the scheme come one space and a credential of visible ASCII characters")]
    Credential,
    /// More than 4096 bytes, or more than 512 that start like an API key.
    #[error("the credential is too long")]
    TooLong,
}

/// Takes the credential out of the value of an `Authorization` header: the scheme `Bearer` in any
/// case, exactly one space, then 1 to 4096 visible ASCII characters (512 for an API key).
///
/// # Errors
/// [`MalformedHeader`] for anything else; callers answer all of it with one and the same 401.
pub fn parse_bearer(header: &[u8]) -> Result<&str, MalformedHeader> {
    let (scheme, rest) = header
        .split_at_checked("bearer".len())
        .ok_or(MalformedHeader::Scheme)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(MalformedHeader::Scheme);
    }
    let credential = match rest.split_first() {
        Some((b' ', credential)) => credential,
        Some((b, _)) if b.is_ascii_alphanumeric() => return Err(MalformedHeader::Scheme),
        _ => return Err(MalformedHeader::Credential),
    };
    if credential.is_empty() || !credential.iter().all(u8::is_ascii_graphic) {
        return Err(MalformedHeader::Credential);
    }
    let credential = str::from_utf8(credential).map_err(|_| MalformedHeader::Credential)?;
    let longest = if ApiKeySecret::is_announced_by(credential) {
        LONGEST_KEY
    } else {
        LONGEST_TOKEN
    };
    if credential.len() > longest {
        return Err(MalformedHeader::TooLong);
    }
    Ok(credential)
}
