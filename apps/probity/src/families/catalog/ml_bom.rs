//! A product as a bill of materials.

use std::collections::BTreeSet;

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use probity_artifacts::{Artifact, ArtifactError};
use probity_catalog::attachment::DependencyType;
use probity_catalog::{
    AttachmentError, DataDependency, LifecycleStage, ModelFamily, Product, ProductType,
    RegisteredModelLink, RiskClassification, RiskMitigation, TaskType,
};
use probity_kernel::{Cursor, Page, PageRequest, Paging};
use probity_supply::bom::{Bom, DataSource, EvaluationResult, ModelFile, Risk, UsedModel};
use serde_json::Value;

use super::attached::Answer;
use super::{Catalog, TAG, products};
use crate::families::problem::{CallerErrors, Missing, Unprocessable};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::failure::Failure;
use crate::http::product;
use crate::state::AppState;

/// How many of a product's things are read at a time.
const STEP: u32 = 1000;
const MEDIA_TYPE: &str = "application/vnd.cyclonedx+json; version=1.7";

/// Writes a product as a CycloneDX 1.7 ML-BOM: its model card, its files with their digests, the data it
/// depends on, the models it was made from and those of the inventory that it uses. What has not
/// changed has the same serial number.
#[utoipa::path(
    operation_id = "catalog_get_ml_bom", tag = TAG, security(("bearer" = [])),
    params(
        ("slug" = String, Path, description = "Slug of the space"),
        ("product_id" = String, Path, description = "Id of the product")
    ),
    responses(
        (
            status = 200, description = "The bill of materials", body = serde_json::Value,
            content_type = "application/vnd.cyclonedx+json",
            example = json!({"bomFormat": "CycloneDX", "specVersion": "1.7"})
        ),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/spaces/{slug}/products/{product_id}/ml-bom")]
pub(super) async fn get_ml_bom(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let space = products::space(&caller, &state, &request).await?;
    let viewed = product::viewed(&caller, &state, &request).await?;
    let product = products::of_space(&space, viewed)?;
    let name = format!("attachment; filename=\"{}.cdx.json\"", product.slug);
    let bom = gather(&state, product).await?;
    let document = bom.document(caller.context().now, env!("CARGO_PKG_VERSION"));
    Ok(HttpResponse::Ok()
        .content_type(MEDIA_TYPE)
        .insert_header((CONTENT_DISPOSITION, name))
        .body(document.to_string()))
}

/// Everything of a list, page by page.
async fn all<T, E>(page: impl AsyncFn(&PageRequest) -> Result<Page<T>, E>) -> Result<Vec<T>, E> {
    let (mut items, mut paging) = (Vec::new(), Paging::Offset(0));
    loop {
        let request = PageRequest {
            limit: STEP,
            paging,
        };
        let found: Page<T> = page(&request).await?;
        items.extend(found.items);
        let next: Option<Cursor> = found.next;
        match next {
            Some(cursor) => paging = Paging::After(cursor),
            None => return Ok(items),
        }
    }
}

async fn gather(state: &AppState, product: Product) -> Result<Bom, Failure<Catalog>> {
    let (organization, id) = (product.organization, product.id);
    let attached = &state.attachments;
    let data: Result<_, AttachmentError> =
        all(async |page: &PageRequest| attached.dependencies(organization, id, page).await).await;
    let risks: Result<_, AttachmentError> =
        all(async |page: &PageRequest| attached.mitigations(organization, id, page).await).await;
    let files: Result<_, ArtifactError> =
        all(async |page: &PageRequest| state.artifacts.list(organization, id, page).await).await;
    let mut versions = attached.version_summaries(organization, &[id]).await?;
    let models = attached.linked_models(organization, id).await?;
    let current = versions.remove(&id).and_then(|summary| summary.current);
    let mut bom = described(product);
    bom.version = current.map(|version| version.version_number);
    let mut data: Vec<DataSource> = data?.into_iter().map(source).collect();
    data.append(&mut bom.data);
    bom.data = data;
    bom.risks = risks?.into_iter().map(risk).collect();
    bom.files = files?.into_iter().map(file).collect();
    bom.models = models.links.into_iter().map(used).collect();
    Ok(bom)
}

/// What the product itself says.
fn described(product: Product) -> Bom {
    let (model, dossier) = (product.model, product.dossier);
    let card = dossier.model_card;
    let texts = |key: &str| card.texts(key).into_iter().map(str::to_owned);
    let facts = [
        ("slug", Some(product.slug.to_string())),
        ("product_type", Some(product.product_type.to_string())),
        ("environment", Some(product.environment)),
        (
            "risk_classification",
            told(product.risk_classification.map(RiskClassification::as_str)),
        ),
        (
            "lifecycle_stage",
            told(product.lifecycle_stage.map(LifecycleStage::as_str)),
        ),
        (
            "deployment_status",
            Some(model.deployment_status.to_string()),
        ),
        ("framework", model.framework),
        ("vendor_model_id", model.vendor_model_id),
    ];
    let facts = facts.into_iter();
    Bom {
        id: product.id.uuid(),
        name: product.name,
        is_model: product.product_type == ProductType::MlModel,
        description: product.description.or(product.long_description),
        supplier: model.vendor_name.or(product.provider),
        owner: dossier.owner,
        licences: texts("license").collect(),
        licence_link: texts("license_link").next(),
        tags: texts("tags").collect(),
        serving_url: model.serving_url.map(|url| url.as_str().to_owned()),
        task: told(model.model_task_type.map(TaskType::as_str)),
        family: told(model.model_family.map(ModelFamily::as_str)),
        architecture: model.model_architecture,
        has_schemas: (model.input_schema.is_some(), model.output_schema.is_some()),
        use_cases: model
            .intended_use
            .into_iter()
            .chain(product.business_use_case)
            .collect(),
        limitations: model.limitations.into_iter().collect(),
        results: card
            .members()
            .get("model-index")
            .map(results)
            .unwrap_or_default(),
        properties: facts
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
        data: data_sets(texts("datasets").collect()),
        bases: texts("base_model").collect(),
        ..Bom::default()
    }
}

/// Data sets that the card names and nobody declared.
fn data_sets(named: BTreeSet<String>) -> Vec<DataSource> {
    let sources = named.into_iter().map(|name| DataSource {
        reference: format!("dataset:{name}"),
        name,
        is_dataset: true,
        ..DataSource::default()
    });
    sources.collect()
}

fn told(word: Option<&'static str>) -> Option<String> {
    word.map(str::to_owned)
}

/// The results of evaluations as a model card lists them; what is not in its form is passed over.
fn results(index: &Value) -> Vec<EvaluationResult> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, path: &str| {
        let found = value.pointer(path)?;
        let found = found.as_str().map(str::to_owned);
        found.or_else(|| {
            value
                .pointer(path)
                .filter(|it| it.is_number())
                .map(Value::to_string)
        })
    };
    let models = index.as_array().cloned().unwrap_or_default();
    let evaluations = models.iter().flat_map(|model| list(model.get("results")));
    let metrics = evaluations.flat_map(|evaluation| {
        let slice = text(&evaluation, "/dataset/name");
        let metrics = list(evaluation.get("metrics")).into_iter();
        metrics
            .map(move |metric| (metric, slice.clone()))
            .collect::<Vec<_>>()
    });
    metrics
        .filter_map(|(metric, slice)| {
            Some(EvaluationResult {
                metric: text(&metric, "/type")?,
                value: text(&metric, "/value")?,
                slice,
            })
        })
        .collect()
}

fn source(declared: DataDependency) -> DataSource {
    DataSource {
        reference: format!("data:{}", declared.id.uuid()),
        name: declared.name,
        version: declared.version_label,
        description: declared.description,
        uri: declared.uri,
        is_dataset: declared.dependency_type == DependencyType::Dataset,
    }
}

fn risk(mitigation: RiskMitigation) -> Risk {
    Risk {
        name: format!("{} ({})", mitigation.title, mitigation.severity),
        mitigation: mitigation.description,
    }
}

fn file(artifact: Artifact) -> ModelFile {
    let facts = artifact.facts;
    let properties = [
        ("artifact_kind", facts.kind.as_str().to_owned()),
        ("size_bytes", artifact.size.to_string()),
        ("status", artifact.status.as_str().to_owned()),
        ("is_current", facts.is_current.to_string()),
    ];
    let properties = properties.into_iter();
    ModelFile {
        id: artifact.id.uuid(),
        name: facts.file_name,
        version: facts.version_label,
        media_type: facts.content_type,
        sha256: artifact.sha256.to_string(),
        properties: properties
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

fn used(link: RegisteredModelLink) -> UsedModel {
    UsedModel {
        id: link.registered_model.uuid(),
        model_id: link.model_id,
        name: link.display_name,
        provider: link.provider,
        properties: vec![
            ("risk_tier".to_owned(), link.risk_tier),
            ("validation_status".to_owned(), link.validation_status),
        ],
    }
}
