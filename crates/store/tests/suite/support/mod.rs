//! A database of its own for each test, with organisations and products in it.

mod raw;
pub(crate) mod story;

use std::sync::Arc;

use probity_access::{AccessRepository, NewOrganization, Organization};
use probity_catalog::{
    CatalogRepository, CatalogWrite, NewProduct, NewSpace, Product, ProductInput, Space,
};
use probity_guardian::{DriftScore, FairnessScore, NewSnapshot, SampleSize};
use probity_kernel::{
    Actor, Change, Context, IdSource, IdempotencyClaim, OrganizationId, ProductId, SnapshotId,
    SpaceId, SystemIds,
};
use probity_registry::{
    ModelRepository, ModelWrite, NewModel, NewModelInput, RegisteredModel, RegistrySettings,
};
use probity_store::{
    Database, DatabaseOptions, DieselAccess, DieselArtifacts, DieselAttachments, DieselCatalog,
    DieselEvidence, DieselGovernance, DieselGuardian, DieselModels, DieselWebhooks,
};
use probity_testkit::TestDatabase;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::runtime::Runtime;

pub(crate) use self::raw::Raw;
pub(crate) use self::story::tell;

/// When the tests take place.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-03-13 09:00:00.123 UTC);

/// Makes each named function a test on SQLite and a test on PostgreSQL.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { $crate::support::on_sqlite(super::$name); })+
        }
        mod postgresql {
            $(#[test] fn $name() { $crate::support::on_postgres(super::$name); })+
        }
    };
}

/// Makes each named function a test on PostgreSQL.
macro_rules! on_postgres_only {
    ($($name:ident),+ $(,)?) => {
        mod postgresql_only {
            $(#[test] fn $name() { $crate::support::on_postgres(super::$name); })+
        }
    };
}

pub(crate) fn on_sqlite(test: fn(&Bed)) {
    Bed::run(TestDatabase::sqlite(), test);
}

pub(crate) fn on_postgres(test: fn(&Bed)) {
    if let Some(kit) = TestDatabase::postgres() {
        Bed::run(kit, test);
    }
}

/// What a test works with.
pub(crate) struct Bed {
    pub(crate) database: Database,
    pub(crate) ids: SystemIds,
    pub(crate) kit: TestDatabase,
    runtime: Runtime,
}

pub(crate) fn options(url: &str) -> DatabaseOptions {
    DatabaseOptions {
        url: url.to_owned(),
        lanes: 4,
        readers: 8,
        migrate: true,
        ids: Arc::new(SystemIds::default()),
    }
}

impl Bed {
    fn run(kit: TestDatabase, test: fn(&Self)) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .expect("a runtime");
        let database = Database::open(&options(kit.url())).expect("a database");
        let bed = Self {
            database,
            ids: SystemIds::default(),
            kit,
            runtime,
        };
        test(&bed);
        bed.database.drain();
    }

    /// Another node on the same database.
    pub(crate) fn node(&self) -> Database {
        Database::open(&options(self.kit.url())).expect("another node")
    }

    /// Waits for a future on this thread, with worker threads beside it.
    pub(crate) fn block<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Runs futures at once, each on whichever worker is free, and answers in their order.
    pub(crate) fn at_once<F>(&self, futures: impl IntoIterator<Item = F>) -> Vec<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        self.block(async {
            let tasks: Vec<_> = futures.into_iter().map(tokio::spawn).collect();
            let mut outputs = Vec::with_capacity(tasks.len());
            for task in tasks {
                outputs.push(task.await.expect("a task ends"));
            }
            outputs
        })
    }

    /// A connection beside the store, for what the store refuses to do.
    pub(crate) fn raw(&self) -> Raw {
        Raw::open(&self.kit)
    }

    pub(crate) fn access(&self) -> DieselAccess {
        DieselAccess::new(self.database.clone())
    }

    pub(crate) fn catalog(&self) -> DieselCatalog {
        DieselCatalog::new(self.database.clone())
    }

    pub(crate) fn attachments(&self) -> DieselAttachments {
        DieselAttachments::new(self.database.clone())
    }

    pub(crate) fn artifacts(&self) -> DieselArtifacts {
        DieselArtifacts::new(self.database.clone())
    }

    pub(crate) fn models(&self) -> DieselModels {
        DieselModels::new(self.database.clone())
    }

    pub(crate) fn evidence(&self) -> DieselEvidence {
        DieselEvidence::new(self.database.clone())
    }

    pub(crate) fn judgement(&self) -> DieselGovernance {
        DieselGovernance::new(self.database.clone())
    }

    pub(crate) fn webhooks(&self) -> DieselWebhooks {
        DieselWebhooks::new(self.database.clone())
    }

    pub(crate) fn guardian(&self) -> DieselGuardian {
        DieselGuardian::new(self.database.clone())
    }

    /// A new organisation.
    pub(crate) fn organization(&self, slug: &str) -> OrganizationId {
        let id = OrganizationId::new(self.ids.next_id(NOW));
        let new = NewOrganization::parse(slug, "An organisation").expect("a valid organisation");
        let change = Organization::create(&context(id), id, new);
        self.block(self.access().commit(change))
            .expect("an organisation");
        id
    }

    /// A new space.
    pub(crate) fn space(&self, organization: OrganizationId, slug: &str) -> Space {
        let new = NewSpace::parse(slug, "A space", None).expect("a valid space");
        let id = SpaceId::new(self.ids.next_id(NOW));
        let change = Space::create(&context(organization), id, new);
        let outcome = self.block(self.catalog().commit(change)).expect("a space");
        let CatalogWrite::CreateSpace { space, .. } = outcome else {
            panic!("creating a space answered {outcome:?}");
        };
        space
    }

    /// A new product in a space of its own.
    pub(crate) fn product(&self, organization: OrganizationId, slug: &str) -> ProductId {
        let space = self.space(organization, slug);
        self.product_in(&space, slug)
    }

    /// A new product.
    pub(crate) fn product_in(&self, space: &Space, slug: &str) -> ProductId {
        self.put_product(space, slug, None)
    }

    /// A new product in a space of its own that is archived from the start.
    pub(crate) fn archived_product(&self, organization: OrganizationId, slug: &str) -> ProductId {
        let space = self.space(organization, slug);
        self.put_product(&space, slug, Some(NOW))
    }

    fn put_product(
        &self,
        space: &Space,
        slug: &str,
        archived: Option<OffsetDateTime>,
    ) -> ProductId {
        let input = ProductInput {
            name: Some("A product".to_owned()),
            ..ProductInput::default()
        };
        let new = NewProduct::parse(input).expect("a valid product");
        let id = ProductId::new(self.ids.next_id(NOW));
        let slug = slug.parse().expect("a slug");
        let change = Product::create(&context(space.organization), id, space, slug, new);
        let (ctx, mut write, event) = change.into_parts();
        if let CatalogWrite::CreateProduct { product, .. } = &mut write {
            product.archived_at = archived;
        }
        let change = Change::new(&ctx, write, event);
        self.block(self.catalog().commit(change))
            .expect("a product");
        id
    }

    /// A new entry of the inventory.
    pub(crate) fn model(&self, organization: OrganizationId, name: &str) -> RegisteredModel {
        let change = self.registration(&context(organization), name);
        let outcome = self.block(self.models().commit(change)).expect("an entry");
        let ModelWrite::Create(model) = outcome else {
            panic!("registering answered {outcome:?}");
        };
        *model
    }

    /// What registers an entry.
    pub(crate) fn registration(
        &self,
        context: &Context,
        name: &str,
    ) -> probity_registry::ModelChange {
        let input = NewModelInput {
            model_id: Some(name.to_owned()),
            provider: Some("acme".to_owned()),
            risk_tier: Some("tier_3".to_owned()),
            ..NewModelInput::default()
        };
        let new = NewModel::parse(input).expect("a valid entry");
        let id = probity_kernel::RegisteredModelId::new(self.ids.next_id(context.now));
        RegisteredModel::register(context, &RegistrySettings::default(), id, new)
    }

    /// A snapshot captured at the context's instant.
    pub(crate) fn snapshot(
        &self,
        context: &Context,
        product: ProductId,
        drift: f64,
    ) -> NewSnapshot {
        NewSnapshot {
            id: SnapshotId::new(self.ids.next_id(context.now)),
            product,
            drift_score: DriftScore::parse("", drift).expect("a score"),
            fairness_score: FairnessScore::parse("", 95.0).expect("a score"),
            psi: None,
            disparate_impact: None,
            sample_size: SampleSize::parse("", 5000).expect("a size"),
            captured_at: context.now,
            notes: None,
            recipe: None,
        }
    }
}

/// A context of an organisation, now.
pub(crate) fn context(organization: OrganizationId) -> Context {
    Context::new(organization, Actor::System("test"), NOW)
}

/// A context that claims to happen once.
pub(crate) fn claiming(context: Context, key: &str, fingerprint: u8) -> Context {
    context.with_idempotency(Some(IdempotencyClaim {
        scope: "test:POST /".to_owned(),
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
    }))
}
