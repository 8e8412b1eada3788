//! Arrays and objects being written.

use std::borrow::Cow;
use std::ops::Range;

use serde::ser::{self, Serialize};

use super::serializer::{Done, Writer};
use super::{CanonicalError, compare_names};

/// An array being written.
pub(super) struct Array<'w, 'a> {
    writer: &'w mut Writer<'a>,
    close: &'static [u8],
    empty: bool,
}

impl<'w, 'a> Array<'w, 'a> {
    pub(super) fn open(writer: &'w mut Writer<'a>, close: &'static [u8]) -> Self {
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
    /// Whether every name so far came after the one before it.
    ordered: bool,
}

/// Where one member stands in the buffer: the quoted name, and the whole of it.
#[derive(Clone)]
struct Member {
    name: Range<usize>,
    whole: Range<usize>,
}

impl<'w, 'a> Object<'w, 'a> {
    pub(super) fn open(writer: &'w mut Writer<'a>, close: &'static [u8]) -> Self {
        writer.raw(b"{");
        Self {
            writer,
            close,
            members: Vec::with_capacity(12),
            ordered: true,
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
        if let (true, Some(last)) = (self.ordered, self.members.last()) {
            let before = unquote(self.writer.out, &last.name);
            self.ordered = compare_names(&before, &unquote(self.writer.out, &(start..end))).is_lt();
        }
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
            ordered,
        } = self;
        if !ordered {
            let mut sorted: Vec<(Cow<'_, str>, &Member)> = members
                .iter()
                .map(|member| (unquote(writer.out, &member.name), member))
                .collect();
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
