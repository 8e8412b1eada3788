//! What every handler can reach.

use std::sync::Arc;

use probity_access::AccessService;
use probity_catalog::CatalogService;
use probity_guardian::GuardianService;
use probity_kernel::{Clock, IdSource, RequestId};
use probity_registry::RegistryService;
use probity_store::{Database, DieselAccess, DieselCatalog, DieselGuardian, DieselModels};

use crate::http::auth::Authenticator;
use crate::http::limits::RateLimits;
use crate::http::metrics::Metrics;

/// Shared source of ids.
pub(crate) type Ids = Arc<dyn IdSource>;
/// Organisations, users, keys.
pub(crate) type Access = AccessService<DieselAccess, Ids>;
/// Spaces and products.
pub(crate) type Catalog = CatalogService<DieselCatalog, Ids>;
/// The model inventory.
pub(crate) type ModelRegistry = RegistryService<DieselModels, Ids>;
/// Metric snapshots, thresholds, alerts.
pub(crate) type Guardian = GuardianService<DieselGuardian, Ids>;

/// The state of a running server.
pub(crate) struct AppState {
    pub(crate) database: Database,
    pub(crate) access: Arc<Access>,
    pub(crate) catalog: Catalog,
    pub(crate) models: DieselModels,
    pub(crate) registry: ModelRegistry,
    pub(crate) guardian: Guardian,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Ids,
    pub(crate) authenticator: Authenticator,
    pub(crate) limits: RateLimits,
    pub(crate) metrics: Metrics,
}

impl AppState {
    /// An id for a request that came without one.
    pub(crate) fn new_request_id(&self) -> RequestId {
        let id = self.ids.next_id(self.clock.now());
        RequestId::new(probity_kernel::id::to_type_id("req", id))
    }
}
