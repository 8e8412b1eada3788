//! Text that any database stores and any screen shows.

use std::fmt::Write as _;

use crate::error::FieldError;

/// Limits of one text field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRule {
    /// Fewest characters after trimming white space at both ends.
    pub min: usize,
    /// Most characters.
    pub max: usize,
    /// Whether line breaks and tabs may occur.
    pub multiline: bool,
}

impl TextRule {
    /// A required single line of up to `max` characters.
    #[must_use]
    pub const fn line(max: usize) -> Self {
        Self {
            min: 1,
            max,
            multiline: false,
        }
    }

    /// An optional text of several lines of up to `max` characters.
    #[must_use]
    pub const fn prose(max: usize) -> Self {
        Self {
            min: 0,
            max,
            multiline: true,
        }
    }

    /// Checks a text; nothing is trimmed, folded or cut.
    ///
    /// # Errors
    /// A [`FieldError`] that names the field, the reason and what is allowed.
    pub fn check(&self, field: &str, text: &str) -> Result<(), FieldError> {
        if text.trim().chars().count() < self.min {
            let message = format!("must hold at least {} visible characters", self.min);
            return Err(FieldError::new(field, "too_short", message));
        }
        if text.chars().count() > self.max {
            let message = format!("must hold at most {} characters", self.max);
            return Err(FieldError::new(field, "too_long", message));
        }
        if text.chars().any(|c| self.forbids(c)) {
            let message = "must not contain control characters";
            return Err(FieldError::new(field, "control_character", message));
        }
        Ok(())
    }

    fn forbids(&self, c: char) -> bool {
        c.is_control() && !(self.multiline && matches!(c, '\t' | '\n' | '\r'))
    }
}

/// The name of a member as a token of a JSON Pointer (RFC 6901, section 3).
#[must_use]
pub fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
            // Writing to a text cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// Folds a text for searches that ignore case: full Unicode lower case, the same on every database.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// The words of a search, folded: each has to occur in the text that is searched.
#[must_use]
pub fn search_words(search: &str) -> Vec<String> {
    search.split_whitespace().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_two_digits() {
        assert_eq!(hex(&[0x00, 0x0f, 0xa0, 0xff]), "000fa0ff");
        assert_eq!(hex(&[]), "");
    }

    #[test]
    fn control_characters_and_wrong_lengths_are_refused() {
        let line = TextRule::line(5);
        for (text, code) in [
            ("", Some("too_short")),
            ("  ", Some("too_short")),
            ("ÄÖÜäö", None),
            ("123456", Some("too_long")),
            ("a\0b", Some("control_character")),
            ("a\nb", Some("control_character")),
            ("a\u{85}b", Some("control_character")),
        ] {
            assert_eq!(
                line.check("/name", text).err().map(|e| e.code),
                code,
                "{text:?}"
            );
        }
        assert!(TextRule::prose(9).check("/notes", "a\tb\r\nc").is_ok());
        assert!(TextRule::prose(9).check("/notes", "a\u{7f}").is_err());
    }
}
