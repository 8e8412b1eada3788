//! Every stored value is one that the domain reads.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::Bool;
use probity_access::{ApiKey, Organization, SpaceMember, User};
use probity_alerts::TrackedAlert;
use probity_artifacts::Artifact;
use probity_catalog::attachment::ProductVersion;
use probity_catalog::{DataDependency, PolicyAttachment, RiskMitigation, Space};
use probity_governance::evidence::{RuntimeEvent, SafetyMetric, TrainingRun};
use probity_governance::{Posture, ReviewRequest};
use probity_guardian::{Alert, RiskMetricLink, Snapshot};
use probity_kernel::RepositoryError;
use probity_registry::RegisteredModel;
use time::OffsetDateTime;
use uuid::Uuid;

use super::PAGE;
use super::findings::Findings;
use crate::access::members::MemberRow;
use crate::access::rows::{ApiKeyRow, OrganizationRow, UserRow};
use crate::alerts::configured::parse_targets;
use crate::alerts::rows::TrackedRow;
use crate::artifacts::rows::{ArtifactRow, UploadRow};
use crate::catalog::attachments::rows::{DependencyRow, MitigationRow, PolicyRow, VersionRow};
use crate::catalog::rows::{
    DossierRow, ModelRow as ProductModelRow, ProductRow, SpaceRow, product,
};
use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::governance::postures::PostureRow;
use crate::governance::records::metrics::MetricRow;
use crate::governance::records::runs::RunRow;
use crate::governance::records::runtime::RuntimeEventRow;
use crate::governance::reviews::ReviewRow;
use crate::governance::settings::parse as parse_governance_settings;
use crate::guardian::alerts::AlertRow;
use crate::guardian::history::SnapshotRow;
use crate::guardian::links::LinkRow;
use crate::registry::rows::{ModelRow, parse_settings};
use crate::schema::{
    alert_settings, alerts, api_keys, artifact_uploads, artifacts, data_dependencies,
    governance_settings, metric_snapshots, organizations, policy_attachments, product_governance,
    product_models, product_postures, product_versions, products, registered_models,
    registry_settings, review_requests, risk_metric_links, risk_mitigations, runtime_events,
    safety_metrics, space_members, spaces, tracked_alerts, training_runs, users,
};
use crate::types::{AnyTimestamp, AnyUuid, Id, Utc};

/// The position before every other.
const BEFORE_ALL: i64 = i64::MIN;

pub(super) fn check(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    /// Reads a table by its key and parses each row.
    macro_rules! values {
        ($check:literal, $table:ident.$key:ident after $first:expr, $columns:expr, $parse:expr) => {
            let shown = |key: &_| Key::shown(key);
            pages($check, findings, $first, shown, $parse, |after| {
                $table::table
                    .filter($table::$key.gt(after))
                    .order($table::$key)
                    .limit(PAGE)
                    .select(($table::$key, $columns))
                    .load(conn)
            })?;
        };
    }
    let nil = Id(Uuid::nil());
    values!("values.organizations", organizations.id after nil, OrganizationRow::as_select(), parsed::<_, Organization>);
    values!("values.users", users.id after nil, UserRow::as_select(), parsed::<_, User>);
    values!("values.api_keys", api_keys.id after nil, ApiKeyRow::as_select(), parsed::<_, ApiKey>);
    values!("values.spaces", spaces.id after nil, SpaceRow::as_select(), parsed::<_, Space>);
    values!("values.registered_models", registered_models.position after BEFORE_ALL, ModelRow::as_select(), model);
    values!("values.registry_settings", registry_settings.organization_id after nil, registry_settings::settings, |text: String| parse_settings(&text).map(drop));
    values!("values.risk_metric_links", risk_metric_links.id after nil, LinkRow::as_select(), parsed::<_, RiskMetricLink>);
    values!("values.alerts", alerts.id after nil, AlertRow::as_select(), parsed::<_, Alert>);
    values!("values.tracked_alerts", tracked_alerts.id after nil, TrackedRow::as_select(), parsed::<_, TrackedAlert>);
    values!("values.alert_settings", alert_settings.organization_id after nil, alert_settings::settings, |text: String| parse_targets(&text).map(drop));
    values!("values.training_runs", training_runs.id after nil, RunRow::as_select(), parsed::<_, TrainingRun>);
    values!("values.safety_metrics", safety_metrics.id after nil, MetricRow::as_select(), parsed::<_, SafetyMetric>);
    values!("values.data_dependencies", data_dependencies.id after nil, DependencyRow::as_select(), parsed::<_, DataDependency>);
    values!("values.policy_attachments", policy_attachments.id after nil, PolicyRow::as_select(), parsed::<_, PolicyAttachment>);
    values!("values.product_versions", product_versions.id after nil, VersionRow::as_select(), parsed::<_, ProductVersion>);
    values!("values.risk_mitigations", risk_mitigations.id after nil, MitigationRow::as_select(), parsed::<_, RiskMitigation>);
    values!("values.review_requests", review_requests.id after nil, ReviewRow::as_select(), parsed::<_, ReviewRequest>);
    values!("values.product_postures", product_postures.product_id after nil, PostureRow::as_select(), parsed::<_, Posture>);
    values!("values.governance_settings", governance_settings.organization_id after nil, governance_settings::settings, |text: String| parse_governance_settings(&text).map(drop));
    values!("values.artifact_uploads", artifact_uploads.id after nil, UploadRow::as_select(), |row: UploadRow| row.with(Vec::new()).map(drop));
    values!("values.artifacts", artifacts.id after nil, ArtifactRow::as_select(), parsed::<_, Artifact>);
    member_values(conn, findings)?;
    product_values(conn, findings)?;
    snapshot_values(conn, findings)?;
    runtime_event_values(conn, findings)
}

type MemberKey = (Id, Id, Id);

fn member_values(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    use space_members::{organization_id, space_id, user_id};
    let name = "values.space_members";
    let nil = Id(Uuid::nil());
    let shown = |key: &MemberKey| format!("{} in {}", key.2.shown(), key.1.shown());
    let parse = parsed::<MemberRow, SpaceMember>;
    pages(name, findings, (nil, nil, nil), shown, parse, |after| {
        let later = sql::<Bool>("(organization_id, space_id, user_id) > (")
            .bind::<AnyUuid, _>(after.0)
            .sql(", ")
            .bind::<AnyUuid, _>(after.1)
            .sql(", ")
            .bind::<AnyUuid, _>(after.2)
            .sql(")");
        space_members::table
            .filter(later)
            .order((organization_id, space_id, user_id))
            .limit(PAGE)
            .select(((organization_id, space_id, user_id), MemberRow::as_select()))
            .load(conn)
    })
}

/// A product with its other rows, where they are there.
type Found = (ProductRow, Option<ProductModelRow>, Option<DossierRow>);

fn product_values(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    let name = "values.products";
    let nil = Id(Uuid::nil());
    let parse = |found: Found| match found {
        (row, Some(model), Some(dossier)) => product((row, model, dossier)).map(drop),
        (_, None, _) => Err(RepositoryError::Database("has no model metadata".into())),
        (_, _, None) => Err(RepositoryError::Database("has no dossier".into())),
    };
    pages(name, findings, nil, Key::shown, parse, |after| {
        products::table
            .left_join(product_models::table.on(product_models::product_id.eq(products::id)))
            .left_join(
                product_governance::table.on(product_governance::product_id.eq(products::id)),
            )
            .filter(products::id.gt(after))
            .order(products::id)
            .limit(PAGE)
            .select((
                products::id,
                (
                    ProductRow::as_select(),
                    Option::<ProductModelRow>::as_select(),
                    Option::<DossierRow>::as_select(),
                ),
            ))
            .load(conn)
    })
}

type SnapshotKey = (Id, Id, Utc, Id);

fn snapshot_values(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    use metric_snapshots::{captured_at, id, organization_id, product_id};
    let name = "values.metric_snapshots";
    let nil = Id(Uuid::nil());
    let first = (nil, nil, Utc(OffsetDateTime::UNIX_EPOCH), nil);
    let shown = |key: &SnapshotKey| key.3.shown();
    pages(
        name,
        findings,
        first,
        shown,
        parsed::<SnapshotRow, Snapshot>,
        |after| {
            // Compared as a whole, which both databases find in the primary key.
            let later = sql::<Bool>("(organization_id, product_id, captured_at, id) > (")
                .bind::<AnyUuid, _>(after.0)
                .sql(", ")
                .bind::<AnyUuid, _>(after.1)
                .sql(", ")
                .bind::<AnyTimestamp, _>(after.2)
                .sql(", ")
                .bind::<AnyUuid, _>(after.3)
                .sql(")");
            metric_snapshots::table
                .filter(later)
                .order((organization_id, product_id, captured_at, id))
                .limit(PAGE)
                .select((
                    (organization_id, product_id, captured_at, id),
                    SnapshotRow::as_select(),
                ))
                .load(conn)
        },
    )
}

fn runtime_event_values(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    use runtime_events::{id, occurred_at, organization_id, product_id};
    let name = "values.runtime_events";
    let nil = Id(Uuid::nil());
    let first = (nil, nil, Utc(OffsetDateTime::UNIX_EPOCH), nil);
    let shown = |key: &SnapshotKey| key.3.shown();
    pages(
        name,
        findings,
        first,
        shown,
        parsed::<RuntimeEventRow, RuntimeEvent>,
        |after| {
            // Compared as a whole, which both databases find in the primary key.
            let later = sql::<Bool>("(organization_id, product_id, occurred_at, id) > (")
                .bind::<AnyUuid, _>(after.0)
                .sql(", ")
                .bind::<AnyUuid, _>(after.1)
                .sql(", ")
                .bind::<AnyTimestamp, _>(after.2)
                .sql(", ")
                .bind::<AnyUuid, _>(after.3)
                .sql(")");
            runtime_events::table
                .filter(later)
                .order((organization_id, product_id, occurred_at, id))
                .limit(PAGE)
                .select((
                    (organization_id, product_id, occurred_at, id),
                    RuntimeEventRow::as_select(),
                ))
                .load(conn)
        },
    )
}

/// Goes through a table in pages that start after a key.
fn pages<K: Copy, R>(
    check: &'static str,
    findings: &mut Findings,
    first: K,
    shown: impl Fn(&K) -> String,
    mut parse: impl FnMut(R) -> Result<(), RepositoryError>,
    mut load: impl FnMut(K) -> QueryResult<Vec<(K, R)>>,
) -> StoreResult<()> {
    findings.examined(check, 0);
    let mut after = first;
    loop {
        let page = match load(after) {
            Ok(page) => page,
            Err(DieselError::DeserializationError(error)) => {
                let subject = format!("after {}", shown(&after));
                findings.violated(check, subject, format!("cannot be read: {error}"));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = *last;
        findings.examined(check, u64::try_from(page.len()).unwrap_or_default());
        for (key, row) in page {
            if let Err(error) = parse(row) {
                findings.violated(check, shown(&key), told(&error));
            }
        }
    }
}

fn parsed<R, T: TryFrom<R, Error = RepositoryError>>(row: R) -> Result<(), RepositoryError> {
    T::try_from(row).map(drop)
}

/// An entry, with the columns that are derived from the others.
fn model(row: ModelRow) -> Result<(), RepositoryError> {
    let position = row.position;
    let stored = row.clone();
    let model = RegisteredModel::try_from(row)?;
    if ModelRow::new(&model, position) == stored {
        Ok(())
    } else {
        Err(RepositoryError::Database(
            "is not stored as it would be written".into(),
        ))
    }
}

fn told(error: &RepositoryError) -> String {
    if let RepositoryError::Corrupt {
        table,
        column,
        source,
    } = error
    {
        return format!("{table}.{column}: {source}");
    }
    if let RepositoryError::Database(source) = error {
        return source.to_string();
    }
    error.to_string()
}

/// A key as a report names it.
trait Key {
    fn shown(&self) -> String;
}

impl Key for Id {
    fn shown(&self) -> String {
        self.0.to_string()
    }
}

impl Key for i64 {
    fn shown(&self) -> String {
        format!("position {self}")
    }
}
