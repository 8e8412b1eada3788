//! The shape of a body: how many of what, told by the `validator` rules on its type.
//!
//! What a value may be is the domain's to say; how long a list may be before anything looks into
//! it is said here.

use probity_kernel::FieldError;
use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

/// Checks a value against the rules on its type.
pub(crate) fn check<T: Validate>(value: &T) -> Result<(), Vec<FieldError>> {
    value.validate().map_err(|errors| {
        let mut faults = Vec::new();
        collect(&errors, "", &mut faults);
        faults.sort_by(|a, b| a.field.cmp(&b.field));
        faults
    })
}

fn collect(errors: &ValidationErrors, prefix: &str, faults: &mut Vec<FieldError>) {
    for (name, kind) in errors.errors() {
        let pointer = format!("{prefix}/{name}");
        match kind {
            ValidationErrorsKind::Field(errors) => {
                faults.extend(errors.iter().map(|error| fault(&pointer, error)));
            }
            ValidationErrorsKind::Struct(inner) => collect(inner, &pointer, faults),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(inner, &format!("{pointer}/{index}"), faults);
                }
            }
        }
    }
}

/// The fault without the value that was sent.
fn fault(pointer: &str, error: &ValidationError) -> FieldError {
    let bound = |name: &'static str| error.params.get(name).map(ToString::to_string);
    let message = match (bound("min"), bound("max")) {
        (Some(min), Some(max)) => format!("must hold {min} to {max}"),
        (None, Some(max)) => format!("must hold at most {max}"),
        (Some(min), None) => format!("must hold at least {min}"),
        (None, None) => "is not acceptable".to_owned(),
    };
    FieldError::new(pointer, "out_of_range", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, Validate)]
    struct Item {
        #[validate(length(max = 2))]
        name: String,
    }

    #[derive(serde::Serialize, Validate)]
    struct Body {
        #[validate(length(min = 1, max = 3), nested)]
        items: Vec<Item>,
    }

    #[test]
    fn faults_name_the_place_and_what_is_allowed() {
        let body = |names: &[&str]| Body {
            items: names
                .iter()
                .map(|name| Item {
                    name: (*name).to_owned(),
                })
                .collect(),
        };
        assert_eq!(check(&body(&["a", "bb"])), Ok(()));
        let faults = check(&body(&[])).unwrap_err();
        assert_eq!(
            faults,
            [FieldError::new(
                "/items",
                "out_of_range",
                "must hold 1 to 3"
            )]
        );
        let faults = check(&body(&["a", "bbb"])).unwrap_err();
        assert_eq!(
            faults,
            [FieldError::new(
                "/items/1/name",
                "out_of_range",
                "must hold at most 2"
            )]
        );
    }
}
