//! The record over HTTP: entries, checkpoints, proofs, tiles; checked with the ledger's own verifiers.

use std::sync::Arc;

use probity_ledger::{
    Checkpoint, ConsistencyProof, Frontier, Hash, InclusionProof, Leaf, NoteVerifier, TlogProof,
    verify_consistency, verify_inclusion,
};
use serde_json::{Value, json};

use crate::harness::{Api, Call, Place, TestApp, bare_command};

pub(crate) const AUDIT: &str = "/api/v1/audit";

pub(crate) async fn text(call: Call) -> String {
    let reply = call.send().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    String::from_utf8(reply.bytes).unwrap()
}

async fn entries(api: &Api, query: &str) -> Value {
    api.get(&format!("{AUDIT}/entries?{query}"))
        .send()
        .await
        .expect(200)
}

pub(crate) async fn keys(api: &Api) -> Vec<NoteVerifier> {
    let told = api.get(&format!("{AUDIT}/keys")).send().await.expect(200);
    let keys = told["keys"].as_array().unwrap();
    keys.iter()
        .map(|key| key["vkey"].as_str().unwrap().parse().unwrap())
        .collect()
}

pub(crate) async fn checkpoint(api: &Api) -> Checkpoint {
    let note = text(api.get(&format!("{AUDIT}/checkpoint"))).await;
    Checkpoint::verify(note.as_bytes(), &keys(api).await).unwrap()
}

fn hashes(told: &Value) -> Vec<Hash> {
    let list = told["hashes"].as_array().unwrap();
    list.iter()
        .map(|hash| hash.as_str().unwrap().parse().unwrap())
        .collect()
}

fn hash(told: &Value, member: &str) -> Hash {
    told[member].as_str().unwrap().parse().unwrap()
}

fn leaf_of(text: &str) -> Leaf {
    Leaf::parse(text.as_bytes()).unwrap()
}

async fn entries_are_listed_filtered_and_paged(api: Api) {
    let model = api.new_model(&json!({})).await;
    api.new_product().await;
    let all = entries(&api, "").await;
    let listed = all["entries"].as_array().unwrap();
    let count = listed.len();
    assert!(count >= 4, "{all}");
    assert_eq!(all["next_cursor"], Value::Null);
    let mut organizations = std::collections::BTreeSet::<String>::new();
    for (place, entry) in listed.iter().enumerate() {
        assert_eq!(entry["index"], count - 1 - place, "newest first, whole");
        let leaf = entry["leaf"].as_str().unwrap();
        organizations.insert(leaf_of(leaf).header().org.to_owned());
        assert_eq!(hash(entry, "leaf_hash"), Hash::leaf(leaf.as_bytes()));
        assert_eq!(leaf_of(leaf).header().action, entry["action"]);
    }
    assert_eq!(organizations.len(), 1, "nobody else's");
    let registered = entries(&api, "action=model.registered").await;
    assert_eq!(registered["count"], 1);
    let entry = &registered["entries"][0];
    assert_eq!(entry["target"]["id"], model["id"]);
    assert_eq!(entry["slots"]["actor"]["state"], "open");
    assert_eq!(entry["slots"]["actor"]["value"]["type"], "api_key");
    let actor = entry["slots"]["actor"]["value"]["id"].as_str().unwrap();
    let at = entry["recorded_at"].as_str().unwrap();
    let id = model["id"].as_str().unwrap();
    for (query, expected) in [
        (format!("target_id={id}"), 1),
        ("target_type=registered_model".to_owned(), 1),
        (
            "target_type=registered_model&action=product.created".to_owned(),
            0,
        ),
        (format!("actor={actor}&action=model.registered"), 1),
        ("actor=nobody".to_owned(), 0),
        (format!("from={at}&action=model.registered"), 1),
        (format!("to={at}&action=model.registered"), 0),
        ("from=2199-01-01T00:00:00Z".to_owned(), 0),
    ] {
        assert_eq!(entries(&api, &query).await["count"], expected, "{query}");
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = entries(&api, &format!("limit=3{cursor}")).await;
        seen.extend(page["entries"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(&seen, listed);
    let one = api.get(&format!("{AUDIT}/entries/1")).send().await;
    assert_eq!(one.expect(200), listed[count - 2]);
    for bad in [
        "limit=0",
        "limit=101",
        "cursor=x",
        "from=yesterday",
        "to=1",
        "from=2026-11-27T09:00:00Z&to=2026-11-27T08:00:00Z",
        "action=",
        "actor=",
        "target_type=",
        "target_id=%20",
    ] {
        let reply = api.get(&format!("{AUDIT}/entries?{bad}")).send().await;
        assert_eq!(reply.expect(400)["code"], "validation_error", "{bad}");
    }
    for bad in ["999", "01", "-1", "x", "18446744073709551616"] {
        api.get(&format!("{AUDIT}/entries/{bad}"))
            .send()
            .await
            .expect(404);
    }
}

async fn who_acted_is_shown_to_administrators_only(api: Api) {
    api.new_model(&json!({})).await;
    let reader = api.new_key("read");
    let call = |query: &str| {
        api.get(&format!("{AUDIT}/entries?{query}"))
            .bearer(&reader)
            .send()
    };
    let told = call("action=model.registered").await.expect(200);
    let slots = &told["entries"][0]["slots"];
    for name in ["actor", "detail"] {
        assert_eq!(slots[name]["state"], "withheld");
        assert_eq!(slots[name].as_object().unwrap().len(), 2, "{slots}");
    }
    call("actor=anyone").await.expect(403);
    for path in [
        "entries",
        "checkpoint",
        "keys",
        "tile/0/000.p/1",
        "entries/0/proof",
    ] {
        let reply = api.get(&format!("{AUDIT}/{path}")).anonymous().send().await;
        reply.expect(401);
    }
}

async fn proofs_lead_to_signed_checkpoints(api: Api) {
    let first = checkpoint(&api).await;
    for _ in 0..5 {
        api.new_model(&json!({})).await;
    }
    let later = checkpoint(&api).await;
    assert!(later.size() >= first.size() + 5, "signed at once");
    assert_eq!(checkpoint(&api).await, later, "nothing happened");
    let (from, to) = (first.size(), later.size());
    let path = format!("{AUDIT}/proof/consistency?from={from}&to={to}");
    let told = api.get(&path).send().await.expect(200);
    let proof = ConsistencyProof::new(hashes(&told)).unwrap();
    assert_eq!(
        verify_consistency(from, to, &proof, &first.root(), &later.root()),
        Ok(())
    );
    let known = keys(&api).await;
    for index in 0..to {
        let path = format!("{AUDIT}/proof/inclusion?index={index}&size={to}");
        let told = api.get(&path).send().await.expect(200);
        assert_eq!(hash(&told, "root"), later.root());
        let proof = InclusionProof::new(hashes(&told)).unwrap();
        let leaf = hash(&told, "leaf_hash");
        assert_eq!(
            verify_inclusion(&leaf, index, to, &proof, &later.root()),
            Ok(())
        );
        let file = text(api.get(&format!("{AUDIT}/entries/{index}/proof"))).await;
        let proof: TlogProof = file.parse().unwrap();
        assert_eq!(proof.verify(&leaf, &known).unwrap().root(), later.root());
    }
    let latest = api
        .get(&format!("{AUDIT}/proof/inclusion?index=0"))
        .send()
        .await;
    assert_eq!(latest.expect(200)["size"], to);
    for (query, field) in [
        ("inclusion?size=1".to_owned(), "index"),
        ("inclusion?index=1&size=1".to_owned(), "index"),
        (format!("inclusion?index=0&size={}", to + 1), "size"),
        ("inclusion?index=-1".to_owned(), "index"),
        ("consistency?from=0&to=1".to_owned(), "from"),
        ("consistency?from=2&to=1".to_owned(), "from"),
        (format!("consistency?from=1&to={}", to + 1), "to"),
        ("consistency".to_owned(), "from"),
    ] {
        let reply = api.get(&format!("{AUDIT}/proof/{query}")).send().await;
        assert_eq!(reply.expect(400)["errors"][0]["field"], field, "{query}");
    }
    api.get(&format!("{AUDIT}/entries/{to}/proof"))
        .send()
        .await
        .expect(404);
}

async fn many_may_ask_for_a_checkpoint_while_others_write(api: Api) {
    let ask = || async {
        let mut notes = Vec::new();
        for _ in 0..6 {
            notes.push(text(api.get(&format!("{AUDIT}/checkpoint"))).await);
        }
        notes
    };
    let write = || async {
        for _ in 0..6 {
            api.new_model(&json!({})).await;
        }
    };
    let (one, two, three, (), ()) = tokio::join!(ask(), ask(), ask(), write(), write());
    let known = keys(&api).await;
    let mut roots = std::collections::BTreeMap::new();
    for note in one.iter().chain(&two).chain(&three) {
        let signed = Checkpoint::verify(note.as_bytes(), &known).unwrap();
        let root = *roots.entry(signed.size()).or_insert(signed.root());
        assert_eq!(root, signed.root(), "two roots at {}", signed.size());
    }
}

async fn tiles_are_those_of_the_checkpoint(api: Api) {
    api.new_model(&json!({})).await;
    let signed = checkpoint(&api).await;
    let size = signed.size();
    let reply = api
        .get(&format!("{AUDIT}/tile/0/000.p/{size}"))
        .send()
        .await;
    assert_eq!(reply.status, 200);
    let caching = reply.headers["cache-control"].to_str().unwrap().to_owned();
    assert!(caching.contains("immutable"), "{caching}");
    let leaves: Vec<Hash> = reply
        .bytes
        .chunks(32)
        .map(|bytes| Hash::try_from(bytes).unwrap())
        .collect();
    assert_eq!(
        Frontier::from_leaves(leaves.iter().copied()).root(),
        signed.root()
    );
    let reply = api
        .get(&format!("{AUDIT}/tile/entries/000.p/{size}"))
        .send()
        .await;
    let mut rest = reply.bytes.as_slice();
    for leaf in leaves {
        let (length, tail) = rest.split_at(2);
        let length = usize::from(u16::from_be_bytes(length.try_into().unwrap()));
        assert_eq!(Hash::leaf(&tail[..length]), leaf);
        rest = &tail[length..];
    }
    assert!(rest.is_empty());
    for bad in [
        format!("0/000.p/{}", size + 1),
        "0/000".to_owned(),
        "1/000.p/1".to_owned(),
        "0/001.p/1".to_owned(),
        "x".to_owned(),
        "0/../../checkpoint".to_owned(),
    ] {
        let reply = api.get(&format!("{AUDIT}/tile/{bad}")).send().await;
        assert!(matches!(reply.status, 404 | 200), "{bad}");
        assert!(reply.status == 404 || bad.contains(".."), "{bad}");
    }
}

/// Runs `probity verify` and answers its exit code and what it said.
pub(crate) fn verify(api: &Api, name: &str, bundle: &str, more: &[(&str, &str)]) -> (i32, Value) {
    let place = &api.app.place;
    let name = format!("{}-{name}", api.organization);
    let file = place.file(&name, bundle).display().to_string();
    let mut arguments = vec!["verify".to_owned(), file, "--json".to_owned()];
    for (option, text) in more {
        let path = place.file(&format!("{name}{option}"), text);
        arguments.extend([(*option).to_owned(), path.display().to_string()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = bare_command(&arguments).output().unwrap();
    let code = output.status.code().unwrap();
    (code, serde_json::from_slice(&output.stdout).unwrap())
}

async fn exports_verify_offline(api: Api) {
    let kept = text(api.get(&format!("{AUDIT}/checkpoint"))).await;
    let before = api.new_model(&json!({})).await;
    for _ in 0..4 {
        api.new_model(&json!({})).await;
    }
    let known: Vec<String> = keys(&api).await.iter().map(ToString::to_string).collect();
    let known = known.join("\n");
    let size = checkpoint(&api).await.size();
    let export = |query: &str| text(api.get(&format!("{AUDIT}/export?{query}")));
    let whole = export("").await;
    let (code, told) = verify(
        &api,
        "whole",
        &whole,
        &[("--keys", &known), ("--since", &kept)],
    );
    assert_eq!(
        (code, &told["result"]),
        (3, &json!("verified_with_limits")),
        "{told}"
    );
    assert_eq!(told["limits"], json!({"unwitnessed": 1}));
    assert_eq!((&told["start"], &told["end"]), (&json!(0), &json!(size)));
    let (code, told) = verify(&api, "unknown", &whole, &[]);
    assert_eq!((code, &told["limits"]["own_keys"]), (3, &json!(1)));
    let part = export("from=2&to=4&since=1").await;
    let (code, told) = verify(&api, "part", &part, &[("--keys", &known)]);
    assert_eq!((code, &told["opened"]), (3, &json!(4)), "{told}");
    let model = api
        .get(&format!(
            "{AUDIT}/entries?target_id={}",
            before["id"].as_str().unwrap()
        ))
        .send()
        .await
        .expect(200);
    let entry = &model["entries"][0];
    let at = entry["recorded_at"].as_str().unwrap();
    let span = export(&format!("from={at}&to=2199-01-01T00:00:00Z")).await;
    let (code, told) = verify(
        &api,
        "span",
        &span,
        &[("--keys", &known), ("--since", &kept)],
    );
    assert!(code == 3 || told["reason"] == "unconnected", "{told}");
    let (_, told) = verify(&api, "span-alone", &span, &[("--keys", &known)]);
    assert_eq!(
        (&told["start"], &told["end"]),
        (&entry["index"], &json!(size))
    );
    let reader = api.new_key("read");
    let call = api
        .get(&format!("{AUDIT}/export?from=0&to=3"))
        .bearer(&reader);
    let (_, told) = verify(&api, "reader", &text(call).await, &[("--keys", &known)]);
    assert_eq!(told["limits"]["withheld"], 6);
    let edited = whole.replacen("model.registered", "model.registerex", 1);
    let (code, told) = verify(&api, "edited", &edited, &[("--keys", &known)]);
    assert_eq!((code, &told["reason"]), (1, &json!("root")), "{told}");
    let (code, _) = verify(&api, "other", "hello", &[]);
    assert_eq!(code, 2);
    for bad in [
        "from=5&to=4",
        "to=99999",
        "from=x",
        "from=1&to=2020-01-01T00:00:00Z",
        "since=0",
        "since=99999",
        "from=2021-01-01T00:00:00Z&to=2020-01-01T00:00:00Z",
    ] {
        api.get(&format!("{AUDIT}/export?{bad}"))
            .send()
            .await
            .expect(400);
    }
}

pub(crate) fn stop(api: &Api) {
    api.app.signal("TERM");
    api.app.wait();
}

/// An old copy of the database beside what was signed since.
async fn a_database_behind_what_was_signed_is_refused(place: Arc<Place>) {
    if place.psql("SELECT 1").is_some() {
        return;
    }
    let api = Api::on(&Arc::new(TestApp::spawn(&place, &[])));
    api.new_model(&json!({})).await;
    let old = checkpoint(&api).await;
    stop(&api);
    let (database, copy) = (
        place.data().join("probity.db"),
        place.data().join("copy.db"),
    );
    std::fs::copy(&database, &copy).unwrap();
    let api = Api::of(&Arc::new(TestApp::spawn(&place, &[])), &api.organization);
    api.new_model(&json!({})).await;
    let kept = text(api.get(&format!("{AUDIT}/checkpoint"))).await;
    assert!(checkpoint(&api).await.size() > old.size());
    stop(&api);
    for rest in ["probity.db-wal", "probity.db-shm"] {
        let _ = std::fs::remove_file(place.data().join(rest));
    }
    std::fs::copy(&copy, &database).unwrap();
    let refused = place
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("probity epoch open"),
        "{said}"
    );
    let opened = place.run(&[
        "epoch",
        "open",
        "--org",
        &api.organization,
        "--reason",
        "the disk failed",
    ]);
    assert!(opened.ends_with("is in epoch 2"), "{opened}");
    let api = Api::of(&Arc::new(TestApp::spawn(&place, &[])), &api.organization);
    let anew = checkpoint(&api).await;
    assert!(anew.origin().ends_with("/audit/2"), "{anew:?}");
    let entry = entries(&api, "action=audit.epoch.opened").await;
    assert_eq!(entry["entries"][0]["args"]["epoch"], 2, "{entry}");
    assert_eq!(
        entry["entries"][0]["slots"]["detail"]["value"]["reason"],
        "the disk failed"
    );
    let bundle = text(api.get(&format!("{AUDIT}/export"))).await;
    let (code, told) = verify(&api, "epoch", &bundle, &[("--since", &kept)]);
    assert_eq!((code, &told["reason"]), (1, &json!("epoch")), "{told}");
    let (code, _) = verify(&api, "anew", &bundle, &[]);
    assert_eq!(code, 3);
    stop(&api);
    place.run(&["check"]);
}

/// Keys rotate without a gap: whoever knows only the old one is served until it is retired.
async fn keys_rotate_without_a_gap(place: Arc<Place>) {
    let api = Api::on(&Arc::new(TestApp::spawn(&place, &[])));
    api.new_model(&json!({})).await;
    let spelled = |keys: Vec<NoteVerifier>| {
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        keys.join("\n")
    };
    let old = spelled(keys(&api).await);
    let kept = text(api.get(&format!("{AUDIT}/checkpoint"))).await;
    stop(&api);
    place.run(&["record", "rotate-key"]);
    let again = place.command(&["record", "rotate-key"]).output().unwrap();
    assert!(!again.status.success(), "one overlap at a time");
    let api = Api::of(&Arc::new(TestApp::spawn(&place, &[])), &api.organization);
    let both = keys(&api).await;
    assert_eq!(both.len(), 2);
    let new = spelled(both[1..].to_vec());
    let during = text(api.get(&format!("{AUDIT}/export"))).await;
    for (name, known) in [("old", &old), ("new", &new)] {
        let (code, told) = verify(&api, name, &during, &[("--keys", known)]);
        assert_eq!(code, 3, "{told}");
    }
    let (code, told) = verify(
        &api,
        "kept",
        &during,
        &[("--keys", &old), ("--since", &kept)],
    );
    assert_eq!(code, 3, "{told}");
    stop(&api);
    place.run(&["record", "retire-key"]);
    let api = Api::of(&Arc::new(TestApp::spawn(&place, &[])), &api.organization);
    let after = text(api.get(&format!("{AUDIT}/export"))).await;
    let (code, told) = verify(&api, "after", &after, &[("--keys", &old)]);
    assert_eq!((code, &told["reason"]), (1, &json!("signature")), "{told}");
    let all = format!("{old}\n{new}");
    let (code, told) = verify(&api, "all", &after, &[("--keys", &all), ("--since", &kept)]);
    assert_eq!(code, 3, "{told}");
    for action in ["audit.key.added", "audit.key.retired"] {
        assert_eq!(
            entries(&api, &format!("action={action}")).await["count"],
            1,
            "{action}"
        );
    }
    stop(&api);
    place.run(&["check"]);
}

both_alone!(
    a_database_behind_what_was_signed_is_refused,
    keys_rotate_without_a_gap
);

both!(
    many_may_ask_for_a_checkpoint_while_others_write,
    exports_verify_offline,
    entries_are_listed_filtered_and_paged,
    who_acted_is_shown_to_administrators_only,
    proofs_lead_to_signed_checkpoints,
    tiles_are_those_of_the_checkpoint,
);
