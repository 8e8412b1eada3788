//! Cursors as lists give them out. One is good for the list that made it, with the filters that it had then: a position in
//! another list is a number there too, and what followed it would look like an answer.

use std::str::FromStr;

use actix_web::http::Uri;
use probity_kernel::text::hex;
use probity_kernel::{Cursor, ParseCursorError};
use sha2::{Digest as _, Sha256};

use crate::http::request;

/// What does not tell lists apart: which page it is, and the instant as of which it is answered.
const OTHER: [&str; 5] = ["as_of", "cursor", "limit", "offset", "skip"];
/// The digits of a mark.
const MARK: usize = 8;

/// The text of a cursor of the list that is being answered.
pub(crate) fn write(cursor: Cursor) -> String {
    format!("{cursor}{}", mark_of_request())
}

/// A cursor that the list that is asked for has given out, with these filters.
pub(crate) struct Given(pub(crate) Cursor);

impl FromStr for Given {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let split = text.len().checked_sub(MARK);
        let split = split.and_then(|at| text.split_at_checked(at));
        let (cursor, mark) = split.ok_or(ParseCursorError)?;
        if mark != mark_of_request() {
            return Err(ParseCursorError);
        }
        cursor.parse().map(Self)
    }
}

fn mark_of_request() -> String {
    request::current_uri().map_or_else(String::new, |uri| mark(&uri))
}

/// What tells this list from others: its path and its filters, in any order.
fn mark(uri: &Uri) -> String {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut filters: Vec<_> = query
        .filter(|(name, _)| !OTHER.contains(&name.as_ref()))
        .collect();
    filters.sort();
    let mut hash = Sha256::new();
    hash.update(uri.path());
    for (name, value) in filters {
        // No path and no text of a query has this byte.
        for part in [&name, &value] {
            hash.update([0xff]);
            hash.update(part.as_bytes());
        }
    }
    let mut digits = hex(&hash.finalize());
    digits.truncate(MARK);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str) -> String {
        mark(&uri.parse().unwrap())
    }

    #[test]
    fn a_mark_is_of_the_path_and_the_filters() {
        let list = of("/api/v1/alerts?state=open&severity=RED");
        assert_eq!(list.len(), MARK);
        for same in [
            "/api/v1/alerts?severity=RED&state=open",
            "/api/v1/alerts?state=open&severity=RED&as_of=2026-01-01T00:00:00Z",
            "/api/v1/alerts?limit=2&state=open&severity=RED&cursor=c1&offset=7&skip=1",
            "/api/v1/alerts?severity=%52ED&state=open",
        ] {
            assert_eq!(of(same), list, "{same}");
        }
        for other in [
            "/api/v1/alerts",
            "/api/v1/alerts?state=open",
            "/api/v1/alerts?state=open&severity=RED&severity=AMBER",
            "/api/v1/alerts?state=openseverity&=RED",
            "/api/v1/api-keys?state=open&severity=RED",
        ] {
            assert_ne!(of(other), list, "{other}");
        }
    }
}
