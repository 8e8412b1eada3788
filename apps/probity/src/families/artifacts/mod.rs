//! Artifacts of models: `/api/v1.0`, `snake_case`.

mod chunks;
mod delivery;
mod download;
mod dto;
mod history;
mod refusal;
mod signature;
pub(crate) mod tus;
mod uploads;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::http::failure::{Failure, Family};
use crate::http::routing::Routes;

/// The family of model artifacts.
pub(crate) struct Artifacts;

impl Family for Artifacts {
    const MALFORMED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
}

const TAG: &str = "model artifacts";

/// What a handler of the family answers.
type Answer = Result<HttpResponse, Failure<Artifacts>>;

/// Adds the routes below `/api/v1.0`.
pub(crate) fn configure(routes: &mut impl Routes) {
    routes
        .service(uploads::initiate_upload)
        .service(uploads::get_upload)
        .service(uploads::abort_upload)
        .service(chunks::put_chunk)
        .service(uploads::complete_upload)
        .service(download::list_artifacts)
        .service(download::download_artifact)
        .service(download::delete_artifact)
        .service(signature::attach_signature)
        .service(signature::get_signature)
        .service(history::of_artifact)
        .service(history::of_upload);
}
