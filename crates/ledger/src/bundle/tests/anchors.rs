//! Checkpoints that were kept outside, and time stamps.

use super::*;

/// Trust in the key of a log, and checkpoints of it at these sizes.
fn anchored(log: &Log, sizes: &[u64]) -> Trust {
    let at = |size: &u64| {
        let root = root_at(&log.tree, *size).unwrap();
        Checkpoint::new(&log.origin, *size, root).unwrap()
    };
    Trust {
        anchors: Some(sizes.iter().map(at).collect()),
        ..log.trust()
    }
}

fn compared(report: &Report) -> Vec<(u64, Compared)> {
    let of = |anchor: &Anchor| (anchor.checkpoint.size(), anchor.compared);
    report.anchors.iter().map(of).collect()
}

#[test]
fn every_anchored_checkpoint_is_named_with_what_came_of_it() {
    let log = Log::of(12);
    let report = verify(&log.bundle(4..9), anchored(&log, &[1, 4, 6, 9, 10, 12])).unwrap();
    assert_eq!(
        compared(&report),
        [
            (1, Compared::Outside),
            (4, Compared::Continued),
            (6, Compared::Continued),
            (9, Compared::Continued),
            (10, Compared::Outside),
            (12, Compared::Same),
        ]
    );
    assert!(!report.limits.unanchored);
    let report = verify(&log.bundle(4..9), anchored(&log, &[1, 10])).unwrap();
    assert!(report.limits.unanchored, "none could be compared");
    let report = verify(&log.bundle(4..9), log.trust()).unwrap();
    assert!(!report.limits.unanchored, "nobody asked");
    let mut trust = log.trust();
    trust.anchors = Some(Vec::new());
    assert!(verify(&log.bundle(4..9), trust).unwrap().limits.unanchored);
}

#[test]
fn a_log_that_contradicts_an_anchor_is_refused() {
    let log = Log::of(8);
    let mut rewritten = Log::of(5);
    for number in 0..4 {
        rewritten.append("model.deleted", Args::NONE, number);
    }
    for size in 6..=8 {
        let failure = refused(
            &rewritten.bundle(0..9),
            anchored(&log, &[2, size]),
            Reason::Rewritten,
        );
        assert!(failure.detail.contains("anchored"), "{failure}");
    }
    assert!(verify(&rewritten.bundle(0..9), anchored(&log, &[2, 5])).is_ok());
    // The same size with another end.
    let mut same = Log::of(7);
    same.append("model.deleted", Args::NONE, 7);
    refused(&same.bundle(0..8), anchored(&log, &[8]), Reason::Rewritten);
    refused(&same.bundle(3..5), anchored(&log, &[8]), Reason::Rewritten);
}

#[test]
fn a_tail_that_was_cut_is_smaller_than_what_was_anchored() {
    let log = Log::of(12);
    let cut = Log::of(9);
    refused(&cut.bundle(0..9), anchored(&log, &[3, 12]), Reason::Shrunk);
    // An old bundle is not: its own checkpoint was anchored at its time.
    let report = verify(&cut.bundle(0..9), anchored(&log, &[3, 9, 12])).unwrap();
    assert_eq!(compared(&report)[2], (12, Compared::Later));
}

#[test]
fn two_anchored_roots_of_one_size_are_two_histories() {
    let log = Log::of(8);
    let mut other = Log::of(6);
    other.append("model.deleted", Args::NONE, 1);
    let mut trust = anchored(&log, &[3, 7]);
    let forged = anchored(&other, &[7]).anchors.unwrap();
    trust.anchors.as_mut().unwrap().extend(forged);
    refused(&log.bundle(0..2), trust, Reason::Rewritten);
}

#[test]
fn anchors_of_other_logs_are_passed_over() {
    let log = Log::of(5);
    let mut other = Log::of(3);
    other.origin = "gov.example/org_x/audit/2".to_owned();
    let trust = Trust {
        anchors: anchored(&other, &[1, 3]).anchors,
        ..log.trust()
    };
    let report = verify(&log.bundle(0..5), trust).unwrap();
    assert_eq!(compared(&report), []);
    assert!(report.limits.unanchored);
}

/// A stamp over an earlier state of a log, as the log proves it.
pub(super) fn stamp(log: &Log, size: u64) -> Stamped {
    let root = root_at(&log.tree, size).unwrap();
    let checkpoint = Checkpoint::new(&log.origin, size, root).unwrap();
    let note = checkpoint.sign(&log.signers()).unwrap().to_string();
    let proof = if size == log.size() {
        crate::proof::ConsistencyProof::default()
    } else {
        consistency_proof(&log.tree, size, log.size()).unwrap()
    };
    Stamped::new(note, &proof, b"a token")
}

#[test]
fn stamped_checkpoints_have_to_be_continued() {
    let log = Log::of(9);
    let stamps = [3, 9].map(|size| stamp(&log, size)).to_vec();
    let manifest = log.manifest(2..6).with_timestamps(stamps);
    let report = verify(&log.write(&manifest, false), log.trust()).unwrap();
    let told: Vec<_> = report
        .stamps
        .iter()
        .map(|stamp| (stamp.checkpoint.size(), stamp.token.as_slice()))
        .collect();
    assert_eq!(told, [(3, &b"a token"[..]), (9, b"a token")]);
    let mut rewritten = Log::of(2);
    rewritten.append("model.deleted", Args::NONE, 1);
    let mut elsewhere = Log::of(3);
    elsewhere.origin = "gov.example/org_x/audit/2".to_owned();
    elsewhere.key = key(&elsewhere.origin, 1);
    let mut later = log.clone();
    later.append("model.deleted", Args::NONE, 1);
    let mut garbled = stamp(&log, 3);
    garbled.token.push('=');
    let mut unproved = stamp(&log, 3);
    unproved.proof.pop();
    for (case, bad) in [
        ("another history", stamp(&rewritten, 3)),
        ("another log", stamp(&elsewhere, 3)),
        ("later", stamp(&later, 10)),
        ("no base64", garbled),
        ("half a proof", unproved),
    ] {
        let manifest = log.manifest(2..6).with_timestamps(vec![bad]);
        let failure = verify(&log.write(&manifest, false), log.trust()).unwrap_err();
        assert_eq!(failure.reason, Reason::Timestamp, "{case}: {failure}");
    }
}
