//! Policies that a product is under.

use probity_kernel::text::TextRule;
use probity_kernel::{Change, Context, OrganizationId, PolicyAttachmentId, ProductId, Version};
use time::OffsetDateTime;

use super::error::AttachmentError;
use super::event::AttachmentEvent;
use super::input::{Check, DESCRIPTION, NAME};
use super::repository::{AttachmentChange, AttachmentWrite, Removal};
use crate::serving_url::ServingUrl;

/// The key of a policy in the organisation's own books: 1 to 100 characters on one line.
const KEY: TextRule = TextRule::line(100);

/// A policy that is attached to a product. An attachment is made and taken back, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyAttachment {
    /// Its id.
    pub id: PolicyAttachmentId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The product that is under the policy.
    pub product: ProductId,
    /// The policy's key in the organisation's own books; unique among the product's policies.
    pub policy_key: String,
    /// The policy's title.
    pub title: String,
    /// Where the policy can be read.
    pub reference_url: Option<ServingUrl>,
    /// What it demands of the product.
    pub description: Option<String>,
    /// When it was attached.
    pub attached_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

/// A policy to attach as it came in; `None` is an absent or null field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyInput {
    /// Required: 1 to 100 characters on one line.
    pub policy_key: Option<String>,
    /// Required: 1 to 200 characters on one line.
    pub title: Option<String>,
    /// An `http` or `https` address without user name or password, up to 2048 bytes.
    pub reference_url: Option<String>,
    /// Up to 2000 characters.
    pub description: Option<String>,
}

/// A policy to attach whose every field is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPolicy {
    policy_key: String,
    title: String,
    reference_url: Option<ServingUrl>,
    description: Option<String>,
}

impl NewPolicy {
    /// Judges every field.
    ///
    /// # Errors
    /// [`AttachmentError::Invalid`] with every faulty field: `required`, `malformed`, and the codes
    /// of [`TextRule::check`].
    pub fn parse(input: PolicyInput) -> Result<Self, AttachmentError> {
        let mut check = Check::default();
        let key = check.required("/policy_key", input.policy_key);
        let key = check.text("/policy_key", KEY, key);
        let title = check.required("/title", input.title);
        let title = check.text("/title", NAME, title);
        let url = check.parsed("/reference_url", "malformed", input.reference_url);
        let description = check.text("/description", DESCRIPTION, input.description);
        check.done()?;
        Ok(Self {
            policy_key: key.unwrap_or_default(),
            title: title.unwrap_or_default(),
            reference_url: url,
            description,
        })
    }
}

impl PolicyAttachment {
    /// Puts a product under a policy.
    pub fn attach(
        ctx: &Context,
        id: PolicyAttachmentId,
        product: ProductId,
        new: NewPolicy,
    ) -> AttachmentChange {
        let attached = Self {
            id,
            organization: ctx.organization,
            product,
            policy_key: new.policy_key,
            title: new.title,
            reference_url: new.reference_url,
            description: new.description,
            attached_at: ctx.now,
            version: Version::FIRST,
        };
        let event = AttachmentEvent::PolicyAttached(attached.clone());
        Change::new(ctx, AttachmentWrite::AttachPolicy(attached), event)
    }

    /// Takes the product from under the policy.
    pub fn detach(&self, ctx: &Context) -> AttachmentChange {
        let removal = Removal {
            id: self.id,
            product: self.product,
            expected: self.version,
        };
        let event = AttachmentEvent::PolicyDetached(self.clone());
        Change::new(ctx, AttachmentWrite::DetachPolicy(removal), event)
    }
}
