//! Migrations: up, down, and schemas that are behind or ahead.

use std::collections::BTreeSet;
use std::path::Path;

use diesel::prelude::*;
use probity_kernel::RepositoryError;

use crate::address::parse_address;
use crate::connection::{AnyConnection, Scope};
use crate::migrate;
use crate::schema::*;
use crate::support::{Bed, options};
use crate::{Database, OpenDatabaseError};

#[test]
fn both_databases_have_the_same_migrations_each_with_a_way_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let names = |database: &str| -> BTreeSet<String> {
        let found = std::fs::read_dir(folder.join(database)).unwrap();
        found
            .map(|entry| {
                let entry = entry.unwrap();
                for file in ["up.sql", "down.sql"] {
                    assert!(entry.path().join(file).is_file(), "{file} of {entry:?}");
                }
                entry.file_name().into_string().unwrap()
            })
            .collect()
    };
    let sqlite = names("sqlite");
    assert_eq!(sqlite, names("postgres"));
    assert!(!sqlite.is_empty());
}

/// Selects every column of every table, which fails where the schema has another name or kind.
#[expect(clippy::too_many_lines, reason = "one line for each table")]
fn select_all(conn: &mut AnyConnection) -> QueryResult<()> {
    macro_rules! select {
        ($($table:ident),+ $(,)?) => {
            $(
                let rows = diesel::select(diesel::dsl::exists($table::table.limit(0)))
                    .get_result::<bool>(conn)?;
                assert!(!rows);
                let columns = $table::table.select($table::all_columns).limit(0);
                diesel::RunQueryDsl::execute(columns, conn)?;
            )+
        };
    }
    select!(
        organizations,
        users,
        api_keys,
        spaces,
        space_members,
        products,
        product_models,
        registered_models,
        registry_heads,
        registry_totals,
        registry_settings,
        model_usage_daily,
        risk_metric_links,
        metric_snapshots,
        product_standings,
        alerts,
        idempotency_records,
        audit_heads,
        audit_entries,
        audit_nodes,
        audit_checkpoints,
        audit_timestamps,
        audit_blocks,
        audit_explanations,
        audit_subjects,
        retention_windows,
        governance_events,
        product_governance,
        product_versions,
        data_dependencies,
        policy_attachments,
        risk_mitigations,
        product_registered_models,
        training_runs,
        safety_metrics,
        runtime_events,
        runtime_event_totals,
        review_requests,
        product_postures,
        posture_totals,
        governance_settings,
        product_listing,
        product_search,
        product_totals,
        artifact_uploads,
        artifact_chunks,
        artifacts,
        webhook_endpoints,
        webhook_secrets,
        webhook_deliveries,
        webhook_attempts,
        webhook_target_states,
        tracked_alerts,
        alert_settings,
        alert_preferences,
    );
    Ok(())
}

fn tables(bed: &Bed) -> i64 {
    let mut raw = bed.raw();
    match &raw {
        crate::support::Raw::Sqlite(_) => raw.count(
            "sqlite_master",
            "WHERE type IN ('table', 'index') AND name NOT LIKE '%diesel%' AND name NOT LIKE 'sqlite_%'",
        ),
        crate::support::Raw::Postgres(_) => raw.count(
            "pg_class",
            "WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '%diesel%'",
        ),
    }
}

fn the_schema_goes_up_down_and_up_again(bed: &Bed) {
    let location = parse_address(bed.kit.url()).unwrap();
    let made = tables(bed);
    assert!(made > 21, "{made}");
    assert_eq!(
        migrate::up(&location).unwrap(),
        0,
        "a second start does nothing"
    );
    let steps = migrate::down(&location).unwrap();
    assert!(steps > 0);
    assert_eq!(tables(bed), 0, "nothing is left");
    assert_eq!(migrate::pending_at(&location).unwrap().len(), steps);
    assert_eq!(migrate::up(&location).unwrap(), steps);
    assert_eq!(tables(bed), made);
}

fn the_tables_are_those_that_the_code_expects(bed: &Bed) {
    bed.database
        .system_read(|conn| Ok(select_all(conn)?))
        .unwrap();
    // The list above is complete: each table of the database is in it.
    let mut raw = bed.raw();
    let count = match &raw {
        crate::support::Raw::Sqlite(_) => raw.count(
            "sqlite_master",
            "WHERE type = 'table' AND name NOT LIKE '%diesel%' AND name NOT LIKE 'sqlite_%' \
             AND name NOT LIKE 'registered_models_search%' AND name NOT LIKE 'product_search_index%' \
             AND name NOT LIKE '%^_past' ESCAPE '^' AND name <> 'arrived_snapshots'",
        ),
        crate::support::Raw::Postgres(_) => raw.count(
            "pg_class",
            "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' \
             AND relname NOT LIKE '%diesel%' AND relname NOT LIKE '%\\_past' \
             AND relname NOT IN ('search_postings', 'search_pending')",
        ),
    };
    assert_eq!(count, 55);
}

/// A column that is added to a table whose rows change has to be added to its past as well, behind the
/// others, and on SQLite to its triggers.
fn the_past_has_the_columns_of_its_table(bed: &Bed) {
    for (table, _) in crate::past::CHANGING {
        let columns = |of: String| {
            let read = bed
                .database
                .system_read(|conn| crate::past::columns(conn, &of));
            read.unwrap()
        };
        let past = columns(format!("{table}_past"));
        assert_eq!(past[3..], columns(table.to_owned()), "{table}");
    }
    let mut raw = bed.raw();
    if matches!(&raw, crate::support::Raw::Sqlite(_)) {
        for (table, _) in crate::past::CHANGING {
            let read = bed
                .database
                .system_read(|conn| crate::past::columns(conn, table));
            for column in read.unwrap() {
                for event in ["update", "delete"] {
                    let known = format!(
                        "WHERE name = '{table}_past_{event}' AND sql LIKE '%old.{column}%'"
                    );
                    assert_eq!(raw.count("sqlite_master", &known), 1, "{table}.{column}");
                }
            }
        }
    }
}

fn refusal(opened: Result<Database, OpenDatabaseError>) -> String {
    match opened {
        Ok(_) => panic!("the database was opened"),
        Err(OpenDatabaseError::Migration(reason)) => reason,
        Err(other) => panic!("{other:?}"),
    }
}

fn a_schema_of_a_newer_release_is_refused(bed: &Bed) {
    bed.raw()
        .must("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')");
    for migrate in [true, false] {
        let options = crate::DatabaseOptions {
            migrate,
            ..options(bed.kit.url())
        };
        let reason = refusal(Database::open(&options));
        assert!(reason.contains("99990101000000"), "{reason}");
    }
    let ready = bed.block(bed.database.ready());
    assert!(
        matches!(ready, Err(RepositoryError::Database(_))),
        "{ready:?}"
    );
}

fn a_schema_that_is_behind_is_refused_unless_it_may_be_migrated(bed: &Bed) {
    let location = parse_address(bed.kit.url()).unwrap();
    bed.block(bed.database.ready()).unwrap();
    migrate::down(&location).unwrap();
    let ready = bed.block(bed.database.ready());
    assert!(
        matches!(ready, Err(RepositoryError::Database(_))),
        "{ready:?}"
    );
    let closed = crate::DatabaseOptions {
        migrate: false,
        ..options(bed.kit.url())
    };
    let reason = refusal(Database::open(&closed));
    assert!(reason.contains("foundation"), "{reason}");
    assert_eq!(tables(bed), 0, "and nothing was made");
    Database::open(&options(bed.kit.url())).unwrap().drain();
    Database::open(&closed).unwrap().drain();
}

/// Several nodes may start at once on an empty database.
fn nodes_that_start_together_migrate_once(bed: &Bed) {
    migrate::down(&parse_address(bed.kit.url()).unwrap()).unwrap();
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            let options = options(bed.kit.url());
            std::thread::spawn(move || Database::open(&options))
        })
        .collect();
    for node in nodes {
        let node = node.join().unwrap().unwrap();
        node.system_read(|conn| Ok(select_all(conn)?)).unwrap();
        let scope = Scope::System;
        bed.block(node.scan(scope, |conn| Ok(select_all(conn)?)))
            .unwrap();
        node.drain();
    }
}

on_both_databases!(
    the_schema_goes_up_down_and_up_again,
    the_tables_are_those_that_the_code_expects,
    the_past_has_the_columns_of_its_table,
    a_schema_of_a_newer_release_is_refused,
    a_schema_that_is_behind_is_refused_unless_it_may_be_migrated,
    nodes_that_start_together_migrate_once,
);
