//! As whom the store acts on PostgreSQL.

use diesel::prelude::*;

use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::support::{Bed, context, options, tell};
use crate::{Database, DieselModels};

#[derive(QueryableByName)]
struct Role {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

fn role(conn: &mut AnyConnection) -> StoreResult<String> {
    let role: Role = diesel::sql_query("SELECT current_user::text AS name").get_result(conn)?;
    Ok(role.name)
}

fn acts_as(bed: &Bed, database: &Database, expected: &str) {
    let organization = bed.organization(&format!("of-{}", expected.replace('_', "-")));
    let reading = database.system_read(role).unwrap();
    let writing = database.system_write(organization, role).unwrap();
    assert_eq!((reading.as_str(), writing.as_str()), (expected, expected));
}

fn a_superuser_is_stepped_down_from(bed: &Bed) {
    acts_as(bed, &bed.database, "probity_app");
}

/// Takes the schema back and gives the database to an owner that is no superuser; answers its name and URL.
fn given_away(bed: &Bed) -> (String, String) {
    let mut raw = bed.raw();
    let name: Vec<Role> = raw.rows("SELECT current_database()::text AS name");
    let database = &name[0].name;
    let owner = format!("{database}_owner");
    crate::migrate::down(&crate::address::parse_address(bed.kit.url()).unwrap()).unwrap();
    raw.must(&format!(
        "CREATE ROLE {owner} LOGIN NOSUPERUSER PASSWORD '{owner}'; ALTER DATABASE {database} OWNER TO {owner}; \
         ALTER SCHEMA public OWNER TO {owner}; DROP TABLE __diesel_schema_migrations; \
         DROP EXTENSION IF EXISTS pg_trgm"
    ));
    let (scheme, rest) = bed.kit.url().split_once("://").unwrap();
    let server = rest.rsplit_once('@').map_or(rest, |(_, server)| server);
    let url = format!("{scheme}://{owner}:{owner}@{server}");
    (owner, url)
}

fn take_back(bed: &Bed, owner: &str) {
    bed.raw().must(&format!(
        "REASSIGN OWNED BY {owner} TO CURRENT_USER; DROP OWNED BY {owner}; DROP ROLE {owner}"
    ));
}

/// A product and the first leaf, as the first release wrote them.
const OF_THE_FIRST_RELEASE: &str = r#"
    INSERT INTO organizations (id, no, slug, name, created_at, version)
        VALUES ('00000000-0000-4000-8000-00000000000a', 1, 'north', 'North', now(), 1);
    INSERT INTO audit_heads VALUES ('00000000-0000-4000-8000-00000000000a', 1, 1, 1, decode(repeat('00', 32), 'hex'));
    INSERT INTO audit_entries (position, organization_id, leaf_hash, leaf, detail) VALUES (1::bigint << 40,
        '00000000-0000-4000-8000-00000000000a', decode(repeat('00', 32), 'hex'),
        '{"action":"organization.created","target":{"id":"00000000-0000-4000-8000-00000000000a","type":"organization"}}', '{}');
    INSERT INTO spaces (id, organization_id, slug, name, created_at, version)
        VALUES ('00000000-0000-4000-8000-00000000000b', '00000000-0000-4000-8000-00000000000a', 's', 'S', now(), 1);
    INSERT INTO products (id, organization_id, space_id, slug, name, product_type, environment, is_gpai, created_at, updated_at, version)
        VALUES ('00000000-0000-4000-8000-00000000000c', '00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b',
                'p', 'Churn', 'ML Model', 'production', FALSE, now(), now(), 1);
    INSERT INTO product_models (product_id, organization_id, deployment_status)
        VALUES ('00000000-0000-4000-8000-00000000000c', '00000000-0000-4000-8000-00000000000a', 'development');
"#;

/// Tables that later migrations fill from what is there.
const COPIES: [&str; 6] = [
    "product_governance",
    "product_postures",
    "product_listing",
    "product_search",
    "product_totals",
    "audit_subjects",
];

fn copied(bed: &Bed) -> Vec<i64> {
    let mut raw = bed.raw();
    COPIES.iter().map(|table| raw.count(table, "")).collect()
}

fn an_upgrade_by_a_plain_owner_copies_what_is_there(bed: &Bed) {
    let (owner, url) = given_away(bed);
    crate::migrate::up_without_scope(&url, "20261122").unwrap();
    bed.raw().must(OF_THE_FIRST_RELEASE);
    crate::migrate::up(&crate::address::parse_address(&url).unwrap()).unwrap();
    assert_eq!(copied(bed), [1; 6]);
    assert_eq!(
        bed.raw().number("SELECT sparse AS number FROM audit_heads"),
        1
    );
    take_back(bed, &owner);
}

/// What upgrades by releases without the scope of the system left out is copied by this one.
fn what_earlier_upgrades_missed_is_copied(bed: &Bed) {
    let (owner, url) = given_away(bed);
    crate::migrate::up_without_scope(&url, "20261122").unwrap();
    bed.raw().must(OF_THE_FIRST_RELEASE);
    crate::migrate::up_without_scope(&url, "20261129").unwrap();
    assert_eq!(copied(bed), [0; 6], "the policies hid every row");
    crate::migrate::up(&crate::address::parse_address(&url).unwrap()).unwrap();
    assert_eq!(copied(bed), [1; 6]);
    let mut raw = bed.raw();
    assert_eq!(raw.count("product_governance_past", ""), 0);
    assert_eq!(raw.count("search_pending", "WHERE source = 1"), 1);
    assert_eq!(
        raw.number("SELECT position AS number FROM product_listing"),
        1_i64 << 40
    );
    take_back(bed, &owner);
}

/// A database whose owner is no superuser: it may be a member of the application's role, or not.
fn a_plain_owner_is_bound_and_serves(bed: &Bed) {
    let (owner, url) = given_away(bed);
    let mut raw = bed.raw();
    let plain = Database::open(&options(&url)).unwrap();
    acts_as(bed, &plain, &owner);
    let story = tell(bed, "north", &mut |_, _| ());
    let models = DieselModels::new(plain.clone());
    let change = bed.registration(&context(story.organization), "by-the-owner");
    bed.block(probity_registry::ModelRepository::commit(&models, change))
        .unwrap();
    bed.block(plain.ready()).unwrap();
    raw.must(&format!("SET ROLE {owner}"));
    assert_eq!(
        raw.count("registered_models", ""),
        0,
        "its own policy binds it"
    );
    raw.must(&format!("RESET ROLE; GRANT probity_app TO {owner}"));
    let member = Database::open(&options(&url)).unwrap();
    acts_as(bed, &member, "probity_app");
    member.drain();
    plain.drain();
    take_back(bed, &owner);
}

on_postgres_only!(
    an_upgrade_by_a_plain_owner_copies_what_is_there,
    what_earlier_upgrades_missed_is_copied,
    a_superuser_is_stepped_down_from,
    a_plain_owner_is_bound_and_serves,
);
