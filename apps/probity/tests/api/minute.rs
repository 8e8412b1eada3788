//! What takes a minute by its nature, side by side. The database has no part in it: once is enough.

use crate::harness::{Backend, Place};
use crate::{limits, tokens};

#[tokio::test]
async fn limits_end_as_they_say_and_new_keys_of_issuers_are_found() {
    let place = || Place::new(Backend::Sqlite).unwrap();
    let limits = limits::the_wait_that_is_told_is_the_wait(place());
    let keys = tokens::a_rotated_key_of_an_issuer_is_found(place());
    tokio::join!(limits, keys);
}
