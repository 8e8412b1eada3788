//! Tokens: of the server's own issuer, and of one elsewhere whose keys are fetched.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::harness::{Api, Place, Reply, TestApp, merge};

const READ: &str = "/api/v1/thresholds";
const ADMIN: &str = "/api/admin/models";
/// A key for these tests alone.
const RSA: &str = include_str!("rsa-for-tests.pem");

fn now() -> i64 {
    crate::harness::now().unix_timestamp()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token of any header and claims.
fn signed(header: &Value, claims: &Value, sign: impl Fn(&str) -> String) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = sign(&signed);
    format!("{signed}.{signature}")
}

fn ed25519(key: &SigningKey) -> impl Fn(&str) -> String {
    |text| URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).to_bytes())
}

fn hmac(secret: &[u8]) -> impl Fn(&str) -> String {
    let key = EncodingKey::from_secret(secret);
    move |text| jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap()
}

fn rsa(text: &str) -> String {
    let key = EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap();
    jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::RS256).unwrap()
}

fn okp(key: &SigningKey, kid: &str) -> Value {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"})
}

fn rsa_jwk(kid: &str) -> Value {
    let key = EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap();
    let jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
    let mut jwk = serde_json::to_value(jwk).unwrap();
    jwk["kid"] = json!(kid);
    jwk
}

async fn ask(api: &Api, path: &str, token: &str) -> Reply {
    api.get(path).bearer(token).send().await
}

/// Claims that can be wrong in one place each, and whether they are then refused.
fn claim_table() -> Vec<(Value, bool)> {
    let now = now();
    vec![
        (json!({}), true),
        (json!({"nbf": now - 5}), true),
        (json!({"aud": ["x", "probity"]}), true),
        (json!({"iat": now - 100, "exp": now - 30}), true),
        (json!({"iat": now + 30, "exp": now + 60}), true),
        (json!({"unknown": {"a": [1]}}), true),
        (json!({"exp": null}), false),
        (json!({"exp": (now + 600).to_string()}), false),
        (json!({"exp": true}), false),
        (json!({"exp": 1.5e9}), false),
        (json!({"exp": -1}), false),
        (json!({"exp": [now + 600]}), false),
        (json!({"exp": {}}), false),
        (json!({"iat": now - 100, "exp": now - 61}), false),
        (json!({"exp": 99_999_999_999_999_i64}), false),
        (json!({"exp": now + 86_400 + 120}), false),
        (json!({"iat": null}), false),
        (json!({"iat": now.to_string()}), false),
        (json!({"iat": now + 120, "exp": now + 600}), false),
        (json!({"iat": now + 700}), false),
        (json!({"nbf": now + 120}), false),
        (json!({"nbf": (now - 5).to_string()}), false),
        (json!({"nbf": "x"}), false),
        (json!({"aud": null}), false),
        (json!({"aud": "somebody-else"}), false),
        (json!({"aud": []}), false),
        (json!({"aud": ["x"]}), false),
        (json!({"aud": ["probity", 1]}), false),
        (json!({"aud": {"probity": 1}}), false),
        (json!({"iss": null}), false),
        (json!({"iss": "https://evil.example"}), false),
        (json!({"iss": ["probity"]}), false),
        (json!({"sub": null}), false),
        (json!({"sub": ""}), false),
        (json!({"sub": 7}), false),
        (json!({"sub": "x".repeat(256)}), false),
        (json!({"org": null}), false),
        (json!({"org": "nowhere"}), false),
        (json!({"org": ""}), false),
        (json!({"org": "a' OR 1=1"}), false),
        (json!({"org": 7}), false),
        (
            json!({"org": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}),
            false,
        ),
    ]
}

/// The claims with the changes; null takes a claim away.
fn changed(claims: &Value, change: &Value) -> Value {
    let mut claims = claims.clone();
    merge(&mut claims, change);
    claims
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    claims
}

async fn the_roles_are_read_from_the_database_at_each_use(api: Api) {
    let token = api.new_token("ann", "admin");
    ask(&api, ADMIN, &token).await.expect(200);
    api.new_token("ann", "auditor");
    ask(&api, ADMIN, &token).await.problem(403, "forbidden");
    ask(&api, READ, &token).await.expect(200);
    api.new_token("ann", "admin");
    ask(&api, ADMIN, &token).await.expect(200);
    let jwks = api
        .get("/.well-known/jwks.json")
        .anonymous()
        .send()
        .await
        .expect(200);
    let key = &jwks["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (
            &json!("OKP"),
            &json!("Ed25519"),
            &json!("EdDSA"),
            &json!("sig")
        )
    );
    assert_eq!(key.as_object().unwrap().len(), 6, "no private part");
    let header = token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header["kid"], key["kid"]);
}

async fn every_bad_claim_of_an_own_token_is_refused(api: Api) {
    api.new_token("ann", "admin");
    let pem =
        std::fs::read_to_string(api.app.place.data().join("keys/tokens-ed25519.pem")).unwrap();
    let key = SigningKey::from_pkcs8_pem(&pem).unwrap();
    let good = json!({"iss": "probity", "aud": "probity", "sub": "ann", "org": api.organization, "iat": now() - 10, "exp": now() + 600});
    let header = json!({"alg": "EdDSA", "typ": "JWT"});
    for (change, accepted) in claim_table() {
        let token = signed(&header, &changed(&good, &change), ed25519(&key));
        let reply = ask(&api, READ, &token).await;
        assert_eq!(
            reply.status,
            if accepted { 200 } else { 401 },
            "{change}: {}",
            reply.text()
        );
    }
    let elevated = changed(&good, &json!({"sub": "mallory", "role": "admin"}));
    let reply = ask(&api, READ, &signed(&header, &elevated, ed25519(&key))).await;
    reply.problem(401, "unauthorized");
    let (start, claims) = (encode(&header), encode(&good));
    let public = key.verifying_key().to_bytes();
    let stranger = SigningKey::from_bytes(&[9; 32]);
    for token in [
        format!("{}.{claims}.", encode(&json!({"alg": "none"}))),
        format!(
            "{}.{claims}.",
            encode(&json!({"alg": "None", "typ": "JWT"}))
        ),
        signed(&json!({"alg": "HS256"}), &good, hmac(&public)),
        signed(&header, &good, ed25519(&stranger)),
        signed(
            &json!({"alg": "EdDSA", "jwk": okp(&stranger, "x")}),
            &good,
            ed25519(&stranger),
        ),
        signed(
            &json!({"alg": "EdDSA", "kid": "other"}),
            &good,
            ed25519(&key),
        ),
        signed(
            &json!({"alg": "EdDSA", "crit": ["exp"]}),
            &good,
            ed25519(&key),
        ),
        signed(
            &json!({"alg": "EdDSA", "typ": "secevent+jwt"}),
            &good,
            ed25519(&key),
        ),
        signed(&json!([]), &good, ed25519(&key)),
        signed(&header, &json!([]), ed25519(&key)),
        format!("{start}.{claims}"),
        format!("{start}.{claims}."),
        format!(".{claims}."),
        format!("{start}..x"),
        "..".to_owned(),
        format!("{}.x", signed(&header, &good, ed25519(&key))),
        format!("{}=", signed(&header, &good, ed25519(&key))),
    ] {
        let reply = ask(&api, READ, &token).await;
        assert_eq!(reply.status, 401, "{token}");
    }
    let twice = format!(
        "{start}.{}",
        URL_SAFE_NO_PAD.encode(format!("{{\"sub\":\"bob\",{}", &good.to_string()[1..]))
    );
    let token = format!("{twice}.{}", ed25519(&key)(&twice));
    assert_eq!(ask(&api, READ, &token).await.status, 401, "a claim twice");
}

/// An issuer elsewhere: its keys, and a server that trusts it.
struct Elsewhere {
    keys: MockServer,
    api: Api,
    issuer: &'static str,
}

impl Elsewhere {
    async fn new(place: &Arc<Place>, keys: &Value) -> Self {
        let issuer = "https://id.example";
        let server = MockServer::start().await;
        publish(&server, keys).await;
        let url = format!("{}/jwks", server.uri());
        let text = format!(
            "[[issuer]]\nissuer = \"{issuer}\"\njwks_url = \"{url}\"\naudience = \"probity\"\n"
        );
        let file = place.file("issuers.toml", &text);
        let app = TestApp::spawn(place, &["--external-issuers-file", file.to_str().unwrap()]);
        let api = Api::on(&Arc::new(app));
        Self {
            keys: server,
            api,
            issuer,
        }
    }

    fn claims(&self) -> Value {
        json!({"iss": self.issuer, "aud": "probity", "sub": "eve@id", "org": self.api.organization,
            "role": "member", "iat": now() - 10, "exp": now() + 600})
    }
}

async fn publish(server: &MockServer, keys: &Value) {
    server.reset().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({"keys": keys}));
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(server)
        .await;
}

async fn an_external_issuer_is_believed_by_its_keys_alone(place: Arc<Place>) {
    let (first, second) = (
        SigningKey::from_bytes(&[1; 32]),
        SigningKey::from_bytes(&[2; 32]),
    );
    let weak = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "weak", "alg": "HS256"});
    let there = Elsewhere::new(
        &place,
        &json!([okp(&first, "ed-1"), rsa_jwk("rsa-1"), weak]),
    )
    .await;
    let (api, good) = (&there.api, there.claims());
    let ed = json!({"alg": "EdDSA", "kid": "ed-1", "typ": "JWT"});
    let rs = json!({"alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"});
    for token in [signed(&ed, &good, ed25519(&first)), signed(&rs, &good, rsa)] {
        ask(api, READ, &token).await.expect(200);
        ask(api, ADMIN, &token).await.problem(403, "forbidden");
    }
    for (role, status) in [
        (json!("admin"), 200),
        (json!("auditor"), 403),
        (Value::Null, 403),
        (json!("root"), 401),
        (json!(["admin"]), 401),
    ] {
        let token = signed(
            &ed,
            &changed(&good, &json!({"role": role})),
            ed25519(&first),
        );
        assert_eq!(ask(api, ADMIN, &token).await.status, status, "{role}");
    }
    for (change, accepted) in claim_table() {
        let token = signed(&ed, &changed(&good, &change), ed25519(&first));
        let reply = ask(api, READ, &token).await;
        assert_eq!(
            reply.status,
            if accepted { 200 } else { 401 },
            "{change}: {}",
            reply.text()
        );
    }
    let public = URL_SAFE_NO_PAD
        .decode(okp(&first, "")["x"].as_str().unwrap())
        .unwrap();
    let kid = |kid: &str| json!({"alg": "EdDSA", "kid": kid});
    for token in [
        format!(
            "{}.{}.",
            encode(&json!({"alg": "none", "kid": "ed-1"})),
            encode(&good)
        ),
        signed(
            &json!({"alg": "HS256", "kid": "ed-1"}),
            &good,
            hmac(&public),
        ),
        signed(
            &json!({"alg": "HS256", "kid": "rsa-1"}),
            &good,
            hmac(RSA.as_bytes()),
        ),
        signed(
            &json!({"alg": "HS256", "kid": "weak"}),
            &good,
            hmac(b"secret"),
        ),
        signed(
            &json!({"alg": "EdDSA", "kid": "rsa-1"}),
            &good,
            ed25519(&first),
        ),
        signed(&json!({"alg": "RS256", "kid": "ed-1"}), &good, rsa),
        signed(&kid("unknown"), &good, ed25519(&first)),
        signed(&json!({"alg": "EdDSA"}), &good, ed25519(&first)),
        signed(&kid("../../dev/null"), &good, ed25519(&first)),
        signed(&kid("' OR 1=1"), &good, ed25519(&first)),
        signed(&kid(""), &good, ed25519(&first)),
        signed(&kid(&"x".repeat(2000)), &good, ed25519(&first)),
        signed(&json!({"alg": "EdDSA", "kid": 1}), &good, ed25519(&first)),
        signed(
            &json!({"alg": "EdDSA", "kid": "ed-1", "jwk": okp(&second, "ed-1")}),
            &good,
            ed25519(&second),
        ),
        signed(
            &json!({"alg": "EdDSA", "kid": "ed-1", "jku": there.keys.uri()}),
            &good,
            ed25519(&second),
        ),
        signed(
            &json!({"alg": "EdDSA", "kid": "ed-1", "b64": false, "crit": ["b64"]}),
            &good,
            ed25519(&first),
        ),
    ] {
        assert_eq!(ask(api, READ, &token).await.status, 401, "{token}");
    }
    let fetched = there.keys.received_requests().await.unwrap();
    assert_eq!(
        fetched.len(),
        1,
        "unknown kids do not make the server ask again and again"
    );
}

async fn an_issuer_that_cannot_be_reached_is_not_believed(place: Arc<Place>) {
    let key = SigningKey::from_bytes(&[1; 32]);
    let there = Elsewhere::new(&place, &json!([])).await;
    there.keys.reset().await;
    let redirect = ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/");
    Mock::given(method("GET"))
        .respond_with(redirect)
        .mount(&there.keys)
        .await;
    let header = json!({"alg": "EdDSA", "kid": "ed-1"});
    let token = signed(&header, &there.claims(), ed25519(&key));
    ask(&there.api, READ, &token)
        .await
        .problem(401, "unauthorized");
    there.api.get(READ).send().await.expect(200);
}

/// Waits out the minute between two fetches.
pub(crate) async fn a_rotated_key_of_an_issuer_is_found(place: Arc<Place>) {
    let (first, second) = (
        SigningKey::from_bytes(&[1; 32]),
        SigningKey::from_bytes(&[2; 32]),
    );
    let there = Elsewhere::new(&place, &json!([okp(&first, "ed-1")])).await;
    let token = |key, kid: &str| {
        signed(
            &json!({"alg": "EdDSA", "kid": kid}),
            &there.claims(),
            ed25519(key),
        )
    };
    ask(&there.api, READ, &token(&first, "ed-1"))
        .await
        .expect(200);
    publish(&there.keys, &json!([okp(&second, "ed-2")])).await;
    ask(&there.api, READ, &token(&second, "ed-2"))
        .await
        .problem(401, "unauthorized");
    ask(&there.api, READ, &token(&first, "ed-1"))
        .await
        .expect(200);
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;
    ask(&there.api, READ, &token(&second, "ed-2"))
        .await
        .expect(200);
    ask(&there.api, READ, &token(&first, "ed-1"))
        .await
        .problem(401, "unauthorized");
}

both!(
    the_roles_are_read_from_the_database_at_each_use,
    every_bad_claim_of_an_own_token_is_refused,
);
both_alone!(
    an_external_issuer_is_believed_by_its_keys_alone,
    an_issuer_that_cannot_be_reached_is_not_believed,
);
