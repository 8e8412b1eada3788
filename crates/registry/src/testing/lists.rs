//! Lists: filters, searches, pages.

use probity_kernel::{OrganizationId, PageRequest, Paging};
use time::Duration;

use super::bench::{Bench, NOW, fixture};
use crate::input::NewModelInput;
use crate::profile::ModelTechnique;
use crate::repository::{ModelFilter, ModelRepository};
use crate::status::ValidationStatus;
use crate::tier::RiskTier;

/// Tier and status select exactly, the provider by any part in any case, and filters add up.
///
/// # Panics
/// When the promise is broken.
pub async fn filters_select<R: ModelRepository>(repo: &R, organization: OrganizationId) {
    let bench = Bench::new(repo, organization);
    for (name, provider, tier, status) in [
        ("a", "OpenAI", "tier_1", "draft"),
        ("b", "openai-azure", "tier_2", "validated"),
        ("c", "100%_Ähnlich", "tier_1", "validated"),
    ] {
        let input = NewModelInput {
            provider: Some(provider.to_owned()),
            risk_tier: Some(tier.to_owned()),
            validation_status: Some(status.to_owned()),
            ..fixture(&bench.name(name))
        };
        let model = bench.create(input).await;
        assert_eq!(model.technique, ModelTechnique::Unspecified);
    }
    let provider = |part: &str| ModelFilter {
        provider: Some(part.to_owned()),
        ..ModelFilter::default()
    };
    for (filter, expected) in [
        (ModelFilter::default(), vec!["c", "b", "a"]),
        (tier(RiskTier::Tier1), vec!["c", "a"]),
        (tier(RiskTier::Tier4), vec![]),
        (status(ValidationStatus::Validated), vec!["c", "b"]),
        (
            both(RiskTier::Tier1, ValidationStatus::Validated),
            vec!["c"],
        ),
        (provider("OPENAI"), vec!["b", "a"]),
        (provider("AZURE"), vec!["b"]),
        (provider("äHN"), vec!["c"]),
        (provider("0%_ä"), vec!["c"]),
        (provider("_penai"), vec![]),
        (provider("o%i"), vec![]),
    ] {
        assert_eq!(bench.names(filter.clone()).await, expected, "{filter:?}");
    }
}

fn tier(tier: RiskTier) -> ModelFilter {
    ModelFilter {
        risk_tier: Some(tier),
        ..ModelFilter::default()
    }
}

fn status(status: ValidationStatus) -> ModelFilter {
    ModelFilter {
        validation_status: Some(status),
        ..ModelFilter::default()
    }
}

fn both(risk_tier: RiskTier, validation_status: ValidationStatus) -> ModelFilter {
    ModelFilter {
        risk_tier: Some(risk_tier),
        validation_status: Some(validation_status),
        ..ModelFilter::default()
    }
}

/// Every word of a search occurs somewhere, as written, whatever its case in any script.
///
/// # Panics
/// When the promise is broken.
pub async fn searches_fold_and_take_words<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let input = NewModelInput {
        display_name: Some("Überprüfung KREDIT 50% a_b \\x".to_owned()),
        description: Some("Scores 'loans'\nfor ΣΟΦΟΣ retail".to_owned()),
        ..fixture(&bench.name("Risk-Score.v2"))
    };
    let first = bench.create(input).await;
    bench.create(fixture(&bench.name("plain"))).await;
    for (search, found) in [
        ("risk-score.V2", true),
        ("ÜBERPRÜFUNG", true),
        ("kredit überprüfung", true),
        ("  loans \t RETAIL\n", true),
        ("'loans'", true),
        ("σοφο", true),
        ("50%", true),
        ("a_b", true),
        ("\\x", true),
        ("5%%", false),
        ("a_x", false),
        ("aXb", false),
        ("kredit absent", false),
        ("kreditüberprüfung", false),
    ] {
        let filter = ModelFilter {
            search: Some(search.to_owned()),
            ..ModelFilter::default()
        };
        let names = bench.names(filter).await;
        let hit = names.iter().any(|name| name == "Risk-Score.v2");
        assert_eq!(
            (hit, names.len()),
            (found, usize::from(found)),
            "{search:?}"
        );
    }
    let blank = ModelFilter {
        search: Some(" \t ".to_owned()),
        ..ModelFilter::default()
    };
    assert_eq!(
        bench.names(blank).await.len(),
        2,
        "a blank search asks nothing"
    );
    assert_eq!(bench.find(first.id).await, Some(first));
}

/// Pages by offset and by cursor walk the same order, the newest first, even where clocks go back;
/// a cursor loses nothing and repeats nothing when entries are added meanwhile.
///
/// # Panics
/// When the promise is broken.
pub async fn pages_follow_the_order_of_creation<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let mut newest_first = Vec::new();
    for (name, seconds) in [("a", 9), ("b", 9), ("c", 3), ("d", 10), ("e", 0)] {
        let now = NOW + Duration::seconds(seconds);
        let model = bench.create_at(now, fixture(&bench.name(name))).await;
        assert!(model.updated_at >= model.created_at);
        newest_first.insert(0, model);
    }
    assert!(
        newest_first.is_sorted_by(|new, old| new.created_at >= old.created_at),
        "created_at never falls behind that of an earlier entry"
    );
    let filter = ModelFilter {
        search: Some(bench.name("")),
        ..ModelFilter::default()
    };
    let all = bench.list(&filter, &PageRequest::first(5)).await;
    assert_eq!((all.items, all.next), (newest_first.clone(), None));
    for offset in [0_usize, 1, 4, 5, 6] {
        let paging = Paging::Offset(u64::try_from(offset).unwrap_or_default());
        let page = bench.list(&filter, &PageRequest { limit: 2, paging }).await;
        let expected: Vec<_> = newest_first.iter().skip(offset).take(2).cloned().collect();
        assert_eq!((page.items, page.total), (expected, 5), "offset {offset}");
        assert_eq!(page.next.is_some(), offset + 2 < 5, "offset {offset}");
    }

    let mut walked = Vec::new();
    let mut page = bench.list(&filter, &PageRequest::first(2)).await;
    loop {
        walked.append(&mut page.items);
        bench
            .create(fixture(&bench.name(&format!("late-{}", walked.len()))))
            .await;
        let Some(cursor) = page.next else { break };
        let paging = Paging::After(cursor);
        page = bench.list(&filter, &PageRequest { limit: 2, paging }).await;
    }
    assert_eq!(
        walked, newest_first,
        "a walk by cursor is not disturbed by new entries"
    );
    assert_eq!(page.total, 7, "the total counts what is there now");
}
