//! The check of a whole database: silent about a sound one, and each kind of damage is told.

use probity_guardian::{GuardianRepository, Ingestion};
use probity_kernel::{IdSource, OrganizationId};
use probity_ledger::{Checkpoint, Hash, NoteSigner};
use probity_registry::ModelRepository;
use probity_store::CheckReport;
use uuid::Uuid;

use crate::support::story::{Story, observed_usage};
use crate::support::{Bed, NOW, Raw, context, tell};

/// Two organisations with rows in every table, and a checkpoint of the first.
struct Two {
    north: Story,
    south: Story,
    /// An id that nothing has.
    unknown: Uuid,
}

impl Two {
    fn tell(bed: &Bed) -> Self {
        let two = Self {
            north: tell(bed, "north", &mut |_, _| ()),
            south: tell(bed, "south", &mut |_, _| ()),
            unknown: bed.ids.next_id(NOW),
        };
        let head = bed.block(bed.database.log_head(two.north.organization));
        let head = head.expect("a read").expect("a head");
        keep(
            bed,
            two.north.organization,
            head.size,
            &note(two.north.organization, head.size, head.root),
        );
        two
    }

    /// The condition that picks the rows of the first organisation.
    fn mine(&self, raw: &Raw) -> String {
        format!(
            "organization_id = {}",
            raw.uuid(self.north.organization.uuid())
        )
    }

    /// Assigns the first organisation's rows of a table, where a condition holds, another value.
    fn set(&self, raw: &Raw, table: &str, assignment: &str, condition: &str) -> String {
        format!(
            "UPDATE {table} SET {assignment} WHERE {} AND {condition}",
            self.mine(raw)
        )
    }

    /// The entry of the first organisation with a sequence number; its number is 1.
    fn entry(assignment: &str, seq: i64) -> String {
        format!(
            "UPDATE audit_entries SET {assignment} WHERE position = {}",
            at(1, seq)
        )
    }
}

/// Picks an organisation's first governance event.
const FIRST_EVENT: &str = "ordinal = 0 AND audit_index = \
    (SELECT MIN(audit_index) FROM governance_events)";

fn at(no: i64, seq: i64) -> i64 {
    (no << 40) + seq
}

/// The column of another entry.
fn of_entry(column: &str, no: i64, seq: i64) -> String {
    format!(
        "(SELECT {column} FROM audit_entries WHERE position = {})",
        at(no, seq)
    )
}

/// The signed checkpoint of a log.
fn note(organization: OrganizationId, size: u64, root: Hash) -> String {
    let origin = format!("probity.example/{organization}/audit/1");
    let signer = NoteSigner::from_seed(&origin, &[7; 32]).expect("a key");
    let checkpoint = Checkpoint::new(&origin, size, root).expect("a checkpoint");
    checkpoint
        .sign(&[&signer])
        .expect("a signature")
        .to_string()
}

fn keep(bed: &Bed, organization: OrganizationId, size: u64, note: &str) {
    let kept = bed.database.keep_checkpoint(organization, size, note, NOW);
    kept.expect("a checkpoint");
}

fn check(bed: &Bed) -> CheckReport {
    bed.database.check().expect("a check")
}

#[track_caller]
fn sound(bed: &Bed) -> CheckReport {
    let report = check(bed);
    assert_eq!(report.violations, [], "the database is sound");
    report
}

#[track_caller]
fn found(report: &CheckReport, name: &str, text: &str) {
    let told = &report.violations;
    let known = report.checked.iter().any(|item| item.name == name);
    assert!(known, "{name} is not among the checks");
    assert!(
        told.iter()
            .any(|one| one.check == name && one.detail.contains(text)),
        "nothing of {name} with `{text}` in {told:#?}"
    );
}

/// Damages a sound database and looks for what is told about it.
#[track_caller]
fn damage(bed: &Bed, sql: fn(&Raw, &Two) -> String, name: &str, text: &str) {
    let two = Two::tell(bed);
    sound(bed);
    let mut raw = bed.raw();
    // The constraints of the database would refuse most of it.
    raw.must(match &raw {
        Raw::Sqlite(_) => "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON",
        Raw::Postgres(_) => "SET session_replication_role = replica",
    });
    let sql = sql(&raw, &two);
    raw.must(&sql);
    found(&check(bed), name, text);
}

macro_rules! damages {
    ($($name:ident: $sql:expr => $check:literal, $text:literal;)+) => {
        $(fn $name(bed: &Bed) { damage(bed, $sql, $check, $text); })+
        on_both_databases!($($name),+);
    };
}

mod record {
    use super::*;

    damages! {
        an_entry_is_gone: |_, _| format!("DELETE FROM audit_entries WHERE position = {}", at(1, 3))
            => "record.entries", "the entries from 3 on are missing";
        the_last_entry_is_gone: |_, _| format!(
            "DELETE FROM audit_entries WHERE position = \
             (SELECT MAX(position) FROM audit_entries WHERE position < {})", at(2, 0))
            => "record.head", "leaves of";
        a_leaf_is_another: |_, _| Two::entry(&format!("leaf = {}", of_entry("leaf", 1, 4)), 3)
            => "record.entries", "does not have the stored hash";
        a_leaf_and_its_hash_are_others: |_, _| Two::entry(&format!(
            "leaf = {}, leaf_hash = {}", of_entry("leaf", 1, 4), of_entry("leaf_hash", 1, 4)), 3)
            => "record.entries", "the leaf says 4";
        the_tree_is_another: |_, _| Two::entry(&format!(
            "leaf = {}, leaf_hash = {}", of_entry("leaf", 1, 4), of_entry("leaf_hash", 1, 4)), 3)
            => "record.head", "is not the root of the leaf hashes";
        a_leaf_is_no_leaf: |raw, _| Two::entry(&format!("leaf = {}", raw.bytes(b"{}")), 3)
            => "record.entries", "cannot be read";
        a_leaf_is_not_canonical: |raw, _| Two::entry(&match raw {
            Raw::Sqlite(_) => format!("leaf = CAST({} || leaf AS BLOB)", raw.bytes(b" ")),
            Raw::Postgres(_) => format!("leaf = {} || leaf", raw.bytes(b" ")),
        }, 3)
            => "record.entries", "cannot be read";
        an_entry_is_of_another_organization: |raw, two| Two::entry(&format!(
            "organization_id = {}", raw.uuid(two.south.organization.uuid())), 3)
            => "record.entries", "is of another organisation";
        a_leaf_names_another_organization: |_, _| Two::entry(&format!(
            "leaf = {}, leaf_hash = {}", of_entry("leaf", 2, 3), of_entry("leaf_hash", 2, 3)), 3)
            => "record.entries", "names another organisation";
        a_detail_is_another: |raw, _| Two::entry(&format!("detail = {}", raw.bytes(b"{}")), 3)
            => "record.entries", "the detail is not what the leaf commits to";
        an_actor_is_another: |raw, _| Two::entry(&format!("actor = {}", raw.bytes(b"{}")), 3)
            => "record.entries", "the actor is not what the leaf commits to";
        a_salt_is_gone: |_, _| Two::entry("actor_salt = NULL", 3)
            => "record.entries", "the actor is not what the leaf commits to";
        a_leaf_is_gone: |_, _| Two::entry("leaf = NULL", 3)
            => "record.entries", "has no leaf";
        a_frontier_is_another: |raw, two| two.set(raw, "audit_heads", &format!(
            "frontier = (SELECT frontier FROM audit_heads WHERE organization_id = {})",
            raw.uuid(two.south.organization.uuid())), "1 = 1")
            => "record.head", "is not the root of the leaf hashes";
        a_frontier_is_none: |raw, two| two.set(raw, "audit_heads", &format!(
            "frontier = {}", raw.bytes(&[1; 31])), "1 = 1")
            => "record.head", "are no frontier";
        a_head_is_behind: |raw, two| two.set(raw, "audit_heads", "size = size - 1", "1 = 1")
            => "record.stray", "is in no log";
        an_entry_lies_beyond: |_, _| Two::entry(&format!("position = {}", at(1, 5000)), 3)
            => "record.stray", "is in no log";
        a_node_does_not_belong: |raw, two| format!(
            "INSERT INTO audit_nodes VALUES ({}, 8, 5, {})",
            raw.uuid(two.north.organization.uuid()), raw.bytes(&[0; 32]))
            => "record.nodes", "1 nodes are stored, 0 belong there";
        an_event_has_no_leaf: |raw, two| two.set(
            raw, "governance_events", "audit_index = 5000", FIRST_EVENT)
            => "record.events", "leaf 5000 does not exist";
        a_checkpoint_is_no_note: |raw, two| two.set(
            raw, "audit_checkpoints", "note = 'a note'", "1 = 1")
            => "record.checkpoints", "cannot be read";
        a_checkpoint_states_another_root: |raw, two| two.set(raw, "audit_checkpoints", &format!(
            "note = '{}'", note(two.north.organization, 24, Hash::leaf(b"another"))), "1 = 1")
            => "record.checkpoints", "another root";
        a_checkpoint_states_another_size: |raw, two| two.set(raw, "audit_checkpoints", &format!(
            "note = '{}'", note(two.north.organization, 7, Hash::leaf(b"another"))), "1 = 1")
            => "record.checkpoints", "another size";
        a_checkpoint_is_of_another_log: |raw, two| two.set(raw, "audit_checkpoints", &format!(
            "note = '{}'", note(two.south.organization, 24, Hash::leaf(b"another"))), "1 = 1")
            => "record.checkpoints", "of another log";
        a_checkpoint_is_ahead: |raw, two| two.set(raw, "audit_checkpoints", "size = 5000", "1 = 1")
            => "record.checkpoints", "the log has fewer leaves";
        an_organization_has_no_log: |raw, two| format!(
            "DELETE FROM audit_heads WHERE {}", two.mine(raw))
            => "organizations.record", "has no log";
    }

    /// A log long enough to have stored nodes.
    fn with_nodes(bed: &Bed, sql: &str) -> CheckReport {
        let organization = bed.organization("north");
        let repository = bed.models();
        let usage = (0..300).map(|_| {
            let repository = repository.clone();
            async move {
                repository
                    .commit(observed_usage(&context(organization)))
                    .await
            }
        });
        for outcome in bed.at_once(usage) {
            outcome.expect("usage is recorded");
        }
        sound(bed);
        bed.raw().must(sql);
        check(bed)
    }

    fn a_node_is_gone(bed: &Bed) {
        let report = with_nodes(bed, "DELETE FROM audit_nodes");
        found(&report, "record.nodes", "is missing");
    }

    fn a_node_is_another(bed: &Bed) {
        let hash = "(SELECT leaf_hash FROM audit_entries ORDER BY position LIMIT 1)";
        let report = with_nodes(bed, &format!("UPDATE audit_nodes SET hash = {hash}"));
        found(&report, "record.nodes", "is not the root of its leaves");
    }

    mod nodes {
        use super::*;
        on_both_databases!(a_node_is_gone, a_node_is_another);
    }
}

mod evidence {
    use super::*;

    fn renamed(raw: &Raw, two: &Two, table: &str, id: Uuid) -> String {
        let (unknown, id) = (raw.uuid(two.unknown), raw.uuid(id));
        two.set(
            raw,
            table,
            &format!("id = {unknown}"),
            &format!("id = {id}"),
        )
    }

    damages! {
        an_alert: |raw, two| renamed(raw, two, "alerts", two.north.alert.id.uuid())
            => "record.evidence", "this alert is named by no leaf";
        a_snapshot: |raw, two| renamed(raw, two, "metric_snapshots", two.north.alert.snapshot.uuid())
            => "record.evidence", "this metric_snapshot is named by no leaf";
        a_link: |raw, two| renamed(raw, two, "risk_metric_links", two.north.link.id.uuid())
            => "record.evidence", "this risk_metric_link is named by no leaf";
        a_model: |raw, two| renamed(raw, two, "registered_models", two.north.model.id.uuid())
            => "record.evidence", "this registered_model is named by no leaf";
        a_discovered_model: |raw, two| two.set(raw, "registered_models", &format!(
            "id = {}", raw.uuid(two.unknown)), "model_id = 'in-use'")
            => "record.evidence", "this registered_model is named by no leaf";
        a_rotated_key: |raw, two| renamed(raw, two, "api_keys", two.north.key.id.uuid())
            => "record.evidence", "this api_key is named by no leaf";
        a_product: |raw, two| renamed(raw, two, "products", two.north.product.uuid())
            => "record.evidence", "this product is named by no leaf";
        a_space: |raw, two| two.set(raw, "spaces", &format!("id = {}", raw.uuid(two.unknown)), "1 = 1")
            => "record.evidence", "this space is named by no leaf";
        a_user: |raw, two| two.set(raw, "users", &format!("id = {}", raw.uuid(two.unknown)), "1 = 1")
            => "record.evidence", "this user is named by no leaf";
        an_organization: |raw, two| format!(
            "INSERT INTO organizations SELECT {id}, 77, 'another', name, created_at, version \
             FROM organizations WHERE slug = 'north'; \
             INSERT INTO audit_heads VALUES ({id}, 77, 1, 0, {})",
            raw.bytes(b""), id = raw.uuid(two.unknown))
            => "record.evidence", "this organization is named by no leaf";
    }
}

mod references {
    use super::*;

    damages! {
        a_snapshot_of_another_organizations_product: |raw, two| two.set(raw, "metric_snapshots",
            &format!("product_id = {}", raw.uuid(two.south.product.uuid())), "1 = 1")
            => "references.metric_snapshots", "product_id is of another organisation";
        a_snapshot_of_no_product: |raw, two| two.set(raw, "metric_snapshots",
            &format!("product_id = {}", raw.uuid(two.unknown)), "1 = 1")
            => "references.metric_snapshots", "product_id does not exist";
        an_alert_of_another_organizations_product: |raw, two| two.set(raw, "alerts",
            &format!("product_id = {}", raw.uuid(two.south.product.uuid())), "state = 'open'")
            => "references.alerts", "product_id is of another organisation";
        a_key_replaced_by_another_organizations: |raw, two| two.set(raw, "api_keys",
            &format!("replaced_by = {}", raw.uuid(two.south.key.id.uuid())), "1 = 1")
            => "references.api_keys", "replaced_by is of another organisation";
        a_product_in_another_organizations_space: |raw, two| two.set(raw, "products", &format!(
            "space_id = (SELECT id FROM spaces WHERE organization_id = {})",
            raw.uuid(two.south.organization.uuid())), "1 = 1")
            => "references.products", "space_id is of another organisation";
        a_user_of_no_organization: |raw, two| two.set(raw, "users",
            &format!("organization_id = {}", raw.uuid(two.unknown)), "1 = 1")
            => "references.users", "belongs to no organisation";
        an_event_of_no_organization: |raw, two| two.set(raw, "governance_events",
            &format!("organization_id = {}", raw.uuid(two.unknown)), FIRST_EVENT)
            => "references.governance_events", "belongs to no organisation";
    }

    fn sqlite_tells_of_a_broken_foreign_key(bed: &Bed) {
        let two = Two::tell(bed);
        let mut raw = bed.raw();
        let product = raw.uuid(two.unknown);
        raw.must(&format!(
            "PRAGMA foreign_keys = OFF; UPDATE alerts SET product_id = {product}"
        ));
        found(
            &check(bed),
            "storage.foreign_keys",
            "refers to no row of products",
        );
    }

    fn sqlite_tells_of_a_broken_constraint(bed: &Bed) {
        Two::tell(bed);
        let mut raw = bed.raw();
        raw.must("PRAGMA ignore_check_constraints = ON; UPDATE alerts SET severity = 'PINK'");
        let report = check(bed);
        found(
            &report,
            "storage.integrity",
            "CHECK constraint failed in alerts",
        );
        found(&report, "values.alerts", "severity");
    }

    #[test]
    fn sqlite_tells_of_its_own_file() {
        crate::support::on_sqlite(sqlite_tells_of_a_broken_foreign_key);
        crate::support::on_sqlite(sqlite_tells_of_a_broken_constraint);
    }
}

mod kept {
    use super::*;

    damages! {
        a_total_is_too_high: |raw, two| two.set(raw, "registry_totals", "models = models + 1", "models > 0")
            => "registry.totals", "kept 2";
        a_total_of_nothing: |raw, two| two.set(raw, "registry_totals", "risk_tier = 'tier_1'", "models > 0 AND risk_tier = 'tier_3'")
            => "registry.totals", "counted 0, kept 1";
        a_total_is_gone: |raw, two| format!("DELETE FROM registry_totals WHERE {}", two.mine(raw))
            => "registry.totals", "counted 1, kept 0";
        the_next_position_is_taken: |raw, two| two.set(raw, "registry_heads", "next_position = 1", "1 = 1")
            => "registry.heads", "is behind an entry";
        the_registrys_head_is_gone: |raw, two| format!("DELETE FROM registry_heads WHERE {}", two.mine(raw))
            => "registry.heads", "is behind an entry";
        a_position_is_of_another_range: |raw, two| two.set(raw, "registered_models", "position = 5", "model_id = 'kept'")
            => "registry.heads", "outside the range";
        an_entry_is_older_than_the_one_before: |raw, two| two.set(raw, "registered_models",
            match raw {
                Raw::Sqlite(_) => "created_at = created_at - 1000",
                Raw::Postgres(_) => "created_at = created_at - INTERVAL '1 ms'",
            }, "model_id = 'in-use'")
            => "registry.order", "created_at is before";
        a_standing_counts_wrong: |raw, two| two.set(raw, "product_standings", "snapshots = 6", "1 = 1")
            => "guardian.standings", "counted 5 snapshots, kept 6";
        a_standing_is_gone: |raw, two| format!("DELETE FROM product_standings WHERE {}", two.mine(raw))
            => "guardian.standings", "counted 5 snapshots, kept 0";
        a_standing_is_of_another_instant: |raw, two| two.set(raw, "product_standings",
            match raw {
                Raw::Sqlite(_) => "latest_captured_at = latest_captured_at + 1000",
                Raw::Postgres(_) => "latest_captured_at = latest_captured_at + INTERVAL '1 ms'",
            }, "1 = 1")
            => "guardian.standings", "another latest instant";
        a_standing_has_another_status: |raw, two| two.set(raw, "product_standings", "latest_status = 'GREEN'", "1 = 1")
            => "guardian.standings", "no snapshot stands at its latest instant";
        two_alerts_are_open: |raw, two| format!("DROP INDEX alerts_open; {}", two.set(
            raw, "alerts", "state = 'open', resolved_at = NULL, resolution = NULL", "state = 'resolved'"))
            => "guardian.open_alerts", "alerts are open on drift";
    }
}

mod values {
    use super::*;

    damages! {
        a_slug: |_, _| "UPDATE organizations SET slug = 'Not A Slug' WHERE slug = 'north'".to_owned()
            => "values.organizations", "organizations.slug";
        a_spaces_slug: |raw, two| two.set(raw, "spaces", "slug = 'Not A Slug'", "1 = 1")
            => "values.spaces", "spaces.slug";
        the_scopes_of_a_key: |raw, two| two.set(raw, "api_keys", "scopes = 'everything'", "1 = 1")
            => "values.api_keys", "api_keys.scopes";
        the_slug_of_a_product: |raw, two| two.set(raw, "products", "slug = 'Not A Slug'", "1 = 1")
            => "values.products", "products.slug";
        the_metadata_of_a_product: |raw, two| format!("DELETE FROM product_models WHERE {}", two.mine(raw))
            => "values.products", "has no model metadata";
        the_tags_of_a_model: |raw, two| two.set(raw, "registered_models", "tags = '[]'", "1 = 1")
            => "values.registered_models", "registered_models.tags";
        the_search_text_of_a_model: |raw, two| two.set(raw, "registered_models", "search_text = 'other'", "1 = 1")
            => "values.registered_models", "not stored as it would be written";
        the_settings_of_the_registry: |raw, two| two.set(raw, "registry_settings", "settings = '{}'", "1 = 1")
            => "values.registry_settings", "registry_settings.settings";
        the_limits_of_a_link: |raw, two| two.set(raw, "risk_metric_links", "drift_red = 1.0", "1 = 1")
            => "values.risk_metric_links", "risk_metric_links.thresholds";
        the_recipe_of_a_snapshot: |raw, two| two.set(raw, "metric_snapshots", "recipe = 'not JSON'", "1 = 1")
            => "values.metric_snapshots", "metric_snapshots.recipe";
    }
}

mod sound_databases {
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
        // snapshots and three alerts.
        assert_eq!(examined("record.evidence"), 2 * 17);
        for item in &report.checked {
            let idle = ["record.nodes", "references.audit_nodes"];
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
                snapshot.captured_at +=
                    time::Duration::seconds((number * 7 + place * 13) % 400 - 200);
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
        assert_eq!(examined("record.nodes"), Some(4));
    }

    on_both_databases!(
        an_empty_one,
        one_with_rows_in_every_table,
        one_of_many_pages
    );
}
