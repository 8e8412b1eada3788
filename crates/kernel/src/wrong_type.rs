//! What a JSON reader expected, in the words of JSON.
//!
//! The reader names types of the program, which mean nothing to who sent the document.

use std::borrow::Cow;

/// What a value must be, made of a reader's message; the value that was found is left out.
///
/// A message that does not say what was expected stays, without its place.
#[must_use]
pub fn must_be(message: &str) -> String {
    // The value that was found may hold the same words: the last ones are the reader's.
    let told = message.rsplit_once(" at line ");
    let told = told.map_or(message, |(told, _place)| told);
    match told.rsplit_once(", expected ") {
        Some((_found, expected)) => format!("must be {}", in_json(expected)),
        None => told.to_owned(),
    }
}

/// The word of JSON for a type of the program.
fn in_json(expected: &str) -> Cow<'_, str> {
    Cow::Borrowed(match expected {
        "i64" | "i128" | "isize" => "a whole number",
        "u64" | "u128" | "usize" => "a whole number of at least 0",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "i8" => "a whole number from -128 to 127",
        "i16" => "a whole number from -32768 to 32767",
        "i32" => "a whole number from -2147483648 to 2147483647",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a borrowed string" | "a character" | "field identifier" | "variant identifier" => {
            "a string"
        }
        "string or map" => "a string or an object",
        "a map" => "an object",
        "a sequence" => "an array",
        "unit" => "null",
        "any valid JSON value" => "a JSON value",
        // Sometimes with a number of elements: an array is read where an object is meant.
        other if starts(other, &["struct ", "internally tagged enum "]) => "an object",
        other if starts(other, &["tuple ", "a tuple ", "an array of length "]) => {
            return array(other);
        }
        other => other,
    })
}

fn starts(text: &str, with: &[&str]) -> bool {
    with.iter().any(|start| text.starts_with(start))
}

/// An array, of as many items as the reader says.
fn array(expected: &str) -> Cow<'_, str> {
    let digits = |word: &&str| word.bytes().all(|b| b.is_ascii_digit());
    match expected.split(' ').find(digits) {
        Some(count) => format!("an array of {count} items").into(),
        None => "an array".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::from_str;

    use super::*;

    fn told<T: serde::de::DeserializeOwned>(json: &str) -> String {
        must_be(&from_str::<T>(json).err().unwrap().to_string())
    }

    #[test]
    fn no_type_of_the_program_is_named() {
        for (told, expected) in [
            (told::<i64>("\"7\""), "must be a whole number"),
            (told::<i64>("1.5"), "must be a whole number"),
            (told::<u64>("-1"), "must be a whole number of at least 0"),
            (told::<u8>("256"), "must be a whole number from 0 to 255"),
            (told::<f64>("[]"), "must be a number"),
            (told::<bool>("1"), "must be true or false"),
            (told::<String>("1"), "must be a string"),
            (told::<Vec<i64>>("{}"), "must be an array"),
            (told::<BTreeMap<String, i64>>("[]"), "must be an object"),
            (told::<(i64, i64)>("[1]"), "must be an array of 2 items"),
            (told::<()>("1"), "must be null"),
        ] {
            assert_eq!(told, expected);
        }
        for (message, expected) in [
            (
                "invalid type: string \"x\", expected struct RegisterModelRequest at line 1 column 3",
                "must be an object",
            ),
            (
                "invalid length 0, expected struct Bundle with 2 elements at line 1 column 2",
                "must be an object",
            ),
            (
                "unknown variant `x`, expected `a` or `b` at line 1 column 3",
                "must be `a` or `b`",
            ),
            (
                "missing field `name` at line 1 column 2",
                "missing field `name`",
            ),
        ] {
            assert_eq!(must_be(message), expected);
        }
    }

    #[test]
    fn what_was_found_is_not_told_whatever_it_holds() {
        let json = "\" at line 1, expected a secret\"";
        assert_eq!(told::<i64>(json), "must be a whole number");
    }
}
