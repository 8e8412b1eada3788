//! Which database a URL names.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::connection::Location;

/// A database URL that will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither a PostgreSQL URL nor a file.
    #[error("expected postgres://..., sqlite://PATH or a path, found the scheme `{0}`")]
    Scheme(String),
    /// A SQLite database that is not a plain file; each connection would have one of its own.
    #[error("`{0}` is not the path of a file")]
    NotAFile(String),
    /// Nothing was given.
    #[error("the database URL is empty")]
    Empty,
    /// The connection would leave the machine unencrypted.
    #[error(
        "this build of libpq has no TLS and would send everything to `{0}` in clear: \
         use a loopback address or a Unix socket, or build with the feature `postgres-tls`"
    )]
    NotLoopback(String),
    /// The URL asks for a connection in clear across the network.
    #[error("`{0}` is not a loopback address: set sslmode=verify-full, verify-ca or require")]
    TlsRequired(String),
}

/// Chooses the backend by the URL's scheme, and refuses what would go over the network in clear.
pub(crate) fn parse_address(url: &str) -> Result<Location, AddressError> {
    if url.is_empty() {
        return Err(AddressError::Empty);
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        check_transport(url, cfg!(feature = "postgres-tls"))?;
        return Ok(Location::Postgres(url.to_owned()));
    }
    let path = url.strip_prefix("sqlite://").unwrap_or(url);
    match path.split_once("://") {
        Some((scheme, _)) => Err(AddressError::Scheme(scheme.to_owned())),
        None if path.is_empty() => Err(AddressError::Empty),
        None if path == ":memory:" || path.starts_with("file:") => {
            Err(AddressError::NotAFile(path.to_owned()))
        }
        None => Ok(Location::Sqlite(PathBuf::from(path))),
    }
}

fn check_transport(url: &str, tls: bool) -> Result<(), AddressError> {
    for host in hosts(url) {
        if is_local(&host) {
            continue;
        }
        if !tls {
            return Err(AddressError::NotLoopback(host));
        }
        let mode = parameter(url, "sslmode").unwrap_or_default();
        if !matches!(mode.as_str(), "require" | "verify-ca" | "verify-full") {
            return Err(AddressError::TlsRequired(host));
        }
    }
    Ok(())
}

/// Every host that libpq may connect to: the authority's and those of `host` and `hostaddr`.
fn hosts(url: &str) -> Vec<String> {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let endpoints = authority
        .rsplit_once('@')
        .map_or(authority, |(_, endpoints)| endpoints);
    let named = endpoints.split(',').map(without_port);
    let given = ["host", "hostaddr"]
        .into_iter()
        .filter_map(|name| parameter(url, name));
    let given: Vec<String> = given
        .flat_map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    named.chain(given).filter(|host| !host.is_empty()).collect()
}

fn without_port(endpoint: &str) -> String {
    if let Some(inner) = endpoint.strip_prefix('[') {
        return inner.split(']').next().unwrap_or_default().to_owned();
    }
    decode(endpoint.split(':').next().unwrap_or_default())
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    let mut found = None;
    for pair in query.split('&') {
        if let Some((key, value)) = pair.split_once('=')
            && decode(key) == name
        {
            found = Some(decode(value));
        }
    }
    found
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let pair = if byte == b'%' {
            rest.clone().next().zip(rest.clone().nth(1))
        } else {
            None
        };
        let value = pair.and_then(|(high, low)| {
            let digits = [high, low];
            let digits = std::str::from_utf8(&digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        if let Some(value) = value {
            bytes.push(value);
            rest.next();
            rest.next();
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_local(host: &str) -> bool {
    host.starts_with('/')
        || host.starts_with('@')
        || host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clear_connection_to_another_machine_is_refused() {
        for url in [
            "postgres://u:p@db.internal/probity",
            "postgres://u@10.0.0.5:5432/probity",
            "postgresql://127.0.0.1,db.internal/probity",
            "postgres:///probity?host=db.internal",
            "postgres://localhost/probity?hostaddr=10.0.0.5",
            "postgres://localhost/probity?h%6fst=db.internal",
            "postgres://[2001:db8::1]/probity",
        ] {
            assert!(
                matches!(
                    check_transport(url, false),
                    Err(AddressError::NotLoopback(_))
                ),
                "{url}"
            );
            assert!(
                matches!(
                    check_transport(url, true),
                    Err(AddressError::TlsRequired(_))
                ),
                "{url}"
            );
            let mark = if url.contains('?') { '&' } else { '?' };
            let with_tls = format!("{url}{mark}sslmode=verify-full");
            assert_eq!(check_transport(&with_tls, true), Ok(()), "{url}");
        }
    }

    #[test]
    fn loopback_and_sockets_need_no_tls() {
        for url in [
            "postgres://u:p@127.0.0.1:5432/probity",
            "postgres://localhost/probity",
            "postgres://[::1]:5432/probity",
            "postgres:///probity?host=/var/run/postgresql",
            "postgres:///probity",
        ] {
            assert_eq!(check_transport(url, false), Ok(()), "{url}");
        }
    }

    #[test]
    fn the_scheme_chooses_the_backend() {
        assert_eq!(
            parse_address("sqlite:///a/b.db"),
            Ok(Location::Sqlite("/a/b.db".into()))
        );
        assert_eq!(
            parse_address("data/b.db"),
            Ok(Location::Sqlite("data/b.db".into()))
        );
        assert_eq!(
            parse_address("mysql://x"),
            Err(AddressError::Scheme("mysql".into()))
        );
        for path in [":memory:", "sqlite://:memory:", "file:a.db?mode=memory"] {
            assert!(
                matches!(parse_address(path), Err(AddressError::NotAFile(_))),
                "{path}"
            );
        }
        assert_eq!(parse_address(""), Err(AddressError::Empty));
        assert_eq!(parse_address("sqlite://"), Err(AddressError::Empty));
    }
}
