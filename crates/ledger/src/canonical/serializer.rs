//! A serde serializer that writes canonical bytes into one buffer, without building a tree of values first.

use serde::ser::{self, Serialize};

use super::compound::{Array, Object};
use super::{CanonicalError, MAX_INTEGER, push_integer, push_string};

pub(super) type Done = Result<(), CanonicalError>;

/// Where the canonical bytes go.
pub(super) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
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
