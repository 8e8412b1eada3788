//! Ready-made targets through the real dispatcher, against receivers of ours that hold requests to what
//! the receivers document, and that lose answers.

mod receiver;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::receiver::{Got, Receiver, Reply};
use crate::harness::Api;

const WEBHOOKS: &str = "/api/v1/governance-events/webhooks";
/// How long a delivery may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Registers a target; answers its id.
async fn register(api: &Api, more: &Value) -> String {
    let mut body =
        json!({"event_types": ["guardian.trigger.fired", "compliance.threshold.breach"]});
    crate::harness::merge(&mut body, more);
    let made = api.post(WEBHOOKS, &body).send().await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// Figures of a product that are out of bounds: two events about the same thing at once.
async fn red(api: &Api, product: &str) {
    let body = json!({"modelId": product, "driftScore": 90, "fairnessScore": 99, "sampleSize": 10});
    api.post("/api/v1/metrics", &body).send().await.expect(200);
}

/// Waits until nothing is pending for a target.
async fn delivered(api: &Api, id: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let path = format!("{WEBHOOKS}/{id}/deliveries");
        let page = api.get(&path).send().await.expect(200);
        let all = page["deliveries"].as_array().unwrap().clone();
        let done = all.iter().filter(|one| one["state"] == "delivered");
        if done.count() >= count {
            assert_eq!(all.len(), count, "{page}");
            return all;
        }
        assert!(Instant::now() < deadline, "{page}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn attempts(deliveries: &[Value]) -> u64 {
    deliveries
        .iter()
        .map(|one| one["attempts"].as_u64().unwrap())
        .sum()
}

/// A message in blocks as the channel's documentation describes it.
fn slack_takes(got: &Got) -> Reply {
    assert_eq!(
        (got.method.as_str(), got.path.as_str()),
        ("POST", "/services/T0/B0/x")
    );
    assert_eq!(got.header("content-type"), "application/json");
    let body = got.json();
    let text = body["text"].as_str().unwrap();
    assert!(!text.is_empty() && text.chars().count() <= 3000, "{body}");
    for block in body["blocks"].as_array().unwrap() {
        match block["type"].as_str().unwrap() {
            "header" => {
                assert_eq!(block["text"]["type"], "plain_text");
                let text = block["text"]["text"].as_str().unwrap();
                assert!((1..=150).contains(&text.chars().count()), "{block}");
            }
            "section" => {
                let fields = block.get("fields").map(|fields| fields.as_array().unwrap());
                assert!(fields.is_some() || block.get("text").is_some(), "{block}");
                if let Some(fields) = fields {
                    assert!((1..=10).contains(&fields.len()), "{block}");
                }
                let texts = fields.into_iter().flatten().chain(block.get("text"));
                for text in texts {
                    assert_eq!(text["type"], "mrkdwn");
                    let text = text["text"].as_str().unwrap();
                    assert!((1..=3000).contains(&text.chars().count()), "{block}");
                    assert!(!text.contains("<!"), "{block}");
                }
            }
            other => panic!("{other}"),
        }
    }
    Reply::text(200, "ok")
}

async fn a_channel_gets_blocks(api: Api) {
    let receiver = Receiver::start(|got, number| {
        let reply = slack_takes(got);
        // The first answer is lost, the second says that it is busy.
        match number {
            0 => Reply::Lost,
            1 => Reply::text(503, "busy"),
            _ => reply,
        }
    })
    .await;
    let product = api.new_product().await;
    let url = receiver.url("/services/T0/B0/x");
    let id = register(&api, &json!({"kind": "slack", "target_url": url})).await;
    red(&api, &product).await;
    let all = delivered(&api, &id, 3).await;
    assert_eq!(attempts(&all), 5, "{all:?}");
    assert_eq!(receiver.count(), 5);
    receiver.fine();
}

/// A card in the envelope of a workflow.
fn teams_takes(got: &Got) -> Reply {
    assert_eq!(got.method, "POST");
    assert_eq!(got.path, "/workflows/w/triggers/manual/paths/invoke?sig=s");
    assert!(got.body.len() <= 28 << 10);
    let body = got.json();
    assert_eq!(body["type"], "message");
    let attachments = body["attachments"].as_array().unwrap();
    assert_eq!(attachments.len(), 1);
    let kind = "application/vnd.microsoft.card.adaptive";
    assert_eq!(attachments[0]["contentType"], kind);
    let card = &attachments[0]["content"];
    assert_eq!(
        (&card["type"], &card["version"]),
        (&json!("AdaptiveCard"), &json!("1.4"))
    );
    for element in card["body"].as_array().unwrap() {
        match element["type"].as_str().unwrap() {
            "TextBlock" => assert!(element["text"].is_string()),
            "FactSet" => {
                for fact in element["facts"].as_array().unwrap() {
                    assert!(
                        fact["title"].is_string() && fact["value"].is_string(),
                        "{fact}"
                    );
                }
            }
            other => panic!("{other}"),
        }
    }
    Reply::text(202, "")
}

async fn a_workflow_gets_a_card(api: Api) {
    let receiver = Receiver::start(|got, _| teams_takes(got)).await;
    let product = api.new_product().await;
    let url = receiver.url("/workflows/w/triggers/manual/paths/invoke?sig=s");
    let id = register(&api, &json!({"kind": "teams", "target_url": url})).await;
    red(&api, &product).await;
    delivered(&api, &id, 3).await;
    receiver.fine();
}

async fn a_template_is_filled_in_and_signed(api: Api) {
    let receiver = Receiver::start(|got, _| {
        assert_eq!(
            (got.method.as_str(), got.path.as_str()),
            ("PUT", "/v2/enqueue")
        );
        assert_eq!(got.header("authorization"), "Token t0k");
        assert_eq!(got.header("content-type"), "application/json");
        assert!(got.header("webhook-signature").starts_with("v1,"));
        let body = got.json();
        assert_eq!(body["id"], got.header("webhook-id"));
        assert!(body["kind"].as_str().unwrap().contains('.'));
        assert!(body.as_object().unwrap().contains_key("details"));
        Reply::text(204, "")
    })
    .await;
    let product = api.new_product().await;
    let text = r#"{"id": "{{id}}", "kind": "{{type}}", "why": "{{data.trigger_reason}}", "details": {{json data.payload}}}"#;
    let template = json!({
        "kind": "template", "target_url": receiver.url("/v2/enqueue"), "credential": "Token t0k",
        "settings": {"body": text, "method": "PUT"}
    });
    let id = register(&api, &template).await;
    red(&api, &product).await;
    delivered(&api, &id, 3).await;
    receiver.fine();
}

/// Tickets as the tracker documents them: found by label, made, told of more.
#[derive(Default)]
struct Tickets {
    labels: Vec<Vec<String>>,
    comments: Vec<usize>,
}

impl Tickets {
    fn shown(&self, number: usize) -> Value {
        json!({"key": format!("GOV-{}", number + 1), "fields": {"labels": self.labels[number]}})
    }

    fn answer(&mut self, got: &Got) -> Reply {
        // base64 of `ann@example.org:token`
        assert_eq!(
            got.header("authorization"),
            "Basic YW5uQGV4YW1wbGUub3JnOnRva2Vu"
        );
        let (path, query) = got.path.split_once('?').unwrap_or((&got.path, ""));
        let path = path.strip_prefix("/rest/api/3/").unwrap();
        match (got.method.as_str(), path) {
            ("GET", "myself") => Reply::json(200, json!({"active": true})),
            ("GET", "search/jql") => {
                let jql = url::form_urlencoded::parse(query.as_bytes());
                let jql = jql.into_iter().find(|(name, _)| name == "jql").unwrap().1;
                let label = jql.split('"').nth(1).unwrap().to_owned();
                let found = self
                    .labels
                    .iter()
                    .position(|labels| labels.contains(&label));
                let found: Vec<Value> =
                    found.map(|number| self.shown(number)).into_iter().collect();
                Reply::json(200, json!({"issues": found, "isLast": true}))
            }
            ("POST", "issue") => {
                let fields = &got.json()["fields"];
                assert_eq!(fields["project"]["key"], "GOV");
                assert_eq!(fields["issuetype"]["name"], "Task");
                assert_eq!(fields["description"]["type"], "doc");
                self.labels.push(labels(&fields["labels"]));
                self.comments.push(0);
                let key = format!("GOV-{}", self.labels.len());
                Reply::json(201, json!({"id": "10000", "key": key}))
            }
            (method, path) => {
                let key = path.strip_prefix("issue/GOV-").unwrap();
                let number: usize = key.parse::<usize>().unwrap() - 1;
                if method == "GET" {
                    return Reply::json(200, self.shown(number));
                }
                assert_eq!(method, "PUT");
                let update = &got.json()["update"];
                let added = update["labels"][0]["add"].as_str().unwrap();
                self.labels[number].push(added.to_owned());
                assert_eq!(update["comment"][0]["add"]["body"]["type"], "doc");
                self.comments[number] += 1;
                Reply::text(204, "")
            }
        }
    }
}

fn labels(value: &Value) -> Vec<String> {
    let labels = value.as_array().unwrap().iter();
    labels.map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// Two events about the same thing come at once, and the answers to creation and comment are lost.
async fn a_thing_has_one_ticket_through_the_dispatcher(api: Api) {
    let tickets = std::sync::Arc::new(std::sync::Mutex::new(Tickets::default()));
    let (kept, mut lost) = (tickets.clone(), std::collections::HashSet::new());
    let receiver = Receiver::start(move |got, _| {
        let reply = kept.lock().unwrap().answer(got);
        let first = got.method != "GET" && lost.insert(got.method.clone());
        if first { Reply::Lost } else { reply }
    })
    .await;
    let product = api.new_product().await;
    let jira = json!({
        "kind": "jira", "target_url": receiver.url("/"), "credential": "ann@example.org:token",
        "settings": {"project_key": "GOV"}
    });
    let id = register(&api, &jira).await;
    red(&api, &product).await;
    let all = delivered(&api, &id, 3).await;
    receiver.fine();
    assert_eq!(attempts(&all), 5, "one for each lost answer: {all:?}");
    let tickets = tickets.lock().unwrap();
    assert_eq!(tickets.labels.len(), 1, "{:?}", tickets.labels);
    assert_eq!(tickets.comments, [1]);
    let messages = all.iter().map(|one| one["message_id"].as_str().unwrap());
    for message in messages.filter(|id| id.starts_with("evt_")) {
        let told = tickets.labels[0].iter().filter(|label| *label == message);
        assert_eq!(told.count(), 1, "{message}: {:?}", tickets.labels);
    }
}

/// Issues as the interface documents them: an id that is taken is refused.
#[derive(Default)]
struct Issues {
    issues: Vec<Value>,
    comments: Vec<Value>,
}

impl Issues {
    fn answer(&mut self, got: &Got) -> Reply {
        assert_eq!(
            (got.method.as_str(), got.path.as_str()),
            ("POST", "/graphql")
        );
        assert_eq!(got.header("authorization"), "lin_api_key");
        let body = got.json();
        let (query, variables) = (body["query"].as_str().unwrap(), &body["variables"]);
        let input = &variables["input"];
        let refused = || Reply::json(200, json!({"errors": [{"message": "id is taken"}]}));
        if query.contains("viewer") {
            return Reply::json(200, json!({"data": {"viewer": {"id": "me"}}}));
        }
        if query.contains("issueCreate") {
            assert!(input["title"].is_string() && input["teamId"].is_string());
            if self.issues.iter().any(|known| known["id"] == input["id"]) {
                return refused();
            }
            self.issues.push(input.clone());
            let issue = json!({"id": input["id"], "identifier": "GOV-1"});
            let made = json!({"issueCreate": {"success": true, "issue": issue}});
            return Reply::json(200, json!({"data": made}));
        }
        if query.contains("commentCreate") {
            if self.comments.iter().any(|known| known["id"] == input["id"]) {
                return refused();
            }
            self.comments.push(input.clone());
            let made = json!({"success": true, "comment": {"id": input["id"]}});
            return Reply::json(200, json!({"data": {"commentCreate": made}}));
        }
        let found = self
            .issues
            .iter()
            .filter(|one| one["id"] == variables["issue"]);
        let nodes: Vec<Value> = found
            .map(|issue| {
                let comments = self.comments.iter();
                let comments = comments.filter(|one| one["id"] == variables["comment"]);
                let comments: Vec<Value> = comments.map(|one| json!({"id": one["id"]})).collect();
                json!({"id": issue["id"], "identifier": "GOV-1",
                       "description": issue["description"], "comments": {"nodes": comments}})
            })
            .collect();
        Reply::json(200, json!({"data": {"issues": {"nodes": nodes}}}))
    }
}

async fn a_thing_has_one_issue_through_the_dispatcher(api: Api) {
    let issues = std::sync::Arc::new(std::sync::Mutex::new(Issues::default()));
    let (kept, mut lost) = (issues.clone(), std::collections::HashSet::new());
    let receiver = Receiver::start(move |got, _| {
        let reply = kept.lock().unwrap().answer(got);
        let query = got.json()["query"].as_str().unwrap().to_owned();
        let first = query.starts_with("mutation") && lost.insert(query);
        if first { Reply::Lost } else { reply }
    })
    .await;
    let product = api.new_product().await;
    let linear = json!({
        "kind": "linear", "target_url": receiver.url("/graphql"), "credential": "lin_api_key",
        "settings": {"team_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}
    });
    let id = register(&api, &linear).await;
    red(&api, &product).await;
    let all = delivered(&api, &id, 3).await;
    receiver.fine();
    assert_eq!(attempts(&all), 5, "one for each lost answer: {all:?}");
    let issues = issues.lock().unwrap();
    assert_eq!((issues.issues.len(), issues.comments.len()), (1, 1));
}

both!(
    a_channel_gets_blocks,
    a_workflow_gets_a_card,
    a_template_is_filled_in_and_signed,
    a_thing_has_one_ticket_through_the_dispatcher,
    a_thing_has_one_issue_through_the_dispatcher,
);
