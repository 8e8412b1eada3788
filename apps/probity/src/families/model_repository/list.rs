//! Lists of model records: of one space, and of every space of the organisation that the caller sees.

use std::collections::HashMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use probity_access::SpaceRole;
use probity_catalog::{
    DeploymentStatus, ModelFamily, ProductFilter, ProductType, RiskClassification, Space, TaskType,
};
use probity_kernel::{PageRequest, ProductId, SpaceId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::dto::ModelSummary;
use super::handlers::beside;
use super::{Repository, TAG};
use crate::families::problem::{CallerErrors, Missing, Unprocessable};
use crate::http::as_of::{AsOf, AsOfParameter, View};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::extract::{Faults, Query, repeated};
use crate::http::failure::Failure;
use crate::http::{organization, paging, space};
use crate::state::AppState;

type Answer<T> = Result<T, Failure<Repository>>;

/// Which records are wanted. `types` may be repeated.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListModelsQuery {
    /// How many to skip.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 2_000_000_000, default = 0)]
    skip: Option<String>,
    /// 1 to 1000, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    limit: Option<String>,
    /// `X-Next-Cursor` of an earlier page. Not together with `skip`.
    cursor: Option<String>,
    /// Words that all occur in the name, the slug, the descriptions or the model's texts.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Of this model family.
    model_family: Option<String>,
    /// With this deployment status.
    deployment_status: Option<String>,
    /// For this task.
    model_task_type: Option<String>,
    /// `prohibited`, `high`, `limited` or `minimal`.
    risk_classification: Option<String>,
    /// `true` shows archived products too.
    #[param(value_type = Option<bool>, default = false)]
    include_archived: Option<String>,
}

/// What one of a closed vocabulary has to be.
fn one_of<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values
        .into_iter()
        .map(|one| one.as_ref().to_owned())
        .collect();
    format!("one of {}", values.join(", "))
}

impl ListModelsQuery {
    /// The filter and the page.
    fn read(self, types: &[String]) -> Answer<(ProductFilter, PageRequest)> {
        let mut faults = Faults::default();
        let kinds = one_of(ProductType::ALL.iter().map(|kind| kind.as_str()));
        let kind = |text: &String| faults.optional("types", Some(text), &kinds);
        let types = types.iter().filter_map(kind).collect();
        let filter = ProductFilter {
            spaces: None,
            types,
            model_family: faults.optional(
                "model_family",
                self.model_family.as_deref(),
                &one_of(ModelFamily::ALL.iter().map(|family| family.as_str())),
            ),
            model_task_type: faults.optional(
                "model_task_type",
                self.model_task_type.as_deref(),
                &one_of(TaskType::ALL.iter().map(|task| task.as_str())),
            ),
            deployment_status: faults.optional(
                "deployment_status",
                self.deployment_status.as_deref(),
                &one_of(DeploymentStatus::ALL.iter().map(|status| status.as_str())),
            ),
            risk_classification: faults.optional(
                "risk_classification",
                self.risk_classification.as_deref(),
                &one_of(RiskClassification::ALL.iter().map(|risk| risk.as_str())),
            ),
            search: faults.text("q", self.q, 200),
            include_archived: faults
                .optional(
                    "include_archived",
                    self.include_archived.as_deref(),
                    "true or false",
                )
                .unwrap_or(false),
        };
        let limit = faults.number("limit", self.limit.as_deref(), 1..=1000, 50);
        let page = faults.page(limit, "skip", self.skip.as_deref(), self.cursor.as_deref());
        faults.done()?;
        Ok((filter, page))
    }
}

/// Lists the model records of a space, newest first, as they are or as they were.
#[utoipa::path(
    operation_id = "repository_list_space_models", tag = TAG, security(("bearer" = [])),
    params(
        ("slug" = String, Path, description = "Slug of the space"),
        ("types" = Option<Vec<String>>, Query, description = "Only these product types; may be repeated", style = Form, explode),
        ListModelsQuery, AsOfParameter
    ),
    responses(
        (status = 200, description = "One page", body = Vec<ModelSummary>, headers(
            ("X-Total-Count" = u64, description = "How many match"),
            ("X-Page" = u64, description = "Number of the page, from 1; absent after a cursor"),
            ("X-Has-More" = bool, description = "Whether another page exists"),
            ("X-Next-Cursor" = String, description = "Where the next page starts; absent on the last")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/catalog/spaces/{slug}/model-repository/models")]
pub(super) async fn list_space_models(
    caller: Caller<Repository, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<ListModelsQuery, Repository>,
    as_of: AsOf<Repository>,
) -> Answer<HttpResponse> {
    let slug = request.match_info().query("slug");
    let space = space::reached(&caller, &state, slug, SpaceRole::Viewer).await?;
    let types = repeated(&request, "types");
    let (filter, page) = query.parse()?.read(&types)?;
    let listing = Listing {
        caller: &caller,
        state: &state,
        view: as_of.view(&caller, &state).await?,
    };
    listing.of_spaces(&[space], filter, page).await
}

/// Lists the model records of the spaces that the caller sees, newest first, as they are or as they were.
#[utoipa::path(
    operation_id = "repository_list_organization_models", tag = TAG, security(("bearer" = [])),
    params(
        ("organization" = String, Path, description = "Slug of the organisation"),
        ("types" = Option<Vec<String>>, Query, description = "Only these product types; may be repeated", style = Form, explode),
        ListModelsQuery, AsOfParameter
    ),
    responses(
        (status = 200, description = "One page", body = Vec<ModelSummary>, headers(
            ("X-Total-Count" = u64, description = "How many match"),
            ("X-Page" = u64, description = "Number of the page, from 1; absent after a cursor"),
            ("X-Has-More" = bool, description = "Whether another page exists"),
            ("X-Next-Cursor" = String, description = "Where the next page starts; absent on the last")
        )),
        CallerErrors, Unprocessable, Missing
    )
)]
#[get("/organizations/{organization}/model-repository/models")]
pub(super) async fn list_organization_models(
    caller: Caller<Repository, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<ListModelsQuery, Repository>,
    as_of: AsOf<Repository>,
) -> Answer<HttpResponse> {
    organization::own(&caller, &state, &request).await?;
    let types = repeated(&request, "types");
    let (filter, page) = query.parse()?.read(&types)?;
    let listing = Listing {
        caller: &caller,
        state: &state,
        view: as_of.view(&caller, &state).await?,
    };
    let spaces = state
        .catalog
        .list_spaces(caller.principal.organization)
        .await?;
    let (seen, hidden): (Vec<_>, Vec<_>) = spaces
        .into_iter()
        .partition(|space| caller.principal.can_see_space(space.id));
    // Who sees every space asks for none in particular: one walk along the whole list.
    if hidden.is_empty() {
        return listing.page(&seen, filter, page).await;
    }
    listing.of_spaces(&seen, filter, page).await
}

/// A list that is being answered: for whom, and as of when.
struct Listing<'a> {
    caller: &'a Caller<Repository, ReadAccess>,
    state: &'a AppState,
    view: View,
}

impl Listing<'_> {
    async fn of_spaces(
        &self,
        spaces: &[Space],
        filter: ProductFilter,
        page: PageRequest,
    ) -> Answer<HttpResponse> {
        let filter = ProductFilter {
            spaces: Some(spaces.iter().map(|space| space.id).collect()),
            ..filter
        };
        self.page(spaces, filter, page).await
    }

    async fn page(
        &self,
        spaces: &[Space],
        filter: ProductFilter,
        page: PageRequest,
    ) -> Answer<HttpResponse> {
        let (state, view) = (self.state, &self.view);
        let organization = self.caller.principal.organization;
        let catalog = view.catalog(state);
        let found = catalog.list(organization, &filter, &page).await?;
        let spaces: HashMap<SpaceId, &Space> =
            spaces.iter().map(|space| (space.id, space)).collect();
        let ids: Vec<ProductId> = found.items.iter().map(|product| product.id).collect();
        let mut beside = beside(state, view, organization, &ids).await?;
        let mut summaries = Vec::with_capacity(found.items.len());
        for product in found.items {
            if let Some(space) = spaces.get(&product.space) {
                let beside = beside.remove(&product.id).unwrap_or_default();
                summaries.push(ModelSummary::of(product, space, beside));
            }
        }
        let shown = probity_kernel::Page {
            items: summaries,
            total: found.total,
            next: found.next,
        };
        Ok(view.covered(paging::array(&page, &shown)))
    }
}
