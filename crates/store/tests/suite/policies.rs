//! Row-level security on PostgreSQL: the wall behind the wall.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use probity_access::AccessRepository;
use probity_guardian::{AlertFilter, GuardianRepository};
use probity_kernel::{OrganizationId, PageRequest};
use probity_store::{Database, DatabaseOptions, DieselAccess, DieselGuardian};

use crate::support::{Bed, Raw, tell};

/// Every table that belongs to organisations, and the column that says to which.
const TABLES: [(&str, &str); 57] = [
    ("organizations", "id"),
    ("users", "organization_id"),
    ("api_keys", "organization_id"),
    ("spaces", "organization_id"),
    ("space_members", "organization_id"),
    ("products", "organization_id"),
    ("product_models", "organization_id"),
    ("registered_models", "organization_id"),
    ("registry_heads", "organization_id"),
    ("registry_totals", "organization_id"),
    ("registry_settings", "organization_id"),
    ("model_usage_daily", "organization_id"),
    ("risk_metric_links", "organization_id"),
    ("metric_snapshots", "organization_id"),
    ("product_standings", "organization_id"),
    ("alerts", "organization_id"),
    ("idempotency_records", "organization_id"),
    ("audit_heads", "organization_id"),
    ("audit_entries", "organization_id"),
    ("audit_nodes", "organization_id"),
    ("audit_checkpoints", "organization_id"),
    ("audit_explanations", "organization_id"),
    ("audit_timestamps", "organization_id"),
    ("audit_blocks", "organization_id"),
    ("audit_subjects", "organization_id"),
    ("retention_windows", "organization_id"),
    ("governance_events", "organization_id"),
    ("product_governance", "organization_id"),
    ("product_versions", "organization_id"),
    ("data_dependencies", "organization_id"),
    ("policy_attachments", "organization_id"),
    ("risk_mitigations", "organization_id"),
    ("product_registered_models", "organization_id"),
    ("training_runs", "organization_id"),
    ("safety_metrics", "organization_id"),
    ("runtime_events", "organization_id"),
    ("runtime_event_totals", "organization_id"),
    ("review_requests", "organization_id"),
    ("product_postures", "organization_id"),
    ("posture_totals", "organization_id"),
    ("governance_settings", "organization_id"),
    ("product_listing", "organization_id"),
    ("product_search", "organization_id"),
    ("product_totals", "organization_id"),
    ("search_postings", "organization_id"),
    ("search_pending", "organization_id"),
    ("artifact_uploads", "organization_id"),
    ("artifact_chunks", "organization_id"),
    ("artifacts", "organization_id"),
    ("webhook_endpoints", "organization_id"),
    ("webhook_secrets", "organization_id"),
    ("webhook_deliveries", "organization_id"),
    ("webhook_attempts", "organization_id"),
    ("webhook_target_states", "organization_id"),
    ("tracked_alerts", "organization_id"),
    ("alert_settings", "organization_id"),
    ("alert_preferences", "organization_id"),
];

/// Unique keys that may lack the organisation, and why.
const GLOBAL_KEYS: [(&str, &str); 22] = [
    ("organizations_pkey", "the organisation itself"),
    (
        "organizations_no_key",
        "the organisation's own number, which only the store sees",
    ),
    (
        "organizations_slug_key",
        "the operator's namespace; only the operator creates organisations",
    ),
    ("users_pkey", "a random id"),
    ("api_keys_pkey", "a random id"),
    ("api_keys_hash_key", "the hash of 178 random bits"),
    ("spaces_pkey", "a random id"),
    ("products_pkey", "a random id"),
    ("risk_metric_links_pkey", "a random id"),
    ("alerts_pkey", "a random id"),
    ("tracked_alerts_pkey", "a random id"),
    ("product_versions_pkey", "a random id"),
    ("data_dependencies_pkey", "a random id"),
    ("policy_attachments_pkey", "a random id"),
    ("risk_mitigations_pkey", "a random id"),
    ("training_runs_pkey", "a random id"),
    ("safety_metrics_pkey", "a random id"),
    ("review_requests_pkey", "a random id"),
    ("artifact_uploads_pkey", "a random id"),
    ("artifacts_pkey", "a random id"),
    ("webhook_endpoints_pkey", "a random id"),
    ("webhook_secrets_pkey", "a random id"),
];

/// Unique keys that start with what only one organisation has.
const OWN_KEYS: [(&str, &str); 7] = [
    ("product_models_pkey", "the product's random id"),
    ("product_governance_pkey", "the product's random id"),
    (
        "registered_models_pkey",
        "a position, whose upper bits are the organisation's number",
    ),
    (
        "product_listing_pkey",
        "a position, whose upper bits are the organisation's number",
    ),
    (
        "product_search_pkey",
        "a position, whose upper bits are the organisation's number",
    ),
    (
        "audit_entries_pkey",
        "a position, whose upper bits are the organisation's number",
    ),
    ("audit_heads_no_key", "the organisation's own number"),
];

#[derive(QueryableByName, Debug, PartialEq)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// A connection as the application's role, which acts for an organisation from here on.
fn as_application(bed: &Bed) -> Raw {
    let mut raw = bed.raw();
    raw.must("SET ROLE probity_app");
    raw
}

fn act_for(raw: &mut Raw, organization: OrganizationId) {
    raw.must(&format!(
        "BEGIN; SELECT set_config('app.org', '{organization}', true)"
    ));
}

/// Two organisations with rows in every table.
fn two(bed: &Bed) -> [OrganizationId; 2] {
    let told = ["north", "south"].map(|slug| tell(bed, slug, &mut |_, _| ()).organization);
    for organization in told {
        bed.database
            .keep_checkpoint(organization, 1, "a note", crate::support::NOW)
            .expect("a checkpoint");
        let id = format!("'{organization}'");
        let hash = format!("'\\x{}'", "00".repeat(32));
        bed.raw().must(&format!(
            "INSERT INTO audit_nodes VALUES ({id}, 8, 0, {hash})"
        ));
        webhooks(bed, &id);
        bed.raw().must(&format!(
            "INSERT INTO audit_explanations VALUES ({id}, 0); \
             INSERT INTO retention_windows VALUES ({id}, 'findings', 30, NULL, now(), 1); \
             INSERT INTO audit_timestamps SELECT organization_id, epoch, size, '\\x00', now() \
             FROM audit_checkpoints WHERE organization_id = {id}; \
             INSERT INTO audit_blocks VALUES ({id}, 0, decode(repeat('00', 1024), 'hex')); \
             INSERT INTO search_postings VALUES ({id}, 1, 0, 0, '\\x00')"
        ));
    }
    told
}

/// Rows in the tables of webhooks.
fn webhooks(bed: &Bed, organization: &str) {
    let now = "TIMESTAMPTZ 'epoch'";
    for statement in [
        format!(
            "INSERT INTO webhook_endpoints (id, organization_id, kind, target_url, event_types, \
             secret_alias, sign_ed25519, settings, created_at, updated_at, version) VALUES \
             ({organization}, {organization}, 'webhook', 'https://a.example/', '', 'primary', FALSE, '{{}}', {now}, {now}, 1)"
        ),
        format!(
            "INSERT INTO webhook_secrets (id, organization_id, alias, number, sealed, created_at) \
             VALUES ({organization}, {organization}, 'second', 1, '', {now})"
        ),
        format!(
            "INSERT INTO webhook_deliveries (organization_id, endpoint_id, id, event_type, note, \
             state, attempts, failures, created_at) VALUES \
             ({organization}, {organization}, {organization}, 'webhook.ping', '{{}}', 'dead', 1, 1, {now})"
        ),
        format!(
            "INSERT INTO webhook_attempts (organization_id, endpoint_id, delivery_id, number, at, \
             took_ms) VALUES ({organization}, {organization}, {organization}, 1, {now}, 1)"
        ),
        format!(
            "INSERT INTO webhook_target_states VALUES ({organization}, {organization}, 'k', '1', {now})"
        ),
    ] {
        bed.raw().must(&statement);
    }
}

fn every_table_of_an_organization_has_a_forced_policy(bed: &Bed) {
    let mut raw = bed.raw();
    let found: Vec<Name> = raw.rows(
        "SELECT c.relname::text AS name FROM pg_class c \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') \
         AND c.relname <> '__diesel_schema_migrations' ORDER BY 1",
    );
    let mut expected: Vec<String> = TABLES
        .iter()
        .map(|(table, _)| (*table).to_owned())
        .collect();
    expected.sort();
    let found: Vec<String> = found.into_iter().map(|row| row.name).collect();
    // The past of a table has the columns of its table, and its policy.
    let (past, found): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|name| name.ends_with("_past"));
    assert_eq!(past.len(), 18);
    assert_eq!(
        found, expected,
        "a new table needs a policy and a line in this test"
    );
    let past = past.iter().map(|table| (table.as_str(), "organization_id"));
    for (table, column) in TABLES.into_iter().chain(past) {
        let guarded = raw.number(&format!(
            "SELECT COUNT(*) AS number FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid \
             WHERE c.oid = '{table}'::regclass AND c.relrowsecurity AND c.relforcerowsecurity \
             AND p.polcmd = '*' AND p.polpermissive AND p.polroles = '{{0}}' \
             AND pg_get_expr(p.polqual, c.oid) LIKE '(({column} = (NULLIF(current_setting(%' \
             AND pg_get_expr(p.polqual, c.oid) = pg_get_expr(p.polwithcheck, c.oid)"
        ));
        assert_eq!(guarded, 1, "{table}");
        let nullable = raw.number(&format!(
            "SELECT COUNT(*) AS number FROM pg_attribute WHERE attrelid = '{table}'::regclass \
             AND attname = '{column}' AND NOT attnotnull"
        ));
        assert_eq!(nullable, 0, "{table}.{column} may not be null");
    }
    let views = raw.number(
        "SELECT COUNT(*) AS number FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND relkind IN ('v', 'm') AND NOT COALESCE('security_invoker=true' = ANY (reloptions), false)",
    );
    assert_eq!(views, 0, "a view would see with its owner's eyes");
}

fn no_unique_key_lacks_the_organization(bed: &Bed) {
    let mut raw = bed.raw();
    let found: Vec<Name> = raw.rows(
        "SELECT i.relname::text AS name FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
         JOIN pg_class t ON t.oid = x.indrelid \
         WHERE t.relnamespace = 'public'::regnamespace AND x.indisunique \
         AND t.relname <> '__diesel_schema_migrations' \
         AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid \
                         AND a.attname = 'organization_id' AND a.attnum = ANY (x.indkey)) ORDER BY 1",
    );
    let found: Vec<String> = found.into_iter().map(|row| row.name).collect();
    let mut expected: Vec<String> = GLOBAL_KEYS
        .iter()
        .chain(&OWN_KEYS)
        .map(|(key, why)| {
            assert!(!why.is_empty());
            (*key).to_owned()
        })
        .collect();
    expected.sort();
    assert_eq!(
        found, expected,
        "a unique key across organisations tells one about another"
    );
}

/// The filter of the application is missing here: the policy alone decides.
fn without_the_filter_rows_of_others_do_not_appear(bed: &Bed) {
    let [north, south] = two(bed);
    for (mine, other) in [(north, south), (south, north)] {
        let mut raw = as_application(bed);
        act_for(&mut raw, mine);
        for (table, column) in TABLES {
            assert!(raw.count(table, "") > 0, "{table} has rows");
            let foreign = raw.count(table, &format!("WHERE {column} <> '{mine}'"));
            assert_eq!(foreign, 0, "{table}");
            let named = raw.count(table, &format!("WHERE {column} = '{other}'"));
            assert_eq!(named, 0, "{table}");
        }
        raw.must("ROLLBACK");
    }
}

fn rows_of_others_can_be_neither_written_nor_moved(bed: &Bed) {
    let [north, south] = two(bed);
    for (table, column) in TABLES {
        let mut raw = as_application(bed);
        act_for(&mut raw, north);
        // A command without a filter reaches the organisation's own rows only, and cannot give
        // them away.
        let moved = raw.run(&format!("UPDATE {table} SET {column} = '{south}'"));
        let told = moved.expect_err(table).to_string();
        assert!(told.contains("row-level security"), "{table}: {told}");
        raw.must("ROLLBACK");
    }
    let mut raw = as_application(bed);
    act_for(&mut raw, north);
    raw.must("DELETE FROM alerts");
    raw.must("COMMIT");
    let mut all = bed.raw();
    assert_eq!(
        all.count("alerts", &format!("WHERE organization_id = '{north}'")),
        0
    );
    assert!(all.count("alerts", &format!("WHERE organization_id = '{south}'")) > 0);
}

fn with_nothing_said_there_are_no_rows_and_no_inserts(bed: &Bed) {
    let [north, _] = two(bed);
    let mut raw = as_application(bed);
    for state in ["a new connection", "after a transaction"] {
        for (table, _) in TABLES {
            assert_eq!(raw.count(table, ""), 0, "{table}: {state}");
        }
        let insert = format!("INSERT INTO registry_heads VALUES ('{north}', 0, NULL)");
        let told = raw.run(&insert).expect_err(state).to_string();
        assert!(told.contains("row-level security"), "{state}: {told}");
        // What the transaction says ends with it, and leaves an empty setting, which is no id.
        act_for(&mut raw, north);
        assert!(raw.count("organizations", "") == 1);
        raw.must("COMMIT");
    }
}

/// Leak 1: an owner is not bound by a policy that is not forced.
fn the_owner_is_bound_too(bed: &Bed) {
    let [north, _] = two(bed);
    let name = north.uuid().simple();
    let mut raw = bed.raw();
    raw.must(&format!("CREATE ROLE owner_{name} NOLOGIN NOSUPERUSER"));
    raw.must(&format!("GRANT USAGE ON SCHEMA public TO owner_{name}"));
    for (table, _) in TABLES {
        raw.must(&format!("ALTER TABLE {table} OWNER TO owner_{name}"));
    }
    raw.must(&format!("SET ROLE owner_{name}"));
    for (table, _) in TABLES {
        assert_eq!(raw.count(table, ""), 0, "{table}");
    }
    raw.must("RESET ROLE");
    for (table, _) in TABLES {
        raw.must(&format!("ALTER TABLE {table} OWNER TO CURRENT_USER"));
    }
    raw.must(&format!(
        "DROP OWNED BY owner_{name}; DROP ROLE owner_{name}"
    ));
}

/// Leaks 2 and 3: what one unit of work says for itself is not there for the next on the same
/// connection, and the empty setting that stays behind is no organisation.
fn a_connection_forgets_for_whom_it_acted(bed: &Bed) {
    let [north, south] = two(bed);
    let options = DatabaseOptions {
        readers: 1,
        lanes: 1,
        ..crate::support::options(bed.kit.url())
    };
    let narrow = Database::open(&options).expect("one connection");
    let guardian = DieselGuardian::new(narrow.clone());
    let access = DieselAccess::new(narrow.clone());
    let (all, page) = (AlertFilter::default(), PageRequest::first(100));
    for organization in [north, south, north] {
        let found = bed.block(guardian.list_alerts(organization, &all, &page));
        let found = found.expect("alerts").items;
        assert!(!found.is_empty());
        assert!(found.iter().all(|alert| alert.organization == organization));
        // In between the same connection acts for the system.
        assert_eq!(
            bed.block(access.list_organizations()).expect("all").len(),
            2
        );
    }
    narrow.drain();
}

/// Leak 4: a view that a superuser owns would see all. There is none, and the application's role
/// can make none.
fn the_application_can_change_no_schema_and_truncate_nothing(bed: &Bed) {
    two(bed);
    let mut raw = as_application(bed);
    for sql in [
        "TRUNCATE alerts",
        "TRUNCATE organizations CASCADE",
        "CREATE TABLE own (n INT)",
        "CREATE VIEW own AS SELECT * FROM alerts",
        "DROP TABLE alerts",
        "ALTER TABLE alerts DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE alerts NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE alerts ADD COLUMN own INT",
        "DROP POLICY tenant ON alerts",
        "CREATE POLICY own ON alerts USING (true)",
        "CREATE INDEX own ON alerts (value)",
        "DELETE FROM __diesel_schema_migrations",
        "ALTER ROLE probity_app BYPASSRLS",
    ] {
        let told = raw.run(sql).expect_err(sql).to_string();
        assert!(
            ["permission denied", "must be owner", "must be superuser"]
                .iter()
                .any(|sign| told.contains(sign)),
            "{sql}: {told}"
        );
    }
}

/// Leak 5: a unique key across organisations would tell one of them about another's.
fn the_same_names_are_free_in_every_organization(bed: &Bed) {
    let told = ["north", "south"].map(|slug| tell(bed, slug, &mut |_, _| ()));
    assert_eq!(told[0].model.model_id, told[1].model.model_id);
    let mut raw = bed.raw();
    for (table, column) in [
        ("spaces", "slug"),
        ("products", "slug"),
        ("registered_models", "model_id"),
        ("users", "subject"),
        ("idempotency_records", "key"),
    ] {
        let shared = raw.number(&format!(
            "SELECT COUNT(*) AS number FROM (SELECT {column} FROM {table} GROUP BY {column} \
             HAVING COUNT(DISTINCT organization_id) = 2) shared"
        ));
        assert!(shared > 0, "{table}.{column}");
    }
}

on_postgres_only!(
    every_table_of_an_organization_has_a_forced_policy,
    no_unique_key_lacks_the_organization,
    without_the_filter_rows_of_others_do_not_appear,
    rows_of_others_can_be_neither_written_nor_moved,
    with_nothing_said_there_are_no_rows_and_no_inserts,
    the_owner_is_bound_too,
    a_connection_forgets_for_whom_it_acted,
    the_application_can_change_no_schema_and_truncate_nothing,
    the_same_names_are_free_in_every_organization,
);
