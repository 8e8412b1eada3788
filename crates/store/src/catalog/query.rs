//! Lists of products: a page is found in the narrow listing before any product is read.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use probity_catalog::{
    DeploymentStatus, ModelFamily, Product, ProductFilter, RiskClassification, TaskType,
};
use probity_kernel::{Cursor, OrganizationId, Page, PageRequest, Paging, SpaceId};

use crate::connection::{AnyConnection, MultiBackend};
use crate::error::{StoreError, StoreResult};
use crate::listing::{first_of_search, page_of};
use crate::record::position;
use crate::search::{Source, array, candidates, like_pattern, trigram_expression};
use crate::types::{AnyUuid, Id, Number};

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = AnyUuid)]
    product_id: Id,
}

/// A deep offset or a search may take milliseconds; everything else is found at once.
pub(super) fn is_quick(filter: &ProductFilter, page: &PageRequest) -> bool {
    let shallow = !matches!(page.paging, Paging::Offset(skip) if skip > 1000);
    shallow && filter.search.is_none() && page.limit <= 200
}

/// One page, newest first; without the indexes of searches where they know another time.
pub(super) fn page(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    no: i64,
    filter: &ProductFilter,
    page: &PageRequest,
    may_index: bool,
) -> StoreResult<Page<Product>> {
    let question = Question::new(conn, organization, no, filter, may_index)?;
    let limit = i64::from(page.limit) + 1;
    let (before, skip) = match &page.paging {
        Paging::After(cursor) => (Some(cursor.key), 0),
        Paging::Offset(skip) => (None, i64::try_from(*skip).unwrap_or(i64::MAX)),
    };
    let (places, total) = if page.paging == Paging::Offset(0) && !question.words.is_empty() {
        let read = |conn: &mut _, ahead| question.places(conn, None, 0, ahead);
        first_of_search(conn, limit, read, |conn| question.total(conn))?
    } else {
        let total = question.total(conn)?;
        (question.places(conn, before, skip, limit)?, total)
    };
    let ids: Vec<Id> = places.iter().map(|place| place.product_id).collect();
    let mut products: HashMap<Id, Product> = super::load(conn, organization, &ids)?;
    let rows: Vec<(i64, Product)> = places
        .into_iter()
        .filter_map(|place| Some((place.position, products.remove(&place.product_id)?)))
        .collect();
    let cursor = |(position, _): &(i64, Product)| Cursor {
        key: *position,
        tie: 0,
    };
    page_of(page, total, rows, cursor, |(_, product)| Ok(product))
}

/// What is asked of the listing, as the text of conditions and what is bound to them. What comes from
/// closed vocabularies and numbers is written out; everything else is bound.
struct Question {
    organization: Id,
    /// `None` for all spaces.
    spaces: Option<Vec<Id>>,
    words: Vec<String>,
    /// The search language of the trigram index, where there is one that helps.
    expression: Option<String>,
    /// The rows that may match, as an array, where the index on PostgreSQL helps.
    candidates: Option<String>,
    narrowing: String,
    first: i64,
    last: i64,
}

impl Question {
    fn new(
        conn: &mut AnyConnection,
        organization: OrganizationId,
        no: i64,
        filter: &ProductFilter,
        may_index: bool,
    ) -> StoreResult<Self> {
        let words = filter.words();
        let (candidates, expression) = if may_index {
            (
                candidates(conn, Source::Products, organization, &words)?,
                trigram_expression(conn, Source::Products, (organization, no), &words)?,
            )
        } else {
            (None, None)
        };
        let ids = |spaces: &Vec<SpaceId>| spaces.iter().map(|space| Id(space.uuid())).collect();
        Ok(Self {
            organization: Id(organization.uuid()),
            spaces: filter.spaces.as_ref().map(ids),
            narrowing: narrowing(filter),
            words,
            expression,
            candidates: candidates.as_deref().map(array),
            first: position(no, 0),
            last: position(no + 1, 0) - 1,
        })
    }

    /// The conditions that rows of the listing and of the totals share.
    fn conditions(&self) -> String {
        let bound = self.spaces.as_ref().map(|spaces| {
            let bound: Vec<String> = (0..spaces.len()).map(|at| format!("${}", at + 2)).collect();
            bound.join(", ")
        });
        let spaces = match bound.as_deref() {
            None => String::new(),
            Some("") => " AND 1 = 0".to_owned(),
            Some(bound) => format!(" AND l.space_id IN ({bound})"),
        };
        format!("l.organization_id = $1{spaces}{}", self.narrowing)
    }

    /// Where rows come from, and the conditions of a search. SQLite numbers parameters by where they
    /// first stand in the text, so they stand in the order in which they are bound.
    fn source(&self) -> (&'static str, String) {
        let first = 2 + self.spaces.as_ref().map_or(0, Vec::len);
        let words = |first: usize| {
            let each = |word| format!(" AND t.search_text LIKE ${} ESCAPE '\\'", first + word);
            (0..self.words.len()).map(each).collect::<Vec<_>>().concat()
        };
        let range = format!("BETWEEN {} AND {}", self.first, self.last);
        if self.expression.is_some() {
            let matches = format!(" AND product_search_index MATCH ${first} AND s.rowid {range}");
            return (
                // SQLite keeps the order of a CROSS JOIN: the index first, whatever it guesses.
                "product_search_index s CROSS JOIN product_search t ON t.position = s.rowid \
                 CROSS JOIN product_listing l ON l.position = s.rowid",
                matches + &words(first + 1),
            );
        }
        let within = format!(" AND l.position {range}");
        if self.words.is_empty() {
            return ("product_listing l", within);
        }
        let within = match &self.candidates {
            Some(candidates) => format!(" AND l.position = ANY({candidates})"),
            None => within,
        };
        (
            "product_listing l JOIN product_search t ON t.position = l.position",
            format!("{within} AND t.organization_id = $1{}", words(first)),
        )
    }

    fn run<T>(
        &self,
        conn: &mut AnyConnection,
        statement: String,
        search: bool,
    ) -> StoreResult<Vec<T>>
    where
        T: diesel::deserialize::QueryableByName<MultiBackend> + 'static,
    {
        let mut query = diesel::sql_query(statement)
            .into_boxed::<MultiBackend>()
            .bind::<AnyUuid, _>(self.organization);
        for space in self.spaces.iter().flatten() {
            query = query.bind::<AnyUuid, _>(*space);
        }
        if search {
            if let Some(expression) = &self.expression {
                query = query.bind::<Text, _>(expression.clone());
            }
            for word in &self.words {
                query = query.bind::<Text, _>(like_pattern(word));
            }
        }
        query.load(conn).map_err(StoreError::from)
    }

    /// How many match: kept in the unit of work by all that can be filtered, counted for a search.
    fn total(&self, conn: &mut AnyConnection) -> StoreResult<i64> {
        let search = !self.words.is_empty();
        let conditions = self.conditions();
        let statement = if search {
            let (source, more) = self.source();
            format!("SELECT COUNT(*) AS number FROM {source} WHERE {conditions}{more}")
        } else {
            format!(
                "SELECT CAST(COALESCE(SUM(l.products), 0) AS BIGINT) AS number \
                 FROM product_totals l WHERE {conditions}"
            )
        };
        let counted: Vec<Number> = self.run(conn, statement, search)?;
        Ok(counted.first().map_or(0, |counted| counted.number))
    }

    fn places(
        &self,
        conn: &mut AnyConnection,
        before: Option<i64>,
        skip: i64,
        limit: i64,
    ) -> StoreResult<Vec<Place>> {
        let (source, more) = self.source();
        let key = if self.expression.is_some() {
            "s.rowid"
        } else {
            "l.position"
        };
        let before = before.map(|before| format!(" AND {key} < {before}"));
        let statement = format!(
            "SELECT l.position, l.product_id FROM {source} WHERE {}{more}{} \
             ORDER BY {key} DESC LIMIT {limit} OFFSET {skip}",
            self.conditions(),
            before.unwrap_or_default()
        );
        self.run(conn, statement, true)
    }
}

/// The conditions of the filter that closed vocabularies answer, written out.
fn narrowing(filter: &ProductFilter) -> String {
    let types: Vec<String> = filter
        .types
        .iter()
        .map(|kind| format!("'{kind}'"))
        .collect();
    let is = |column: &str, value: Option<&str>| {
        value.map_or_else(String::new, |value| format!(" AND l.{column} = '{value}'"))
    };
    let mut text = String::new();
    if !types.is_empty() {
        text = format!(" AND l.product_type IN ({})", types.join(", "));
    }
    if !filter.include_archived {
        text += " AND NOT l.archived";
    }
    let family = filter.model_family.map(ModelFamily::as_str);
    let task = filter.model_task_type.map(TaskType::as_str);
    let status = filter.deployment_status.map(DeploymentStatus::as_str);
    let risk = filter.risk_classification.map(RiskClassification::as_str);
    text + &is("model_family", family)
        + &is("model_task_type", task)
        + &is("deployment_status", status)
        + &is("risk_classification", risk)
}
