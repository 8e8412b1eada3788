//! `probity witness`: remembers checkpoints of logs and signs only those that continue the last one
//! (C2SP tlog-witness). It is for somebody else than the operator of the log.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpResponse, HttpServer, web};
use clap::{Arg, ArgAction, ArgMatches, Command};
use probity_artifacts::Sha256Digest;
use probity_kernel::{Clock as _, SystemClock};
use probity_ledger::{AddCheckpoint, Checkpoint, NoteSigner, NoteVerifier, SignedNote};

use super::{Outcome, quiet};
use crate::keys::{KeyUse, load_or_create};
use crate::record::durable;
use crate::settings::Sources;

/// The largest request: a note of 16 signatures and 63 hashes are a few kilobytes.
const LARGEST: usize = 64 << 10;

pub(super) fn command() -> Command {
    Command::new("witness")
        .about("Runs a witness: cosigns checkpoints that continue the last one it saw (C2SP tlog-witness)")
        .arg(
            Arg::new("name")
                .long("name")
                .value_name("NAME")
                .required(true)
                .help("Name of the witness in its key, such as witness.example/w1"),
        )
        .arg(
            Arg::new("log")
                .long("log")
                .value_name("VKEY")
                .required(true)
                .action(ArgAction::Append)
                .help("Key of a log to witness, as /api/v1/audit/keys tells it; may be repeated"),
        )
        .arg(
            Arg::new("print-key")
                .long("print-key")
                .action(ArgAction::SetTrue)
                .help("Prints the key of the witness alone, and ends"),
        )
}

pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Outcome {
    let settings = quiet(sources)?;
    let name = matches.get_one::<String>("name").map_or("", String::as_str);
    let key = load_or_create(&settings.data_dir, KeyUse::Witness)?;
    let signer = NoteSigner::witness_from_seed(name, key.as_bytes())?;
    if matches.get_flag("print-key") {
        println!("{}", signer.verifier());
        return Ok(ExitCode::SUCCESS);
    }
    let mut logs = Vec::new();
    for text in matches.get_many::<String>("log").into_iter().flatten() {
        let log: NoteVerifier = text
            .parse()
            .map_err(|error| format!("--log `{text}`: {error}"))?;
        logs.push(log);
    }
    let witness = Data::new(Witness {
        signer,
        logs,
        folder: settings.data_dir.join("witness"),
        turn: Mutex::default(),
    });
    actix_web::rt::System::new().block_on(async {
        let shared = witness.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .app_data(PayloadConfig::new(LARGEST))
                .route("/add-checkpoint", web::post().to(add_checkpoint))
        })
        .workers(1)
        .bind(settings.listen)
        .map_err(|error| {
            format!(
                "setting `listen`: cannot serve on {}: {error}",
                settings.listen
            )
        })?;
        for address in server.addrs() {
            println!("witness {} on {address}", witness.signer.verifier());
        }
        server.run().await?;
        Ok(ExitCode::SUCCESS)
    })
}

struct Witness {
    signer: NoteSigner,
    logs: Vec<NoteVerifier>,
    folder: PathBuf,
    /// Comparing with the last checkpoint and keeping the next one are one step.
    turn: Mutex<()>,
}

/// How a request ends that is not answered with a cosignature.
enum Refusal {
    Malformed,
    UnknownLog,
    BadSignature,
    /// The size that is known is another one.
    Conflict(u64),
    BadProof,
    Storage(String),
}

async fn add_checkpoint(witness: Data<Witness>, body: Bytes) -> HttpResponse {
    let done = web::block(move || witness.add(&body)).await;
    let refusal = match done {
        Ok(Ok(line)) => {
            return HttpResponse::Ok()
                .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
                .body(line);
        }
        Ok(Err(refusal)) => refusal,
        Err(error) => Refusal::Storage(error.to_string()),
    };
    match refusal {
        Refusal::Malformed => HttpResponse::BadRequest().body("malformed request\n"),
        Refusal::UnknownLog => HttpResponse::NotFound().body("unknown log\n"),
        Refusal::BadSignature => HttpResponse::Forbidden().body("not signed by the log\n"),
        Refusal::BadProof => HttpResponse::build(StatusCode::UNPROCESSABLE_ENTITY)
            .body("the checkpoint does not continue the last one\n"),
        Refusal::Conflict(size) => HttpResponse::Conflict()
            .insert_header((CONTENT_TYPE, "text/x.tlog.size"))
            .body(format!("{size}\n")),
        Refusal::Storage(reason) => {
            tracing::error!(reason, "the witness cannot keep a checkpoint");
            HttpResponse::InternalServerError().body("the checkpoint could not be kept\n")
        }
    }
}

impl Witness {
    /// Compares, keeps and signs; answers the cosignature line.
    fn add(&self, body: &[u8]) -> Result<String, Refusal> {
        let request = AddCheckpoint::parse(body).map_err(|_| Refusal::Malformed)?;
        let note = SignedNote::parse(request.note().as_bytes()).map_err(|_| Refusal::Malformed)?;
        let next = Checkpoint::parse_body(note.text()).map_err(|_| Refusal::Malformed)?;
        let keys: Vec<NoteVerifier> = self
            .logs
            .iter()
            .filter(|log| log.name() == next.origin())
            .cloned()
            .collect();
        if keys.is_empty() {
            return Err(Refusal::UnknownLog);
        }
        Checkpoint::verify(request.note().as_bytes(), &keys).map_err(|_| Refusal::BadSignature)?;
        if request.old() > next.size() {
            return Err(Refusal::Malformed);
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let storage = |error: std::io::Error| Refusal::Storage(error.to_string());
        let path = self.path(next.origin());
        let known = match std::fs::read_to_string(&path) {
            Ok(body) => Some(
                Checkpoint::parse_body(&body)
                    .map_err(|error| Refusal::Storage(error.to_string()))?,
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(storage(error)),
        };
        let size = known.as_ref().map_or(0, Checkpoint::size);
        if request.old() != size {
            return Err(Refusal::Conflict(size));
        }
        if let Some(known) = &known {
            // The same size with another root: two histories.
            if known.size() == next.size() && known.root() != next.root() {
                return Err(Refusal::Conflict(size));
            }
            next.follows(known, request.proof())
                .map_err(|_| Refusal::BadProof)?;
        } else if !request.proof().hashes().is_empty() {
            return Err(Refusal::BadProof);
        }
        durable::write(&path, next.body().as_bytes()).map_err(storage)?;
        let at = u64::try_from(SystemClock.now().unix_timestamp()).unwrap_or(0);
        let line = self.signer.cosign(&next, at);
        Ok(format!("{line}\n"))
    }

    fn path(&self, origin: &str) -> PathBuf {
        let name = Sha256Digest::of(origin.as_bytes());
        self.folder.join(name.to_string())
    }
}
