//! Sound databases, about which there is nothing to tell.

use super::*;

fn an_empty_one(bed: &Bed) {
    let report = sound(bed);
    assert!(report.checked.len() > 40, "{report:#?}");
}

fn one_with_rows_in_every_table(bed: &Bed) {
    let two = Two::tell(bed);
    let report = sound(bed);
    let examined = |name: &str| {
        let item = report.checked.iter().find(|item| item.name == name);
        item.unwrap_or_else(|| panic!("{name} is not among the checks"))
            .examined
    };
    let mut raw = bed.raw();
    let entries = u64::try_from(raw.count("audit_entries", "")).expect("a count");
    assert_eq!(examined("record.entries"), entries);
    assert_eq!(examined("record.head"), 2);
    assert_eq!(examined("record.checkpoints"), 1);
    assert_eq!(examined("values.metric_snapshots"), 10);
    // An organisation, a user, two keys, a space, a product, two entries, a link, five
    // snapshots, three alerts, two runs, a metric and a runtime event, a dependency, a policy, a
    // mitigation, two versions, two review requests, an upload, an artifact and a webhook.
    assert_eq!(examined("record.evidence"), 2 * 31);
    for item in &report.checked {
        let idle = [
            "record.nodes",
            "references.audit_nodes",
            "references.audit_timestamps",
            "references.audit_blocks",
            "references.retention_windows",
        ];
        assert!(
            item.examined > 0 || idle.contains(&item.name),
            "{}",
            item.name
        );
    }
    assert_ne!(two.north.organization, two.south.organization);
}

/// More rows than a page holds, in the logs and among the snapshots, with late arrivals and
/// captures ahead of the clock.
fn one_of_many_pages(bed: &Bed) {
    let organization = bed.organization("north");
    let products = ["one", "two"].map(|slug| bed.product(organization, slug));
    let (models, guardian) = (bed.models(), bed.guardian());
    let usage = (0..1100).map(|_| {
        let models = models.clone();
        async move { models.commit(observed_usage(&context(organization))).await }
    });
    for outcome in bed.at_once(usage) {
        outcome.expect("usage is recorded");
    }
    let batches = (0..30_i64).map(|number| {
        let ctx = context(organization);
        let batch = (0..100_i64).map(|place| {
            let product = products[usize::from(place % 2 == 0)];
            let mut snapshot = bed.snapshot(
                &ctx,
                product,
                [1.0, 60.0, 90.0][usize::try_from(place % 3).expect("a place")],
            );
            snapshot.captured_at += time::Duration::seconds((number * 7 + place * 13) % 400 - 200);
            snapshot
        });
        let ingestion = Ingestion::new(ctx.clone(), batch.collect()).expect("a valid batch");
        let guardian = guardian.clone();
        async move { guardian.ingest(ingestion).await }
    });
    for outcome in bed.at_once(batches) {
        outcome.expect("an ingestion");
    }
    let report = sound(bed);
    let examined = |name: &str| {
        report
            .checked
            .iter()
            .find(|item| item.name == name)
            .map(|item| item.examined)
    };
    assert_eq!(examined("record.entries"), Some(1 + 4 + 1100 + 30));
    assert_eq!(examined("values.metric_snapshots"), Some(3000));
    // Of 1,135 leaves: subtrees of 16 and of 256.
    assert_eq!(examined("record.nodes"), Some(70 + 4));
}

on_both_databases!(
    an_empty_one,
    one_with_rows_in_every_table,
    one_of_many_pages
);
