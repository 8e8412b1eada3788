//! A bundle as a web page that checks itself, with no network.

use actix_web::web::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::RecordError;

/// Before the bundle.
const HEAD: &str = include_str!("page/head.html");
/// Behind the bundle.
const TAIL: &str = include_str!("page/tail.html");
/// The verifier.
const SCRIPT: &str = include_str!("page/verifier.js");
/// Behind the verifier.
const END: &str = "</script>\n</body>\n</html>\n";

/// Puts the page around a bundle.
pub(crate) fn page(
    bundle: impl Stream<Item = Result<Bytes, RecordError>>,
) -> impl Stream<Item = Result<Bytes, RecordError>> {
    let text = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
    stream::iter([text(HEAD)])
        .chain(bundle.map(|chunk| chunk.map(|chunk| escape(&chunk))))
        .chain(stream::iter([text(TAIL), text(SCRIPT), text(END)]))
}

/// What a user wrote is text in the page and nothing else.
fn escape(chunk: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(chunk.len() + chunk.len() / 16);
    for byte in chunk {
        match byte {
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            other => out.push(*other),
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_bundle_can_end_its_element() {
        let bundle = b"</pre><script>alert(1)</script>&lt;";
        let escaped = escape(bundle);
        assert!(!escaped.contains(&b'<') && !escaped.contains(&b'>'));
        assert!(escaped.ends_with(b"&amp;lt;"));
    }

    #[test]
    fn the_verifier_cannot_end_its_own_element() {
        assert!(!SCRIPT.contains("</script"));
        assert!(HEAD.ends_with("<pre id=\"bundle\">"));
    }
}
