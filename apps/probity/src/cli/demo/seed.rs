//! Tells the story to the server's own services: every fact goes through the rules and onto the
//! record, at the instant at which it happened.

use actix_web::web::Data;
use probity_access::{NewApiKey, NewOrganization, ScopeSet};
use probity_catalog::{NewProduct, NewSpace, Product};
use probity_governance::{NewDecision, Verdict};
use probity_guardian::{OverridesDraft, SnapshotDraft, ThresholdDraft};
use probity_kernel::{Actor, Context, OrganizationId};
use probity_registry::{AiRequest, ModelPatch, NewModel};
use time::{Duration, OffsetDateTime};

use super::models::{ENTRIES, Entry, UNREGISTERED, moved_to, raised_to};
use super::products::{Course, PRODUCTS, SPACES};
use crate::state::AppState;

type Failure = Box<dyn std::error::Error>;

/// How far back the story begins, in days.
const BEGINNING: i64 = 720;
/// Days of figures.
const DAYS: u16 = 365;

/// What there is to show.
pub(super) struct Seeded {
    pub(super) organization: String,
    pub(super) products: usize,
    pub(super) models: usize,
    pub(super) snapshots: usize,
    pub(super) key: String,
    /// The product that the last example writes to.
    pub(super) watched: String,
}

struct Teller<'a> {
    state: &'a AppState,
    organization: OrganizationId,
    now: OffsetDateTime,
}

/// Creates the sample organisation.
pub(super) async fn organization(state: &Data<AppState>) -> Result<Seeded, Failure> {
    let now = state.clock.now();
    let nobody = OrganizationId::new(uuid::Uuid::nil());
    let founded = Context::new(
        nobody,
        Actor::System("demo"),
        now - Duration::days(BEGINNING),
    );
    let new = NewOrganization::parse("example-bank", "Example Bank")?;
    let organization = state.access.create_organization(&founded, new).await?;
    let teller = Teller {
        state,
        organization: organization.id,
        now,
    };
    let products = teller.products().await?;
    teller.inventory().await?;
    let snapshots = teller.figures(&products).await?;
    teller.usage().await?;
    teller.reviews(&products).await?;
    let watched = products
        .iter()
        .zip(&PRODUCTS)
        .find(|(_, p)| p.course == Course::ShockAndRecovery);
    Ok(Seeded {
        organization: organization.name,
        products: products.len(),
        models: ENTRIES.len(),
        snapshots,
        key: teller.key().await?,
        watched: watched
            .map(|(product, _)| product.id.type_id())
            .unwrap_or_default(),
    })
}

impl Teller<'_> {
    fn days_ago(&self, days: i64) -> Context {
        Context::new(
            self.organization,
            Actor::System("demo"),
            self.now - Duration::days(days),
        )
    }

    /// Reviews in every state: an approval that holds, one that has expired, an open request, none.
    async fn reviews(&self, products: &[Product]) -> Result<(), Failure> {
        let story = [
            Some((40, Some(100))),
            Some((200, Some(-20))),
            Some((3, None)),
            None,
        ];
        for (product, review) in products.iter().zip(story.into_iter().cycle()) {
            let Some((asked, expires)) = review else {
                continue;
            };
            let governance = &self.state.governance;
            let requested = governance
                .request_review(&self.days_ago(asked), product.id, None)
                .await?;
            let Some(days) = expires else { continue };
            let decision = NewDecision {
                verdict: Verdict::Approve,
                comment: Some("Evidence and open findings were reviewed.".to_owned()),
                approval_expires_at: Some(self.now + Duration::days(days)),
                next_review_due_at: None,
            };
            let decided = self.days_ago(asked - 1);
            governance
                .decide_review(&decided, product.id, requested.request.id, decision)
                .await?;
        }
        Ok(())
    }

    async fn products(&self) -> Result<Vec<Product>, Failure> {
        let mut spaces = Vec::new();
        for (slug, name) in SPACES {
            let new = NewSpace::parse(slug, name, None)?;
            spaces.push(
                self.state
                    .catalog
                    .create_space(&self.days_ago(BEGINNING), new)
                    .await?,
            );
        }
        let mut products = Vec::new();
        for (sample, age) in PRODUCTS.iter().zip((370..=700).rev().step_by(30)) {
            let space = spaces
                .iter()
                .find(|space| space.slug.as_str() == sample.space);
            let space = space.ok_or("a product of the story has no space")?;
            let new = NewProduct::parse(sample.input())?;
            let context = self.days_ago(age);
            products.push(
                self.state
                    .catalog
                    .create_product(&context, space, new)
                    .await?,
            );
        }
        Ok(products)
    }

    /// The inventory, in the order in which it happened.
    async fn inventory(&self) -> Result<(), Failure> {
        let mut entries: Vec<&Entry> = ENTRIES.iter().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.registered));
        for entry in entries {
            let context = self.days_ago(entry.registered);
            let new = NewModel::parse(entry.input()).map_err(|faults| format!("{faults:?}"))?;
            let model = self.state.registry.register(&context, new).await?;
            let moves = entry
                .moves
                .iter()
                .map(|(days, status)| (*days, moved_to(status)));
            let raised = entry
                .raised
                .iter()
                .map(|(days, tier)| (*days, raised_to(tier)));
            for (days, patch) in moves.chain(raised) {
                let patch = ModelPatch::parse(patch).map_err(|faults| format!("{faults:?}"))?;
                self.state
                    .registry
                    .update(&self.days_ago(days), model.id, patch, None)
                    .await?;
            }
        }
        Ok(())
    }

    /// A year of nightly figures, a batch per night.
    async fn figures(&self, products: &[Product]) -> Result<usize, Failure> {
        self.strict_limits(products).await?;
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let mut count = 0;
        for day in 0..DAYS {
            let context = self.days_ago(i64::from(DAYS - day));
            let mut drafts = Vec::new();
            for (product, sample) in products.iter().zip(&PRODUCTS) {
                let figures = sample.course.figures(f64::from(day), noise.next());
                drafts.extend(figures.map(|figures| SnapshotDraft {
                    product: Some(product.id.to_string()),
                    drift_score: Some(figures.drift),
                    fairness_score: Some(figures.fairness),
                    psi: Some(figures.psi),
                    disparate_impact: Some(figures.impact),
                    sample_size: Some(2000 + i64::from(day) * 10),
                    captured_at: Some(context.now),
                    notes: None,
                    recipe: None,
                }));
            }
            count += self
                .state
                .guardian
                .ingest_batch(context, drafts)
                .await?
                .len();
        }
        Ok(count)
    }

    async fn strict_limits(&self, products: &[Product]) -> Result<(), Failure> {
        let strict = products
            .iter()
            .zip(&PRODUCTS)
            .filter(|(_, p)| p.course == Course::Strict);
        for (product, _) in strict {
            let limits = ThresholdDraft {
                amber: Some(25.0),
                red: Some(40.0),
            };
            let draft = OverridesDraft {
                drift: Some(limits),
                ..OverridesDraft::default()
            };
            let overrides = draft.parse("").map_err(|faults| format!("{faults:?}"))?;
            let context = self.days_ago(i64::from(DAYS));
            self.state
                .guardian
                .create_link(&context, product.id, overrides)
                .await?;
        }
        Ok(())
    }

    /// Three weeks of requests to models, some of which nobody registered.
    async fn usage(&self) -> Result<(), Failure> {
        for day in (0..21).rev() {
            let context = self.days_ago(day);
            let registered = [
                ("gpt-4o", "openai"),
                ("claude-3-5-sonnet-20241022", "anthropic"),
            ];
            let mut requests = Vec::new();
            for (place, (model, provider)) in registered.iter().chain(&UNREGISTERED).enumerate() {
                for _ in 0..(40 >> place).max(2) {
                    let request = AiRequest::parse(model, Some(provider), context.now, context.now);
                    requests.push(request.map_err(|faults| format!("{faults:?}"))?);
                }
            }
            self.state.registry.record_usage(&context, requests).await?;
        }
        Ok(())
    }

    async fn key(&self) -> Result<String, Failure> {
        let new = NewApiKey {
            name: "demo".to_owned(),
            scopes: ScopeSet::ADMIN,
            spaces: None,
            expires_at: Some(self.now + Duration::days(1)),
        };
        let mut entropy = [0_u8; 32];
        getrandom::fill(&mut entropy)?;
        let context = self.days_ago(0);
        let issued = self
            .state
            .access
            .issue_key(&context, ScopeSet::ADMIN, new, entropy)
            .await?;
        let secret = issued.secret.ok_or("the key was not made")?;
        Ok(secret.expose().to_owned())
    }
}

/// Reproducible noise: the story is the same at each telling.
struct Noise(u64);

impl Noise {
    /// The next value, from -1 to 1 (xorshift64*).
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        let drawn = u32::try_from(drawn).unwrap_or_default();
        f64::from(drawn) / f64::from(1_u32 << 23) - 1.0
    }
}
