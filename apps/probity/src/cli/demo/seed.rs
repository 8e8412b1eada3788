//! Tells the story to the server's own services: every fact goes through the rules and onto the
//! record, at the instant at which it happened.

use std::cell::RefCell;
use std::collections::HashMap;

use actix_web::web::Data;
use probity_access::{NewApiKey, NewOrganization, ScopeSet};
use probity_catalog::{NewProduct, NewSpace, Product};
use probity_guardian::{OverridesDraft, SnapshotDraft, ThresholdDraft};
use probity_kernel::{Actor, Context, OrganizationId, RegisteredModelId, ReviewRequestId};
use probity_registry::{AiRequest, ModelPatch, ModelPatchInput, NewModel};
use time::{Duration, OffsetDateTime};

use super::evidence;
use super::files::FILES;
use super::models::{ENTRIES, Entry, UNREGISTERED, moved_to, raised_to};
use super::products::{Course, Figures, PRODUCTS, SPACES};
use super::timeline::Timeline;
use crate::state::AppState;

pub(super) type Failure = Box<dyn std::error::Error>;

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

/// Who tells, and what has come to be so far.
pub(super) struct Teller<'a> {
    pub(super) state: &'a AppState,
    pub(super) organization: OrganizationId,
    pub(super) now: OffsetDateTime,
    /// Where events are received, as `http://127.0.0.1:port`.
    pub(super) receiver: String,
    products: RefCell<HashMap<usize, Product>>,
    models: RefCell<HashMap<&'static str, RegisteredModelId>>,
    pub(super) reviews: RefCell<HashMap<usize, ReviewRequestId>>,
}

/// Creates the sample organisation, whose events go to the receiver.
pub(super) async fn organization(
    state: &Data<AppState>,
    receiver: String,
) -> Result<Seeded, Failure> {
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
        receiver,
        products: RefCell::default(),
        models: RefCell::default(),
        reviews: RefCell::default(),
    };
    let mut timeline = Timeline::default();
    let snapshots = figures(&mut timeline);
    products(&mut timeline);
    inventory(&mut timeline);
    usage(&mut timeline);
    evidence::tell(&mut timeline);
    for (place, new) in SPACES.into_iter().enumerate() {
        let (slug, name) = new;
        // One after the other: whoever comes first is listed first.
        let days = BEGINNING - i64::try_from(place)?;
        let space = NewSpace::parse(slug, name, None)?;
        state
            .catalog
            .create_space(&teller.days_ago(days), space)
            .await?;
    }
    timeline.play(&teller).await?;
    let watched = PRODUCTS
        .iter()
        .position(|one| one.course == Course::ShockAndRecovery);
    Ok(Seeded {
        organization: organization.name,
        products: PRODUCTS.len(),
        models: ENTRIES.len(),
        snapshots,
        key: teller.key().await?,
        watched: teller.product(watched.unwrap_or_default())?.id.type_id(),
    })
}

/// A year of nightly figures, a batch per night; answers how many.
fn figures(timeline: &mut Timeline<'_>) -> usize {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut count = 0;
    for day in 0..DAYS {
        let night: Vec<(usize, Figures)> = PRODUCTS
            .iter()
            .enumerate()
            .filter_map(|(at, one)| Some((at, one.course.figures(f64::from(day), noise.next())?)))
            .collect();
        count += night.len();
        timeline.add_free(i64::from(DAYS - day), move |teller, context| {
            teller.night(context, day, night)
        });
    }
    count
}

fn products(timeline: &mut Timeline<'_>) {
    for (place, age) in (0..PRODUCTS.len()).zip((370..=700).rev().step_by(30)) {
        timeline.add(age, move |teller, context| teller.create(context, place));
    }
    let strict = PRODUCTS.iter().position(|one| one.course == Course::Strict);
    if let Some(place) = strict {
        timeline.add(i64::from(DAYS) + 1, move |teller, context| {
            teller.strict_limits(context, place)
        });
    }
}

fn inventory(timeline: &mut Timeline<'_>) {
    for entry in &ENTRIES {
        timeline.add(entry.registered, move |teller, context| {
            teller.register(context, entry)
        });
        let moves = entry
            .moves
            .iter()
            .map(|(days, status)| (*days, moved_to(status)));
        let raised = entry
            .raised
            .iter()
            .map(|(days, tier)| (*days, raised_to(tier)));
        for (days, patch) in moves.chain(raised) {
            timeline.add(days, move |teller, context| {
                teller.move_entry(context, entry, patch)
            });
        }
    }
}

/// Three weeks of requests to models, some of which nobody registered.
fn usage(timeline: &mut Timeline<'_>) {
    for day in 0..21 {
        timeline.add_free(day, Teller::requests);
    }
}

impl Teller<'_> {
    pub(super) fn days_ago(&self, days: i64) -> Context {
        Context::new(
            self.organization,
            Actor::System("demo"),
            self.now - Duration::days(days),
        )
    }

    /// A product that was created before.
    pub(super) fn product(&self, place: usize) -> Result<Product, Failure> {
        let known = self.products.borrow().get(&place).cloned();
        Ok(known.ok_or("a product of the story is not there yet")?)
    }

    /// The entry behind a product, once it is registered.
    pub(super) fn model(&self, name: &str) -> Result<RegisteredModelId, Failure> {
        let known = self.models.borrow().get(name).copied();
        Ok(known.ok_or("an entry of the story is not there yet")?)
    }

    async fn create(&self, context: Context, place: usize) -> Result<(), Failure> {
        let sample = PRODUCTS.get(place).ok_or("no such product")?;
        let file = FILES.get(place).ok_or("no such file")?;
        let space = self
            .state
            .catalog
            .space(self.organization, sample.space)
            .await?;
        let new = NewProduct::parse(sample.input(file))?;
        let made = self
            .state
            .catalog
            .create_product(&context, &space, new)
            .await?;
        self.products.borrow_mut().insert(place, made);
        Ok(())
    }

    async fn register(&self, context: Context, entry: &'static Entry) -> Result<(), Failure> {
        let new = NewModel::parse(entry.input()).map_err(|faults| format!("{faults:?}"))?;
        let model = self.state.registry.register(&context, new).await?;
        self.models.borrow_mut().insert(entry.model_id, model.id);
        Ok(())
    }

    async fn move_entry(
        &self,
        context: Context,
        entry: &'static Entry,
        patch: ModelPatchInput,
    ) -> Result<(), Failure> {
        let patch = ModelPatch::parse(patch).map_err(|faults| format!("{faults:?}"))?;
        let id = self.model(entry.model_id)?;
        self.state
            .registry
            .update(&context, id, patch, None)
            .await?;
        Ok(())
    }

    async fn night(
        &self,
        context: Context,
        day: u16,
        night: Vec<(usize, Figures)>,
    ) -> Result<(), Failure> {
        let mut drafts = Vec::with_capacity(night.len());
        for (place, figures) in night {
            drafts.push(SnapshotDraft {
                product: Some(self.product(place)?.id.to_string()),
                drift_score: Some(figures.drift),
                fairness_score: Some(figures.fairness),
                psi: Some(figures.psi),
                disparate_impact: Some(figures.impact),
                sample_size: Some(2000 + i64::from(day) * 10),
                captured_at: Some(context.now),
                notes: None,
                recipe: None,
            });
        }
        self.state.guardian.ingest_batch(context, drafts).await?;
        Ok(())
    }

    async fn strict_limits(&self, context: Context, place: usize) -> Result<(), Failure> {
        let limits = ThresholdDraft {
            amber: Some(25.0),
            red: Some(40.0),
        };
        let draft = OverridesDraft {
            drift: Some(limits),
            ..OverridesDraft::default()
        };
        let overrides = draft.parse("").map_err(|faults| format!("{faults:?}"))?;
        let product = self.product(place)?;
        self.state
            .guardian
            .create_link(&context, product.id, overrides)
            .await?;
        Ok(())
    }

    async fn requests(&self, context: Context) -> Result<(), Failure> {
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
