//! OTLP traces: both encodings, both generations of attributes, and nothing of what was said.

use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Call, gzip, unique};

const TRACES: &str = "/v1/traces";

/// The messages as a collector sends them, with what the server does not read.
mod wire {
    use prost::Message;

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Request {
        #[prost(message, repeated, tag = "1")]
        pub(super) resources: Vec<Resource>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Resource {
        #[prost(message, repeated, tag = "2")]
        pub(super) scopes: Vec<Scope>,
        #[prost(string, tag = "3")]
        pub(super) schema_url: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Scope {
        #[prost(message, repeated, tag = "2")]
        pub(super) spans: Vec<Span>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Span {
        #[prost(bytes = "vec", tag = "1")]
        pub(super) trace_id: Vec<u8>,
        #[prost(string, tag = "5")]
        pub(super) name: String,
        #[prost(fixed64, tag = "7")]
        pub(super) start: u64,
        #[prost(message, repeated, tag = "9")]
        pub(super) attributes: Vec<Pair>,
        #[prost(message, repeated, tag = "11")]
        pub(super) events: Vec<Event>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Event {
        #[prost(string, tag = "2")]
        pub(super) name: String,
        #[prost(message, repeated, tag = "3")]
        pub(super) attributes: Vec<Pair>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Pair {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(message, optional, tag = "2")]
        pub(super) value: Option<Text>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Text {
        #[prost(string, tag = "1")]
        pub(super) string_value: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Response {
        #[prost(message, optional, tag = "1")]
        pub(super) partial_success: Option<Partial>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Partial {
        #[prost(int64, tag = "1")]
        pub(super) rejected: i64,
        #[prost(string, tag = "2")]
        pub(super) message: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Status {
        #[prost(int32, tag = "1")]
        pub(super) code: i32,
        #[prost(string, tag = "2")]
        pub(super) message: String,
    }
}

fn pairs(attributes: &[(&str, &str)]) -> Vec<wire::Pair> {
    let pair = |(key, value): &(&str, &str)| wire::Pair {
        key: (*key).to_owned(),
        value: Some(wire::Text {
            string_value: (*value).to_owned(),
        }),
    };
    attributes.iter().map(pair).collect()
}

fn span(attributes: &[(&str, &str)], prompt: &str) -> wire::Span {
    let at = crate::harness::now().unix_timestamp_nanos() - 3_600_000_000_000;
    let all = [
        attributes,
        &[
            ("gen_ai.input.messages", prompt),
            ("gen_ai.prompt.0.content", prompt),
        ],
    ]
    .concat();
    wire::Span {
        trace_id: vec![7; 16],
        name: format!("chat {prompt}"),
        start: u64::try_from(at).unwrap(),
        attributes: pairs(&all),
        events: vec![wire::Event {
            name: "gen_ai.content.prompt".to_owned(),
            attributes: pairs(&[("gen_ai.prompt", prompt)]),
        }],
    }
}

fn request(spans: Vec<wire::Span>) -> Vec<u8> {
    let scopes = vec![wire::Scope { spans }];
    let schema_url = "https://opentelemetry.io/schemas/1.37.0".to_owned();
    wire::Request {
        resources: vec![wire::Resource { scopes, schema_url }],
    }
    .encode_to_vec()
}

fn protobuf(api: &Api, body: Vec<u8>) -> Call {
    api.call(Method::POST, TRACES)
        .raw("application/x-protobuf", body)
}

async fn discovered(api: &Api) -> Vec<(String, String, u64)> {
    let found = api
        .post("/api/admin/models/discover", &json!({"dry_run": true}))
        .send()
        .await
        .expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let models = found["models"].as_array().unwrap().iter();
    let mut models: Vec<_> = models
        .map(|one| {
            (
                text(&one["model_id"]),
                text(&one["provider"]),
                one["request_count_30d"].as_u64().unwrap(),
            )
        })
        .collect();
    models.sort();
    models
}

async fn spans_of_both_generations_are_counted_in_both_encodings(api: Api) {
    let prompt = unique("marker-prompt");
    let old = span(
        &[
            ("gen_ai.system", "openai"),
            ("gen_ai.request.model", "gpt-4o"),
        ],
        &prompt,
    );
    let new = span(
        &[
            ("gen_ai.provider.name", "mistral_ai"),
            ("gen_ai.request.model", "mistral-large"),
            ("gen_ai.response.model", "mistral-large-2411"),
        ],
        &prompt,
    );
    let answered = span(&[("gen_ai.response.model", "claude-3-5-sonnet")], &prompt);
    let other = span(&[("http.request.method", "GET")], &prompt);
    let body = request(vec![old, new, answered, other]);
    let reply = protobuf(&api, body.clone()).send().await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, "application/x-protobuf")
    );
    assert_eq!(
        wire::Response::decode(reply.bytes.as_slice())
            .unwrap()
            .partial_success,
        None
    );
    let packed = protobuf(&api, gzip(&body))
        .header("content-encoding", "gzip")
        .send()
        .await;
    assert_eq!(packed.status, 200);
    let now = crate::harness::now().unix_timestamp_nanos();
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let json_body = json!({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "x"}, "spans": [
        {"traceId": "5b8efff798038103d269b633813fc60c", "name": prompt, "kind": 3, "startTimeUnixNano": now.to_string(),
         "attributes": [text("gen_ai.request.model", "gpt-4o"), text("gen_ai.prompt", &prompt), {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}}, {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": prompt}]}}}]},
        {"startTimeUnixNano": u64::try_from(now).unwrap(), "attributes": [text("gen_ai.request.model", "gpt-4o")]}
    ]}]}]});
    let reply = api.post(TRACES, &json_body).send().await;
    assert_eq!(reply.expect(200), json!({}));
    let reply = api
        .call(Method::POST, TRACES)
        .raw("application/json", gzip(json_body.to_string().as_bytes()))
        .header("content-encoding", "gzip");
    reply.send().await.expect(200);
    let named = |model: &str, provider: &str, count| (model.to_owned(), provider.to_owned(), count);
    assert_eq!(
        discovered(&api).await,
        [
            named("claude-3-5-sonnet", "anthropic", 2),
            named("gpt-4o", "openai", 6),
            named("mistral-large", "mistral", 2)
        ]
    );
    assert_eq!(
        api.app.traces_of(&prompt),
        Vec::<String>::new(),
        "contents are never kept"
    );
}

async fn other_contents_of_ai_requests_are_not_kept(api: Api) {
    let prompt = unique("marker-prompt");
    let body = json!({"requests": [{"model": "gpt-4o", "prompt": prompt, "messages": [{"content": prompt}]}], "note": prompt});
    let call = api
        .post("/api/v1/ai-requests", &body)
        .header("idempotency-key", &unique("key"));
    call.send().await.expect(202);
    assert_eq!(api.app.traces_of(&prompt), Vec::<String>::new());
    for (count, status) in [(0, 400), (1, 202), (1000, 202), (1001, 400)] {
        let body = json!({"requests": vec![json!({"model": "m"}); count]});
        let reply = api.post("/api/v1/ai-requests", &body).send().await;
        assert_eq!(reply.status, status, "{count}");
    }
    for (one, field) in [
        (json!({}), "/requests/1/model"),
        (json!({"model": ""}), "/requests/1/model"),
        (json!({"model": 1}), "/requests/1/model"),
        (
            json!({"model": "m", "occurred_at": "9999-01-01T00:00:00Z"}),
            "/requests/1/occurred_at",
        ),
        (
            json!({"model": "m", "occurred_at": "x"}),
            "/requests/1/occurred_at",
        ),
        (
            json!({"model": "m", "provider": "a\u{0}"}),
            "/requests/1/provider",
        ),
    ] {
        let reply = api
            .post(
                "/api/v1/ai-requests",
                &json!({"requests": [{"model": "m"}, one]}),
            )
            .send()
            .await;
        assert_eq!(reply.faults(400, "validation_error"), [field]);
    }
}

async fn malformed_bodies_are_refused_in_the_callers_encoding(api: Api) {
    for body in [vec![0xff; 10], vec![0x0a, 0x05, 0x01], b"{}".to_vec()] {
        let reply = protobuf(&api, body).send().await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (400, "application/x-protobuf")
        );
        let status = wire::Status::decode(reply.bytes.as_slice()).unwrap();
        assert!(!status.message.is_empty());
    }
    assert_eq!(
        protobuf(&api, Vec::new()).send().await.status,
        200,
        "no spans at all"
    );
    for body in [
        "",
        "[]",
        "{",
        "null",
        "{\"resourceSpans\": 1}",
        "{\"resourceSpans\": [{\"scopeSpans\": [{\"spans\": [{\"attributes\": {}}]}]}]}",
    ] {
        let reply = api
            .call(Method::POST, TRACES)
            .raw("application/json", body)
            .send()
            .await;
        reply.problem(400, "validation_error");
    }
    let not_gzip = protobuf(&api, b"plain".to_vec()).header("content-encoding", "gzip");
    assert_eq!(not_gzip.send().await.status, 400);
    let mut cut = gzip(&request(vec![span(&[("gen_ai.request.model", "m")], "x")]));
    cut.truncate(cut.len() / 2);
    assert_eq!(
        protobuf(&api, cut)
            .header("content-encoding", "gzip")
            .send()
            .await
            .status,
        400
    );
    let bomb = gzip(&vec![0; 100 << 20]);
    assert_eq!(
        protobuf(&api, bomb)
            .header("content-encoding", "gzip")
            .send()
            .await
            .status,
        413
    );
    assert_eq!(
        protobuf(&api, vec![0; (4 << 20) + 1]).send().await.status,
        413
    );
    for (media, coding) in [
        ("text/plain", "identity"),
        ("application/grpc", "identity"),
        ("application/x-protobuf", "zstd"),
        ("application/json", "br"),
    ] {
        let reply = api
            .call(Method::POST, TRACES)
            .raw(media, "{}")
            .header("content-encoding", coding);
        assert_eq!(reply.send().await.status, 415, "{media} {coding}");
    }
    let reply = protobuf(&api, Vec::new()).anonymous().send().await;
    assert_eq!(reply.status, 401);
    let reader = api.new_key("read");
    assert_eq!(
        protobuf(&api, Vec::new())
            .bearer(&reader)
            .send()
            .await
            .status,
        403
    );
}

async fn what_cannot_be_recorded_is_told_as_partial_success(api: Api) {
    let good = span(&[("gen_ai.request.model", "good-model")], "x");
    let mut late = span(&[("gen_ai.request.model", "m")], "x");
    late.start += 7_200_000_000_000;
    let mut never = late.clone();
    never.start = u64::MAX;
    let odd = span(&[("gen_ai.request.model", "a\u{0}b")], "x");
    let long = span(&[("gen_ai.request.model", &"x".repeat(257))], "x");
    let body = request(vec![good.clone(), late, never, odd, long]);
    let reply = protobuf(&api, body).send().await;
    assert_eq!(reply.status, 200);
    let partial = wire::Response::decode(reply.bytes.as_slice())
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected, 4, "{}", partial.message);
    assert!(!partial.message.is_empty());
    let text = |value: &str| json!({"attributes": [{"key": "gen_ai.request.model", "value": {"stringValue": value}}]});
    let json_body =
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [text("good-model"), text("a\nb")]}]}]});
    let reply = api.post(TRACES, &json_body).send().await.expect(200);
    assert_eq!(reply["partialSuccess"]["rejectedSpans"], "1");
    assert_eq!(
        discovered(&api).await,
        [("good-model".to_owned(), "unknown".to_owned(), 2)]
    );
}

both!(
    spans_of_both_generations_are_counted_in_both_encodings,
    other_contents_of_ai_requests_are_not_kept,
    malformed_bodies_are_refused_in_the_callers_encoding,
    what_cannot_be_recorded_is_told_as_partial_success,
);
