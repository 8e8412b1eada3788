//! Policies of products.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use probity_catalog::attachment::{NewPolicy, PolicyAttachment, PolicyInput};
use probity_kernel::PolicyAttachmentId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::Validate;

use super::attached::{Answer, PageQuery, page, tagged};
use super::{Catalog, TAG};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, Missing, Outdated, Unprocessable};
use crate::http::auth::{Caller, ReadAccess, WriteAccess};
use crate::http::extract::{IfMatch, Json, Query, path_id};
use crate::http::{instant, paging, product};
use crate::state::AppState;

/// A policy that the product is under.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[schema(as = catalog::NewPolicyAttachment, example = json!({
    "policy_key": "MRM-01", "title": "Model risk policy", "reference_url": "https://policies.example.com/mrm-01"
}))]
pub(super) struct AttachPolicyRequest {
    /// The policy's key in the organisation's own books; unique among the product's policies.
    #[schema(required, nullable = false, min_length = 1, max_length = 100)]
    policy_key: Option<String>,
    #[schema(required, nullable = false, min_length = 1, max_length = 200)]
    title: Option<String>,
    /// Where it can be read: `http` or `https`, without user name or password.
    #[schema(max_length = 2048)]
    reference_url: Option<String>,
    /// What it demands of the product.
    #[schema(max_length = 2000)]
    description: Option<String>,
}

/// A policy that is attached to a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = catalog::PolicyAttachment)]
pub(super) struct PolicyResponse {
    id: String,
    product_id: String,
    policy_key: String,
    title: String,
    reference_url: Option<String>,
    description: Option<String>,
    #[serde(serialize_with = "instant::serialize")]
    attached_at: OffsetDateTime,
}

impl From<PolicyAttachment> for PolicyResponse {
    fn from(policy: PolicyAttachment) -> Self {
        Self {
            id: policy.id.to_string(),
            product_id: policy.product.to_string(),
            policy_key: policy.policy_key,
            title: policy.title,
            reference_url: policy.reference_url.map(|url| url.to_string()),
            description: policy.description,
            attached_at: policy.attached_at,
        }
    }
}

/// Lists the policies of a product, newest first.
#[utoipa::path(
    operation_id = "catalog_list_policies", tag = TAG, security(("bearer" = [])),
    params(("product_id" = String, Path, description = "Id of the product"), PageQuery),
    responses(
        (status = 200, description = "One page", body = Vec<PolicyResponse>, headers(
            ("X-Total-Count" = u64, description = "How many there are"),
            ("X-Page" = u64, description = "Number of the page, from 1; not after a cursor"),
            ("X-Has-More" = bool, description = "Whether there is another page"),
            ("X-Next-Cursor" = String, description = "Where the next page starts")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/policies")]
pub(super) async fn list_policies(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<PageQuery, Catalog>,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let page = page(query)?;
    let organization = caller.context().organization;
    let found = state.attachments.policies(organization, product.id, &page);
    Ok(paging::array(
        &page,
        &found.await?.map(PolicyResponse::from),
    ))
}

/// Attaches a policy.
#[utoipa::path(
    operation_id = "catalog_attach_policy", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255)
    ),
    request_body = AttachPolicyRequest,
    responses(
        (status = 201, description = "Attached", body = PolicyResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, BodyErrors, Unprocessable, Missing, Clash
    )
)]
#[post("/catalog/products/{product_id}/policies")]
pub(super) async fn attach_policy(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    body: Json<AttachPolicyRequest, Catalog>,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let (context, body) = caller.command(body)?;
    let new = NewPolicy::parse(PolicyInput {
        policy_key: body.policy_key,
        title: body.title,
        reference_url: body.reference_url,
        description: body.description,
    })?;
    let attached = state.attachments.attach_policy(&context, product.id, new);
    let attached = attached.await?;
    let version = attached.version;
    Ok(tagged(
        HttpResponse::Created(),
        version,
        &PolicyResponse::from(attached),
    ))
}

/// Reads one policy.
#[utoipa::path(
    operation_id = "catalog_get_policy", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("policy_id" = String, Path, description = "Id of the policy")
    ),
    responses(
        (status = 200, description = "The policy", body = PolicyResponse, headers(("ETag" = String, description = "Version"))),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/products/{product_id}/policies/{policy_id}")]
pub(super) async fn get_policy(
    caller: Caller<Catalog, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Answer {
    let product = product::viewed(&caller, &state, &request).await?;
    let id: PolicyAttachmentId = path_id(&request, "policy_id")?;
    let organization = caller.context().organization;
    let found = state
        .attachments
        .policy(organization, product.id, id)
        .await?;
    let version = found.version;
    Ok(tagged(
        HttpResponse::Ok(),
        version,
        &PolicyResponse::from(found),
    ))
}

/// Detaches a policy.
#[utoipa::path(
    operation_id = "catalog_detach_policy", tag = TAG, security(("bearer" = [])),
    params(
        ("product_id" = String, Path, description = "Id of the product"),
        ("policy_id" = String, Path, description = "Id of the policy"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that the removal is meant for")
    ),
    responses((status = 204, description = "Detached"), CallerErrors, Unprocessable, Missing, Clash, Outdated)
)]
#[delete("/catalog/products/{product_id}/policies/{policy_id}")]
pub(super) async fn detach_policy(
    caller: Caller<Catalog, WriteAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    expected: IfMatch,
) -> Answer {
    let product = product::edited(&caller, &state, &request).await?;
    let id: PolicyAttachmentId = path_id(&request, "policy_id")?;
    let context = caller.context();
    let removed = state
        .attachments
        .detach_policy(context, &product, id, expected.version());
    removed.await?;
    Ok(HttpResponse::NoContent().finish())
}
