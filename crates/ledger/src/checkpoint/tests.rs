use proptest::prelude::*;

use super::*;
use crate::memory::InMemoryTree;
use crate::testing::synthetic_leaves;
use crate::tree::consistency_proof;

/// The test key of RFC 8037, appendix A.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const ORIGIN: &str = "gov.example/org_x/audit/1";
const ROOT_8: &str = "7fc0aa893a8846c74469053567cfb4c5107939b51ffb9e2b920b56f370507ed6";
const ROOT_11: &str = "d6e7566e40ee75a71b5600dcd222a0d2e80d3b127b02ef3336859658fb58f43b";
const LINE: &str = "— gov.example/org_x/audit/1 RbR2hOZst2EcTEibRdJxhbbFLbVH3WN6it677UZ9TuxhDSqVUpDfkNu6zFy8scDp1GJuzZoQB2gDhsV/rfSzZvKFSww=\n";

fn hash(hex: &str) -> Hash {
    hex.parse().unwrap()
}

fn key() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, hash(SEED).as_bytes()).unwrap()
}

fn checkpoint(size: u64, root: &str) -> Checkpoint {
    Checkpoint::new(ORIGIN, size, hash(root)).unwrap()
}

fn tree(size: usize) -> InMemoryTree {
    let mut tree = InMemoryTree::new();
    tree.append_batch(&synthetic_leaves(size));
    tree
}

fn of(tree: &InMemoryTree) -> Checkpoint {
    Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap()
}

#[test]
fn published_log_is_made_and_verified_byte_for_byte() {
    assert_eq!(
        key().verifier().to_string(),
        "gov.example/org_x/audit/1+45b47684+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
    );
    let (last, next) = (checkpoint(8, ROOT_8), checkpoint(11, ROOT_11));
    let proof = hash("21cc6961c7cc4fdc899572f2373e0dc7e4af883b7a93ca6b55525c0715ec5534");
    let proof = ConsistencyProof::new(vec![proof]).unwrap();
    let note = CheckpointSigner::new(key())
        .sign_next(Some(&last), &next, &proof)
        .unwrap();
    let message = format!("{}\n{LINE}", next.body());
    assert_eq!(note.to_string(), message);
    assert_eq!(
        Checkpoint::verify(message.as_bytes(), &[key().verifier().clone()]),
        Ok(next)
    );
}

fn changed(message: &[u8], place: usize, change: u8) -> Vec<u8> {
    let mut changed = message.to_vec();
    changed[place] ^= change;
    changed
}

#[test]
fn every_changed_byte_of_a_signed_checkpoint_is_refused() {
    let message = format!("{}\n{LINE}", checkpoint(11, ROOT_11).body()).into_bytes();
    let known = [key().verifier().clone()];
    assert!(Checkpoint::verify(&message, &known).is_ok());
    let note = SignedNote::parse(&message).unwrap();
    for place in 0..message.len() {
        // No other spelling reads as the same note, so that what verifies is what was signed ...
        for change in 1..=255 {
            let other = SignedNote::parse(&changed(&message, place, change));
            assert_ne!(other, Ok(note.clone()), "byte {place} ^ {change}");
        }
        // ... and no other note verifies. Signatures are slow without optimisation: two changes for each byte.
        for change in [1 << (place % 8), 1 << ((place + 5) % 8)] {
            let bad = changed(&message, place, change);
            assert!(
                Checkpoint::verify(&bad, &known).is_err(),
                "byte {place} ^ {change}"
            );
        }
        assert!(Checkpoint::verify(&message[..place], &known).is_err());
        assert!(Checkpoint::verify(&message[place + 1..], &known).is_err());
        for extra in [b'\n', b' ', b'0', b'=', 0] {
            let mut bad = message.clone();
            bad.insert(place, extra);
            assert!(
                Checkpoint::verify(&bad, &known).is_err(),
                "{extra} before byte {place}"
            );
        }
    }
    for extra in 0..=255 {
        let bad = [message.as_slice(), &[extra]].concat();
        assert!(Checkpoint::verify(&bad, &known).is_err());
    }
}

#[test]
fn bodies_have_one_spelling() {
    let root = STANDARD.encode(hash(ROOT_8).as_bytes());
    let good = format!("{ORIGIN}\n8\n{root}\n");
    assert_eq!(Checkpoint::parse_body(&good), Ok(checkpoint(8, ROOT_8)));
    for bad in [
        format!("{ORIGIN}\n08\n{root}\n"),
        format!("{ORIGIN}\n+8\n{root}\n"),
        format!("{ORIGIN}\n-8\n{root}\n"),
        format!("{ORIGIN}\n8 \n{root}\n"),
        format!("{ORIGIN}\n\n{root}\n"),
        format!("{ORIGIN}\n18446744073709551616\n{root}\n"),
        format!("{ORIGIN}\n9007199254740993\n{root}\n"),
        format!("{ORIGIN}\n0\n{root}\n"),
        format!("\n8\n{root}\n"),
        format!("a b\n8\n{root}\n"),
        format!("{ORIGIN}\n8\n{}\n", &root[..40]),
        format!("{ORIGIN}\n8\n{}\n", root.trim_end_matches('=')),
        format!("{ORIGIN}\n8\n{}X=\n", &root[..42]),
        format!("{ORIGIN}\n8\n{root}"),
        format!("{ORIGIN}\n8\n{root}\nextension\n"),
        format!("{ORIGIN}\n8\n{root}\n\n"),
        format!("{ORIGIN}\n8\n"),
        String::new(),
    ] {
        assert_eq!(
            Checkpoint::parse_body(&bad),
            Err(CheckpointError::Malformed),
            "{bad:?}"
        );
    }
    let empty = Checkpoint::new(ORIGIN, 0, Hash::EMPTY).unwrap();
    assert_eq!(Checkpoint::parse_body(&empty.body()), Ok(empty));
    assert!(Checkpoint::new(ORIGIN, MAX_SIZE, Hash::EMPTY).is_ok());
    assert!(Checkpoint::new(ORIGIN, MAX_SIZE + 1, Hash::EMPTY).is_err());
}

#[test]
fn signer_refuses_what_does_not_follow() {
    let signer = CheckpointSigner::new(key());
    let (old, new) = (tree(8), tree(11));
    let good = consistency_proof(&new, 8, 11).unwrap();
    let none = ConsistencyProof::default();
    let sign = |last: &Checkpoint, next: &Checkpoint, proof: &ConsistencyProof| {
        signer.sign_next(Some(last), next, proof)
    };
    assert!(sign(&of(&old), &of(&new), &good).is_ok());
    assert!(sign(&of(&new), &of(&new), &none).is_ok());
    assert_eq!(
        sign(&of(&new), &of(&old), &good),
        Err(CheckpointError::Shrunk { last: 11, next: 8 })
    );
    let forked = Checkpoint::new(ORIGIN, 11, hash(ROOT_11)).unwrap();
    assert_eq!(
        sign(&of(&new), &forked, &none),
        Err(CheckpointError::Forked(11))
    );
    assert_eq!(
        sign(&of(&old), &forked, &good),
        Err(CheckpointError::Inconsistent(ProofError::RootMismatch))
    );
    let rewritten = Checkpoint::new(ORIGIN, 8, hash(ROOT_8)).unwrap();
    assert_eq!(
        sign(&rewritten, &of(&new), &good),
        Err(CheckpointError::Inconsistent(ProofError::RootMismatch))
    );
    assert_eq!(
        sign(&of(&old), &of(&new), &none),
        Err(CheckpointError::Inconsistent(ProofError::TooFewHashes))
    );
    assert_eq!(
        sign(&of(&new), &of(&new), &good),
        Err(CheckpointError::Inconsistent(ProofError::TooManyHashes))
    );
    let elsewhere = Checkpoint::new("gov.example/org_y/audit/1", 11, new.root()).unwrap();
    assert_eq!(
        sign(&of(&old), &elsewhere, &good),
        Err(CheckpointError::OtherOrigin)
    );
    assert_eq!(
        signer.sign_next(None, &elsewhere, &none),
        Err(CheckpointError::OtherOrigin)
    );
}

#[test]
fn a_log_may_begin_empty_or_grown() {
    let signer = CheckpointSigner::new(key());
    let none = ConsistencyProof::default();
    let noise = ConsistencyProof::new(vec![Hash::EMPTY]).unwrap();
    let (empty, grown) = (of(&tree(0)), of(&tree(5)));
    assert!(signer.sign_next(None, &empty, &none).is_ok());
    assert!(signer.sign_next(None, &grown, &none).is_ok());
    assert!(signer.sign_next(Some(&empty), &grown, &none).is_ok());
    assert!(signer.sign_next(Some(&empty), &empty, &none).is_ok());
    let refused = Err(CheckpointError::Inconsistent(ProofError::TooManyHashes));
    assert_eq!(signer.sign_next(None, &grown, &noise), refused);
    assert_eq!(signer.sign_next(Some(&empty), &grown, &noise), refused);
}

#[test]
fn keys_rotate_without_a_gap_and_only_within_one_log() {
    let (old, new) = (key(), NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap());
    let signer = CheckpointSigner::new(old.clone())
        .with_key(new.clone())
        .unwrap();
    let grown = of(&tree(5));
    let note = signer
        .sign_next(None, &grown, &ConsistencyProof::default())
        .unwrap()
        .to_string();
    for key in [old, new] {
        assert_eq!(
            Checkpoint::verify(note.as_bytes(), &[key.verifier().clone()]),
            Ok(grown.clone())
        );
    }
    let stranger = NoteSigner::from_seed("other", &[9; 32]).unwrap();
    assert!(CheckpointSigner::new(key()).with_key(stranger).is_err());
}

#[test]
fn only_the_log_itself_can_sign_its_checkpoint() {
    let grown = of(&tree(5));
    let witness = NoteSigner::from_seed("witness.example", &[3; 32]).unwrap();
    assert_eq!(grown.sign(&[&witness]), Err(CheckpointError::OtherOrigin));
    let by_witness = SignedNote::sign(&grown.body(), &[&witness])
        .unwrap()
        .to_string();
    let known = [key().verifier().clone(), witness.verifier().clone()];
    assert_eq!(
        Checkpoint::verify(by_witness.as_bytes(), &known),
        Err(CheckpointError::OtherOrigin)
    );
    let by_both = SignedNote::sign(&grown.body(), &[&key(), &witness])
        .unwrap()
        .to_string();
    assert_eq!(Checkpoint::verify(by_both.as_bytes(), &known), Ok(grown));
    assert_eq!(
        Checkpoint::verify(by_both.as_bytes(), &[]),
        Err(CheckpointError::Note(NoteError::NoKnownKey))
    );
}

proptest! {
    #[test]
    fn bodies_read_back(size in 1..=MAX_SIZE, root in any::<[u8; 32]>(), origin in "[a-z./_0-9é-]{1,30}") {
        let made = Checkpoint::new(&origin, size, root.into()).unwrap();
        prop_assert_eq!(Checkpoint::parse_body(&made.body()), Ok(made));
    }

    #[test]
    fn random_bodies_never_panic(text in any::<String>(), lines in "[a-z]{0,3}\\n[0-9]{0,3}\\n[A-Za-z=]{0,44}\\n") {
        prop_assert!(Checkpoint::parse_body(&text).is_err());
        if let Ok(made) = Checkpoint::parse_body(&lines) {
            prop_assert_eq!(made.body(), lines);
        }
    }
}
