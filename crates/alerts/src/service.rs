//! The commands and questions of alerts over any repository.

use probity_kernel::{
    AlertId, Change, Context, FieldError, OrganizationId, Page, PageRequest, RepositoryError,
    Version,
};
use time::{Duration, OffsetDateTime};

use crate::alert::TrackedAlert;
use crate::error::AlertsError;
use crate::event::AlertsEvent;
use crate::preferences::{Preferences, PreferencesInput};
use crate::report::{SlaReport, Tally};
use crate::repository::{AlertsChange, AlertsRepository, AlertsWrite, BannerFilter, Configured};
use crate::sla::{SlaTargets, TargetsInput};

/// How many alerts a report adds up at the most.
pub const MOST_IN_A_REPORT: u32 = 500_000;
/// The longest window of a report.
pub const LONGEST_WINDOW: Duration = Duration::days(366);
/// How often a change is tried again when others changed the same meanwhile.
const ATTEMPTS: usize = 3;

/// A decision of a person on an alert.
type Decide =
    fn(&TrackedAlert, &Context, Option<String>) -> Result<Option<AlertsChange>, AlertsError>;

/// Alerts over a repository.
#[derive(Debug, Clone)]
pub struct AlertsService<R> {
    repository: R,
}

impl<R: AlertsRepository> AlertsService<R> {
    /// Alerts over this repository.
    pub const fn new(repository: R) -> Self {
        Self { repository }
    }

    /// One alert.
    ///
    /// # Errors
    /// `alert_not_found`, and what the repository answers.
    pub async fn alert(
        &self,
        organization: OrganizationId,
        id: AlertId,
    ) -> Result<TrackedAlert, AlertsError> {
        let found = self.repository.find_alert(organization, id).await?;
        found.ok_or(AlertsError::AlertNotFound)
    }

    /// A page of alerts, the newest clock first.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn list(
        &self,
        organization: OrganizationId,
        filter: &BannerFilter,
        page: &PageRequest,
    ) -> Result<Page<TrackedAlert>, AlertsError> {
        let found = self.repository.list_alerts(organization, filter, page);
        Ok(found.await?)
    }

    /// How service levels were kept by the alerts whose clocks were started in `[from, to)`.
    ///
    /// # Errors
    /// `invalid_payload` for a window that is empty or longer than 366 days, `window_too_large`, and
    /// what the repository answers.
    pub async fn report(
        &self,
        organization: OrganizationId,
        from: OffsetDateTime,
        to: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<SlaReport, AlertsError> {
        let refused =
            |code, message: &str| AlertsError::Invalid(vec![FieldError::new("to", code, message)]);
        if to <= from {
            return Err(refused("out_of_order", "must be after `from`"));
        }
        if to - from > LONGEST_WINDOW {
            return Err(refused(
                "out_of_range",
                "must be at most 366 days after `from`",
            ));
        }
        let targets = self.repository.targets(organization).await?.value;
        let limit = MOST_IN_A_REPORT + 1;
        let rows = self
            .repository
            .clocks(organization, from, to, limit)
            .await?;
        if rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(AlertsError::WindowTooLarge(MOST_IN_A_REPORT));
        }
        let mut tally = Tally::new(targets, now);
        for row in &rows {
            tally.add(row);
        }
        Ok(tally.finish())
    }

    /// The targets in force.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn targets(
        &self,
        organization: OrganizationId,
    ) -> Result<Configured<SlaTargets>, AlertsError> {
        Ok(self.repository.targets(organization).await?)
    }

    /// Changes the targets: what the input leaves out stays. Targets that are as they were change
    /// nothing and record nothing. They count from now on for all alerts that stand.
    ///
    /// # Errors
    /// All faulty fields, `precondition_failed`, and what the repository answers.
    pub async fn set_targets(
        &self,
        context: &Context,
        input: &TargetsInput,
        demanded: Option<Version>,
    ) -> Result<Configured<SlaTargets>, AlertsError> {
        for _ in 0..ATTEMPTS {
            let current = self.repository.targets(context.organization).await?;
            let next = current.value.with(input).map_err(AlertsError::Invalid)?;
            expect(current.version, demanded)?;
            if next == current.value {
                return Ok(current);
            }
            let event = AlertsEvent::TargetsChanged {
                organization: context.organization,
                before: Box::new(current.value),
                after: Box::new(next),
            };
            let write = AlertsWrite::SetTargets {
                targets: Box::new(next),
                expected: current.version,
            };
            match self
                .repository
                .commit(Change::new(context, write, event))
                .await
            {
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {
                    return Ok(Configured {
                        value: next,
                        version: current.version.next(),
                    });
                }
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// The caller's own preferences.
    ///
    /// # Errors
    /// What the repository answers.
    pub async fn preferences(
        &self,
        context: &Context,
    ) -> Result<Configured<Preferences>, AlertsError> {
        let recipient = context.actor.spelling();
        let found = self
            .repository
            .preferences(context.organization, &recipient);
        Ok(found.await?)
    }

    /// Changes the caller's own preferences, as [`set_targets`](Self::set_targets) does.
    ///
    /// # Errors
    /// All faulty fields, `precondition_failed`, and what the repository answers.
    pub async fn set_preferences(
        &self,
        context: &Context,
        input: &PreferencesInput,
        demanded: Option<Version>,
    ) -> Result<Configured<Preferences>, AlertsError> {
        for _ in 0..ATTEMPTS {
            let current = self.preferences(context).await?;
            let before = current.value.clone();
            let next = current.value.clone().with(input);
            let next = next.map_err(AlertsError::Invalid)?;
            expect(current.version, demanded)?;
            if next == before {
                return Ok(current);
            }
            let event = AlertsEvent::PreferencesChanged {
                organization: context.organization,
                recipient: context.actor.id(),
                before: Box::new(before),
                after: Box::new(next.clone()),
            };
            let write = AlertsWrite::SetPreferences {
                recipient: context.actor.spelling(),
                preferences: Box::new(next.clone()),
                expected: current.version,
            };
            match self
                .repository
                .commit(Change::new(context, write, event))
                .await
            {
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {
                    return Ok(Configured {
                        value: next,
                        version: current.version.next(),
                    });
                }
            }
        }
        Err(RepositoryError::Stale.into())
    }

    /// Acknowledges an alert that is not of a metric; once more changes nothing.
    ///
    /// # Errors
    /// `alert_not_found`, `alert_resolved`, the note's faults, and what the repository answers.
    pub async fn acknowledge(
        &self,
        context: &Context,
        id: AlertId,
        note: Option<String>,
    ) -> Result<TrackedAlert, AlertsError> {
        self.decide(context, id, note, TrackedAlert::acknowledge)
            .await
    }

    /// Resolves an alert that is not of a metric; once more changes nothing.
    ///
    /// # Errors
    /// `alert_not_found`, the note's faults, and what the repository answers.
    pub async fn resolve(
        &self,
        context: &Context,
        id: AlertId,
        note: Option<String>,
    ) -> Result<TrackedAlert, AlertsError> {
        self.decide(context, id, note, TrackedAlert::resolve).await
    }

    async fn decide(
        &self,
        context: &Context,
        id: AlertId,
        note: Option<String>,
        decide: Decide,
    ) -> Result<TrackedAlert, AlertsError> {
        for _ in 0..ATTEMPTS {
            let alert = self.alert(context.organization, id).await?;
            let Some(change) = decide(&alert, context, note.clone())? else {
                return Ok(alert);
            };
            match self.repository.commit(change).await {
                Err(RepositoryError::Stale) => {}
                Err(error) => return Err(error.into()),
                Ok(AlertsWrite::UpdateAlert { next, .. }) => return Ok(*next),
                Ok(_) => {
                    let what = "an alert's commit without an alert";
                    return Err(RepositoryError::Database(what.into()).into());
                }
            }
        }
        Err(RepositoryError::Stale.into())
    }
}

fn expect(version: Version, demanded: Option<Version>) -> Result<(), AlertsError> {
    if demanded.is_some_and(|demanded| demanded != version) {
        return Err(AlertsError::PreconditionFailed);
    }
    Ok(())
}
