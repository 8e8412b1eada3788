//! Linear: an issue for each thing that events come from.
//!
//! Linear lets the caller choose ids. Those of issue and comment follow from the thing and from the
//! message, so that a second creation cannot happen; an attempt still looks first and does what is
//! missing.

use probity_kernel::FieldError;
use probity_kernel::text::TextRule;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::facts::{Facts, Gravity, shorten};
use super::settings::{Reader, stored};
use super::{Answer, Exchange, Outcome, Step, Target, TargetDraft, Verdict, posted, thing_of};
use crate::message::Message;

const TITLE: usize = 255;
const TEXT: usize = 4000;

const LOOK: &str = "query Look($issue: ID!, $comment: ID!) { issues(filter: {id: {eq: $issue}}, includeArchived: true) \
     { nodes { id identifier description comments(filter: {id: {eq: $comment}}) { nodes { id } } } } }";
const CREATE: &str = "mutation Create($input: IssueCreateInput!) \
     { issueCreate(input: $input) { success issue { id identifier } } }";
const COMMENT: &str = "mutation Comment($input: CommentCreateInput!) \
     { commentCreate(input: $input) { success comment { id } } }";
const LOGIN: &str = "query Login { viewer { id } }";

/// A team of Linear; the URL is that of its GraphQL interface.
#[derive(Debug, Clone, Copy)]
pub struct Linear;

impl Target for Linear {
    fn kind(&self) -> &'static str {
        "linear"
    }

    fn check(&self, draft: &TargetDraft<'_>) -> Result<(), Vec<FieldError>> {
        let mut read = Reader::new(draft);
        read.only(&["team_id"]);
        if let Some(team) = read.text("team_id", TextRule::line(100), true)
            && team.parse::<Uuid>().is_err()
        {
            read.fault("team_id", "invalid_value", "must be the UUID of a team");
        }
        read.needs_credential(draft, "an API key, or `Bearer <token>`");
        read.done()
    }

    fn is_signed(&self) -> bool {
        false
    }

    fn keeps_state(&self) -> bool {
        true
    }

    fn state_key(&self, message: &Message) -> Option<String> {
        thing_of(message).map(|thing| format!("linear:{thing}"))
    }

    fn step(&self, exchange: &Exchange<'_>, answers: &[Answer]) -> Step {
        let Some(thing) = thing_of(exchange.message) else {
            return match answers.last() {
                None => send(exchange, LOGIN, &json!({})),
                Some(answer) => match data(answer) {
                    Ok(_) => Step::End(Outcome::of(Verdict::Delivered)),
                    Err(outcome) => Step::End(outcome),
                },
            };
        };
        let team = stored(exchange.settings, "team_id");
        let issue = id_of(&format!("{team}/{thing}"));
        let comment = id_of(&format!("{team}/{thing}/{}", exchange.message.id));
        let known = match answers.first().map(data) {
            None => {
                return send(exchange, LOOK, &json!({"issue": issue, "comment": comment}));
            }
            Some(Err(outcome)) => return Step::End(outcome),
            Some(Ok(data)) => data.pointer("/issues/nodes/0").cloned(),
        };
        match (known, answers.get(1).map(data)) {
            (_, Some(Err(outcome))) => Step::End(outcome),
            (None, None) => send(
                exchange,
                CREATE,
                &json!({"input": created(exchange, issue, team)}),
            ),
            (None, Some(Ok(data))) => ended(&data, "/issueCreate", issue),
            (Some(found), None) if tells(&found, &exchange.message.id) => delivered(issue),
            (Some(_), None) => {
                let facts = Facts::of(exchange.message);
                let input = json!({"id": comment, "issueId": issue, "body": text(&facts, "")});
                send(exchange, COMMENT, &json!({"input": input}))
            }
            (Some(_), Some(Ok(data))) => ended(&data, "/commentCreate", issue),
        }
    }
}

/// Whether an issue knows of the message: it was made for it, or has its comment.
fn tells(issue: &Value, message: &str) -> bool {
    let comments = issue.pointer("/comments/nodes").and_then(Value::as_array);
    let description = issue.get("description").and_then(Value::as_str);
    comments.is_some_and(|nodes| !nodes.is_empty())
        || description.is_some_and(|text| text.contains(message))
}

/// An id of version 4, as Linear asks for, that follows from a name.
fn id_of(name: &str) -> Uuid {
    let digest = Sha256::digest(format!("probity-linear/v1\n{name}").as_bytes());
    let mut bytes = [0_u8; 16];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn created(exchange: &Exchange<'_>, id: Uuid, team: &str) -> Value {
    let facts = Facts::of(exchange.message);
    let title = format!("{}: {}", facts.title, facts.reason).replace(['\n', '\r'], " ");
    let priority = match facts.gravity {
        Some(Gravity::Critical) => 1,
        Some(Gravity::High) => 2,
        Some(Gravity::Medium) => 3,
        Some(Gravity::Low) => 4,
        None => 0,
    };
    json!({
        "id": id,
        "teamId": team,
        "title": shorten(&title, TITLE),
        "description": text(&facts, &format!("\nMessage: {}", exchange.message.id)),
        "priority": priority,
    })
}

/// Texts of an issue are Markdown: in a block of code nothing has a meaning.
fn text(facts: &Facts, more: &str) -> String {
    let mut lines = vec![shorten(&facts.reason, TEXT)];
    let details = facts.details.iter();
    lines.extend(details.map(|(name, value)| format!("{name}: {}", shorten(value, 300))));
    format!("```\n{}{more}\n```", lines.join("\n").replace("```", "'''"))
}

fn send(exchange: &Exchange<'_>, query: &str, variables: &Value) -> Step {
    let credential = exchange.credential.unwrap_or_default().to_owned();
    let body = json!({"query": query, "variables": variables});
    let headers = vec![("authorization", credential)];
    Step::Send(Box::new(posted(exchange.url.url().clone(), &body, headers)))
}

/// The data of an answer, or how the attempt ended: GraphQL tells of faults with status 200 as well.
fn data(answer: &Answer) -> Result<Value, Outcome> {
    let body = answer.json();
    if !answer.is_success() {
        return Err(Outcome::of_status(answer.status));
    }
    let faulty = body.get("errors").and_then(Value::as_array);
    if faulty.is_some_and(|errors| !errors.is_empty()) {
        let told = "the interface answered with errors".to_owned();
        return Err(Outcome::of(Verdict::Failed(told)));
    }
    match body.get("data") {
        Some(data) if !data.is_null() => Ok(data.clone()),
        _ => Err(Outcome::of(Verdict::Failed(
            "the answer holds no data".to_owned(),
        ))),
    }
}

fn ended(data: &Value, mutation: &str, issue: Uuid) -> Step {
    let success = data.pointer(&format!("{mutation}/success"));
    if success.and_then(Value::as_bool) == Some(true) {
        return delivered(issue);
    }
    let told = "the interface did not do what it was asked".to_owned();
    Step::End(Outcome::of(Verdict::Failed(told)))
}

fn delivered(issue: Uuid) -> Step {
    Step::End(Outcome {
        verdict: Verdict::Delivered,
        state: Some(json!({"issue_id": issue})),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::HttpRequest;
    use crate::target::tests::{Receiver, body_of, deliver, exchange, plain, second};

    const TEAM: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

    /// A server of ours that keeps issues as Linear documents it: an id that is taken is refused.
    #[derive(Default)]
    struct Issues {
        issues: Vec<Value>,
        comments: Vec<Value>,
    }

    impl Receiver for Issues {
        fn answer(&mut self, request: &HttpRequest) -> (u16, Value) {
            let key = request
                .headers
                .iter()
                .find(|(name, _)| *name == "authorization");
            assert_eq!(key.unwrap().1, "lin_api_x");
            let body = body_of(request);
            let (query, variables) = (body["query"].as_str().unwrap(), &body["variables"]);
            let taken = |all: &[Value], id: &Value| all.iter().any(|one| one["id"] == *id);
            if query.starts_with("query Login") {
                return (200, json!({"data": {"viewer": {"id": "x"}}}));
            }
            if query.starts_with("query") {
                let found = self
                    .issues
                    .iter()
                    .filter(|one| one["id"] == variables["issue"]);
                let comments = self
                    .comments
                    .iter()
                    .filter(|one| one["id"] == variables["comment"]);
                let comments: Vec<Value> = comments.map(|one| json!({"id": one["id"]})).collect();
                let found = found.map(|one| {
                    json!({"id": one["id"], "identifier": "GOV-1", "description": one["description"],
                           "comments": {"nodes": comments}})
                });
                let nodes: Vec<Value> = found.collect();
                return (200, json!({"data": {"issues": {"nodes": nodes}}}));
            }
            let input = variables["input"].clone();
            let id: Uuid = input["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(id.get_version_num(), 4);
            if query.contains("issueCreate") {
                assert_eq!(input["teamId"], TEAM);
                if taken(&self.issues, &input["id"]) {
                    return (200, json!({"errors": [{"message": "taken"}], "data": null}));
                }
                self.issues.push(input);
                return (
                    200,
                    json!({"data": {"issueCreate": {"success": true, "issue": {}}}}),
                );
            }
            assert!(taken(&self.issues, &input["issueId"]));
            if taken(&self.comments, &input["id"]) {
                return (200, json!({"errors": [{"message": "taken"}], "data": null}));
            }
            self.comments.push(input);
            (
                200,
                json!({"data": {"commentCreate": {"success": true, "comment": {}}}}),
            )
        }
    }

    #[test]
    fn a_thing_has_one_issue_however_often_answers_are_lost() {
        for lost in 0..32_u32 {
            let mut server = Issues::default();
            let (first, again) = (plain(), second());
            let mut state = None;
            for message in [&first, &again, &first] {
                let mut exchange = exchange(message, "https://api.linear.example/graphql");
                exchange.settings.insert("team_id".to_owned(), json!(TEAM));
                exchange.credential = Some("lin_api_x");
                deliver(&Linear, &mut server, &exchange, &mut state, lost);
            }
            assert_eq!(server.issues.len(), 1, "lost {lost:b}");
            assert_eq!(server.comments.len(), 1, "lost {lost:b}");
            assert_eq!(state.unwrap()["issue_id"], server.issues[0]["id"]);
        }
    }

    #[test]
    fn errors_with_status_200_are_failures() {
        for body in [
            json!({"errors": [{"message": "no"}], "data": null}),
            json!({"data": null}),
            json!([]),
        ] {
            let answer = Answer {
                status: 200,
                retry_after: None,
                body: body.to_string().into_bytes(),
            };
            assert!(data(&answer).is_err(), "{body}");
        }
    }
}
