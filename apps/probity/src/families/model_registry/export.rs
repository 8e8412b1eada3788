//! The export of the inventory: streamed, so that a million entries take the memory of a few.

use std::collections::VecDeque;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, get};
use futures_util::stream::{self, Stream};
use probity_kernel::{Context, FieldError};
use probity_registry::inventory::{InventoryCsv, file_name};
use probity_registry::{ModelFilter, RegisteredModel, RegistrySettings};
use serde::Deserialize;
use utoipa::IntoParams;

use super::dto::{ModelResponse, schema};
use super::handlers::parse_filter;
use super::{Registry, TAG};
use crate::families::problem::{CallerErrors, Malformed};
use crate::http::auth::{AdminAccess, Caller};
use crate::http::extract::{Faults, Query};
use crate::http::failure::Failure;
use crate::state::AppState;

/// What to export, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// `csv` (when absent) or `json`.
    #[param(pattern = "^(csv|json)$", default = "csv")]
    format: Option<String>,
    /// Exactly this tier.
    #[param(value_type = Option<schema::RiskTier>)]
    risk_tier: Option<String>,
    /// Exactly this status.
    #[param(value_type = Option<schema::ValidationStatus>)]
    validation_status: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
}

/// Exports the inventory, newest first, as CSV (RFC 4180) or JSON.
#[utoipa::path(
    operation_id = "registry_export_inventory", tag = TAG, security(("bearer" = [])), params(ExportQuery),
    responses(
        (status = 200, description = "The inventory", content(
            (String = "text/csv"), (super::dto::ModelListResponse = "application/json")
        )),
        CallerErrors, Malformed
    )
)]
#[get("/model-inventory-export")]
pub(super) async fn export_inventory(
    caller: Caller<Registry, AdminAccess>,
    state: Data<AppState>,
    query: Query<ExportQuery, Registry>,
) -> Result<HttpResponse, Failure<Registry>> {
    let (format, filter) = parse(&query.parse()?)?;
    let context = caller.context().clone();
    let settings = state.registry.settings(context.organization).await?;
    let (media, extension) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Json => ("application/json", "json"),
    };
    let total = match format {
        Format::Csv => 0,
        Format::Json => {
            let first = probity_kernel::PageRequest::first(1);
            state
                .registry
                .list(context.organization, &filter, &first)
                .await?
                .total
        }
    };
    let name = file_name(context.now.date(), extension);
    let export = Export {
        state,
        context,
        settings,
        filter,
        format,
        stage: Stage::Start { total },
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ))
        .streaming(export.into_stream()))
}

fn parse(query: &ExportQuery) -> Result<(Format, ModelFilter), Failure<Registry>> {
    let mut faults = Faults::default();
    let filter = parse_filter(
        &mut faults,
        query.risk_tier.as_deref(),
        query.validation_status.as_deref(),
    );
    let format = match query.format.as_deref() {
        None | Some("csv") => Ok(Format::Csv),
        Some("json") => Ok(Format::Json),
        Some(_) => Err(vec![FieldError::new(
            "format",
            "unknown_value",
            "must be csv or json",
        )]),
    };
    let format = faults.note(format);
    faults.done()?;
    Ok((format.unwrap_or(Format::Csv), filter))
}

enum Stage {
    Start { total: u64 },
    Rows { after: Option<i64>, written: u64 },
    End,
}

struct Export {
    state: Data<AppState>,
    context: Context,
    settings: RegistrySettings,
    filter: ModelFilter,
    format: Format,
    stage: Stage,
}

impl Export {
    /// The body, one step of rows at a time; a step is read only when the last one was sent.
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
        stream::unfold(
            (self, VecDeque::new()),
            |(mut export, mut ready)| async move {
                loop {
                    if let Some(chunk) = ready.pop_front() {
                        return Some((Ok(chunk), (export, ready)));
                    }
                    match export.step().await {
                        Ok(Some(chunk)) => ready.push_back(chunk),
                        Ok(None) => return None,
                        Err(error) => {
                            export.stage = Stage::End;
                            return Some((Err(error), (export, ready)));
                        }
                    }
                }
            },
        )
    }

    async fn step(&mut self) -> Result<Option<Bytes>, actix_web::Error> {
        match self.stage {
            Stage::Start { total } => {
                self.stage = Stage::Rows {
                    after: None,
                    written: 0,
                };
                Ok(Some(self.opening(total)))
            }
            Stage::Rows { after, written } => self.rows(after, written).await.map(Some),
            Stage::End => Ok(None),
        }
    }

    fn opening(&self, total: u64) -> Bytes {
        match self.format {
            Format::Csv => InventoryCsv::header().into(),
            Format::Json => {
                format!(r#"{{"total":{total},"limit":{total},"offset":0,"models":["#).into()
            }
        }
    }

    async fn rows(&mut self, after: Option<i64>, written: u64) -> Result<Bytes, actix_web::Error> {
        let organization = self.context.organization;
        let step = self
            .state
            .models
            .export_step(organization, &self.filter, after)
            .await;
        let (models, last) = step.map_err(Failure::<Registry>::from)?;
        let mut buffer = Vec::with_capacity(models.len() * 512);
        let mut count = written;
        for model in models {
            self.write(model, count, &mut buffer);
            count += 1;
        }
        if last.is_none() && self.format == Format::Json {
            buffer.extend_from_slice(b"]}");
        }
        self.stage = match last {
            Some(last) => Stage::Rows {
                after: Some(last),
                written: count,
            },
            None => Stage::End,
        };
        Ok(buffer.into())
    }

    fn write(&self, model: RegisteredModel, before: u64, buffer: &mut Vec<u8>) {
        if self.format == Format::Csv {
            return InventoryCsv::write(&model, buffer);
        }
        if before > 0 {
            buffer.push(b',');
        }
        let standing = model.standing(&self.settings, self.context.now);
        let text = serde_json::to_vec(&ModelResponse::new(model, standing));
        buffer.extend(text.unwrap_or_default());
    }
}
