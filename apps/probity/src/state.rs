//! What every handler can reach.

use std::sync::Arc;

use probity_access::AccessService;
use probity_alerts::AlertsService;
use probity_artifacts::{ArtifactService, ChunkUpload};
use probity_catalog::{AttachmentService, CatalogService};
use probity_custody::RetentionService;
use probity_governance::GovernanceService;
use probity_governance::evidence::EvidenceService;
use probity_guardian::GuardianService;
use probity_kernel::{Clock, IdSource, OrganizationId, RequestId};
use probity_registry::{RegistryError, RegistryService, RegistrySettings};
use probity_store::{
    Database, DieselAccess, DieselAlerts, DieselArtifacts, DieselAttachments, DieselCatalog,
    DieselEvents, DieselEvidence, DieselGovernance, DieselGuardian, DieselHistory, DieselModels,
    DieselRetention, DieselWebhooks,
};
use probity_webhooks::WebhookService;

use crate::adapters::blobs::Blobs;
use crate::adapters::courier::CourierClient;
use crate::adapters::drafters::Drafter;
use crate::adapters::vault::MasterKeys;
use crate::catch_ups::CatchUps;
use crate::http::auth::Authenticator;
use crate::http::limits::RateLimits;
use crate::http::metrics::Metrics;
use crate::http::streams::Streams;
use crate::recent::Recent;
use crate::record::Record;

/// Shared source of ids.
pub(crate) type Ids = Arc<dyn IdSource>;
/// Organisations, users, keys.
pub(crate) type Access = AccessService<DieselAccess, Ids>;
/// What is attached to products.
pub(crate) type Attachments = AttachmentService<DieselAttachments, Ids>;
/// Spaces and products.
pub(crate) type Catalog = CatalogService<DieselCatalog, Ids>;
/// The model inventory.
pub(crate) type ModelRegistry = RegistryService<DieselModels, Ids>;
/// The judgement of products: summaries, reviews, the fleet.
pub(crate) type Governance = GovernanceService<DieselGovernance, Ids>;
/// Runs, metrics and runtime events of products.
pub(crate) type EvidenceStore = EvidenceService<DieselEvidence, Ids>;
/// For how long things are kept.
pub(crate) type Retention = RetentionService<DieselRetention>;
/// Alerts of every source, their clocks, preferences.
pub(crate) type Alerts = AlertsService<DieselAlerts>;
/// Metric snapshots, thresholds, alerts.
pub(crate) type Guardian = GuardianService<DieselGuardian, Ids>;

/// Uploads and artifacts.
pub(crate) type ArtifactStore = ArtifactService<DieselArtifacts, Blobs, Ids>;
/// A chunk whose bytes are coming in.
pub(crate) type ChunkOnItsWay = ChunkUpload<DieselArtifacts, Blobs, Ids>;
/// Endpoints of events, and what is delivered to them.
pub(crate) type Webhooks = WebhookService<DieselWebhooks, Ids, MasterKeys>;

/// The state of a running server.
pub(crate) struct AppState {
    pub(crate) database: Database,
    pub(crate) access: Arc<Access>,
    pub(crate) catalog: Catalog,
    pub(crate) artifacts: ArtifactStore,
    pub(crate) catch_ups: CatchUps,
    pub(crate) attachments: Attachments,
    pub(crate) models: DieselModels,
    pub(crate) registry: ModelRegistry,
    /// The inventory's settings, for rendering alone: rules read them anew.
    pub(crate) registry_settings: Recent<OrganizationId, RegistrySettings>,
    pub(crate) governance: Governance,
    pub(crate) guardian: Guardian,
    pub(crate) alerts: Alerts,
    pub(crate) evidence: EvidenceStore,
    pub(crate) change_log_drafter: Drafter,
    pub(crate) events: DieselEvents,
    pub(crate) streams: Arc<Streams>,
    pub(crate) record: Record,
    pub(crate) webhooks: Webhooks,
    pub(crate) courier_client: CourierClient,
    pub(crate) history: DieselHistory,
    pub(crate) retention: Retention,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Ids,
    pub(crate) authenticator: Authenticator,
    pub(crate) limits: RateLimits,
    pub(crate) metrics: Metrics,
}

impl AppState {
    /// The inventory's settings as entries are shown under them.
    pub(crate) async fn shown_settings(
        &self,
        organization: OrganizationId,
    ) -> Result<RegistrySettings, RegistryError> {
        if let Some(settings) = self.registry_settings.get(&organization) {
            return Ok(settings);
        }
        let settings = self.registry.settings(organization).await?;
        self.registry_settings.keep(organization, settings);
        Ok(settings)
    }

    /// An id for a request that came without one.
    pub(crate) fn new_request_id(&self) -> RequestId {
        let id = self.ids.next_id(self.clock.now());
        RequestId::new(probity_kernel::id::to_type_id("req", id))
    }
}
