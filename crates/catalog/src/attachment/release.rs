//! Versions of a product, one of them the current one.

use probity_kernel::clock::to_milliseconds;
use probity_kernel::text::TextRule;
use probity_kernel::{Change, Context, OrganizationId, ProductId, ProductVersionId, Version};
use time::OffsetDateTime;

use super::error::AttachmentError;
use super::event::AttachmentEvent;
use super::input::Check;
use super::repository::{AttachmentChange, AttachmentWrite};

/// Version numbers: 1 to 100 characters on one line.
const NUMBER: TextRule = TextRule::line(100);
/// Release notes: up to 20000 characters.
const NOTES: TextRule = TextRule::prose(20_000);

probity_kernel::vocabulary! {
    /// How far a version departs from the one before.
    VersionType {
        /// Uses of the one before may have to change.
        Major = "major",
        /// Something is new.
        Minor = "minor",
        /// Something is mended.
        Patch = "patch",
        /// Not meant for use yet.
        Prerelease = "prerelease",
    }
}

/// A version of a product. It stays as it is, but for whether it is the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductVersion {
    /// Its id.
    pub id: ProductVersionId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The product that it is of.
    pub product: ProductId,
    /// Its number in the team's own counting; unique among the product's versions.
    pub version_number: String,
    /// How far it departs from the one before.
    pub version_type: VersionType,
    /// When it is or was released.
    pub release_date: Option<OffsetDateTime>,
    /// What is new.
    pub release_notes: Option<String>,
    /// Whether it is the current one; at most one of a product is.
    pub is_current: bool,
    /// When it was recorded.
    pub created_at: OffsetDateTime,
    /// When it last became or ceased to be the current one.
    pub updated_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

/// The versions of a product in brief.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionSummary {
    /// How many there are.
    pub count: u64,
    /// The current one.
    pub current: Option<ProductVersion>,
}

/// A version as it came in; `None` is an absent or null field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionInput {
    /// Required: 1 to 100 characters on one line.
    pub version_number: Option<String>,
    /// A [`VersionType`]; `minor` when absent.
    pub version_type: Option<String>,
    /// An instant.
    pub release_date: Option<OffsetDateTime>,
    /// Up to 20000 characters.
    pub release_notes: Option<String>,
    /// Whether it becomes the current one; `true` when absent.
    pub is_current: Option<bool>,
}

/// A version whose every field is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    version_number: String,
    version_type: VersionType,
    release_date: Option<OffsetDateTime>,
    release_notes: Option<String>,
    is_current: bool,
}

impl NewVersion {
    /// Judges every field.
    ///
    /// # Errors
    /// [`AttachmentError::Invalid`] with every faulty field: `required`, `unknown_value`, and the
    /// codes of [`TextRule::check`].
    pub fn parse(input: VersionInput) -> Result<Self, AttachmentError> {
        let mut check = Check::default();
        let number = check.required("/version_number", input.version_number);
        let number = check.text("/version_number", NUMBER, number);
        let kind = check.parsed("/version_type", "unknown_value", input.version_type);
        let notes = check.text("/release_notes", NOTES, input.release_notes);
        check.done()?;
        Ok(Self {
            version_number: number.unwrap_or_default(),
            version_type: kind.unwrap_or(VersionType::Minor),
            release_date: input.release_date.map(to_milliseconds),
            release_notes: notes,
            is_current: input.is_current.unwrap_or(true),
        })
    }
}

impl ProductVersion {
    /// Records a version of a product.
    pub fn record(
        ctx: &Context,
        id: ProductVersionId,
        product: ProductId,
        new: NewVersion,
    ) -> AttachmentChange {
        let recorded = Self {
            id,
            organization: ctx.organization,
            product,
            version_number: new.version_number,
            version_type: new.version_type,
            release_date: new.release_date,
            release_notes: new.release_notes,
            is_current: new.is_current,
            created_at: ctx.now,
            updated_at: ctx.now,
            version: Version::FIRST,
        };
        let event = AttachmentEvent::VersionRecorded(recorded.clone());
        Change::new(ctx, AttachmentWrite::RecordVersion(recorded), event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_kernel::DomainError as _;

    #[test]
    fn a_number_is_all_that_is_needed() {
        let input = VersionInput {
            version_number: Some("2026.06".to_owned()),
            ..VersionInput::default()
        };
        let new = NewVersion::parse(input).unwrap();
        assert_eq!(
            (new.version_type, new.is_current),
            (VersionType::Minor, true)
        );
    }

    #[test]
    fn every_fault_is_told() {
        let input = VersionInput {
            version_type: Some("huge".to_owned()),
            release_notes: Some("x".repeat(20_001)),
            ..VersionInput::default()
        };
        let faults = NewVersion::parse(input).unwrap_err().fields();
        let told: Vec<_> = faults
            .iter()
            .map(|fault| (fault.field.as_str(), fault.code))
            .collect();
        let expected = [
            ("/version_number", "required"),
            ("/version_type", "unknown_value"),
            ("/release_notes", "too_long"),
        ];
        assert_eq!(told, expected);
    }
}
