//! Entries and settings, one at a time.

use probity_kernel::{Change, OrganizationId, RepositoryError, Version};
use time::Duration;

use super::bench::{Bench, NOW, fixture, must};
use crate::Patch;
use crate::event::RegistryEvent;
use crate::input::{ModelPatchInput, NewModelInput};
use crate::model::RegisteredModel;
use crate::profile::ProfileId;
use crate::repository::{ModelFilter, ModelRepository, ModelWrite};
use crate::settings::{Months, RegistrySettings};

/// What is written is what is read, optional fields, text of any script and instants included.
///
/// # Panics
/// When the promise is broken.
pub async fn entries_survive_the_round_trip<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let minimal = bench.create(fixture(&bench.name("minimal"))).await;
    assert_eq!(minimal.organization, organization);
    assert_eq!(minimal.version, Version::FIRST);
    assert_eq!(bench.find(minimal.id).await.as_ref(), Some(&minimal));

    let text = |text: &str| Some(text.to_owned());
    let tags = [
        ("use_case", "Kredit 'A' \"B\" \\ {}"),
        ("a/b~c", ""),
        ("ключ", "値"),
    ];
    let full = NewModelInput {
        model_id: Some(bench.name("Füll/模型:v1.0 — ½")),
        display_name: text("Größe 100 % _under_ \u{1F600}"),
        validation_status: text("validated"),
        owner: text("owner@example.com"),
        description: text("first line\r\nsecond\tline; NULL, 'quoted'"),
        tags: Some(tags.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
        exposure: text("high"),
        purpose: text("medium"),
        technique: text("machine_learning"),
        ..fixture("")
    };
    let full = bench.create(full).await;
    assert!(full.validation_expires_at.is_some());
    assert_eq!(bench.find(full.id).await.as_ref(), Some(&full));

    let patch = ModelPatchInput {
        owner: Patch::Null,
        description: Patch::Null,
        tags: Patch::Value(std::collections::BTreeMap::new()),
        risk_tier: Patch::Value("tier_1".to_owned()),
        ..ModelPatchInput::default()
    };
    let next = must(bench.update(&full, patch).await, "an update is accepted");
    assert!(next.revalidation_due && next.owner.is_none());
    assert_eq!(next.version, full.version.next());
    assert_eq!(bench.find(full.id).await, Some(next));
    assert_eq!(
        bench.find(bench.id()).await,
        None,
        "an unknown id is absent"
    );
}

/// An identifier is taken once per organisation, and free again when its entry is gone.
///
/// # Panics
/// When the promise is broken.
pub async fn identifiers_are_unique_within_an_organization<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let first = bench.create(fixture(&bench.name("unique"))).await;
    let again = bench.creation(&bench.ctx(), fixture(&bench.name("unique")));
    let refused = repo.commit(again).await;
    assert!(
        matches!(refused, Err(RepositoryError::Conflict("model_id"))),
        "a duplicate is a conflict over model_id: {refused:?}"
    );
    bench.create(fixture(&bench.name("UNIQUE"))).await;
    let identifiers = ["unique", "UNIQUE", "nobody"].map(|name| bench.identifier(name));
    let known = bench.known(&identifiers).await;
    assert_eq!(known.len(), 2, "case counts, absent ones are left out");
    assert!(known.contains(&first), "the first entry is untouched");
    assert!(bench.known(&[]).await.is_empty());

    let deletion = first.clone().delete(&bench.ctx());
    must(repo.commit(deletion).await, "an entry can go");
    let second = bench.create(fixture(&bench.name("unique"))).await;
    assert_ne!(second.id, first.id);
}

/// What belongs to another organisation does not exist, and takes no names away.
///
/// # Panics
/// When the promise is broken.
pub async fn organizations_do_not_see_each_other<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
    other: OrganizationId,
) {
    let here = Bench::new(repo, organization);
    let there = here.of(other);
    let ours = here.create(fixture(&here.name("shared"))).await;
    assert_eq!(there.find(ours.id).await, None);
    assert!(there.names(ModelFilter::default()).await.is_empty());
    assert!(there.known(&[here.identifier("shared")]).await.is_empty());

    let foreign = |model: RegisteredModel| RegisteredModel {
        organization: other,
        ..model
    };
    let patch = rename("taken over");
    let update = there.update(&foreign(ours.clone()), patch).await;
    assert!(matches!(update, Err(RepositoryError::Stale)), "{update:?}");
    let deletion = foreign(ours.clone()).delete(&there.ctx());
    let deletion = repo.commit(deletion).await;
    assert!(
        matches!(deletion, Err(RepositoryError::Stale)),
        "{deletion:?}"
    );

    let theirs = there.create(fixture(&here.name("shared"))).await;
    assert_eq!(theirs.organization, other);
    assert_eq!(here.find(theirs.id).await, None);
    assert_eq!(here.find(ours.id).await, Some(ours));
}

fn rename(name: &str) -> ModelPatchInput {
    ModelPatchInput {
        display_name: Patch::Value(name.to_owned()),
        ..ModelPatchInput::default()
    }
}

/// Updates and deletions hold only for the version they were decided on.
///
/// # Panics
/// When the promise is broken.
pub async fn writes_demand_the_stored_version<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let first = bench.create(fixture(&bench.name("version"))).await;
    let second = must(
        bench.update(&first, rename("b")).await,
        "the first update holds",
    );
    let late = bench.update(&first, rename("c")).await;
    assert!(matches!(late, Err(RepositoryError::Stale)), "{late:?}");
    let late = repo.commit(first.delete(&bench.ctx())).await;
    assert!(matches!(late, Err(RepositoryError::Stale)), "{late:?}");
    assert_eq!(bench.find(second.id).await.as_ref(), Some(&second));

    let deletion = second.clone().delete(&bench.at(NOW + Duration::SECOND));
    let deleted = must(repo.commit(deletion).await, "an entry can go");
    let (id, expected) = (second.id, second.version);
    assert_eq!(deleted, ModelWrite::Delete { id, expected });
    assert_eq!(bench.find(id).await, None);
    let gone = bench.update(&second, rename("d")).await;
    assert!(matches!(gone, Err(RepositoryError::Stale)), "{gone:?}");
    let gone = repo.commit(second.delete(&bench.ctx())).await;
    assert!(matches!(gone, Err(RepositoryError::Stale)), "{gone:?}");
}

/// Settings are the default until stored, and each organisation has its own.
///
/// # Panics
/// When the promise is broken.
pub async fn settings_are_kept_per_organization<R: ModelRepository>(
    repo: &R,
    organization: OrganizationId,
    other: OrganizationId,
) {
    let bench = Bench::new(repo, organization);
    let read = async |organization| must(repo.settings(organization).await, "settings are read");
    let default = RegistrySettings::default();
    assert_eq!(read(organization).await, default);
    let mut changed = RegistrySettings {
        profile: ProfileId::Sr26_2,
        separation_of_duties: true,
        ..default
    };
    changed.validation_months.tier_4 = must(Months::new(120), "120 months are allowed");
    changed.materiality_months.low = must(Months::new(1), "one month is allowed");
    for (before, settings) in [(default, changed), (changed, default)] {
        let event = RegistryEvent::configured(organization, &before, &settings);
        let write = ModelWrite::Configure { settings };
        let change = Change::new(&bench.ctx(), write.clone(), event);
        assert_eq!(
            must(repo.commit(change).await, "settings are stored"),
            write
        );
        assert_eq!(read(organization).await, settings);
        assert_eq!(read(other).await, default);
    }
}
