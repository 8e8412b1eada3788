//! What is attached to the product of the story.

use probity_catalog::attachment::{
    AttachmentChange, AttachmentRepository, AttachmentWrite, DataDependency, DependencyInput,
    DependencyPatch, DependencyPatchInput, MitigationInput, MitigationPatch, MitigationPatchInput,
    NewDependency, NewMitigation, NewPolicy, NewVersion, PolicyAttachment, PolicyInput,
    ProductVersion, RegisteredModelLinks, RiskMitigation, VersionInput,
};
use probity_kernel::{IdSource, OrganizationId, Patch, ProductId, RegisteredModelId};

use super::{Bed, NOW, context};

pub(super) fn tell(
    bed: &Bed,
    organization: OrganizationId,
    product: ProductId,
    model: RegisteredModelId,
    told: &mut dyn FnMut(&str),
) {
    dependencies(bed, organization, product, told);
    policies(bed, organization, product, told);
    versions(bed, organization, product, told);
    mitigations(bed, organization, product, told);
    let none = RegisteredModelLinks {
        product,
        links: Vec::new(),
    };
    let change = none.replace(&context(organization), [model].into());
    commit(bed, change.expect("a link"));
    told("product.registered_models.linked");
}

fn commit(bed: &Bed, change: AttachmentChange) -> AttachmentWrite {
    bed.block(bed.attachments().commit(change))
        .expect("a commit")
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the fields of inputs are optional"
)]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn dependencies(
    bed: &Bed,
    organization: OrganizationId,
    product: ProductId,
    told: &mut dyn FnMut(&str),
) {
    let ctx = context(organization);
    let declare = |name: &str| {
        let input = DependencyInput {
            name: text(name),
            ..DependencyInput::default()
        };
        let new = NewDependency::parse(input, NOW).expect("a valid dependency");
        let id = bed.ids.next_id(NOW).into();
        let write = commit(bed, DataDependency::declare(&ctx, id, product, new));
        let AttachmentWrite::PutDependency { next, .. } = write else {
            panic!("declaring answered something else");
        };
        next
    };
    let doomed = declare("doomed");
    told("data_dependency.declared");
    commit(bed, doomed.remove(&ctx));
    told("data_dependency.removed");
    let kept = declare("claims");
    told("data_dependency.declared");
    let input = DependencyPatchInput {
        changed_at: Patch::Value(NOW),
        ..DependencyPatchInput::default()
    };
    let patch = DependencyPatch::parse(input, NOW).expect("a valid patch");
    commit(bed, kept.update(&ctx, patch).expect("a change"));
    told("data_dependency.changed");
}

fn policies(
    bed: &Bed,
    organization: OrganizationId,
    product: ProductId,
    told: &mut dyn FnMut(&str),
) {
    let ctx = context(organization);
    let attach = |key: &str| {
        let input = PolicyInput {
            policy_key: text(key),
            title: text("A policy"),
            ..PolicyInput::default()
        };
        let new = NewPolicy::parse(input).expect("a valid policy");
        let id = bed.ids.next_id(NOW).into();
        let write = commit(bed, PolicyAttachment::attach(&ctx, id, product, new));
        let AttachmentWrite::AttachPolicy(policy) = write else {
            panic!("attaching answered something else");
        };
        policy
    };
    let doomed = attach("doomed");
    told("policy.attached");
    commit(bed, doomed.detach(&ctx));
    told("policy.detached");
    attach("MR-1");
    told("policy.attached");
}

fn versions(
    bed: &Bed,
    organization: OrganizationId,
    product: ProductId,
    told: &mut dyn FnMut(&str),
) {
    let ctx = context(organization);
    for number in ["1.0", "1.1"] {
        let input = VersionInput {
            version_number: text(number),
            ..VersionInput::default()
        };
        let new = NewVersion::parse(input).expect("a valid version");
        let id = bed.ids.next_id(NOW).into();
        commit(bed, ProductVersion::record(&ctx, id, product, new));
        told("product_version.recorded");
    }
}

fn mitigations(
    bed: &Bed,
    organization: OrganizationId,
    product: ProductId,
    told: &mut dyn FnMut(&str),
) {
    let ctx = context(organization);
    let open = || {
        let input = MitigationInput {
            title: text("Mask the postcode"),
            severity: text("high"),
            ..MitigationInput::default()
        };
        let new = NewMitigation::parse(input).expect("a valid mitigation");
        let id = bed.ids.next_id(NOW).into();
        let write = commit(bed, RiskMitigation::open(&ctx, id, product, new));
        let AttachmentWrite::PutMitigation { next, .. } = write else {
            panic!("opening answered something else");
        };
        next
    };
    let doomed = open();
    told("risk_mitigation.opened");
    commit(bed, doomed.remove(&ctx));
    told("risk_mitigation.removed");
    let kept = open();
    told("risk_mitigation.opened");
    let input = MitigationPatchInput {
        status: Patch::Value("resolved".to_owned()),
        ..MitigationPatchInput::default()
    };
    let patch = MitigationPatch::parse(input).expect("a valid patch");
    commit(bed, kept.update(&ctx, patch).expect("a change"));
    told("risk_mitigation.updated");
}
