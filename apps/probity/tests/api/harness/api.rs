//! Requests as one organisation, and what came back.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{Backend, Place, TestApp, conformance, unique};

/// An organisation on a server, with an admin's key.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) app: Arc<TestApp>,
    pub(crate) http: Client,
    pub(crate) organization: String,
    pub(crate) key: String,
}

impl Api {
    /// A fresh organisation on the server that the cases share.
    pub(crate) fn shared(backend: Backend) -> Option<Self> {
        Some(Self::on(&TestApp::shared(backend)?))
    }

    /// A fresh organisation on a server.
    pub(crate) fn on(app: &Arc<TestApp>) -> Self {
        let organization = unique("acme");
        app.place.run(&["org", "create", &organization]);
        Self::of(app, &organization)
    }

    /// An organisation that exists.
    pub(crate) fn of(app: &Arc<TestApp>, organization: &str) -> Self {
        let http = Client::builder().no_proxy();
        let http = http.redirect(reqwest::redirect::Policy::none());
        Self {
            app: app.clone(),
            http: http.build().unwrap(),
            organization: organization.to_owned(),
            key: make_key(&app.place, organization, "admin"),
        }
    }

    /// A key of this organisation.
    pub(crate) fn new_key(&self, scopes: &str) -> String {
        make_key(&self.app.place, &self.organization, scopes)
    }

    /// A token of the server's own issuer.
    pub(crate) fn new_token(&self, subject: &str, role: &str) -> String {
        let arguments = ["token", "create", "--org", &self.organization];
        let rest = ["--subject", subject, "--role", role];
        self.app.place.run(&[&arguments[..], &rest[..]].concat())
    }

    /// The same for a user with an address.
    pub(crate) fn new_user_token(&self, subject: &str, role: &str, email: &str) -> String {
        let arguments = ["token", "create", "--org", &self.organization];
        let rest = ["--subject", subject, "--role", role, "--email", email];
        self.app.place.run(&[&arguments[..], &rest[..]].concat())
    }

    /// A request with the admin's key.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let url = format!("{}{path}", self.app.base);
        Call {
            http: self.http.clone(),
            method,
            url,
            path: path.split('?').next().unwrap_or_default().to_owned(),
            headers: HeaderMap::new(),
            body: None,
        }
        .bearer(&self.key)
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Call {
        self.call(Method::POST, path).json(body)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Call {
        self.call(Method::PUT, path).json(body)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// A space; answers its slug.
    pub(crate) async fn new_space(&self) -> String {
        let slug = unique("space");
        let path = format!("/api/v1.0/organizations/{}/spaces", self.organization);
        let made = self.post(&path, &json!({"slug": slug})).send().await;
        made.expect(201);
        slug
    }

    /// A product to send figures for; answers its id.
    pub(crate) async fn new_product(&self) -> String {
        let space = self.new_space().await;
        self.product_in(&space).await
    }

    /// A product in a space.
    pub(crate) async fn product_in(&self, space: &str) -> String {
        let path = format!("/api/v1.0/catalog/spaces/{space}/model-repository/models");
        let made = self
            .post(&path, &json!({"name": unique("Churn")}))
            .send()
            .await;
        made.expect(201)["id"].as_str().unwrap().to_owned()
    }

    /// A registered model; answers the entry.
    pub(crate) async fn new_model(&self, more: &Value) -> Value {
        let mut body =
            json!({"model_id": unique("model"), "provider": "openai", "risk_tier": "tier_2"});
        merge(&mut body, more);
        self.post("/api/admin/models", &body)
            .send()
            .await
            .expect(201)
    }
}

/// Puts the members of one object over those of another.
pub(crate) fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        into[name.as_str()] = value.clone();
    }
}

fn make_key(place: &Place, organization: &str, scopes: &str) -> String {
    let arguments = ["key", "create", "--org", organization, "--name", "test"];
    place.run(&[&arguments[..], &["--scope", scopes]].concat())
}

/// A request to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    http: Client,
    method: Method,
    url: String,
    path: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Call {
    /// Another credential.
    pub(crate) fn bearer(self, credential: &str) -> Self {
        self.header("authorization", &format!("Bearer {credential}"))
    }

    /// No credential.
    pub(crate) fn anonymous(mut self) -> Self {
        self.headers.remove("authorization");
        self
    }

    /// A header in place of any of the same name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        self.headers.insert(name, value);
        self
    }

    /// A header beside those of the same name.
    pub(crate) fn another(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, value.parse().unwrap());
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string().into_bytes())
    }

    /// A body of any bytes.
    pub(crate) fn raw(self, media: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut call = self.header("content-type", media);
        call.body = Some(body.into());
        call
    }

    pub(crate) async fn send(self) -> Reply {
        let reply = self.try_send().await;
        reply.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Sends it where the server may be gone.
    pub(crate) async fn try_send(self) -> Result<Reply, reqwest::Error> {
        let mut request = self.http.request(self.method.clone(), &self.url);
        request = request.headers(self.headers);
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let reply = Reply {
            call: format!("{} {}", self.method, self.url),
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            bytes: response.bytes().await?.to_vec(),
        };
        conformance::check(self.method.as_str(), &self.path, &reply);
        Ok(reply)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) call: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    /// The text of a header, empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_slice(&self.bytes);
        parsed.unwrap_or_else(|_| panic!("{}: {} {}", self.call, self.status, self.text()))
    }

    /// The body, given the status; null for an empty one.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        let Self {
            call,
            status: found,
            ..
        } = self;
        assert_eq!(*found, status, "{call}: {}", self.text());
        if self.bytes.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// The problem (RFC 9457), given status and code, and its form as it has to be.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{}: {body}", self.call);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["type"], format!("urn:probity:problem:{code}"));
        assert_eq!(body["status"], status);
        assert_eq!(body["instance"], self.header("x-request-id"));
        assert!(body["title"].is_string() && body["detail"].is_string());
        body
    }

    /// The same for input that is at fault: it names the fields.
    #[track_caller]
    pub(crate) fn faults(&self, status: u16, code: &str) -> Vec<String> {
        let body = self.problem(status, code);
        let errors = body["errors"].as_array();
        let errors = errors.unwrap_or_else(|| panic!("{}: {body}", self.call));
        let field = |error: &Value| error["field"].as_str().unwrap().to_owned();
        errors.iter().map(field).collect()
    }
}
