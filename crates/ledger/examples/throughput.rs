//! Leaves a second on one core: two slots of 200 bytes committed, the leaf encoded, hashed and appended.
//!
//! `cargo run --release -p probity-ledger --example throughput [leaves]`

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use probity_ledger::{
    Args, Commitment, Frontier, Hash, LeafHeader, Salt, SlotName, Slots, Target, to_canonical,
};
use time::OffsetDateTime;
use time::macros::datetime;

const START: OffsetDateTime = datetime!(2026-05-11 16:00 UTC);

fn main() -> Result<(), Box<dyn Error>> {
    let leaves: u32 = std::env::args()
        .nth(1)
        .as_deref()
        .unwrap_or("1000000")
        .parse()?;
    let slot = [b'x'; 200];
    let salt = Salt::from_bytes([7; 32]);
    let mut spent = [Duration::ZERO; 3];
    let mut frontier = Frontier::new();
    let (mut bytes, mut out) = (0, Vec::with_capacity(512));
    let mut pending = Vec::with_capacity(1000);
    let mut tiles = 0;
    for first in (0..leaves).step_by(1000) {
        // A thousand leaves for each reading of the clock, so that reading it costs nothing that shows.
        let count = (leaves - first).min(1000);
        let begun = Instant::now();
        let slots: Vec<Slots> = (0..count)
            .map(|_| commit(&salt, black_box(&slot)))
            .collect();
        let committed = Instant::now();
        pending.clear();
        for (seq, slots) in (first..).zip(slots) {
            out.clear();
            header(seq, slots).encode(&mut out)?;
            bytes += out.len();
            pending.push(Hash::leaf(&out));
        }
        let encoded = Instant::now();
        tiles += frontier.append_batch(&pending).len();
        let appended = Instant::now();
        let steps = [committed - begun, encoded - committed, appended - encoded];
        spent
            .iter_mut()
            .zip(steps)
            .for_each(|(sum, step)| *sum += step);
    }
    let total: Duration = spent.iter().sum();
    println!(
        "{leaves} leaves, {bytes} bytes, {tiles} tile hashes, root {}",
        frontier.root()
    );
    for (step, time) in ["two slot commitments", "encode and hash", "append", "total"]
        .into_iter()
        .zip(spent.into_iter().chain([total]))
    {
        println!(
            "{step:<22}{:>8.0} ns a leaf",
            time.as_secs_f64() * 1e9 / f64::from(leaves)
        );
    }
    println!(
        "{:.0} leaves a second",
        f64::from(leaves) / total.as_secs_f64()
    );
    canonical_slots(leaves / 10)
}

fn commit(salt: &Salt, slot: &[u8]) -> Slots {
    Slots {
        actor: Some(Commitment::new(SlotName::Actor, salt, slot)),
        detail: Some(Commitment::new(SlotName::Detail, salt, slot)),
        net: None,
    }
}

fn header(seq: u32, slots: Slots) -> LeafHeader<'static> {
    LeafHeader {
        action: "metric.snapshot.ingested",
        args: Args::NONE,
        org: "org_01jv0f4kzqe2mtbm0y0n0q0v3a",
        seq: u64::from(seq),
        slots,
        target: Target {
            id: "snap_01jv0f4kzqe2mtbm0y0n0q0v3b",
            kind: "snapshot",
        },
        ts: START + Duration::from_millis(u64::from(seq)),
    }
}

/// The time to make a slot's bytes from a typed value.
fn canonical_slots(slots: u32) -> Result<(), Box<dyn Error>> {
    let value = serde_json::json!({
        "before": {"status": "in_validation", "owner": "usr_01jv0f4kzqe2mtbm0y0n0q0v3c", "version": 3},
        "after": {"status": "validated", "owner": "usr_01jv0f4kzqe2mtbm0y0n0q0v3c", "version": 4},
    });
    let begun = Instant::now();
    for _ in 0..slots {
        black_box(to_canonical(black_box(&value))?);
    }
    let nanoseconds = begun.elapsed().as_secs_f64() * 1e9 / f64::from(slots.max(1));
    println!(
        "canonical JSON of a slot of {} bytes: {nanoseconds:.0} ns",
        to_canonical(&value)?.len()
    );
    Ok(())
}
