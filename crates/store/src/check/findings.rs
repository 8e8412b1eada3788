//! What the checks have found so far.

use std::collections::HashMap;

use super::{CheckItem, CheckReport, Violation};

/// How many violations of one check are told one by one.
const TOLD: u64 = 1000;

/// The report in the making.
#[derive(Default)]
pub(super) struct Findings {
    report: CheckReport,
    counts: HashMap<&'static str, u64>,
}

impl Findings {
    /// A check looked at so many more rows.
    pub(super) fn examined(&mut self, name: &'static str, count: u64) {
        let items = &mut self.report.checked;
        match items.iter_mut().find(|item| item.name == name) {
            Some(item) => item.examined += count,
            None => items.push(CheckItem {
                name,
                examined: count,
            }),
        }
    }

    /// Something does not hold.
    pub(super) fn violated(
        &mut self,
        check: &'static str,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) {
        let count = self.counts.entry(check).or_default();
        *count += 1;
        if *count <= TOLD {
            self.report.violations.push(Violation {
                check,
                subject: subject.into(),
                detail: detail.into(),
            });
        }
    }

    pub(super) fn into_report(self) -> CheckReport {
        let Self { mut report, counts } = self;
        let mut more: Vec<_> = counts
            .into_iter()
            .filter(|(_, count)| *count > TOLD)
            .collect();
        more.sort_unstable();
        report
            .violations
            .extend(more.into_iter().map(|(check, count)| Violation {
                check,
                subject: String::new(),
                detail: format!("and {} more", count - TOLD),
            }));
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_violations_is_counted_not_kept() {
        let mut findings = Findings::default();
        findings.examined("a", 1);
        findings.examined("a", 2);
        for number in 0..TOLD + 5 {
            findings.violated("a", number.to_string(), "wrong");
        }
        findings.violated("b", "1", "wrong");
        let report = findings.into_report();
        assert_eq!(
            report.checked,
            [CheckItem {
                name: "a",
                examined: 3
            }]
        );
        assert_eq!(u64::try_from(report.violations.len()), Ok(TOLD + 2));
        assert_eq!(report.violations.last().unwrap().detail, "and 5 more");
    }
}
