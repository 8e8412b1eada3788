//! Lists that are bare arrays: what is told about the page stands in headers.

use actix_web::HttpResponse;
use actix_web::http::header::HeaderName;
use probity_kernel::{Page, PageRequest, Paging};
use serde::Serialize;

use crate::http::cursor;

const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
const PAGE: HeaderName = HeaderName::from_static("x-page");
const MORE: HeaderName = HeaderName::from_static("x-has-more");
const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");

/// One page as a bare array with its headers. Pages are counted from 1; after a cursor nobody knows
/// which page it is, and `X-Page` is left out.
pub(crate) fn array<T: Serialize>(request: &PageRequest, page: &Page<T>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((TOTAL, page.total.to_string()));
    response.insert_header((MORE, if page.next.is_some() { "true" } else { "false" }));
    if let Paging::Offset(skip) = request.paging {
        let number = skip / u64::from(request.limit.max(1)) + 1;
        response.insert_header((PAGE, number.to_string()));
    }
    if let Some(next) = page.next {
        response.insert_header((NEXT, cursor::write(next)));
    }
    response.json(&page.items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_kernel::Cursor;

    fn headers(request: &PageRequest, next: Option<Cursor>) -> Vec<Option<String>> {
        let page = Page {
            items: vec![1, 2],
            total: 7,
            next,
        };
        let response = array(request, &page);
        let text = |name| {
            let value = response.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        [TOTAL, PAGE, MORE, NEXT].into_iter().map(text).collect()
    }

    #[test]
    fn pages_are_counted_from_one_and_after_a_cursor_not_at_all() {
        let cursor = Cursor { key: 1, tie: 2 };
        let some = |text: &str| Some(text.to_owned());
        let mut request = PageRequest::first(2);
        assert_eq!(
            headers(&request, None),
            [some("7"), some("1"), some("false"), None]
        );
        request.paging = Paging::Offset(5);
        let next = Some(crate::http::cursor::write(cursor));
        assert_eq!(
            headers(&request, Some(cursor)),
            [some("7"), some("3"), some("true"), next]
        );
        request.paging = Paging::After(cursor);
        assert_eq!(
            headers(&request, None),
            [some("7"), None, some("false"), None]
        );
    }
}
