//! Just enough of HTTP/1.1 to find the end of a response.

/// What stands in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// More bytes are needed.
    Partial,
    /// A whole response: its status, and where its body starts and ends.
    Whole {
        status: u16,
        body: usize,
        end: usize,
    },
    /// A response whose body comes in chunks that start at `body`.
    Chunked { status: u16, body: usize },
    /// Not a response.
    Broken,
}

/// Reads the head of a response.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let Some(head_end) = find(bytes, b"\r\n\r\n") else {
        return Parsed::Partial;
    };
    let head = bytes.get(..head_end).unwrap_or_default();
    let body = head_end + 4;
    let Some(status) = head
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|rest| number(rest.get(..3)?))
        .and_then(|status| u16::try_from(status).ok())
    else {
        return Parsed::Broken;
    };
    let mut length = if status == 204 { Some(0) } else { None };
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        if let Some(value) = header(line, b"content-length:") {
            length = number(value.trim_ascii());
        } else if header(line, b"transfer-encoding:").is_some() {
            return Parsed::Chunked { status, body };
        }
    }
    match length {
        None => Parsed::Broken,
        Some(length) if bytes.len() < body + length => Parsed::Partial,
        Some(length) => Parsed::Whole {
            status,
            body,
            end: body + length,
        },
    }
}

/// The value of a line that is the named header; the name in lower case.
fn header<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|found| found == wanted)
}

#[cfg(test)]
mod tests {
    use super::{Parsed, parse};

    #[test]
    fn a_response_is_whole_when_its_body_is() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
        for cut in 0..text.len() {
            assert_eq!(parse(&text[..cut]), Parsed::Partial, "{cut}");
        }
        let end = text.len();
        let whole = Parsed::Whole {
            status: 200,
            body: end - 5,
            end,
        };
        assert_eq!(parse(text), whole);
    }

    #[test]
    fn chunked_and_broken_responses_are_told_apart() {
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let body = chunked.len();
        assert_eq!(parse(chunked), Parsed::Chunked { status: 200, body });
        assert_eq!(parse(b"SSH-2.0\r\n\r\n"), Parsed::Broken);
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\n\r\n"), Parsed::Broken);
    }
}
