//! The order, the filters and the pages of a product's history.

use probity_kernel::{Page, PageRequest, Paging};
use time::{Duration, OffsetDateTime};

use super::{Run, must, present};
use crate::metric::ComplianceStatus;
use crate::repository::{GuardianRepository, HistoryFilter};
use crate::snapshot::{NewSnapshot, Snapshot};

impl<R: GuardianRepository> Run<'_, R> {
    /// Ten snapshots of the second product within a day of 2020, captured out of order and two by
    /// two at the same instant; every third is AMBER.
    async fn ten_of_one_day(&self, day: OffsetDateTime) {
        let ctx = self.context();
        let hours = [3_i64, 1, 4, 2, 0, 0, 2, 4, 1, 3];
        let batch = hours.iter().enumerate().map(|(index, hour)| {
            let drift = if index % 3 == 0 { 60.0 } else { 1.0 };
            NewSnapshot {
                captured_at: day + Duration::hours(*hour),
                ..self.snapshot(&ctx, self.world.second_product, drift, 95.0)
            }
        });
        let batch = batch.collect();
        self.ingest(ctx, batch).await;
    }

    async fn page(&self, filter: &HistoryFilter, request: &PageRequest) -> Page<Snapshot> {
        let organization = self.world.organization;
        let page = self.repo.history(organization, filter, request).await;
        must(page, "a page of the history")
    }

    fn of_day(&self, day: OffsetDateTime) -> HistoryFilter {
        HistoryFilter {
            product: self.world.second_product,
            from: Some(day),
            to: Some(day + Duration::days(1)),
            status: None,
        }
    }

    pub(super) async fn history_is_newest_captured_first_and_filtered(&self) {
        let day = time::macros::datetime!(2020-02-29 00:00 UTC);
        self.ten_of_one_day(day).await;
        let all = self.page(&self.of_day(day), &PageRequest::first(100)).await;
        assert_eq!((all.items.len(), all.total, all.next), (10, 10, None));
        let rank = |one: &Snapshot| (one.new.captured_at, one.new.id);
        assert!(all.items.is_sorted_by(|a, b| rank(a) > rank(b)));
        let hour = |hours: i64| Some(day + Duration::hours(hours));
        for (from, to, expected) in [
            (hour(1), hour(3), 4),
            (hour(4), None, 2),
            (None, hour(1), 2),
            (hour(5), hour(6), 0),
        ] {
            let window = HistoryFilter {
                from: from.or(Some(day)),
                to: to.or(Some(day + Duration::days(1))),
                ..self.of_day(day)
            };
            let page = self.page(&window, &PageRequest::first(100)).await;
            assert_eq!(page.total, expected, "{window:?}");
        }
        for (status, expected) in [
            (ComplianceStatus::Green, 6),
            (ComplianceStatus::Amber, 4),
            (ComplianceStatus::Red, 0),
        ] {
            let only = HistoryFilter {
                status: Some(status),
                ..self.of_day(day)
            };
            let page = self.page(&only, &PageRequest::first(100)).await;
            assert_eq!(page.total, expected, "{status}");
            assert!(page.items.iter().all(|one| one.status == status));
        }
    }

    pub(super) async fn cursors_survive_inserts(&self) {
        let day = time::macros::datetime!(2020-03-01 00:00 UTC);
        self.ten_of_one_day(day).await;
        let filter = self.of_day(day);
        let all = self.page(&filter, &PageRequest::first(100)).await.items;
        let mut request = PageRequest::first(3);
        let first = self.page(&filter, &request).await;
        assert_eq!((first.items.len(), first.total), (3, 10));
        let ctx = self.context();
        let newer = NewSnapshot {
            captured_at: day + Duration::hours(23),
            ..self.snapshot(&ctx, self.world.second_product, 1.0, 95.0)
        };
        self.ingest(ctx, vec![newer]).await;
        let mut joined = first.items;
        let mut next = first.next;
        while let Some(cursor) = next {
            request.paging = Paging::After(cursor);
            let page = self.page(&filter, &request).await;
            assert_eq!(page.total, 11, "a page counts what matches in all");
            joined.extend(page.items);
            next = page.next;
        }
        assert_eq!(joined, all, "no record is lost or told twice");
        request.paging = Paging::Offset(9);
        let last = self.page(&filter, &request).await;
        let oldest = present(all.last(), "the oldest");
        assert_eq!(last.items.last(), Some(oldest));
        assert_eq!((last.items.len(), last.next), (2, None));
        request.paging = Paging::Offset(11);
        let beyond = self.page(&filter, &request).await;
        assert_eq!(
            (beyond.items.len(), beyond.total, beyond.next),
            (0, 11, None)
        );
    }
}
