//! What the server reaches outside its database.

pub(crate) mod blobs;
pub(crate) mod courier;
pub(crate) mod drafters;
pub(crate) mod redis_limits;
pub(crate) mod timestamps;
pub(crate) mod vault;
pub(crate) mod witnesses;
