//! Retention windows, backups that come back, people who are forgotten.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Place, TestApp, UNLIMITED, bare_command};

const WINDOWS: &str = "/api/v1/admin/data-retention";
const ERASURES: &str = "/api/v1/admin/erasures";

fn window<'a>(page: &'a Value, target: &str) -> &'a Value {
    let windows = page["windows"].as_array().unwrap();
    windows.iter().find(|one| one["target"] == target).unwrap()
}

async fn windows_are_set_within_their_bounds(api: Api) {
    let fresh = api.get(WINDOWS).send().await.expect(200);
    for (target, days) in [("findings", 1095), ("evidence_packets", 2555)] {
        assert_eq!(window(&fresh, target)["retention_days"], days);
        assert_eq!(window(&fresh, target)["updated_at"], Value::Null);
    }
    let patch = async |body: Value| {
        let call = api.call(Method::PATCH, WINDOWS).json(&body);
        call.send().await
    };
    // As the contract prints it.
    let same = patch(json!({"target": "evidence_packets", "retention_days": 2555})).await;
    assert_eq!(same.expect(200), fresh, "what is as it was changes nothing");
    let set = patch(json!({"target": "audit_logs", "retention_days": 30})).await;
    let set = set.expect(200);
    assert_eq!(window(&set, "audit_logs")["effective_days"], 30);
    for (body, field) in [
        (json!({"retention_days": 100}), "/target"),
        (json!({"target": "everything"}), "/target"),
        (
            json!({"target": "findings", "retention_days": 29}),
            "/retention_days",
        ),
        (
            json!({"target": "findings", "retention_days": 3651}),
            "/retention_days",
        ),
        (
            json!({"target": "findings", "retention_days": "30"}),
            "/retention_days",
        ),
        (
            json!({"target": "findings", "legal_hold": true}),
            "/hold_reason",
        ),
        (
            json!({"target": "findings", "retention_days": null}),
            "/retention_days",
        ),
        (
            json!({"target": "findings", "legal_hold": null}),
            "/legal_hold",
        ),
        (json!({"target": "findings", "hold_reason": null}), ""),
        (json!({"target": "findings"}), ""),
    ] {
        let refused = patch(body.clone()).await;
        assert_eq!(refused.faults(400, "validation_error"), [field], "{body}");
    }
    let null = patch(json!({"target": "findings", "legal_hold": null})).await;
    assert_eq!(null.json()["errors"][0]["code"], "not_nullable");
    let held = json!({"target": "findings", "legal_hold": true, "hold_reason": "case 7"});
    let held = patch(held).await.expect(200);
    assert_eq!(window(&held, "findings")["effective_days"], Value::Null);
    // Law asks for longer where a product of high risk is governed.
    let space = api.new_space().await;
    let product = json!({"name": "Triage", "risk_classification": "high"});
    let products = format!("/api/v1.0/catalog/spaces/{space}/products");
    api.post(&products, &product).send().await.expect(201);
    let floored = api.get(WINDOWS).send().await.expect(200);
    let audit = window(&floored, "audit_logs");
    assert_eq!(audit["effective_days"], 184);
    assert_eq!(audit["legal_floor"]["applies"], true);
    assert!(
        audit["legal_floor"]["article"]
            .as_str()
            .unwrap()
            .contains("Article")
    );
    for role in ["read", "write"] {
        let key = api.new_key(role);
        let call = api.call(Method::PATCH, WINDOWS).bearer(&key);
        call.json(&json!({})).send().await.problem(403, "forbidden");
    }
}

async fn erasures_are_checked_before_anything_is_erased(api: Api) {
    for (body, field) in [
        (json!({}), "/subject"),
        (json!({"subject": "abc"}), "/subject"),
        (
            json!({"subject": "carol@example.org", "basis": ""}),
            "/basis",
        ),
        (
            json!({"subject": "carol@example.org", "ticket": "x".repeat(101)}),
            "/ticket",
        ),
    ] {
        let refused = api.post(ERASURES, &body).send().await;
        assert_eq!(refused.faults(400, "validation_error"), [field], "{body}");
    }
    let nobody = json!({"subject": "nobody@example.org"});
    let none = api.post(ERASURES, &nobody).send().await.expect(200);
    assert_eq!(
        none,
        json!({"users": 0, "fields": 0, "slots": 0, "left": []})
    );
}

/// Some of everything, with a person in it.
async fn populate(api: &Api, address: &str) -> Vec<String> {
    let token = api.new_user_token("auth0|0123456789abcdef", "admin", address);
    let person = Api {
        key: token,
        ..api.clone()
    };
    let model = person
        .new_model(
            &json!({"owner": address.to_uppercase(), "description": format!("ask {address}")}),
        )
        .await;
    let model = format!("/api/admin/models/{}", model["id"].as_str().unwrap());
    let changed = json!({"description": format!("no longer ask {address}")});
    person.put(&model, &changed).send().await.expect(200);
    let space = person.new_space().await;
    let product = person.product_in(&space).await;
    let path = format!("/api/v1.0/catalog/spaces/{space}/products/{product}");
    let owner = person
        .call(Method::PATCH, &path)
        .json(&json!({"owner": address}));
    owner.send().await.expect(200);
    let base = format!("/api/v1.0/catalog/products/{product}");
    let mitigation = json!({"title": "t", "severity": "high", "owner": address});
    let made = person
        .post(&format!("{base}/risk-mitigations"), &mitigation)
        .send()
        .await;
    made.expect(201);
    let snapshot = json!({"modelId": product, "driftScore": 90, "fairnessScore": 99, "sampleSize": 5, "notes": format!("by {address}")});
    person
        .post("/api/v1/metrics", &snapshot)
        .send()
        .await
        .expect(200);
    let alerts = person.get("/api/v1/alerts").send().await.expect(200);
    let alert = format!(
        "/api/v1/alerts/{}",
        alerts["alerts"][0]["id"].as_str().unwrap()
    );
    let note = json!({"note": format!("told {address}")});
    person
        .post(&format!("{alert}/acknowledge"), &note)
        .send()
        .await
        .expect(200);
    vec![model, path, alert]
}

/// The files below a folder that hold a text, whatever the case of its letters.
fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let lower = String::from_utf8_lossy(&bytes).to_lowercase();
        if lower.contains(&text.to_lowercase()) {
            found.push(path);
        }
    }
    found
}

async fn nothing_of_a_person_stays_behind(place: Arc<Place>) {
    let app = Arc::new(TestApp::spawn(&place, &UNLIMITED));
    let api = Api::on(&app);
    let address = "carol.jones@example.org";
    let subject = "0123456789abcdef";
    let things = populate(&api, address).await;
    let before = api
        .get(&format!("{}/history", things[0]))
        .send()
        .await
        .expect(200);
    assert!(before.to_string().to_lowercase().contains(address));
    let is_file = place.psql("SELECT 1").is_none();
    if is_file {
        assert!(!files_with(place.data(), address).is_empty());
    }
    let erased = json!({"subject": address, "ticket": "PRIV-7"});
    let erased = api.post(ERASURES, &erased).send().await.expect(200);
    assert_eq!(erased["users"], 1, "{erased}");
    assert!(erased["fields"].as_u64().unwrap() > 5, "{erased}");
    assert!(erased["slots"].as_u64().unwrap() > 3, "{erased}");
    assert_eq!(erased["left"], json!([]));
    // Nobody who reads learns the person, now or then; what changed is told as erased.
    for thing in &things {
        let answer = api.get(thing).send().await.expect(200);
        assert!(
            !answer.to_string().to_lowercase().contains(address),
            "{answer}"
        );
    }
    let after = api
        .get(&format!("{}/history", things[0]))
        .send()
        .await
        .expect(200);
    assert_eq!(after["total"], before["total"]);
    assert_eq!(after["history"][0]["changes"], Value::Null, "{after}");
    let again = api
        .post(ERASURES, &json!({"subject": address}))
        .send()
        .await
        .expect(200);
    assert_eq!(again["slots"], 0, "{again}");
    app.signal("TERM");
    assert!(app.wait().success());
    // And the record still holds, every absence explained.
    place.run(&["check"]);
    let copy = place.file("placeholder", "").with_file_name("copy");
    place.run(&["backup", copy.to_str().unwrap()]);
    let mut folders = vec![copy];
    if is_file {
        folders.push(place.data().to_owned());
    }
    for folder in folders {
        for text in [address, subject] {
            assert_eq!(files_with(&folder, text), Vec::<PathBuf>::new(), "{text}");
        }
    }
}

async fn a_backup_comes_back_whole_or_not_at_all(place: Arc<Place>) {
    let app = Arc::new(TestApp::spawn(&place, &UNLIMITED));
    let api = Api::on(&app);
    let things = populate(&api, "dave@example.org").await;
    let product = api.new_product().await;
    let made = crate::backups::artifact(&api, &product, b"weights").await;
    let artifacts = crate::backups::base(&product);
    let download = format!("{artifacts}/{}/download", made["id"].as_str().unwrap());
    let copy = place.file("placeholder", "").with_file_name("copy");
    let copy_text = copy.to_str().unwrap().to_owned();
    // The server goes on meanwhile.
    let taken = answers(&api, &things).await;
    place.run(&["backup", &copy_text]);
    let later = json!({"description": "after the backup"});
    api.put(&things[0], &later).send().await.expect(200);
    let fails = |place: &Place, arguments: &[&str]| {
        let output = place.command(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = fails(&place, &["backup", &copy_text]);
    assert!(said.contains("exists already"), "{said}");
    let said = fails(&place, &["restore", &copy_text]);
    assert!(said.contains("not empty"), "{said}");
    let backend = if place.psql("SELECT 1").is_some() {
        crate::harness::Backend::Postgres
    } else {
        crate::harness::Backend::Sqlite
    };
    let fresh = Place::new(backend).unwrap();
    // One bit of one file is another: refused, and nothing is written.
    let victim = std::fs::read_dir(&copy).unwrap();
    let victim = victim
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.is_file()
                && path.file_name().unwrap() != "manifest.json"
                && path.metadata().unwrap().len() > 100
        })
        .unwrap();
    let good = std::fs::read(&victim).unwrap();
    let mut bad = good.clone();
    bad[60] ^= 1;
    std::fs::write(&victim, &bad).unwrap();
    let said = fails(&fresh, &["restore", &copy_text]);
    assert!(said.contains("is not the one that was copied"), "{said}");
    std::fs::write(&victim, &good).unwrap();
    std::fs::write(copy.join("more"), b"x").unwrap();
    let said = fails(&fresh, &["restore", &copy_text]);
    assert!(said.contains("the manifest does not name it"), "{said}");
    std::fs::remove_file(copy.join("more")).unwrap();
    let said = fresh.run(&["restore", &copy_text]);
    assert!(said.contains("every invariant holds"), "{said}");
    let restored = Arc::new(TestApp::spawn(&fresh, &UNLIMITED));
    let there = Api::of(&restored, &api.organization);
    assert_eq!(answers(&there, &things).await, taken);
    assert_eq!(there.get(&download).send().await.bytes, b"weights");
    // It goes on from there.
    there.put(&things[0], &later).send().await.expect(200);
    let said = bare_command(&["restore", "/nowhere"]).output().unwrap();
    assert!(!said.status.success());
}

/// Starts a server that is to refuse, and answers what it says.
fn refused(place: &Place) -> String {
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.stderr(std::process::Stdio::piped());
    let mut server = command.spawn().unwrap();
    for _ in 0..600 {
        if let Some(status) = server.try_wait().unwrap() {
            assert!(!status.success());
            let output = server.wait_with_output().unwrap();
            return String::from_utf8(output.stderr).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    server.kill().unwrap();
    panic!("the server serves an old record");
}

async fn an_old_backup_is_refused_until_an_epoch_is_opened(place: Arc<Place>) {
    let copy = place.file("placeholder", "").with_file_name("copy");
    let copy = copy.to_str().unwrap();
    let app = Arc::new(TestApp::spawn(&place, &UNLIMITED));
    let api = Api::on(&app);
    api.new_model(&json!({})).await;
    place.run(&["backup", copy]);
    api.new_model(&json!({})).await;
    app.signal("TERM");
    assert!(app.wait().success(), "it signs what there is");
    if place
        .psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .is_none()
    {
        for name in ["probity.db", "probity.db-wal", "probity.db-shm"] {
            let _ = std::fs::remove_file(place.data().join(name));
        }
    }
    place.run(&["restore", copy]);
    let said = refused(&place);
    assert!(said.contains("epoch open"), "{said}");
    place.run(&[
        "epoch",
        "open",
        "--org",
        &api.organization,
        "--reason",
        "disk lost",
    ]);
    let app = Arc::new(TestApp::spawn(&place, &UNLIMITED));
    let again = Api::of(&app, &api.organization);
    let models = again.get("/api/admin/models").send().await.expect(200);
    assert_eq!(models["total"], 1);
}

async fn answers(api: &Api, things: &[String]) -> Vec<Value> {
    let mut answers = Vec::new();
    for thing in things {
        answers.push(api.get(thing).send().await.expect(200));
        if !thing.contains("/spaces/") {
            let history = api.get(&format!("{thing}/history")).send().await;
            answers.push(history.expect(200));
        }
    }
    answers
}

both!(
    windows_are_set_within_their_bounds,
    erasures_are_checked_before_anything_is_erased,
);
both_alone!(
    nothing_of_a_person_stays_behind,
    a_backup_comes_back_whole_or_not_at_all,
    an_old_backup_is_refused_until_an_epoch_is_opened,
);
