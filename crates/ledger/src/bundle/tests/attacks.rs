//! A thief with the whole database, and one with the key as well.

use super::*;

fn lines(bundle: &[u8]) -> Vec<Vec<u8>> {
    let lines = bundle.split_inclusive(|byte| *byte == b'\n');
    lines.map(<[u8]>::to_vec).collect()
}

/// A log with redacted and pruned entries.
fn scarred() -> Log {
    let mut log = Log::of(9);
    log.explain(&Log::redaction(&[4], SlotName::Actor));
    let prune = log.prune(2);
    log.explain(&prune);
    log
}

/// All bits of small bundles; the packages that do the work are optimised in every profile.
#[test]
fn no_single_bit_of_a_bundle_can_be_changed() {
    let mut log = Log::of(4);
    log.explain(&Log::redaction(&[3], SlotName::Actor));
    let prune = log.prune(2);
    log.explain(&prune);
    let proof = consistency_proof(&log.tree, 3, log.size()).unwrap();
    let manifest = log
        .manifest(1..4)
        .with_window(Some(window(1, 4)))
        .with_timestamps(vec![anchors::stamp(&log, 3)])
        .with_consistency(3, &proof);
    let mut witnessed = manifest.clone();
    // A signature by a key that the verifier does not know is sealed like everything else.
    let stranger = key("witness.example/w", 9);
    let checkpoint = log.checkpoint();
    let own = crate::note::SignedNote::sign(&checkpoint.body(), &[&log.key, &stranger]).unwrap();
    witnessed.checkpoint = own.to_string();
    // With keys of one's own, and with those of the bundle.
    for (manifest, keys) in [(manifest, Vec::new()), (witnessed, keys_of(&log))] {
        let bundle = log.write(&manifest, false);
        let trust = Trust {
            keys,
            ..Trust::default()
        };
        assert!(verify(&bundle, trust.clone()).is_ok());
        let mut changed = bundle.clone();
        for place in 0..bundle.len() {
            for bit in 0..8 {
                changed[place] ^= 1 << bit;
                let accepted = verify(&changed, trust.clone()).is_ok();
                changed[place] ^= 1 << bit;
                assert!(!accepted, "byte {place}, bit {bit}");
            }
        }
    }
}

#[test]
fn a_bundle_cut_or_extended_anywhere_is_refused() {
    let log = scarred();
    let bundle = log.bundle(0..9);
    for end in 0..bundle.len() {
        let reason = verify(&bundle[..end], log.trust()).unwrap_err().reason;
        assert!(
            matches!(reason, Reason::Incomplete | Reason::NotABundle),
            "{end}: {reason:?}"
        );
    }
    for more in [&b"\n"[..], b"x\n", b"x", &bundle] {
        refused(&[&bundle, more].concat(), log.trust(), Reason::Incomplete);
    }
}

/// Entries of a bundle changed by somebody who has the database but not the key.
#[test]
fn without_the_key_nothing_can_be_changed() {
    let log = Log::of(8);
    let other = key(ORIGIN, 66);
    let forged = |change: &dyn Fn(&mut Log)| {
        let mut forged = log.clone();
        change(&mut forged);
        forged.key = other.clone();
        forged.bundle(0..forged.size())
    };
    let edited = forged(&|log| {
        let leaf = log.entries[3].leaf.as_mut().unwrap();
        let text = String::from_utf8(leaf.clone()).unwrap();
        *leaf = text.replace("mdl_1", "mdl_2").into_bytes();
        *log = log.rebuilt();
    });
    refused(&edited, log.trust(), Reason::Signature);
    // With the signed checkpoint of the true log over it.
    let mut lines = lines(&log.bundle(0..8));
    let edited = String::from_utf8(lines[5].clone())
        .unwrap()
        .replace("mdl_1", "mdl_2");
    lines[5] = edited.into_bytes();
    refused(&lines.concat(), log.trust(), Reason::Root);
}

#[test]
fn editing_a_slot_is_told_with_its_entry() {
    let log = Log::of(8);
    let mut forged = log.clone();
    let (_, _, bytes) = forged.entries[3].slots[1].as_mut().unwrap();
    *bytes = br#"{"name":"nothing"}"#.to_vec();
    let failure = refused(&forged.bundle(0..8), log.trust(), Reason::Commitment);
    assert_eq!(failure.entry, Some(3));
}

#[test]
fn entries_moved_left_out_or_added_are_told() {
    let log = Log::of(8);
    let honest = lines(&log.bundle(1..7));
    let mut moved = honest.clone();
    moved.swap(3, 4);
    let failure = refused(&moved.concat(), log.trust(), Reason::Order);
    assert_eq!(failure.entry, Some(2));
    let mut omitted = honest.clone();
    omitted.remove(4);
    let failure = refused(&omitted.concat(), log.trust(), Reason::Order);
    assert_eq!(failure.entry, Some(3));
    let mut doubled = honest.clone();
    doubled.insert(4, honest[3].clone());
    refused(&doubled.concat(), log.trust(), Reason::Order);
    let mut last = honest;
    last.remove(7);
    let failure = refused(&last.concat(), log.trust(), Reason::Order);
    assert_eq!(failure.entry, Some(6));
}

/// A thief with the key leaves an entry out and numbers the others anew: the auditor's checkpoint does not fit.
#[test]
fn with_the_key_a_history_can_be_rewritten_but_not_continued() {
    let kept = Log::of(8);
    let mut log = kept.clone();
    log.append("model.updated", Args::NONE, 1);
    let mut rewritten = Log::empty();
    for number in 0..9 {
        rewritten.append(
            "model.registered",
            Args::NONE,
            if number == 3 { 99 } else { number },
        );
    }
    let bundle = rewritten.bundle(0..9);
    assert!(
        verify(&bundle, log.trust()).is_ok(),
        "against itself it verifies, as any log would"
    );
    refused(&bundle, since(&kept), Reason::Rewritten);
    let proof = consistency_proof(&rewritten.tree, 8, 9).unwrap();
    let manifest = rewritten.manifest(8..9).with_consistency(8, &proof);
    refused(
        &rewritten.write(&manifest, false),
        since(&kept),
        Reason::Rewritten,
    );
    // The true log goes on.
    assert!(verify(&log.bundle(0..9), since(&kept)).is_ok());
}

#[test]
fn a_tail_that_was_cut_and_an_old_backup_are_smaller_than_what_was_kept() {
    let kept = Log::of(8);
    refused(&Log::of(6).bundle(0..6), since(&kept), Reason::Shrunk);
    // Grown again after the cut, with other entries.
    let mut regrown = Log::of(6);
    for number in 0..5 {
        regrown.append("model.deleted", Args::NONE, number);
    }
    refused(&regrown.bundle(0..11), since(&kept), Reason::Rewritten);
    // The same size with another end.
    let mut same = Log::of(7);
    same.append("model.deleted", Args::NONE, 7);
    refused(&same.bundle(0..8), since(&kept), Reason::Rewritten);
}

#[test]
fn two_histories_for_two_auditors_do_not_agree_with_one_checkpoint() {
    let mut one = Log::of(6);
    let mut other = one.clone();
    one.append("review.approved", Args::NONE, 1);
    other.append("review.rejected", Args::NONE, 1);
    for (shown, held) in [(&one, &other), (&other, &one)] {
        refused(&shown.bundle(0..7), since(held), Reason::Rewritten);
        assert!(verify(&shown.bundle(0..7), since(shown)).is_ok());
    }
}

#[test]
fn what_is_erased_or_pruned_without_a_leaf_is_told() {
    let mut quiet = Log::of(8);
    quiet.delete(&Log::redaction(&[3], SlotName::Detail));
    let failure = refused(&quiet.bundle(0..8), quiet.trust(), Reason::Unexplained);
    assert_eq!(failure.entry, Some(3));
    let mut quiet = Log::of(8);
    let prune = quiet.prune(2);
    quiet.delete(&prune);
    let failure = refused(&quiet.bundle(0..8), quiet.trust(), Reason::Unexplained);
    assert_eq!(failure.entry, Some(0));
    // A redaction explains its own slot and entries only.
    let mut log = Log::of(8);
    log.explain(&Log::redaction(&[3], SlotName::Actor));
    log.delete(&Log::redaction(&[3], SlotName::Detail));
    refused(&log.bundle(0..9), log.trust(), Reason::Unexplained);
}

#[test]
fn an_explanation_has_to_be_in_the_log_and_explain() {
    let log = scarred();
    // One that is in no log.
    let mut forged = log.clone();
    forged.explain(&Log::redaction(&[5], SlotName::Detail));
    let mut writer = lines(&log.bundle(0..log.size()));
    writer.insert(2, lines(&forged.bundle(0..1))[4].clone());
    refused(&writer.concat(), log.trust(), Reason::Explanation);
    // One that explains nothing.
    let mut wrong = log.clone();
    wrong.explaining.push(3);
    refused(&wrong.bundle(0..9), log.trust(), Reason::Explanation);
    // One that says another root than the log had.
    let mut lying = Log::of(9);
    let prune = Absence::Prune(Prune {
        from: 0,
        to: 2,
        policy_days: 30,
        root: Hash::leaf(b"other"),
    });
    lying.explain(&prune);
    refused(&lying.bundle(0..9), lying.trust(), Reason::Explanation);
}

#[test]
fn a_span_of_time_cannot_be_shortened() {
    let log = Log::of(10);
    for (run, reason) in [(4..7, Reason::Edge), (3..6, Reason::Edge)] {
        let manifest = log.manifest(run).with_window(Some(window(3, 7)));
        refused(&log.write(&manifest, false), log.trust(), reason);
    }
}

#[test]
fn logs_of_others_do_not_pass_for_this_one() {
    let log = Log::of(5);
    // The key of another log of the same server.
    let mut other = Log::of(5);
    other.origin = "gov.example/org_y/audit/1".to_owned();
    other.key = key(&other.origin, 1);
    refused(&other.bundle(0..5), log.trust(), Reason::Signature);
    // A log whose entries are another organisation's.
    let known = Trust {
        keys: keys_of(&other),
        ..Trust::default()
    };
    let failure = refused(&other.bundle(0..5), known, Reason::Organization);
    assert_eq!(failure.entry, Some(0));
    let kept = Trust {
        keys: keys_of(&log),
        since: Some(other.checkpoint()),
        ..Trust::default()
    };
    refused(&log.bundle(0..5), kept, Reason::OtherLog);
}

#[test]
fn a_log_opened_anew_is_told_to_who_kept_a_checkpoint() {
    let kept = Log::of(8);
    let mut anew = Log::of(6);
    anew.origin = "gov.example/org_x/audit/2".to_owned();
    anew.key = key(&anew.origin, 1);
    anew.append("audit.epoch.opened", Args::NONE, 0);
    let trust = Trust {
        keys: keys_of(&anew),
        since: Some(kept.checkpoint()),
        ..Trust::default()
    };
    refused(&anew.bundle(0..7), trust, Reason::Epoch);
}

#[test]
fn a_bundle_that_does_not_reach_the_kept_checkpoint_says_how_to_get_one() {
    let kept = Log::of(3);
    let log = Log::of(12);
    let failure = refused(&log.bundle(8..10), since(&kept), Reason::Unconnected);
    assert!(failure.detail.contains("since=3"), "{failure}");
}

#[test]
fn other_files_are_no_bundles() {
    for file in [
        &b""[..],
        b"\n",
        b"{}\n",
        b"probity-bundle/v2\n",
        b"probity-bundle/v1",
    ] {
        refused(file, Trust::default(), Reason::NotABundle);
    }
}
