//! Members of a partial update.

/// A member of a partial update, told apart three ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Patch<T> {
    /// The member is not there: the field stays as it is.
    #[default]
    Absent,
    /// The member is null: the field is cleared, where it can be.
    Null,
    /// The member has a value: the field takes it.
    Value(T),
}

impl<T> Patch<T> {
    /// The field after the update of one that can be cleared.
    #[must_use]
    pub fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Absent => before,
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    /// The same member with its value judged; null and absence need no judgement.
    ///
    /// # Errors
    /// What the judge says.
    pub fn try_map<U, E>(self, judge: impl FnOnce(T) -> Result<U, E>) -> Result<Patch<U>, E> {
        Ok(match self {
            Self::Absent => Patch::Absent,
            Self::Null => Patch::Null,
            Self::Value(value) => Patch::Value(judge(value)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_keeps_null_clears_and_a_value_replaces() {
        assert_eq!(Patch::Absent.over(Some(1)), Some(1));
        assert_eq!(Patch::Null.over(Some(1)), None);
        assert_eq!(Patch::Value(2).over(Some(1)), Some(2));
        assert_eq!(Patch::Value(2).over(None), Some(2));
    }

    #[test]
    fn only_a_value_is_judged() {
        let judge = |value: u8| if value > 1 { Ok(value) } else { Err("small") };
        assert_eq!(Patch::Absent.try_map(judge), Ok(Patch::Absent));
        assert_eq!(Patch::Null.try_map(judge), Ok(Patch::Null));
        assert_eq!(Patch::Value(2).try_map(judge), Ok(Patch::Value(2)));
        assert_eq!(Patch::Value(1).try_map(judge), Err("small"));
    }
}
