//! Evaluation: a reference and a current sample become the figures of a snapshot.

mod arrays;
mod compute;
mod document;
mod drift_request;
mod fairness_request;
mod frame;
mod names;
mod outcome;
mod request;
mod response;
mod settings;
mod table_query;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, post, web};
use probity_access::SpaceRole;
use probity_kernel::{Context, ErrorKind, FieldError};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};

use self::compute::{Evaluation, evaluate as compute};
use self::frame::Frame;
use self::outcome::Figures;
use self::request::EvaluationRequest;
use self::response::{EvaluationResponse, Verdict};
use self::settings::Settings;
use self::table_query::TableQuery;
use super::sample::{Samples, read_csv, read_parquet};
use super::{Guardian, TAG, reach};
use crate::families::problem::{BodyErrors, CallerErrors, Clash, KeyReused, Malformed, Missing};
use crate::http::auth::{Caller, IngestSingle};
use crate::http::extract::{Query, RawBody, encoded, is_encoded, media_type, parse_json};
use crate::http::failure::{Failure, Problem};
use crate::state::AppState;

/// Largest JSON body.
const JSON_BODY: usize = 8 << 20;
/// Largest table.
const TABLE_BODY: usize = 64 << 20;
/// How many evaluations run at once; the others wait, so that memory stays bounded.
static GATE: Semaphore = Semaphore::const_new(2);

type Answer<T> = Result<web::Json<T>, Failure<Guardian>>;

/// One evaluation, ready to be computed.
#[derive(Debug)]
struct Job {
    frame: Frame,
    settings: Settings,
    samples: Samples,
}

/// Computes drift and fairness from a reference and a current sample, and records the snapshot.
///
/// The samples come as JSON (arrays, counts, confusion cells), or as **one** table, CSV or Parquet,
/// with a column that tells `reference` from `current`; what the JSON body says besides the samples
/// then comes in the query.
///
/// Each numeric column gets the population stability index (PSI), the Jensen-Shannon distance, the
/// Kolmogorov-Smirnov test and the Wasserstein-1 distance; each categorical column PSI,
/// Jensen-Shannon and the chi-square test; fairness gets demographic parity and, with labels,
/// equalised odds and equal opportunity. The drift score comes from the largest PSI, the fairness
/// score from the smallest by the largest selection rate of the groups, by published formulas.
///
/// Where a number would lie there is none, but a reason: `not_estimable`. If that leaves a score
/// unknown, nothing is recorded: `recordable` is false and `complianceStatus` `NOT_ESTIMABLE`. One
/// column that counts and has no PSI is enough for that, since the largest of the others could
/// understate the drift; `psiColumns` says which columns count.
///
/// Kolmogorov-Smirnov p-values are exact up to 10 000 rows a side, as long as all of them together
/// can be computed in seconds; each recipe says which kind it is.
///
/// Limits: JSON 8 MiB; tables 64 MiB, 1000 columns, 20 million cells in use (rows times columns),
/// 10 000 different texts in a column, 256 bytes in a text, 1000 groups. Parquet: flat columns,
/// uncompressed, Snappy or Zstandard, 64 MiB a page and 512 MiB together when unpacked.
#[utoipa::path(
    operation_id = "guardian_evaluate", tag = TAG, security(("bearer" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless for 24 hours", min_length = 1, max_length = 255),
        TableQuery
    ),
    request_body(
        content(
            (EvaluationRequest = "application/json", example = json!({
                "modelId": "sys_01h455vb4pex5vsknk084sn02q", "minSamples": 5,
                "drift": {
                    "reference": {"columns": {"age": [23, 35, 41, 52, 67], "state": ["NY", "CA", "NY", "TX", "CA"]}},
                    "current": {"columns": {"age": [25, 33, 45, 51, 70], "state": ["NY", "CA", "TX", "TX", "CA"]}},
                    "histograms": {"income": {
                        "bins": [0, 20000, 50000, 100_000], "reference": [120, 310, 70], "current": [110, 300, 90]
                    }},
                    "bins": 5
                },
                "fairness": {"predictions": [1, 0, 1, 1, 0], "groups": ["a", "a", "b", "b", "b"]}
            })),
            (String = "text/csv", example = "sample,age,group,prediction\nreference,23,,\ncurrent,25,a,1\n"),
            (String = "application/vnd.apache.parquet")
        ),
        description = "The samples"
    ),
    responses(
        (status = 200, description = "Computed, and recorded where that was asked for and possible", body = EvaluationResponse),
        CallerErrors, BodyErrors, Malformed, Missing, Clash, KeyReused
    )
)]
#[post("/metrics/evaluate")]
pub(super) async fn evaluate(
    caller: Caller<Guardian, IngestSingle>,
    state: Data<AppState>,
    request: HttpRequest,
    query: Query<TableQuery, Guardian>,
    payload: web::Payload,
) -> Answer<EvaluationResponse> {
    let format = Format::of(request.headers())?;
    let body = RawBody::read(request.headers(), payload.into_inner(), format.limit()).await;
    let body = body.bytes.map_err(|problem| Failure::from(*problem))?;
    let keyed = request.headers().contains_key("idempotency-key");
    let received = Received {
        keyed,
        text: request.query_string().to_owned(),
        query: (format != Format::Json)
            .then(|| query.parse())
            .transpose()?,
        format,
        body,
    };
    let permit = GATE.acquire().await.map_err(|_| interrupted())?;
    let computed = web::block(move || {
        let computed = received.compute(&caller, permit);
        (caller, computed)
    });
    let (caller, computed) = computed.await.map_err(|_| interrupted())?;
    let computed = computed?.reached(&caller, &state).await?;
    computed.conclude(&state).await.map(web::Json)
}

fn interrupted() -> Problem {
    let detail = "the evaluation was interrupted; the request id finds it in the log";
    Problem::new(ErrorKind::Internal, "internal_error", detail)
}

/// What the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
    Parquet,
}

impl Format {
    fn of(headers: &HeaderMap) -> Result<Self, Failure<Guardian>> {
        let refuse = |code, detail| {
            let problem = Problem::new(ErrorKind::Invalid, code, detail);
            problem
                .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .into()
        };
        if is_encoded(headers) {
            return Err(encoded().into());
        }
        let given = headers
            .get("content-type")
            .and_then(|value| value.to_str().ok());
        let media = media_type(given.unwrap_or_default());
        match media.as_str() {
            "application/json" => Ok(Self::Json),
            "text/csv" => Ok(Self::Csv),
            "application/vnd.apache.parquet" => Ok(Self::Parquet),
            media if media.ends_with("+json") => Ok(Self::Json),
            _ => {
                let detail = "the body must be sent as application/json, text/csv or \
                              application/vnd.apache.parquet";
                Err(refuse("unsupported_media_type", detail))
            }
        }
    }

    const fn limit(self) -> usize {
        match self {
            Self::Json => JSON_BODY,
            Self::Csv | Self::Parquet => TABLE_BODY,
        }
    }
}

/// A request whose body has arrived.
struct Received {
    format: Format,
    /// Whether the caller sent an idempotency key.
    keyed: bool,
    /// The query as it was sent, and as it was read.
    text: String,
    query: Option<TableQuery>,
    body: Bytes,
}

impl Received {
    /// Reads and computes. This takes its time: it belongs on a thread where blocking is allowed,
    /// and the permit goes there with it.
    fn compute(
        self,
        caller: &Caller<Guardian, IngestSingle>,
        _permit: SemaphorePermit<'_>,
    ) -> Result<Computed, Failure<Guardian>> {
        let context = if self.keyed {
            caller.claiming(&self.claimed())?
        } else {
            caller.context().clone()
        };
        let job = self.job(&context)?;
        let evaluation = compute(job.samples, &job.settings).map_err(Failure::malformed)?;
        let figures = Figures::new(&evaluation, &job.frame).map_err(|error| {
            let fault = FieldError::new("", "not_measurable", error.to_string());
            Failure::malformed(vec![fault])
        })?;
        Ok(Computed {
            context,
            frame: job.frame,
            evaluation,
            figures,
        })
    }

    /// What makes two requests the same: of a JSON body its meaning, of a table its bytes and the
    /// query.
    fn claimed(&self) -> Bytes {
        if self.format == Format::Json {
            return self.body.clone();
        }
        let digest = Sha256::digest(&self.body);
        json!({"query": self.text, "sha256": digest.as_slice()})
            .to_string()
            .into()
    }

    fn job(self, context: &Context) -> Result<Job, Failure<Guardian>> {
        let Some(query) = self.query else {
            let request: EvaluationRequest = parse_json(&self.body)?;
            drop(self.body);
            return request.job(context.now).map_err(Failure::malformed);
        };
        let plan = query.check(context.now).map_err(Failure::malformed)?;
        let samples = match self.format {
            Format::Parquet => read_parquet(self.body, &plan.options),
            Format::Csv | Format::Json => read_csv(&self.body, &plan.options),
        };
        Ok(Job {
            frame: plan.frame,
            settings: plan.settings,
            samples: samples.map_err(Failure::malformed)?,
        })
    }
}

/// An evaluation with its figures.
struct Computed {
    context: Context,
    frame: Frame,
    evaluation: Evaluation,
    figures: Figures,
}

impl Computed {
    /// The same, about no product where the caller does not see the one that is named.
    async fn reached(
        mut self,
        caller: &Caller<Guardian, IngestSingle>,
        state: &AppState,
    ) -> Result<Self, Failure<Guardian>> {
        let role = if self.frame.dry_run {
            SpaceRole::Viewer
        } else {
            SpaceRole::Editor
        };
        let product = reach::product(caller, state, self.frame.product, role).await?;
        self.frame.product = product;
        self.frame.draft.product = Some(product.to_string());
        Ok(self)
    }

    /// Records the snapshot, if there is one to record and that is wanted; otherwise says what the
    /// verdict would be.
    async fn conclude(self, state: &AppState) -> Result<EvaluationResponse, Failure<Guardian>> {
        let Self {
            context,
            frame,
            evaluation,
            figures,
        } = self;
        let dry_run = frame.dry_run;
        let readings = figures.readings();
        let (snapshot, status) = if readings.is_some() && !dry_run {
            let draft = figures.draft(&frame);
            let ingested = state.guardian.ingest(context, draft).await?;
            state.metrics.snapshot(ingested.status.as_str());
            (Some(ingested.snapshot), Some(ingested.status))
        } else {
            let limits = state
                .guardian
                .thresholds(context.organization, frame.product);
            let (limits, _) = limits.await?;
            (
                None,
                readings.map(|readings| limits.judge_readings(&readings)),
            )
        };
        let verdict = Verdict {
            snapshot,
            status: status.map(probity_guardian::ComplianceStatus::as_str),
            dry_run,
        };
        Ok(EvaluationResponse::new(evaluation, figures, verdict))
    }
}
