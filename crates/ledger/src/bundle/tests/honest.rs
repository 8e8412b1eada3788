//! What an honest server exports verifies, with its limits told.

use proptest::prelude::*;

use super::*;

#[test]
fn every_run_of_every_small_log_verifies() {
    for count in [1, 2, 7] {
        let log = Log::of(count);
        for start in 0..=count {
            for end in start..=count {
                let report = verify(&log.bundle(start..end), log.trust()).unwrap();
                assert_eq!((report.start, report.end), (start, end));
                assert_eq!(report.entries(), end - start);
                assert_eq!(report.opened, 2 * (end - start));
                assert_eq!(report.checkpoint, log.checkpoint());
                let limits = Limits {
                    unwitnessed: true,
                    no_earlier_checkpoint: true,
                    ..Limits::default()
                };
                assert_eq!(report.limits, limits);
            }
        }
    }
}

#[test]
fn an_empty_log_has_an_empty_bundle() {
    let log = Log::empty();
    let report = verify(&log.bundle(0..0), log.trust()).unwrap();
    assert_eq!((report.entries(), report.instants), (0, None));
}

#[test]
fn without_keys_those_in_the_bundle_are_used_and_that_is_said() {
    let log = Log::of(5);
    let report = verify(&log.bundle(0..5), Trust::default()).unwrap();
    assert!(report.limits.own_keys && !report.limits.is_none());
}

#[test]
fn while_keys_rotate_either_key_is_enough() {
    let before = Log::of(5);
    let mut log = before.clone();
    log.previous = Some(log.key.clone());
    log.key = key(ORIGIN, 2);
    let bundle = log.bundle(0..5);
    for trust in [
        before.trust(),
        log.trust(),
        since(&before),
        Trust::default(),
    ] {
        assert!(verify(&bundle, trust).is_ok());
    }
    log.previous = None;
    refused(&log.bundle(0..5), before.trust(), Reason::Signature);
}

#[test]
fn a_quorum_of_witnesses_is_counted_by_key() {
    let log = Log::of(3);
    let witnesses = [8, 9].map(|seed| {
        let name = format!("witness.example/w{seed}");
        NoteSigner::witness_from_seed(&name, &[seed; 32]).unwrap()
    });
    let checkpoint = log.checkpoint();
    let mut note = checkpoint.sign(&[&log.key]).unwrap();
    for witness in &witnesses {
        note.add_signature(witness.cosign(&checkpoint, 7));
    }
    note.add_signature(witnesses[0].cosign(&checkpoint, 8));
    let mut manifest = log.manifest(0..3);
    manifest.checkpoint = note.to_string();
    let bundle = log.write(&manifest, false);
    let mut trust = log.trust();
    trust
        .keys
        .extend(witnesses.iter().map(|key| key.verifier().clone()));
    for (quorum, unwitnessed) in [(0, false), (1, false), (2, false), (3, true)] {
        trust.quorum = quorum;
        let report = verify(&bundle, trust.clone()).unwrap();
        assert_eq!(report.limits.unwitnessed, unwitnessed, "{quorum}");
        assert_eq!(report.signed_by.len(), 3);
    }
    assert!(verify(&bundle, log.trust()).unwrap().limits.unwitnessed);
}

#[test]
fn absences_that_are_explained_are_counted() {
    let mut log = Log::of(12);
    log.explain(&Log::redaction(&[5, 6, 9], SlotName::Actor));
    log.append("model.registered", Args::NONE, 50);
    let prune = log.prune(4);
    log.explain(&prune);
    log.explain(&Log::redaction(&[9], SlotName::Detail));
    for run in [0..12, 0..log.size(), 2..10, 5..7, 3..4] {
        let report = verify(&log.bundle(run.clone()), log.trust()).unwrap();
        let pruned = run.clone().filter(|entry| *entry < 4).count();
        assert_eq!(report.limits.pruned, u64::try_from(pruned).unwrap());
        let erased = [5, 6, 9, 9]
            .iter()
            .filter(|entry| run.contains(entry))
            .count();
        assert_eq!(
            report.limits.redacted,
            u64::try_from(erased).unwrap(),
            "{run:?}"
        );
    }
    // A later prune deletes the leaf that explained the first: it states everything anew.
    let prune = log.prune(15);
    log.explain(&prune);
    let report = verify(&log.bundle(0..log.size()), log.trust()).unwrap();
    assert_eq!(report.limits.pruned, 15);
}

#[test]
fn what_is_withheld_is_counted() {
    let log = Log::of(6);
    let report = verify(&log.write(&log.manifest(1..4), true), log.trust()).unwrap();
    assert_eq!((report.opened, report.limits.withheld), (0, 6));
}

#[test]
fn a_span_of_time_is_shown_by_the_entries_beside_it() {
    let log = Log::of(10);
    let manifest = log.manifest(3..7).with_window(Some(window(3, 7)));
    let report = verify(&log.write(&manifest, false), log.trust()).unwrap();
    assert_eq!(
        (report.limits.open_edges, report.window),
        (0, Some(window(3, 7)))
    );
    assert_eq!(report.instants, Some((instant(3), instant(6))));
    let mut log = log;
    let prune = log.prune(3);
    log.explain(&prune);
    let manifest = log.manifest(3..7).with_window(Some(window(3, 7)));
    let report = verify(&log.write(&manifest, false), log.trust()).unwrap();
    assert_eq!(report.limits.open_edges, 1, "the entry before was pruned");
}

#[test]
fn a_checkpoint_that_was_kept_is_continued() {
    let old = Log::of(6);
    let mut log = old.clone();
    for number in 0..7 {
        log.append("model.updated", Args::NONE, number);
    }
    let now = log.size();
    for run in [0..now, 4..now, 6..9, 2..6] {
        let report = verify(&log.bundle(run), since(&old)).unwrap();
        assert_eq!(report.continues, Some(6));
    }
    let proof = consistency_proof(&log.tree, 6, now).unwrap();
    let manifest = log.manifest(8..10).with_consistency(6, &proof);
    let report = verify(&log.write(&manifest, false), since(&old)).unwrap();
    assert_eq!(report.continues, Some(6));
    let same = verify(&log.bundle(0..2), since(&log)).unwrap();
    assert_eq!(same.continues, Some(now));
    let empty = verify(&log.bundle(0..2), since(&Log::empty())).unwrap();
    assert_eq!(empty.continues, Some(0));
}

#[derive(Debug, Clone)]
enum Step {
    Append,
    Redact(u64, bool),
    Prune(u64),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever is appended, erased and pruned in whatever order, every step verifies and continues the last one.
    #[test]
    fn random_histories_verify_after_every_step(
        steps in proptest::collection::vec(
            prop_oneof![
                3 => Just(Step::Append),
                2 => (any::<u64>(), any::<bool>()).prop_map(|(at, actor)| Step::Redact(at, actor)),
                1 => any::<u64>().prop_map(Step::Prune),
            ],
            1..15,
        )
    ) {
        let mut log = Log::of(3);
        let mut bundles = Vec::new();
        for step in steps {
            let before = log.clone();
            match step {
                Step::Append => {
                    log.append("model.updated", Args::NONE, 1);
                }
                Step::Redact(at, actor) => {
                    let slot = if actor { SlotName::Actor } else { SlotName::Detail };
                    let size = log.size();
                    log.explain(&Log::redaction(&[at % size], slot));
                }
                Step::Prune(at) => {
                    let prune = log.prune(at % log.size() + 1);
                    log.explain(&prune);
                }
            }
            let bundle = log.bundle(0..log.size());
            prop_assert!(verify(&bundle, since(&before)).is_ok());
            bundles.push(bundle);
        }
        // Bundles from before an erasure still verify.
        for bundle in bundles {
            prop_assert!(verify(&bundle, log.trust()).is_ok());
        }
    }
}
