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

#[cfg(test)]
mod tests {
    use super::*;
    use MalformedHeader::{Credential, Scheme, TooLong};

    #[test]
    fn forty_malformed_headers_are_refused() {
        let token = |length: usize| format!("Bearer {}", "a".repeat(length)).into_bytes();
        let key = |length: usize| format!("Bearer prb_{}", "a".repeat(length - 4)).into_bytes();
        let rows: [(Vec<u8>, MalformedHeader); 40] = [
            (b"".to_vec(), Scheme),
            (b" ".to_vec(), Scheme),
            (b"B".to_vec(), Scheme),
            (b"Beare".to_vec(), Scheme),
            (b"Bearer".to_vec(), Credential),
            (b"Bearer ".to_vec(), Credential),
            (b"Bearer  ".to_vec(), Credential),
            (b"Bearer  token".to_vec(), Credential),
            (b"Bearer token ".to_vec(), Credential),
            (b" Bearer token".to_vec(), Scheme),
            (b"Bearer\ttoken".to_vec(), Credential),
            (b"Bearer \ttoken".to_vec(), Credential),
            (b"Bearer token\t".to_vec(), Credential),
            (b"Bearer token\r\n".to_vec(), Credential),
            (b"Bearer token\nX-Admin: 1".to_vec(), Credential),
            (b"Bearer to ken".to_vec(), Credential),
            (b"Bearer token, Bearer other".to_vec(), Credential),
            (b"Bearer one two three".to_vec(), Credential),
            (b"Bearer\0token".to_vec(), Credential),
            (b"Bearer tok\0en".to_vec(), Credential),
            (b"Bearer tok\x7fen".to_vec(), Credential),
            (b"Bearer tok\x1ben".to_vec(), Credential),
            ("Bearer tökén".as_bytes().to_vec(), Credential),
            ("Bearer token\u{a0}".as_bytes().to_vec(), Credential),
            ("Bearer\u{a0}token".as_bytes().to_vec(), Credential),
            ("Bearer \u{200b}token".as_bytes().to_vec(), Credential),
            (b"Bearer tok\xffen".to_vec(), Credential),
            (b"Bearer \xc3\x28".to_vec(), Credential),
            (b"Bearertoken".to_vec(), Scheme),
            (b"Bearer:token".to_vec(), Credential),
            (b"Bearer=token".to_vec(), Credential),
            (b"Bearer,token".to_vec(), Credential),
            (b"Bearers token".to_vec(), Scheme),
            (b"Basic dXNlcjpwYXNz".to_vec(), Scheme),
            (b"Token token".to_vec(), Scheme),
            (b"DPoP Bearer token".to_vec(), Scheme),
            ("Веаrеr token".as_bytes().to_vec(), Scheme),
            (token(4097), TooLong),
            (token(1_000_000), TooLong),
            (key(513), TooLong),
        ];
        for (header, reason) in rows {
            let shown = String::from_utf8_lossy(&header)
                .chars()
                .take(40)
                .collect::<String>();
            assert_eq!(parse_bearer(&header), Err(reason), "{shown:?}");
        }
    }

    #[test]
    fn the_scheme_is_matched_in_any_case() {
        for header in [
            "Bearer a.b-c_d~e+f/g=",
            "bearer a.b-c_d~e+f/g=",
            "bEaReR a.b-c_d~e+f/g=",
        ] {
            assert_eq!(parse_bearer(header.as_bytes()), Ok("a.b-c_d~e+f/g="));
        }
    }

    #[test]
    fn the_longest_credentials_are_taken() {
        for credential in [
            "a".to_owned(),
            "a".repeat(4096),
            format!("prb_{}", "a".repeat(508)),
            format!("Prb_{}", "a".repeat(509)),
        ] {
            let header = format!("Bearer {credential}");
            assert_eq!(parse_bearer(header.as_bytes()), Ok(credential.as_str()));
        }
    }
}
