//! Trusted issuers elsewhere: their key sets are fetched, kept, and never asked for more often
//! than once a minute.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey};
use probity_access::{AcceptedToken, ClaimRules};
use serde::Deserialize;
use time::OffsetDateTime;
use tokio::sync::Mutex;

use super::token::Unverified;

/// How long a key set is taken as it is.
const FRESH: Duration = Duration::from_mins(10);
/// How long a key set is still used when it cannot be fetched.
const STALE: Duration = Duration::from_hours(24);
/// The shortest time between two fetches.
const PAUSE: Duration = Duration::from_mins(1);
/// The largest key set that is read, in bytes.
const LARGEST: usize = 256 << 10;

/// Why the file of issuers will not do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssuersError {
    #[error("external-issuers-file: {0}")]
    Read(#[from] std::io::Error),
    #[error("external-issuers-file: {0}")]
    Parse(#[from] toml::de::Error),
    #[error("external-issuers-file: issuer `{issuer}`: {reason}")]
    Issuer { issuer: String, reason: String },
    #[error("the client for key sets cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    issuer: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    issuer: String,
    jwks_url: String,
    audience: String,
    #[serde(default = "default_organization_claim")]
    organization_claim: String,
    #[serde(default = "default_role_claim")]
    role_claim: String,
    #[serde(default = "default_email_claim")]
    email_claim: String,
}

fn default_organization_claim() -> String {
    "org".to_owned()
}

fn default_role_claim() -> String {
    "role".to_owned()
}

fn default_email_claim() -> String {
    "email".to_owned()
}

/// The trusted issuers.
#[derive(Default)]
pub(crate) struct Issuers {
    issuers: HashMap<String, Issuer>,
}

struct Issuer {
    rules: ClaimRules,
    url: url::Url,
    client: reqwest::Client,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    set: Vec<Key>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

#[derive(Clone)]
struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    material: DecodingKey,
}

impl Issuers {
    /// Reads the file of issuers; without one nobody else is trusted.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, IssuersError> {
        let Some(file) = file else {
            return Ok(Self::default());
        };
        let listed: File = toml::from_str(&std::fs::read_to_string(file)?)?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(5))
            .build()?;
        let mut issuers = HashMap::new();
        for entry in listed.issuer {
            let url = check_url(&entry)?;
            let rules = ClaimRules {
                issuer: entry.issuer.clone(),
                audience: entry.audience,
                organization_claim: entry.organization_claim,
                role_claim: entry.role_claim,
                email_claim: entry.email_claim,
            };
            let issuer = Issuer {
                rules,
                url,
                client: client.clone(),
                keys: Mutex::default(),
            };
            issuers.insert(entry.issuer, issuer);
        }
        Ok(Self { issuers })
    }

    pub(super) async fn verify(
        &self,
        token: &Unverified<'_>,
        now: OffsetDateTime,
    ) -> Result<AcceptedToken, &'static str> {
        let issuer = self.issuers.get(token.issuer()).ok_or("unknown issuer")?;
        let key = issuer.key(token.kid()).await?;
        let (signature, signed) = token.parts();
        let genuine = jsonwebtoken::crypto::verify(
            &signature,
            signed.as_bytes(),
            &key.material,
            key.algorithm,
        );
        if !matches!(genuine, Ok(true)) {
            return Err("wrong signature");
        }
        issuer
            .rules
            .accept(token.claims(), now)
            .map_err(|rejected| rejected.0)
    }
}

fn check_url(entry: &Entry) -> Result<url::Url, IssuersError> {
    let wrong = |reason: &str| IssuersError::Issuer {
        issuer: entry.issuer.clone(),
        reason: reason.to_owned(),
    };
    let url = url::Url::parse(&entry.jwks_url).map_err(|_| wrong("jwks_url is not a URL"))?;
    let local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || (url.scheme() == "http" && local) {
        return Ok(url);
    }
    Err(wrong(
        "jwks_url must be https (http only on a loopback address)",
    ))
}

impl Issuer {
    /// The key of a token: by `kid`, or the only one where the token names none.
    async fn key(&self, kid: Option<&str>) -> Result<Key, &'static str> {
        let mut keys = self.keys.lock().await;
        let age = |at: Option<Instant>| at.map_or(Duration::MAX, |at| at.elapsed());
        let wanted = keys.find(kid).is_none() || age(keys.fetched) > FRESH;
        if wanted && age(keys.tried) > PAUSE {
            keys.tried = Some(Instant::now());
            match self.fetch().await {
                Ok(set) => {
                    keys.set = set;
                    keys.fetched = Some(Instant::now());
                }
                Err(error) => tracing::warn!(issuer = self.rules.issuer, error, "no key set"),
            }
        }
        if age(keys.fetched) > STALE {
            return Err("the issuer's keys are too old");
        }
        keys.find(kid).ok_or("unknown kid")
    }

    async fn fetch(&self) -> Result<Vec<Key>, String> {
        let mut response = self
            .client
            .get(self.url.clone())
            .send()
            .await
            .map_err(|error| error.to_string())?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("the issuer answered {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
            if body.len() + chunk.len() > LARGEST {
                return Err("the key set is too large".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        let set: JwkSet = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok(set.keys.iter().filter_map(usable).collect())
    }
}

impl Keys {
    fn find(&self, kid: Option<&str>) -> Option<Key> {
        match (kid, self.set.as_slice()) {
            (Some(kid), keys) => keys
                .iter()
                .find(|key| key.kid.as_deref() == Some(kid))
                .cloned(),
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
        }
    }
}

/// The key with the one algorithm that goes with it; shared secrets never.
fn usable(jwk: &Jwk) -> Option<Key> {
    let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::OctetKeyPair(pair), _) if pair.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        (AlgorithmParameters::EllipticCurve(curve), _) => match curve.curve {
            EllipticCurve::P256 => Algorithm::ES256,
            EllipticCurve::P384 => Algorithm::ES384,
            EllipticCurve::P521 | EllipticCurve::Ed25519 | _ => return None,
        },
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS384)) => Algorithm::RS384,
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS512)) => Algorithm::RS512,
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::PS256)) => Algorithm::PS256,
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(Key {
        kid: jwk.common.key_id.clone(),
        algorithm,
        material: key,
    })
}
