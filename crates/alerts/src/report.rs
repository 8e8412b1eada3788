//! How well service levels are kept, severity by severity.

use time::OffsetDateTime;

use crate::severity::Severity;
use crate::sla::{Deadline, SlaTargets, Tier};

/// What is known of one alert's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlaRow {
    /// Its severity.
    pub severity: Severity,
    /// When its clock was started.
    pub since: OffsetDateTime,
    /// When it was acknowledged.
    pub acknowledged_at: Option<OffsetDateTime>,
    /// When it was resolved.
    pub resolved_at: Option<OffsetDateTime>,
    /// Whether it is on the record that it was not acknowledged in time.
    pub acknowledge_breached: bool,
    /// The same for its resolution.
    pub resolve_breached: bool,
}

/// How long things took, in whole seconds, by nearest rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Durations {
    /// How many there are.
    pub count: u64,
    /// Their mean, rounded down.
    pub mean: u64,
    /// Half of them took no longer.
    pub p50: u64,
    /// Nine in ten took no longer.
    pub p90: u64,
    /// 95 in a hundred took no longer.
    pub p95: u64,
    /// 99 in a hundred took no longer.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

impl Durations {
    /// The figures of these durations; `None` where there are none.
    #[must_use]
    pub fn of(mut seconds: Vec<u64>) -> Option<Self> {
        seconds.sort_unstable();
        let count = u64::try_from(seconds.len()).ok()?;
        let max = *seconds.last()?;
        let sum: u128 = seconds.iter().map(|one| u128::from(*one)).sum();
        let rank = |percent: u64| {
            let rank = (count * percent).div_ceil(100).max(1);
            let place = usize::try_from(rank - 1).unwrap_or(usize::MAX);
            seconds.get(place).copied().unwrap_or(max)
        };
        Some(Self {
            count,
            mean: u64::try_from(sum / u128::from(count)).unwrap_or(u64::MAX),
            p50: rank(50),
            p90: rank(90),
            p95: rank(95),
            p99: rank(99),
            max,
        })
    }
}

/// How often one target was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compliance {
    /// In time.
    pub met: u64,
    /// Too late, or too late already.
    pub breached: u64,
    /// The deadline is still to come.
    pub pending: u64,
}

impl Compliance {
    /// The share that was met among those that are decided, 0 to 1; `None` while none is.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let decided = self.met + self.breached;
        let small = |count: u64| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
        (decided > 0).then(|| small(self.met) / small(decided))
    }
}

/// The figures of one severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierFigures {
    /// Which.
    pub severity: Severity,
    /// The targets that are in force now.
    pub targets: Tier,
    /// How many alerts there are.
    pub alerts: u64,
    /// How many of them stand.
    pub open: u64,
    /// From the start of the clock to the acknowledgement, of those that were acknowledged; who ends an
    /// alert has taken note of it.
    pub time_to_acknowledge: Option<Durations>,
    /// From the start of the clock to the end, of those that ended.
    pub time_to_resolve: Option<Durations>,
    /// How the target for the acknowledgement was kept.
    pub acknowledge: Compliance,
    /// How the target for the resolution was kept.
    pub resolve: Compliance,
}

/// The figures of all severities, gravest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlaReport {
    /// One for each severity.
    pub tiers: Vec<TierFigures>,
}

/// Adds alerts up, one after another.
#[derive(Debug)]
pub struct Tally {
    targets: SlaTargets,
    now: OffsetDateTime,
    tiers: Vec<(Severity, Sums)>,
}

#[derive(Debug, Default)]
struct Sums {
    alerts: u64,
    open: u64,
    to_acknowledge: Vec<u64>,
    to_resolve: Vec<u64>,
    acknowledge: Compliance,
    resolve: Compliance,
}

impl Tally {
    /// Nothing yet; alerts that stand are looked at as of `now`.
    #[must_use]
    pub fn new(targets: SlaTargets, now: OffsetDateTime) -> Self {
        let gravest_first = Severity::ALL.iter().rev();
        Self {
            targets,
            now,
            tiers: gravest_first.map(|one| (*one, Sums::default())).collect(),
        }
    }

    /// Adds one alert.
    pub fn add(&mut self, row: &SlaRow) {
        let (targets, now) = (self.targets.of(row.severity), self.now);
        let mut tiers = self.tiers.iter_mut();
        let Some((_, sums)) = tiers.find(|(severity, _)| *severity == row.severity) else {
            return;
        };
        let acknowledged = row.acknowledged_at.or(row.resolved_at);
        sums.alerts += 1;
        sums.open += u64::from(row.resolved_at.is_none());
        let took = |ended: OffsetDateTime| (ended - row.since).whole_seconds().max(0);
        let took = |ended| u64::try_from(took(ended)).unwrap_or(0);
        sums.to_acknowledge.extend(acknowledged.map(took));
        sums.to_resolve.extend(row.resolved_at.map(took));
        let judge = |deadline, ended: Option<OffsetDateTime>, recorded| {
            Verdict::of(targets.due(deadline, row.since), ended, recorded, now)
        };
        let verdict = judge(
            Deadline::Acknowledge,
            acknowledged,
            row.acknowledge_breached,
        );
        verdict.count(&mut sums.acknowledge);
        let verdict = judge(Deadline::Resolve, row.resolved_at, row.resolve_breached);
        verdict.count(&mut sums.resolve);
    }

    /// The figures.
    #[must_use]
    pub fn finish(self) -> SlaReport {
        let targets = self.targets;
        let tiers = self.tiers.into_iter().map(|(severity, sums)| TierFigures {
            severity,
            targets: targets.of(severity),
            alerts: sums.alerts,
            open: sums.open,
            time_to_acknowledge: Durations::of(sums.to_acknowledge),
            time_to_resolve: Durations::of(sums.to_resolve),
            acknowledge: sums.acknowledge,
            resolve: sums.resolve,
        });
        SlaReport {
            tiers: tiers.collect(),
        }
    }
}

/// How one target was kept by one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Met,
    Breached,
    Pending,
    /// There is no target.
    Untold,
}

impl Verdict {
    fn of(
        due: Option<OffsetDateTime>,
        ended: Option<OffsetDateTime>,
        recorded: bool,
        now: OffsetDateTime,
    ) -> Self {
        if recorded {
            return Self::Breached;
        }
        let Some(due) = due else { return Self::Untold };
        match ended {
            Some(ended) if ended <= due => Self::Met,
            None if now <= due => Self::Pending,
            Some(_) | None => Self::Breached,
        }
    }

    const fn count(self, into: &mut Compliance) {
        match self {
            Self::Met => into.met += 1,
            Self::Breached => into.breached += 1,
            Self::Pending => into.pending += 1,
            Self::Untold => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;
    use proptest::prelude::*;

    fn row(severity: Severity, acknowledged: Option<i64>, resolved: Option<i64>) -> SlaRow {
        SlaRow {
            severity,
            since: at(0),
            acknowledged_at: acknowledged.map(at),
            resolved_at: resolved.map(at),
            acknowledge_breached: false,
            resolve_breached: false,
        }
    }

    #[test]
    fn each_tier_is_counted_by_its_own_targets() {
        let mut tally = Tally::new(SlaTargets::default(), at(300));
        for one in [
            row(Severity::Critical, Some(15), Some(240)),
            row(Severity::Critical, Some(16), None),
            row(Severity::Critical, None, Some(10)),
            row(Severity::Critical, None, None),
            row(Severity::Low, None, None),
        ] {
            tally.add(&one);
        }
        let report = tally.finish();
        let [critical, high, _, low] = report.tiers.as_slice() else {
            panic!("{report:?}");
        };
        assert_eq!((critical.alerts, critical.open), (4, 2));
        let counts = |met, breached, pending| Compliance {
            met,
            breached,
            pending,
        };
        assert_eq!(critical.acknowledge, counts(2, 2, 0));
        assert_eq!(critical.resolve, counts(2, 2, 0));
        assert_eq!(critical.acknowledge.rate(), Some(0.5));
        let times = critical.time_to_acknowledge.unwrap();
        assert_eq!((times.count, times.p50, times.max), (3, 900, 960));
        assert_eq!((high.alerts, high.time_to_resolve), (0, None));
        assert_eq!(high.resolve.rate(), None);
        assert_eq!(low.acknowledge, counts(0, 0, 1));
    }

    #[test]
    fn what_is_on_the_record_stays_a_breach_under_softer_targets() {
        let targets = SlaTargets {
            critical: Tier {
                acknowledge: None,
                resolve: Some(100_000),
            },
            ..SlaTargets::default()
        };
        let mut tally = Tally::new(targets, at(300));
        tally.add(&SlaRow {
            acknowledge_breached: true,
            resolve_breached: true,
            ..row(Severity::Critical, Some(20), Some(250))
        });
        tally.add(&row(Severity::Critical, Some(20), Some(250)));
        let report = tally.finish();
        let critical = report.tiers.first().unwrap();
        assert_eq!(
            (critical.acknowledge.met, critical.acknowledge.breached),
            (0, 1)
        );
        assert_eq!((critical.resolve.met, critical.resolve.breached), (1, 1));
    }

    proptest! {
        #[test]
        fn percentiles_are_members_in_order(seconds in prop::collection::vec(0_u64..1_000_000, 1..300)) {
            let found = Durations::of(seconds.clone()).unwrap();
            let ranks = [found.p50, found.p90, found.p95, found.p99, found.max];
            prop_assert!(ranks.is_sorted());
            prop_assert!(ranks.iter().all(|one| seconds.contains(one)));
            let at_most = |limit| seconds.iter().filter(|one| **one <= limit).count();
            prop_assert!(at_most(found.p50) * 2 >= seconds.len());
            prop_assert!(at_most(found.p99) * 100 >= seconds.len() * 99);
        }
    }
}
