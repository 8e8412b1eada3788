//! `probity verify`: checks a bundle of the record, with no network and no database.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use probity_ledger::bundle::{BundleVerifier, Failure, Limits, Reason, Report, Trust};
use probity_ledger::{Checkpoint, NoteVerifier, instant_text};
use serde_json::{Value, json};

use super::Outcome;

/// The longest line that is read: what an entry holds is bounded by what a request may send.
const LONGEST_LINE: u64 = 64 << 20;
/// Exit codes: 0 verified, 1 failed, 2 cannot read, 3 verified with limits.
const FAILED: u8 = 1;
const UNREADABLE: u8 = 2;
const LIMITED: u8 = 3;

pub(super) fn command() -> Command {
    Command::new("verify")
        .about("Checks a bundle of the record, offline; exit 0 verified, 1 failed, 2 cannot read, 3 verified with limits")
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .help("The bundle, as exported from /api/v1/audit/export"),
        )
        .arg(
            Arg::new("keys")
                .long("keys")
                .value_name("FILE")
                .help("Keys that you trust, one `name+hash+key` a line; without, those in the bundle are used"),
        )
        .arg(
            Arg::new("quorum")
                .long("quorum")
                .value_name("NUMBER")
                .value_parser(clap::value_parser!(u8).range(1..=15))
                .help("How many witnesses among --keys have to have signed [default: 1]"),
        )
        .arg(
            Arg::new("since")
                .long("since")
                .value_name("CHECKPOINT")
                .help("A checkpoint that you kept from earlier: the record has to continue it"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Prints the result as JSON"),
        )
}

/// What came of it.
enum Verdict {
    Verified(Box<Report>),
    Failed(Failure),
    Unreadable(String),
}

pub(super) fn run(matches: &ArgMatches) -> Outcome {
    let path = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let file = path("file").unwrap_or_default();
    let verdict = match trust(path("keys"), path("since")) {
        Ok(mut trust) => {
            let quorum = matches.get_one::<u8>("quorum").copied();
            trust.quorum = usize::from(quorum.unwrap_or(1));
            check(file, trust)
        }
        Err(reason) => Verdict::Unreadable(reason),
    };
    if matches.get_flag("json") {
        println!(
            "{}",
            serde_json::to_string_pretty(&as_json(file, &verdict))?
        );
    } else {
        print!("{}", in_words(file, &verdict));
    }
    Ok(match &verdict {
        Verdict::Verified(report) if report.limits.is_none() => ExitCode::SUCCESS,
        Verdict::Verified(_) => ExitCode::from(LIMITED),
        Verdict::Failed(_) => ExitCode::from(FAILED),
        Verdict::Unreadable(_) => ExitCode::from(UNREADABLE),
    })
}

fn trust(keys: Option<&str>, since: Option<&str>) -> Result<Trust, String> {
    let mut trust = Trust::default();
    if let Some(path) = keys {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        for line in text.lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with('#') {
                let key: NoteVerifier = line
                    .parse()
                    .map_err(|error| format!("{path}: `{line}`: {error}"))?;
                trust.keys.push(key);
            }
        }
        if trust.keys.is_empty() {
            return Err(format!("{path}: no key is in it"));
        }
    }
    if let Some(path) = since {
        let note = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
        trust.since = Some(kept(&note, &trust.keys).map_err(|error| format!("{path}: {error}"))?);
    }
    Ok(trust)
}

/// A checkpoint that was kept: signed by a key that is trusted, if any is given.
fn kept(note: &[u8], keys: &[NoteVerifier]) -> Result<Checkpoint, String> {
    if !keys.is_empty() {
        return Checkpoint::verify(note, keys).map_err(|error| error.to_string());
    }
    let text = str::from_utf8(note).map_err(|error| error.to_string())?;
    crate::record::body_of(text)
}

fn check(path: &str, trust: Trust) -> Verdict {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return Verdict::Unreadable(error.to_string()),
    };
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut verifier = BundleVerifier::new(trust);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
        {
            Err(error) => return Verdict::Unreadable(error.to_string()),
            Ok(0) => break,
            Ok(_) => {
                if let Err(failure) = verifier.line(&line) {
                    return of(failure);
                }
            }
        }
    }
    match verifier.finish() {
        Ok(report) => Verdict::Verified(Box::new(report)),
        Err(failure) => of(failure),
    }
}

fn of(failure: Failure) -> Verdict {
    if failure.reason == Reason::NotABundle {
        Verdict::Unreadable(failure.to_string())
    } else {
        Verdict::Failed(failure)
    }
}

/// What limits the proof, each with its code, its count and a sentence.
fn limits(limits: &Limits) -> Vec<(&'static str, u64, String)> {
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

fn in_words(file: &str, verdict: &Verdict) -> String {
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
        Verdict::Verified(report) => verified_in_words(file, report),
    }
}

fn verified_in_words(file: &str, report: &Report) -> String {
    let limits = limits(&report.limits);
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

fn as_json(file: &str, verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Unreadable(reason) => {
            json!({"file": file, "result": "unreadable", "detail": reason})
        }
        Verdict::Failed(failure) => json!({
            "file": file, "result": "failed", "reason": failure.reason.code(),
            "entry": failure.entry, "detail": failure.detail,
        }),
        Verdict::Verified(report) => {
            let told: serde_json::Map<String, Value> = limits(&report.limits)
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
                "continues": report.continues, "limits": told,
            })
        }
    }
}
