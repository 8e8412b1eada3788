//! The models of the inventory that products use.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, put};
use probity_catalog::attachment::{
    LinkTargetInput, RegisteredModelLink, RegisteredModelLinks, parse_targets,
};
use probity_kernel::FieldError;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::Validate;

use super::attached::{Answer, tagged};
use super::{Catalog, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{IfMatch, Json};
use crate::http::failure::Failure;
use crate::http::{instant, product};
use crate::state::AppState;

/// An entry of the inventory, by `id` or by `model_id`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = catalog::RegisteredModelReference)]
struct ReferenceRequest {
    /// The id of the entry.
    id: Option<String>,
    /// How requests name the model.
    model_id: Option<String>,
}

/// The models that the product uses, all of them.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = catalog::LinkRegisteredModels, example = json!({"models": [{"model_id": "gpt-4o"}]}))]
pub(super) struct LinkModelsRequest {
    /// Up to 200 entries; an empty list takes every link away.
    #[schema(required, nullable = false, max_items = 200)]
    models: Option<Vec<ReferenceRequest>>,
}

/// The models that a product uses, by `model_id`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = catalog::RegisteredModels)]
pub(super) struct LinkedModelsResponse {
    product_id: String,
    models: Vec<LinkedModelResponse>,
}

/// A model that a product uses, as it stands in the inventory now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = catalog::LinkedRegisteredModel)]
struct LinkedModelResponse {
    id: String,
    #[schema(example = "gpt-4o")]
    model_id: String,
    display_name: String,
    #[schema(example = "openai")]
    provider: String,
    #[schema(example = "tier_1")]
    risk_tier: String,
    #[schema(example = "validated")]
    validation_status: String,
    #[serde(serialize_with = "instant::option::serialize")]
    validation_expires_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "instant::serialize")]
    linked_at: OffsetDateTime,
}

impl From<RegisteredModelLink> for LinkedModelResponse {
    fn from(link: RegisteredModelLink) -> Self {
        Self {
            id: link.registered_model.to_string(),
            model_id: link.model_id,
            display_name: link.display_name,
            provider: link.provider,
            risk_tier: link.risk_tier,
            validation_status: link.validation_status,
            validation_expires_at: link.validation_expires_at,
            linked_at: link.linked_at,
        }
    }
}

fn answer(set: RegisteredModelLinks) -> HttpResponse {
    let version = set.version();
    let body = LinkedModelsResponse {
        product_id: set.product.to_string(),
        models: set
            .links
            .into_iter()
            .map(LinkedModelResponse::from)
            .collect(),
    };
    tagged(HttpResponse::Ok(), version, &body)
}

/// Tells which models of the inventory the product uses, each with its tier and validation status.
#[utoipa::path(
    operation_id = "catalog_get_registered_models", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product")),
    responses(
        (status = 200, description = "The models", body = LinkedModelsResponse, headers(("ETag" = String, description = "Version of the set"))),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/registered-models")]
pub(super) async fn get_models(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let organization = caller.context().organization;
    let set = state.attachments.linked_models(organization, product.id);
    Ok(answer(set.await?))
}

/// Replaces the set of models that the product uses.
#[utoipa::path(
    operation_id = "catalog_put_registered_models", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("If-Match" = Option<String>, Header, description = "ETag of the set that the change is meant for")
    ),
    request_body = LinkModelsRequest,
    responses(
        (status = 200, description = "The models as they are now", body = LinkedModelsResponse, headers(("ETag" = String, description = "Version of the set"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash, Outdated
    )
)]
#[put("/catalog/products/{product_id}/registered-models")]
pub(super) async fn put_models(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
    body: Json<LinkModelsRequest, Catalog>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let (body, _) = body.parse()?;
    let models = body.models.ok_or_else(|| {
        Failure::malformed(vec![FieldError::new("/models", "required", "is required")])
    })?;
    let inputs = models.into_iter().map(|model| LinkTargetInput {
        id: model.id,
        model_id: model.model_id,
    });
    let targets = parse_targets(inputs.collect())?;
    let (context, expected) = (caller.context(), expected.version());
    let set = state
        .attachments
        .link_models(context, &product, &targets, expected);
    Ok(answer(set.await?))
}
