//! Reading the inventory: which rows pass a filter, and in which steps a page is found.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use probity_kernel::text::{fold, search_words};
use probity_kernel::{Cursor, OrganizationId, Page, PageRequest, Paging};
use probity_registry::{ModelFilter, RegisteredModel};

use super::rows::ModelRow;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::StoreResult;
use crate::listing::{first_of_search, page_of};
use crate::record::position;
use crate::schema::{registered_models as models, registry_heads, registry_totals};
use crate::search::{Source, array, candidates, like_pattern, trigram_expression};
use crate::types::{AnyUuid, Id};

type Query<'a> = models::BoxedQuery<'a, MultiBackend>;

/// A deep offset or a search may take milliseconds; everything else is found at once.
pub(super) fn is_quick(filter: &ModelFilter, page: &PageRequest) -> bool {
    let shallow = !matches!(page.paging, Paging::Offset(skip) if skip > 1000);
    shallow && filter.search.is_none() && filter.provider.is_none() && page.limit <= 200
}

/// One page in listing order.
pub(super) fn page(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    no: i64,
    filter: &ModelFilter,
    page: &PageRequest,
    may_index: bool,
) -> StoreResult<Page<RegisteredModel>> {
    let question = Question::new(conn, organization, no, filter, may_index)?;
    let limit = i64::from(page.limit) + 1;
    let (positions, total) = if page.paging == Paging::Offset(0) && question.is_search() {
        let read = |conn: &mut _, ahead| question.positions(conn, None, 0, ahead);
        first_of_search(conn, limit, read, |conn| question.total(conn))?
    } else {
        let total = question.total(conn)?;
        let (before, skip) = start(conn, organization, no, filter, total, page)?;
        (question.positions(conn, before, skip, limit)?, total)
    };
    let rows = by_positions(conn, organization, &positions)?;
    page_of(
        page,
        total,
        rows,
        |row| Cursor {
            key: row.position,
            tie: 0,
        },
        RegisteredModel::try_from,
    )
}

/// Rows after a position, for exports.
pub(super) fn after(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &ModelFilter,
    after: Option<i64>,
    limit: u32,
) -> StoreResult<Vec<ModelRow>> {
    let mut query = matching(organization, filter, None);
    if let Some(after) = after {
        query = query.filter(models::position.lt(after));
    }
    let rows = query
        .select(ModelRow::as_select())
        .order(models::position.desc())
        .limit(i64::from(limit))
        .load(conn)?;
    Ok(rows)
}

/// Before which position a page starts, and how many rows after that.
fn start(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    no: i64,
    filter: &ModelFilter,
    total: i64,
    page: &PageRequest,
) -> StoreResult<(Option<i64>, i64)> {
    let skip = match &page.paging {
        Paging::After(cursor) => return Ok((Some(cursor.key), 0)),
        Paging::Offset(skip) => i64::try_from(*skip).unwrap_or(i64::MAX),
    };
    Ok(match jump(conn, organization, no, filter, total, skip)? {
        Some(before) => (Some(before), 0),
        None => (None, skip),
    })
}

/// Where the page after `skip` rows starts when no entry was ever removed: positions are then
/// contiguous, and nothing needs to be walked over.
fn jump(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    no: i64,
    filter: &ModelFilter,
    total: i64,
    skip: i64,
) -> StoreResult<Option<i64>> {
    if skip == 0 || *filter != ModelFilter::default() {
        return Ok(None);
    }
    let next: Option<i64> = registry_heads::table
        .find(Id(organization.uuid()))
        .select(registry_heads::next_position)
        .get_result(conn)
        .optional()?;
    let dense = next == Some(total);
    Ok(dense.then(|| position(no, (total - skip).max(0))))
}

/// The rows that may hold the words of a search, as an array, where the index on PostgreSQL helps.
fn among(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &ModelFilter,
    may_index: bool,
) -> StoreResult<Option<String>> {
    let search = filter.search.as_deref().filter(|_| may_index);
    let words = search.map(search_words).unwrap_or_default();
    let found = candidates(conn, Source::Inventory, organization, &words)?;
    Ok(found.as_deref().map(array))
}

/// Everything of the filter that columns answer, among all rows or these.
fn matching<'a>(
    organization: OrganizationId,
    filter: &ModelFilter,
    among: Option<&str>,
) -> Query<'a> {
    let mut query = models::table
        .filter(models::organization_id.eq(Id(organization.uuid())))
        .into_boxed::<MultiBackend>();
    if let Some(positions) = among {
        let among = format!("registered_models.position = ANY({positions})");
        query = query.filter(diesel::dsl::sql::<Bool>(&among));
    }
    if let Some(tier) = filter.risk_tier {
        query = query.filter(models::risk_tier.eq(tier.to_string()));
    }
    if let Some(status) = filter.validation_status {
        query = query.filter(models::validation_status.eq(status.to_string()));
    }
    if let Some(provider) = &filter.provider {
        let part = like_pattern(&fold(provider));
        query = query.filter(models::provider_folded.like(part).escape('\\'));
    }
    for word in filter
        .search
        .as_deref()
        .map(search_words)
        .unwrap_or_default()
    {
        query = query.filter(models::search_text.like(like_pattern(&word)).escape('\\'));
    }
    query
}

/// What is asked of the inventory, and what an index knows about it.
struct Question<'a> {
    organization: OrganizationId,
    filter: &'a ModelFilter,
    /// The index on SQLite, where it helps.
    index: Option<TrigramSearch>,
    /// The rows that may match, where the index on PostgreSQL helps.
    among: Option<String>,
}

impl<'a> Question<'a> {
    fn new(
        conn: &mut AnyConnection,
        organization: OrganizationId,
        no: i64,
        filter: &'a ModelFilter,
        may_index: bool,
    ) -> StoreResult<Self> {
        let index = if may_index {
            indexed(conn, organization, no, filter)?
        } else {
            None
        };
        Ok(Self {
            organization,
            filter,
            index,
            among: among(conn, organization, filter, may_index)?,
        })
    }

    /// Whether texts have to be looked at.
    const fn is_search(&self) -> bool {
        self.filter.provider.is_some() || self.filter.search.is_some()
    }

    /// How many rows match: kept in the unit of work by tier and status, counted otherwise.
    fn total(&self, conn: &mut AnyConnection) -> StoreResult<i64> {
        if !self.is_search() {
            return kept_total(conn, self.organization, self.filter);
        }
        match &self.index {
            Some(index) => index.count(conn),
            None => Ok(self.matching().count().get_result(conn)?),
        }
    }

    /// The positions of a page's rows, found in a narrow index before any row is read.
    fn positions(
        &self,
        conn: &mut AnyConnection,
        before: Option<i64>,
        skip: i64,
        limit: i64,
    ) -> StoreResult<Vec<i64>> {
        match &self.index {
            Some(index) => index.positions(conn, before, skip, limit),
            None => positions(conn, self.matching(), before, skip, limit),
        }
    }

    fn matching(&self) -> Query<'_> {
        matching(self.organization, self.filter, self.among.as_deref())
    }
}

/// How many rows there are of a tier and a status.
fn kept_total(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    filter: &ModelFilter,
) -> StoreResult<i64> {
    let mut query = registry_totals::table
        .filter(registry_totals::organization_id.eq(Id(organization.uuid())))
        .select(registry_totals::models)
        .into_boxed::<MultiBackend>();
    if let Some(tier) = filter.risk_tier {
        query = query.filter(registry_totals::risk_tier.eq(tier.to_string()));
    }
    if let Some(status) = filter.validation_status {
        query = query.filter(registry_totals::validation_status.eq(status.to_string()));
    }
    Ok(query.load::<i64>(conn)?.into_iter().sum())
}

fn positions(
    conn: &mut AnyConnection,
    mut query: Query<'_>,
    before: Option<i64>,
    skip: i64,
    limit: i64,
) -> StoreResult<Vec<i64>> {
    if let Some(before) = before {
        query = query.filter(models::position.lt(before));
    }
    Ok(query
        .select(models::position)
        .order(models::position.desc())
        .offset(skip)
        .limit(limit)
        .load(conn)?)
}

fn by_positions(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    positions: &[i64],
) -> StoreResult<Vec<ModelRow>> {
    let (Some(highest), Some(lowest)) = (positions.first(), positions.last()) else {
        return Ok(Vec::new());
    };
    let mine = models::organization_id.eq(Id(organization.uuid()));
    let contiguous =
        usize::try_from(highest - lowest).is_ok_and(|span| span + 1 == positions.len());
    let query = models::table.filter(mine).select(ModelRow::as_select());
    if contiguous {
        let rows = query
            .filter(models::position.between(*lowest, *highest))
            .order(models::position.desc())
            .load(conn)?;
        return Ok(rows);
    }
    let rows = query
        .filter(models::position.eq_any(positions))
        .order(models::position.desc())
        .into_boxed::<MultiBackend>()
        .load(conn)?;
    Ok(rows)
}

/// A search that SQLite's trigram index answers: the trigrams that it is asked for must occur, and what
/// it finds is compared with the words themselves.
struct TrigramSearch {
    organization: OrganizationId,
    first: i64,
    last: i64,
    expression: String,
    condition: String,
    patterns: Vec<String>,
}

fn indexed(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    no: i64,
    filter: &ModelFilter,
) -> StoreResult<Option<TrigramSearch>> {
    let (None, Some(search)) = (&filter.provider, filter.search.as_deref()) else {
        return Ok(None);
    };
    let words = search_words(search);
    let of = (organization, no);
    let Some(expression) = trigram_expression(conn, Source::Inventory, of, &words)? else {
        return Ok(None);
    };
    let tier = filter
        .risk_tier
        .map(|tier| format!(" AND m.risk_tier = '{tier}'"));
    let status = filter
        .validation_status
        .map(|status| format!(" AND m.validation_status = '{status}'"));
    let condition = tier.unwrap_or_default() + &status.unwrap_or_default();
    Ok(Some(TrigramSearch {
        organization,
        first: position(no, 0),
        last: position(no + 1, 0) - 1,
        expression,
        condition,
        patterns: words.iter().map(|word| like_pattern(word)).collect(),
    }))
}

impl TrigramSearch {
    /// The statement up to its ordering; numbered from `$1`. SQLite keeps the order of a `CROSS JOIN`: the
    /// index first, whatever it guesses. The other way round it asks the index once for each entry.
    fn statement(&self, select: &str) -> String {
        let words: Vec<String> = (0..self.patterns.len())
            .map(|word| format!(" AND m.search_text LIKE ${} ESCAPE '\\'", word + 5))
            .collect();
        let words = words.concat();
        format!(
            "SELECT {select} FROM registered_models_search s \
             CROSS JOIN registered_models m ON m.position = s.rowid \
             WHERE registered_models_search MATCH $1 AND s.rowid BETWEEN $2 AND $3 \
             AND m.organization_id = $4{words}{}",
            self.condition
        )
    }

    fn run(&self, conn: &mut AnyConnection, statement: String) -> StoreResult<Vec<i64>> {
        #[derive(QueryableByName)]
        struct Found {
            #[diesel(sql_type = BigInt)]
            found: i64,
        }
        let mut query = diesel::sql_query(statement)
            .into_boxed::<MultiBackend>()
            .bind::<Text, _>(self.expression.clone())
            .bind::<BigInt, _>(self.first)
            .bind::<BigInt, _>(self.last)
            .bind::<AnyUuid, _>(Id(self.organization.uuid()));
        for pattern in &self.patterns {
            query = query.bind::<Text, _>(pattern.clone());
        }
        let rows: Vec<Found> = query.load(conn)?;
        Ok(rows.into_iter().map(|row| row.found).collect())
    }

    fn count(&self, conn: &mut AnyConnection) -> StoreResult<i64> {
        let counted = self.run(conn, self.statement("COUNT(*) AS found"))?;
        Ok(counted.first().copied().unwrap_or_default())
    }

    fn positions(
        &self,
        conn: &mut AnyConnection,
        before: Option<i64>,
        skip: i64,
        limit: i64,
    ) -> StoreResult<Vec<i64>> {
        let before = before.map(|before| format!(" AND s.rowid < {before}"));
        let statement = format!(
            "{}{} ORDER BY s.rowid DESC LIMIT {limit} OFFSET {skip}",
            self.statement("s.rowid AS found"),
            before.unwrap_or_default()
        );
        self.run(conn, statement)
    }
}
