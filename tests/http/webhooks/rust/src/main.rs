//! Verifies a delivery with the published Rust library.

use http::HeaderMap;
use serde_json::Value;
use standardwebhooks::Webhook;

fn main() {
    let path = std::env::args().nth(1).expect("the file of a delivery");
    let text = std::fs::read_to_string(path).expect("a file");
    let kept: Value = serde_json::from_str(&text).expect("JSON");
    let body = kept["body"].as_str().expect("a body");
    let mut headers = HeaderMap::new();
    for (name, value) in kept["headers"].as_object().expect("headers") {
        let name: http::HeaderName = name.parse().expect("a name");
        headers.insert(name, value.as_str().expect("a value").parse().expect("a value"));
    }
    let secrets = kept["secrets"].as_array().expect("secrets");
    for secret in secrets {
        let webhook = Webhook::new(secret.as_str().expect("a secret")).expect("a secret");
        webhook.verify(body.as_bytes(), &headers).expect("the signature holds");
        let forged = format!("{body} ");
        assert!(webhook.verify(forged.as_bytes(), &headers).is_err(), "a forged delivery was taken");
    }
    println!("Rust: {} secrets verify, {} forgeries are refused", secrets.len(), secrets.len());
}
