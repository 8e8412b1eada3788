//! Rows of what is attached to products.

use std::str::FromStr;

use diesel::prelude::*;
use probity_catalog::attachment::{
    DataDependency, PolicyAttachment, ProductVersion, RegisteredModelLink, RiskMitigation,
};
use probity_kernel::{
    DataDependencyId, OrganizationId, PolicyAttachmentId, ProductId, ProductVersionId,
    RegisteredModelId, RepositoryError, RiskMitigationId, Version,
};
use serde::{Deserialize, Serialize};

use crate::error::corrupt;
use crate::schema::{data_dependencies, policy_attachments, product_versions, risk_mitigations};
use crate::types::{Id, Utc};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = data_dependencies, treat_none_as_default_value = false)]
pub(crate) struct DependencyRow {
    pub(super) id: Id,
    pub(super) organization_id: Id,
    product_id: Id,
    pub(super) name: String,
    pub(super) dependency_type: String,
    pub(super) uri: Option<String>,
    pub(super) version_label: Option<String>,
    pub(super) description: Option<String>,
    pub(super) changed_at: Option<Utc>,
    created_at: Utc,
    pub(super) updated_at: Utc,
    pub(super) version: i64,
}

impl From<&DataDependency> for DependencyRow {
    fn from(dependency: &DataDependency) -> Self {
        Self {
            id: Id(dependency.id.uuid()),
            organization_id: Id(dependency.organization.uuid()),
            product_id: Id(dependency.product.uuid()),
            name: dependency.name.clone(),
            dependency_type: dependency.dependency_type.as_str().to_owned(),
            uri: dependency.uri.clone(),
            version_label: dependency.version_label.clone(),
            description: dependency.description.clone(),
            changed_at: dependency.changed_at.map(Utc),
            created_at: Utc(dependency.created_at),
            updated_at: Utc(dependency.updated_at),
            version: dependency.version.get(),
        }
    }
}

impl TryFrom<DependencyRow> for DataDependency {
    type Error = RepositoryError;

    fn try_from(row: DependencyRow) -> Result<Self, RepositoryError> {
        Ok(Self {
            id: DataDependencyId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            name: row.name,
            dependency_type: word("data_dependencies", "dependency_type", &row.dependency_type)?,
            uri: row.uri,
            version_label: row.version_label,
            description: row.description,
            changed_at: row.changed_at.map(|at| at.0),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = policy_attachments, treat_none_as_default_value = false)]
pub(crate) struct PolicyRow {
    pub(super) id: Id,
    organization_id: Id,
    product_id: Id,
    policy_key: String,
    title: String,
    reference_url: Option<String>,
    description: Option<String>,
    attached_at: Utc,
    version: i64,
}

impl From<&PolicyAttachment> for PolicyRow {
    fn from(policy: &PolicyAttachment) -> Self {
        Self {
            id: Id(policy.id.uuid()),
            organization_id: Id(policy.organization.uuid()),
            product_id: Id(policy.product.uuid()),
            policy_key: policy.policy_key.clone(),
            title: policy.title.clone(),
            reference_url: policy.reference_url.as_ref().map(ToString::to_string),
            description: policy.description.clone(),
            attached_at: Utc(policy.attached_at),
            version: policy.version.get(),
        }
    }
}

impl TryFrom<PolicyRow> for PolicyAttachment {
    type Error = RepositoryError;

    fn try_from(row: PolicyRow) -> Result<Self, RepositoryError> {
        let url = row.reference_url.as_deref();
        let url = url.map(|text| word("policy_attachments", "reference_url", text));
        Ok(Self {
            id: PolicyAttachmentId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            policy_key: row.policy_key,
            title: row.title,
            reference_url: url.transpose()?,
            description: row.description,
            attached_at: row.attached_at.0,
            version: Version::new(row.version),
        })
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = risk_mitigations, treat_none_as_default_value = false)]
pub(crate) struct MitigationRow {
    pub(super) id: Id,
    pub(super) organization_id: Id,
    product_id: Id,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) severity: String,
    pub(super) status: String,
    pub(super) owner: Option<String>,
    pub(super) due_at: Option<Utc>,
    pub(super) closed_at: Option<Utc>,
    created_at: Utc,
    pub(super) updated_at: Utc,
    pub(super) version: i64,
}

impl From<&RiskMitigation> for MitigationRow {
    fn from(mitigation: &RiskMitigation) -> Self {
        Self {
            id: Id(mitigation.id.uuid()),
            organization_id: Id(mitigation.organization.uuid()),
            product_id: Id(mitigation.product.uuid()),
            title: mitigation.title.clone(),
            description: mitigation.description.clone(),
            severity: mitigation.severity.as_str().to_owned(),
            status: mitigation.status.as_str().to_owned(),
            owner: mitigation.owner.clone(),
            due_at: mitigation.due_at.map(Utc),
            closed_at: mitigation.closed_at.map(Utc),
            created_at: Utc(mitigation.created_at),
            updated_at: Utc(mitigation.updated_at),
            version: mitigation.version.get(),
        }
    }
}

impl TryFrom<MitigationRow> for RiskMitigation {
    type Error = RepositoryError;

    fn try_from(row: MitigationRow) -> Result<Self, RepositoryError> {
        Ok(Self {
            id: RiskMitigationId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            title: row.title,
            description: row.description,
            severity: word("risk_mitigations", "severity", &row.severity)?,
            status: word("risk_mitigations", "status", &row.status)?,
            owner: row.owner,
            due_at: row.due_at.map(|at| at.0),
            closed_at: row.closed_at.map(|at| at.0),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, Deserialize)]
#[diesel(table_name = product_versions, treat_none_as_default_value = false)]
pub(crate) struct VersionRow {
    pub(super) id: Id,
    organization_id: Id,
    product_id: Id,
    version_number: String,
    version_type: String,
    release_date: Option<Utc>,
    release_notes: Option<String>,
    is_current: bool,
    created_at: Utc,
    updated_at: Utc,
    version: i64,
}

impl From<&ProductVersion> for VersionRow {
    fn from(version: &ProductVersion) -> Self {
        Self {
            id: Id(version.id.uuid()),
            organization_id: Id(version.organization.uuid()),
            product_id: Id(version.product.uuid()),
            version_number: version.version_number.clone(),
            version_type: version.version_type.as_str().to_owned(),
            release_date: version.release_date.map(Utc),
            release_notes: version.release_notes.clone(),
            is_current: version.is_current,
            created_at: Utc(version.created_at),
            updated_at: Utc(version.updated_at),
            version: version.version.get(),
        }
    }
}

impl TryFrom<VersionRow> for ProductVersion {
    type Error = RepositoryError;

    fn try_from(row: VersionRow) -> Result<Self, RepositoryError> {
        Ok(Self {
            id: ProductVersionId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            product: ProductId::new(row.product_id.0),
            version_number: row.version_number,
            version_type: word("product_versions", "version_type", &row.version_type)?,
            release_date: row.release_date.map(|at| at.0),
            release_notes: row.release_notes,
            is_current: row.is_current,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: Version::new(row.version),
        })
    }
}

/// A link with what the inventory says about its entry: id, `model_id`, display name, provider, tier,
/// status, when the validation expires, since when it is linked.
pub(super) type LinkedColumns = (Id, String, String, String, String, String, Option<Utc>, Utc);

pub(super) fn linked(row: LinkedColumns) -> RegisteredModelLink {
    let (id, model_id, display_name, provider, risk_tier, validation_status, expires, since) = row;
    RegisteredModelLink {
        registered_model: RegisteredModelId::new(id.0),
        model_id,
        display_name,
        provider,
        risk_tier,
        validation_status,
        validation_expires_at: expires.map(|at| at.0),
        linked_at: since.0,
    }
}

fn word<T: FromStr>(
    table: &'static str,
    column: &'static str,
    text: &str,
) -> Result<T, RepositoryError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error: T::Err| corrupt(table, column)(Box::new(error)))
}
