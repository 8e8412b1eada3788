//! The record, read and proved: `/api/v1/audit`, `snake_case`.
//!
//! A caller sees the record of its own organisation. The headers of entries hold no personal data and
//! are there for every reader; who acted and what changed are for who may administer. A credential that
//! is confined to spaces sees nothing of it: entries are about the whole organisation.

mod dto;
mod entries;
mod export;
mod proofs;
mod tiles;

use probity_access::Scope;
use probity_kernel::OrganizationId;

use crate::http::auth::Caller;
use crate::http::failure::{Failure, Family};
use crate::http::routing::Routes;

/// The family of the record.
pub(crate) struct Audit;

impl Family for Audit {}

const TAG: &str = "record";

/// Adds the routes below `/api/v1`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(entries::list_entries)
        .service(entries::get_entry)
        .service(proofs::entry_proof)
        .service(proofs::checkpoint)
        .service(proofs::keys)
        .service(proofs::inclusion)
        .service(proofs::consistency)
        .service(export::export)
        .service(tiles::tile);
}

/// The organisation whose record the caller may read.
fn reader<P>(caller: &Caller<Audit, P>) -> Result<OrganizationId, Failure<Audit>> {
    caller.unconfined()?;
    Ok(caller.principal.organization)
}

/// Whether the caller may see who acted and what changed.
fn sees_slots<P>(caller: &Caller<Audit, P>) -> bool {
    caller.principal.require(Scope::Admin).is_ok()
}
