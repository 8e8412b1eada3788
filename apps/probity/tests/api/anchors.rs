//! Checkpoints kept outside: the anchor file, time stamps of an authority, webhooks.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_ledger::{Checkpoint, NoteList};
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::harness::{Api, Place, TestApp};
use crate::record::{AUDIT, checkpoint, keys, stop, text, verify};

/// How long a worker may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

async fn known(api: &Api) -> String {
    let keys: Vec<String> = keys(api).await.iter().map(ToString::to_string).collect();
    keys.join("\n")
}

async fn export(api: &Api, query: &str) -> String {
    text(api.get(&format!("{AUDIT}/export?{query}"))).await
}

fn numbers(told: &Value) -> Vec<u64> {
    let list = told.as_array().unwrap();
    list.iter().map(|number| number.as_u64().unwrap()).collect()
}

async fn every_signed_checkpoint_is_in_the_anchor_file(place: Arc<Place>) {
    let path = place.file("anchors", "");
    std::fs::remove_file(&path).unwrap();
    let flag = path.to_str().unwrap();
    let flags = ["--anchor-file", flag, "--checkpoint-interval", "3600"];
    let api = Api::on(&Arc::new(TestApp::spawn(&place, &flags)));
    let mut seen = Vec::new();
    for _ in 0..3 {
        api.new_model(&json!({})).await;
        let signed = checkpoint(&api).await;
        let anchored = NoteList::parse(&std::fs::read(&path).unwrap());
        let last = Checkpoint::parse_body(anchored.notes.last().unwrap().text()).unwrap();
        assert_eq!((last, anchored.broken), (signed.clone(), 0));
        seen.push(signed.size());
    }
    let old = export(&api, "").await;
    api.new_model(&json!({})).await;
    stop(&api);
    let app = Arc::new(TestApp::spawn(&place, &flags));
    let api = Api::of(&app, &api.organization);
    let bundle = export(&api, "").await;
    let anchors = std::fs::read_to_string(&path).unwrap();
    let known = known(&api).await;
    let ask = |name: &str, bundle: &str, anchors: &str| {
        let given = [("--keys", known.as_str()), ("--anchors", anchors)];
        verify(&api, name, bundle, &given)
    };
    let (code, told) = ask("anchored", &bundle, &anchors);
    assert_eq!(code, 3, "{told}");
    assert_eq!(told["anchors"]["this_checkpoint"], true, "{told}");
    assert!(
        seen.iter()
            .all(|size| numbers(&told["anchors"]["continued"]).contains(size)),
        "{told}"
    );
    assert_eq!(told["limits"], json!({"unwitnessed": 1}));
    // An old bundle is a part of what was anchored since.
    let (code, told) = ask("old", &old, &anchors);
    assert_eq!(
        (code, !numbers(&told["anchors"]["later"]).is_empty()),
        (3, true),
        "{told}"
    );
    // A log whose end was cut off, or that never was anchored.
    let without = without(&anchors, seen[2]);
    let (code, told) = ask("cut", &old, &without);
    assert_eq!((code, &told["reason"]), (1, &json!("shrunk")), "{told}");
    // Another root in an anchor: with nobody's key there is nothing else to go by.
    let forged = anchors.replacen(
        &root_line(&anchors, seen[0]),
        &format!("{}=", "A".repeat(43)),
        1,
    );
    let (code, told) = verify(&api, "forged", &bundle, &[("--anchors", &forged)]);
    assert_eq!((code, &told["reason"]), (1, &json!("rewritten")), "{told}");
    let (code, told) = ask("unsigned", &bundle, &forged);
    assert_eq!(
        (code, &told["anchors"]["unsigned"]),
        (3, &json!(1)),
        "{told}"
    );
    let (code, told) = ask("none", &bundle, "");
    assert_eq!(
        (code, &told["limits"]["unanchored"]),
        (3, &json!(1)),
        "{told}"
    );
    stop(&api);
    let refused = place
        .command(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--anchor-file",
            "/nowhere/anchors",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("anchor-file"),
        "{said}"
    );
}

/// The file without the checkpoint over so many entries.
fn without(anchors: &str, size: u64) -> String {
    let list = NoteList::parse(anchors.as_bytes());
    let others = list
        .notes
        .iter()
        .filter(|note| Checkpoint::parse_body(note.text()).unwrap().size() != size);
    let others: Vec<String> = others.map(|note| format!("{note}\n")).collect();
    others.concat()
}

/// The line with the root of the checkpoint over so many entries.
fn root_line(anchors: &str, size: u64) -> String {
    let at = anchors.find(&format!("\n{size}\n")).unwrap();
    anchors[at..].lines().nth(2).unwrap().to_owned()
}

/// A time-stamp authority: another implementation behind HTTP.
struct Authority {
    folder: PathBuf,
    certificates: &'static str,
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let done = Command::new("openssl")
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{arguments:?}: {said}");
}

const CONFIGURATION: &str = "[req]
distinguished_name = none
[none]
[authority]
basicConstraints = CA:FALSE
extendedKeyUsage = critical, timeStamping
[ca]
basicConstraints = critical, CA:TRUE
[tsa]
default_tsa = answers
[answers]
serial = serial
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
signer_digest = sha256
accuracy = secs:1
";

impl Authority {
    /// Keys and certificates; `None` where there is no OpenSSL.
    fn new(folder: &Path) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "openssl is missing");
            return None;
        }
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("conf"), CONFIGURATION).unwrap();
        std::fs::write(folder.join("serial"), "01\n").unwrap();
        let request = "req -config conf -newkey rsa:2048 -nodes";
        for line in [
            format!("{request} -x509 -keyout ca.key -out ca.pem -subj /CN=Root -days 2 -extensions ca"),
            format!("{request} -keyout tsa.key -out tsa.csr -subj /CN=Clock"),
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile conf -extensions authority -out tsa.pem".to_owned(),
        ] {
            openssl(folder, &line.split(' ').collect::<Vec<_>>());
        }
        Some(Self {
            folder: folder.to_owned(),
            certificates: "ca.pem",
        })
    }

    fn certificates(&self) -> String {
        std::fs::read_to_string(self.folder.join(self.certificates)).unwrap()
    }
}

impl Respond for Authority {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        std::fs::write(self.folder.join("query"), &request.body).unwrap();
        let arguments =
            "ts -reply -config conf -queryfile query -signer tsa.pem -inkey tsa.key -out reply";
        openssl(&self.folder, &arguments.split(' ').collect::<Vec<_>>());
        let reply = std::fs::read(self.folder.join("reply")).unwrap();
        ResponseTemplate::new(200).set_body_raw(reply, "application/timestamp-reply")
    }
}

/// Waits until an export has a time stamp over so many entries, the last of these.
async fn stamped(api: &Api, trusted: &str, query: &str, size: u64) -> (String, Vec<u64>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let bundle = export(api, query).await;
        let (_, told) = verify(api, "waiting", &bundle, &[("--tsa-cert", trusted)]);
        let stamps = told["timestamps"]["verified"].as_array().unwrap();
        let sizes: Vec<u64> = stamps
            .iter()
            .map(|one| one["size"].as_u64().unwrap())
            .collect();
        if sizes.last() == Some(&size) {
            return (bundle, sizes);
        }
        assert!(Instant::now() < deadline, "{sizes:?} {}", api.app.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn checkpoints_are_stamped_and_the_time_verifies_offline(place: Arc<Place>) {
    let folder = place.file("authority", "");
    std::fs::remove_file(&folder).unwrap();
    let Some(authority) = Authority::new(&folder) else {
        return;
    };
    let (trusted, foreign) = (
        authority.certificates(),
        include_str!("../../../../crates/timestamp/tests/vectors/root.pem"),
    );
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(authority)
        .mount(&server)
        .await;
    let certificates = folder.join("ca.pem").display().to_string();
    let url = server.uri();
    let flags = [
        "--timestamp-url",
        &url,
        "--timestamp-cert-file",
        &certificates,
        "--timestamp-interval",
        "0",
        "--checkpoint-interval",
        "1",
    ];
    let api = Api::on(&Arc::new(TestApp::spawn(&place, &flags)));
    api.new_model(&json!({})).await;
    let covered = checkpoint(&api).await.size();
    let (first, sizes) = stamped(&api, &trusted, "", covered).await;
    assert_eq!(sizes, [covered]);
    api.new_model(&json!({})).await;
    let last = checkpoint(&api).await.size();
    // The first that covers the run, and the last of all.
    let query = format!("to={covered}");
    let (both, sizes) = stamped(&api, &trusted, &query, last).await;
    assert_eq!(sizes, [covered, last]);
    let known = known(&api).await;
    let ask = |name: &str, bundle: &str, certificates: &str| {
        let given = [("--keys", known.as_str()), ("--tsa-cert", certificates)];
        verify(&api, name, bundle, &given)
    };
    let (code, told) = ask("stamped", &both, &trusted);
    assert_eq!(
        (code, &told["limits"]),
        (3, &json!({"unwitnessed": 1})),
        "{told}"
    );
    let stamps = told["timestamps"]["verified"].as_array().unwrap();
    assert_eq!(stamps.len(), 2, "{told}");
    assert_eq!(stamps[0]["authority"], "CN=Clock");
    assert!(
        stamps[0]["time"].as_str() <= stamps[1]["time"].as_str(),
        "{told}"
    );
    let (code, told) = ask("foreign", &first, foreign);
    assert_eq!((code, &told["reason"]), (1, &json!("timestamp")), "{told}");
    let (code, told) = verify(&api, "unasked", &first, &[("--keys", &known)]);
    assert_eq!(
        (code, &told["timestamps"]["unchecked"]),
        (3, &json!(1)),
        "{told}"
    );
    stop(&api);
    // The authority is gone: the log goes on, and the stamps that there are stay.
    server.reset().await;
    let api = Api::of(&Arc::new(TestApp::spawn(&place, &flags)), &api.organization);
    api.new_model(&json!({})).await;
    let later = export(&api, "").await;
    let (code, told) = ask("later", &later, &trusted);
    assert_eq!(
        (
            code,
            told["timestamps"]["verified"].as_array().unwrap().len()
        ),
        (3, 1),
        "{told}"
    );
    let deadline = Instant::now() + PATIENCE;
    while !api.app.log().contains("was not stamped") {
        assert!(Instant::now() < deadline, "{}", api.app.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop(&api);
    place.run(&["check"]);
}

/// Whoever listens for `audit.checkpoint` gets each as it was signed, and can verify the log with it.
async fn checkpoints_reach_webhooks_as_they_were_signed(api: Api) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let body = json!({"target_url": format!("{}/anchors", server.uri()), "event_types": ["audit.checkpoint"]});
    let path = "/api/v1/governance-events/webhooks";
    api.post(path, &body).send().await.expect(201);
    api.new_model(&json!({})).await;
    let note = text(api.get(&format!("{AUDIT}/checkpoint"))).await;
    let signed = Checkpoint::verify(note.as_bytes(), &keys(&api).await).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let told = loop {
        let requests = server.received_requests().await.unwrap();
        let bodies = requests
            .iter()
            .map(|one| serde_json::from_slice::<Value>(&one.body).unwrap());
        let found = bodies
            .filter(|body| body["type"] == "audit.checkpoint")
            .find(|body| body["data"]["size"] == signed.size());
        if let Some(found) = found {
            break found;
        }
        assert!(Instant::now() < deadline, "{requests:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let received = told["data"]["checkpoint"].as_str().unwrap();
    assert_eq!(received, note);
    api.new_model(&json!({})).await;
    let (code, told) = verify(
        &api,
        "hook",
        &export(&api, "").await,
        &[("--keys", &known(&api).await), ("--since", received)],
    );
    assert_eq!(
        (code, &told["continues"]),
        (3, &json!(signed.size())),
        "{told}"
    );
}

both_alone!(
    every_signed_checkpoint_is_in_the_anchor_file,
    checkpoints_are_stamped_and_the_time_verifies_offline,
);

both!(checkpoints_reach_webhooks_as_they_were_signed);
