//! Statements of fixed text, prepared once per connection.
//!
//! Diesel prepares `UPDATE`, `ON CONFLICT DO UPDATE` and `sql_query` anew each time, because their
//! text may differ from one run to the next. In a write lane that is the dearest part of a small
//! statement. What is declared here has one text, so it is built and prepared once.

/// Declares a statement for one backend or both: pieces of text, each followed by the parameter that
/// stands behind it, what is left of the text after the last one, and the types of what it answers.
///
/// ```ignore
/// statement! {
///     /// Finds a space.
///     struct FindSpace<'a> for (Sqlite as SqliteConnection, Pg as PgConnection) {
///         "SELECT name FROM spaces WHERE slug = " slug: &'a str as Text,
///         " AND organization_id = " organization: Id as AnyUuid; "" => (Text,)
///     }
/// }
/// ```
macro_rules! statement {
    ($(#[$meta:meta])* $vis:vis struct $name:ident<$life:lifetime>
        for ($($backend:ident as $conn:ident),+) $body:tt) => {
        $crate::statement::statement!(@define [$(#[$meta])* $vis] $name $life $body);
        $($crate::statement::statement!(@implement $name $life $backend $conn $body);)+
    };
    (@define [$(#[$meta:meta])* $vis:vis] $name:ident $life:lifetime {
        $($text:literal $field:ident: $type:ty as $sql:ty),+ ; $tail:expr $(=> $row:ty)?
    }) => {
        $(#[$meta])*
        $vis struct $name<$life> { $($vis $field: $type),+ }

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        $(impl diesel::query_builder::Query for $name<'_> {
            type SqlType = $row;
        })?
    };
    (@implement $name:ident $life:lifetime $backend:ident $conn:ident {
        $($text:literal $field:ident: $type:ty as $sql:ty),+ ; $tail:expr $(=> $row:ty)?
    }) => {
        impl<$life> diesel::query_builder::QueryFragment<$backend> for $name<$life> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, $backend>,
            ) -> diesel::QueryResult<()> {
                $(
                    out.push_sql($text);
                    out.push_bind_param::<$sql, _>(&self.$field)?;
                )+
                out.push_sql($tail);
                Ok(())
            }
        }

        impl diesel::RunQueryDsl<$conn> for $name<'_> {}
    };
}
pub(crate) use statement;
