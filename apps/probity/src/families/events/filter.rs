//! What a query asks for.

use std::str::FromStr;

use probity_kernel::PageRequest;
use probity_webhooks::event::parse_source;
use probity_webhooks::{EventFilter, EventType};
use uuid::Uuid;

use super::dto::{FilterQuery, PageQuery};
use crate::http::bounds::window;
use crate::http::extract::Faults;

const AN_ID: &str = "a UUID or the prefixed spelling of one";

/// The id of a source, whatever its kind.
struct Source(Uuid);

impl FromStr for Source {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        parse_source(text).map(Self).ok_or(())
    }
}

/// The filter that a query asks for; faults are noted.
pub(super) fn wanted(faults: &mut Faults, query: &FilterQuery, types: &[String]) -> EventFilter {
    let mut named = |text: &String| {
        let expected = "a dotted name such as risk_score.changed";
        faults.optional::<EventType>("event_type", Some(text), expected)
    };
    let types = types.iter().filter_map(&mut named).collect();
    let (from, to) = window(faults, query.from.as_deref(), query.to.as_deref());
    let source = faults.optional::<Source>("source_id", query.source_id.as_deref(), AN_ID);
    let finding = faults.optional::<Source>("finding_id", query.finding_id.as_deref(), AN_ID);
    let product = faults.optional("product_id", query.product_id.as_deref(), AN_ID);
    EventFilter {
        types,
        product,
        source: finding.or(source).map(|source| source.0),
        from,
        to,
        spaces: None,
        hidden: Vec::new(),
    }
}

/// The page that a query asks for; faults are noted.
pub(super) fn page(faults: &mut Faults, query: &PageQuery) -> PageRequest {
    let limit = faults.number("limit", query.limit.as_deref(), 1..=100, 50);
    faults.page(
        limit,
        "offset",
        query.offset.as_deref(),
        query.cursor.as_deref(),
    )
}
