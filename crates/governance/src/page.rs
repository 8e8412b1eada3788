//! Pages of what is in memory.

use probity_kernel::{Cursor, Page, PageRequest, Paging};

/// One page of records that are in their order already.
pub(crate) fn paged<T>(
    records: Vec<T>,
    request: &PageRequest,
    place: impl Fn(&T) -> Cursor,
    is_after: impl Fn(&Cursor, &Cursor) -> bool,
) -> Page<T> {
    let total = u64::try_from(records.len()).unwrap_or(u64::MAX);
    let mut rest: Vec<T> = match &request.paging {
        Paging::Offset(skip) => {
            let skip = usize::try_from(*skip).unwrap_or(usize::MAX);
            records.into_iter().skip(skip).collect()
        }
        Paging::After(cursor) => {
            let later = |record: &T| is_after(&place(record), cursor);
            records.into_iter().filter(later).collect()
        }
    };
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let more = rest.len() > limit;
    rest.truncate(limit);
    let next = rest.last().filter(|_| more).map(place);
    Page {
        items: rest,
        total,
        next,
    }
}
