//! Many writers at once, on one node and on two.

use std::sync::Arc;

use probity_access::{AccessRepository, NewOrganization, Organization};
use probity_governance::evidence::{EvidenceService, RunInput, RunPatch};
use probity_guardian::{
    Alert, AlertFilter, AlertState, ComplianceStatus, GuardianChange, GuardianRepository,
    GuardianWrite, IngestError, Ingestion, RiskMetricLink,
};
use probity_kernel::{
    Context, IdSource, OrganizationId, PageRequest, Paging, Patch, ProductId, RepositoryError,
    RiskMetricLinkId, SystemIds,
};
use probity_registry::{ModelFilter, ModelRepository};
use probity_store::{Database, DieselAccess, DieselGuardian, DieselModels};
use time::Duration;

use crate::support::story::limits;
use crate::support::{Bed, NOW, Raw, context};

const WRITERS: i64 = 64;

/// Positions without a gap, from the organisation's first on; answers how many.
fn contiguous(raw: &mut Raw, table: &str, organization: OrganizationId) -> i64 {
    let id = raw.uuid(organization.uuid());
    let mine = format!("WHERE organization_id = {id}");
    let count = raw.count(table, &mine);
    let first = raw.number(&format!(
        "SELECT MIN(position) % 1099511627776 AS number FROM {table} {mine}"
    ));
    let span = raw.number(&format!(
        "SELECT MAX(position) - MIN(position) + 1 AS number FROM {table} {mine}"
    ));
    assert_eq!((first, span), (0, count), "{table}");
    count
}

/// The context of a writer whose clock is a little off.
fn skewed(organization: OrganizationId, number: i64) -> Context {
    Context {
        now: NOW + Duration::milliseconds((number * 37) % 64),
        ..context(organization)
    }
}

fn all_of_many_writers_are_committed_once(bed: &Bed) {
    let organization = bed.organization("north");
    let writers = (0..WRITERS).map(|number| {
        let repository = bed.models();
        let change = bed.registration(&context(organization), &format!("model-{number}"));
        async move { repository.commit(change).await }
    });
    for outcome in bed.at_once(writers) {
        outcome.expect("every writer is committed");
    }
    let mut raw = bed.raw();
    assert_eq!(
        contiguous(&mut raw, "registered_models", organization),
        WRITERS
    );
    assert_eq!(
        contiguous(&mut raw, "audit_entries", organization),
        WRITERS + 1
    );
    let size = raw.number("SELECT size AS number FROM audit_heads");
    assert_eq!(size, WRITERS + 1);
    let totals = raw.number("SELECT CAST(SUM(models) AS BIGINT) AS number FROM registry_totals");
    assert_eq!(totals, WRITERS);
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

/// The order of the list is the order of `created_at`, whatever the writers' clocks say.
fn created_at_never_falls_behind_the_order_of_the_list(bed: &Bed) {
    let organization = bed.organization("north");
    let writers = (0..WRITERS).map(|number| {
        let repository = bed.models();
        let change = bed.registration(&skewed(organization, number), &format!("model-{number}"));
        async move { repository.commit(change).await }
    });
    for outcome in bed.at_once(writers) {
        outcome.expect("every writer is committed");
    }
    let repository = bed.models();
    let mut page = PageRequest::first(10);
    let mut listed = Vec::new();
    loop {
        let filter = ModelFilter::default();
        let found = bed.block(repository.list(organization, &filter, &page));
        let found = found.expect("a page");
        assert_eq!(found.total, 64);
        listed.extend(found.items);
        match found.next {
            Some(cursor) => page.paging = Paging::After(cursor),
            None => break,
        }
    }
    assert_eq!(listed.len(), 64);
    assert!(
        listed.is_sorted_by(|a, b| a.created_at >= b.created_at),
        "newest first"
    );
    assert!(
        listed
            .iter()
            .all(|model| model.updated_at >= model.created_at)
    );
}

/// Creations of organisations, registrations and ingestions of breaches, all at once.
async fn busy(
    database: Database,
    new: probity_access::AccessChange,
    model: probity_registry::ModelChange,
    breach: Ingestion,
) -> Result<(), RepositoryError> {
    DieselAccess::new(database.clone()).commit(new).await?;
    DieselModels::new(database.clone()).commit(model).await?;
    let ingested = DieselGuardian::new(database).ingest(breach).await;
    ingested.expect("an ingestion");
    Ok(())
}

fn two_nodes_write_for_the_same_organizations_at_once(bed: &Bed) {
    let organizations = [bed.organization("north"), bed.organization("south")];
    let products = organizations.map(|organization| bed.product(organization, "product"));
    let nodes = [bed.database.clone(), bed.node()];
    let mut work = Vec::new();
    for number in 0..WRITERS {
        for (organization, product) in organizations.into_iter().zip(products) {
            for (node, database) in nodes.iter().enumerate() {
                let ctx = context(organization);
                let name = format!("model-{number}-{node}");
                let slug = format!(
                    "org-{number}-{node}-{}",
                    usize::from(organization == organizations[0])
                );
                let id = OrganizationId::new(bed.ids.next_id(NOW));
                let new = NewOrganization::parse(&slug, "Another").expect("valid");
                work.push(busy(
                    database.clone(),
                    Organization::create(&context(id), id, new),
                    bed.registration(&ctx, &name),
                    Ingestion::single(ctx.clone(), bed.snapshot(&ctx, product, 90.0)),
                ));
            }
        }
    }
    for outcome in bed.at_once(work) {
        outcome.expect("no deadlock, no conflict");
    }
    let mut raw = bed.raw();
    for organization in organizations {
        let id = raw.uuid(organization.uuid());
        let mine = format!("WHERE organization_id = {id}");
        assert_eq!(
            contiguous(&mut raw, "registered_models", organization),
            2 * WRITERS
        );
        // Created, space, product, then one leaf for each registration and each ingestion.
        assert_eq!(
            contiguous(&mut raw, "audit_entries", organization),
            3 + 4 * WRITERS
        );
        assert_eq!(raw.count("metric_snapshots", &mine), 2 * WRITERS);
        assert_eq!(raw.count("alerts", &mine), 1, "one alert, opened once");
    }
    let numbers = raw.number("SELECT MAX(no) AS number FROM organizations");
    assert_eq!(
        (numbers, raw.count("organizations", "")),
        (2 + 4 * WRITERS, 2 + 4 * WRITERS)
    );
    let [_, second] = nodes;
    second.drain();
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

/// 200 runs of one product are deployed at once, half of them new and half by an update.
fn of_many_deployments_at_once_one_run_is_deployed(bed: &Bed) {
    const DEPLOYMENTS: u64 = 200;
    let organization = bed.organization("north");
    let product = bed.product(organization, "product");
    let service = Arc::new(EvidenceService::new(bed.evidence(), SystemIds::default()));
    let run = |number: u64, deployed| RunInput {
        run_name: Some(format!("run {number}")),
        run_type: Some("deployment".to_owned()),
        is_deployed: Some(deployed),
        ..RunInput::default()
    };
    let deployments = (0..DEPLOYMENTS).map(|number| {
        let (service, ctx) = (service.clone(), context(organization));
        let (new, known) = (run(number, true), run(number, false));
        async move {
            if number % 2 == 0 {
                return service.record_run(&ctx, product, new).await;
            }
            let run = service.record_run(&ctx, product, known).await?;
            let patch = RunPatch {
                is_deployed: Patch::Value(true),
                ..RunPatch::default()
            };
            service.update_run(&ctx, product, run.id, patch, None).await
        }
    });
    for outcome in bed.at_once(deployments) {
        let run = outcome.expect("every deployment is carried out");
        assert!(run.fields.is_deployed && run.deployed_at.is_some());
    }
    let mut raw = bed.raw();
    assert_eq!(raw.count("training_runs", ""), 200);
    assert_eq!(raw.count("training_runs", "WHERE is_deployed"), 1);
    assert_eq!(bed.database.check().expect("a check").violations, []);
}

mod memory {
    //! A lane remembers where products stand; whatever moves that elsewhere, on another node or in
    //! another family, is seen by its next turn.

    use std::cell::Cell;

    use super::*;

    struct Memory<'a> {
        bed: &'a Bed,
        organization: OrganizationId,
        product: ProductId,
        minutes: Cell<i64>,
    }

    impl Memory<'_> {
        /// A minute later.
        fn next(&self) -> Context {
            self.minutes.set(self.minutes.get() + 1);
            Context {
                now: NOW + Duration::minutes(self.minutes.get()),
                ..context(self.organization)
            }
        }

        fn drift(&self, node: &DieselGuardian, drift: f64) -> ComplianceStatus {
            let ctx = self.next();
            let snapshot = self.bed.snapshot(&ctx, self.product, drift);
            let outcome = self
                .bed
                .block(node.ingest(Ingestion::single(ctx, snapshot)));
            outcome.expect("an ingestion")[0].status
        }

        fn open(&self) -> Vec<Alert> {
            let filter = AlertFilter {
                state: Some(AlertState::Open),
                ..AlertFilter::default()
            };
            let (guardian, page) = (self.bed.guardian(), PageRequest::first(9));
            let found = guardian.list_alerts(self.organization, &filter, &page);
            self.bed.block(found).expect("alerts").items
        }

        fn commit(&self, node: &DieselGuardian, change: GuardianChange) -> GuardianWrite {
            self.bed.block(node.commit(change)).expect("a commit")
        }

        fn alerts_opened_and_resolved_there(&self, here: &DieselGuardian, there: &DieselGuardian) {
            assert_eq!(self.drift(here, 1.0), ComplianceStatus::Green);
            assert_eq!(self.drift(there, 90.0), ComplianceStatus::Red);
            assert_eq!(self.drift(here, 91.0), ComplianceStatus::Red);
            let alerts = self.open();
            assert_eq!(alerts.len(), 1, "a repetition opens no second alert");
            let resolve = alerts[0].resolve(&self.next(), None);
            self.commit(there, resolve.expect("a decision").expect("a change"));
            assert_eq!(self.drift(here, 92.0), ComplianceStatus::Red);
            let again = self.open();
            assert_eq!(again.len(), 1);
            assert_ne!(again[0].id, alerts[0].id, "a breach after it opens another");
        }

        fn limits_set_and_dropped_there(&self, here: &DieselGuardian, there: &DieselGuardian) {
            let ctx = self.next();
            let id = RiskMetricLinkId::new(self.bed.ids.next_id(ctx.now));
            let link = RiskMetricLink::create(&ctx, id, self.product, limits(93.0, 95.0));
            let GuardianWrite::CreateLink(link) = self.commit(there, link) else {
                panic!("creating a link answered something else");
            };
            assert_eq!(self.drift(here, 92.0), ComplianceStatus::Green);
            assert!(self.open().is_empty());
            self.commit(there, link.delete(&self.next()));
            assert_eq!(self.drift(here, 60.0), ComplianceStatus::Amber);
        }

        fn a_refusal_here(&self, here: &DieselGuardian) {
            let ctx = self.next();
            let unknown = ProductId::new(self.bed.ids.next_id(NOW));
            let batch =
                [self.product, unknown].map(|product| self.bed.snapshot(&ctx, product, 1.0));
            let batch = Ingestion::new(ctx, batch.to_vec()).expect("a valid batch");
            let refused = self.bed.block(here.ingest(batch));
            assert!(matches!(refused, Err(IngestError::UnknownProduct(_))));
            assert_eq!(self.open().len(), 1, "a refused batch moves nothing");
            assert_eq!(self.drift(here, 1.0), ComplianceStatus::Green);
            assert!(self.open().is_empty());
        }
    }

    fn what_a_lane_remembers_is_true(bed: &Bed) {
        let organization = bed.organization("north");
        let memory = Memory {
            bed,
            organization,
            product: bed.product(organization, "product"),
            minutes: Cell::new(0),
        };
        let second = bed.node();
        let (one, two) = (bed.guardian(), DieselGuardian::new(second.clone()));
        for (here, there) in [(&one, &two), (&two, &one)] {
            memory.alerts_opened_and_resolved_there(here, there);
            memory.limits_set_and_dropped_there(here, there);
            memory.a_refusal_here(here);
        }
        second.drain();
        assert_eq!(bed.database.check().expect("a check").violations, []);
    }

    on_both_databases!(what_a_lane_remembers_is_true);
}

on_both_databases!(
    all_of_many_writers_are_committed_once,
    created_at_never_falls_behind_the_order_of_the_list,
    of_many_deployments_at_once_one_run_is_deployed,
);
on_postgres_only!(two_nodes_write_for_the_same_organizations_at_once);
