//! The fleet: how the products of an organisation stand, counted from their postures.

use std::collections::BTreeMap;

use probity_kernel::{Cursor, Page, PageRequest, ProductId, SpaceId};
use time::OffsetDateTime;

use crate::page::paged;
use crate::posture::Posture;
use crate::vocabulary::{DriftKey, DriftSeverity, LifecycleGate, ReviewStatus};

/// Scores are told in five bands of twenty; the last holds 100 too.
pub const BANDS: [(u8, u8); 5] = [(0, 19), (20, 39), (40, 59), (60, 79), (80, 100)];

/// How many products stand the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PostureCount {
    /// The gate.
    pub lifecycle_gate: LifecycleGate,
    /// The review status.
    pub review_status: ReviewStatus,
    /// The score.
    pub score: u8,
    /// The set of active drifts.
    pub drift: u8,
    /// The severity of the gravest of them.
    pub worst_severity: Option<DriftSeverity>,
    /// How many products.
    pub products: u64,
}

/// A product and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductPosture {
    /// The product.
    pub product: ProductId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub product_type: String,
    /// The space that holds it.
    pub space: SpaceId,
    /// How it stands.
    pub posture: Posture,
}

/// Puts products in the order of lists: lowest score first, then by id.
pub fn sort_worst_first(products: &mut [ProductPosture]) {
    products.sort_by_key(|one| (one.posture.score, one.product));
}

/// The place of a product in that order.
#[must_use]
pub fn place(one: &ProductPosture) -> Cursor {
    Cursor {
        key: i64::from(one.posture.score),
        tie: one.product.uuid().as_u128(),
    }
}

/// One page of products that stand in the order of lists.
#[must_use]
pub fn page_of(products: Vec<ProductPosture>, request: &PageRequest) -> Page<ProductPosture> {
    paged(products, request, place, |one, than| {
        (one.key, one.tie) > (than.key, than.tie)
    })
}

/// What a repository answers about a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// Products that stand the same way, counted.
    pub counts: Vec<PostureCount>,
    /// The products of the lowest score, lowest first.
    pub worst: Vec<ProductPosture>,
    /// How many products are still to be judged anew: their counts are those of their last judgement.
    pub pending: u64,
}

impl Fleet {
    /// The fleet of these products, which stand in the order of lists.
    #[must_use]
    pub fn of(products: Vec<ProductPosture>, worst: u32) -> Self {
        let counts = products.iter().map(|one| PostureCount {
            lifecycle_gate: one.posture.lifecycle_gate,
            review_status: one.posture.review_status,
            score: one.posture.score,
            drift: one.posture.drift,
            worst_severity: one.posture.worst_severity,
            products: 1,
        });
        Self {
            counts: counts.collect(),
            worst: products
                .into_iter()
                .take(usize::try_from(worst).unwrap_or(usize::MAX))
                .collect(),
            pending: 0,
        }
    }
}

/// A fleet summed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// As of when.
    pub as_of: OffsetDateTime,
    /// How many products are judged.
    pub products: u64,
    /// The mean score in hundredths, rounded down; `None` without products.
    pub mean_score_hundredths: Option<u64>,
    /// By gate; every gate is there.
    pub by_gate: BTreeMap<LifecycleGate, u64>,
    /// By review status; every status is there.
    pub by_review_status: BTreeMap<ReviewStatus, u64>,
    /// By gravest drift; `None` is without any.
    pub by_worst_severity: BTreeMap<Option<DriftSeverity>, u64>,
    /// How many products are in each of the [`BANDS`].
    pub bands: [u64; 5],
    /// How many products each drift is active in.
    pub drift: BTreeMap<DriftKey, u64>,
    /// The products of the lowest score, lowest first.
    pub worst: Vec<ProductPosture>,
    /// How many products are still to be judged anew.
    pub pending: u64,
}

impl Overview {
    /// Sums a fleet up.
    #[must_use]
    pub fn of(fleet: Fleet, as_of: OffsetDateTime) -> Self {
        let mut overview = Self {
            as_of,
            products: 0,
            mean_score_hundredths: None,
            by_gate: LifecycleGate::ALL.iter().map(|gate| (*gate, 0)).collect(),
            by_review_status: ReviewStatus::ALL.iter().map(|one| (*one, 0)).collect(),
            by_worst_severity: std::iter::once((None, 0))
                .chain(DriftSeverity::ALL.iter().map(|one| (Some(*one), 0)))
                .collect(),
            bands: [0; 5],
            drift: DriftKey::ALL.iter().map(|key| (*key, 0)).collect(),
            worst: fleet.worst,
            pending: fleet.pending,
        };
        let mut points = 0_u64;
        for count in &fleet.counts {
            overview.add(count);
            points += u64::from(count.score) * count.products;
        }
        overview.mean_score_hundredths = (points * 100).checked_div(overview.products);
        overview
    }

    fn add(&mut self, count: &PostureCount) {
        let products = count.products;
        self.products += products;
        *self.by_gate.entry(count.lifecycle_gate).or_default() += products;
        *self
            .by_review_status
            .entry(count.review_status)
            .or_default() += products;
        *self
            .by_worst_severity
            .entry(count.worst_severity)
            .or_default() += products;
        for (band, (lowest, highest)) in self.bands.iter_mut().zip(BANDS) {
            if (lowest..=highest).contains(&count.score) {
                *band += products;
            }
        }
        for key in DriftKey::ALL {
            if count.drift & key.bit() != 0 {
                *self.drift.entry(*key).or_default() += products;
            }
        }
    }
}
