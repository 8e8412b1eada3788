//! Against answers of another implementation, honest and not; `tests/vectors/make.sh` made them.

use aws_lc_rs::digest;
use der::Decode as _;
use time::Duration;
use time::macros::datetime;

use crate::asn1::TimeStampReq;
use crate::{Authorities, AuthoritiesError, Imprint, Nonce, Refusal, Request, Response, Timestamp};

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../tests/vectors/", $name))
    };
}

const ROOT: &[u8] = vector!("root.pem");
const OTHER: &[u8] = vector!("other.pem");
const PINNED: &[u8] = vector!("pinned.pem");

/// The digest that the vectors are stamps of.
fn imprint() -> Imprint {
    let made = digest::digest(&digest::SHA256, b"what is stamped\n");
    made.as_ref().try_into().unwrap()
}

fn token(answer: &[u8]) -> Vec<u8> {
    Response::parse(answer).unwrap().token().to_vec()
}

fn trusting(certificates: &[u8]) -> Authorities {
    Authorities::from_pem(certificates).unwrap()
}

fn verify(certificates: &[u8], token: &[u8]) -> Result<Timestamp, Refusal> {
    trusting(certificates).verify(token, &imprint(), None)
}

#[test]
fn stamps_of_trusted_authorities_are_believed() {
    for (name, answer) in [
        ("rsa", &vector!("rsa.tsr")[..]),
        ("p256", vector!("p256.tsr")),
        ("p256", vector!("p256_sha384.tsr")),
        ("p384", vector!("p384.tsr")),
    ] {
        let stamp = verify(ROOT, &token(answer)).unwrap();
        assert_eq!(stamp.policy, "1.3.6.1.4.1.99999.1");
        assert_eq!(stamp.accuracy, Some(Duration::milliseconds(1_500)));
        assert!(stamp.time > datetime!(2026-11-01 00:00 UTC), "{stamp:?}");
        assert!(
            stamp.authority.contains(&format!("Authority {name}")),
            "{stamp:?}"
        );
        assert!(!stamp.serial.is_empty());
    }
}

#[test]
fn a_certificate_that_is_trusted_itself_needs_no_chain() {
    assert!(verify(PINNED, &token(vector!("p256.tsr"))).is_ok());
    assert!(verify(PINNED, &token(vector!("without_certificate.tsr"))).is_ok());
    assert_eq!(
        verify(ROOT, &token(vector!("without_certificate.tsr"))),
        Err(Refusal::NoCertificate)
    );
    let early = verify(PINNED, vector!("too_early.token"));
    assert!(matches!(early, Err(Refusal::Untrusted { .. })), "{early:?}");
    let both = [OTHER, ROOT].concat();
    assert!(verify(&both, &token(vector!("rsa.tsr"))).is_ok());
}

#[test]
fn what_is_not_an_honest_stamp_is_refused_for_its_reason() {
    for (case, certificates, token) in [
        ("another root", OTHER, token(vector!("p256.tsr"))),
        (
            "another root, with a chain",
            OTHER,
            token(vector!("p384.tsr")),
        ),
        ("another certificate", PINNED, token(vector!("rsa.tsr"))),
        (
            "before the certificate",
            ROOT,
            vector!("too_early.token").to_vec(),
        ),
    ] {
        let told = verify(certificates, &token);
        assert!(
            matches!(told, Err(Refusal::Untrusted { .. })),
            "{case}: {told:?}"
        );
    }
    for (case, token) in [
        ("for servers", &vector!("server.token")[..]),
        ("for two uses", vector!("two_uses.token")),
        ("not critical", vector!("plain_use.token")),
    ] {
        assert_eq!(verify(ROOT, token), Err(Refusal::OtherPurpose), "{case}");
    }
    let none = verify(ROOT, vector!("no_info.token"));
    assert!(matches!(none, Err(Refusal::Malformed(_))), "{none:?}");
    let good = token(vector!("p256.tsr"));
    let other = trusting(ROOT).verify(&good, &[7; 32], None);
    assert_eq!(other, Err(Refusal::OtherImprint));
    let other = trusting(ROOT).verify(&good, &imprint(), Some(&Nonce::from_random([1; 16])));
    assert_eq!(other, Err(Refusal::OtherNonce));
}

#[test]
fn a_rejection_tells_the_authoritys_words() {
    let told = Response::parse(vector!("rejected.tsr")).unwrap_err();
    let Refusal::NotGranted { status, text } = &told else {
        panic!("{told:?}");
    };
    assert_eq!(*status, 2);
    assert!(text.contains("not supported"), "{told}");
    for bytes in [
        &b""[..],
        b"<html>",
        &[0x30, 0x80, 0, 0],
        &[0x30, 0x05, 0x30, 0x03, 2, 1, 0],
    ] {
        let told = Response::parse(bytes).unwrap_err();
        assert!(matches!(told, Refusal::Malformed(_)), "{told:?}");
    }
}

#[test]
fn a_request_is_read_by_what_another_implementation_reads() {
    let nonce = Nonce::from_random([0xff; 16]);
    assert_eq!(nonce.as_bytes()[0], 0x7f);
    assert_eq!(Nonce::from_random([0; 16]).as_bytes()[0], 0x40);
    let made = Request::new(imprint(), nonce).to_der().unwrap();
    let mut made = TimeStampReq::from_der(&made).unwrap();
    let theirs = TimeStampReq::from_der(vector!("request.tsq")).unwrap();
    assert_eq!(made.nonce.as_ref().unwrap().as_bytes(), nonce.as_bytes());
    made.nonce.clone_from(&theirs.nonce);
    assert_eq!(made, theirs);
}

/// What a token holds beside the signed parts (further certificates, say) may change; what it proves may not.
#[test]
fn no_bit_of_a_token_changes_what_it_proves() {
    let authorities = trusting(ROOT);
    for answer in [&vector!("p256.tsr")[..], vector!("rsa.tsr")] {
        let token = token(answer);
        let honest = authorities.verify(&token, &imprint(), None).unwrap();
        let mut accepted = 0;
        for bit in 0..token.len() * 8 {
            let mut changed = token.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(told) = authorities.verify(&changed, &imprint(), None) {
                assert_eq!(told, honest, "bit {bit}");
                accepted += 1;
            }
        }
        assert!(
            accepted * 20 < token.len() * 8,
            "{accepted} bits are bound by nothing"
        );
    }
}

#[test]
fn fractions_of_seconds_are_read() {
    for (text, read) in [
        ("20260511160000Z", Some(datetime!(2026-05-11 16:00 UTC))),
        (
            "20260511160000.25Z",
            Some(datetime!(2026-05-11 16:00:00.25 UTC)),
        ),
        ("20260511160000", None),
        ("20261311160000Z", None),
        ("20260511160000+0100", None),
    ] {
        let value = der::asn1::Any::new(der::Tag::GeneralizedTime, text.as_bytes()).unwrap();
        assert_eq!(crate::token::instant(&value).ok(), read, "{text}");
    }
}

#[test]
fn certificates_are_read_strictly() {
    assert_eq!(
        Authorities::from_pem(b"hello").unwrap_err(),
        AuthoritiesError::Empty
    );
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let told = Authorities::from_pem(broken).unwrap_err();
    assert!(matches!(told, AuthoritiesError::Malformed(_)), "{told:?}");
}
