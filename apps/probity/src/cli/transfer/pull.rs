//! Download.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches};
use probity_supply::signature::{self, PublicKey};
use reqwest::header::RANGE;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::client::{Client, Trouble, accepted, broken};
use super::progress::Progress;
use crate::cli::digest::{hex, read_into};

/// How often a broken download is gone on with in one run.
const ROUNDS: usize = 20;

pub(super) fn arguments() -> [Arg; 5] {
    [
        Arg::new("artifact")
            .value_name("ARTIFACT")
            .help("Id of the artifact; the product's current one when absent"),
        Arg::new("output")
            .long("output")
            .short('o')
            .value_name("FILE")
            .help("Where to put it; under its own name in this folder when absent"),
        Arg::new("force")
            .long("force")
            .action(ArgAction::SetTrue)
            .help("Replace a file that is there"),
        Arg::new("signature")
            .long("signature")
            .value_name("BUNDLE")
            .requires("public-key")
            .help("A model-signing bundle that has to hold for the file"),
        Arg::new("public-key")
            .long("public-key")
            .value_name("PEM")
            .requires("signature")
            .help("The key that has to have signed"),
    ]
}

#[derive(Debug, Deserialize)]
struct Artifact {
    id: String,
    file_name: String,
    size_bytes: u64,
    sha256: String,
    status: String,
    is_current: bool,
}

pub(super) async fn run(matches: &ArgMatches) -> Result<String, Trouble> {
    let client = Client::new(matches)?;
    let signer = signer(matches)?;
    let artifact = find(&client, matches.get_one::<String>("artifact")).await?;
    if let Some((bundle, key)) = &signer {
        signature::verify(bundle, key, &artifact.file_name, &artifact.sha256)
            .map_err(Trouble::refused)?;
    }
    let target = match matches.get_one::<String>("output") {
        Some(path) => PathBuf::from(path),
        None => own_name(&artifact)?,
    };
    if target.exists() && !matches.get_flag("force") {
        return Err(Trouble::Refused(format!(
            "{} is there already; --force replaces it",
            target.display()
        )));
    }
    let part = partial(&target, &artifact);
    download(&client, &artifact, &part, matches.get_flag("quiet")).await?;
    let wrong = |fault: io::Error| Trouble::Refused(format!("{}: {fault}", target.display()));
    fs::rename(&part, &target).map_err(wrong)?;
    let folder = target.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(wrong)?;
    Ok(target.display().to_string())
}

/// The bundle and the key, when a signature is demanded.
fn signer(matches: &ArgMatches) -> Result<Option<(Vec<u8>, PublicKey)>, Trouble> {
    let (Some(bundle), Some(key)) = (
        matches.get_one::<String>("signature"),
        matches.get_one::<String>("public-key"),
    ) else {
        return Ok(None);
    };
    let unreadable = |path: &str, fault: &io::Error| Trouble::Refused(format!("{path}: {fault}"));
    let bundle_bytes = fs::read(bundle).map_err(|fault| unreadable(bundle, &fault))?;
    let pem = fs::read_to_string(key).map_err(|fault| unreadable(key, &fault))?;
    let key = PublicKey::from_pem(&pem).map_err(Trouble::refused)?;
    Ok(Some((bundle_bytes, key)))
}

/// The artifact of that id, or the current one.
async fn find(client: &Client, id: Option<&String>) -> Result<Artifact, Trouble> {
    let mut query = "?limit=1000".to_owned();
    loop {
        let response = client.send(|| client.get(&query)).await?;
        let response = accepted(response).await?;
        let next = response.headers().get("x-next-cursor");
        let next = next
            .and_then(|cursor| cursor.to_str().ok())
            .map(str::to_owned);
        let listed: Vec<Artifact> = super::client::read(response).await?;
        let wanted = |one: &Artifact| id.map_or(one.is_current, |id| one.id == *id);
        if let Some(artifact) = listed.into_iter().find(wanted) {
            if artifact.status != "available" {
                let told = format!(
                    "the artifact is {}, its bytes cannot be trusted",
                    artifact.status
                );
                return Err(Trouble::Refused(told));
            }
            return Ok(artifact);
        }
        match next {
            Some(cursor) => query = format!("?limit=1000&cursor={cursor}"),
            None if id.is_some() => {
                return Err(Trouble::refused("the product has no such artifact"));
            }
            None => {
                return Err(Trouble::refused(
                    "the product has no current artifact; name one",
                ));
            }
        }
    }
}

/// The artifact's file name, as long as it is a plain name in this folder.
fn own_name(artifact: &Artifact) -> Result<PathBuf, Trouble> {
    let name = artifact.file_name.as_str();
    let is_plain = !name.is_empty()
        && !name.starts_with('.')
        && !name.contains(['/', '\\', ':'])
        && !name.chars().any(char::is_control);
    if is_plain {
        return Ok(PathBuf::from(name));
    }
    Err(Trouble::refused(
        "the artifact's file name is no plain name; say where to put it with --output",
    ))
}

/// Where the bytes are until they are all there and verified: a break of another artifact is not gone on with.
fn partial(target: &Path, artifact: &Artifact) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    let digest = artifact.sha256.get(..12).unwrap_or_default();
    name.push(format!(".{digest}.part"));
    target.with_file_name(name)
}

async fn download(
    client: &Client,
    artifact: &Artifact,
    part: &Path,
    quiet: bool,
) -> Result<(), Trouble> {
    let wrong = |fault: io::Error| Trouble::Refused(format!("{}: {fault}", part.display()));
    let mut file = OpenOptions::new();
    let mut file = file
        .create(true)
        .read(true)
        .append(true)
        .open(part)
        .map_err(wrong)?;
    let mut hash = Sha256::new();
    let mut have = read_into(&mut file, &mut hash).map_err(wrong)?;
    let progress = Progress::new(&artifact.file_name, artifact.size_bytes, have, quiet);
    let mut last = None;
    for _ in 0..ROUNDS {
        if have >= artifact.size_bytes {
            break;
        }
        let response = ask(client, artifact, have).await?;
        if have > 0 && response.status() != StatusCode::PARTIAL_CONTENT {
            file.set_len(0).map_err(wrong)?;
            (have, hash) = (0, Sha256::new());
        }
        last = receive(response, artifact, &mut have, &mut |bytes| {
            hash.update(bytes);
            progress.add(u64::try_from(bytes.len()).unwrap_or_default());
            file.write_all(bytes)
        })
        .await
        .err();
        match last {
            None | Some(Trouble::Unreachable(_)) => {}
            Some(refused) => return Err(refused),
        }
    }
    progress.end();
    if let Some(trouble) = last {
        return Err(trouble);
    }
    let digest = hex(hash);
    if have != artifact.size_bytes || digest != artifact.sha256 {
        drop(file);
        fs::remove_file(part).map_err(wrong)?;
        return Err(Trouble::Refused(format!(
            "the bytes that came have the digest {digest}, the artifact has {}; they were removed",
            artifact.sha256
        )));
    }
    file.sync_all().map_err(wrong)
}

async fn ask(client: &Client, artifact: &Artifact, have: u64) -> Result<Response, Trouble> {
    let path = format!("/{}/download", artifact.id);
    let request = || {
        let request = client.get(&path);
        if have == 0 {
            return request;
        }
        // The bytes of an artifact never change, and an object store that a download leads to knows
        // them by another entity tag: the digest of the whole decides.
        request.header(RANGE, format!("bytes={have}-"))
    };
    accepted(client.send(request).await?).await
}

/// Takes the body to its end, and no further than the artifact's size.
async fn receive(
    mut response: Response,
    artifact: &Artifact,
    have: &mut u64,
    take: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Trouble> {
    while let Some(bytes) = response.chunk().await.map_err(|fault| broken(&fault))? {
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if have.saturating_add(more) > artifact.size_bytes {
            return Err(Trouble::refused(
                "the server sends more bytes than the artifact has",
            ));
        }
        take(&bytes)
            .map_err(|fault| Trouble::Refused(format!("the file cannot be written: {fault}")))?;
        *have += more;
    }
    if *have < artifact.size_bytes {
        return Err(Trouble::Unreachable("the connection broke".to_owned()));
    }
    Ok(())
}
