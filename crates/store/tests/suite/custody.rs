//! Retention: windows, and pruning on the record.

use std::collections::BTreeSet;

use probity_alerts::{AlertState, AlertsRepository as _, BannerFilter, Source};
use probity_custody::{HistoryQuery, HistoryRepository, RetentionService, Target, WindowInput};
use probity_kernel::{Actor, Context, OrganizationId, PageRequest, Subject};
use probity_store::{DieselAlerts, DieselHistory, DieselRetention, PastState, Pruned};
use time::Duration;

use crate::support::{Bed, NOW, tell};

fn windows(bed: &Bed) {
    let (north, south) = (bed.organization("north"), bed.organization("south"));
    let repository = DieselRetention::new(bed.database.clone());
    bed.block(probity_custody::testing::repository_contract(
        &repository,
        north,
        south,
    ));
}

fn later(organization: OrganizationId, days: i64) -> Context {
    let now = NOW + Duration::days(days);
    Context::new(organization, Actor::System("retention"), now)
}

fn prune_all(bed: &Bed, context: &Context, limit: u32) -> Pruned {
    let mut all = Pruned::default();
    loop {
        let pruned = bed.database.prune(context, limit).expect("a step");
        if pruned == Pruned::default() {
            return all;
        }
        all.leaves += pruned.leaves;
        all.alerts += pruned.alerts;
        sound(bed);
    }
}

fn sound(bed: &Bed) {
    let report = bed.database.check().expect("a check");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
}

/// The sources of the alerts in a state, each as often as there are alerts.
fn sources(bed: &Bed, organization: OrganizationId, state: AlertState) -> Vec<Source> {
    let alerts = DieselAlerts::new(bed.database.clone());
    let filter = BannerFilter {
        state: Some(state),
        ..BannerFilter::default()
    };
    let found = bed.block(alerts.list_alerts(organization, &filter, &PageRequest::first(100)));
    let found = found.expect("a list").items;
    found.iter().map(|alert| alert.origin.source).collect()
}

/// After each step every invariant holds; what is over is explained, what is young stays.
fn what_is_old_is_pruned_in_steps_on_the_record(bed: &Bed) {
    let told = tell(bed, "north", &mut |_, _| {});
    let other = tell(bed, "south", &mut |_, _| {});
    let organization = told.organization;
    let size = |organization| {
        let head = bed
            .block(bed.database.log_head(organization))
            .expect("a head");
        head.expect("a log").size
    };
    let (before, others) = (size(organization), size(other.organization));
    let early = later(organization, 20);
    assert_eq!(prune_all(bed, &early, 1000), Pruned::default());
    let resolved = sources(bed, organization, AlertState::Resolved);
    let kinds: BTreeSet<&str> = resolved.iter().map(|source| source.as_str()).collect();
    assert!(
        kinds.contains("review"),
        "one source at least beside metrics: {kinds:?}"
    );
    let open = sources(bed, organization, AlertState::Open);
    let late = later(organization, 4000);
    let pruned = prune_all(bed, &late, 7);
    assert_eq!(
        pruned.alerts,
        u64::try_from(resolved.len()).expect("a count")
    );
    assert_eq!(sources(bed, organization, AlertState::Resolved), []);
    assert_eq!(
        sources(bed, organization, AlertState::Open),
        open,
        "open ones stay"
    );
    assert_eq!(pruned.leaves, before, "all that the story told");
    assert_eq!(prune_all(bed, &late, 7), Pruned::default(), "and no more");
    assert!(size(organization) > before, "each step is on the record");
    assert_eq!(size(other.organization), others, "and on no other");
    sound(bed);
    let history = DieselHistory::new(bed.database.clone());
    let query = HistoryQuery {
        subject: Subject {
            kind: "registered_model",
            id: told.model.id.uuid(),
        },
        product: None,
    };
    let page = bed.block(history.history(organization, &query, &PageRequest::first(10)));
    assert_eq!(page.expect("a page").total, 0);
    let then = bed.block(bed.database.as_of(organization, NOW + Duration::days(30)));
    assert!(
        matches!(then, Ok(PastState::Pruned { since: Some(_) })),
        "{then:?}"
    );
    let now = bed.block(bed.database.as_of(organization, late.now));
    assert!(matches!(now, Ok(PastState::Found(_))), "{now:?}");
}

fn a_hold_keeps_everything(bed: &Bed) {
    let told = tell(bed, "north", &mut |_, _| {});
    let context = later(told.organization, 4000);
    let service = RetentionService::new(DieselRetention::new(bed.database.clone()));
    for target in Target::ALL {
        let hold = WindowInput {
            legal_hold: Some(true),
            hold_reason: Some("case 7".to_owned()),
            ..WindowInput::default()
        };
        bed.block(service.set(&context, target, &hold))
            .expect("a hold");
    }
    assert_eq!(prune_all(bed, &context, 1000), Pruned::default());
}

on_both_databases!(
    windows,
    what_is_old_is_pruned_in_steps_on_the_record,
    a_hold_keeps_everything,
);
