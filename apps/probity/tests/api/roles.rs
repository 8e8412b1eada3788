//! What a caller may do in a space, by its role there: operation by operation.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Call, unique};
use crate::isolation::{Probe, Thing, call, never, one_of_each_in, seen, table};

/// Roles in a space, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Viewer,
    Editor,
    Admin,
}

/// A user of the organisation with a token.
struct User {
    subject: String,
    token: String,
}

fn user(api: &Api, organization_role: &str) -> User {
    let subject = unique("user");
    let token = api.app.place.run(&[
        "token",
        "create",
        "--org",
        &api.organization,
        "--subject",
        &subject,
        "--role",
        organization_role,
    ]);
    User { subject, token }
}

fn patch(api: &Api, path: &str, body: &Value) -> Call {
    api.call(Method::PATCH, path).json(body)
}

fn members(api: &Api, space: &str) -> String {
    format!(
        "/api/v1.0/organizations/{}/spaces/{space}/members",
        api.organization
    )
}

async fn closed_space(api: &Api) -> String {
    let slug = unique("closed");
    let path = format!("/api/v1.0/organizations/{}/spaces", api.organization);
    let body = json!({"slug": slug, "visibility": "members"});
    let made = api.post(&path, &body).send().await.expect(201);
    assert_eq!(made["visibility"], "members");
    slug
}

async fn member(api: &Api, space: &str, role: &str) -> User {
    let user = user(api, "member");
    let body = json!({"user": user.subject, "role": role});
    let put = api
        .put(&members(api, space), &body)
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&put["role"], &put["subject"]),
        (&json!(role), &json!(user.subject))
    );
    user
}

async fn confined_key(api: &Api, scope: &str, space: &str) -> String {
    let path = format!(
        "/api/v1.0/organizations/{}/spaces/{space}",
        api.organization
    );
    let id = api.get(&path).send().await.expect(200)["id"].clone();
    let body = json!({"name": unique("k"), "scopes": [scope], "spaces": [id]});
    let made = api.post("/api/v1/api-keys", &body).send().await.expect(201);
    made["key"].as_str().unwrap().to_owned()
}

/// Whether things of this kind are in a space.
fn is_placed(thing: Thing) -> bool {
    !matches!(
        thing,
        Thing::Model | Thing::Key | Thing::Organization | Thing::Webhook | Thing::Delivery
    )
}

/// What an operation on something in a space needs.
fn needed(operation: &str, probe: &Probe) -> Role {
    match operation {
        "repository_update_space" | "repository_put_member" | "repository_remove_member" => {
            Role::Admin
        }
        _ if probe.1 == "GET" => Role::Viewer,
        _ => Role::Editor,
    }
}

/// Every operation on something that is in a space, those that end things last.
fn operations(kinds: &[(Thing, String)]) -> Vec<(&'static str, Probe, String)> {
    let mut all = Vec::new();
    for (operation, probes) in table() {
        for probe in probes.into_iter().filter(|probe| is_placed(probe.0)) {
            let of_kind = kinds.iter().filter(|(kind, _)| *kind == probe.0);
            all.extend(of_kind.map(|(_, id)| (operation, probe, id.clone())));
        }
    }
    all.sort_by_key(|(operation, probe, _)| {
        let ends = probe.1 == "DELETE" || probe.2.ends_with("/resolve");
        (*operation == "catalog_archive_product", ends)
    });
    all
}

async fn who_is_nothing_in_a_space_finds_nothing_there(api: Api) {
    let space = closed_space(&api).await;
    let elsewhere = api.new_space().await;
    let kinds = one_of_each_in(&api, &space).await;
    for credential in [
        user(&api, "member").token,
        user(&api, "auditor").token,
        member(&api, &elsewhere, "admin").await.token,
        confined_key(&api, "write", &elsewhere).await,
        confined_key(&api, "admin", &elsewhere).await,
    ] {
        for (operation, probe, id) in operations(&kinds) {
            let asked = call(&api, &credential, &probe, &id).send().await;
            let other = never(probe.0, &id);
            let never = call(&api, &credential, &probe, &other).send().await;
            assert_eq!(seen(&asked, &id), seen(&never, &other), "{operation}");
            assert!(
                matches!(asked.status, 404 | 403) || asked.json()["total"] == 0,
                "{operation}: {} {}",
                asked.status,
                asked.text()
            );
        }
    }
}

async fn a_role_permits_what_it_says_and_no_more(api: Api) {
    let space = closed_space(&api).await;
    let auditor = user(&api, "auditor");
    let body = json!({"user": auditor.subject, "role": "editor"});
    api.put(&members(&api, &space), &body)
        .send()
        .await
        .expect(200);
    let callers = [
        (
            "viewer",
            Role::Viewer,
            member(&api, &space, "viewer").await.token,
        ),
        ("auditor", Role::Viewer, auditor.token),
        (
            "key, read",
            Role::Viewer,
            confined_key(&api, "read", &space).await,
        ),
        (
            "editor",
            Role::Editor,
            member(&api, &space, "editor").await.token,
        ),
        (
            "key, write",
            Role::Editor,
            confined_key(&api, "write", &space).await,
        ),
        (
            "admin",
            Role::Admin,
            member(&api, &space, "admin").await.token,
        ),
        ("admin of all", Role::Admin, user(&api, "admin").token),
        (
            "key, admin",
            Role::Admin,
            confined_key(&api, "admin", &space).await,
        ),
    ];
    for (name, held, credential) in callers {
        let kinds = one_of_each_in(&api, &space).await;
        for (operation, probe, id) in operations(&kinds) {
            let answer = call(&api, &credential, &probe, &id).send().await;
            let told = format!("{operation} as {name}: {} {}", answer.status, answer.text());
            if held >= needed(operation, &probe) {
                // What the probe asks may be refused for other reasons, not for the caller.
                assert!(!matches!(answer.status, 401 | 403 | 404 | 500), "{told}");
                assert!(probe.1 != "GET" || answer.status == 200, "{told}");
            } else {
                assert_eq!(answer.status, 403, "{told}");
                answer.problem(403, "forbidden");
            }
        }
    }
}

async fn the_members_of_a_space_are_kept_with_care(api: Api) {
    let owner = user(&api, "admin");
    let slug = unique("own");
    let spaces = format!("/api/v1.0/organizations/{}/spaces", api.organization);
    let body = json!({"slug": slug, "visibility": "members"});
    let made = api.post(&spaces, &body).bearer(&owner.token).send().await;
    made.expect(201);
    let path = members(&api, &slug);
    let listed = api.get(&path).send().await;
    assert_eq!(listed.header("x-total-count"), "1");
    let first = &listed.expect(200)[0];
    assert_eq!(
        (&first["subject"], &first["role"]),
        (&json!(owner.subject), &json!("admin"))
    );

    let gone = api
        .delete(&format!("{path}?user={}", owner.subject))
        .send()
        .await;
    gone.problem(409, "last_admin");
    let lower = json!({"user": first["user_id"], "role": "viewer"});
    api.put(&path, &lower)
        .send()
        .await
        .problem(409, "last_admin");

    let second = member(&api, &slug, "editor").await;
    let body = json!({"user": second.subject, "role": "admin"});
    let stale = api
        .put(&path, &body)
        .header("if-match", "\"v9\"")
        .send()
        .await;
    stale.problem(412, "precondition_failed");
    let raised = api
        .put(&path, &body)
        .header("if-match", "\"v1\"")
        .send()
        .await;
    raised.expect(200);
    assert_eq!(raised.header("etag"), "\"v2\"");
    let again = api.put(&path, &body).send().await;
    assert_eq!(
        again.header("etag"),
        "\"v2\"",
        "what is so already writes nothing"
    );
    let gone = api
        .delete(&format!("{path}?user={}", owner.subject))
        .bearer(&second.token);
    gone.send().await.expect(204);
    let gone = api
        .delete(&format!("{path}?user={}", owner.subject))
        .send()
        .await;
    gone.problem(404, "member_not_found");
    its_history_tells_who_was_what(&api, &format!("{spaces}/{slug}"), &second).await;

    for (body, fields) in [
        (json!({}), vec!["/user", "/role"]),
        (
            json!({"user": second.subject, "role": "owner"}),
            vec!["/role"],
        ),
        (json!({"user": "nobody", "role": "viewer"}), vec!["/user"]),
        (
            json!({"user": "' OR 1=1 --", "role": "viewer"}),
            vec!["/user"],
        ),
        (json!({"user": 7, "role": "viewer"}), vec!["/user"]),
        (json!({"user": "a\u{0}b", "role": "viewer"}), vec!["/user"]),
    ] {
        let refused = api.put(&path, &body).send().await;
        assert_eq!(refused.faults(422, "validation_error"), fields, "{body}");
    }
    for query in ["", "?user=", "?user=%00", "?user=a%00b"] {
        let refused = api.delete(&format!("{path}{query}")).send().await;
        let fields = refused.faults(422, "validation_error");
        assert_eq!(fields, ["user"], "{query}");
    }
    let other = Api::on(&api.app);
    let stranger = user(&other, "member");
    let body = json!({"user": stranger.subject, "role": "viewer"});
    let refused = api.put(&path, &body).send().await;
    assert_eq!(refused.faults(422, "validation_error"), ["/user"]);
}

/// The second member came as an editor, became an admin, and the first one left.
async fn its_history_tells_who_was_what(api: &Api, space: &str, second: &User) {
    let path = format!("{space}/history");
    let told = api
        .get(&path)
        .bearer(&second.token)
        .send()
        .await
        .expect(200);
    let entries = told["history"].as_array().unwrap();
    let role = |entry: &Value| {
        let changes = entry["changes"].as_array().unwrap().clone();
        let role = changes.into_iter().find(|change| change["field"] == "role");
        role.map_or(Value::Null, |role| json!([role["before"], role["after"]]))
    };
    let told: Vec<(&str, Value)> = entries
        .iter()
        .map(|entry| (entry["action"].as_str().unwrap(), role(entry)))
        .collect();
    assert_eq!(
        told,
        [
            ("space.member.removed", json!(["admin", null])),
            ("space.member.changed", json!(["editor", "admin"])),
            ("space.member.added", json!([null, "editor"])),
            ("space.created", Value::Null),
        ]
    );
    let page = api.get(&format!("{path}?limit=1")).send().await.expect(200);
    assert_eq!(
        (&page["total"], page["history"].as_array().unwrap().len()),
        (&json!(4), 1)
    );
    let refused = api.get(&format!("{path}?limit=101")).send().await;
    assert_eq!(refused.faults(422, "validation_error"), ["limit"]);
}

async fn two_admins_cannot_both_leave(api: Api) {
    let space = closed_space(&api).await;
    let one = member(&api, &space, "admin").await;
    let two = member(&api, &space, "admin").await;
    let path = members(&api, &space);
    let leave = |user: &User| {
        api.delete(&format!("{path}?user={}", user.subject))
            .bearer(&user.token)
            .send()
    };
    let (first, second) = tokio::join!(leave(&one), leave(&two));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    let left = api.get(&path).send().await;
    assert_eq!(left.header("x-total-count"), "1");
}

async fn a_space_opens_and_closes(api: Api) {
    let space = api.new_space().await;
    let product = api.product_in(&space).await;
    let outsider = user(&api, "member").token;
    let admin = member(&api, &space, "admin").await.token;
    let viewer = member(&api, &space, "viewer").await.token;
    let path = format!(
        "/api/v1.0/organizations/{}/spaces/{space}",
        api.organization
    );
    let record = format!("/api/v1.0/catalog/spaces/{space}/products/{product}");
    let rename = json!({"name": "Another"});
    let open = patch(&api, &record, &rename).bearer(&outsider).send().await;
    open.expect(200);
    // In an open space too a member is what the space says.
    let refused = patch(&api, &record, &rename).bearer(&viewer).send().await;
    refused.problem(403, "forbidden");
    let close = json!({"visibility": "members"});
    let refused = patch(&api, &path, &close).bearer(&outsider).send().await;
    refused.problem(403, "forbidden");
    let closed = patch(&api, &path, &close).bearer(&admin).send().await;
    assert_eq!(closed.expect(200)["visibility"], "members");
    let hidden = api.get(&record).bearer(&outsider).send().await;
    hidden.problem(404, "space_not_found");
    api.get(&record).bearer(&viewer).send().await.expect(200);
    // How much a space may hold is for the organisation to say.
    let roomy = json!({"product_capacity": 9});
    let refused = patch(&api, &path, &roomy).bearer(&admin).send().await;
    refused.problem(403, "forbidden");
    let grown = patch(&api, &path, &roomy).send().await.expect(200);
    assert_eq!(grown["product_capacity"], 9);
    let faulty = json!({"visibility": "public"});
    let refused = patch(&api, &path, &faulty).send().await;
    assert_eq!(refused.faults(422, "validation_error"), ["/visibility"]);
    let stale = patch(&api, &path, &close)
        .header("if-match", "\"v1\"")
        .send()
        .await;
    stale.problem(412, "precondition_failed");
    let creating = confined_key(&api, "admin", &space).await;
    let spaces = format!("/api/v1.0/organizations/{}/spaces", api.organization);
    let another = api
        .post(&spaces, &json!({"slug": unique("s")}))
        .bearer(&creating);
    another.send().await.problem(403, "forbidden");
}

async fn lists_and_their_totals_leave_out_what_is_hidden(api: Api) {
    let closed = closed_space(&api).await;
    let open = api.new_space().await;
    for space in [&closed, &open] {
        let product = api.product_in(space).await;
        let red =
            json!({"modelId": product, "driftScore": 90, "fairnessScore": 99, "sampleSize": 1});
        api.post("/api/v1/metrics", &red).send().await.expect(200);
        let limits = json!({"modelId": product, "thresholds": {"drift": {"amber": 10, "red": 20}}});
        api.post("/api/v1/risk-metric-links", &limits)
            .send()
            .await
            .expect(201);
    }
    let outsider = user(&api, "member").token;
    let insider = member(&api, &closed, "viewer").await.token;
    let confined = confined_key(&api, "read", &open).await;
    let base = format!("/api/v1.0/organizations/{}", api.organization);
    for (credential, visible) in [(&outsider, 1), (&confined, 1), (&insider, 2), (&api.key, 2)] {
        let ask = async |path: &str| api.get(path).bearer(credential).send().await;
        for path in ["/model-repository/models", "/ai-governance-postures"] {
            let found = ask(&format!("{base}{path}")).await;
            assert_eq!(found.header("x-total-count"), visible.to_string(), "{path}");
            let items = found.expect(200).as_array().unwrap().len();
            assert_eq!(items, visible, "{path}");
        }
        let overview = ask(&format!("{base}/ai-governance-overview"))
            .await
            .expect(200);
        assert_eq!(overview["products"], visible);
        let spaces = ask(&format!("{base}/spaces")).await.expect(200);
        assert_eq!(spaces.as_array().unwrap().len(), visible);
        for path in ["/api/v1/alerts", "/api/v1/risk-metric-links"] {
            assert_eq!(ask(path).await.expect(200)["total"], visible, "{path}");
        }
        let events = ask("/api/v1/governance-events?event_type=product.created").await;
        assert_eq!(events.expect(200)["count"], visible, "events");
    }
    let made = "/api/v1/governance-events?event_type=space.created";
    let told = async |credential: &str| {
        let events = api.get(made).bearer(credential).send().await.expect(200)["events"].clone();
        let slugs = events.as_array().unwrap().iter();
        slugs
            .map(|event| event["payload"]["slug"].clone())
            .collect::<Vec<Value>>()
    };
    assert_eq!(told(&outsider).await, [json!(open)]);
    assert_eq!(told(&insider).await, [json!(open), json!(closed)]);
}

both!(
    who_is_nothing_in_a_space_finds_nothing_there,
    a_role_permits_what_it_says_and_no_more,
    the_members_of_a_space_are_kept_with_care,
    two_admins_cannot_both_leave,
    a_space_opens_and_closes,
    lists_and_their_totals_leave_out_what_is_hidden,
);
