//! Artifacts: uploads in chunks, resumed, completed and refused; downloads; what summaries say.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{Api, Reply};

const CHUNK: usize = 8 << 20;

fn bytes(size: usize, seed: u8) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..size).map(|_| next()).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn base(product: &str) -> String {
    format!("/api/v1.0/catalog/products/{product}/model-artifacts")
}

struct Upload<'a> {
    api: &'a Api,
    path: String,
}

impl<'a> Upload<'a> {
    async fn open(api: &'a Api, product: &str, size: usize, more: Value) -> Self {
        let mut body = json!({"file_name": "model.onnx", "content_type": "application/octet-stream",
            "total_size_bytes": size});
        crate::harness::merge(&mut body, &more);
        let uploads = format!("{}/uploads", base(product));
        let opened = api.post(&uploads, &body).send().await.expect(201);
        let path = format!("{uploads}/{}", opened["id"].as_str().unwrap());
        Self { api, path }
    }

    async fn put(&self, index: &str, part: &[u8]) -> Reply {
        let path = format!("{}/chunks/{index}", self.path);
        let call = self.api.call(Method::PUT, &path);
        call.raw("application/octet-stream", part).send().await
    }

    async fn complete(&self, body: Value) -> Reply {
        let path = format!("{}/complete", self.path);
        self.api.post(&path, &body).send().await
    }
}

async fn the_printed_requests_are_answered_as_printed(api: Api) {
    let product = api.new_product().await;
    let of_product = |kind: &str| format!("/api/v1.0/catalog/products/{product}/{kind}");
    let version = json!({"version_number": "2.0.0"});
    let version = api
        .post(&of_product("versions"), &version)
        .send()
        .await
        .expect(201);
    let run = json!({"run_name": "train", "run_type": "training"});
    let run = api
        .post(&of_product("training-runs"), &run)
        .send()
        .await
        .expect(201);
    let sent = bytes(CHUNK + 5, 1);
    let body = json!({
        "file_name": "churn-model-v2.onnx",
        "content_type": "application/octet-stream",
        "total_size_bytes": sent.len(),
        "sha256": hex(&sent),
        "artifact_kind": "model_binary",
        "version_label": "v2.0.0",
        "product_version_id": version["id"],
        "training_run_id": run["id"],
        "is_current": true,
        "metadata": {"format": "onnx", "python": "3.11"}
    });
    let uploads = format!("{}/uploads", base(&product));
    let opened = api.post(&uploads, &body).send().await.expect(201);
    let fields: Vec<&str> = opened
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let printed = [
        "id",
        "product_id",
        "file_name",
        "content_type",
        "total_size_bytes",
        "chunk_size_bytes",
        "expected_sha256",
        "received_bytes",
        "received_chunks",
        "status",
        "expires_at",
        "created_at",
        "completed_at",
    ];
    assert!(
        printed.iter().all(|field| fields.contains(field)),
        "{fields:?}"
    );
    assert_eq!(opened["product_id"], product.as_str());
    assert_eq!(opened["expected_sha256"], body["sha256"]);
    assert_eq!(
        (&opened["status"], &opened["received_bytes"]),
        (&json!("initialized"), &json!(0))
    );
    assert_eq!(opened["chunk_size_bytes"], CHUNK);

    let upload = Upload {
        api: &api,
        path: format!("{uploads}/{}", opened["id"].as_str().unwrap()),
    };
    let after = upload.put("1", &sent[CHUNK..]).await.expect(200);
    assert_eq!(
        (&after["received_bytes"], &after["received_chunks"]),
        (&json!(5), &json!([1]))
    );
    assert_eq!(after["status"], "uploading");
    let refused = upload
        .complete(json!({}))
        .await
        .problem(409, "chunks_missing");
    assert_eq!(refused["missing_ranges"], json!([{"first": 0, "last": 0}]));
    upload.put("0", &sent[..CHUNK]).await.expect(200);
    let resumed = api.get(&upload.path).send().await.expect(200);
    assert_eq!(resumed["received_chunks"], json!([0, 1]));
    let made = upload
        .complete(json!({"sha256": hex(&sent), "is_current": true}))
        .await
        .expect(200);
    let printed = [
        "id",
        "product_id",
        "product_version_id",
        "training_run_id",
        "artifact_kind",
        "version_label",
        "file_name",
        "content_type",
        "size_bytes",
        "sha256",
        "storage_backend",
        "storage_uri",
        "external_uri",
        "status",
        "is_current",
        "metadata",
        "uploaded_by_id",
        "uploaded_at",
        "created_at",
        "updated_at",
    ];
    for field in printed {
        assert!(made.get(field).is_some(), "{field}");
    }
    for (field, value) in body.as_object().unwrap() {
        if field != "total_size_bytes" {
            assert_eq!(made[field], *value, "{field}");
        }
    }
    assert_eq!(
        (&made["size_bytes"], &made["status"]),
        (&json!(sent.len()), &json!("available"))
    );
    assert_eq!(
        upload.complete(json!({})).await.expect(200),
        made,
        "completed twice"
    );
    upload
        .put("1", &sent[CHUNK..])
        .await
        .problem(409, "upload_completed");
    let done = api.get(&upload.path).send().await.expect(200);
    assert_eq!(
        (&done["status"], &done["artifact_id"]),
        (&json!("completed"), &made["id"])
    );
    api.delete(&upload.path)
        .send()
        .await
        .problem(409, "upload_completed");

    let listed = api.get(&base(&product)).send().await;
    assert_eq!(listed.header("x-total-count"), "1");
    assert_eq!(listed.expect(200), json!([made]));
    let events = "/api/v1/governance-events?event_type=artifact.available";
    let events = api.get(events).send().await.expect(200);
    assert_eq!(events["events"][0]["payload"]["sha256"], body["sha256"]);
    let one = format!("{}/{}", base(&product), made["id"].as_str().unwrap());
    let file = api.get(&format!("{one}/download")).send().await;
    assert_eq!(file.status, 200);
    assert!(file.bytes == sent, "other bytes came back");
    api.delete(&one).send().await.expect(204);
    api.get(&format!("{one}/download"))
        .send()
        .await
        .problem(404, "artifact_not_found");
    api.delete(&one)
        .send()
        .await
        .problem(404, "artifact_not_found");
    assert_eq!(api.get(&base(&product)).send().await.expect(200), json!([]));
}

async fn chunks_that_do_not_fit_are_refused_and_leave_nothing(api: Api) {
    let product = api.new_product().await;
    let sent = bytes(CHUNK + 100, 2);
    let upload = Upload::open(&api, &product, sent.len(), json!({})).await;
    for (index, part, status, code) in [
        ("1", &sent[..99], 422, "wrong_chunk_size"),
        ("1", &sent[..101], 413, "chunk_too_long"),
        ("1", &sent[..0], 422, "wrong_chunk_size"),
        ("2", &sent[..1], 422, "no_such_chunk"),
        ("-1", &sent[..1], 422, "no_such_chunk"),
        ("00", &sent[..1], 422, "no_such_chunk"),
        ("1.0", &sent[..1], 422, "no_such_chunk"),
        ("18446744073709551616", &sent[..1], 422, "no_such_chunk"),
        ("one", &sent[..1], 404, "not_found"),
    ] {
        upload.put(index, part).await.problem(status, code);
    }
    let call = api.call(Method::PUT, &format!("{}/chunks/1", upload.path));
    let part = &sent[CHUNK..];
    call.clone()
        .raw("application/json", part)
        .send()
        .await
        .problem(415, "unsupported_media_type");
    let call = call.raw("application/octet-stream", part);
    let digest = |bytes: &[u8]| {
        format!(
            "sha-256=:{}:",
            BASE64_STANDARD.encode(Sha256::digest(bytes))
        )
    };
    let wrong = call.clone().header("content-digest", &digest(b"other"));
    wrong.send().await.problem(422, "chunk_digest_mismatch");
    let malformed = call.clone().header("content-digest", "sha-256=x");
    assert_eq!(
        malformed.send().await.faults(422, "validation_error"),
        ["Content-Digest"]
    );
    let state = api.get(&upload.path).send().await.expect(200);
    assert_eq!(
        state["received_chunks"],
        json!([]),
        "nothing of all that was stored"
    );
    let right = call.header("content-digest", &digest(part));
    let after = right.send().await.expect(200);
    assert_eq!(after["received_bytes"], 100);
    let again = upload.put("1", part).await.expect(200);
    assert_eq!(
        again["received_bytes"], 100,
        "the same again changes nothing"
    );
    upload.put("1", &bytes(100, 9)).await.expect(200);
    upload.put("0", &sent[..CHUNK]).await.expect(200);
    let other = [&sent[..CHUNK], &bytes(100, 9)].concat();
    let made = upload
        .complete(json!({"sha256": hex(&other)}))
        .await
        .expect(200);
    assert_eq!(made["sha256"], hex(&other), "other bytes replaced them");

    api.delete(&Upload::open(&api, &product, 1, json!({})).await.path)
        .send()
        .await
        .expect(204);
}

async fn wrong_digests_fail_and_empty_artifacts_are_artifacts(api: Api) {
    let product = api.new_product().await;
    let mut sent = bytes(1000, 3);
    let upload = Upload::open(&api, &product, 1000, json!({"sha256": hex(&sent)})).await;
    sent[500] ^= 1;
    upload.put("0", &sent).await.expect(200);
    upload
        .complete(json!({}))
        .await
        .problem(422, "digest_mismatch");
    upload
        .complete(json!({}))
        .await
        .problem(409, "upload_failed");
    upload.put("0", &sent).await.problem(409, "upload_failed");
    let failed = api.get(&upload.path).send().await.expect(200);
    assert_eq!(failed["status"], "failed");
    let empty = Upload::open(&api, &product, 0, json!({})).await;
    let made = empty.complete(json!({})).await.expect(200);
    assert_eq!(made["sha256"], hex(b""));
    let gone = Upload::open(&api, &product, 10, json!({})).await;
    gone.put("0", &sent[..10]).await.expect(200);
    api.delete(&gone.path).send().await.expect(204);
    api.get(&gone.path)
        .send()
        .await
        .problem(404, "upload_not_found");
    gone.put("0", &sent[..10])
        .await
        .problem(404, "upload_not_found");
    gone.complete(json!({}))
        .await
        .problem(404, "upload_not_found");

    let uploads = format!("{}/uploads", base(&product));
    let wrong = json!({"file_name": "", "content_type": "x", "total_size_bytes": -1, "sha256": "0",
        "artifact_kind": "pickle", "product_version_id": "x", "external_uri": "x", "metadata": {}});
    let faults = api
        .post(&uploads, &wrong)
        .send()
        .await
        .faults(422, "validation_error");
    let expected = [
        "/file_name",
        "/content_type",
        "/total_size_bytes",
        "/sha256",
        "/artifact_kind",
        "/product_version_id",
        "/external_uri",
    ];
    assert_eq!(faults, expected);
    let stranger = json!({"file_name": "x", "content_type": "a/b", "total_size_bytes": 1,
        "training_run_id": "01890a5d-ac96-774b-bcce-b302099a8057"});
    let faults = api
        .post(&uploads, &stranger)
        .send()
        .await
        .faults(422, "validation_error");
    assert_eq!(faults, ["/training_run_id"]);
    let large = json!({"file_name": "x", "content_type": "a/b",
        "total_size_bytes": 600_u64 << 30});
    let first = api.post(&uploads, &large).send().await.expect(201);
    assert_eq!(
        first["chunk_size_bytes"],
        62 << 20,
        "chunks grow with the artifact"
    );
    api.post(&uploads, &large)
        .send()
        .await
        .problem(413, "quota_exceeded");
    let call = api
        .post(
            &uploads,
            &json!({"file_name": "x", "content_type": "a/b",
        "total_size_bytes": 1}),
        )
        .header("idempotency-key", "once");
    let (one, two) = (
        call.clone().send().await.expect(201),
        call.send().await.expect(201),
    );
    assert_eq!(one, two);
}

async fn downloads_serve_ranges_and_conditions(api: Api) {
    let product = api.new_product().await;
    let sent = bytes(700_000, 4);
    let more = json!({"file_name": "Ünï \"q\".html", "content_type": "text/html"});
    let upload = Upload::open(&api, &product, sent.len(), more).await;
    upload.put("0", &sent).await.expect(200);
    let made = upload.complete(json!({})).await.expect(200);
    let path = format!(
        "{}/{}/download",
        base(&product),
        made["id"].as_str().unwrap()
    );
    let whole = api.get(&path).send().await;
    let tag = format!("\"{}\"", hex(&sent));
    let digest = format!(
        "sha-256=:{}:",
        BASE64_STANDARD.encode(Sha256::digest(&sent))
    );
    for (name, value) in [
        ("etag", tag.as_str()),
        ("repr-digest", digest.as_str()),
        ("accept-ranges", "bytes"),
        ("content-length", "700000"),
        ("content-type", "application/octet-stream"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
    ] {
        assert_eq!(whole.header(name), value, "{name}");
    }
    let disposition = whole.header("content-disposition");
    assert!(
        disposition.starts_with("attachment; filename=\"_n_ _q_.html\"; filename*=UTF-8''"),
        "{disposition}"
    );
    let ranged = async |range: &str, headers: &[(&str, &str)]| {
        let mut call = api.get(&path).header("range", range);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.send().await
    };
    let part = ranged("bytes=600000-600009", &[]).await;
    assert_eq!(
        (part.status, part.header("content-range")),
        (206, "bytes 600000-600009/700000")
    );
    assert_eq!(part.bytes, sent[600_000..600_010]);
    let tail = ranged("bytes=-5", &[("if-range", &tag)]).await;
    assert_eq!(
        (tail.status, tail.bytes.as_slice()),
        (206, &sent[699_995..])
    );
    let other = ranged("bytes=-5", &[("if-range", "\"other\"")]).await;
    assert_eq!((other.status, other.bytes.len()), (200, 700_000));
    for refused in ["bytes=700000-", "bytes=0-1,3-4", "bytes=-0"] {
        let reply = ranged(refused, &[]).await;
        assert_eq!(reply.header("content-range"), "bytes */700000");
        reply.problem(416, "range_not_satisfiable");
    }
    let known = api.get(&path).header("if-none-match", &tag).send().await;
    assert_eq!((known.status, known.bytes.len()), (304, 0));
}

async fn sixty_four_completions_make_one_artifact_and_one_is_current(api: Api) {
    let product = api.new_product().await;
    let sent = bytes(2000, 5);
    let upload = Upload::open(&api, &product, sent.len(), json!({"is_current": true})).await;
    upload.put("0", &sent).await.expect(200);
    let at_once = futures_util::future::join_all((0..64).map(|_| upload.complete(json!({})))).await;
    let first = at_once[0].expect(200);
    for reply in &at_once {
        assert_eq!(reply.expect(200), first);
    }
    let mut uploads = Vec::new();
    for seed in 0..10 {
        let upload = Upload::open(&api, &product, 100, json!({"is_current": true})).await;
        upload.put("0", &bytes(100, seed)).await.expect(200);
        uploads.push(upload);
    }
    let done = uploads.iter().map(|upload| upload.complete(json!({})));
    for reply in futures_util::future::join_all(done).await {
        reply.expect(200);
    }
    let listed = api.get(&base(&product)).send().await.expect(200);
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 11);
    let current: Vec<&Value> = listed
        .iter()
        .filter(|it| it["is_current"] == true)
        .collect();
    assert_eq!(current.len(), 1);
}

async fn summaries_tell_the_current_artifact(api: Api) {
    let space = api.new_space().await;
    let models = format!("/api/v1.0/catalog/spaces/{space}/model-repository/models");
    let made = api
        .post(&models, &json!({"name": "Churn"}))
        .send()
        .await
        .expect(201);
    assert_eq!(
        (&made["artifact_count"], &made["current_artifact_id"]),
        (&json!(0), &Value::Null)
    );
    let product = made["id"].as_str().unwrap();
    let more =
        json!({"is_current": true, "artifact_kind": "weights", "metadata": {"format": "onnx"}});
    let upload = Upload::open(&api, product, 4, more).await;
    upload.put("0", b"data").await.expect(200);
    let artifact = upload.complete(json!({})).await.expect(200);
    let listed = api.get(&models).send().await.expect(200);
    for (field, value) in [
        ("artifact_count", json!(1)),
        ("current_artifact_id", artifact["id"].clone()),
        ("current_artifact_file_name", json!("model.onnx")),
        ("current_artifact_kind", json!("weights")),
        (
            "current_artifact_content_type",
            json!("application/octet-stream"),
        ),
        ("current_artifact_model_format", json!("onnx")),
        ("current_artifact_sha256", artifact["sha256"].clone()),
        ("current_artifact_size_bytes", json!(4)),
    ] {
        assert_eq!(listed[0][field], value, "{field}");
    }
}

/// An artifact of these bytes.
async fn artifact_of(api: &Api, product: &str, name: &str, sent: &[u8]) -> Value {
    let upload = Upload::open(api, product, sent.len(), json!({"file_name": name})).await;
    upload.put("0", sent).await.expect(200);
    upload.complete(json!({})).await.expect(200)
}

fn bundle(name: &str) -> Value {
    let path = format!(
        "{}/../../crates/supply/tests/bundles/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

async fn signatures_are_kept_when_they_hold(api: Api) {
    let product = api.new_product().await;
    let (key, other_key) = (
        include_str!("../../../../crates/supply/tests/bundles/p.pem"),
        include_str!("../../../../crates/supply/tests/bundles/p384.pem"),
    );
    let signed = artifact_of(&api, &product, "anything.bin", b"weights").await;
    let path = |artifact: &Value| {
        let id = artifact["id"].as_str().unwrap();
        format!("{}/{id}/signature", base(&product))
    };
    assert_eq!(signed["signature"], Value::Null);
    let none = api.get(&path(&signed)).send().await;
    none.problem(404, "signature_not_found");
    let forged = artifact_of(&api, &product, "model.bin", b"weightz").await;
    let of_folder = artifact_of(&api, &product, "c.bin", b"a").await;
    for (artifact, bundle, key, field, code) in [
        (
            &signed,
            bundle("file.sig"),
            other_key,
            "/bundle",
            "signature_mismatch",
        ),
        (
            &forged,
            bundle("file.sig"),
            key,
            "/bundle",
            "digest_mismatch",
        ),
        (
            &of_folder,
            bundle("dir.sig"),
            key,
            "/bundle",
            "file_not_signed",
        ),
        (&signed, json!({}), key, "/bundle", "malformed"),
        (&signed, json!([1]), key, "/bundle", "malformed"),
        (&signed, json!([]), key, "/bundle", "malformed"),
        (
            &signed,
            bundle("file.sig"),
            "x",
            "/public_key",
            "unusable_key",
        ),
    ] {
        let body = json!({"bundle": bundle, "public_key": key});
        let refused = api.put(&path(artifact), &body).send().await;
        let problem = refused.problem(422, "validation_error");
        assert_eq!(problem["errors"][0]["field"], field);
        assert_eq!(problem["errors"][0]["code"], code);
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(!message.contains("struct "), "{message}");
        let none = api.get(&path(artifact)).send().await;
        none.problem(404, "signature_not_found");
    }
    let nothing = api.put(&path(&signed), &json!({})).send().await;
    let faults = nothing.faults(422, "validation_error");
    assert_eq!(faults, ["/bundle", "/public_key"]);

    let body = json!({"bundle": bundle("file.sig"), "public_key": key});
    let made = api.put(&path(&signed), &body).send().await.expect(200);
    let told = &made["signature"];
    assert_eq!(told["key_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        (&told["signed_files"], &made["id"]),
        (&json!(1), &signed["id"])
    );
    let kept = api.get(&path(&signed)).send().await.expect(200);
    assert_eq!(
        (&kept["bundle"], &kept["public_key"]),
        (&body["bundle"], &json!(key))
    );
    assert_eq!(kept["key_sha256"], told["key_sha256"]);
    let body = json!({"bundle": bundle("file384.sig"), "public_key": other_key});
    let again = api.put(&path(&signed), &body).send().await.expect(200);
    assert_ne!(
        again["signature"]["key_sha256"], told["key_sha256"],
        "replaced"
    );
    let listed = api.get(&base(&product)).send().await.expect(200);
    let listed = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["id"] == signed["id"]);
    assert_eq!(listed.unwrap()["signature"], again["signature"]);
    let folder = artifact_of(&api, &product, "a.bin", b"a").await;
    let body = json!({"bundle": bundle("dir.sig"), "public_key": key});
    let made = api.put(&path(&folder), &body).send().await.expect(200);
    assert_eq!(made["signature"]["signed_files"], 2);

    let entries = api
        .get("/api/v1/audit/entries?limit=100")
        .send()
        .await
        .expect(200);
    let text = entries.to_string();
    assert_eq!(text.matches("\"artifact.signed\"").count(), 3, "{text}");
    let id = signed["id"].as_str().unwrap();
    api.delete(&format!("{}/{id}", base(&product)))
        .send()
        .await
        .expect(204);
    let gone = api.put(&path(&signed), &body).send().await;
    gone.problem(404, "artifact_not_found");
    api.get(&path(&signed))
        .send()
        .await
        .problem(404, "artifact_not_found");
}

async fn headers_of_the_second_door_are_read_to_the_letter(api: Api) {
    let product = api.new_product().await;
    let door = format!("/tus/{product}");
    let create = |length: &str, current: &str| {
        let current = BASE64_STANDARD.encode(current);
        let call = api.call(Method::POST, &door);
        call.header("tus-resumable", "1.0.0")
            .header("upload-length", length)
            .header("upload-metadata", &format!("is_current {current}"))
    };
    for length in ["+5", "-5", "+0", "5.0", "0x5", "", "5 5"] {
        let refused = create(length, "true").send().await;
        let fields = refused.faults(400, "validation_error");
        assert_eq!(fields, ["upload-length"], "{length}");
    }
    for current in ["TRUE", "maybe", "1", ""] {
        let refused = create("5", current).send().await;
        let problem = refused.problem(400, "validation_error");
        assert_eq!(problem["errors"][0]["field"], "Upload-Metadata");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("is_current"), "{message}");
    }
    let made = create("5", "true").send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let place = made.header("location").to_owned();
    let append = |offset: &str| {
        let call = api.call(Method::PATCH, &place);
        call.raw("application/offset+octet-stream", "bytes")
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", offset)
    };
    let refused = append("+0").send().await;
    let fields = refused.faults(400, "validation_error");
    assert_eq!(fields, ["upload-offset"]);
    append("0").send().await.expect(204);
    let listed = api.get(&base(&product)).send().await.expect(200);
    assert_eq!(listed[0]["is_current"], true);
}

async fn a_nul_in_metadata_is_refused(api: Api) {
    let product = api.new_product().await;
    let body = json!({"file_name": "a", "content_type": "a/b", "total_size_bytes": 1,
        "metadata": {"format": ["onnx", "\u{0}"]}});
    let uploads = format!("{}/uploads", base(&product));
    let refused = api.post(&uploads, &body).send().await;
    let fields = refused.faults(422, "validation_error");
    assert_eq!(fields, ["/metadata/format/1"]);
}

async fn a_completed_upload_is_not_told_to_have_failed(api: Api) {
    let product = api.new_product().await;
    let upload = Upload::open(&api, &product, 3, json!({})).await;
    upload.put("0", b"abc").await;
    let made = upload.complete(json!({})).await.expect(200);
    let other = upload.complete(json!({"sha256": hex(b"other")})).await;
    let problem = other.problem(422, "digest_mismatch");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("is completed"), "{detail}");
    let again = upload.complete(json!({"sha256": hex(b"abc")})).await;
    assert_eq!(again.expect(200)["id"], made["id"]);
}

both!(
    headers_of_the_second_door_are_read_to_the_letter,
    a_nul_in_metadata_is_refused,
    a_completed_upload_is_not_told_to_have_failed,
    signatures_are_kept_when_they_hold,
    the_printed_requests_are_answered_as_printed,
    chunks_that_do_not_fit_are_refused_and_leave_nothing,
    wrong_digests_fail_and_empty_artifacts_are_artifacts,
    downloads_serve_ranges_and_conditions,
    sixty_four_completions_make_one_artifact_and_one_is_current,
    summaries_tell_the_current_artifact
);
