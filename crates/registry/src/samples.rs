//! What unit tests start from.

use probity_kernel::{Actor, Context, OrganizationId, RegisteredModelId};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::input::{ModelPatch, ModelPatchInput, NewModel, Patch};
use crate::model::RegisteredModel;
use crate::settings::RegistrySettings;
use crate::status::ValidationStatus;
use crate::testing::fixture;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-03-13 09:00:00.123 UTC);

pub(crate) fn organization() -> OrganizationId {
    OrganizationId::new(Uuid::from_u128(0xACE))
}

pub(crate) fn ctx() -> Context {
    Context::new(organization(), Actor::System("test"), NOW)
}

pub(crate) fn ctx_at(now: OffsetDateTime) -> Context {
    Context::new(organization(), Actor::System("test"), now)
}

pub(crate) fn model_id() -> RegisteredModelId {
    RegisteredModelId::new(Uuid::from_u128(0xB0))
}

pub(crate) fn new_model(name: &str) -> NewModel {
    NewModel::parse(fixture(name)).unwrap()
}

/// An entry of `tier_3` made at [`NOW`] in the given status.
pub(crate) fn model_in(status: ValidationStatus) -> RegisteredModel {
    let new = NewModel {
        validation_status: status,
        ..new_model("gpt-4o")
    };
    RegisteredModel::entered(&ctx(), &RegistrySettings::default(), model_id(), new)
}

pub(crate) fn value(text: &str) -> Patch<String> {
    Patch::Value(text.to_owned())
}

pub(crate) fn patch(input: ModelPatchInput) -> ModelPatch {
    ModelPatch::parse(input).unwrap()
}

pub(crate) fn status_patch(status: ValidationStatus) -> ModelPatch {
    ModelPatch {
        validation_status: Some(status),
        ..ModelPatch::default()
    }
}
