//! The verdict in words and as JSON.

use probity_ledger::bundle::{Anchor, Compared, Limits, Report};
use probity_ledger::instant_text;
use probity_timestamp::Timestamp;
use serde_json::{Value, json};

use super::outside::{AnchorsRead, Stamps};
use super::{Verdict, Verified};

/// How many sizes are spelled out before a line becomes too long to read.
const SPELLED_OUT: usize = 12;

/// What limits the proof, each with its code, its count and a sentence.
fn limits(verified: &Verified) -> Vec<(&'static str, u64, String)> {
    let limits: &Limits = &verified.report.limits;
    let mut told = Vec::new();
    if limits.own_keys {
        let text =
            "the keys were taken from the bundle itself; fetch them elsewhere and pass --keys";
        told.push(("own_keys", 1, text.to_owned()));
    }
    if limits.unwitnessed {
        let text = "fewer witnesses signed the checkpoint than have to, or none did";
        told.push(("unwitnessed", 1, text.to_owned()));
    }
    if limits.unanchored {
        let text = "none of the anchored checkpoints could be compared with this bundle";
        told.push(("unanchored", 1, text.to_owned()));
    }
    if verified.stamps.are_missing() {
        let text = "no time stamp is in the bundle";
        told.push(("unstamped", 1, text.to_owned()));
    }
    for (code, count, text) in [
        (
            "pruned",
            limits.pruned,
            "entries were pruned; the log says when and why",
        ),
        (
            "redacted",
            limits.redacted,
            "slots were erased; the log says when and why",
        ),
        (
            "withheld",
            limits.withheld,
            "slots were withheld from whoever exported the bundle",
        ),
        (
            "open_edges",
            limits.open_edges,
            "ends of the span of time are not shown by a neighbouring entry",
        ),
    ] {
        if count > 0 {
            told.push((code, count, format!("{count} {text}")));
        }
    }
    told
}

pub(super) fn in_words(file: &str, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Unreadable(reason) => format!("CANNOT READ  {file}\n  {reason}\n"),
        Verdict::Failed(failure) => {
            let entry = failure
                .entry
                .map(|entry| format!("  entry   {entry}\n"))
                .unwrap_or_default();
            let reason = failure.reason.code();
            format!(
                "FAILED  {file}\n{entry}  reason  {reason}\n  {}\n",
                failure.detail
            )
        }
        Verdict::Verified(verified) => verified_in_words(file, verified),
    }
}

fn verified_in_words(file: &str, verified: &Verified) -> String {
    let Verified {
        report,
        anchors,
        stamps,
    } = verified;
    let limits = limits(verified);
    let log = &report.checkpoint;
    let mut facts = vec![
        ("log", format!("{}, {} entries", log.origin(), log.size())),
        ("root", log.root().to_string()),
        (
            "entries",
            match report.entries() {
                0 => "none".to_owned(),
                count => format!("{count}: {} to {}", report.start, report.end - 1),
            },
        ),
    ];
    if let Some((first, last)) = report.instants {
        facts.push(("from", instant_text(first)));
        facts.push(("to", instant_text(last)));
    }
    let opened = report.opened;
    facts.push((
        "slots",
        format!("{opened} shown and true to their commitments"),
    ));
    facts.extend(
        report
            .signed_by
            .iter()
            .map(|key| ("signed by", key.clone())),
    );
    facts.push((
        "continues",
        match report.continues {
            Some(size) => format!("the checkpoint over {size} entries that you kept"),
            None => "not compared: keep a checkpoint and pass --since next time".to_owned(),
        },
    ));
    if let Some(anchors) = anchors {
        facts.extend(anchored_in_words(report, anchors).map(|text| ("anchored", text)));
    }
    facts.extend(stamped_in_words(stamps).map(|text| ("existed by", text)));
    let word = if limits.is_empty() {
        "VERIFIED"
    } else {
        "VERIFIED, WITH LIMITS"
    };
    facts.extend(limits.into_iter().map(|(_, _, text)| ("limit", text)));
    let lines = facts
        .into_iter()
        .map(|(name, text)| format!("  {name:<10}  {text}\n"));
    format!("{word}  {file}\n{}", lines.collect::<String>())
}

/// The sizes of the anchored checkpoints of which this came.
fn sizes(anchors: &[Anchor], wanted: Compared) -> Vec<u64> {
    let found = anchors.iter().filter(|anchor| anchor.compared == wanted);
    let mut sizes: Vec<u64> = found.map(|anchor| anchor.checkpoint.size()).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Numbers in a row, those in the middle left out where there are many.
fn listed(numbers: &[u64]) -> String {
    let join = |numbers: &[u64]| {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        numbers.join(", ")
    };
    match numbers {
        [first, .., last] if numbers.len() > SPELLED_OUT => {
            format!("{first} … {last} ({} of them)", numbers.len())
        }
        all => join(all),
    }
}

/// One line for each thing that came of comparing with anchored checkpoints.
fn anchored_in_words(report: &Report, read: &AnchorsRead) -> impl Iterator<Item = String> {
    let told = [
        (Compared::Same, "this checkpoint itself, over"),
        (Compared::Continued, "continues those over"),
        (Compared::Outside, "says nothing about those over"),
        (Compared::Later, "later ones are over"),
    ];
    let mut lines: Vec<String> = told
        .into_iter()
        .map(|(compared, text)| (sizes(&report.anchors, compared), text))
        .filter(|(sizes, _)| !sizes.is_empty())
        .map(|(sizes, text)| format!("{text} {} entries", listed(&sizes)))
        .collect();
    let others = read.checkpoints.len() - report.anchors.len();
    for (count, text) in [
        (others, "checkpoints are of other logs"),
        (read.unsigned, "are signed by no key that you trust"),
        (read.broken, "pieces of the file are no checkpoint"),
    ] {
        if count > 0 {
            lines.push(format!("{count} {text}"));
        }
    }
    if lines.is_empty() {
        lines.push("the file holds no checkpoint".to_owned());
    }
    lines.into_iter()
}

fn stamped_in_words(stamps: &Stamps) -> impl Iterator<Item = String> {
    let lines: Vec<String> = match stamps {
        Stamps::Unchecked(0) => Vec::new(),
        Stamps::Unchecked(count) => {
            vec![format!(
                "{count} time stamps were not looked at: pass --tsa-cert"
            )]
        }
        Stamps::Verified(stamps) => stamps.iter().map(stamp_in_words).collect(),
    };
    lines.into_iter()
}

fn stamp_in_words((size, stamp): &(u64, Timestamp)) -> String {
    let accuracy = stamp
        .accuracy
        .map(|accuracy| format!(" ± {accuracy}"))
        .unwrap_or_default();
    format!(
        "{}{accuracy}: the first {size} entries, says {} (serial {})",
        instant_text(stamp.time),
        stamp.authority,
        stamp.serial
    )
}

fn anchors_as_json(report: &Report, read: &AnchorsRead) -> Value {
    let of = |compared| sizes(&report.anchors, compared);
    json!({
        "this_checkpoint": !of(Compared::Same).is_empty(),
        "continued": of(Compared::Continued), "outside": of(Compared::Outside),
        "later": of(Compared::Later),
        "other_logs": read.checkpoints.len() - report.anchors.len(),
        "unsigned": read.unsigned, "broken": read.broken,
    })
}

fn stamps_as_json(stamps: &Stamps) -> Value {
    match stamps {
        Stamps::Unchecked(count) => json!({"unchecked": count, "verified": []}),
        Stamps::Verified(stamps) => {
            let told: Vec<Value> = stamps
                .iter()
                .map(|(size, stamp)| {
                    json!({
                        "size": size, "time": instant_text(stamp.time),
                        "accuracy_seconds": stamp.accuracy.map(time::Duration::as_seconds_f64),
                        "authority": stamp.authority, "serial": stamp.serial, "policy": stamp.policy,
                    })
                })
                .collect();
            json!({"unchecked": 0, "verified": told})
        }
    }
}

pub(super) fn as_json(file: &str, verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Unreadable(reason) => {
            json!({"file": file, "result": "unreadable", "detail": reason})
        }
        Verdict::Failed(failure) => json!({
            "file": file, "result": "failed", "reason": failure.reason.code(),
            "entry": failure.entry, "detail": failure.detail,
        }),
        Verdict::Verified(verified) => {
            let report = &verified.report;
            let told: serde_json::Map<String, Value> = limits(verified)
                .into_iter()
                .map(|(code, count, _)| (code.to_owned(), json!(count)))
                .collect();
            json!({
                "file": file,
                "result": if told.is_empty() { "verified" } else { "verified_with_limits" },
                "origin": report.checkpoint.origin(), "size": report.checkpoint.size(),
                "root": report.checkpoint.root().to_string(),
                "start": report.start, "end": report.end,
                "from": report.instants.map(|(first, _)| instant_text(first)),
                "to": report.instants.map(|(_, last)| instant_text(last)),
                "opened": report.opened, "signed_by": report.signed_by,
                "continues": report.continues,
                "anchors": verified.anchors.as_ref().map(|read| anchors_as_json(report, read)),
                "timestamps": stamps_as_json(&verified.stamps), "limits": told,
            })
        }
    }
}
