//! The one place where adapters are chosen.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use probity_access::AccessService;
use probity_alerts::AlertsService;
use probity_artifacts::{ArtifactService, BlobStore as _, Policy};
use probity_catalog::{AttachmentService, CatalogService};
use probity_custody::RetentionService;
use probity_governance::GovernanceService;
use probity_governance::evidence::EvidenceService;
use probity_guardian::GuardianService;
use probity_kernel::{Clock, SystemClock, SystemIds};
use probity_registry::RegistryService;
use probity_store::{
    Database, DatabaseOptions, DieselAccess, DieselAlerts, DieselArtifacts, DieselAttachments,
    DieselCatalog, DieselEvents, DieselEvidence, DieselGovernance, DieselGuardian, DieselHistory,
    DieselModels, DieselRetention, DieselWebhooks, OpenDatabaseError,
};
use probity_webhooks::WebhookService;

use crate::adapters::blobs::{Blobs, OpenBlobsError};
use crate::adapters::courier::{CourierClient, CourierError};
use crate::adapters::drafters::{Drafter, DrafterError};
use crate::adapters::redis_limits::RedisLimits;
use crate::adapters::timestamps::TimestampError;
use crate::adapters::vault::{MasterKeyError, MasterKeys};
use crate::adapters::witnesses::{WitnessError, Witnesses};
use crate::catch_ups::CatchUps;
use crate::http::auth::{Authenticator, Issuers, IssuersError, TokenIssuer};
use crate::http::limits::{Quotas, RateLimits};
use crate::http::metrics::Metrics;
use crate::http::streams::Streams;
use crate::http::{request, routes};
use crate::keys::{KeyFileError, KeyUse, load_or_create, record_keys};
use crate::recent::Recent;
use crate::record::{AnchorError, AnchorFile, Record, RecordSigner, SignError, SignedStates};
use crate::settings::{ArtifactSettings, Settings};
use crate::state::{Access, AppState, ArtifactStore, Ids};
use crate::workers::courier::Courier;
use crate::workers::{self, Workers};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("setting `database-url`: {0}")]
    Database(#[from] OpenDatabaseError),
    #[error(transparent)]
    Key(#[from] KeyFileError),
    #[error(transparent)]
    Witnesses(#[from] WitnessError),
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    #[error(transparent)]
    Timestamps(#[from] TimestampError),
    #[error("the record: {0}")]
    Record(#[from] SignError),
    #[error(transparent)]
    Issuers(#[from] IssuersError),
    #[error("setting `redis-url`: expected redis://host:port/db: {0}")]
    Redis(#[from] redis::RedisError),
    #[error(transparent)]
    Blobs(#[from] OpenBlobsError),
    #[error(
        "setting `{setting}`: the bytes of {count} artifacts of this database are in another store than the one that is set"
    )]
    BlobsElsewhere { setting: &'static str, count: u64 },
    #[error(transparent)]
    Drafter(#[from] DrafterError),
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    #[error(
        "setting `webhook-key-file`: the database has webhooks and no master key is given; name the file it is in, or make one with `openssl rand -base64 32`"
    )]
    NoMasterKey,
    #[error("the database cannot be read: {0}")]
    Rows(#[from] probity_kernel::RepositoryError),
    #[error(transparent)]
    Courier(#[from] CourierError),
    #[error("setting `listen`: cannot serve on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A server that is ready to run.
pub(crate) struct Application {
    state: web::Data<AppState>,
    workers: Workers,
    courier: Option<Courier>,
    server: Server,
    address: SocketAddr,
}

impl Application {
    /// Opens everything and binds the address.
    pub(crate) fn build(settings: &Settings) -> Result<Self, StartError> {
        let state = web::Data::new(build_state(settings)?);
        let listener = TcpListener::bind(settings.listen).map_err(|source| StartError::Listen {
            address: settings.listen,
            source,
        })?;
        let address = listener.local_addr()?;
        let workers = workers::start(settings, &state)?;
        let courier = workers::courier::start(settings, &state)?;
        let shared = state.clone();
        let server = HttpServer::new(move || {
            let app = routes::build(App::new().app_data(shared.clone()));
            app.wrap(actix_web::middleware::from_fn(request::frame))
        })
        .workers(settings.workers)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .client_request_timeout(Duration::from_secs(5))
        // Longer than the minute for which balancers keep idle connections: otherwise a request
        // now and then meets a connection that is being closed.
        .keep_alive(Duration::from_secs(75))
        .listen(listener)?
        .run();
        Ok(Self {
            state,
            workers,
            courier,
            server,
            address,
        })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The state, for what is done before the first request.
    pub(crate) const fn state(&self) -> &web::Data<AppState> {
        &self.state
    }

    /// Serves until a signal; then finishes requests, drains the lanes and signs what is new.
    pub(crate) async fn run(self) -> Result<(), StartError> {
        let Self {
            state,
            workers,
            courier,
            server,
            ..
        } = self;
        let watched = state.clone();
        let watching = tokio::spawn(async move { watched.streams.watch(&watched.events).await });
        let ending = state.clone();
        let listening = tokio::spawn(async move {
            told_to_stop().await;
            ending.streams.close();
        });
        let served = server.await;
        state.streams.close();
        listening.abort();
        if watching.await.is_err() {
            tracing::error!("the watch over event streams ended with a panic");
        }
        served?;
        tracing::info!("no more requests; draining the write lanes");
        let drained = tokio::task::spawn_blocking(move || {
            if let Some(courier) = courier {
                courier.stop();
            }
            workers.stop();
            state.database.drain();
        });
        if drained.await.is_err() {
            tracing::error!("the write lanes did not end as they should");
        }
        Ok(())
    }
}

/// Returns at the first signal that ends the server. Streams never end by themselves: without this they
/// would hold the shutdown up until its timeout.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::quit(),
    ];
    let mut waits = Vec::new();
    for kind in kinds {
        match signal(kind) {
            Ok(mut signals) => waits.push(Box::pin(async move {
                signals.recv().await;
            })),
            Err(error) => tracing::warn!(error = %error, "a signal cannot be waited for"),
        }
    }
    if waits.is_empty() {
        std::future::pending::<()>().await;
    }
    futures_util::future::select_all(waits).await;
}

/// Opens the database of the settings.
pub(crate) fn open_database(settings: &Settings, ids: Ids) -> Result<Database, OpenDatabaseError> {
    Database::open(&DatabaseOptions {
        url: settings.database_url.clone(),
        lanes: settings.write_lanes,
        readers: settings.read_connections,
        migrate: settings.migrate,
        ids,
    })
}

fn build_state(settings: &Settings) -> Result<AppState, StartError> {
    let ids: Ids = Arc::new(SystemIds::default());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = open_database(settings, ids.clone())?;
    let access: Arc<Access> = Arc::new(AccessService::new(
        DieselAccess::new(database.clone()),
        ids.clone(),
    ));
    let models = DieselModels::new(database.clone());
    let quotas = Quotas {
        metrics: settings.rate_limit_metrics,
        metrics_batch: settings.rate_limit_metrics_batch,
        requests: settings.rate_limit_requests,
    };
    let shared = settings
        .redis_url
        .as_deref()
        .map(RedisLimits::new)
        .transpose()?;
    let signer = anchored_signer(settings, &database)?;
    Ok(AppState {
        authenticator: Authenticator::new(
            access.clone(),
            token_issuer(settings)?,
            Issuers::read(settings.external_issuers_file.as_deref())?,
        ),
        artifacts: artifact_store(&settings.artifacts, &database, &ids)?,
        catch_ups: CatchUps::default(),
        attachments: AttachmentService::new(DieselAttachments::new(database.clone()), ids.clone()),
        catalog: CatalogService::new(DieselCatalog::new(database.clone()), ids.clone()),
        registry: RegistryService::new(models.clone(), ids.clone()),
        governance: GovernanceService::new(DieselGovernance::new(database.clone()), ids.clone()),
        alerts: AlertsService::new(DieselAlerts::new(database.clone())),
        guardian: GuardianService::new(DieselGuardian::new(database.clone()), ids.clone()),
        events: DieselEvents::new(database.clone()),
        streams: Arc::new(Streams::new(
            settings.event_streams,
            database.growth().clone(),
        )),
        record: Record::new(database.clone(), Arc::new(signer), clock.clone()),
        webhooks: WebhookService::new(
            DieselWebhooks::new(database.clone()),
            ids.clone(),
            master_keys(settings, &database)?,
            settings.webhooks.rules.clone(),
        ),
        courier_client: CourierClient::new(&settings.webhooks)?,
        history: DieselHistory::new(database.clone()),
        retention: RetentionService::new(DieselRetention::new(database.clone())),
        evidence: EvidenceService::new(DieselEvidence::new(database.clone()), ids.clone()),
        change_log_drafter: Drafter::new(&settings.change_log)?,
        metrics: Metrics::new(database.kind()),
        limits: RateLimits::new(quotas, shared),
        access,
        models,
        registry_settings: Recent::default(),
        database,
        clock,
        ids,
    })
}

/// What signs the record, with all that it tells others; no database that is behind what was signed.
fn anchored_signer(settings: &Settings, database: &Database) -> Result<RecordSigner, StartError> {
    let anchors = settings.anchors.file.as_deref();
    let signer = record_signer(settings, database)?
        .with_witnesses(Witnesses::new(settings.witnesses.as_deref())?)
        .with_anchors(anchors.map(AnchorFile::open).transpose()?);
    signer.check_states()?;
    Ok(signer)
}

/// What signs the record.
pub(crate) fn record_signer(
    settings: &Settings,
    database: &Database,
) -> Result<RecordSigner, KeyFileError> {
    Ok(RecordSigner::new(
        record_keys(&settings.data_dir)?,
        &settings.origin,
        database.clone(),
        SignedStates::below(&settings.data_dir),
    ))
}

/// Uploads and artifacts over the database and the blob store of the settings.
fn artifact_store(
    settings: &ArtifactSettings,
    database: &Database,
    ids: &Ids,
) -> Result<ArtifactStore, StartError> {
    let policy = Policy {
        chunk_size: settings.chunk_bytes,
        space_quota: settings.space_quota,
    };
    let (rows, blobs) = (
        DieselArtifacts::new(database.clone()),
        Blobs::open(settings)?,
    );
    // Their bytes would look lost, and the scrubber would say so on the record.
    let count = rows.elsewhere(blobs.backend())?;
    if count > 0 {
        let setting = match blobs {
            Blobs::Local(_) => "blob-store",
            Blobs::S3(_) => "s3-bucket",
        };
        return Err(StartError::BlobsElsewhere { setting, count });
    }
    Ok(ArtifactService::new(rows, blobs, ids.clone(), policy))
}

/// The keys that seal secrets. A database that holds sealed ones is not served without.
pub(crate) fn master_keys(
    settings: &Settings,
    database: &Database,
) -> Result<MasterKeys, StartError> {
    if let Some(path) = &settings.webhooks.key_file {
        return Ok(MasterKeys::read(path)?);
    }
    if DieselWebhooks::new(database.clone()).holds_secrets()? {
        return Err(StartError::NoMasterKey);
    }
    Ok(MasterKeys::none())
}

/// The server's own issuer of tokens.
pub(crate) fn token_issuer(settings: &Settings) -> Result<TokenIssuer, KeyFileError> {
    let key = load_or_create(&settings.data_dir, KeyUse::Tokens)?;
    Ok(TokenIssuer::new(
        key,
        &settings.token_issuer,
        &settings.token_audience,
    ))
}
