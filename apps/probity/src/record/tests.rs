//! The record under everything that may happen to it: written, erased, pruned, copied and brought back, in any order.

#![expect(
    clippy::disallowed_methods,
    reason = "what blocks is the test itself, on a runtime of its own"
)]

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use futures_util::StreamExt as _;
use probity_access::{AccessService, NewOrganization, NewUser, OrganizationRole};
use probity_custody::{RetentionService, Target, WindowInput};
use probity_kernel::{Actor, Context, FixedClock, OrganizationId, SystemIds};
use probity_ledger::Checkpoint;
use probity_ledger::bundle::{BundleVerifier, Failure, Report, Trust};
use probity_store::{
    Database, DatabaseOptions, DieselAccess, DieselRetention, Erasure, bring_back,
};
use probity_testkit::TestDatabase;
use proptest::prelude::*;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tokio::task::block_in_place;

use super::{Record, RecordSigner, SignedStates, Wanted};

/// What may happen.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many users are put on the record.
    Write(u8),
    /// One of them is forgotten.
    Erase(u8),
    /// So many days pass, and retention prunes.
    Prune(u8),
    /// The database is copied, and the copy goes on in its place.
    MoveHouse,
    /// A bundle is handed out: all of the record, or a part.
    HandOut(u8, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u8..6).prop_map(Step::Write),
        2 => any::<u8>().prop_map(Step::Erase),
        2 => (1_u8..60).prop_map(Step::Prune),
        1 => Just(Step::MoveHouse),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(from, to)| Step::HandOut(from, to)),
    ];
    prop::collection::vec(step, 6..14)
}

/// A bundle in somebody's hands, with the checkpoint that it was measured against.
struct Handed {
    bundle: Vec<u8>,
    checkpoint: Checkpoint,
    run: Range<u64>,
}

/// A server without its surface.
struct House {
    place: TestDatabase,
    folder: tempfile::TempDir,
    database: Database,
    record: Record,
    organization: OrganizationId,
    now: OffsetDateTime,
    users: u32,
    moves: u32,
    handed: Vec<Handed>,
    anchors: Vec<Checkpoint>,
}

fn open(place: &TestDatabase) -> Database {
    let options = DatabaseOptions {
        url: place.url().to_owned(),
        lanes: 1,
        readers: 2,
        migrate: true,
        ids: Arc::new(SystemIds::default()),
    };
    Database::open(&options).unwrap()
}

fn record(database: &Database, folder: &tempfile::TempDir, now: OffsetDateTime) -> Record {
    let signer = RecordSigner::new(
        vec![SigningKey::from_bytes(&[7; 32])],
        "gov.example",
        database.clone(),
        SignedStates::below(folder.path()),
    );
    signer.check_states().unwrap();
    let clock = Arc::new(FixedClock::at(now));
    Record::new(database.clone(), Arc::new(signer), clock)
}

impl House {
    async fn new(place: TestDatabase) -> Self {
        let now = datetime!(2026-01-01 12:00 UTC);
        let (database, folder) = (open(&place), tempfile::tempdir().unwrap());
        let access = access(&database);
        let context = context(OrganizationId::new(uuid::Uuid::nil()), now);
        let new = NewOrganization::parse("acme", "Acme").unwrap();
        let organization = access.create_organization(&context, new).await.unwrap().id;
        let record = record(&database, &folder, now);
        let house = Self {
            place,
            folder,
            database,
            record,
            organization,
            now,
            users: 0,
            moves: 0,
            handed: Vec::new(),
            anchors: Vec::new(),
        };
        let window = WindowInput {
            retention_days: Some(30),
            ..WindowInput::default()
        };
        let retention = RetentionService::new(DieselRetention::new(house.database.clone()));
        let context = house.context();
        let set = retention.set(&context, Target::AuditLogs, &window);
        set.await.unwrap();
        house
    }

    fn context(&self) -> Context {
        context(self.organization, self.now)
    }

    async fn take(&mut self, step: Step) {
        self.now += Duration::hours(1);
        match step {
            Step::Write(count) => {
                for _ in 0..count {
                    self.users += 1;
                    let number = self.users;
                    let user = NewUser {
                        issuer: "https://login.example".to_owned(),
                        subject: format!("auth0|person-number-{number}"),
                        email: Some(format!("person-{number}@example.org")),
                        role: OrganizationRole::Auditor,
                        disabled: false,
                    };
                    let put = access(&self.database);
                    put.put_user(&self.context(), user).await.unwrap();
                }
            }
            Step::Erase(which) => block_in_place(|| self.erase(which)),
            Step::Prune(days) => {
                self.now += Duration::days(days.into());
                let prune = || self.database.prune(&self.context(), 3).unwrap();
                while block_in_place(prune).leaves > 0 {}
            }
            Step::MoveHouse => block_in_place(|| self.move_house()),
            Step::HandOut(from, to) => self.hand_out(from, to).await,
        }
    }

    fn erase(&self, which: u8) {
        let Some(number) = u32::from(which).checked_rem(self.users) else {
            return;
        };
        let erasure = Erasure {
            subject: format!("person-{}@example.org", number + 1),
            basis: "gdpr:art-17".to_owned(),
            ticket: None,
        };
        self.database.erase(&self.context(), &erasure).unwrap();
    }

    fn move_house(&mut self) {
        self.moves += 1;
        let copy = self.folder.path().join(format!("copy-{}", self.moves));
        std::fs::create_dir(&copy).unwrap();
        let copied = self.database.copy_into(&copy).unwrap();
        self.database.drain();
        let place = match &self.place {
            TestDatabase::Sqlite(_) => TestDatabase::sqlite(),
            TestDatabase::Postgres(_) => TestDatabase::postgres().unwrap(),
        };
        bring_back(place.url(), &copy, copied.kind, &copied.migrations).unwrap();
        self.place = place;
        self.database = open(&self.place);
        self.record = record(&self.database, &self.folder, self.now);
    }

    async fn bundle(&self, wanted: Wanted, since: Option<u64>) -> Vec<u8> {
        let export = self.record.export(self.organization, wanted, since, true);
        let mut stream = std::pin::pin!(export.await.unwrap().into_stream());
        let mut bundle = Vec::new();
        while let Some(chunk) = stream.next().await {
            bundle.extend_from_slice(&chunk.unwrap());
        }
        bundle
    }

    async fn hand_out(&mut self, from: u8, to: u8) {
        let checkpoint = self.checkpoint().await;
        let size = checkpoint.size();
        let (one, other) = (u64::from(from) % (size + 1), u64::from(to) % (size + 1));
        let run = one.min(other)..one.max(other);
        let wanted = Wanted::Entries(run.start, Some(run.end));
        let bundle = self.bundle(wanted, None).await;
        self.handed.push(Handed {
            bundle,
            checkpoint,
            run,
        });
    }

    async fn checkpoint(&mut self) -> Checkpoint {
        let signed = self.record.checkpoint(self.organization).await.unwrap();
        if self.anchors.last() != Some(&signed.checkpoint) {
            self.anchors.push(signed.checkpoint.clone());
        }
        signed.checkpoint
    }

    async fn trust(&self) -> Trust {
        Trust {
            keys: self.record.keys(self.organization).await.unwrap().1,
            ..Trust::default()
        }
    }

    /// The record verifies, continues everything that was handed out, and what was handed out still verifies.
    async fn holds(&mut self, after: Step) {
        let now = self.checkpoint().await;
        let trust = self.trust().await;
        let anchored = Trust {
            anchors: Some(self.anchors.clone()),
            ..trust.clone()
        };
        let whole = self.bundle(Wanted::Entries(0, None), None).await;
        let report = verify(&whole, anchored.clone());
        let report = report.unwrap_or_else(|failure| panic!("after {after:?}: {failure}"));
        assert_eq!((report.start, report.end), (0, now.size()));
        for handed in &self.handed {
            let report = verify(&handed.bundle, anchored.clone())
                .unwrap_or_else(|failure| panic!("an old bundle after {after:?}: {failure}"));
            assert_eq!(
                (report.start, report.end),
                (handed.run.start, handed.run.end)
            );
            let since = Trust {
                since: Some(handed.checkpoint.clone()),
                ..trust.clone()
            };
            let size = handed.checkpoint.size();
            let tail = Wanted::Entries(now.size(), None);
            let tail = self.bundle(tail, Some(size)).await;
            let report = verify(&tail, since)
                .unwrap_or_else(|failure| panic!("since {size}, after {after:?}: {failure}"));
            assert_eq!(report.continues, Some(size));
        }
        let violations = block_in_place(|| self.database.check().unwrap()).violations;
        let violations: BTreeSet<String> = violations
            .iter()
            .map(|found| format!("{}: {}", found.check, found.detail))
            .collect();
        assert!(violations.is_empty(), "after {after:?}: {violations:?}");
    }
}

fn context(organization: OrganizationId, now: OffsetDateTime) -> Context {
    Context::new(organization, Actor::System("test"), now)
}

fn access(database: &Database) -> AccessService<DieselAccess, Arc<SystemIds>> {
    let repository = DieselAccess::new(database.clone());
    AccessService::new(repository, Arc::new(SystemIds::default()))
}

fn verify(bundle: &[u8], trust: Trust) -> Result<Report, Failure> {
    let mut verifier = BundleVerifier::new(trust);
    for line in bundle.split_inclusive(|byte| *byte == b'\n') {
        verifier.line(line)?;
    }
    verifier.finish()
}

fn live(place: TestDatabase, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut house = House::new(place).await;
        for step in steps {
            house.take(step).await;
            house.holds(step).await;
        }
        block_in_place(|| house.database.drain());
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_record_holds_whatever_happens_on_sqlite(steps in steps()) {
        live(TestDatabase::sqlite(), steps);
    }

    #[test]
    fn the_record_holds_whatever_happens_on_postgres(steps in steps()) {
        if let Some(place) = TestDatabase::postgres() {
            live(place, steps);
        }
    }
}
