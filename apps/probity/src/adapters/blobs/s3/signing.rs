//! Addresses under which a client gets an object from the store itself: signed in the query (AWS
//! Signature Version 4), for one object, a short time, and as what it is to be saved.

use std::time::Duration;

use aws_lc_rs::hmac;
use object_store::aws::AwsCredential;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use probity_artifacts::{ServedAs, Sha256Digest};
use probity_kernel::text::hex;
use time::OffsetDateTime;
use time::macros::format_description;
use url::{Position, Url};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What a query of a signed address leaves as it is.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as it stands in a signed query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// The key of one day, region and service.
struct Scope<'a> {
    day: String,
    region: &'a str,
}

impl Scope<'_> {
    fn name(&self) -> String {
        format!("{}/{}/s3/aws4_request", self.day, self.region)
    }

    fn sign(&self, secret: &str, text: &str) -> String {
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [self.day.as_str(), self.region, "s3", "aws4_request", text] {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes());
            key = tag.as_ref().to_vec();
        }
        hex(&key)
    }
}

/// Signs the address of an object.
pub(super) fn sign(
    mut address: Url,
    credential: &AwsCredential,
    region: &str,
    lifetime: Duration,
    served: &ServedAs,
    now: OffsetDateTime,
) -> String {
    let instant = now
        .format(format_description!(
            "[year][month][day]T[hour][minute][second]Z"
        ))
        .unwrap_or_default();
    let day = instant.get(..8).unwrap_or_default().to_owned();
    let scope = Scope { day, region };
    let mut query = vec![
        ("X-Amz-Algorithm", ALGORITHM.to_owned()),
        (
            "X-Amz-Credential",
            format!("{}/{}", credential.key_id, scope.name()),
        ),
        ("X-Amz-Date", instant.clone()),
        ("X-Amz-Expires", lifetime.as_secs().to_string()),
    ];
    if let Some(token) = &credential.token {
        query.push(("X-Amz-Security-Token", token.clone()));
    }
    query.extend([
        ("X-Amz-SignedHeaders", "host".to_owned()),
        ("response-content-disposition", served.disposition.clone()),
        ("response-content-type", served.content_type.clone()),
    ]);
    let pairs = query.iter().map(|(name, value)| {
        let value = encoded(value);
        format!("{name}={value}")
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    let host = &address[Position::BeforeHost..Position::AfterPort];
    let path = address.path();
    let request = format!("GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
    let digest = Sha256Digest::of(request.as_bytes());
    let text = format!("{ALGORITHM}\n{instant}\n{}\n{digest}", scope.name());
    let signature = scope.sign(&credential.secret_key, &text);
    address.set_query(Some(&format!("{query}&X-Amz-Signature={signature}")));
    address.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    /// The signature that the documentation of the algorithm gives for its example key and scope.
    #[test]
    fn keys_are_derived_as_published() {
        let scope = Scope {
            day: "20130524".to_owned(),
            region: "us-east-1",
        };
        let text = "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n\
                    3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04";
        let signature = scope.sign("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", text);
        assert_eq!(
            signature,
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    #[test]
    fn addresses_name_the_file_and_hold_no_secret() {
        let credential = AwsCredential {
            key_id: "id".to_owned(),
            secret_key: "very-secret".to_owned(),
            token: None,
        };
        let served = ServedAs {
            content_type: "application/octet-stream".to_owned(),
            disposition: "attachment; filename=\"a b.onnx\"".to_owned(),
        };
        let address: Url = "http://store.lan:9000/bucket/blobs/x".parse().unwrap();
        let lifetime = Duration::from_mins(5);
        let now = datetime!(2026-11-26 12:00 UTC);
        let signed = sign(address, &credential, "eu-1", lifetime, &served, now);
        assert!(signed.starts_with("http://store.lan:9000/bucket/blobs/x?X-Amz-Algorithm="));
        for part in [
            "X-Amz-Date=20261126T120000Z",
            "X-Amz-Expires=300",
            "X-Amz-Credential=id%2F20261126%2Feu-1%2Fs3%2Faws4_request",
            "response-content-disposition=attachment%3B%20filename%3D%22a%20b.onnx%22",
        ] {
            assert!(signed.contains(part), "{part} is not in {signed}");
        }
        assert!(!signed.contains("very-secret"));
    }
}
