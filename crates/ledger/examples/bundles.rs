//! What one core does with bundles and proofs: `cargo run --release -p probity-ledger --example bundles [ENTRIES]`.
//!
//! Writes a bundle of ENTRIES entries (1,000,000) to a file, verifies it, and prints entries per second, the speed of bare
//! SHA-256 over records of 232 bytes beside it, and the most memory that was in use; then the time of an inclusion proof
//! at 10 thousand and at 10 million leaves.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::time::Instant;

use probity_ledger::bundle::{BundleVerifier, BundleWriter, Manifest, Shown, SlotShown, Trust};
use probity_ledger::{
    Args, Checkpoint, Commitment, Frontier, Hash, InMemoryTree, LeafHeader, NoteSigner, RangeProof,
    Salt, SlotName, Slots, Target, inclusion_proof, verify_inclusion,
};
use time::OffsetDateTime;

const ORG: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let count: u64 = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 1_000_000,
    };
    let bare = bare_sha256();
    println!("bare SHA-256 over 232 bytes    {bare:>12.0} records/s");
    let path = std::env::temp_dir().join("probity-bundles.bench");
    let key = NoteSigner::from_seed(&format!("gov.example/{ORG}/audit/1"), &[7; 32])?;
    let started = Instant::now();
    write(&path, count, &key)?;
    let written = rate(count, started);
    println!("written                        {written:>12.0} entries/s");
    let before = peak_memory();
    let started = Instant::now();
    let report = verify(&path, &key)?;
    let verified = rate(count, started);
    println!(
        "verified, with both slots      {verified:>12.0} entries/s ({:.2} of bare SHA-256)",
        verified / bare
    );
    println!("slots opened                   {:>12}", report.opened);
    println!(
        "bytes                          {:>12}",
        std::fs::metadata(&path)?.len()
    );
    println!(
        "peak memory before and after   {before:>8} and {} KiB",
        peak_memory()
    );
    std::fs::remove_file(&path)?;
    chain(count, bare);
    proofs();
    Ok(())
}

/// The chain alone, row 27 of the goals: leaf hash and tree over records of 232 bytes.
fn chain(count: u64, bare: f64) {
    let record = [7_u8; 232];
    let started = Instant::now();
    let mut frontier = Frontier::new();
    for _ in 0..count {
        frontier.append(Hash::leaf(black_box(&record)));
    }
    black_box(frontier.root());
    let speed = rate(count, started);
    println!(
        "chain of 232 byte records      {speed:>12.0} records/s ({:.2} of bare SHA-256)",
        speed / bare
    );
}

fn proofs() {
    let mut tree = InMemoryTree::new();
    let leaf = |number: u64| Hash::leaf(&number.to_be_bytes());
    for size in [10_000_u64, 10_000_000] {
        let more: Vec<Hash> = (tree.size()..size).map(leaf).collect();
        tree.append_batch(&more);
        drop(more);
        let (root, rounds) = (tree.root(), 2_000_u64);
        let started = Instant::now();
        for round in 0..rounds {
            let index = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) % size;
            let made = inclusion_proof(&tree, index, size);
            let good = made.is_ok_and(|proof| {
                verify_inclusion(&leaf(index), index, size, &proof, &root).is_ok()
            });
            assert!(good, "a proof fails");
        }
        let micros =
            started.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(rounds).unwrap_or(1));
        println!("inclusion proof made and checked at {size:>10} leaves: {micros:.1} us");
    }
}

fn rate(count: u64, started: Instant) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / started.elapsed().as_secs_f64()
}

fn bare_sha256() -> f64 {
    let record = [7_u8; 231];
    let started = Instant::now();
    for _ in 0..1_000_000 {
        black_box(Hash::leaf(black_box(&record)));
    }
    rate(1_000_000, started)
}

/// The most memory this process has had, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

struct Made {
    leaf: Vec<u8>,
    salts: [Salt; 2],
    actor: Vec<u8>,
    detail: Vec<u8>,
}

fn make(seq: u64) -> Outcome<Made> {
    let salt = |slot: u8| {
        let mut salt = [slot; 32];
        salt[..8].copy_from_slice(&seq.to_be_bytes());
        Salt::from_bytes(salt)
    };
    let salts = [salt(1), salt(2)];
    let actor = br#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"api_key"}"#.to_vec();
    let detail = format!(r#"{{"drift_score":{{"after":12,"before":null}},"number":{seq},"sample_size":{{"after":5000,"before":null}}}}"#).into_bytes();
    let slots = Slots {
        actor: Some(Commitment::new(SlotName::Actor, &salts[0], &actor)),
        detail: Some(Commitment::new(SlotName::Detail, &salts[1], &detail)),
        net: None,
    };
    let leaf = LeafHeader {
        action: "metric.snapshot.recorded",
        args: Args::NONE,
        org: ORG,
        seq,
        slots,
        target: Target {
            id: "01890a5d-ac96-774b-bcce-b302099a8058",
            kind: "metric_snapshot",
        },
        ts: OffsetDateTime::UNIX_EPOCH,
    };
    Ok(Made {
        leaf: leaf.to_bytes()?,
        salts,
        actor,
        detail,
    })
}

fn write(path: &std::path::Path, count: u64, key: &NoteSigner) -> Outcome<()> {
    let mut frontier = Frontier::new();
    for seq in 0..count {
        frontier.append(Hash::leaf(&make(seq)?.leaf));
    }
    let checkpoint = Checkpoint::new(key.verifier().name(), count, frontier.root())?;
    let note = checkpoint.sign(&[key])?.to_string();
    let keys = vec![key.verifier().to_string()];
    let manifest = Manifest::new(note, keys, 0..count, &RangeProof::default());
    let mut file = BufWriter::new(File::create(path)?);
    let (mut writer, mut out) = (BundleWriter::new(), Vec::new());
    writer.head(&manifest, &mut out)?;
    for seq in 0..count {
        let made = make(seq)?;
        let slots = [
            SlotShown::Open(&made.salts[0], &made.actor),
            SlotShown::Open(&made.salts[1], &made.detail),
        ];
        writer.entry(&Shown::Leaf(&made.leaf, &slots), &mut out);
        file.write_all(&out)?;
        out.clear();
    }
    writer.seal(key.verifier().name(), &[key], &mut out)?;
    file.write_all(&out)?;
    file.flush()?;
    Ok(())
}

fn verify(path: &std::path::Path, key: &NoteSigner) -> Outcome<probity_ledger::bundle::Report> {
    let trust = Trust {
        keys: vec![key.verifier().clone()],
        ..Trust::default()
    };
    let mut verifier = BundleVerifier::new(trust);
    let mut file = BufReader::with_capacity(1 << 18, File::open(path)?);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        verifier.line(&line)?;
        line.clear();
    }
    Ok(verifier.finish()?)
}
