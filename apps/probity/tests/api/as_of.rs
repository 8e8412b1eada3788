//! Time travel: what is answered as of an instant is what was answered then.

use reqwest::Method;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::harness::{Api, merge, now};

/// A generator of choices that a seed repeats: xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(n).unwrap()).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        (!of.is_empty()).then(|| &of[self.below(of.len())])
    }
}

/// What the operations made.
#[derive(Default)]
struct World {
    space: String,
    products: Vec<String>,
    models: Vec<String>,
    links: Vec<String>,
    alerts: Vec<String>,
    runs: Vec<String>,
}

impl World {
    /// Everything that can be asked as of an instant.
    fn questions(&self, organization: &str) -> Vec<String> {
        let space = &self.space;
        let listed = format!("/api/v1.0/catalog/spaces/{space}");
        let own = format!("/api/v1.0/organizations/{organization}");
        let mut questions = vec![
            format!("{listed}/products?limit=100"),
            format!("{listed}/products?skip=1&limit=2"),
            format!("{listed}/model-repository/models?include_archived=true"),
            format!("{listed}/model-repository/models?q=vision"),
            format!("{own}/model-repository/models?q=vision%201&limit=3"),
            format!("{own}/model-repository/models?types=ML%20Model&deployment_status=production"),
            format!("{own}/model-repository/models?limit=2"),
            format!("{own}/ai-governance-overview?worst=3"),
            format!("{own}/ai-governance-postures?limit=3"),
            format!("{own}/ai-governance-postures?skip=1&limit=3"),
            format!("{own}/ai-governance-postures?max_score=40&drift_indicator=missing_eval"),
            "/api/admin/models?limit=200".to_owned(),
            "/api/admin/models?search=vision".to_owned(),
            "/api/admin/models?validation_status=draft".to_owned(),
            "/api/v1/alerts?limit=200".to_owned(),
            "/api/v1/alerts?state=open".to_owned(),
            "/api/v1/risk-metric-links?limit=200".to_owned(),
        ];
        for product in &self.products {
            questions.push(format!("{listed}/products/{product}"));
            questions.push(format!(
                "/api/v1.0/catalog/products/{product}/ai-governance-summary"
            ));
            questions.push(format!("/api/v1/thresholds?modelId={product}"));
        }
        let each = |path: &str, ids: &[String]| {
            let paths = ids.iter().map(|id| format!("{path}/{id}"));
            paths.collect::<Vec<_>>()
        };
        questions.extend(each("/api/admin/models", &self.models));
        questions.extend(each("/api/v1/risk-metric-links", &self.links));
        questions.extend(each("/api/v1/alerts", &self.alerts));
        questions
    }
}

/// The answer without what follows from the instant of asking.
async fn answer(api: &Api, question: &str, as_of: Option<&str>) -> (u16, Value) {
    let path = match as_of {
        None => question.to_owned(),
        Some(at) if question.contains('?') => format!("{question}&as_of={at}"),
        Some(at) => format!("{question}?as_of={at}"),
    };
    let reply = api.get(&path).send().await;
    let mut body = reply.json();
    still(&mut body);
    if let Some(at) = as_of
        && reply.status == 200
    {
        assert_eq!(reply.header("as-of"), at);
        assert!(reply.header("audit-size").parse::<u64>().unwrap() > 0);
        assert!(reply.header("audit-checkpoint").len() > 100);
    }
    // Pages and what a cursor leads to belong to the answer.
    let pages = ["x-total-count", "x-page", "x-has-more", "x-next-cursor"];
    let told: Vec<_> = pages.iter().map(|name| reply.header(name)).collect();
    (reply.status, json!({"body": body, "pages": told}))
}

/// What follows from the instant of asking. A posture that is kept is not written anew for each snapshot, and may tell
/// an earlier next change than one that is judged now.
const MOVING: [&str; 5] = [
    "instance",
    "generated_at",
    "as_of",
    "evaluated_at",
    "next_change_at",
];

/// Takes that out, and to which instant links lead.
fn still(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for moving in MOVING {
                members.remove(moving);
            }
            if let Some(Value::String(link)) = members.get_mut("link")
                && let Some(at) = link.find("as_of=")
            {
                link.truncate(at - 1);
            }
            members.values_mut().for_each(still);
        }
        Value::Array(items) => items.iter_mut().for_each(still),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn act(api: &Api, world: &mut World, dice: &mut Dice, step: usize) {
    let product = dice.one(&world.products).cloned().unwrap_or_default();
    let base = format!("/api/v1.0/catalog/products/{product}");
    let text = format!("vision {step}");
    match dice.below(18) {
        0 => world.products.push(api.product_in(&world.space).await),
        1 => {
            let more = json!({"description": text, "owner": "o"});
            let made = api.new_model(&more).await;
            world.models.push(made["id"].as_str().unwrap().to_owned());
        }
        2 | 3 => {
            let Some(model) = dice.one(&world.models) else {
                return;
            };
            let path = format!("/api/admin/models/{model}");
            let mut body = json!({"description": text});
            if dice.below(2) == 0 {
                merge(
                    &mut body,
                    &json!({"validation_status": "pending_validation"}),
                );
            }
            api.put(&path, &body).send().await;
        }
        4 => {
            if world.models.is_empty() {
                return;
            }
            let at = dice.below(world.models.len());
            let path = format!("/api/admin/models/{}", world.models[at]);
            api.delete(&path).send().await;
        }
        5 => {
            let body =
                json!({"modelId": product, "thresholds": {"drift": {"amber": step, "red": 100}}});
            let made = api.post("/api/v1/risk-metric-links", &body).send().await;
            if made.status == 201 {
                world
                    .links
                    .push(made.json()["id"].as_str().unwrap().to_owned());
            }
        }
        6 => {
            let Some(link) = dice.one(&world.links) else {
                return;
            };
            let path = format!("/api/v1/risk-metric-links/{link}");
            if dice.below(3) == 0 {
                api.delete(&path).send().await;
            } else {
                let body = json!({"thresholds": {"psi": {"amber": 0.05, "red": 0.3}}});
                api.put(&path, &body).send().await;
            }
        }
        7 | 8 => {
            let drift = [1.0, 60.0, 90.0][dice.below(3)];
            let body = json!({"modelId": product, "driftScore": drift, "fairnessScore": 99, "sampleSize": 10});
            api.post("/api/v1/metrics", &body).send().await;
            let listed = api.get("/api/v1/alerts?limit=200").send().await.expect(200);
            let ids = listed["alerts"].as_array().unwrap().iter();
            world.alerts = ids
                .map(|one| one["id"].as_str().unwrap().to_owned())
                .collect();
        }
        9 => {
            let Some(alert) = dice.one(&world.alerts) else {
                return;
            };
            let verb = ["acknowledge", "resolve"][dice.below(2)];
            let path = format!("/api/v1/alerts/{alert}/{verb}");
            api.post(&path, &json!({"note": text})).send().await;
        }
        10 => {
            let body = json!({"run_name": text, "run_type": "evaluation", "status": "completed", "is_deployed": true});
            let made = api
                .post(&format!("{base}/training-runs"), &body)
                .send()
                .await;
            if made.status == 201 {
                world.runs.push(format!(
                    "{base}/training-runs/{}",
                    made.json()["id"].as_str().unwrap()
                ));
            }
        }
        11 => {
            let Some(run) = dice.one(&world.runs) else {
                return;
            };
            api.delete(run).send().await;
        }
        12 => {
            let body = json!({"name": text, "dependency_type": "dataset"});
            api.post(&format!("{base}/data-dependencies"), &body)
                .send()
                .await;
            let event = json!({"event_type": "incident", "severity": "high", "status": "open", "summary": text, "occurred_at": "2026-01-01T00:00:00Z"});
            api.post(&format!("{base}/ai-runtime-governance-events"), &event)
                .send()
                .await;
        }
        13 | 14 => {
            let path = format!("{base}/model-repository");
            let status = ["production", "staging"][dice.below(2)];
            let body = json!({"deployment_status": status, "vendor_name": text});
            api.call(Method::PATCH, &path).json(&body).send().await;
        }
        15 if world.products.len() > 2 => {
            let path = format!(
                "/api/v1.0/catalog/spaces/{}/products/{product}",
                world.space
            );
            api.delete(&path).send().await;
        }
        16 => artifact(api, &base, step).await,
        _ => {
            let path = format!(
                "/api/v1.0/catalog/spaces/{}/products/{product}",
                world.space
            );
            let body = json!({"owner": text, "monitoring_plan": text});
            api.call(Method::PATCH, &path).json(&body).send().await;
        }
    }
}

/// An artifact without bytes, which becomes the current one.
async fn artifact(api: &Api, base: &str, step: usize) {
    let uploads = format!("{base}/model-artifacts/uploads");
    let body = json!({"file_name": format!("v{step}.onnx"), "content_type": "application/octet-stream", "total_size_bytes": 0, "is_current": true});
    let opened = api.post(&uploads, &body).send().await;
    if opened.status == 201 {
        let id = opened.json()["id"].as_str().unwrap().to_owned();
        let complete = format!("{uploads}/{id}/complete");
        api.post(&complete, &json!({})).send().await.expect(200);
    }
}

/// What was answered at an instant.
type Taken = (String, Vec<(String, (u16, Value))>);

async fn what_is_answered_as_of_an_instant_was_answered_then(api: Api) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut world = World {
        space: api.new_space().await,
        ..World::default()
    };
    world.products.push(api.product_in(&world.space).await);
    let mut taken: Vec<Taken> = Vec::new();
    for step in 0..60 {
        act(&api, &mut world, &mut dice, step).await;
        if step % 6 != 0 {
            continue;
        }
        // A leaf names the millisecond: what follows must not fall into the one that is asked for.
        let pause = || tokio::time::sleep(std::time::Duration::from_millis(3));
        pause().await;
        let at = now();
        let millisecond = u32::from(at.millisecond()) * 1_000_000;
        let at = at.replace_nanosecond(millisecond).unwrap();
        let at = at.format(&Rfc3339).unwrap();
        let mut answers = Vec::new();
        for question in world.questions(&api.organization) {
            answers.push((question.clone(), answer(&api, &question, None).await));
        }
        taken.push((at, answers));
        pause().await;
    }
    for (at, answers) in taken {
        for (question, then) in answers {
            let again = answer(&api, &question, Some(&at)).await;
            assert_eq!(again, then, "{question} as of {at}");
        }
    }
}

async fn instants_that_cannot_be_answered_are_refused(api: Api) {
    let model = api.new_model(&json!({})).await;
    let path = format!("/api/admin/models/{}", model["id"].as_str().unwrap());
    for (at, code) in [
        ("yesterday", "invalid_instant"),
        ("2026-01-01", "invalid_instant"),
        ("9999-01-01T00:00:00Z", "out_of_range"),
    ] {
        let refused = api.get(&format!("{path}?as_of={at}")).send().await;
        let problem = refused.problem(400, "validation_error");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    let twice = "as_of=2026-01-01T00:00:00Z&as_of=2026-01-01T00:00:00Z";
    let refused = api.get(&format!("{path}?{twice}")).send().await;
    assert_eq!(refused.faults(400, "validation_error"), ["as_of"]);
    // Before it was there, it was not there.
    let before = api
        .get(&format!("{path}?as_of=2020-01-01T00:00:00Z"))
        .send()
        .await;
    before.problem(404, "model_not_found");
    let list = api
        .get("/api/admin/models?as_of=2020-01-01T00:00:00Z")
        .send()
        .await;
    assert_eq!(list.expect(200)["total"], 0);
}

/// Who asks for the past where only the present is known gets neither.
async fn an_instant_is_refused_where_nothing_knows_it(api: Api) {
    let model = api.new_model(&json!({})).await;
    let path = format!("/api/admin/models/{}", model["id"].as_str().unwrap());
    let at = now().format(&Rfc3339).unwrap();
    for asked in [
        format!("{path}/history?as_of={at}"),
        format!("{path}?asOf={at}"),
        format!("/api/v1/alerts/banners?as_of={at}"),
        format!("/api/v1/governance-events?as_of={at}"),
    ] {
        let refused = api.get(&asked).send().await;
        let problem = refused.problem(400, "validation_error");
        assert_eq!(problem["errors"][0]["code"], "unknown_parameter", "{asked}");
    }
    // And nothing is done as of an instant.
    let owner = json!({"owner": "somebody else"});
    let put = api.put(&format!("{path}?as_of={at}"), &owner).send().await;
    assert_eq!(put.faults(400, "validation_error"), ["as_of"]);
    assert_ne!(
        api.get(&path).send().await.expect(200)["owner"],
        owner["owner"]
    );
}

/// A fleet of the past is judged anew: up to two thousand products in full, one more not at all.
async fn fleets_of_the_past_end_at_two_thousand_products(api: Api) {
    let space = api.new_space().await;
    let import = format!("/api/v1.0/catalog/spaces/{space}/products/import");
    for file in [0..1_000, 1_000..2_000] {
        let rows: Vec<String> = file.map(|row| format!("Model {row},m-{row}\n")).collect();
        let sent = api.call(Method::POST, &import);
        let sent = sent.raw("text/csv", format!("name,slug\n{}", rows.concat()));
        sent.send().await.expect(200);
    }
    let pause = || tokio::time::sleep(std::time::Duration::from_millis(3));
    pause().await;
    let full = now().format(&Rfc3339).unwrap();
    pause().await;
    api.product_in(&space).await;
    pause().await;
    let over = now().format(&Rfc3339).unwrap();
    let ask = |question: &str, at: &str| {
        let path = format!("/api/v1.0/organizations/{}/{question}", api.organization);
        api.get(&format!("{path}as_of={at}")).send()
    };
    let told = ask("ai-governance-overview?", &full).await.expect(200);
    assert_eq!(told["products"], 2_000);
    let listed = ask("ai-governance-postures?limit=1&", &full).await;
    assert_eq!(listed.header("x-total-count"), "2000");
    for question in ["ai-governance-overview?", "ai-governance-postures?"] {
        let refused = ask(question, &over).await;
        let problem = refused.problem(422, "past_too_large");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("2000"), "{problem}");
    }
    // What is there now is kept, and has no such limit.
    let path = format!(
        "/api/v1.0/organizations/{}/ai-governance-overview",
        api.organization
    );
    assert_eq!(api.get(&path).send().await.expect(200)["products"], 2_001);
}

both!(
    what_is_answered_as_of_an_instant_was_answered_then,
    an_instant_is_refused_where_nothing_knows_it,
    fleets_of_the_past_end_at_two_thousand_products,
    instants_that_cannot_be_answered_are_refused,
);
