use proptest::prelude::*;

use super::*;

const FOO: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const FOO_NOTE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key(vkey: &str) -> NoteVerifier {
    vkey.parse().unwrap()
}

fn signer(name: &str) -> NoteSigner {
    NoteSigner::from_seed(name, &[7; 32]).unwrap()
}

fn refusal(message: &str) -> NoteError {
    SignedNote::parse(message.as_bytes()).unwrap_err()
}

#[test]
fn published_notes_verify() {
    for (vkey, message) in [(FOO, FOO_NOTE), (PETER, PETER_NOTE)] {
        let note = SignedNote::parse(message.as_bytes()).unwrap();
        let known = [key(vkey)];
        assert_eq!(note.verify(&known).unwrap(), [&known[0]]);
        assert_eq!(note.to_string(), message);
        assert_eq!(
            note.text(),
            message.split_at(message.find("\n\n").unwrap() + 1).0
        );
        assert_eq!(note.signatures()[0].key_id(), known[0].id());
        assert_eq!(note.signatures()[0].signature().len(), 64);
    }
}

#[test]
fn malformed_notes_are_refused_with_the_reason() {
    let swap = |from: &str, to: &str| FOO_NOTE.replacen(from, to, 1);
    for (bad, error) in [
        (
            swap("an example", "an\texample"),
            NoteError::ControlCharacter,
        ),
        (
            swap("an example", "an\0example"),
            NoteError::ControlCharacter,
        ),
        (
            swap("an example", "an\u{1f}example"),
            NoteError::ControlCharacter,
        ),
        (swap(".\n", ".\r\n"), NoteError::ControlCharacter),
        (FOO_NOTE.trim_end().to_owned(), NoteError::NoFinalNewline),
        (String::new(), NoteError::NoFinalNewline),
        ("text\n".to_owned(), NoteError::NoSignatures),
        ("text\n\n".to_owned(), NoteError::NoSignatures),
        (format!("{FOO_NOTE}\n"), NoteError::NoSignatures),
        (format!("{FOO_NOTE}more\n"), NoteError::MalformedSignature),
        (swap("\n\n—", "\n—"), NoteError::NoSignatures),
        (swap("— ", "- "), NoteError::MalformedSignature),
        (swap("— ", "—"), NoteError::MalformedSignature),
        (swap("— ", "—  "), NoteError::MalformedSignature),
        (swap("foo Uw2Q", "foo  Uw2Q"), NoteError::MalformedSignature),
        (
            swap("foo Uw2Q", "foo+x Uw2Q"),
            NoteError::MalformedSignature,
        ),
        (
            swap("foo Uw2Q", "foo\u{a0}x Uw2Q"),
            NoteError::MalformedSignature,
        ),
        (swap("yaQM=", "yaQN="), NoteError::MalformedSignature),
        (swap("yaQM=", "yaQM"), NoteError::MalformedSignature),
        (swap("yaQM=\n", "yaQM= \n"), NoteError::MalformedSignature),
        (
            "text\n\n— a AAAA\n".to_owned(),
            NoteError::MalformedSignature,
        ),
        (
            "text\n\n— a AAAAAA==\n".to_owned(),
            NoteError::MalformedSignature,
        ),
    ] {
        assert_eq!(refusal(&bad), error, "{bad:?}");
    }
    assert_eq!(SignedNote::parse(b"\xff\n\n"), Err(NoteError::NotUtf8));
}

#[test]
fn signatures_stop_at_sixteen() {
    let line = FOO_NOTE.split_once("\n\n").unwrap().1;
    let with = |count: usize| format!("This is an example message.\n\n{}", line.repeat(count));
    let known = [key(FOO)];
    let note = SignedNote::parse(with(16).as_bytes()).unwrap();
    assert_eq!(note.verify(&known).unwrap().len(), 1);
    assert_eq!(refusal(&with(17)), NoteError::TooManySignatures);
    let one = signer("a");
    assert!(SignedNote::sign("x\n", &[&one; 16]).is_ok());
    assert_eq!(
        SignedNote::sign("x\n", &[&one; 17]),
        Err(NoteError::TooManySignatures)
    );
    assert_eq!(SignedNote::sign("x\n", &[]), Err(NoteError::NoSignatures));
}

#[test]
fn a_known_key_with_a_bad_signature_rejects_and_an_unknown_key_is_ignored() {
    let other = signer("other.example/log");
    let good = signer("log.example");
    let mixed = SignedNote::sign("text\n", &[&other, &good]).unwrap();
    let (other, good) = (other.verifier().clone(), good.verifier().clone());
    assert_eq!(mixed.verify(std::slice::from_ref(&good)), Ok(vec![&good]));
    assert_eq!(
        mixed.verify(&[good.clone(), other.clone()]).unwrap().len(),
        2
    );
    assert_eq!(mixed.verify(&[]), Err(NoteError::NoKnownKey));
    assert_eq!(mixed.verify(&[key(FOO)]), Err(NoteError::NoKnownKey));
    let renamed = NoteSigner::from_seed("log.example", &[8; 32]).unwrap();
    assert_eq!(
        mixed.verify(&[renamed.verifier().clone()]),
        Err(NoteError::NoKnownKey)
    );
    let moved = mixed.to_string().replacen("text", "tent", 1);
    let moved = SignedNote::parse(moved.as_bytes()).unwrap();
    assert_eq!(
        moved.verify(std::slice::from_ref(&good)),
        Err(NoteError::BadSignature("log.example".to_owned()))
    );
    let mut short = mixed.clone();
    short.signatures[0].signature.pop();
    assert_eq!(
        short.verify(&[good.clone(), other]),
        Err(NoteError::BadSignature("other.example/log".to_owned()))
    );
    // A second, wrong signature in the name of a key rejects the note although the first one is right.
    let mut twice = mixed.clone();
    let mut wrong = twice.signatures[1].clone();
    wrong.signature[0] ^= 1;
    twice.signatures.push(wrong);
    assert!(matches!(
        twice.verify(&[good]),
        Err(NoteError::BadSignature(_))
    ));
}

#[test]
fn texts_keep_their_empty_lines() {
    let one = signer("a");
    let note = SignedNote::sign("first\n\nsecond\n\n\nthird\n", &[&one]).unwrap();
    assert_eq!(
        SignedNote::parse(note.to_string().as_bytes()).unwrap(),
        note
    );
    assert_eq!(
        SignedNote::sign("no newline", &[&one]),
        Err(NoteError::NoFinalNewline)
    );
    assert_eq!(
        SignedNote::sign("bell\u{7}\n", &[&one]),
        Err(NoteError::ControlCharacter)
    );
}

proptest! {
    #[test]
    fn random_notes_never_panic(bytes in any::<Vec<u8>>(), text in "[— a-zA-Z+/=\\n]{0,60}") {
        prop_assert!(SignedNote::parse(&bytes).is_err());
        if let Ok(note) = SignedNote::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_string(), text);
        }
    }

    #[test]
    fn what_is_signed_reads_back(text in "[^\\x00-\\x1f]{0,20}(\\n[^\\x00-\\x1f]{0,20}){0,4}\\n") {
        let one = signer("log.example");
        let note = SignedNote::sign(&text, &[&one]).unwrap();
        let read = SignedNote::parse(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(read.text(), &text);
        let known = [one.verifier().clone()];
        prop_assert!(read.verify(&known).is_ok());
    }
}
