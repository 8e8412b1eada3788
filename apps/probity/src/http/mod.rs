//! What all families share: who calls, what is malformed, how failure looks, where routes lead.

pub(crate) mod as_of;
pub(crate) mod auth;
pub(crate) mod bounds;
pub(crate) mod cursor;
pub(crate) mod erasure;
pub(crate) mod extract;
pub(crate) mod failure;
mod head;
pub(crate) mod history;
pub(crate) mod instant;
pub(crate) mod json;
pub(crate) mod limits;
pub(crate) mod metrics;
mod objects;
pub(crate) mod openapi;
pub(crate) mod operations;
pub(crate) mod organization;
pub(crate) mod paging;
pub(crate) mod product;
pub(crate) mod product_body;
pub(crate) mod request;
pub(crate) mod routes;
pub(crate) mod routing;
pub(crate) mod shape;
pub(crate) mod space;
pub(crate) mod streams;
