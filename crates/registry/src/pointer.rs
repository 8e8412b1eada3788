//! JSON Pointers (RFC 6901) to members whose names callers choose.

use probity_kernel::text::pointer_token;

/// `prefix`, a slash, and the member's name with `~` and `/` escaped.
pub(crate) fn pointer(prefix: &str, member: &str) -> String {
    format!("{prefix}/{}", pointer_token(member))
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn tilde_and_slash_are_escaped_in_that_order() {
        assert_eq!(pointer("/tags", "a"), "/tags/a");
        assert_eq!(pointer("/tags", ""), "/tags/");
        assert_eq!(pointer("/tags", "a/b~c~1"), "/tags/a~1b~0c~01");
    }
}
