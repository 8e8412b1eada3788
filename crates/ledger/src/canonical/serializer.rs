//! A serde serializer that writes canonical bytes into one buffer, without building a tree of values first.

use std::borrow::Cow;
use std::ops::Range;

use serde::ser::{self, Serialize};

use super::{CanonicalError, MAX_INTEGER, compare_names, push_integer, push_string};

type Done = Result<(), CanonicalError>;

/// Where the canonical bytes go.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn integer(&mut self, value: i128) -> Done {
        match i64::try_from(value) {
            Ok(small) if small.unsigned_abs() <= MAX_INTEGER.unsigned_abs() => {
                push_integer(self.out, small);
                Ok(())
            }
            _ => Err(CanonicalError::Integer(value)),
        }
    }

    /// Opens `{"variant":`, the form of an enum variant with content.
    fn variant(&mut self, variant: &str) {
        self.raw(b"{");
        push_string(self.out, variant);
        self.raw(b":");
    }
}

/// The integer widths, all checked against the same bound.
macro_rules! integers {
    ($($method:ident: $type:ty),+ $(,)?) => {
        $(fn $method(self, value: $type) -> Done {
            self.integer(i128::from(value))
        })+
    };
}

impl<'w, 'a> ser::Serializer for &'w mut Writer<'a> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = Array<'w, 'a>;
    type SerializeTuple = Array<'w, 'a>;
    type SerializeTupleStruct = Array<'w, 'a>;
    type SerializeTupleVariant = Array<'w, 'a>;
    type SerializeMap = Object<'w, 'a>;
    type SerializeStruct = Object<'w, 'a>;
    type SerializeStructVariant = Object<'w, 'a>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
    }

    fn serialize_u128(self, value: u128) -> Done {
        self.integer(i128::try_from(value).map_err(|_| CanonicalError::HugeInteger)?)
    }

    fn serialize_bool(self, value: bool) -> Done {
        self.raw(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Done {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Done {
        let text =
            serde_json_canonicalizer::to_vec(&value).map_err(|_| CanonicalError::NotFinite)?;
        self.raw(&text);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Done {
        push_string(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        value.serialize(self)
    }

    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.raw(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Done {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.variant(variant);
        value.serialize(&mut *self)?;
        self.raw(b"}");
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Array<'w, 'a>, CanonicalError> {
        Ok(Array::open(self, b"]"))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Array<'w, 'a>, CanonicalError> {
        Ok(Array::open(self, b"]"))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Array<'w, 'a>, CanonicalError> {
        Ok(Array::open(self, b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Array<'w, 'a>, CanonicalError> {
        self.variant(variant);
        Ok(Array::open(self, b"]}"))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Object<'w, 'a>, CanonicalError> {
        Ok(Object::open(self, b"}"))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _len: usize,
    ) -> Result<Object<'w, 'a>, CanonicalError> {
        // Raw values and numbers kept as text arrive as structs under such a name.
        if name.starts_with("$serde_json::private::") {
            return Err(CanonicalError::Raw);
        }
        Ok(Object::open(self, b"}"))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Object<'w, 'a>, CanonicalError> {
        self.variant(variant);
        Ok(Object::open(self, b"}}"))
    }
}

/// An array being written.
pub(super) struct Array<'w, 'a> {
    writer: &'w mut Writer<'a>,
    close: &'static [u8],
    empty: bool,
}

impl<'w, 'a> Array<'w, 'a> {
    fn open(writer: &'w mut Writer<'a>, close: &'static [u8]) -> Self {
        writer.raw(b"[");
        Self {
            writer,
            close,
            empty: true,
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if !self.empty {
            self.writer.raw(b",");
        }
        self.empty = false;
        value.serialize(&mut *self.writer)
    }

    fn close(self) {
        self.writer.raw(self.close);
    }
}

macro_rules! array {
    ($($trait:ident::$method:ident),+ $(,)?) => {
        $(impl ser::$trait for Array<'_, '_> {
            type Ok = ();
            type Error = CanonicalError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.item(value)
            }

            fn end(self) -> Done {
                self.close();
                Ok(())
            }
        })+
    };
}

array! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

/// An object being written: members go out as they come and are put in order at the end, if they were not already.
pub(super) struct Object<'w, 'a> {
    writer: &'w mut Writer<'a>,
    close: &'static [u8],
    members: Vec<Member>,
}

/// Where one member stands in the buffer: the quoted name, and the whole of it.
#[derive(Clone)]
struct Member {
    name: Range<usize>,
    whole: Range<usize>,
}

impl<'w, 'a> Object<'w, 'a> {
    fn open(writer: &'w mut Writer<'a>, close: &'static [u8]) -> Self {
        writer.raw(b"{");
        Self {
            writer,
            close,
            members: Vec::new(),
        }
    }

    fn name<T: Serialize + ?Sized>(&mut self, name: &T) -> Done {
        if !self.members.is_empty() {
            self.writer.raw(b",");
        }
        let start = self.writer.out.len();
        name.serialize(&mut *self.writer)?;
        if self.writer.out.get(start) != Some(&b'"') {
            return Err(CanonicalError::NameNotString);
        }
        let end = self.writer.out.len();
        self.writer.raw(b":");
        self.members.push(Member {
            name: start..end,
            whole: start..end,
        });
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(&mut *self.writer)?;
        if let Some(member) = self.members.last_mut() {
            member.whole.end = self.writer.out.len();
        }
        Ok(())
    }

    fn close(self) -> Done {
        let Self {
            writer,
            close,
            members,
        } = self;
        let mut sorted: Vec<(Cow<'_, str>, &Member)> = members
            .iter()
            .map(|member| (unquote(writer.out, &member.name), member))
            .collect();
        let ordered =
            sorted.is_sorted_by(|(left, _), (right, _)| compare_names(left, right).is_lt());
        if !ordered {
            sorted.sort_by(|(left, _), (right, _)| compare_names(left, right));
            if let Some([(name, _), _]) = sorted
                .array_windows()
                .find(|[left, right]| left.0 == right.0)
            {
                return Err(CanonicalError::DuplicateName(name.to_string()));
            }
            let order: Vec<Range<usize>> = sorted
                .into_iter()
                .map(|(_, member)| member.whole.clone())
                .collect();
            reorder(writer.out, &members, &order);
        }
        writer.raw(close);
        Ok(())
    }
}

/// The name that a quoted, escaped name in the buffer stands for.
fn unquote<'a>(out: &'a [u8], quoted: &Range<usize>) -> Cow<'a, str> {
    let quoted = out.get(quoted.clone()).unwrap_or_default();
    if quoted.contains(&b'\\') {
        return Cow::Owned(serde_json::from_slice(quoted).unwrap_or_default());
    }
    let inside = quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default();
    String::from_utf8_lossy(inside)
}

/// Writes the members, which are the tail of the buffer, again in the given order.
fn reorder(out: &mut Vec<u8>, members: &[Member], order: &[Range<usize>]) {
    let Some(first) = members.first() else { return };
    let start = first.whole.start;
    let body = out.split_off(start);
    for (place, range) in order.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(
            body.get(range.start - start..range.end - start)
                .unwrap_or_default(),
        );
    }
}

impl ser::SerializeMap for Object<'_, '_> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.name(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.value(value)
    }

    fn end(self) -> Done {
        self.close()
    }
}

macro_rules! object {
    ($($trait:ident),+ $(,)?) => {
        $(impl ser::$trait for Object<'_, '_> {
            type Ok = ();
            type Error = CanonicalError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
                self.name(name)?;
                self.value(value)
            }

            fn end(self) -> Done {
                self.close()
            }
        })+
    };
}

object! { SerializeStruct, SerializeStructVariant }
