//! Rows of the catalog tables: a product is its identity and governance in one, the record of its
//! model in the other.

use std::collections::BTreeMap;
use std::str::FromStr;

use diesel::prelude::*;
use probity_catalog::{
    DocumentationSection, Dossier, ModelCardMetadata, ModelMetadata, Product, ProductSlug, Space,
    SpaceSlug, Visibility,
};
use probity_kernel::{OrganizationId, ProductId, RepositoryError, SpaceId, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::corrupt;
use crate::schema::{product_governance, product_models, products, spaces};
use crate::types::{Id, Utc};

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize, Deserialize)]
#[diesel(table_name = spaces, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct SpaceRow {
    id: Id,
    organization_id: Id,
    slug: String,
    name: String,
    product_capacity: Option<i64>,
    created_at: Utc,
    version: i64,
    // Outcomes that were kept before there was another are of spaces for everybody.
    #[serde(default = "for_everybody")]
    visibility: String,
}

fn for_everybody() -> String {
    Visibility::Organization.as_str().to_owned()
}

impl From<&Space> for SpaceRow {
    fn from(space: &Space) -> Self {
        let Space {
            id,
            organization,
            slug,
            name,
            product_capacity,
            visibility,
            created_at,
            version,
        } = space;
        Self {
            id: Id(id.uuid()),
            organization_id: Id(organization.uuid()),
            slug: slug.as_str().to_owned(),
            name: name.clone(),
            product_capacity: product_capacity.map(i64::from),
            created_at: Utc(*created_at),
            version: version.get(),
            visibility: visibility.as_str().to_owned(),
        }
    }
}

impl TryFrom<SpaceRow> for Space {
    type Error = RepositoryError;

    fn try_from(row: SpaceRow) -> Result<Self, RepositoryError> {
        let slug = row.slug.parse::<SpaceSlug>();
        let capacity = row.product_capacity.map(u32::try_from).transpose();
        Ok(Self {
            id: SpaceId::new(row.id.0),
            organization: OrganizationId::new(row.organization_id.0),
            slug: slug.map_err(|error| corrupt("spaces", "slug")(error.into()))?,
            name: row.name,
            product_capacity: capacity
                .map_err(|error| corrupt("spaces", "product_capacity")(error.into()))?,
            visibility: row
                .visibility
                .parse::<Visibility>()
                .map_err(|error| corrupt("spaces", "visibility")(error.into()))?,
            created_at: row.created_at.0,
            version: Version::new(row.version),
        })
    }
}

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize, Deserialize)]
#[diesel(table_name = products, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct ProductRow {
    pub(super) id: Id,
    organization_id: Id,
    space_id: Id,
    slug: String,
    name: String,
    description: Option<String>,
    long_description: Option<String>,
    product_type: String,
    provider: Option<String>,
    environment: String,
    risk_classification: Option<String>,
    lifecycle_stage: Option<String>,
    ai_system_type: Option<String>,
    business_use_case: Option<String>,
    is_gpai: Option<bool>,
    created_at: Utc,
    updated_at: Utc,
    archived_at: Option<Utc>,
    version: i64,
}

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize, Deserialize)]
#[diesel(table_name = product_models, primary_key(product_id), treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct ModelRow {
    product_id: Id,
    organization_id: Id,
    model_family: Option<String>,
    model_task_type: Option<String>,
    model_architecture: Option<String>,
    framework: Option<String>,
    intended_use: Option<String>,
    limitations: Option<String>,
    deployment_status: String,
    serving_url: Option<String>,
    input_schema: Option<String>,
    output_schema: Option<String>,
    vendor_name: Option<String>,
    vendor_product_name: Option<String>,
    vendor_model_id: Option<String>,
    deployment_environment: Option<String>,
}

impl From<&Product> for ProductRow {
    fn from(product: &Product) -> Self {
        Self {
            id: Id(product.id.uuid()),
            organization_id: Id(product.organization.uuid()),
            space_id: Id(product.space.uuid()),
            slug: product.slug.as_str().to_owned(),
            name: product.name.clone(),
            description: product.description.clone(),
            long_description: product.long_description.clone(),
            product_type: product.product_type.as_str().to_owned(),
            provider: product.provider.clone(),
            environment: product.environment.clone(),
            risk_classification: product
                .risk_classification
                .map(|risk| risk.as_str().to_owned()),
            lifecycle_stage: product
                .lifecycle_stage
                .map(|stage| stage.as_str().to_owned()),
            ai_system_type: product.ai_system_type.clone(),
            business_use_case: product.business_use_case.clone(),
            is_gpai: product.is_gpai,
            created_at: Utc(product.created_at),
            updated_at: Utc(product.updated_at),
            archived_at: product.archived_at.map(Utc),
            version: product.version.get(),
        }
    }
}

impl From<&Product> for ModelRow {
    fn from(product: &Product) -> Self {
        let schema = |schema: &Option<Map<String, Value>>| {
            schema
                .clone()
                .map(|members| Value::Object(members).to_string())
        };
        let model = &product.model;
        Self {
            product_id: Id(product.id.uuid()),
            organization_id: Id(product.organization.uuid()),
            model_family: model.model_family.map(|family| family.as_str().to_owned()),
            model_task_type: model.model_task_type.map(|task| task.as_str().to_owned()),
            model_architecture: model.model_architecture.clone(),
            framework: model.framework.clone(),
            intended_use: model.intended_use.clone(),
            limitations: model.limitations.clone(),
            deployment_status: model.deployment_status.as_str().to_owned(),
            serving_url: model
                .serving_url
                .as_ref()
                .map(|url| url.as_str().to_owned()),
            input_schema: schema(&model.input_schema),
            output_schema: schema(&model.output_schema),
            vendor_name: model.vendor_name.clone(),
            vendor_product_name: model.vendor_product_name.clone(),
            vendor_model_id: model.vendor_model_id.clone(),
            deployment_environment: model.deployment_environment.clone(),
        }
    }
}

#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Queryable,
    Selectable,
    Insertable,
    AsChangeset,
    Serialize,
    Deserialize,
)]
#[diesel(table_name = product_governance, primary_key(product_id), treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct DossierRow {
    product_id: Id,
    organization_id: Id,
    owner: Option<String>,
    monitoring_plan: Option<String>,
    no_data_dependencies: bool,
    technical_documentation: Option<String>,
    documentation_updated_at: Option<Utc>,
    pub(super) next_review_due_at: Option<Utc>,
    #[serde(default)]
    model_card: Option<String>,
}

impl From<&Product> for DossierRow {
    fn from(product: &Product) -> Self {
        let dossier = &product.dossier;
        let sections: Map<String, Value> = dossier
            .technical_documentation
            .iter()
            .map(|(section, text)| (section.to_string(), Value::String(text.clone())))
            .collect();
        Self {
            product_id: Id(product.id.uuid()),
            organization_id: Id(product.organization.uuid()),
            owner: dossier.owner.clone(),
            monitoring_plan: dossier.monitoring_plan.clone(),
            no_data_dependencies: dossier.no_data_dependencies,
            technical_documentation: (!sections.is_empty())
                .then(|| Value::Object(sections).to_string()),
            documentation_updated_at: dossier.documentation_updated_at.map(Utc),
            next_review_due_at: dossier.next_review_due_at.map(Utc),
            model_card: (!dossier.model_card.is_empty())
                .then(|| Value::Object(dossier.model_card.members().clone()).to_string()),
        }
    }
}

impl TryFrom<DossierRow> for Dossier {
    type Error = RepositoryError;

    fn try_from(row: DossierRow) -> Result<Self, RepositoryError> {
        let wrong = || corrupt("product_governance", "technical_documentation");
        let text = row
            .technical_documentation
            .unwrap_or_else(|| "{}".to_owned());
        let sections: BTreeMap<String, String> =
            serde_json::from_str(&text).map_err(|error| wrong()(error.into()))?;
        let sections = sections.into_iter().map(|(name, text)| {
            let section = name.parse::<DocumentationSection>();
            Ok((section.map_err(|error| wrong()(error.into()))?, text))
        });
        Ok(Self {
            owner: row.owner,
            monitoring_plan: row.monitoring_plan,
            no_data_dependencies: row.no_data_dependencies,
            next_review_due_at: row.next_review_due_at.map(|at| at.0),
            technical_documentation: sections.collect::<Result<_, RepositoryError>>()?,
            documentation_updated_at: row.documentation_updated_at.map(|at| at.0),
            model_card: row
                .model_card
                .as_deref()
                .map(card)
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

fn card(text: &str) -> Result<ModelCardMetadata, RepositoryError> {
    let wrong = || corrupt("product_governance", "model_card");
    let value = serde_json::from_str(text).map_err(|error| wrong()(error.into()))?;
    ModelCardMetadata::parse(value)
        .map_err(|faults| wrong()(format!("{} keys are wrong", faults.len()).into()))
}

/// The rows of one product: what it is, its model, its dossier.
pub(crate) type Rows = (ProductRow, ModelRow, DossierRow);

/// A product out of its rows.
pub(crate) fn product((row, model, dossier): Rows) -> Result<Product, RepositoryError> {
    let slug = row.slug.parse::<ProductSlug>();
    Ok(Product {
        id: ProductId::new(row.id.0),
        organization: OrganizationId::new(row.organization_id.0),
        space: SpaceId::new(row.space_id.0),
        slug: slug.map_err(|error| corrupt("products", "slug")(error.into()))?,
        name: row.name,
        description: row.description,
        long_description: row.long_description,
        product_type: read("product_type", &row.product_type)?,
        provider: row.provider,
        environment: row.environment,
        risk_classification: maybe("risk_classification", row.risk_classification)?,
        lifecycle_stage: maybe("lifecycle_stage", row.lifecycle_stage)?,
        ai_system_type: row.ai_system_type,
        business_use_case: row.business_use_case,
        is_gpai: row.is_gpai,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
        archived_at: row.archived_at.map(|at| at.0),
        version: Version::new(row.version),
        model: metadata(model)?,
        dossier: dossier.try_into()?,
    })
}

fn metadata(row: ModelRow) -> Result<ModelMetadata, RepositoryError> {
    let schema = |text: Option<String>| {
        let parsed = text
            .map(|text| serde_json::from_str::<Map<String, Value>>(&text))
            .transpose();
        parsed.map_err(|error| corrupt("product_models", "schema")(error.into()))
    };
    Ok(ModelMetadata {
        model_family: maybe("model_family", row.model_family)?,
        model_task_type: maybe("model_task_type", row.model_task_type)?,
        model_architecture: row.model_architecture,
        framework: row.framework,
        intended_use: row.intended_use,
        limitations: row.limitations,
        deployment_status: read("deployment_status", &row.deployment_status)?,
        serving_url: maybe("serving_url", row.serving_url)?,
        input_schema: schema(row.input_schema)?,
        output_schema: schema(row.output_schema)?,
        vendor_name: row.vendor_name,
        vendor_product_name: row.vendor_product_name,
        vendor_model_id: row.vendor_model_id,
        deployment_environment: row.deployment_environment,
    })
}

fn read<T: FromStr>(column: &'static str, text: &str) -> Result<T, RepositoryError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error: T::Err| corrupt("products", column)(Box::new(error)))
}

fn maybe<T: FromStr>(
    column: &'static str,
    text: Option<String>,
) -> Result<Option<T>, RepositoryError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.map(|text| read(column, &text)).transpose()
}
