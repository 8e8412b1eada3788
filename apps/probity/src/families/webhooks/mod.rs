//! Webhooks of the stream of governance events: `/api/v1/governance-events`, `snake_case`.

mod deliveries;
mod dto;
mod handlers;
mod history;

use probity_webhooks::WebhookError;

use crate::http::auth::{AdminAccess, Caller};
use crate::http::failure::{Failure, Family};
use crate::http::routing::Routes;

/// The family of webhooks.
pub(crate) struct Webhooks;

impl Family for Webhooks {}

const TAG: &str = "webhooks";

type Answer<T> = Result<T, Failure<Webhooks>>;
type Admin = Caller<Webhooks, AdminAccess>;

/// An endpoint gets the events of every space: a credential that is confined to some has no say.
fn unconfined(caller: &Admin) -> Answer<()> {
    if caller.principal.reach.only().is_some() {
        return Err(WebhookError::Confined.into());
    }
    Ok(())
}

/// Adds the routes below `/api/v1`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(handlers::list_webhooks)
        .service(handlers::create_webhook)
        .service(handlers::get_webhook)
        .service(handlers::update_webhook)
        .service(handlers::delete_webhook)
        .service(handlers::rotate_secret)
        .service(history::of_webhook)
        .service(deliveries::list_deliveries)
        .service(deliveries::get_delivery)
        .service(deliveries::replay_delivery)
        .service(deliveries::replay_webhook)
        .service(deliveries::list_dead_letters)
        .service(deliveries::replay_dead_letters);
}
