//! The contract suites of the domain crates.

use probity_catalog::attachment::{AttachmentService, NewVersion, VersionInput};
use probity_catalog::{CatalogRepository as _, SpaceChanges, Visibility};
use probity_governance::evidence::{EvidenceError, EvidenceService, RunInput};
use probity_guardian::testing::World;
use probity_kernel::{OrganizationId, PageRequest, ProductId, SpaceId, SystemIds};

use crate::support::{Bed, context};

fn access(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let repository = bed.access();
    bed.block(probity_access::testing::repository_contract(
        &repository,
        north,
        south,
    ));
}

fn members(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let world = probity_access::testing::members::World {
        organization: north,
        open: bed.space(north, "open").id,
        closed: closed(bed, north),
        other: south,
        foreign: closed(bed, south),
    };
    let repository = bed.access();
    bed.block(probity_access::testing::members::members_contract(
        &repository,
        world,
    ));
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

/// A space for its members only.
fn closed(bed: &Bed, organization: OrganizationId) -> SpaceId {
    let space = bed.space(organization, "closed");
    let changes = SpaceChanges {
        visibility: Some(Visibility::Members),
        ..SpaceChanges::default()
    };
    let change = space.update(&context(organization), changes);
    let change = change.expect("a valid change").expect("a change");
    bed.block(bed.catalog().commit(change))
        .expect("a closed space");
    space.id
}

fn catalog(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let repository = bed.catalog();
    bed.block(probity_catalog::testing::repository_contract(
        &repository,
        north,
        south,
    ));
}

fn registry(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let repository = bed.models();
    bed.block(probity_registry::testing::repository_contract(
        &repository,
        north,
        south,
    ));
}

fn guardian(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let space = bed.space(north, "one");
    let world = World {
        organization: north,
        product: bed.product_in(&space, "one"),
        second_product: bed.product(north, "two"),
        space: space.id,
        other_organization: south,
        other_product: bed.product(south, "one"),
    };
    let repository = bed.guardian();
    bed.block(probity_guardian::testing::repository_contract(
        &repository,
        &world,
    ));
}

fn evidence(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let world = probity_governance::evidence::testing::World {
        organization: north,
        product: bed.product(north, "one"),
        second_product: bed.product(north, "two"),
        other_organization: south,
        other_product: bed.product(south, "one"),
    };
    let repository = bed.evidence();
    bed.block(probity_governance::evidence::testing::repository_contract(
        &repository,
        &world,
    ));
    assert_eq!(bed.database.check().expect("a check").violations, []);
    archived_products_take_no_evidence(bed, north, world.product);
}

fn archived_products_take_no_evidence(bed: &Bed, organization: OrganizationId, product: ProductId) {
    let mut raw = bed.raw();
    let id = raw.uuid(product.uuid());
    raw.must(&format!(
        "UPDATE products SET archived_at = created_at WHERE id = {id}"
    ));
    let service = EvidenceService::new(bed.evidence(), SystemIds::default());
    let ctx = context(organization);
    let input = RunInput {
        run_name: Some("late".to_owned()),
        run_type: Some("training".to_owned()),
        ..RunInput::default()
    };
    let late = bed.block(service.record_run(&ctx, product, input));
    assert!(
        matches!(late, Err(EvidenceError::ProductArchived)),
        "{late:?}"
    );
    let runs = bed.block(service.list_runs(organization, product, &PageRequest::first(1)));
    let run = runs.expect("runs are still read").items.remove(0);
    let deletion = bed.block(service.delete_run(&ctx, product, run.id, None));
    assert!(
        matches!(deletion, Err(EvidenceError::ProductArchived)),
        "{deletion:?}"
    );
}

fn attachments(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let world = probity_catalog::attachment::testing::World {
        organization: north,
        product: bed.product(north, "one"),
        second_product: bed.product(north, "two"),
        archived_product: bed.archived_product(north, "three"),
        models: [bed.model(north, "alpha").id, bed.model(north, "beta").id],
        other_organization: south,
        other_product: bed.product(south, "one"),
        other_model: bed.model(south, "gamma").id,
    };
    let repository = bed.attachments();
    bed.block(probity_catalog::attachment::testing::repository_contract(
        &repository,
        &world,
    ));
}

fn artifacts(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let space = bed.space(north, "one");
    let product = bed.product_in(&space, "one");
    let ctx = context(north);
    let service = AttachmentService::new(bed.attachments(), SystemIds::default());
    let found = bed.block(bed.catalog().find_product(north, product));
    let found = found.expect("a read").expect("the product");
    let new = NewVersion::parse(VersionInput {
        version_number: Some("1".to_owned()),
        ..VersionInput::default()
    });
    let new = new.expect("a valid version");
    let version = bed.block(service.record_version(&ctx, found.id, new));
    let runs = EvidenceService::new(bed.evidence(), SystemIds::default());
    let input = RunInput {
        run_name: Some("train".to_owned()),
        run_type: Some("training".to_owned()),
        ..RunInput::default()
    };
    let run = bed.block(runs.record_run(&ctx, product, input));
    let world = probity_artifacts::testing::World {
        organization: north,
        space: space.id,
        product,
        version: version.expect("a version").id,
        run: run.expect("a run").id,
        second_product: bed.product(north, "two"),
        archived_product: bed.archived_product(north, "three"),
        other_organization: south,
        other_product: bed.product(south, "one"),
    };
    bed.block(probity_artifacts::testing::repository_contract(
        &bed.artifacts(),
        &world,
    ));
    let report = bed.database.check().expect("a check");
    assert!(report.violations.is_empty(), "{report:#?}");
}

fn judgement(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let world = probity_governance::testing::World {
        organization: north,
        product: bed.product(north, "one"),
        second_product: bed.product(north, "two"),
        other_organization: south,
        other_product: bed.product(south, "one"),
    };
    let repository = bed.judgement();
    bed.block(probity_governance::testing::repository_contract(
        &repository,
        &world,
    ));
    let report = bed.database.check().expect("a check");
    assert!(report.violations.is_empty(), "{report:#?}");
}

on_both_databases!(
    access,
    members,
    catalog,
    attachments,
    registry,
    guardian,
    evidence,
    artifacts,
    judgement
);
