//! Data dependencies: what a product is built from and fed with.

use probity_kernel::text::TextRule;
use probity_kernel::{
    Change, Context, DataDependencyId, FieldError, OrganizationId, Patch, ProductId, Version,
};
use time::OffsetDateTime;

use super::error::AttachmentError;
use super::event::AttachmentEvent;
use super::input::{Check, DESCRIPTION, NAME, parse, passed, within};
use super::repository::{AttachmentChange, AttachmentWrite, Removal};

/// Addresses of data, as the team writes them: 1 to 2048 characters on one line.
const URI: TextRule = TextRule::line(2048);
/// Labels of versions: 1 to 100 characters on one line.
const VERSION_LABEL: TextRule = TextRule::line(100);

probity_kernel::vocabulary! {
    /// What a product depends on.
    DependencyType {
        /// A data set.
        Dataset = "dataset",
        /// A feature store.
        FeatureStore = "feature_store",
        /// A stream of events.
        Stream = "stream",
        /// An interface that is called.
        Api = "api",
        /// Another model.
        Model = "model",
        /// Anything else.
        Other = "other",
    }
}

/// A declared data dependency of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDependency {
    /// Its id.
    pub id: DataDependencyId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The product that depends on it.
    pub product: ProductId,
    /// Its name; unique among the product's dependencies.
    pub name: String,
    /// What it is.
    pub dependency_type: DependencyType,
    /// Where it is, as the team writes it.
    pub uri: Option<String>,
    /// Which version of it is used.
    pub version_label: Option<String>,
    /// What it holds.
    pub description: Option<String>,
    /// When it last changed upstream, as far as anybody has said.
    pub changed_at: Option<OffsetDateTime>,
    /// When it was declared.
    pub created_at: OffsetDateTime,
    /// When the declaration last changed.
    pub updated_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

/// A new dependency as it came in; `None` is an absent or null field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DependencyInput {
    /// Required: 1 to 200 characters on one line.
    pub name: Option<String>,
    /// A [`DependencyType`]; `dataset` when absent.
    pub dependency_type: Option<String>,
    /// 1 to 2048 characters on one line.
    pub uri: Option<String>,
    /// 1 to 100 characters on one line.
    pub version_label: Option<String>,
    /// Up to 2000 characters.
    pub description: Option<String>,
    /// At most 5 minutes in the future.
    pub changed_at: Option<OffsetDateTime>,
}

/// A new dependency whose every field is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDependency {
    name: String,
    dependency_type: DependencyType,
    uri: Option<String>,
    version_label: Option<String>,
    description: Option<String>,
    changed_at: Option<OffsetDateTime>,
}

impl NewDependency {
    /// Judges every field.
    ///
    /// # Errors
    /// [`AttachmentError::Invalid`] with every faulty field: `required`, `unknown_value`,
    /// `in_future`, and the codes of [`TextRule::check`].
    pub fn parse(input: DependencyInput, now: OffsetDateTime) -> Result<Self, AttachmentError> {
        let mut check = Check::default();
        let name = check.required("/name", input.name);
        let name = check.text("/name", NAME, name);
        let kind = check.parsed("/dependency_type", "unknown_value", input.dependency_type);
        let uri = check.text("/uri", URI, input.uri);
        let version_label = check.text("/version_label", VERSION_LABEL, input.version_label);
        let description = check.text("/description", DESCRIPTION, input.description);
        let changed = input.changed_at;
        let changed_at = changed.and_then(|at| check.take(passed("/changed_at", at, now)));
        check.done()?;
        Ok(Self {
            name: name.unwrap_or_default(),
            dependency_type: kind.unwrap_or(DependencyType::Dataset),
            uri,
            version_label,
            description,
            changed_at,
        })
    }
}

/// A partial update as it came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DependencyPatchInput {
    /// Cannot be cleared.
    pub name: Patch<String>,
    /// Cannot be cleared.
    pub dependency_type: Patch<String>,
    /// Null clears it.
    pub uri: Patch<String>,
    /// Null clears it.
    pub version_label: Patch<String>,
    /// Null clears it.
    pub description: Patch<String>,
    /// Null clears it.
    pub changed_at: Patch<OffsetDateTime>,
}

/// A partial update whose every field is in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DependencyPatch {
    name: Option<String>,
    dependency_type: Option<DependencyType>,
    uri: Patch<String>,
    version_label: Patch<String>,
    description: Patch<String>,
    changed_at: Patch<OffsetDateTime>,
}

impl DependencyPatch {
    /// Judges every field.
    ///
    /// # Errors
    /// As [`NewDependency::parse`] says, and `not_nullable`.
    pub fn parse(
        input: DependencyPatchInput,
        now: OffsetDateTime,
    ) -> Result<Self, AttachmentError> {
        let mut check = Check::default();
        let text = |field, rule| move |text| within(field, rule, text);
        let word = |text: String| -> Result<DependencyType, FieldError> {
            parse("/dependency_type", "unknown_value", &text)
        };
        let patch = Self {
            name: check.kept("/name", input.name, text("/name", NAME)),
            dependency_type: check.kept("/dependency_type", input.dependency_type, word),
            uri: check.clearable(input.uri, text("/uri", URI)),
            version_label: check
                .clearable(input.version_label, text("/version_label", VERSION_LABEL)),
            description: check.clearable(input.description, text("/description", DESCRIPTION)),
            changed_at: check.clearable(input.changed_at, |at| passed("/changed_at", at, now)),
        };
        check.done()?;
        Ok(patch)
    }
}

impl DataDependency {
    /// Declares a dependency of a product.
    pub fn declare(
        ctx: &Context,
        id: DataDependencyId,
        product: ProductId,
        new: NewDependency,
    ) -> AttachmentChange {
        let next = Self {
            id,
            organization: ctx.organization,
            product,
            name: new.name,
            dependency_type: new.dependency_type,
            uri: new.uri,
            version_label: new.version_label,
            description: new.description,
            changed_at: new.changed_at,
            created_at: ctx.now,
            updated_at: ctx.now,
            version: Version::FIRST,
        };
        let event = AttachmentEvent::DependencyDeclared(next.clone());
        let write = AttachmentWrite::PutDependency {
            next,
            expected: None,
        };
        Change::new(ctx, write, event)
    }

    /// Brings the declaration to what a patch says; `None` when it says nothing new.
    #[must_use]
    pub fn update(&self, ctx: &Context, patch: DependencyPatch) -> Option<AttachmentChange> {
        let before = self.clone();
        let mut next = Self {
            name: patch.name.unwrap_or(before.name),
            dependency_type: patch.dependency_type.unwrap_or(before.dependency_type),
            uri: patch.uri.over(before.uri),
            version_label: patch.version_label.over(before.version_label),
            description: patch.description.over(before.description),
            changed_at: patch.changed_at.over(before.changed_at),
            ..*self
        };
        if next == *self {
            return None;
        }
        next.updated_at = ctx.now;
        next.version = self.version.next();
        let event = AttachmentEvent::DependencyChanged {
            before: self.clone(),
            after: next.clone(),
        };
        let write = AttachmentWrite::PutDependency {
            next,
            expected: Some(self.version),
        };
        Some(Change::new(ctx, write, event))
    }

    /// Takes the declaration back.
    pub fn remove(&self, ctx: &Context) -> AttachmentChange {
        let removal = Removal {
            id: self.id,
            product: self.product,
            expected: self.version,
        };
        let event = AttachmentEvent::DependencyRemoved(self.clone());
        Change::new(ctx, AttachmentWrite::RemoveDependency(removal), event)
    }
}
