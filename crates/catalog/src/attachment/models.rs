//! Which models of the inventory a product uses: a set, replaced as a whole.

use std::collections::BTreeSet;

use probity_kernel::{Change, Context, FieldError, ProductId, RegisteredModelId, Version};
use time::OffsetDateTime;

use super::error::AttachmentError;
use super::event::AttachmentEvent;
use super::repository::{AttachmentChange, AttachmentWrite};

/// The most models that one product is linked to.
pub const LARGEST_LINK_SET: usize = 200;

/// A model that a product uses, with what the inventory says about it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredModelLink {
    /// The entry of the inventory.
    pub registered_model: RegisteredModelId,
    /// How requests name the model.
    pub model_id: String,
    /// The name for people.
    pub display_name: String,
    /// The provider.
    pub provider: String,
    /// The risk tier, as the inventory spells it.
    pub risk_tier: String,
    /// The validation status, as the inventory spells it.
    pub validation_status: String,
    /// When the validation expires.
    pub validation_expires_at: Option<OffsetDateTime>,
    /// Since when the product is linked to it.
    pub linked_at: OffsetDateTime,
}

/// The links of one product, by the identifiers of the models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredModelLinks {
    /// The product.
    pub product: ProductId,
    /// The links.
    pub links: Vec<RegisteredModelLink>,
}

impl RegisteredModelLinks {
    /// The ids of the linked entries, in order.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<RegisteredModelId> {
        self.links
            .iter()
            .map(|link| link.registered_model)
            .collect()
    }

    /// The version of the set: made from what is in it, so that it is another one exactly when
    /// another set is linked, and going back to an earlier set goes back to its version.
    #[must_use]
    pub fn version(&self) -> Version {
        // FNV-1a over the ids; they are the server's own and random enough.
        let bytes = self.ids().into_iter().flat_map(|id| id.uuid().into_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Version::new((hash >> 1).cast_signed())
    }

    /// Replaces the set; `None` when it is the same already.
    #[must_use]
    pub fn replace(
        &self,
        ctx: &Context,
        after: BTreeSet<RegisteredModelId>,
    ) -> Option<AttachmentChange> {
        let before = self.ids();
        if before == after {
            return None;
        }
        let event = AttachmentEvent::ModelsLinked {
            product: self.product,
            before: before.clone(),
            after: after.clone(),
        };
        let write = AttachmentWrite::LinkModels {
            product: self.product,
            before,
            after,
        };
        Some(Change::new(ctx, write, event))
    }
}

/// An entry of the inventory as a caller names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkTargetInput {
    /// The id of the entry, in either spelling.
    pub id: Option<String>,
    /// How requests name the model.
    pub model_id: Option<String>,
}

/// An entry of the inventory, named in one of two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkTarget {
    /// By the id of the entry.
    Id(RegisteredModelId),
    /// By how requests name the model.
    ModelId(String),
}

/// Judges the entries of a set to link.
///
/// # Errors
/// [`AttachmentError::Invalid`]: `too_many` for the list, `required`, `conflicting`, `invalid_id` for
/// an entry, each with its index.
pub fn parse_targets(inputs: Vec<LinkTargetInput>) -> Result<Vec<LinkTarget>, AttachmentError> {
    if inputs.len() > LARGEST_LINK_SET {
        let message = format!("must hold at most {LARGEST_LINK_SET} entries");
        let fault = FieldError::new("/models", "too_many", message);
        return Err(AttachmentError::Invalid(vec![fault]));
    }
    let mut faults = Vec::new();
    let mut targets = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.into_iter().enumerate() {
        match target(index, input) {
            Ok(target) => targets.push(target),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        Ok(targets)
    } else {
        Err(AttachmentError::Invalid(faults))
    }
}

fn target(index: usize, input: LinkTargetInput) -> Result<LinkTarget, FieldError> {
    let field = |member: &str| format!("/models/{index}{member}");
    match (input.id, input.model_id) {
        (Some(id), None) => id.parse().map(LinkTarget::Id).map_err(|_| {
            let message = "must be a UUID or its `mdl_` spelling";
            FieldError::new(field("/id"), "invalid_id", message)
        }),
        (None, Some(model_id)) => Ok(LinkTarget::ModelId(model_id)),
        (None, None) => {
            let message = "must name a model by `id` or by `model_id`";
            Err(FieldError::new(field(""), "required", message))
        }
        (Some(_), Some(_)) => {
            let message = "must name a model by `id` or by `model_id`, not by both";
            Err(FieldError::new(field(""), "conflicting", message))
        }
    }
}

/// The ids of the entries that were asked for, or which of them are unknown.
pub(super) fn resolved(
    found: Vec<Option<RegisteredModelId>>,
) -> Result<BTreeSet<RegisteredModelId>, AttachmentError> {
    let unknown = |index: usize| {
        let message = "there is no such model in the inventory";
        FieldError::new(format!("/models/{index}"), "unknown_model", message)
    };
    let faults: Vec<FieldError> = (found.iter().enumerate())
        .filter(|(_, id)| id.is_none())
        .map(|(index, _)| unknown(index))
        .collect();
    if faults.is_empty() {
        Ok(found.into_iter().flatten().collect())
    } else {
        Err(AttachmentError::Invalid(faults))
    }
}
