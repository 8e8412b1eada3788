//! The usual design, as a reference: a pool, and one transaction per request on a blocking thread.

mod postgres;
mod sqlite;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use sha2::{Digest as _, Sha256};

use crate::Outcome;
use crate::echo::{Metric, Verdict, next_id};

/// The key that the naive server accepts.
pub(crate) const KEY: &str = "naive-reference-key-000000000000";

diesel::table! {
    snapshots (seq) {
        seq -> BigInt,
        id -> Text,
        organization -> Text,
        model_id -> Text,
        captured_at -> BigInt,
        drift -> Double,
        fairness -> Double,
        psi -> Nullable<Double>,
        disparate_impact -> Nullable<Double>,
        sample_size -> BigInt,
        status -> Text,
    }
}

diesel::table! {
    audit (seq) {
        seq -> BigInt,
        snapshot_id -> Text,
        action -> Text,
        at -> BigInt,
        previous -> Binary,
        hash -> Binary,
    }
}

/// Writes a row and the next link of the audit chain within a transaction that has begun.
macro_rules! write_row {
    ($conn:expr, $row:expr) => {{
        use diesel::prelude::*;

        use crate::naive::{audit, snapshots};
        use crate::tables::link;

        let (conn, row) = ($conn, $row);
        let metric = &row.metric;
        let last: Option<Vec<u8>> = audit::table
            .order(audit::seq.desc())
            .select(audit::hash)
            .first(conn)
            .optional()?;
        let previous = last.unwrap_or_else(|| vec![0; 32]);
        diesel::insert_into(snapshots::table)
            .values((
                snapshots::id.eq(&row.id),
                snapshots::organization.eq(&row.organization),
                snapshots::model_id.eq(&metric.model_id),
                snapshots::captured_at.eq(row.at),
                snapshots::drift.eq(metric.drift_score),
                snapshots::fairness.eq(metric.fairness_score),
                snapshots::psi.eq(metric.psi),
                snapshots::disparate_impact.eq(metric.disparate_impact),
                snapshots::sample_size.eq(metric.sample_size),
                snapshots::status.eq(row.status),
            ))
            .execute(conn)?;
        let hash = link(&previous, &row.id, &metric.model_id, row.at, row.status);
        diesel::insert_into(audit::table)
            .values((
                audit::snapshot_id.eq(&row.id),
                audit::action.eq("metric.ingested"),
                audit::at.eq(row.at),
                audit::previous.eq(previous),
                audit::hash.eq(hash.to_vec()),
            ))
            .execute(conn)?;
        Ok(())
    }};
}
use write_row;

static NOW: AtomicI64 = AtomicI64::new(1_700_000_000_000_000);

/// A store that writes one snapshot with its audit row durably in a transaction of its own.
trait Store: Clone + Send + Sync + 'static {
    fn write(&self, row: &Row) -> Outcome<()>;
}

/// What one request writes.
struct Row {
    id: String,
    organization: String,
    at: i64,
    status: &'static str,
    metric: Metric,
}

struct State<S> {
    store: S,
    keys: HashMap<[u8; 32], String>,
}

/// The bearer key, hashed and looked up.
fn organization<S>(state: &State<S>, request: &HttpRequest) -> Option<String> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let hash: [u8; 32] = Sha256::digest(header.strip_prefix("Bearer ")?).into();
    state.keys.get(&hash).cloned()
}

async fn ingest<S: Store>(
    state: Data<State<S>>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let Some(organization) = organization(&state, &request) else {
        return HttpResponse::Unauthorized().finish();
    };
    let metric = match serde_json::from_slice::<Metric>(&body) {
        Ok(metric) if metric.is_valid() => metric,
        _ => return HttpResponse::BadRequest().finish(),
    };
    let (id, status) = (next_id(), metric.status());
    let row = Row {
        id: id.clone(),
        organization,
        at: NOW.fetch_add(1, Ordering::Relaxed),
        status,
        metric,
    };
    let store = state.store.clone();
    match web::block(move || store.write(&row)).await {
        Ok(Ok(())) => HttpResponse::Ok().json(Verdict {
            success: true,
            snapshot_id: id,
            compliance_status: status,
        }),
        Ok(Err(error)) => HttpResponse::ServiceUnavailable().body(error.to_string()),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

/// Serves until the process is ended.
pub(crate) fn serve(address: SocketAddr, database: &str) -> Outcome<()> {
    if database.starts_with("postgres") {
        return run(address, postgres::Pool::open(database)?);
    }
    run(address, sqlite::Pool::open(database)?)
}

fn run<S: Store>(address: SocketAddr, store: S) -> Outcome<()> {
    let keys = HashMap::from([(Sha256::digest(KEY).into(), "bench".to_owned())]);
    let state = Data::new(State { store, keys });
    actix_web::rt::System::new().block_on(async {
        HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .route("/plain", web::get().to(|| async { "ready" }))
                .route("/api/v1/metrics", web::post().to(ingest::<S>))
        })
        .workers(2)
        .bind(address)?
        .run()
        .await
    })?;
    Ok(())
}
