//! What a JSON document may look like before anything is read out of it.
//!
//! Parsers disagree about duplicate keys and fall over deep nesting, so both are refused here, for
//! every body, before a type is filled.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Deepest nesting of arrays and objects.
pub(crate) const MAX_DEPTH: usize = 32;
/// Most members of one object.
pub(crate) const MAX_MEMBERS: usize = 1000;

/// Checks a document's shape.
pub(crate) fn check_shape(bytes: &[u8]) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Shape { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()
}

#[derive(Clone, Copy)]
struct Shape {
    depth: usize,
}

impl Shape {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!(
                "nested deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut seen = Seen::default();
        while let Some(key) = members.next_key::<std::borrow::Cow<'de, str>>()? {
            if !seen.insert(&key) {
                return Err(A::Error::custom("an object has the same key twice"));
            }
            if seen.count > MAX_MEMBERS {
                return Err(A::Error::custom(format_args!(
                    "an object has over {MAX_MEMBERS} members"
                )));
            }
            members.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// The keys of one object: compared one by one while they are few.
#[derive(Default)]
struct Seen {
    count: usize,
    few: Vec<String>,
    many: HashSet<String>,
}

impl Seen {
    fn insert(&mut self, key: &str) -> bool {
        const FEW: usize = 16;
        self.count += 1;
        if self.count <= FEW {
            let new = !self.few.iter().any(|known| known == key);
            self.few.push(key.to_owned());
            return new;
        }
        if self.many.is_empty() {
            self.many.extend(self.few.drain(..));
        }
        self.many.insert(key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys_and_deep_nesting_are_refused_at_any_level() {
        let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        let wide = |n: usize| {
            let members: Vec<String> = (0..n).map(|i| format!("\"k{i}\":{i}")).collect();
            format!("{{{}}}", members.join(","))
        };
        for (text, good) in [
            (
                r#"{"a":1,"b":{"a":[1,2.5,"x",null,true]}}"#.to_owned(),
                true,
            ),
            (r#"{"a":1,"a":2}"#.to_owned(), false),
            (r#"{"a":1,"\u0061":2}"#.to_owned(), false),
            (r#"{"x":[{"b":1,"b":1}]}"#.to_owned(), false),
            (deep(MAX_DEPTH), true),
            (deep(MAX_DEPTH + 1), false),
            (deep(100_000), false),
            (wide(MAX_MEMBERS), true),
            (wide(MAX_MEMBERS + 1), false),
            ("{} {}".to_owned(), false),
            ("1e400".to_owned(), false),
            ("NaN".to_owned(), false),
            (String::new(), false),
        ] {
            let start: String = text.chars().take(40).collect();
            assert_eq!(check_shape(text.as_bytes()).is_ok(), good, "{start}");
        }
    }
}
