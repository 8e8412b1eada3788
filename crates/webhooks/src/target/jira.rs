//! Jira: a ticket for each thing that events come from.
//!
//! A ticket carries two kinds of labels of ours: one that names the thing (`probity-<uuid>`) and one for
//! every message it tells of. An attempt first looks, by the key that was carried back or by the label,
//! and does what is missing: it creates the ticket, or adds comment and label in one request. So an
//! attempt whose answer was lost is not done twice.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use probity_kernel::FieldError;
use probity_kernel::text::TextRule;
use serde_json::{Map, Value, json};
use url::Url;

use super::facts::{Facts, shorten};
use super::settings::{Reader, stored};
use super::{
    Answer, Exchange, HttpRequest, Method, Outcome, Step, Target, TargetDraft, Verdict, thing_of,
};
use crate::message::Message;

/// The longest summary of a ticket.
const SUMMARY: usize = 255;
/// The longest text of a description or comment.
const TEXT: usize = 4000;

/// A project of Jira; the URL is that of the site.
#[derive(Debug, Clone, Copy)]
pub struct Jira;

impl Target for Jira {
    fn kind(&self) -> &'static str {
        "jira"
    }

    fn check(&self, draft: &TargetDraft<'_>) -> Result<(), Vec<FieldError>> {
        let mut read = Reader::new(draft);
        read.only(&["project_key", "issue_type", "deployment"]);
        if let Some(key) = read.text("project_key", TextRule::line(50), true) {
            let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
            if !key.bytes().all(plain) {
                let message = "must be upper-case letters, digits and underscores";
                read.fault("project_key", "invalid_value", message);
            }
        }
        read.text("issue_type", TextRule::line(100), false);
        read.word("deployment", &["cloud", "data_center"]);
        let what =
            "`<e-mail>:<API token>` for the cloud, a personal access token for a data center";
        read.needs_credential(draft, what);
        let is_cloud = !is_data_center(draft.settings);
        if draft
            .credential
            .is_some_and(|text| is_cloud && !text.contains(':'))
        {
            let mut faults = read.done().err().unwrap_or_default();
            let message = "must be `<e-mail>:<API token>`";
            faults.push(FieldError::new("/credential", "invalid_value", message));
            return Err(faults);
        }
        read.done()
    }

    fn is_signed(&self) -> bool {
        false
    }

    fn keeps_state(&self) -> bool {
        true
    }

    fn state_key(&self, message: &Message) -> Option<String> {
        thing_of(message).map(|thing| format!("jira:{thing}"))
    }

    fn step(&self, exchange: &Exchange<'_>, answers: &[Answer]) -> Step {
        let site = Site::of(exchange);
        let Some(thing) = thing_of(exchange.message) else {
            return check_login(&site, answers);
        };
        let mut answers = answers.iter();
        let known = exchange.state.and_then(|state| state.get("issue_key"));
        if let Some(key) = known.and_then(Value::as_str) {
            match answers.next() {
                None => return site.send(Method::Get, &site.issue(key), None),
                // The ticket was deleted: another one takes its place.
                Some(answer) if answer.status == 404 => {}
                Some(answer) if !answer.is_success() => return failed(answer),
                Some(answer) => return tell(&site, exchange, &answer.json(), key, answers.next()),
            }
        }
        let found = match answers.next() {
            None => return site.send(Method::Get, &site.search(&label(&thing)), None),
            Some(answer) if !answer.is_success() => return failed(answer),
            Some(answer) => answer.json(),
        };
        let first = found.pointer("/issues/0");
        if let Some((issue, key)) = first.and_then(|one| Some((one, one.get("key")?.as_str()?))) {
            return tell(&site, exchange, issue, key, answers.next());
        }
        match answers.next() {
            None => site.send(
                Method::Post,
                &site.issues(),
                Some(&created(exchange, &thing, &site)),
            ),
            Some(answer) if !answer.is_success() => failed(answer),
            Some(answer) => match answer.json().get("key").and_then(Value::as_str) {
                Some(key) => delivered(key),
                None => Step::End(Outcome::of(Verdict::Failed(
                    "the answer names no ticket".to_owned(),
                ))),
            },
        }
    }
}

/// A ping is about no thing: it tries the credential and leaves nothing behind.
fn check_login(site: &Site, answers: &[Answer]) -> Step {
    match answers.last() {
        Some(answer) => failed(answer),
        None => site.send(Method::Get, &site.api("myself"), None),
    }
}

/// Tells a ticket of the message, unless it knows.
fn tell(
    site: &Site,
    exchange: &Exchange<'_>,
    issue: &Value,
    key: &str,
    answer: Option<&Answer>,
) -> Step {
    let labels = issue.pointer("/fields/labels").and_then(Value::as_array);
    let own = exchange.message.id.as_str();
    if labels.is_some_and(|labels| labels.iter().any(|label| label == own)) {
        return delivered(key);
    }
    match answer {
        None => site.send(
            Method::Put,
            &site.issue(key),
            Some(&updated(exchange, site)),
        ),
        Some(answer) if answer.is_success() => delivered(key),
        Some(answer) => failed(answer),
    }
}

fn delivered(key: &str) -> Step {
    Step::End(Outcome {
        verdict: Verdict::Delivered,
        state: Some(json!({"issue_key": key})),
    })
}

fn failed(answer: &Answer) -> Step {
    Step::End(Outcome::of_status(answer.status))
}

/// The label of a thing.
fn label(thing: &str) -> String {
    format!("probity-{thing}")
}

fn is_data_center(settings: &Map<String, Value>) -> bool {
    stored(settings, "deployment") == "data_center"
}

/// A description or comment: a document on the cloud, plain text elsewhere.
fn text(facts: &Facts, site: &Site) -> Value {
    let mut lines = vec![shorten(&facts.reason, TEXT)];
    let details = facts.details.iter();
    lines.extend(details.map(|(name, value)| format!("{name}: {}", shorten(value, 300))));
    if site.is_data_center {
        // Outside of `noformat` the text would be read as markup.
        let lines = lines.join("\n").replace("{noformat}", "{ noformat }");
        return Value::String(format!("{{noformat}}\n{lines}\n{{noformat}}"));
    }
    let paragraphs = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| json!({"type": "paragraph", "content": [{"type": "text", "text": line}]}));
    json!({"type": "doc", "version": 1, "content": paragraphs.collect::<Vec<_>>()})
}

fn created(exchange: &Exchange<'_>, thing: &str, site: &Site) -> Value {
    let facts = Facts::of(exchange.message);
    let kind = match stored(exchange.settings, "issue_type") {
        "" => "Task",
        kind => kind,
    };
    // A summary is one line.
    let summary = format!("{}: {}", facts.title, facts.reason).replace(['\n', '\r'], " ");
    json!({"fields": {
        "project": {"key": stored(exchange.settings, "project_key")},
        "issuetype": {"name": kind},
        "summary": shorten(&summary, SUMMARY),
        "description": text(&facts, site),
        "labels": [label(thing), exchange.message.id],
    }})
}

fn updated(exchange: &Exchange<'_>, site: &Site) -> Value {
    let comment = text(&Facts::of(exchange.message), site);
    json!({"update": {
        "labels": [{"add": exchange.message.id}],
        "comment": [{"add": {"body": comment}}],
    }})
}

/// Where and how to ask.
struct Site {
    base: Url,
    authorization: String,
    is_data_center: bool,
}

impl Site {
    fn of(exchange: &Exchange<'_>) -> Self {
        let credential = exchange.credential.unwrap_or_default();
        let is_data_center = is_data_center(exchange.settings);
        let authorization = if is_data_center && !credential.contains(':') {
            format!("Bearer {credential}")
        } else {
            format!("Basic {}", STANDARD.encode(credential))
        };
        Self {
            base: exchange.url.url().clone(),
            authorization,
            is_data_center,
        }
    }

    /// The URL of a resource below the site's address.
    fn api(&self, resource: &str) -> Url {
        let version = if self.is_data_center { "2" } else { "3" };
        let mut url = self.base.clone();
        url.set_query(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["rest", "api", version]);
            path.extend(resource.split('/'));
        }
        url
    }

    fn issues(&self) -> Url {
        self.api("issue")
    }

    fn issue(&self, key: &str) -> Url {
        let mut url = self.issues();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(key);
        }
        url.query_pairs_mut().append_pair("fields", "labels");
        url
    }

    fn search(&self, label: &str) -> Url {
        let resource = if self.is_data_center {
            "search"
        } else {
            "search/jql"
        };
        let mut url = self.api(resource);
        url.query_pairs_mut()
            .append_pair("jql", &format!("labels = \"{label}\" ORDER BY created ASC"))
            .append_pair("fields", "labels")
            .append_pair("maxResults", "1");
        url
    }

    fn send(&self, method: Method, url: &Url, body: Option<&Value>) -> Step {
        let mut headers = vec![
            ("authorization", self.authorization.clone()),
            ("accept", "application/json".to_owned()),
        ];
        if body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let mut url = url.clone();
        if method == Method::Put {
            url.set_query(None);
        }
        Step::Send(Box::new(HttpRequest {
            method,
            url,
            headers,
            body: body
                .map(|body| body.to_string().into_bytes())
                .unwrap_or_default(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::tests::{Receiver, body_of, deliver, exchange, plain, second};

    /// A server of ours that keeps tickets as Jira documents it.
    #[derive(Default)]
    struct Tickets {
        issues: Vec<(String, Value, Vec<Value>)>,
        data_center: bool,
    }

    impl Receiver for Tickets {
        #[expect(clippy::too_many_lines, reason = "a whole receiver")]
        fn answer(&mut self, request: &HttpRequest) -> (u16, Value) {
            let header = |name| request.headers.iter().find(|(known, _)| *known == name);
            let scheme = if self.data_center {
                "Bearer "
            } else {
                "Basic "
            };
            assert!(header("authorization").unwrap().1.starts_with(scheme));
            let version = if self.data_center { "2" } else { "3" };
            let path = request.url.path().strip_prefix("/base/rest/api/").unwrap();
            let path = path.strip_prefix(version).unwrap();
            let query = |name: &str| {
                let mut pairs = request.url.query_pairs();
                pairs
                    .find(|(known, _)| known == name)
                    .map(|(_, value)| value.into_owned())
            };
            let search = if self.data_center {
                "/search"
            } else {
                "/search/jql"
            };
            match request.method {
                Method::Get if path == search => {
                    let jql = query("jql").unwrap();
                    let label = jql.split('"').nth(1).unwrap();
                    let found = self.issues.iter().find(|(_, fields, _)| {
                        fields["labels"]
                            .as_array()
                            .unwrap()
                            .iter()
                            .any(|one| one == label)
                    });
                    let found: Vec<Value> = found
                        .map(|(key, fields, _)| json!({"key": key, "fields": {"labels": fields["labels"]}}))
                        .into_iter()
                        .collect();
                    (200, json!({"issues": found}))
                }
                Method::Get if path == "/myself" => (200, json!({"active": true})),
                Method::Post if path == "/issue" => {
                    let fields = body_of(request)["fields"].clone();
                    assert_eq!(fields["project"]["key"], "GOV");
                    assert_eq!(fields["issuetype"]["name"], "Task");
                    assert!(fields["summary"].as_str().unwrap().chars().count() <= SUMMARY);
                    assert_eq!(fields["description"].is_string(), self.data_center);
                    for label in fields["labels"].as_array().unwrap() {
                        assert!(!label.as_str().unwrap().contains(' '));
                    }
                    let key = format!("GOV-{}", self.issues.len() + 1);
                    self.issues.push((key.clone(), fields, Vec::new()));
                    (201, json!({"id": "10000", "key": key}))
                }
                Method::Get | Method::Put => {
                    let key = path.strip_prefix("/issue/").unwrap();
                    let Some(issue) = self.issues.iter_mut().find(|(known, _, _)| known == key)
                    else {
                        return (404, Value::Null);
                    };
                    if request.method == Method::Get {
                        return (
                            200,
                            json!({"key": key, "fields": {"labels": issue.1["labels"]}}),
                        );
                    }
                    let update = &body_of(request)["update"];
                    let added = update["labels"][0]["add"].clone();
                    issue.1["labels"].as_array_mut().unwrap().push(added);
                    issue.2.push(update["comment"][0]["add"]["body"].clone());
                    (204, Value::Null)
                }
                Method::Post => panic!("{}", request.url),
            }
        }
    }

    #[test]
    fn a_thing_has_one_ticket_however_often_answers_are_lost() {
        for data_center in [false, true] {
            // An answer is lost after each of the first requests, in turn and at all of them.
            for lost in 0..32_u32 {
                let mut server = Tickets {
                    data_center,
                    ..Tickets::default()
                };
                let (first, again) = (plain(), second());
                let mut state = None;
                for message in [&first, &again, &first] {
                    let mut exchange = exchange(message, "https://acme.example/base/");
                    exchange
                        .settings
                        .insert("project_key".to_owned(), json!("GOV"));
                    exchange.credential = Some("ann@example.org:token");
                    if data_center {
                        exchange
                            .settings
                            .insert("deployment".to_owned(), json!("data_center"));
                        exchange.credential = Some("token");
                    }
                    deliver(&Jira, &mut server, &exchange, &mut state, lost);
                }
                assert_eq!(server.issues.len(), 1, "lost {lost:b}");
                let (key, fields, comments) = &server.issues[0];
                assert_eq!(comments.len(), 1, "lost {lost:b}");
                assert_eq!(fields["labels"].as_array().unwrap().len(), 3);
                assert_eq!(state.unwrap()["issue_key"], *key);
            }
        }
    }

    #[test]
    fn settings_are_checked() {
        let url = crate::target_url::TargetRules::default();
        let url = url.parse("https://acme.example/").unwrap();
        let faults = |settings: Value, credential: Option<&str>| -> Vec<String> {
            let settings = settings.as_object().unwrap();
            let draft = TargetDraft {
                url: &url,
                settings,
                credential,
                keeps_credential: false,
            };
            let faults = Jira.check(&draft).err().unwrap_or_default();
            faults.into_iter().map(|fault| fault.field).collect()
        };
        let none: [&str; 0] = [];
        assert_eq!(faults(json!({"project_key": "GOV"}), Some("a@b.c:t")), none);
        assert_eq!(
            faults(json!({}), None),
            ["/settings/project_key", "/credential"]
        );
        assert_eq!(
            faults(json!({"project_key": "gov"}), Some("a:t")),
            ["/settings/project_key"]
        );
        assert_eq!(
            faults(json!({"project_key": "GOV"}), Some("token")),
            ["/credential"]
        );
        let center = json!({"project_key": "GOV", "deployment": "data_center", "x": 1});
        assert_eq!(faults(center, Some("token")), ["/settings/x"]);
        let wrong = json!({"project_key": 7, "deployment": "moon", "issue_type": ""});
        assert_eq!(
            faults(wrong, Some("a:t")),
            [
                "/settings/project_key",
                "/settings/issue_type",
                "/settings/deployment"
            ]
        );
    }
}
