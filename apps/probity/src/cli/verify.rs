//! `probity verify`: checks a bundle of the record, with no network and no database.

mod outside;
mod told;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use probity_ledger::bundle::{BundleVerifier, Failure, Reason, Report, Trust};
use probity_ledger::{Checkpoint, NoteVerifier};

use self::outside::{AnchorsRead, Stamps};
use super::Outcome;
use crate::adapters::timestamps::authorities;

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
            Arg::new("anchors")
                .long("anchors")
                .value_name("FILE")
                .help("Checkpoints that were kept outside, as the setting `anchor-file` keeps them: the record must not contradict one"),
        )
        .arg(
            Arg::new("tsa-cert")
                .long("tsa-cert")
                .value_name("FILE")
                .help("Certificates in PEM of time-stamp authorities, or of their issuers, that you trust: verifies the time stamps"),
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
    Verified(Box<Verified>),
    Failed(Failure),
    Unreadable(String),
}

/// What a bundle proves, and what was kept outside says to it.
struct Verified {
    report: Report,
    anchors: Option<AnchorsRead>,
    stamps: Stamps,
}

impl Verified {
    fn is_without_limits(&self) -> bool {
        self.report.limits.is_none() && !self.stamps.are_missing()
    }
}

pub(super) fn run(matches: &ArgMatches) -> Outcome {
    let path = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let file = path("file").unwrap_or_default();
    let verdict = judge(matches, file).unwrap_or_else(Verdict::Unreadable);
    if matches.get_flag("json") {
        let told = told::as_json(file, &verdict);
        println!("{}", serde_json::to_string_pretty(&told)?);
    } else {
        print!("{}", told::in_words(file, &verdict));
    }
    Ok(match &verdict {
        Verdict::Verified(verified) if verified.is_without_limits() => ExitCode::SUCCESS,
        Verdict::Verified(_) => ExitCode::from(LIMITED),
        Verdict::Failed(_) => ExitCode::from(FAILED),
        Verdict::Unreadable(_) => ExitCode::from(UNREADABLE),
    })
}

/// Reads what the auditor brings along, and checks the bundle against it.
fn judge(matches: &ArgMatches, file: &str) -> Result<Verdict, String> {
    let path = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let mut trust = trust(path("keys"), path("since"))?;
    trust.quorum = usize::from(matches.get_one::<u8>("quorum").copied().unwrap_or(1));
    let anchors = path("anchors")
        .map(|path| AnchorsRead::read(path, &trust.keys))
        .transpose()?;
    trust.anchors = anchors.as_ref().map(|read| read.checkpoints.clone());
    let trusted = path("tsa-cert")
        .map(|path| authorities(Path::new(path)).map_err(|error| format!("{path}: {error}")))
        .transpose()?;
    let report = match check(file, trust)? {
        Ok(report) => report,
        Err(failure) if failure.reason == Reason::NotABundle => return Err(failure.to_string()),
        Err(failure) => return Ok(Verdict::Failed(failure)),
    };
    Ok(match Stamps::verify(&report.stamps, trusted.as_ref()) {
        Ok(stamps) => Verdict::Verified(Box::new(Verified {
            report,
            anchors,
            stamps,
        })),
        Err(failure) => Verdict::Failed(failure),
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

fn check(path: &str, trust: Trust) -> Result<Result<Report, Failure>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut verifier = BundleVerifier::new(trust);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line);
        if read.map_err(|error| error.to_string())? == 0 {
            return Ok(verifier.finish());
        }
        if let Err(failure) = verifier.line(&line) {
            return Ok(Err(failure));
        }
    }
}
