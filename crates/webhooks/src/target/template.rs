//! A target that sends what a small template makes of the message.
//!
//! | written | becomes |
//! |---|---|
//! | `{{type}}`, `{{id}}`, `{{timestamp}}` | the message's own |
//! | `{{data.payload.severity}}` | a member of what it tells, as text; nothing where there is none |
//! | `{{json data.payload}}` | the same as JSON, `null` where there is none |
//!
//! There is no logic. Texts are escaped by the content type, so that a value never becomes structure: in
//! JSON they belong between quotation marks and the `json` form outside of them.

use probity_kernel::FieldError;
use probity_kernel::text::TextRule;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use url::form_urlencoded::byte_serialize;

use super::settings::{Reader, stored};
use super::webhook::signed;
use super::{Answer, Exchange, HttpRequest, Method, Outcome, Step, Target, TargetDraft};
use crate::message::Message;

/// The longest template, in characters.
const LONGEST: usize = 16_000;
/// The largest body that is sent, in bytes.
const LARGEST: usize = 256 << 10;
/// The content types that texts can be escaped for.
const TYPES: [&str; 5] = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/xml",
    "text/html",
];

/// A receiver of any kind, signed like a plain webhook.
#[derive(Debug, Clone, Copy)]
pub struct Template;

impl Target for Template {
    fn kind(&self) -> &'static str {
        "template"
    }

    fn check(&self, draft: &TargetDraft<'_>) -> Result<(), Vec<FieldError>> {
        let mut read = Reader::new(draft);
        read.only(&["body", "content_type", "method"]);
        read.word("content_type", &TYPES);
        read.word("method", &["POST", "PUT"]);
        let rule = TextRule {
            min: 1,
            max: LONGEST,
            multiline: true,
        };
        if let Some(text) = read.text("body", rule, true) {
            match parse(text) {
                Err(message) => read.fault("body", "invalid_template", message),
                Ok(parts) => {
                    let sample = fill(&parts, Escape::of(draft.settings), &json!({}));
                    let is_json = Escape::of(draft.settings) == Escape::Json;
                    if is_json && serde_json::from_str::<Value>(&sample).is_err() {
                        let message = "does not make JSON; texts belong between quotation marks, \
                                       `{{json ...}}` outside of them";
                        read.fault("body", "invalid_template", message);
                    }
                }
            }
        }
        read.done()
    }

    fn step(&self, exchange: &Exchange<'_>, answers: &[Answer]) -> Step {
        if let Some(answer) = answers.last() {
            return Step::End(Outcome::of_status(answer.status));
        }
        let parts = parse(stored(exchange.settings, "body")).unwrap_or_default();
        let escape = Escape::of(exchange.settings);
        let mut text = fill(&parts, escape, &known(exchange.message));
        if text.len() > LARGEST {
            // What is too large is told without its payload, as plain webhooks do.
            let mut known = known(exchange.message);
            if let Some(Value::Object(data)) = known.get_mut("data") {
                data.insert("payload".to_owned(), Value::Null);
                data.insert("payload_omitted".to_owned(), Value::Bool(true));
            }
            text = fill(&parts, escape, &known);
        }
        let body = text.into_bytes();
        let mut headers = signed(exchange, &body);
        headers.push(("content-type", escape.content_type().to_owned()));
        if let Some(credential) = exchange.credential {
            headers.push(("authorization", credential.to_owned()));
        }
        let method = match stored(exchange.settings, "method") {
            "PUT" => Method::Put,
            _ => Method::Post,
        };
        Step::Send(Box::new(HttpRequest {
            method,
            url: exchange.url.url().clone(),
            headers,
            body,
        }))
    }
}

fn known(message: &Message) -> Value {
    json!({
        "id": message.id,
        "type": message.event_type,
        "timestamp": message.at.format(&Rfc3339).ok(),
        "data": message.data(),
    })
}

/// How texts lose their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    Json,
    Plain,
    Form,
    Xml,
    Html,
}

impl Escape {
    fn of(settings: &Map<String, Value>) -> Self {
        match stored(settings, "content_type") {
            "text/plain" => Self::Plain,
            "application/x-www-form-urlencoded" => Self::Form,
            "application/xml" => Self::Xml,
            "text/html" => Self::Html,
            _ => Self::Json,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Plain => "text/plain; charset=utf-8",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Xml => "application/xml",
            Self::Html => "text/html; charset=utf-8",
        }
    }

    fn apply(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Form => byte_serialize(text.as_bytes()).collect(),
            Self::Json => {
                let quoted = Value::from(text).to_string();
                let inner = quoted.get(1..quoted.len().saturating_sub(1));
                inner.unwrap_or_default().to_owned()
            }
            Self::Xml | Self::Html => {
                let mut escaped = String::with_capacity(text.len());
                for c in text.chars() {
                    match c {
                        '&' => escaped.push_str("&amp;"),
                        '<' => escaped.push_str("&lt;"),
                        '>' => escaped.push_str("&gt;"),
                        '"' => escaped.push_str("&quot;"),
                        '\'' => escaped.push_str("&#39;"),
                        // XML has no place for them at all.
                        c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => {
                            escaped.push('\u{fffd}');
                        }
                        c => escaped.push(c),
                    }
                }
                escaped
            }
        }
    }
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Value { path: Vec<&'a str>, json: bool },
}

fn parse(template: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        parts.push(Part::Text(before));
        let Some((tag, after)) = after.split_once("}}") else {
            return Err("has a `{{` without its `}}`".to_owned());
        };
        parts.push(value(tag.trim())?);
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

fn value(tag: &str) -> Result<Part<'_>, String> {
    let (json, path) = match tag.strip_prefix("json ") {
        Some(path) => (true, path.trim()),
        None => (false, tag),
    };
    let path: Vec<&str> = path.split('.').collect();
    let named = |part: &&str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        !part.is_empty() && part.bytes().all(plain)
    };
    let root = path.first().copied().unwrap_or_default();
    if !path.iter().all(named) || !["id", "type", "timestamp", "data"].contains(&root) {
        let told = "names a value that is none: a dotted path that begins with id, type, timestamp \
                    or data, with `json ` before it where JSON is wanted";
        return Err(told.to_owned());
    }
    Ok(Part::Value { path, json })
}

fn fill(parts: &[Part<'_>], escape: Escape, known: &Value) -> String {
    let mut filled = String::new();
    for part in parts {
        let (path, json) = match part {
            Part::Text(text) => {
                filled.push_str(text);
                continue;
            }
            Part::Value { path, json } => (path, *json),
        };
        let found = path.iter().try_fold(known, |value, name| {
            if let Value::Array(items) = value {
                items.get(name.parse::<usize>().ok()?)
            } else {
                value.get(*name)
            }
        });
        let text = match (found, json) {
            (found, true) => found.map_or_else(|| "null".to_owned(), Value::to_string),
            (None | Some(Value::Null), false) => String::new(),
            (Some(Value::String(text)), false) => text.clone(),
            (Some(other), false) => other.to_string(),
        };
        if json && escape == Escape::Json {
            filled.push_str(&text);
        } else {
            filled.push_str(&escape.apply(&text));
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::tests::{body_of, exchange, hostile, plain};

    fn filled(body: &str, content_type: &str, message: &Message) -> HttpRequest {
        let mut exchange = exchange(message, "https://receiver.example/x");
        exchange.settings.insert("body".to_owned(), json!(body));
        exchange
            .settings
            .insert("content_type".to_owned(), json!(content_type));
        let Step::Send(request) = Template.step(&exchange.of(), &[]) else {
            panic!("nothing is sent");
        };
        *request
    }

    #[test]
    fn values_never_become_structure() {
        let message = hostile();
        let reason = message.event().unwrap().trigger_reason.clone();
        let body = r#"{"text": "{{data.trigger_reason}}", "all": {{json data.payload}}, "none": "{{data.none.x}}", "n": {{json data.none}}}"#;
        let request = filled(body, "application/json", &message);
        let made = body_of(&request);
        assert_eq!(made["text"], json!(reason));
        assert_eq!(made["all"], message.event().unwrap().payload);
        assert_eq!((&made["none"], &made["n"]), (&json!(""), &Value::Null));
        let form = filled(
            "text={{data.trigger_reason}}&t={{type}}",
            TYPES[2],
            &message,
        );
        let pairs: Vec<_> = url::form_urlencoded::parse(&form.body)
            .into_owned()
            .collect();
        assert_eq!(pairs[0], ("text".to_owned(), reason.clone()));
        assert_eq!(pairs.len(), 2);
        let xml = filled(
            "<e>{{data.trigger_reason}}</e>",
            "application/xml",
            &message,
        );
        let xml = String::from_utf8(xml.body).unwrap();
        assert_eq!(xml.matches('<').count(), 2, "{xml}");
        let text = filled("{{ data.trigger_reason }}", "text/plain", &message);
        assert_eq!(String::from_utf8(text.body).unwrap(), reason);
    }

    #[test]
    fn it_is_signed_and_carries_the_credential() {
        let message = plain();
        let request = filled("{{type}}", "text/plain", &message);
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
        for name in [
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "content-type",
        ] {
            assert!(names.contains(&name), "{name} in {names:?}");
        }
    }

    #[test]
    fn faulty_templates_are_refused_when_they_are_registered() {
        let url = crate::target_url::TargetRules::default();
        let url = url.parse("https://receiver.example/").unwrap();
        for (settings, field) in [
            (json!({"body": "{\"a\": \"{{type}}\"}"}), None),
            (
                json!({"body": "{{type}}", "content_type": "text/plain", "method": "PUT"}),
                None,
            ),
            (json!({}), Some("/settings/body")),
            (json!({"body": ""}), Some("/settings/body")),
            (json!({"body": "{{type"}), Some("/settings/body")),
            (json!({"body": "{{#if x}}"}), Some("/settings/body")),
            (json!({"body": "\"{{secret}}\""}), Some("/settings/body")),
            (json!({"body": "\"{{data..x}}\""}), Some("/settings/body")),
            (json!({"body": "{\"a\": {{type}}}"}), Some("/settings/body")),
            (
                json!({"body": "1", "content_type": "image/png"}),
                Some("/settings/content_type"),
            ),
            (
                json!({"body": "1", "method": "GET"}),
                Some("/settings/method"),
            ),
            (json!({"body": "1", "typo": 1}), Some("/settings/typo")),
        ] {
            let draft = TargetDraft {
                url: &url,
                settings: settings.as_object().unwrap(),
                credential: None,
                keeps_credential: false,
            };
            let faults = Template.check(&draft).err().unwrap_or_default();
            let found = faults.first().map(|fault| fault.field.as_str());
            assert_eq!(found, field, "{settings}");
        }
    }
}
