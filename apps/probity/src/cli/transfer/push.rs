//! Upload.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::{Arg, ArgAction, ArgMatches};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::client::{Client, Trouble, accepted, explain, read};
use super::progress::Progress;
use super::resume::Note;
use super::text;
use crate::cli::digest;

/// How often completion is tried while the server says that chunks are missing.
const ROUNDS: usize = 3;

pub(super) fn arguments() -> [Arg; 5] {
    [
        Arg::new("parallel")
            .long("parallel")
            .value_name("N")
            .default_value("4")
            .value_parser(clap::value_parser!(u64).range(1..=32))
            .help("How many chunks are sent at the same time"),
        Arg::new("kind")
            .long("kind")
            .value_name("KIND")
            .default_value("model_binary")
            .help("model_binary, weights, checkpoint, adapter, tokenizer, prompt_bundle, eval_report, model_card or other"),
        Arg::new("version-label")
            .long("version-label")
            .value_name("LABEL")
            .help("Label of the version"),
        Arg::new("content-type")
            .long("content-type")
            .value_name("TYPE")
            .default_value("application/octet-stream")
            .help("Media type"),
        Arg::new("current")
            .long("current")
            .action(ArgAction::SetTrue)
            .help("Make it the product's current artifact"),
    ]
}

/// An upload session as the server tells of it.
#[derive(Debug, Deserialize)]
struct Session {
    id: String,
    chunk_size_bytes: u64,
    received_bytes: u64,
    received_chunks: Vec<u64>,
    status: String,
}

#[derive(Debug, Deserialize)]
struct Artifact {
    id: String,
    sha256: String,
}

/// A file on its way.
struct Upload {
    client: Client,
    path: PathBuf,
    size: u64,
    parallel: usize,
    note: Note,
    progress: Progress,
}

pub(super) async fn run(matches: &ArgMatches) -> Result<String, Trouble> {
    let client = Client::new(matches)?;
    let path = PathBuf::from(text(matches, "file"));
    let unreadable = |fault: std::io::Error| {
        Trouble::Refused(format!("{} cannot be read: {fault}", path.display()))
    };
    let known = std::fs::metadata(&path).map_err(unreadable)?;
    if !known.is_file() {
        return Err(Trouble::Refused(format!("{} is no file", path.display())));
    }
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let size = known.len();
    let body = json!({
        "file_name": name, "content_type": text(matches, "content-type"), "total_size_bytes": size,
        "artifact_kind": text(matches, "kind"),
        "version_label": matches.get_one::<String>("version-label"),
        "is_current": matches.get_flag("current"),
    });
    let note = Note::of(client.base(), &path, &body.to_string()).map_err(unreadable)?;
    let session = open(&client, &note, &body).await?;
    let parallel = matches.get_one::<u64>("parallel").copied().unwrap_or(4);
    let upload = Upload {
        progress: Progress::new(
            &name,
            size,
            session.received_bytes,
            matches.get_flag("quiet"),
        ),
        parallel: usize::try_from(parallel).unwrap_or(4),
        client,
        path: path.clone(),
        size,
        note,
    };
    let hashed = path.clone();
    let digest = tokio::task::spawn_blocking(move || digest_of(&hashed));
    let digest = async { digest.await.map_err(Trouble::refused)?.map_err(unreadable) };
    let sent = upload.finish(session, digest).await;
    upload.progress.end();
    sent
}

/// The session that an earlier run left, as long as it takes chunks; otherwise a new one.
async fn open(client: &Client, note: &Note, body: &Value) -> Result<Session, Trouble> {
    if let Some(id) = note.read() {
        let response = client
            .send(|| client.get(&format!("/uploads/{id}")))
            .await?;
        if !matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            let session: Session = read(accepted(response).await?).await?;
            if !matches!(session.status.as_str(), "failed" | "expired") {
                return Ok(session);
            }
        }
        note.clear();
    }
    let session: Session = client.fetch(|| client.post("/uploads").json(body)).await?;
    if let Err(fault) = note.write(&session.id) {
        eprintln!(
            "probity: a break could not be gone on with, the state folder is not writable: {fault}"
        );
    }
    Ok(session)
}

impl Upload {
    /// Sends what is missing and completes; `digest` is that of the whole file, once it is known.
    async fn finish(
        &self,
        mut session: Session,
        digest: impl Future<Output = Result<String, Trouble>>,
    ) -> Result<String, Trouble> {
        self.send_missing(&session).await?;
        let digest = digest.await?;
        for _ in 0..ROUNDS {
            let path = format!("/uploads/{}/complete", session.id);
            let body = json!({"sha256": digest});
            let response = self
                .client
                .send(|| self.client.post(&path).json(&body))
                .await?;
            let status = response.status();
            if status.is_success() {
                let artifact: Artifact = read(response).await?;
                self.note.clear();
                if artifact.sha256 != digest {
                    return Err(Trouble::refused("the server has other bytes than the file"));
                }
                return Ok(artifact.id);
            }
            let problem: Value = response.json().await.unwrap_or_default();
            if problem.get("code").and_then(Value::as_str) != Some("chunks_missing") {
                self.note.clear();
                return Err(Trouble::Refused(explain(status, &problem)));
            }
            let path = format!("/uploads/{}", session.id);
            session = self.client.fetch(|| self.client.get(&path)).await?;
            self.send_missing(&session).await?;
        }
        Err(Trouble::Unreachable(
            "the server keeps losing chunks".to_owned(),
        ))
    }

    async fn send_missing(&self, session: &Session) -> Result<(), Trouble> {
        if session.status == "completed" {
            return Ok(());
        }
        let size = session.chunk_size_bytes.max(1);
        let missing = (0..self.size.div_ceil(size))
            .filter(|index| session.received_chunks.binary_search(index).is_err());
        stream::iter(missing)
            .map(|index| self.send_chunk(session, index))
            .buffer_unordered(self.parallel)
            .try_for_each(|()| std::future::ready(Ok(())))
            .await
    }

    async fn send_chunk(&self, session: &Session, index: u64) -> Result<(), Trouble> {
        let start = index.saturating_mul(session.chunk_size_bytes);
        let length = session
            .chunk_size_bytes
            .min(self.size.saturating_sub(start));
        let path = self.path.clone();
        let chunk = tokio::task::spawn_blocking(move || chunk_of(&path, start, length));
        let chunk = chunk.await.map_err(Trouble::refused)?;
        let (bytes, digest) = chunk.map_err(|fault| {
            Trouble::Refused(format!(
                "{} changed or cannot be read: {fault}",
                self.path.display()
            ))
        })?;
        let bytes = actix_web::web::Bytes::from(bytes);
        let path = format!("/uploads/{}/chunks/{index}", session.id);
        let request = || {
            self.client
                .put(&path)
                .header("content-type", "application/octet-stream")
                .header("content-digest", &digest)
                .body(bytes.clone())
        };
        let response = self.client.send(request).await?;
        if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            self.note.clear();
        }
        accepted(response).await?;
        self.progress.add(length);
        Ok(())
    }
}

/// The bytes of a chunk, and their digest as RFC 9530 writes it.
fn chunk_of(path: &Path, start: u64, length: u64) -> std::io::Result<(Vec<u8>, String)> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
    file.read_exact(&mut bytes)?;
    let digest = BASE64_STANDARD.encode(Sha256::digest(&bytes));
    Ok((bytes, format!("sha-256=:{digest}:")))
}

/// SHA-256 of a file in hex.
fn digest_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    digest::read_into(&mut file, &mut hash)?;
    Ok(digest::hex(hash))
}
