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

/// A database whose owner is no superuser: it may be a member of the application's role, or not.
fn a_plain_owner_is_bound_and_serves(bed: &Bed) {
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
    raw.must(&format!(
        "REASSIGN OWNED BY {owner} TO CURRENT_USER; DROP OWNED BY {owner}; DROP ROLE {owner}"
    ));
}

on_postgres_only!(
    a_superuser_is_stepped_down_from,
    a_plain_owner_is_bound_and_serves,
);
