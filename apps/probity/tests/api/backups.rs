//! Backups beside a server that clears away what was deleted meanwhile.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{Api, Backend, Place, TestApp, UNLIMITED};

const MIB: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_mins(1);

/// Bytes of which no two seeds have the same.
fn content(size: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![b'x'; size];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    bytes
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn base(product: &str) -> String {
    format!("/api/v1.0/catalog/products/{product}/model-artifacts")
}

pub(crate) async fn artifact(api: &Api, product: &str, content: &[u8]) -> Value {
    let uploads = format!("{}/uploads", base(product));
    let body = json!({"file_name": "weights.bin", "content_type": "application/octet-stream",
        "total_size_bytes": content.len()});
    let opened = api.post(&uploads, &body).send().await.expect(201);
    let path = format!("{uploads}/{}", opened["id"].as_str().unwrap());
    for (index, chunk) in content.chunks(8 * MIB).enumerate() {
        let call = api.call(Method::PUT, &format!("{path}/chunks/{index}"));
        let sent = call.raw("application/octet-stream", chunk).send().await;
        sent.expect(200);
    }
    let completed = api.post(&format!("{path}/complete"), &json!({})).send();
    completed.await.expect(200)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| {
        if path.is_dir() {
            files_below(&path)
        } else {
            vec![path]
        }
    };
    paths.flat_map(below).collect()
}

fn has(folder: &Path, artifact: &Value) -> bool {
    let name = artifact["sha256"].as_str().unwrap();
    files_below(folder).iter().any(|path| path.ends_with(name))
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &id]).status();
    assert!(sent.unwrap().success());
}

/// A server that has swept once.
fn swept(place: &Arc<Place>) -> TestApp {
    let often = ["--checkpoint-interval", "1", "--log-level", "debug"];
    let app = TestApp::spawn(place, &[&UNLIMITED[..], &often].concat());
    until("the server sweeps", || {
        app.log().contains("swept artifacts")
    });
    app
}

fn stop(app: &TestApp) {
    app.signal("TERM");
    assert!(app.wait().success());
}

/// A backup that stands still after it has read the rows and before it has all bytes.
fn half_a_backup(place: &Arc<Place>, to: &Path) -> (Child, PathBuf) {
    let partial = PathBuf::from(format!("{}.partial", to.display()));
    let mut command = place.command(&["backup", to.to_str().unwrap()]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the backup copies bytes", || partial.join("blobs").exists());
    signal(&child, "STOP");
    (child, partial)
}

async fn what_is_deleted_during_a_backup_is_in_it(place: Arc<Place>) {
    let app = Arc::new(TestApp::spawn(&place, &UNLIMITED));
    let api = Api::on(&app);
    let product = api.new_product().await;
    let large = content(64 * MIB, 0);
    // Bytes are copied in the order of their digests: this is behind the large one.
    let victim = (1..).map(|seed| content(1000, seed));
    let victim = { victim }.find(|it| digest(it) > digest(&large)).unwrap();
    artifact(&api, &product, &large).await;
    let victim_made = artifact(&api, &product, &victim).await;

    let to = place.file("placeholder", "").with_file_name("copy");
    let (backup, partial) = half_a_backup(&place, &to);
    assert!(!has(&partial, &victim_made), "it is copied already");
    let path = format!("{}/{}", base(&product), victim_made["id"].as_str().unwrap());
    api.delete(&path).send().await.expect(204);
    stop(&app);
    let blobs = place.data().join("artifacts/blobs");
    stop(&swept(&place));
    assert!(has(&blobs, &victim_made), "a backup is being made");

    signal(&backup, "CONT");
    let done = backup.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    stop(&swept(&place));
    assert!(!has(&blobs, &victim_made), "the backup is made");

    let backend = if place.psql("SELECT 1").is_some() {
        Backend::Postgres
    } else {
        Backend::Sqlite
    };
    let fresh = Place::new(backend).unwrap();
    fresh.run(&["restore", to.to_str().unwrap()]);
    let checked = fresh.run(&["check"]);
    assert!(checked.contains("every invariant holds"), "{checked}");
    let restored = Arc::new(TestApp::spawn(&fresh, &UNLIMITED));
    let there = Api::of(&restored, &api.organization);
    let back = there.get(&format!("{path}/download")).send().await;
    assert_eq!((back.status, back.bytes), (200, victim));
}

async fn a_backup_tells_what_the_store_has_lost(place: Arc<Place>) {
    let app = Arc::new(TestApp::spawn(&place, &UNLIMITED));
    let api = Api::on(&app);
    let product = api.new_product().await;
    let (mut made, blobs) = (Vec::new(), place.data().join("artifacts/blobs"));
    for seed in 0..3 {
        made.push(artifact(&api, &product, &content(100, seed)).await);
    }
    std::fs::write(blobs.join("unknown"), b"nobody's").unwrap();
    let path_of = |artifact: &Value| {
        let name = artifact["sha256"].as_str().unwrap();
        let found = files_below(&blobs)
            .into_iter()
            .find(|path| path.ends_with(name));
        found.unwrap()
    };
    std::fs::write(path_of(&made[0]), content(100, 9)).unwrap();
    std::fs::remove_file(path_of(&made[1])).unwrap();
    let to = place.file("placeholder", "").with_file_name("copy");
    let output = place
        .command(&["backup", to.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lost = |artifact: &Value| said.contains(artifact["storage_uri"].as_str().unwrap());
    assert_eq!(
        [0, 1, 2].map(|at| lost(&made[at])),
        [true, true, false],
        "{said}"
    );
    // All else is there.
    assert!(has(&to, &made[2]) && to.join("manifest.json").exists());
    assert!(
        !files_below(&to)
            .iter()
            .any(|path| path.ends_with("unknown"))
    );
}

both_alone!(
    what_is_deleted_during_a_backup_is_in_it,
    a_backup_tells_what_the_store_has_lost,
);
