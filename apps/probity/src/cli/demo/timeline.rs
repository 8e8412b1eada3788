//! The story in the order in which it happened, so that the record and the past are what they would be
//! had it taken two years.

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, join_all};
use probity_kernel::Context;

use super::seed::{Failure, Teller};

/// Something that happens.
type Deed<'a> =
    Box<dyn FnOnce(&'a Teller<'a>, Context) -> LocalBoxFuture<'a, Result<(), Failure>> + 'a>;

struct Scene<'a> {
    days: i64,
    /// Whether it only adds what no other scene looks at, so that nothing waits for it.
    is_free: bool,
    deed: Deed<'a>,
}

/// What happens, each with the days ago.
#[derive(Default)]
pub(super) struct Timeline<'a>(Vec<Scene<'a>>);

impl<'a> Timeline<'a> {
    /// Something that happened so many days ago; of one day, in the order in which it is told.
    pub(super) fn add<F, D>(&mut self, days: i64, deed: F)
    where
        F: FnOnce(&'a Teller<'a>, Context) -> D + 'a,
        D: Future<Output = Result<(), Failure>> + 'a,
    {
        self.put(days, false, deed);
    }

    /// The same for what nothing waits for.
    pub(super) fn add_free<F, D>(&mut self, days: i64, deed: F)
    where
        F: FnOnce(&'a Teller<'a>, Context) -> D + 'a,
        D: Future<Output = Result<(), Failure>> + 'a,
    {
        self.put(days, true, deed);
    }

    fn put<F, D>(&mut self, days: i64, is_free: bool, deed: F)
    where
        F: FnOnce(&'a Teller<'a>, Context) -> D + 'a,
        D: Future<Output = Result<(), Failure>> + 'a,
    {
        self.0.push(Scene {
            days,
            is_free,
            deed: Box::new(move |teller, context| deed(teller, context).boxed_local()),
        });
    }

    /// Lets everything happen. What is free goes along with the next day of other things: many units
    /// of work are then one commit.
    pub(super) async fn play(mut self, teller: &'a Teller<'a>) -> Result<(), Failure> {
        self.0.sort_by_key(|scene| std::cmp::Reverse(scene.days));
        let mut wave = Vec::new();
        let mut day = None;
        for Scene {
            days,
            is_free,
            deed,
        } in self.0
        {
            if day.is_some_and(|day| day != days) {
                all(&mut wave).await?;
                day = None;
            }
            if !is_free {
                day = Some(days);
            }
            wave.push(deed(teller, teller.days_ago(days)));
        }
        all(&mut wave).await
    }
}

async fn all(wave: &mut Vec<LocalBoxFuture<'_, Result<(), Failure>>>) -> Result<(), Failure> {
    join_all(std::mem::take(wave)).await.into_iter().collect()
}
