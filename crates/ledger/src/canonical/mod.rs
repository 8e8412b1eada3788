//! Canonical JSON (RFC 8785, JCS): one value, one spelling, so that its bytes can be hashed.
//!
//! Members are sorted by the UTF-16 units of their names, numbers are spelled as ECMAScript does, strings escape only what
//! they must and nothing is normalised. Where RFC 8785 would change a value in silence, this module refuses it: integers
//! beyond ±2^53, names that occur twice, numbers that are not finite.

mod compound;
mod serializer;

use std::cmp::Ordering;

use serde::Serialize;

/// The largest magnitude of an integer: beyond it, an ECMAScript reader would round.
pub const MAX_INTEGER: i64 = 1 << 53;

/// The canonical JSON of a value, for example a slot's bytes.
///
/// # Errors
/// A value that JSON cannot hold without changing it; see [`CanonicalError`].
///
/// ```
/// let bytes = probity_ledger::to_canonical(&serde_json::json!({"b": 1, "a": [true, "é"]}))?;
/// assert_eq!(bytes, r#"{"a":[true,"é"],"b":1}"#.as_bytes());
/// # Ok::<(), probity_ledger::CanonicalError>(())
/// ```
pub fn to_canonical<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::with_capacity(256);
    value.serialize(&mut serializer::Writer::new(&mut out))?;
    Ok(out)
}

/// Why a value has no canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// An integer beyond ±2^53.
    #[error("the integer {0} is beyond ±2^53")]
    Integer(i128),
    /// An integer beyond 127 bits and a sign.
    #[error("an integer is beyond ±2^53")]
    HugeInteger,
    /// NaN or an infinity.
    #[error("a number is not finite")]
    NotFinite,
    /// A map key that is not a string.
    #[error("the name of a member is not a string")]
    NameNotString,
    /// The same name twice in one object.
    #[error("the name {0:?} occurs twice in one object")]
    DuplicateName(String),
    /// A type that only one JSON library understands, such as raw JSON text.
    #[error("raw JSON has no canonical form of its own")]
    Raw,
    /// The value's own `Serialize` failed.
    #[error("{0}")]
    Custom(String),
}

impl serde::ser::Error for CanonicalError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// The order of member names: by UTF-16 units, which puts U+1F602 before U+FB33.
pub(crate) fn compare_names(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() {
        return left.cmp(right);
    }
    left.encode_utf16().cmp(right.encode_utf16())
}

/// Appends an integer that the caller has checked against [`MAX_INTEGER`].
pub(crate) fn push_integer(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    push_decimal(out, value.unsigned_abs(), 1);
}

/// Appends decimal digits, zero-padded on the left to at least `width` (at most 20).
pub(crate) fn push_decimal(out: &mut Vec<u8>, value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut used) = (value, 0);
    for place in digits.iter_mut().rev() {
        if rest == 0 && used >= width {
            break;
        }
        let [digit, ..] = (rest % 10).to_le_bytes();
        *place = b'0' + digit;
        rest /= 10;
        used += 1;
    }
    let (_, written) = digits.split_at(digits.len() - used);
    out.extend_from_slice(written);
}

/// Appends a quoted string, escaping quotes, backslashes and control characters only.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(place) = rest.iter().position(|byte| needs_escape(*byte)) {
        let (plain, tail) = rest.split_at(place);
        out.extend_from_slice(plain);
        if let Some((byte, tail)) = tail.split_first() {
            push_escape(out, *byte);
            rest = tail;
        }
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            out.extend_from_slice(if byte < 0x10 { b"\\u000" } else { b"\\u001" });
            let low = byte & 0x0f;
            out.push(if low < 10 {
                b'0' + low
            } else {
                b'a' + low - 10
            });
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests;
