//! `Upload-Metadata`: pairs of a key and a value in base 64.

use actix_web::http::header::HeaderValue;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use probity_artifacts::UploadInput;
use probity_kernel::FieldError;
use serde_json::{Map, Value};

const FIELD: &str = "Upload-Metadata";

/// What a client says about its file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pairs(Vec<(String, String)>);

/// Reads the header.
pub(super) fn read(header: Option<&HeaderValue>) -> Result<Pairs, Vec<FieldError>> {
    let Some(header) = header else {
        return Ok(Pairs::default());
    };
    let faulty = || {
        let message = "must be pairs of a key and a value in base 64, separated by commas";
        vec![FieldError::new(FIELD, "malformed", message)]
    };
    let text = header.to_str().map_err(|_| faulty())?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let bytes = BASE64_STANDARD.decode(value.trim()).map_err(|_| faulty())?;
        let value = String::from_utf8(bytes).map_err(|_| faulty())?;
        if pairs.iter().any(|(known, _)| known == key) {
            return Err(faulty());
        }
        pairs.push((key.to_owned(), value));
    }
    Ok(Pairs(pairs))
}

impl Pairs {
    /// The upload: keys that it has a field for fill the field (`filename` and `filetype` too),
    /// others are metadata of the artifact.
    pub(super) fn input(self, length: i64) -> Result<UploadInput, Vec<FieldError>> {
        let mut input = UploadInput {
            total_size_bytes: Some(length),
            ..UploadInput::default()
        };
        let mut metadata = Map::new();
        for (key, value) in self.0 {
            let field = match key.as_str() {
                "filename" | "file_name" | "name" => &mut input.file_name,
                "filetype" | "content_type" | "type" => &mut input.content_type,
                "sha256" => &mut input.sha256,
                "artifact_kind" => &mut input.artifact_kind,
                "version_label" => &mut input.version_label,
                "product_version_id" => &mut input.product_version_id,
                "training_run_id" => &mut input.training_run_id,
                "external_uri" => &mut input.external_uri,
                "is_current" => {
                    input.is_current = Some(flag(&key, &value)?);
                    continue;
                }
                _ => {
                    metadata.insert(key, Value::String(value));
                    continue;
                }
            };
            *field = Some(value);
        }
        input.file_name.get_or_insert_with(|| "artifact".to_owned());
        input
            .content_type
            .get_or_insert_with(|| "application/octet-stream".to_owned());
        input.metadata = Some(Value::Object(metadata));
        Ok(input)
    }
}

/// Any other spelling is a mistake that would be read as `false`.
fn flag(key: &str, value: &str) -> Result<bool, Vec<FieldError>> {
    value.parse().map_err(|_fault| {
        let message = format!("`{key}` must be true or false");
        vec![FieldError::new(FIELD, "malformed", message)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_filled_and_the_rest_is_metadata() {
        let header = HeaderValue::from_static(
            "filename bW9kZWwub25ueA==,is_current dHJ1ZQ==, format b25ueA==,empty",
        );
        let input = read(Some(&header)).unwrap().input(7).unwrap();
        assert_eq!(input.file_name.as_deref(), Some("model.onnx"));
        assert_eq!(
            (input.is_current, input.total_size_bytes),
            (Some(true), Some(7))
        );
        assert_eq!(
            input.metadata,
            Some(serde_json::json!({"format": "onnx", "empty": ""}))
        );
        assert_eq!(
            input.content_type.as_deref(),
            Some("application/octet-stream")
        );
        for faulty in ["a !!", "a YQ==,a YQ==", "a /w=="] {
            let header = HeaderValue::from_static(faulty);
            assert!(read(Some(&header)).is_err(), "{faulty}");
        }
    }

    #[test]
    fn a_flag_is_true_or_false_and_nothing_else() {
        for (value, flag) in [
            ("true", Some(true)),
            ("false", Some(false)),
            ("TRUE", None),
            ("maybe", None),
            ("1", None),
            ("", None),
        ] {
            let pair = format!("is_current {}", BASE64_STANDARD.encode(value));
            let header = HeaderValue::from_str(&pair).unwrap();
            let read = read(Some(&header)).unwrap().input(7);
            let found = read.map(|input| input.is_current).ok().flatten();
            assert_eq!(found, flag, "{value}");
        }
    }
}
