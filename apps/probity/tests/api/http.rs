//! The ground that all families stand on: versions, cursors, ids, headers, limits, methods,
//! settings, and a stop that loses nothing.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Place, Reply, TestApp, UNLIMITED, bare_command, document, matches};

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

async fn a_change_meant_for_another_version_is_412(api: Api) {
    let product = api.new_product().await;
    let limits = json!({"modelId": product, "thresholds": {"drift": {"amber": 1, "red": 2}}});
    let link = api.post("/api/v1/risk-metric-links", &limits).send().await;
    let key = api
        .post(
            "/api/v1/api-keys",
            &json!({"name": "k", "scopes": ["read"]}),
        )
        .send()
        .await;
    let model = api.new_model(&json!({})).await;
    let (link, key) = (link.expect(201), key.expect(201));
    let other = json!({"thresholds": {"drift": {"amber": 2, "red": 3}}});
    for (path, change) in [
        (
            format!("/api/admin/models/{}", id(&model)),
            json!({"owner": "new"}),
        ),
        (format!("/api/v1/risk-metric-links/{}", id(&link)), other),
        (format!("/api/v1/api-keys/{}", id(&key)), Value::Null),
    ] {
        let first = api.get(&path).send().await;
        let (before, tag) = (first.expect(200), first.header("etag").to_owned());
        assert!(tag.starts_with("\"v") && tag.ends_with('"'), "{tag}");
        for wrong in [
            "\"v999\"",
            "\"nonsense\"",
            "v1",
            "W/\"v1\"",
            "",
            "\"v-1\"",
            "\"v99999999999999999999\"",
        ] {
            let reply = api.delete(&path).header("if-match", wrong).send().await;
            assert_eq!(reply.status, 412, "{path} {wrong}: {}", reply.text());
            reply.problem(412, "precondition_failed");
            if change != Value::Null {
                let reply = api
                    .put(&path, &change)
                    .header("if-match", wrong)
                    .send()
                    .await;
                reply.problem(412, "precondition_failed");
            }
        }
        assert_eq!(api.get(&path).send().await.expect(200), before);
        if change != Value::Null {
            let changed = api
                .put(&path, &change)
                .header("if-match", &tag)
                .send()
                .await;
            changed.expect(200);
            assert_ne!(changed.header("etag"), tag);
            let reply = api
                .put(&path, &change)
                .header("if-match", &tag)
                .send()
                .await;
            reply.problem(412, "precondition_failed");
            let same = api.put(&path, &change).send().await;
            assert_eq!(
                same.header("etag"),
                changed.header("etag"),
                "nothing changed, no new version"
            );
            api.put(&path, &change)
                .header("if-match", "*")
                .send()
                .await
                .expect(200);
        }
        let now = api.get(&path).send().await;
        let gone = api
            .delete(&path)
            .header("if-match", now.header("etag"))
            .send()
            .await;
        gone.expect(204);
    }
}

async fn sixteen_writers_with_one_version_make_one_change(api: Api) {
    let model = api.new_model(&json!({})).await;
    let path = format!("/api/admin/models/{}", id(&model));
    let tag = api.get(&path).send().await.header("etag").to_owned();
    let calls = (0..16).map(|number| {
        let change = json!({"owner": format!("owner-{number}")});
        api.put(&path, &change).header("if-match", &tag).send()
    });
    let replies = futures_util::future::join_all(calls).await;
    let won: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(
        replies
            .iter()
            .all(|reply| matches!(reply.status, 200 | 409 | 412))
    );
    assert_eq!(api.get(&path).send().await.expect(200), won[0].json());
}

async fn cursors_of_every_list_survive_inserts(api: Api) {
    for _ in 0..5 {
        api.new_model(&json!({})).await;
        api.post(
            "/api/v1/api-keys",
            &json!({"name": "k", "scopes": ["read"]}),
        )
        .send()
        .await
        .expect(201);
        let product = api.new_product().await;
        let limits = json!({"modelId": product, "thresholds": {"drift": {"amber": 1, "red": 2}}});
        api.post("/api/v1/risk-metric-links", &limits)
            .send()
            .await
            .expect(201);
        let red =
            json!({"modelId": product, "driftScore": 90, "fairnessScore": 99, "sampleSize": 1});
        api.post("/api/v1/metrics", &red).send().await.expect(200);
    }
    for (path, items, cursor) in [
        ("/api/admin/models", "models", "next_cursor"),
        ("/api/v1/api-keys", "api_keys", "next_cursor"),
        ("/api/v1/risk-metric-links", "links", "nextCursor"),
        ("/api/v1/alerts", "alerts", "nextCursor"),
    ] {
        let ids = |page: &Value| {
            page[items]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| id(one).to_owned())
                .collect::<Vec<_>>()
        };
        let all = api.get(path).send().await.expect(200);
        let mut seen = Vec::new();
        let mut query = "limit=2".to_owned();
        loop {
            let page = api.get(&format!("{path}?{query}")).send().await.expect(200);
            seen.extend(ids(&page));
            api.new_model(&json!({})).await;
            match page[cursor].as_str() {
                Some(cursor) => query = format!("limit=2&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, ids(&all), "{path}");
        let both = api.get(&format!("{path}?offset=0&{query}")).send().await;
        assert_eq!(both.status, 400, "{path}");
    }
}

async fn a_cursor_is_good_for_its_list_and_filters_alone(api: Api) {
    for _ in 0..3 {
        api.new_model(&json!({})).await;
        let key = json!({"name": "k", "scopes": ["read"]});
        let made = api.post("/api/v1/api-keys", &key).send().await;
        made.expect(201);
    }
    let [models, keys] = ["/api/admin/models", "/api/v1/api-keys"];
    let page = api.get(&format!("{models}?limit=1")).send().await;
    let next = page.expect(200)["next_cursor"].as_str().unwrap().to_owned();
    // Another size of the page is the same list.
    let more = api.get(&format!("{models}?cursor={next}&limit=2"));
    assert_eq!(
        more.send().await.expect(200)["models"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let mut changed = next.clone();
    let last = changed.pop().unwrap();
    changed.push(if last == '0' { '1' } else { '0' });
    for asked in [
        format!("{keys}?cursor={next}"),
        format!("{models}?search=model&cursor={next}"),
        format!("{models}?cursor={changed}"),
        format!("{models}?cursor={}", &next[..next.len() - 8]),
    ] {
        let refused = api.get(&asked).send().await;
        assert_eq!(
            refused.faults(400, "validation_error"),
            ["cursor"],
            "{asked}"
        );
    }
}

async fn request_ids_are_taken_when_harmless_and_made_otherwise(api: Api) {
    let ask = async |given: &str| {
        let reply = api
            .get("/api/v1/nothing")
            .header("x-request-id", given)
            .send()
            .await;
        let body = reply.problem(404, "not_found");
        body["instance"].as_str().unwrap().to_owned()
    };
    let long = "x".repeat(64);
    for given in ["abc", "A-b_c.9", &long] {
        assert_eq!(ask(given).await, given);
    }
    let longer = "x".repeat(65);
    let mut made = Vec::new();
    for given in ["", "a b", "a\"b", "<x>", "é", &longer, "{}", "a/b"] {
        let id = ask(given).await;
        assert!(id.starts_with("req_"), "{given}: {id}");
        made.push(id);
    }
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 8);
    assert!(api.app.log().contains(&made[0]), "the log has it");
}

async fn security_headers_are_on_every_answer(api: Api) {
    let mut calls = vec![
        api.get("/nothing"),
        api.get("/docs/index.html"),
        api.get("/openapi.json"),
        api.get("/metrics"),
        api.get("/docs"),
        api.get("/docs/none.js"),
        api.call(Method::TRACE, "/healthz"),
        api.call(Method::OPTIONS, "/api/admin/models"),
        api.call(Method::HEAD, "/healthz"),
        api.get("/api/admin/models").anonymous(),
        api.get("/api/admin/model-inventory-export"),
        api.get("/%00"),
        api.get("//"),
        api.get("/api/v1/../../etc/passwd"),
    ];
    for (path, item) in document()["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            // A stream that is let in has no end.
            let refused = path.ends_with("/stream").then_some("?last_event_id=x");
            let path = format!("{path}{}", refused.unwrap_or_default());
            calls.push(
                api.call(method.to_uppercase().parse().unwrap(), &path)
                    .raw("application/json", "{"),
            );
        }
    }
    for call in calls {
        let reply = call.send().await;
        assert!(reply.status < 500, "{}: {}", reply.call, reply.status);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            (
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
            ),
        ] {
            assert_eq!(reply.header(name), value, "{}: {name}", reply.call);
        }
        let policy = reply.header("content-security-policy");
        for part in [
            "default-src",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{}: {policy}", reply.call);
        }
        assert!(
            !reply.header("x-request-id").is_empty() && !reply.header("cache-control").is_empty(),
            "{}",
            reply.call
        );
        assert!(
            reply.headers.get("server").is_none() && reply.headers.get("x-powered-by").is_none()
        );
        assert!(reply.headers.get("access-control-allow-origin").is_none());
        assert!(reply.headers.get("set-cookie").is_none());
    }
}

async fn unknown_paths_and_methods_are_404_and_405_with_allow(api: Api) {
    for path in [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/metrics/",
        "/api/admin/models/",
        "/API/V1/metrics",
        "/api//v1/metrics",
        "/api/v1/metrics/x/y",
        "/.env",
        "/api/v1/metrics;x=1",
    ] {
        let reply = api.get(path).send().await;
        reply.problem(404, "not_found");
    }
    let paths = document()["paths"].as_object().unwrap();
    for path in paths.keys() {
        let taken = paths[path].as_object().unwrap().keys();
        let taken: Vec<String> = taken.map(|name| name.to_uppercase()).collect();
        // What is written out may also stand where another path has an id, which then answers.
        let items = paths.iter().filter(|(template, _)| matches(template, path));
        let routed = items.flat_map(|(_, item)| item.as_object().unwrap().keys());
        let routed: Vec<String> = routed.map(|name| name.to_uppercase()).collect();
        let address = path
            .replace("{id}", "7c9e6679-7425-40de-944b-e07fc1f90ae7")
            .replace("{organization}", "x")
            .replace("{slug}", "x");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"] {
            if routed.iter().any(|one| one == method) {
                continue;
            }
            let reply = api.call(method.parse().unwrap(), &address).send().await;
            let problem = reply.problem(405, "method_not_allowed");
            for one in &taken {
                assert!(
                    reply
                        .header("allow")
                        .split(", ")
                        .any(|allowed| allowed == one),
                    "{path}: {}",
                    reply.header("allow")
                );
            }
            assert!(
                !reply.header("allow").contains(method),
                "{path} {method}: {}",
                reply.header("allow")
            );
            assert!(problem["detail"].as_str().unwrap().contains(&taken[0]));
        }
        let reply = api.call(Method::OPTIONS, &address).send().await;
        assert_eq!(reply.status, 204);
        assert!(!reply.header("allow").is_empty());
    }
}

async fn too_large_a_body_is_413_and_another_type_415(api: Api) {
    let filler = |size: usize| format!("{{\"model_id\":\"{}\"}}", "x".repeat(size));
    for (path, limit) in [
        ("/api/admin/models", 256 << 10),
        ("/api/v1/metrics", 256 << 10),
        ("/api/v1/metrics/batch", 1 << 20),
        ("/api/v1/ai-requests", 1 << 20),
    ] {
        let within = api
            .call(Method::POST, path)
            .raw("application/json", filler(limit - 15));
        assert_eq!(within.send().await.status, 400, "{path}");
        let over = api
            .call(Method::POST, path)
            .raw("application/json", filler(limit + 1));
        over.send().await.problem(413, "payload_too_large");
        for media in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "json",
            "",
            "application/json-seq",
        ] {
            let reply = api.call(Method::POST, path).raw(media, "{}").send().await;
            reply.problem(415, "unsupported_media_type");
        }
        for media in [
            "application/json",
            "Application/JSON; charset=utf-8",
            " application/json ",
            "application/vnd.x+json",
        ] {
            let reply = api.call(Method::POST, path).raw(media, "{}").send().await;
            assert_eq!(reply.status, 400, "{path} {media}: {}", reply.text());
        }
    }
}

async fn a_body_is_not_taken_for_plain_that_says_it_is_not(api: Api) {
    for coding in ["gzip", "br", "x-unknown", "deflate, gzip"] {
        let sent = api.post("/api/admin/models", &json!({"model_id": "coded"}));
        let refused = sent.header("content-encoding", coding).send().await;
        refused.problem(415, "unsupported_content_encoding");
    }
    let sent = api.post("/api/admin/models", &json!({"model_id": "plain"}));
    let plain = sent.header("content-encoding", "identity").send().await;
    assert_ne!(plain.status, 415);
}

async fn head_answers_what_get_does_without_the_body(api: Api) {
    let model = api.new_model(&json!({})).await;
    let entry = format!("/api/admin/models/{}", id(&model));
    for path in ["/healthz", "/api/admin/models", &entry] {
        let whole = api.get(path).send().await;
        let bare = api.call(Method::HEAD, path).send().await;
        assert_eq!((bare.status, bare.bytes.len()), (200, 0), "{path}");
        for name in ["content-type", "content-length", "etag"] {
            assert_eq!(bare.header(name), whole.header(name), "{path} {name}");
        }
    }
    let refused = api.call(Method::HEAD, "/api/admin/models").anonymous();
    assert_eq!(refused.send().await.status, 401);
    let posted = api.call(Method::HEAD, "/api/v1/ai-requests").send().await;
    assert_eq!((posted.status, posted.bytes.len()), (405, 0));
    // A stream is not opened by it.
    let stream = "/api/v1/governance-events/stream";
    assert_eq!(api.call(Method::HEAD, stream).send().await.status, 200);
}

/// What a raw connection gets for these bytes.
fn raw(api: &Api, pieces: &[&[u8]]) -> String {
    let address = api.app.base.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
        .set_write_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    for piece in pieces {
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

async fn a_body_without_a_length_is_cut_off_at_the_limit(api: Api) {
    let head = format!(
        "POST /api/v1/metrics HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\nconnection: close\r\n",
        api.key
    );
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let mut pieces = vec![chunked.as_bytes()];
    pieces.extend(vec![chunk.as_bytes(); 200]);
    assert!(raw(&api, &pieces).starts_with("HTTP/1.1 413"));
    let lying = format!("{head}content-length: 99999999999\r\n\r\n{{}}");
    assert!(raw(&api, &[lying.as_bytes()]).starts_with("HTTP/1.1 413"));
    for framing in [
        "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        "content-length: -1\r\n\r\n{}",
        "content-length: 0x2\r\n\r\n{}",
        "content-length: +2\r\n\r\n{}",
        "transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n{}",
        "x y: 1\r\n\r\n",
        "x : 1\r\n\r\n",
    ] {
        let answer = raw(&api, &[format!("{head}{framing}").as_bytes()]);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{framing:?}: {answer}"
        );
    }
    let health = api.get("/healthz").anonymous().send().await;
    assert_eq!(health.expect(200), json!({"status": "ok"}));
    assert_eq!(api.get("/readyz").anonymous().send().await.status, 200);
}

async fn the_figures_are_openmetrics(api: Api) {
    let product = api.new_product().await;
    let red = json!({"modelId": product, "driftScore": 90, "fairnessScore": 99, "sampleSize": 1});
    api.post("/api/v1/metrics", &red).send().await.expect(200);
    api.get(&format!("/x{product}")).send().await;
    let reply = api.get("/metrics").anonymous().send().await;
    let text = reply.text();
    assert!(
        reply
            .header("content-type")
            .starts_with("application/openmetrics-text; version=1.0.0")
    );
    assert!(text.ends_with("# EOF\n"));
    for line in [
        "probity_http_requests_total{method=\"POST\",route=\"/api/v1/metrics\",status=\"200\"}",
        "probity_metric_snapshots_total{status=\"RED\"}",
        "# TYPE probity_http_request_duration_seconds histogram",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(
        !text.contains(&product) && !text.contains(&api.organization),
        "no label of the callers' choice"
    );
}

async fn the_pages_of_the_document_load_nothing_from_elsewhere(api: Api) {
    let moved = api.get("/docs").anonymous().send().await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (308, "/docs/index.html")
    );
    let index = api.get("/docs/index.html").anonymous().send().await;
    assert_eq!(index.status, 200);
    assert!(index.header("content-type").starts_with("text/html"));
    let text = index.text();
    let sources = text
        .split(['"', '\''])
        .filter(|part| part.starts_with("./") || part.contains("://") || part.starts_with("//"));
    let mut count = 0;
    for source in sources {
        let name = source
            .strip_prefix("./")
            .unwrap_or_else(|| panic!("{source} is elsewhere"));
        let file = api.get(&format!("/docs/{name}")).anonymous().send().await;
        assert_eq!(file.status, 200, "{name}");
        assert!(!file.bytes.is_empty());
        count += 1;
    }
    assert!(count >= 4, "{text}");
    let start = api
        .get("/docs/swagger-initializer.js")
        .anonymous()
        .send()
        .await
        .text();
    assert!(
        start.contains("/openapi.json") && !start.contains("https://"),
        "{start}"
    );
    for name in ["..%2f..%2fetc%2fpasswd", "../Cargo.toml", "none.html"] {
        let reply = api.get(&format!("/docs/{name}")).anonymous().send().await;
        assert_eq!(reply.status, 404, "{name}");
    }
}

#[test]
fn the_printed_settings_have_sources_and_no_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("probity.toml");
    std::fs::write(
        &file,
        "workers = 3\nlog-level = \"warn\"\nredis-url = \"redis://:hidden-1@h/0\"\n",
    )
    .unwrap();
    let mut command = bare_command(&[
        "serve",
        "--print-config",
        "--config",
        file.to_str().unwrap(),
        "--listen",
        "127.0.0.1:9",
    ]);
    command
        .env("PROBITY_WORKERS", "4")
        .env("DATABASE_URL", "postgres://u:hidden-2@h/db");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(!text.contains("hidden"), "{text}");
    for (line, source) in [
        ("listen = \"127.0.0.1:9\"", "flag"),
        ("workers = \"4\"", "environment PROBITY_WORKERS"),
        ("log-level = \"warn\"", "file "),
        ("token-issuer = \"probity\"", "default"),
    ] {
        let found = text.lines().find(|one| one.starts_with(line));
        assert!(
            found.is_some_and(|one| one.contains(source)),
            "{line} from {source} in\n{text}"
        );
    }
    for name in ["redis-url", "database-url"] {
        assert!(
            text.lines().any(|line| line.contains(name)),
            "{name} in\n{text}"
        );
    }
    let again = folder.path().join("printed.toml");
    std::fs::write(&again, &text).unwrap();
    let taken = bare_command(&[
        "serve",
        "--print-config",
        "--config",
        again.to_str().unwrap(),
    ])
    .output()
    .unwrap();
    assert!(
        taken.status.success(),
        "what is printed can be read: {}",
        String::from_utf8_lossy(&taken.stderr)
    );
}

#[test]
fn a_wrong_setting_is_named_and_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = |text: &str| {
        let path = folder.path().join("wrong.toml");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let issuers = file(
        "[[issuer]]\nissuer = \"x\"\njwks_url = \"http://example.org/jwks\"\naudience = \"a\"\n",
    );
    for (flag, value) in [
        ("listen", "nowhere"),
        ("listen", "127.0.0.1:99999"),
        ("listen", ""),
        ("workers", "0"),
        ("workers", "257"),
        ("workers", "x"),
        ("write-lanes", "0"),
        ("read-connections", "-1"),
        ("log-format", "xml"),
        ("log-level", "probity=loud"),
        ("origin", "a b"),
        ("origin", ""),
        ("rate-limit-metrics", "-1"),
        ("rate-limit-metrics-batch", "1.5"),
        ("rate-limit-requests", "1e3"),
        ("checkpoint-interval", "0"),
        ("shutdown-timeout", "0"),
        ("token-issuer", ""),
        ("redis-url", "http://x"),
        ("external-issuers-file", "/nonexistent"),
        ("external-issuers-file", &issuers),
        ("database-url", "mysql://x/y"),
        ("database-url", "postgres://127.0.0.1:1/none"),
        ("config", "/nonexistent"),
    ] {
        let mut command = bare_command(&["serve", &format!("--{flag}={value}")]);
        let output = command
            .env("PROBITY_DATA_DIR", &data)
            .env("PROBITY_LISTEN", "127.0.0.1:0")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{flag}={value}: {said}");
        assert!(
            said.contains(&format!("`{flag}`")) || said.contains(&format!("{flag}:")),
            "{flag}={value}: {said}"
        );
        assert!(!said.contains("panicked"), "{said}");
    }
    for (text, name) in [
        ("nonsense = 1", "nonsense"),
        ("workers = 1.5", "workers"),
        ("workers", "config"),
        ("listen = [1]", "listen"),
    ] {
        let path = file(text);
        let output = bare_command(&["serve", "--config", &path])
            .env("PROBITY_DATA_DIR", &data)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.contains(name),
            "{text}: {said}"
        );
    }
}

/// What was acknowledged before the stop is there after it.
async fn a_stop_under_load_loses_nothing_acknowledged(place: Arc<Place>) {
    let app = Arc::new(TestApp::spawn(&place, &UNLIMITED));
    let api = Api::on(&app);
    let product = api.new_product().await;
    let calls = (0..400).map(|number| {
        let (api, product) = (api.clone(), product.clone());
        tokio::spawn(async move {
            let body = json!({"modelId": product, "driftScore": 1, "fairnessScore": 99, "sampleSize": number + 1});
            api.post("/api/v1/metrics", &body).try_send().await
        })
    });
    let calls: Vec<_> = calls.collect();
    let mut acknowledged = Vec::new();
    for (number, call) in calls.into_iter().enumerate() {
        if number == 20 {
            app.signal("TERM");
        }
        if let Ok(reply) = call.await.unwrap() {
            if reply.status == 200 {
                acknowledged.push(reply.json()["snapshotId"].as_str().unwrap().to_owned());
            } else {
                reply.problem(503, "temporarily_unavailable");
            }
        }
    }
    assert!(app.wait().success(), "{}", app.log());
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    let again = Api::of(
        &Arc::new(TestApp::spawn(&place, &UNLIMITED)),
        &api.organization,
    );
    let mut stored = Vec::new();
    for offset in [0, 200] {
        let page = again.get(&format!(
            "/api/v1/metrics/history?modelId={product}&limit=200&offset={offset}"
        ));
        let page = page.send().await.expect(200);
        stored.extend(
            page["snapshots"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["snapshotId"].as_str().unwrap().to_owned()),
        );
    }
    for one in &acknowledged {
        assert!(stored.contains(one), "{one} was acknowledged and is lost");
    }
}

/// Who sends JSON has never heard of the types of the program.
async fn a_wrong_type_is_told_in_words_of_json(api: Api) {
    let space = api.new_space().await;
    let product = api.product_in(&space).await;
    let runs = format!("/api/v1.0/catalog/products/{product}/training-runs");
    let products = format!("/api/v1.0/catalog/spaces/{space}/products");
    for (path, body, field, message) in [
        (
            &runs,
            json!({"training_samples": "7"}),
            "/training_samples",
            "must be a whole number",
        ),
        (
            &runs,
            json!({"duration_seconds": "7"}),
            "/duration_seconds",
            "must be a number",
        ),
        (
            &runs,
            json!({"metrics": []}),
            "/metrics",
            "must be an object",
        ),
        (&runs, json!([]), "", "must be an object"),
        (
            &runs,
            json!({"run_name": 7}),
            "/run_name",
            "must be a string",
        ),
        (
            &products,
            json!({"is_gpai": 1}),
            "/is_gpai",
            "must be true or false",
        ),
        (
            &products,
            json!({"ai_details": 1}),
            "/ai_details",
            "must be an object",
        ),
    ] {
        let refused = api.post(path, &body).send().await;
        let problem = refused.problem(422, "validation_error");
        let fault = &problem["errors"][0];
        assert_eq!(
            (&fault["field"], &fault["code"], &fault["message"]),
            (&json!(field), &json!("wrong_type"), &json!(message)),
            "{body}"
        );
    }
    let refused = api.post("/api/admin/models", &json!([])).send().await;
    let problem = refused.problem(400, "validation_error");
    assert_eq!(problem["errors"][0]["message"], "must be an object");
}

both!(
    a_wrong_type_is_told_in_words_of_json,
    a_change_meant_for_another_version_is_412,
    sixteen_writers_with_one_version_make_one_change,
    cursors_of_every_list_survive_inserts,
    a_cursor_is_good_for_its_list_and_filters_alone,
    request_ids_are_taken_when_harmless_and_made_otherwise,
    security_headers_are_on_every_answer,
    unknown_paths_and_methods_are_404_and_405_with_allow,
    too_large_a_body_is_413_and_another_type_415,
    a_body_is_not_taken_for_plain_that_says_it_is_not,
    head_answers_what_get_does_without_the_body,
    a_body_without_a_length_is_cut_off_at_the_limit,
    the_figures_are_openmetrics,
    the_pages_of_the_document_load_nothing_from_elsewhere,
);
both_alone!(a_stop_under_load_loses_nothing_acknowledged);
