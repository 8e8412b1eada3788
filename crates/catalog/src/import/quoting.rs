//! Whether a CSV file quotes as RFC 4180 says. Readers are lenient and each in its own way, so a
//! file that leaves a quote open would lose rows in silence.

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    Plain,
    Quoted,
    Closed,
}

/// The line, counted from 1, at which quoting goes wrong, and how.
pub(super) fn fault(text: &str) -> Option<(u64, &'static str)> {
    let (mut at, mut line, mut opened) = (At::Start, 1_u64, 1_u64);
    for byte in text.bytes() {
        at = match (at, byte) {
            (At::Quoted, b'"') => At::Closed,
            (At::Quoted, _) | (At::Closed, b'"') => At::Quoted,
            (At::Start, b'"') => {
                opened = line;
                At::Quoted
            }
            (_, b',' | b'\n' | b'\r') => At::Start,
            (At::Closed, _) => return Some((line, "has text behind a closing quote")),
            (At::Plain, b'"') => {
                return Some((line, "has a quote inside a field that is not quoted"));
            }
            (At::Start | At::Plain, _) => At::Plain,
        };
        line += u64::from(byte == b'\n');
    }
    (at == At::Quoted).then_some((opened, "opens a quote that is never closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_open_closed_or_doubled_and_nothing_else() {
        for (text, line) in [
            ("a,b\n1,2", None),
            ("a\r\n\"x\"\"y\r\nz\",\"\"\r\n", None),
            ("a\nx\"y\n", Some(2)),
            ("a\n\"x\"y\n", Some(2)),
            ("a\nb\n\"x,\ny\n", Some(3)),
            ("\"", Some(1)),
            ("", None),
        ] {
            assert_eq!(fault(text).map(|(line, _)| line), line, "{text:?}");
        }
    }
}
