//! `probity push` and `probity pull` against a server, and what a bill of materials says afterwards.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Api, Place, TestApp, UNLIMITED, bare_command, unique};

both!(
    a_file_goes_up_and_comes_back,
    what_does_not_hold_is_not_kept,
    a_bill_of_materials_lists_what_a_product_is_made_of,
);

both_alone!(transfers_go_on_after_breaks_of_either_side);

struct Tool {
    server: String,
    key: String,
    product: String,
    folder: PathBuf,
}

impl Tool {
    fn new(server: &str, key: &str, product: &str) -> Self {
        let folder = std::env::temp_dir().join(unique("transfer"));
        std::fs::create_dir_all(&folder).unwrap();
        Self {
            server: server.to_owned(),
            key: key.to_owned(),
            product: product.to_owned(),
            folder,
        }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = bare_command(arguments);
        command
            .args(["--product", &self.product])
            .env("PROBITY_SERVER", &self.server)
            .env("PROBITY_API_KEY", &self.key)
            .env("XDG_STATE_HOME", self.folder.join("state"))
            .current_dir(&self.folder);
        let ended = tokio::task::spawn_blocking(move || command.output());
        ended.await.unwrap().unwrap()
    }

    /// What a command that succeeds prints.
    async fn line(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert_eq!(said, "");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// What a command that fails says.
    async fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
        said
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn a_file_goes_up_and_comes_back(api: Api) {
    let product = api.new_product().await;
    let tool = Tool::new(&api.app.base, &api.key, &product);
    let bytes = noise(9_000_001);
    let file = tool.file("churn model.onnx", &bytes);
    let first = tool
        .line(&[
            "push",
            text(&file),
            "--current",
            "--version-label",
            "v1",
            "--kind",
            "weights",
        ])
        .await;
    let listed = api
        .get(&format!(
            "/api/v1.0/catalog/products/{product}/model-artifacts"
        ))
        .send()
        .await
        .expect(200);
    assert_eq!(listed[0]["id"], first.as_str());
    assert_eq!(listed[0]["file_name"], "churn model.onnx");
    assert_eq!(listed[0]["artifact_kind"], "weights");
    assert_eq!(listed[0]["version_label"], "v1");
    assert_eq!(listed[0]["is_current"], true);

    let out = tool.folder.join("out.onnx");
    assert_eq!(tool.line(&["pull", "-o", text(&out)]).await, text(&out));
    assert_eq!(std::fs::read(&out).unwrap(), bytes);
    let said = tool.refused(&["pull", &first, "-o", text(&out)], 1).await;
    assert!(said.contains("--force"), "{said}");
    tool.line(&["pull", &first, "-o", text(&out), "--force"])
        .await;
    std::fs::remove_file(&file).unwrap();
    assert_eq!(tool.line(&["pull", &first]).await, "churn model.onnx");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);

    let nothing = tool.file("nothing", b"");
    let empty = tool.line(&["push", text(&nothing)]).await;
    tool.line(&["pull", &empty, "-o", text(&out), "--force"])
        .await;
    assert_eq!(std::fs::read(&out).unwrap(), b"");
    // No note is left of what is done, nor a part of a download.
    let left = std::fs::read_dir(tool.folder.join("state/probity/uploads")).unwrap();
    assert_eq!(left.count(), 0);
    let parts = std::fs::read_dir(&tool.folder).unwrap();
    assert!(
        parts
            .flatten()
            .all(|file| !file.file_name().to_string_lossy().ends_with(".part"))
    );
}

async fn what_does_not_hold_is_not_kept(api: Api) {
    let product = api.new_product().await;
    let tool = Tool::new(&api.app.base, &api.key, &product);
    let weights = tool.file("model.bin", b"weights");
    let id = tool.line(&["push", text(&weights)]).await;
    let out = tool.folder.join("out");
    let bundles = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../crates/supply/tests/bundles"
    );
    let (bundle, key) = (format!("{bundles}/file.sig"), format!("{bundles}/p.pem"));
    let pull = [
        "pull",
        &id,
        "-o",
        text(&out),
        "--signature",
        &bundle,
        "--public-key",
    ];
    let with = |key: &'static str| [pull.as_slice(), &[key]].concat();
    let other = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../crates/supply/tests/bundles/p384.pem"
    );
    let said = tool.refused(&with(other), 1).await;
    assert!(said.contains("does not verify"), "{said}");
    assert!(!out.exists());
    tool.line(&[pull.as_slice(), &[&key]].concat()).await;
    assert_eq!(std::fs::read(&out).unwrap(), b"weights");
    let forged = tool.file("forged.bin", b"weightz");
    let id = tool.line(&["push", text(&forged)]).await;
    let said = tool
        .refused(
            &[
                "pull",
                &id,
                "--signature",
                &bundle,
                "--public-key",
                &key,
                "--force",
            ],
            1,
        )
        .await;
    assert!(said.contains("signed is 9a129038"), "{said}");

    for (arguments, code, told) in [
        (vec!["pull", "no-such"], 1, "no such artifact"),
        (vec!["pull"], 1, "no current artifact"),
        (vec!["push", "/nowhere"], 1, "cannot be read"),
        (
            vec!["push", text(&weights), "--kind", "brain"],
            1,
            "artifact_kind",
        ),
        (
            vec!["push", text(&weights), "--server", "ftp://x"],
            1,
            "http or https",
        ),
        (
            vec!["push", text(&weights), "--api-key", "prb_wrong"],
            1,
            "401",
        ),
        (
            vec![
                "push",
                text(&weights),
                "--server",
                "http://127.0.0.1:9",
                "--retry-for",
                "0",
            ],
            3,
            "run the command again",
        ),
        (
            vec!["push", text(&weights), "--parallel", "0"],
            2,
            "parallel",
        ),
    ] {
        let said = tool.refused(&arguments, code).await;
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}

async fn a_bill_of_materials_lists_what_a_product_is_made_of(api: Api) {
    let space = api.new_space().await;
    let path = format!("/api/v1.0/catalog/spaces/{space}/products");
    let body = json!({
        "name": "Churn", "model_task_type": "classification", "limitations": "New accounts",
        "vendor_name": "Acme", "ai_details": {"model_card": {
            "license": "apache-2.0", "datasets": ["acme/tickets", "acme/tickets"], "base_model": "acme/base",
            "model-index": [{"name": "c", "results": [{"dataset": {"name": "T"},
                "metrics": [{"type": "accuracy", "value": 0.91}, {"type": 5}]}]}]
        }}
    });
    let made = api.post(&path, &body).send().await.expect(201);
    let product = made["id"].as_str().unwrap().to_owned();
    let of = |what: &str| format!("/api/v1.0/catalog/products/{product}/{what}");
    let dependency = json!({"name": "CRM", "uri": "s3://bucket/crm", "version_label": "7"});
    api.post(&of("data-dependencies"), &dependency)
        .send()
        .await
        .expect(201);
    let risk = json!({"title": "Bias", "severity": "high", "description": "Reweighing"});
    api.post(&of("risk-mitigations"), &risk)
        .send()
        .await
        .expect(201);
    let model = api.new_model(&json!({})).await;
    let link = json!({"models": [{"id": model["id"]}]});
    api.put(&of("registered-models"), &link)
        .send()
        .await
        .expect(200);
    let tool = Tool::new(&api.app.base, &api.key, &product);
    let weights = tool.file("model.bin", b"weights");
    let artifact = tool.line(&["push", text(&weights)]).await;

    let bom_path = format!("{path}/{product}/ml-bom");
    let reply = api.get(&bom_path).send().await;
    assert_eq!(reply.status, 200);
    assert!(
        reply
            .header("content-type")
            .starts_with("application/vnd.cyclonedx+json")
    );
    let bom = reply.json();
    let main = &bom["metadata"]["component"];
    assert_eq!(
        (&main["type"], &main["name"]),
        (&json!("machine-learning-model"), &json!("Churn"))
    );
    assert_eq!(main["licenses"], json!([{"license": {"id": "Apache-2.0"}}]));
    assert_eq!(main["pedigree"]["ancestors"][0]["name"], "acme/base");
    let card = &main["modelCard"];
    assert_eq!(
        card["modelParameters"]["datasets"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        card["quantitativeAnalysis"]["performanceMetrics"],
        json!([{"type": "accuracy", "value": "0.91", "slice": "T"}])
    );
    assert_eq!(
        card["considerations"]["ethicalConsiderations"][0]["name"],
        "Bias (high)"
    );
    let components = bom["components"].as_array().unwrap();
    let kinds: Vec<&Value> = components.iter().map(|one| &one["type"]).collect();
    assert_eq!(kinds, ["file", "data", "data", "machine-learning-model"]);
    assert_eq!(
        components[0]["hashes"][0]["content"],
        "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"
    );
    assert_eq!(
        bom["dependencies"][0]["dependsOn"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    let again = api.get(&bom_path).send().await.json();
    assert_eq!(again["serialNumber"], bom["serialNumber"]);
    api.delete(&of(&format!("model-artifacts/{artifact}")))
        .send()
        .await
        .expect(204);
    let less = api.get(&bom_path).send().await.json();
    assert_ne!(less["serialNumber"], bom["serialNumber"]);
    assert_eq!(less["components"].as_array().unwrap().len(), 3);
}

/// A way to a server that carries so many bytes and no more.
struct Wire {
    address: String,
    target: Arc<Mutex<String>>,
    left: Arc<AtomicI64>,
}

impl Wire {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            target: Arc::default(),
            left: Arc::default(),
        };
        let (target, left) = (wire.target.clone(), wire.left.clone());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (target, left) = (target.lock().unwrap().clone(), left.clone());
                if left.load(Ordering::SeqCst) <= 0 {
                    continue;
                }
                tokio::spawn(async move {
                    if let Ok(far) = TcpStream::connect(target).await {
                        carry(near, far, &left).await;
                    }
                });
            }
        });
        wire
    }

    fn lay(&self, app: &TestApp, bytes: i64) {
        let base = app.base.strip_prefix("http://").unwrap();
        base.clone_into(&mut self.target.lock().unwrap());
        self.left.store(bytes, Ordering::SeqCst);
    }
}

async fn carry(near: TcpStream, far: TcpStream, left: &AtomicI64) {
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    tokio::select! {
        () = pump(near_in, far_out, left) => {}
        () = pump(far_in, near_out, left) => {}
    }
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    left: &AtomicI64,
) {
    let mut piece = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        let size = i64::try_from(read).unwrap();
        if left.fetch_sub(size, Ordering::SeqCst) < size
            || to.write_all(&piece[..read]).await.is_err()
        {
            return;
        }
    }
}

async fn transfers_go_on_after_breaks_of_either_side(place: Arc<Place>) {
    const MIB: i64 = 1 << 20;
    let flags = [UNLIMITED.as_slice(), &["--artifact-chunk-bytes", "1048576"]].concat();
    let app = Arc::new(TestApp::spawn(&place, &flags));
    let api = Api::on(&app);
    let product = api.new_product().await;
    let wire = Wire::new().await;
    let tool = Tool::new(&wire.address, &api.key, &product);
    let bytes = noise(16 << 20);
    let file = tool.file("model.bin", &bytes);
    let push = ["push", text(&file), "--retry-for", "0", "--parallel", "2"];

    // The wire is cut three times; each run carries on, and none sends everything again.
    for _ in 0..3 {
        wire.lay(&app, 4 * MIB);
        let said = tool.refused(&push, 3).await;
        assert!(said.contains("run the command again"), "{said}");
    }
    // The server dies without a word and comes back elsewhere on the same data.
    app.signal("KILL");
    app.wait();
    drop(api);
    let app = Arc::new(TestApp::spawn(&place, &flags));
    wire.lay(&app, 12 * MIB);
    let id = tool.line(&push).await;
    let out = tool.folder.join("out.bin");
    let pull = ["pull", &id, "-o", text(&out), "--retry-for", "0"];
    wire.lay(&app, 10 * MIB);
    tool.refused(&pull, 3).await;
    assert!(!out.exists());
    app.signal("KILL");
    app.wait();
    let app = Arc::new(TestApp::spawn(&place, &flags));
    wire.lay(&app, 10 * MIB);
    tool.line(&pull).await;
    assert_eq!(std::fs::read(&out).unwrap(), bytes);

    // What was tampered with in between is found out, removed, and comes whole the next time.
    std::fs::remove_file(&out).unwrap();
    wire.lay(&app, 10 * MIB);
    tool.refused(&pull, 3).await;
    let part = std::fs::read_dir(&tool.folder).unwrap().flatten();
    let part = part
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|end| end == "part"))
        .unwrap();
    let mut tampered = std::fs::read(&part).unwrap();
    tampered[5] ^= 1;
    std::fs::write(&part, tampered).unwrap();
    wire.lay(&app, 20 * MIB);
    let said = tool.refused(&pull, 1).await;
    assert!(
        said.contains("were removed") && !part.exists() && !out.exists(),
        "{said}"
    );
    wire.lay(&app, 20 * MIB);
    tool.line(&pull).await;
}
