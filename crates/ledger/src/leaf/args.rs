//! The clear arguments of a leaf.

use std::borrow::Cow;

use super::LeafError;
use crate::canonical::{MAX_INTEGER, compare_names, push_integer, push_string};

/// Named strings and integers in canonical order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Args<'a> {
    entries: Vec<(Cow<'a, str>, ArgValue<'a>)>,
}

/// The value of an argument. There are no floats: their spelling is where implementations disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgValue<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number from -2^53 to 2^53.
    Integer(i64),
}

impl<'a> From<&'a str> for ArgValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for ArgValue<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for ArgValue<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl<'a> Args<'a> {
    /// No arguments.
    pub const NONE: &'static Args<'static> = &Args {
        entries: Vec::new(),
    };

    /// No arguments yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Adds one argument, in its place.
    ///
    /// # Errors
    /// A name that is already there, or an integer beyond ±2^53.
    pub fn with(
        mut self,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<ArgValue<'a>>,
    ) -> Result<Self, LeafError> {
        let (name, value) = (name.into(), value.into());
        if let ArgValue::Integer(number) = value
            && number.unsigned_abs() > MAX_INTEGER.unsigned_abs()
        {
            return Err(LeafError::ArgOutOfRange(name.into_owned()));
        }
        match self
            .entries
            .binary_search_by(|(known, _)| compare_names(known, &name))
        {
            Ok(_) => Err(LeafError::DuplicateArg(name.into_owned())),
            Err(place) => {
                self.entries.insert(place, (name, value));
                Ok(self)
            }
        }
    }

    /// Whether there are none, in which case the leaf leaves the member out.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of one argument.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ArgValue<'a>> {
        let place = self
            .entries
            .binary_search_by(|(known, _)| compare_names(known, name))
            .ok()?;
        self.entries.get(place).map(|(_, value)| value)
    }

    /// The arguments in canonical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ArgValue<'a>)> {
        self.entries
            .iter()
            .map(|(name, value)| (name.as_ref(), value))
    }

    /// Appends the JSON object.
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (place, (name, value)) in self.entries.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            push_string(out, name);
            out.push(b':');
            match value {
                ArgValue::Text(text) => push_string(out, text),
                ArgValue::Integer(number) => push_integer(out, *number),
            }
        }
        out.push(b'}');
    }
}
