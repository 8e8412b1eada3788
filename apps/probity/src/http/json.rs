//! What a JSON document may look like before anything is read out of it.
//!
//! Parsers disagree about duplicate keys and fall over deep nesting, so both are refused here, for
//! every body, before a type is filled.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use probity_ledger::to_canonical;
use serde::de::{DeserializeSeed, Deserializer, Error as DeError, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

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
        while let Some(Key(key)) = members.next_key()? {
            if !seen.insert(key) {
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
struct Seen<'de> {
    count: usize,
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Seen<'de> {
    fn insert(&mut self, key: Cow<'de, str>) -> bool {
        const FEW: usize = 16;
        self.count += 1;
        if self.count <= FEW {
            let new = !self.few.contains(&key);
            self.few.push(key);
            return new;
        }
        if self.many.is_empty() {
            self.many.extend(self.few.drain(..));
        }
        self.many.insert(key)
    }
}

/// The name of a member, borrowed from the document where it is spelled without escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(Name)
    }
}

/// The canonical form of a JSON document, written without building a tree of it; `None` where it is
/// not JSON, or holds what has no canonical form of its own.
pub(crate) fn canonical(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let canonical = to_canonical(&Copied(Cell::new(Some(&mut deserializer)))).ok()?;
    deserializer.end().ok()?;
    Some(canonical)
}

/// A value that is read while it is written.
struct Copied<D>(Cell<Option<D>>);

impl<'de, D: Deserializer<'de>> Serialize for Copied<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let source = self.0.take();
        let source = source.ok_or_else(|| S::Error::custom("read twice"))?;
        source
            .deserialize_any(Copying(serializer))
            .map_err(S::Error::custom)
    }
}

/// Writes what it is shown.
struct Copying<S>(S);

macro_rules! copy {
    ($($visit:ident: $type:ty => $serialize:ident),+ $(,)?) => { $(
        fn $visit<E: DeError>(self, value: $type) -> Result<S::Ok, E> {
            self.0.$serialize(value).map_err(E::custom)
        }
    )+ };
}

impl<'de, S: Serializer> Visitor<'de> for Copying<S> {
    type Value = S::Ok;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    copy! {
        visit_bool: bool => serialize_bool,
        visit_i64: i64 => serialize_i64,
        visit_u64: u64 => serialize_u64,
        visit_f64: f64 => serialize_f64,
        visit_str: &str => serialize_str,
    }

    fn visit_unit<E: DeError>(self) -> Result<S::Ok, E> {
        self.0.serialize_unit().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<S::Ok, A::Error> {
        let mut array = self.0.serialize_seq(None).map_err(A::Error::custom)?;
        while items.next_element_seed(Item(&mut array))?.is_some() {}
        array.end().map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<S::Ok, A::Error> {
        let mut object = self.0.serialize_map(None).map_err(A::Error::custom)?;
        while let Some(Key(key)) = members.next_key()? {
            object.serialize_key(&key).map_err(A::Error::custom)?;
            members.next_value_seed(Member(&mut object))?;
        }
        object.end().map_err(A::Error::custom)
    }
}

/// The next item of an array being written.
struct Item<'a, A>(&'a mut A);

impl<'de, A: SerializeSeq> DeserializeSeed<'de> for Item<'_, A> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let value = Copied(Cell::new(Some(deserializer)));
        self.0.serialize_element(&value).map_err(D::Error::custom)
    }
}

/// The next member of an object being written.
struct Member<'a, O>(&'a mut O);

impl<'de, O: SerializeMap> DeserializeSeed<'de> for Member<'_, O> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let value = Copied(Cell::new(Some(deserializer)));
        self.0.serialize_value(&value).map_err(D::Error::custom)
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

    #[test]
    fn the_canonical_form_is_the_one_of_a_tree() {
        for text in [
            r#"{"b":[1,2.50,-3,true,null,{}],"a":"x\u0041\n\"","\u00e9":{"z":1e3,"y":0.0}}"#,
            r#"{"modelId":"m","driftScore":100.0,"sampleSize":9007199254740992}"#,
            "[]",
            "1",
            "\"a\"",
        ] {
            let tree: serde_json::Value = serde_json::from_str(text).unwrap();
            let expected = serde_json_canonicalizer::to_vec(&tree).unwrap();
            let made = canonical(text.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(made), String::from_utf8(expected));
        }
        for bad in ["", "{} {}", "{", "9007199254740993", r#"{"a":1,"a":2}"#] {
            assert_eq!(canonical(bad.as_bytes()), None, "{bad}");
        }
    }
}
