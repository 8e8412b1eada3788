//! The model inventory.

mod outcome;
mod query;
pub(crate) mod rows;
mod usage;
mod write;

use diesel::prelude::*;
use probity_kernel::{OrganizationId, Page, PageRequest, RegisteredModelId, RepositoryError};
use probity_registry::{
    ModelChange, ModelFilter, ModelIdentifier, ModelRepository, ModelWrite, ObservedModel,
    RegisteredModel, RegistrySettings,
};
use time::Date;

use self::rows::{ModelRow, parse_settings};
use crate::connection::{MultiBackend, Scope};
use crate::database::Database;
use crate::error::StoreError;
use crate::idempotency;
use crate::schema::{registered_models, registry_settings};
use crate::types::Id;

/// How many rows an export holds in memory at a time.
const EXPORT_STEP: u32 = 1000;
/// How many identifiers one look-up names.
const KNOWN_STEP: usize = 500;

/// The inventory repository over Diesel.
#[derive(Debug, Clone)]
pub struct DieselModels {
    database: Database,
}

impl DieselModels {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The next rows of an export, oldest last, after the given position; the last row's position
    /// comes with them. Each step is a short read, so that an export of any length holds neither a
    /// connection nor memory.
    ///
    /// # Errors
    /// What the database says.
    pub async fn export_step(
        &self,
        organization: OrganizationId,
        filter: &ModelFilter,
        after: Option<i64>,
    ) -> Result<(Vec<RegisteredModel>, Option<i64>), RepositoryError> {
        let filter = filter.clone();
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                let rows = query::after(conn, organization, &filter, after, EXPORT_STEP)?;
                let last = rows.last().map(|row| row.position);
                let models: Result<Vec<_>, _> = rows.into_iter().map(TryInto::try_into).collect();
                Ok((models.map_err(StoreError)?, last))
            })
            .await
    }
}

impl ModelRepository for DieselModels {
    async fn find(
        &self,
        organization: OrganizationId,
        id: RegisteredModelId,
    ) -> Result<Option<RegisteredModel>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                let row: Option<ModelRow> = registered_models::table
                    .filter(registered_models::organization_id.eq(Id(organization.uuid())))
                    .filter(registered_models::id.eq(Id(id.uuid())))
                    .select(ModelRow::as_select())
                    .get_result(conn)
                    .optional()?;
                row.map(RegisteredModel::try_from)
                    .transpose()
                    .map_err(StoreError)
            })
            .await
    }

    async fn list(
        &self,
        organization: OrganizationId,
        filter: &ModelFilter,
        page: &PageRequest,
    ) -> Result<Page<RegisteredModel>, RepositoryError> {
        let Some(no) = self.database.organization_no(organization).await? else {
            return Ok(Page {
                items: Vec::new(),
                total: 0,
                next: None,
            });
        };
        let (filter, page) = (filter.clone(), page.clone());
        let quick = query::is_quick(&filter, &page);
        // The index of searches knows only what is there now.
        let indexed = !self.database.is_past();
        let work = move |conn: &mut _| query::page(conn, organization, no, &filter, &page, indexed);
        let scope = Scope::Organization(organization);
        // A first page costs a tenth of a millisecond; what may take longer leaves this thread.
        if quick {
            self.database.points(scope, work).await
        } else {
            self.database.scan(scope, work).await
        }
    }

    async fn settings(
        &self,
        organization: OrganizationId,
    ) -> Result<RegistrySettings, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                let stored: Option<String> = registry_settings::table
                    .find(Id(organization.uuid()))
                    .select(registry_settings::settings)
                    .get_result(conn)
                    .optional()?;
                match stored {
                    Some(text) => parse_settings(&text).map_err(StoreError),
                    None => Ok(RegistrySettings::default()),
                }
            })
            .await
    }

    async fn observed(
        &self,
        organization: OrganizationId,
        since: Date,
    ) -> Result<Vec<ObservedModel>, RepositoryError> {
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                usage::observed(conn, organization, since)
            })
            .await
    }

    async fn known(
        &self,
        organization: OrganizationId,
        identifiers: &[ModelIdentifier],
    ) -> Result<Vec<RegisteredModel>, RepositoryError> {
        let names: Vec<String> = identifiers.iter().map(ToString::to_string).collect();
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                let mut found = Vec::new();
                for names in names.chunks(KNOWN_STEP) {
                    let rows: Vec<ModelRow> = registered_models::table
                        .filter(registered_models::organization_id.eq(Id(organization.uuid())))
                        .filter(registered_models::model_id.eq_any(names))
                        .select(ModelRow::as_select())
                        .into_boxed::<MultiBackend>()
                        .load(conn)?;
                    let models: Result<Vec<_>, _> =
                        rows.into_iter().map(TryInto::try_into).collect();
                    found.extend(models.map_err(StoreError)?);
                }
                Ok(found)
            })
            .await
    }

    async fn commit(&self, change: ModelChange) -> Result<ModelWrite, RepositoryError> {
        let (context, write, event) = change.into_parts();
        let organization = context.organization;
        self.database
            .write(organization, move |tx| {
                idempotency::once(tx, &context, |tx| {
                    let stored = write::apply(tx, &context, &write)?;
                    tx.record(&context, &event)?;
                    Ok(stored)
                })
            })
            .await
    }
}
