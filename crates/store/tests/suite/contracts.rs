//! The contract suites of the domain crates.

use probity_guardian::testing::World;

use crate::support::Bed;

fn access(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let repository = bed.access();
    bed.block(probity_access::testing::repository_contract(
        &repository,
        north,
        south,
    ));
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
    let world = World {
        organization: north,
        product: bed.product(north, "one"),
        second_product: bed.product(north, "two"),
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
    catalog,
    attachments,
    registry,
    guardian,
    evidence,
    judgement
);
