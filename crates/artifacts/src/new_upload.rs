//! What an upload session is opened from.

use probity_kernel::text::TextRule;
use probity_kernel::{FieldError, ObjectRule, ProductVersionId, TrainingRunId};
use serde_json::{Map, Value};
use url::Url;

use crate::digest::Sha256Digest;
use crate::error::ArtifactError;
use crate::plan::LARGEST_ARTIFACT;
use crate::vocabulary::{ArtifactKind, Layout};

/// The most bytes of a file name.
pub const LONGEST_FILE_NAME: usize = 255;
/// The most bytes of a content type.
pub const LONGEST_CONTENT_TYPE: usize = 255;
/// The most bytes of the metadata in its JSON text.
pub const LARGEST_METADATA: usize = 64 * 1024;
const METADATA: ObjectRule = ObjectRule {
    max: LARGEST_METADATA,
    too_large: "too_large",
};
/// Version labels: 1 to 100 characters on one line.
const LABEL: TextRule = TextRule::line(100);
/// The most bytes of an address.
const LONGEST_URI: usize = 2048;

/// What is said about an artifact by whoever uploads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactFacts {
    /// The name of the file, as text; it never becomes a path.
    pub file_name: String,
    /// Its media type.
    pub content_type: String,
    /// What it is.
    pub kind: ArtifactKind,
    /// The label of its version.
    pub version_label: Option<String>,
    /// The version of the product that it belongs to.
    pub product_version: Option<ProductVersionId>,
    /// The run that made it.
    pub training_run: Option<TrainingRunId>,
    /// Whether it becomes the current artifact of its product.
    pub is_current: bool,
    /// Where else it can be found; it is shown and never dialled.
    pub external_uri: Option<String>,
    /// Anything else.
    pub metadata: Map<String, Value>,
}

impl ArtifactFacts {
    /// The format that the metadata names (member `format`).
    #[must_use]
    pub fn model_format(&self) -> Option<&str> {
        self.metadata.get("format").and_then(Value::as_str)
    }
}

/// An upload as it came in; `None` is an absent or null field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UploadInput {
    /// Required: 1 to 255 bytes on one line.
    pub file_name: Option<String>,
    /// Required: a media type of up to 255 bytes.
    pub content_type: Option<String>,
    /// Required: 0 to [`LARGEST_ARTIFACT`].
    pub total_size_bytes: Option<i64>,
    /// 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// An [`ArtifactKind`]; `model_binary` when absent.
    pub artifact_kind: Option<String>,
    /// 1 to 100 characters on one line.
    pub version_label: Option<String>,
    /// A version of the product.
    pub product_version_id: Option<String>,
    /// A run of the product.
    pub training_run_id: Option<String>,
    /// `false` when absent.
    pub is_current: Option<bool>,
    /// An absolute URI of up to 2048 bytes without a user name or password.
    pub external_uri: Option<String>,
    /// A JSON object of up to 64 KiB.
    pub metadata: Option<Value>,
}

/// An upload whose every field is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// What is said about the artifact.
    pub facts: ArtifactFacts,
    /// How many bytes it has.
    pub total_size: u64,
    /// The digest it has to have.
    pub sha256: Option<Sha256Digest>,
    /// How its chunks are cut.
    pub layout: Layout,
}

impl NewUpload {
    /// Judges every field.
    ///
    /// # Errors
    /// [`ArtifactError::Invalid`] with every faulty field: `required`, `too_short`, `too_long`,
    /// `control_character`, `malformed`, `out_of_range`, `unknown_value`, `wrong_type`,
    /// `too_large`.
    pub fn parse(input: UploadInput) -> Result<Self, ArtifactError> {
        let mut check = Check::default();
        let file_name = check.required("/file_name", input.file_name);
        let file_name = check.take(file_name.map(|name| judge_name("/file_name", name)));
        let content_type = check.required("/content_type", input.content_type);
        let content_type = check.take(content_type.map(|it| judge_type("/content_type", it)));
        let total = check.required("/total_size_bytes", input.total_size_bytes);
        let total_size = check.take(total.map(judge_size));
        let sha256 = check.parsed("/sha256", "malformed", input.sha256);
        let kind = check.parsed("/artifact_kind", "unknown_value", input.artifact_kind);
        let label = input.version_label;
        let version_label = check.take(label.map(|label| {
            let checked = LABEL.check("/version_label", &label);
            checked.map(|()| label)
        }));
        let version = input.product_version_id;
        let product_version = check.parsed("/product_version_id", "malformed", version);
        let training_run = check.parsed("/training_run_id", "malformed", input.training_run_id);
        let external_uri = check.take(input.external_uri.map(judge_uri));
        let metadata = check.take(input.metadata.map(judge_metadata));
        check.done()?;
        Ok(Self {
            facts: ArtifactFacts {
                file_name: file_name.unwrap_or_default(),
                content_type: content_type.unwrap_or_default(),
                kind: kind.unwrap_or(ArtifactKind::ModelBinary),
                version_label,
                product_version,
                training_run,
                is_current: input.is_current.unwrap_or(false),
                external_uri,
                metadata: metadata.unwrap_or_default(),
            },
            total_size: total_size.unwrap_or_default(),
            sha256,
            layout: Layout::Fixed,
        })
    }

    /// The same upload in pieces that are appended.
    #[must_use]
    pub fn appended(mut self) -> Self {
        self.layout = Layout::Appended;
        self
    }
}

/// Collects faults.
#[derive(Debug, Default)]
struct Check(Vec<FieldError>);

impl Check {
    fn take<T>(&mut self, judged: Option<Result<T, FieldError>>) -> Option<T> {
        judged?.map_err(|fault| self.0.push(fault)).ok()
    }

    fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.0
                .push(FieldError::new(field, "required", "is required"));
        }
        value
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        field: &str,
        code: &'static str,
        text: Option<String>,
    ) -> Option<T> {
        self.take(text.map(|text| {
            let parsed = text.parse::<T>();
            parsed.map_err(|fault| FieldError::new(field, code, fault.to_string()))
        }))
    }

    fn done(self) -> Result<(), ArtifactError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ArtifactError::Invalid(self.0))
        }
    }
}

fn judge_name(field: &str, name: String) -> Result<String, FieldError> {
    TextRule::line(LONGEST_FILE_NAME).check(field, &name)?;
    if name.len() > LONGEST_FILE_NAME {
        let message = format!("must hold at most {LONGEST_FILE_NAME} bytes of UTF-8");
        return Err(FieldError::new(field, "too_long", message));
    }
    Ok(name)
}

/// A media type: `type/subtype` with parameters behind it, in visible ASCII.
fn judge_type(field: &str, text: String) -> Result<String, FieldError> {
    if text.len() > LONGEST_CONTENT_TYPE {
        let message = format!("must hold at most {LONGEST_CONTENT_TYPE} bytes");
        return Err(FieldError::new(field, "too_long", message));
    }
    let token = |part: &str| {
        let sign = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        !part.is_empty() && part.bytes().all(sign)
    };
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let named = essence.split_once('/');
    let visible = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if visible && named.is_some_and(|(kind, subtype)| token(kind) && token(subtype)) {
        return Ok(text);
    }
    let message = "must be a media type such as application/octet-stream";
    Err(FieldError::new(field, "malformed", message))
}

fn judge_size(size: i64) -> Result<u64, FieldError> {
    let size = u64::try_from(size)
        .ok()
        .filter(|size| *size <= LARGEST_ARTIFACT);
    size.ok_or_else(|| {
        let message = format!("must be from 0 to {LARGEST_ARTIFACT}");
        FieldError::new("/total_size_bytes", "out_of_range", message)
    })
}

fn judge_uri(text: String) -> Result<String, FieldError> {
    // URL parsers drop tabs and line breaks; what is kept as written must not hold any.
    let visible = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let anonymous = |url: &Url| url.username().is_empty() && url.password().is_none();
    // What a browser would run or show as ours.
    let harmless = |url: &Url| !matches!(url.scheme(), "javascript" | "data" | "blob" | "vbscript");
    let parsed = Url::parse(&text).ok();
    let fits = text.len() <= LONGEST_URI && visible;
    if fits && parsed.is_some_and(|url| anonymous(&url) && harmless(&url)) {
        return Ok(text);
    }
    let message = "must be an absolute URI of at most 2048 bytes without a user name or password";
    Err(FieldError::new("/external_uri", "malformed", message))
}

fn judge_metadata(value: Value) -> Result<Map<String, Value>, FieldError> {
    let Value::Object(metadata) = value else {
        return Err(FieldError::new(
            "/metadata",
            "wrong_type",
            "must be a JSON object",
        ));
    };
    METADATA.check("/metadata", &metadata)?;
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_kernel::DomainError as _;
    use serde_json::json;

    fn least() -> UploadInput {
        UploadInput {
            file_name: Some("churn-model-v2.onnx".to_owned()),
            content_type: Some("application/octet-stream".to_owned()),
            total_size_bytes: Some(73_400_320),
            ..UploadInput::default()
        }
    }

    #[test]
    fn three_fields_are_all_that_is_needed() {
        let new = NewUpload::parse(least()).unwrap();
        assert_eq!(new.facts.kind, ArtifactKind::ModelBinary);
        assert_eq!((new.total_size, new.facts.is_current), (73_400_320, false));
        assert_eq!(new.sha256, None);
    }

    #[test]
    fn every_fault_is_told() {
        let input = UploadInput {
            file_name: Some("a\0b".to_owned()),
            content_type: Some("text".to_owned()),
            total_size_bytes: Some(-1),
            sha256: Some("abc".to_owned()),
            artifact_kind: Some("pickle".to_owned()),
            version_label: Some(String::new()),
            product_version_id: Some("x".to_owned()),
            training_run_id: Some("run_x".to_owned()),
            is_current: None,
            external_uri: Some("javascript:alert(1)".to_owned()),
            metadata: Some(json!([])),
        };
        let faults = NewUpload::parse(input).unwrap_err().fields();
        let told: Vec<_> = faults
            .iter()
            .map(|it| (it.field.as_str(), it.code))
            .collect();
        let expected = [
            ("/file_name", "control_character"),
            ("/content_type", "malformed"),
            ("/total_size_bytes", "out_of_range"),
            ("/sha256", "malformed"),
            ("/artifact_kind", "unknown_value"),
            ("/version_label", "too_short"),
            ("/product_version_id", "malformed"),
            ("/training_run_id", "malformed"),
            ("/external_uri", "malformed"),
            ("/metadata", "wrong_type"),
        ];
        assert_eq!(told, expected);
        let absent = NewUpload::parse(UploadInput::default())
            .unwrap_err()
            .fields();
        assert!(absent.iter().all(|fault| fault.code == "required"));
        assert_eq!(absent.len(), 3);
    }

    #[test]
    fn names_are_text_and_sizes_have_bounds() {
        for name in [
            "../../etc/passwd",
            "C:\\x",
            "CON",
            "\u{202e}gnp.exe",
            "Ä Ö.bin",
        ] {
            let input = UploadInput {
                file_name: Some(name.to_owned()),
                ..least()
            };
            assert_eq!(NewUpload::parse(input).unwrap().facts.file_name, name);
        }
        let long = "ä".repeat(128);
        let input = UploadInput {
            file_name: Some(long),
            ..least()
        };
        assert!(NewUpload::parse(input).is_err(), "256 bytes");
        let largest = i64::try_from(LARGEST_ARTIFACT).unwrap();
        for (size, fits) in [
            (0, true),
            (largest, true),
            (largest + 1, false),
            (i64::MIN, false),
        ] {
            let input = UploadInput {
                total_size_bytes: Some(size),
                ..least()
            };
            assert_eq!(NewUpload::parse(input).is_ok(), fits, "{size}");
        }
    }
}
