//! The database as the repositories use it: point reads, scans, and writes through lanes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use diesel::prelude::*;
use probity_kernel::{IdSource, OrganizationId, RepositoryError};
use tokio::sync::oneshot;

use crate::address::{AddressError, parse_address};
use crate::connection::{AnyConnection, Location, Manager, Scope, Use};
use crate::error::{StoreError, StoreResult, unavailable};
use crate::growth::Growth;
use crate::guardian::IngestJob;
use crate::lane::{Job, Lane};
use crate::past::{self, Past};
use crate::schema::audit_heads;
use crate::turn::{Listeners, Tx, Work};
use crate::types::Id;
use crate::wal::Checkpointer;
use crate::webhooks::Desk;
use crate::{migrate, wal};

/// How to open a database.
#[derive(Clone)]
pub struct DatabaseOptions {
    /// `postgres://...` or a path to a SQLite file, with or without `sqlite://` in front.
    pub url: String,
    /// Write lanes on PostgreSQL, 1 to 64; SQLite always has one.
    pub lanes: usize,
    /// Connections for scans and, on PostgreSQL, for all reads: 1 to 256.
    pub readers: u32,
    /// Whether pending migrations are applied; otherwise a schema that is behind is refused.
    pub migrate: bool,
    /// Where the ids of governance events come from.
    pub ids: Arc<dyn IdSource>,
}

impl fmt::Debug for DatabaseOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseOptions")
            .field("lanes", &self.lanes)
            .finish_non_exhaustive()
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenDatabaseError {
    /// The URL is not one of a database we can use.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Migrations could not be applied, or are pending and may not be.
    #[error("migration: {0}")]
    Migration(String),
    /// No connection could be made.
    #[error("connection: {0}")]
    Connection(String),
    /// The folder of the database file could not be made, or a thread could not start.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A database, cheap to clone.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
    /// Where it is read as of an instant: nothing can be written then.
    past: Option<Arc<Past>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

/// A read whose answer takes a way of its own, so that what is around all reads is compiled once.
pub(crate) type Reading = Box<dyn FnOnce(&mut AnyConnection) -> StoreResult<()> + Send>;

struct Inner {
    location: Location,
    pool: r2d2::Pool<Manager>,
    lanes: RwLock<Vec<Lane>>,
    numbers: Mutex<HashMap<OrganizationId, i64>>,
    checkpointer: Mutex<Option<Checkpointer>>,
    listeners: Listeners,
    /// Whose turn it is to read the past.
    past_turns: past::Turns,
}

thread_local! {
    /// This thread's own connections for point reads on SQLite, one per open database.
    static READERS: RefCell<Vec<(Weak<Inner>, AnyConnection)>> = const { RefCell::new(Vec::new()) };
}

impl Database {
    /// Opens a database: migrates or checks the schema, starts the lanes. Blocks meanwhile.
    ///
    /// # Errors
    /// [`OpenDatabaseError`] when the URL, the schema or the server will not do.
    pub fn open(options: &DatabaseOptions) -> Result<Self, OpenDatabaseError> {
        let location = parse_address(&options.url)?;
        prepare_folder(&location)?;
        prepare_schema(&location, options.migrate)?;
        let pool = r2d2::Pool::builder()
            .max_size(options.readers.clamp(1, 256))
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(Duration::from_secs(5))
            .build(Manager(location.clone()))
            .map_err(|error| OpenDatabaseError::Connection(error.to_string()))?;
        let lanes = match location {
            Location::Sqlite(_) => 1,
            Location::Postgres(_) => options.lanes.clamp(1, 64),
        };
        let (listeners, rest) = (Listeners::default(), wal::Rest::default());
        let start = |number| {
            let (location, ids) = (location.clone(), options.ids.clone());
            Lane::start(number, location, ids, listeners.clone(), rest.clone())
        };
        let lanes = (0..lanes).map(start).collect::<Result<Vec<_>, _>>()?;
        let checkpointer = Checkpointer::start(&location, rest)?;
        Ok(Self {
            inner: Arc::new(Inner {
                location,
                pool,
                lanes: RwLock::new(lanes),
                numbers: Mutex::default(),
                checkpointer: Mutex::new(checkpointer),
                listeners,
                past_turns: past::Turns::default(),
            }),
            past: None,
        })
    }

    /// Where it is.
    pub(crate) fn location(&self) -> &Location {
        &self.inner.location
    }

    /// The same database as it was at a point of the past.
    pub(crate) fn in_past(&self, past: Past) -> Self {
        Self {
            inner: self.inner.clone(),
            past: Some(Arc::new(past)),
        }
    }

    /// Whether it is read as of an instant.
    pub(crate) const fn is_past(&self) -> bool {
        self.past.is_some()
    }

    /// The instant as of which it is read; `None` for now.
    pub(crate) fn past_at(&self) -> Option<time::OffsetDateTime> {
        self.past.as_deref().map(Past::at)
    }

    /// `sqlite` or `postgresql`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.inner.location {
            Location::Sqlite(_) => "sqlite",
            Location::Postgres(_) => "postgresql",
        }
    }

    /// Where deliveries are left that were made on this node.
    #[must_use]
    pub fn desk(&self) -> &Arc<Desk> {
        &self.inner.listeners.desk
    }

    /// Who follows the records of organisations on this node.
    #[must_use]
    pub fn growth(&self) -> &Arc<Growth> {
        &self.inner.listeners.growth
    }

    /// Finishes what waits in the lanes, then refuses writes. Blocks meanwhile.
    pub fn drain(&self) {
        let lanes = std::mem::take(
            &mut *self
                .inner
                .lanes
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for lane in lanes {
            lane.drain();
        }
        let checkpointer = self
            .inner
            .checkpointer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(checkpointer);
    }

    /// Whether the database answers and its schema is the one this release expects.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn ready(&self) -> Result<(), RepositoryError> {
        let pending = self
            .scan(Scope::System, |conn| {
                migrate::pending(conn).map_err(|error| StoreError(RepositoryError::Database(error)))
            })
            .await?;
        if pending.is_empty() {
            return Ok(());
        }
        let told = format!("migrations are pending: {}", pending.join(", "));
        Err(RepositoryError::Database(told.into()))
    }

    /// A read of one or a few rows. SQLite answers on this thread with its own connection: the
    /// read takes microseconds, a hop to another thread several times that.
    pub(crate) async fn point<T: Send + 'static>(
        &self,
        scope: Scope,
        work: impl FnOnce(&mut AnyConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        match self.inner.location {
            Location::Sqlite(_) if !self.is_past() => self.read_here(scope, false, work),
            Location::Sqlite(_) | Location::Postgres(_) => self.scan(scope, work).await,
        }
    }

    /// Several short reads that have to agree with one another: as [`point`](Self::point), but of
    /// one snapshot.
    pub(crate) async fn points<T: Send + 'static>(
        &self,
        scope: Scope,
        work: impl FnOnce(&mut AnyConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        match self.inner.location {
            Location::Sqlite(_) if !self.is_past() => self.read_here(scope, true, work),
            Location::Sqlite(_) | Location::Postgres(_) => self.scan(scope, work).await,
        }
    }

    fn read_here<T>(
        &self,
        scope: Scope,
        snapshot: bool,
        work: impl FnOnce(&mut AnyConnection) -> StoreResult<T>,
    ) -> Result<T, RepositoryError> {
        let (mut work, mut value) = (Some(work), None);
        self.on_this_thread(scope, snapshot, &mut |conn| {
            value = work.take().map(|work| work(conn)).transpose()?;
            Ok(())
        })?;
        value.ok_or_else(unavailable)
    }

    fn on_this_thread(
        &self,
        scope: Scope,
        snapshot: bool,
        reading: &mut dyn FnMut(&mut AnyConnection) -> StoreResult<()>,
    ) -> Result<(), RepositoryError> {
        READERS.with_borrow_mut(|readers| {
            let mine = |known: &Weak<Inner>| std::ptr::eq(known.as_ptr(), Arc::as_ptr(&self.inner));
            if !readers.iter().any(|(known, _)| mine(known)) {
                readers.retain(|(known, _)| known.strong_count() > 0);
                let conn = self
                    .inner
                    .location
                    .connect(Use::Read)
                    .map_err(|_| unavailable())?;
                readers.push((Arc::downgrade(&self.inner), conn));
            }
            let reader = readers.iter_mut().find(|(known, _)| mine(known));
            let (_, conn) = reader.ok_or_else(unavailable)?;
            conn.read(scope, snapshot, reading)
                .map_err(RepositoryError::from)
        })
    }

    /// A read of many rows, as one snapshot, on a thread where it may take its time.
    pub(crate) async fn scan<T: Send + 'static>(
        &self,
        scope: Scope,
        work: impl FnOnce(&mut AnyConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        let (tell, told) = oneshot::channel();
        let reading = move |conn: &mut AnyConnection| {
            // The caller may have gone away.
            let _ = tell.send(work(conn)?);
            Ok(())
        };
        self.aside(scope, Box::new(reading)).await?;
        told.await.map_err(|_| unavailable())
    }

    async fn aside(&self, scope: Scope, reading: Reading) -> Result<(), RepositoryError> {
        let past = match self.past.clone() {
            Some(past) => Some((self.inner.past_turns.take(past.organization()).await?, past)),
            None => None,
        };
        let inner = self.inner.clone();
        let read = tokio::task::spawn_blocking(move || {
            // The turn goes with the read: it is not over when the caller has gone away.
            if let Some((_turn, past)) = past {
                return past::read(&inner.location, &past, reading);
            }
            let mut conn = inner.pool.get().map_err(|error| {
                tracing::warn!(error = %error, "no connection for a read");
                StoreError(unavailable())
            })?;
            conn.read(scope, true, reading)
        });
        read.await
            .map_err(|_| unavailable())?
            .map_err(RepositoryError::from)
    }

    /// A unit of work of one organisation; may run twice, see [`crate::turn`].
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        organization: OrganizationId,
        work: impl FnMut(&mut Tx<'_>) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        self.write_as(organization, Scope::Organization(organization), work)
            .await
    }

    /// A unit of work that must see more than its organisation.
    pub(crate) async fn write_as<T: Send + 'static>(
        &self,
        organization: OrganizationId,
        scope: Scope,
        work: impl FnMut(&mut Tx<'_>) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        let (work, answer) = Job::with_answer(organization, scope, work);
        self.submit(organization, work)?;
        answer.await.map_err(|_| unavailable())?
    }

    /// The same for a worker: blocks until it is done.
    pub(crate) fn write_blocking<T: Send + 'static>(
        &self,
        organization: OrganizationId,
        work: impl FnMut(&mut Tx<'_>) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        let scope = Scope::Organization(organization);
        let (work, answer) = Job::with_answer(organization, scope, work);
        self.submit(organization, work)?;
        answer.blocking_recv().map_err(|_| unavailable())?
    }

    /// Hands a metric ingestion to the organisation's lane.
    pub(crate) fn submit_ingest(&self, job: IngestJob) -> Result<(), RepositoryError> {
        self.submit(job.organization(), Work::Ingest(Box::new(job)))
    }

    pub(crate) fn submit(
        &self,
        organization: OrganizationId,
        work: Work,
    ) -> Result<(), RepositoryError> {
        if self.is_past() {
            return Err(RepositoryError::Database("the past does not change".into()));
        }
        let lanes = self
            .inner
            .lanes
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut hasher = DefaultHasher::new();
        organization.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % 64).unwrap_or_default();
        let lane = lanes
            .get(lane % lanes.len().max(1))
            .ok_or_else(unavailable)?;
        lane.submit(work)
    }

    /// The organisation's number, which never changes once it is given.
    pub(crate) async fn organization_no(
        &self,
        organization: OrganizationId,
    ) -> Result<Option<i64>, RepositoryError> {
        if let Some(number) = self.known_number(organization) {
            return Ok(Some(number));
        }
        let found: Option<i64> = self
            .point(Scope::Organization(organization), move |conn| {
                Ok(audit_heads::table
                    .find(Id(organization.uuid()))
                    .select(audit_heads::no)
                    .get_result(conn)
                    .optional()?)
            })
            .await?;
        if let Some(number) = found {
            let mut known = self
                .inner
                .numbers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            known.insert(organization, number);
        }
        Ok(found)
    }

    fn known_number(&self, organization: OrganizationId) -> Option<i64> {
        let known = self
            .inner
            .numbers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.get(&organization).copied()
    }

    /// Runs blocking work on a connection that sees every organisation; for checks and workers.
    pub(crate) fn system_read<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> StoreResult<T>,
    ) -> Result<T, RepositoryError> {
        let mut conn = self.inner.pool.get().map_err(|_| unavailable())?;
        conn.read(Scope::System, true, work)
            .map_err(RepositoryError::from)
    }

    /// A connection to hold a lock on that all nodes see; SQLite has one node and needs none.
    pub(crate) fn lock_connection(&self) -> Result<Option<AnyConnection>, RepositoryError> {
        match &self.inner.location {
            Location::Sqlite(_) => Ok(None),
            Location::Postgres(_) => {
                let opened = self.inner.location.connect(Use::Read);
                opened
                    .map(Some)
                    .map_err(|error| RepositoryError::Database(Box::new(error)))
            }
        }
    }

    /// Runs maintenance that puts nothing on the record (it keeps a checkpoint, or removes what has
    /// expired) in the lane of an organisation, where it waits for its turn like everything that
    /// writes. Blocks meanwhile.
    pub(crate) fn system_write<T: Send + 'static>(
        &self,
        organization: OrganizationId,
        mut work: impl FnMut(&mut AnyConnection) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        self.system_write_with_ids(organization, move |conn, _| work(conn))
    }

    /// The same for work that makes ids.
    pub(crate) fn system_write_with_ids<T: Send + 'static>(
        &self,
        organization: OrganizationId,
        mut work: impl FnMut(&mut AnyConnection, &dyn IdSource) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        let (work, answer) = Job::with_answer(organization, Scope::System, move |tx| {
            let ids = tx.ids;
            work(tx.writing(), ids)
        });
        self.submit(organization, work)?;
        answer.blocking_recv().map_err(|_| unavailable())?
    }
}

fn prepare_folder(location: &Location) -> Result<(), std::io::Error> {
    let Location::Sqlite(path) = location else {
        return Ok(());
    };
    let folder: Option<PathBuf> = path.parent().map(PathBuf::from);
    match folder {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder),
        _ => Ok(()),
    }
}

fn prepare_schema(location: &Location, apply: bool) -> Result<(), OpenDatabaseError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        OpenDatabaseError::Migration(error.to_string())
    };
    if apply {
        let count = migrate::up(location).map_err(failed)?;
        if count > 0 {
            tracing::info!(count, "applied migrations");
        }
        return Ok(());
    }
    let pending = migrate::pending_at(location).map_err(failed)?;
    if pending.is_empty() {
        return Ok(());
    }
    Err(OpenDatabaseError::Migration(format!(
        "pending: {}",
        pending.join(", ")
    )))
}
