//! Licences as bills of materials name them.

use serde_json::{Value, json};

/// A licence as it was given: by its SPDX identifier, as an SPDX expression, or by its name.
pub(crate) fn entry(given: &str, url: Option<&str>) -> Value {
    let given = given.trim();
    if let Some(id) = identifier(given) {
        return json!({"license": {"id": id}});
    }
    let is_compound = given.contains(' ') && spdx::Expression::parse(given).is_ok();
    if is_compound {
        return json!({"expression": given});
    }
    match url {
        Some(url) => json!({"license": {"name": given, "url": url}}),
        None => json!({"license": {"name": given}}),
    }
}

/// The SPDX identifier in its own spelling, whatever the case in which it was given.
fn identifier(given: &str) -> Option<&'static str> {
    let exact = spdx::license_id(given).map(|id| id.name);
    exact.or_else(|| {
        spdx::identifiers::LICENSES
            .iter()
            .map(|license| license.name)
            .find(|name| name.eq_ignore_ascii_case(given))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_found_in_any_case_and_names_kept() {
        for (given, expected) in [
            ("apache-2.0", json!({"license": {"id": "Apache-2.0"}})),
            ("MIT", json!({"license": {"id": "MIT"}})),
            ("cc-by-nc-4.0", json!({"license": {"id": "CC-BY-NC-4.0"}})),
            ("openrail", json!({"license": {"name": "openrail"}})),
            (
                "MIT OR Apache-2.0",
                json!({"expression": "MIT OR Apache-2.0"}),
            ),
            (
                "our own terms",
                json!({"license": {"name": "our own terms"}}),
            ),
        ] {
            assert_eq!(entry(given, None), expected);
        }
        let named = entry("llama3", Some("https://example.com/l"));
        assert_eq!(named["license"]["url"], "https://example.com/l");
    }
}
