use proptest::prelude::*;
use serde_json::{Map, Value, json};
use time::macros::datetime;
use time::{Duration, UtcOffset};

use super::*;
use crate::slot::Salt;

fn header() -> LeafHeader<'static> {
    LeafHeader {
        action: "model.registered",
        args: Args::NONE,
        org: "org_x",
        seq: 41,
        slots: Slots::default(),
        target: Target {
            id: "mdl_1",
            kind: "model",
        },
        ts: datetime!(2026-05-11 16:00 UTC),
    }
}

fn text(header: &LeafHeader<'_>) -> String {
    String::from_utf8(header.to_bytes().unwrap()).unwrap()
}

/// The same leaf through a tree of values and the reference implementation.
fn reference(header: &LeafHeader<'_>, ts: &str) -> Vec<u8> {
    let mut leaf = json!({
        "v": 1, "ts": ts, "seq": header.seq, "org": header.org, "action": header.action,
        "target": {"type": header.target.kind, "id": header.target.id},
    });
    let slots: Map<_, _> = header
        .slots
        .iter()
        .map(|(n, c)| (n.to_string(), Value::from(c.to_string())))
        .collect();
    leaf["slots"] = slots.into();
    if !header.args.is_empty() {
        let args: Map<String, Value> = header
            .args
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    ArgValue::Text(text) => Value::from(text.as_ref()),
                    ArgValue::Integer(number) => Value::from(*number),
                };
                (name.to_owned(), value)
            })
            .collect();
        leaf["args"] = args.into();
    }
    serde_json_canonicalizer::to_vec(&leaf).unwrap()
}

#[test]
fn leaf_has_the_documented_bytes() {
    assert_eq!(
        text(&header()),
        r#"{"action":"model.registered","org":"org_x","seq":41,"slots":{},"target":{"id":"mdl_1","type":"model"},"ts":"2026-05-11T16:00:00.000Z","v":1}"#
    );
    let commitment = Commitment::new(SlotName::Actor, &Salt::from_bytes([1; 32]), b"{}");
    let args = Args::new()
        .with("to", 7)
        .unwrap()
        .with("from", -1)
        .unwrap()
        .with("root", "x\ny")
        .unwrap();
    let full = LeafHeader {
        args: &args,
        slots: Slots {
            actor: Some(commitment),
            detail: None,
            net: Some(commitment),
        },
        ..header()
    };
    assert_eq!(
        text(&full),
        format!(
            r#"{{"action":"model.registered","args":{{"from":-1,"root":"x\ny","to":7}},"org":"org_x","seq":41,"slots":{{"actor":"{commitment}","net":"{commitment}"}},"target":{{"id":"mdl_1","type":"model"}},"ts":"2026-05-11T16:00:00.000Z","v":1}}"#
        )
    );
    assert_eq!(
        full.to_bytes().unwrap(),
        reference(&full, "2026-05-11T16:00:00.000Z")
    );
}

#[test]
fn instants_are_utc_and_cut_to_milliseconds() {
    for (ts, spelled) in [
        (
            datetime!(2026-05-11 18:00:00.000_999_999 +2),
            "2026-05-11T16:00:00.000Z",
        ),
        (
            datetime!(2026-05-11 16:00:00.001 UTC),
            "2026-05-11T16:00:00.001Z",
        ),
        (datetime!(0000-01-01 00:00 UTC), "0000-01-01T00:00:00.000Z"),
        (
            datetime!(9999-12-31 23:59:59.999_999_999 UTC),
            "9999-12-31T23:59:59.999Z",
        ),
    ] {
        let leaf = LeafHeader { ts, ..header() };
        assert!(text(&leaf).contains(spelled), "{spelled}");
        assert_eq!(leaf.to_bytes().unwrap(), reference(&leaf, spelled));
        let parsed = Leaf::parse(text(&leaf).as_bytes()).unwrap();
        let lost = ts - parsed.header().ts;
        assert!(lost >= Duration::ZERO && lost < Duration::MILLISECOND);
    }
    for ts in [
        datetime!(-0001-12-31 23:59:59.999 UTC),
        datetime!(0000-01-01 00:30 +1),
        datetime!(9999-12-31 23:30 -1),
    ] {
        assert_eq!(
            LeafHeader { ts, ..header() }.to_bytes(),
            Err(LeafError::Instant)
        );
    }
}

#[test]
fn bounds_of_a_header() {
    for (leaf, error) in [
        (
            LeafHeader {
                action: "",
                ..header()
            },
            LeafError::Empty("action"),
        ),
        (
            LeafHeader {
                org: "",
                ..header()
            },
            LeafError::Empty("org"),
        ),
        (
            LeafHeader {
                target: Target { id: "", kind: "t" },
                ..header()
            },
            LeafError::Empty("target.id"),
        ),
        (
            LeafHeader {
                target: Target { id: "i", kind: "" },
                ..header()
            },
            LeafError::Empty("target.type"),
        ),
        (
            LeafHeader {
                seq: MAX_SIZE,
                ..header()
            },
            LeafError::Seq(MAX_SIZE),
        ),
    ] {
        assert_eq!(leaf.to_bytes(), Err(error));
    }
    assert!(
        LeafHeader {
            seq: MAX_SIZE - 1,
            ..header()
        }
        .to_bytes()
        .is_ok()
    );
}

#[test]
fn length_stops_at_sixteen_bits_and_leaves_the_buffer_alone() {
    let base = header().to_bytes().unwrap().len() - "org_x".len();
    let longest = "o".repeat(MAX_LEAF_LEN - base);
    let leaf = LeafHeader {
        org: &longest,
        ..header()
    };
    let bytes = leaf.to_bytes().unwrap();
    assert_eq!(bytes.len(), MAX_LEAF_LEN);
    assert!(Leaf::parse(&bytes).is_ok());
    let longer = format!("{longest}o");
    let mut out = b"before".to_vec();
    let refused = LeafHeader {
        org: &longer,
        ..header()
    }
    .encode(&mut out);
    assert_eq!(
        (refused, out),
        (Err(LeafError::TooLong), b"before".to_vec())
    );
    assert_eq!(
        Leaf::parse(&vec![b' '; MAX_LEAF_LEN + 1]),
        Err(LeafError::TooLong)
    );
}

#[test]
fn args_are_bounded_unique_and_in_utf_16_order() {
    let args = Args::new()
        .with("\u{fb33}", 1)
        .unwrap()
        .with("😂", 2)
        .unwrap()
        .with("a", "x")
        .unwrap();
    assert_eq!(
        args.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        ["a", "😂", "\u{fb33}"]
    );
    assert_eq!(args.get("😂"), Some(&ArgValue::Integer(2)));
    assert_eq!(args.get("b"), None);
    assert_eq!(
        args.with("a", 1),
        Err(LeafError::DuplicateArg("a".to_owned()))
    );
    let edge = 1_i64 << 53;
    assert!(
        Args::new()
            .with("n", edge)
            .unwrap()
            .with("m", -edge)
            .is_ok()
    );
    for beyond in [edge + 1, -edge - 1, i64::MIN] {
        assert_eq!(
            Args::new().with("n", beyond),
            Err(LeafError::ArgOutOfRange("n".to_owned()))
        );
    }
}

/// A valid leaf with an argument, and the same after one replacement.
fn good() -> String {
    text(&LeafHeader {
        args: &Args::new().with("n", 7).unwrap(),
        ..header()
    })
}

fn swap(from: &str, to: &str) -> String {
    assert!(good().contains(from), "{from}");
    good().replacen(from, to, 1)
}

#[test]
fn only_the_canonical_spelling_parses() {
    let good = good();
    assert!(Leaf::parse(good.as_bytes()).is_ok());
    for bad in [
        swap(r#""seq":41"#, r#""seq": 41"#),
        swap(r#"{"action":"model.registered","#, "{")
            .replace(r#""v":1"#, r#""action":"model.registered","v":1"#),
        swap("org_x", "org_\\u0078"),
        swap("mdl_1", "mdl\\/1"),
        swap("16:00:00.000Z", "16:00:00.0000Z"),
        swap(r#","args":{"n":7}"#, r#","args":{}"#),
        swap(r#""slots":{}"#, r#""slots":{"net":null}"#),
        format!(" {good}"),
        format!("{good}\n"),
        swap(r#""ts":"2026"#, r#""ts":"+2026"#),
        swap(r#""n":7"#, r#""n":-0"#),
    ] {
        let error = Leaf::parse(bad.as_bytes()).unwrap_err();
        assert!(
            matches!(error, LeafError::NotCanonical | LeafError::Shape(_)),
            "{bad}: {error}"
        );
    }
}

#[test]
fn only_the_members_of_a_leaf_parse() {
    for (bad, reason) in [
        (swap(r#""v":1"#, r#""v":1,"w":1"#), "unknown field"),
        (
            swap(r#""seq":41"#, r#""seq":41,"seq":41"#),
            "duplicate field",
        ),
        (swap(r#""n":7"#, r#""n":7,"n":7"#), "given twice"),
        (swap(r#""n":7"#, r#""n":7.0"#), "floating point"),
        (swap(r#""n":7"#, r#""n":null"#), "null"),
        (swap(r#""n":7"#, r#""n":9007199254740993"#), "beyond"),
        (
            swap(r#""n":7"#, r#""n":18446744073709551615"#),
            "out of range",
        ),
        (swap(r#""n":7"#, r#""n":[7]"#), "sequence"),
        (swap(r#""seq":41"#, r#""seq":41.0"#), "floating point"),
        (swap(r#""seq":41"#, r#""seq":-1"#), "invalid value"),
        (swap(r#""seq":41,"#, ""), "missing field"),
        (
            swap(r#""id":"mdl_1","#, r#""id":"mdl_1","ip":"x","#),
            "unknown field",
        ),
        (
            swap(r#""slots":{}"#, r#""slots":{"who":"x"}"#),
            "unknown field",
        ),
        (swap(r#""slots":{}"#, r#""slots":{"net":"x"}"#), "slots"),
        (swap("T16:", " 16:"), "ts"),
        (swap("05-11", "02-30"), "ts"),
        (good() + "x", "trailing"),
        (String::new(), "EOF"),
    ] {
        let error = Leaf::parse(bad.as_bytes()).unwrap_err();
        assert!(matches!(error, LeafError::Shape(_)), "{bad}: {error}");
        assert!(error.to_string().contains(reason), "{bad}: {error}");
    }
    assert_eq!(
        Leaf::parse(swap(r#""v":1"#, r#""v":2"#).as_bytes()),
        Err(LeafError::Version(2))
    );
    assert_eq!(
        Leaf::parse(swap(r#""org":"org_x""#, r#""org":"""#).as_bytes()),
        Err(LeafError::Empty("org"))
    );
}

#[test]
fn no_changed_byte_leaves_the_leaf_what_it_was() {
    let good = header().to_bytes().unwrap();
    let leaf = Leaf::parse(&good).unwrap();
    for place in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[place] ^= 1 << bit;
            assert!(Leaf::parse(&bad).ok().is_none_or(|other| other != leaf));
        }
    }
}

prop_compose! {
    fn any_slots()(given in any::<[Option<[u8; 4]>; 3]>()) -> Slots {
        let commit = |place: usize| given[place].map(|seed| {
            Commitment::new(SlotName::ALL[place], &Salt::from_bytes([7; 32]), &seed)
        });
        Slots { actor: commit(0), detail: commit(1), net: commit(2) }
    }
}

proptest! {
    #[test]
    fn any_leaf_is_canonical_and_reads_back(
        names in any::<[String; 4]>(),
        seq in 0..MAX_SIZE,
        slots in any_slots(),
        texts in prop::collection::btree_map(any::<String>(), any::<String>(), 0..4),
        numbers in prop::collection::btree_map("[a-zA-Z😂\u{fb33}\\n]{1,4}", -(1_i64 << 53)..=1 << 53, 0..4),
        millis in 0_i64..253_402_300_800_000,
        offset in -23_i8..=23,
    ) {
        prop_assume!(names.iter().all(|name| !name.is_empty()));
        let mut args = Args::new();
        for (name, value) in &texts {
            args = args.with(name.as_str(), value.as_str()).unwrap();
        }
        for (name, value) in &numbers {
            if !texts.contains_key(name) {
                args = args.with(name.as_str(), *value).unwrap();
            }
        }
        let ts = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(millis);
        let header = LeafHeader {
            action: &names[0],
            args: &args,
            org: &names[1],
            seq,
            slots,
            target: Target { id: &names[2], kind: &names[3] },
            ts: ts.checked_to_offset(UtcOffset::from_hms(offset, 0, 0).unwrap()).unwrap_or(ts),
        };
        let bytes = header.to_bytes().unwrap();
        let spelled = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            ts.year(), u8::from(ts.month()), ts.day(), ts.hour(), ts.minute(), ts.second(), ts.millisecond()
        );
        prop_assert_eq!(&bytes, &reference(&header, &spelled));
        let leaf = Leaf::parse(&bytes).unwrap();
        prop_assert_eq!(leaf.header().to_bytes().unwrap(), bytes);
        prop_assert_eq!(leaf.header(), LeafHeader { ts, ..header });
    }

    #[test]
    fn random_bytes_never_panic(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        prop_assert!(Leaf::parse(&bytes).is_err());
        prop_assert!(Leaf::parse(text.as_bytes()).is_err());
    }

    #[test]
    fn a_damaged_leaf_never_panics(place in 0_usize..140, byte in any::<u8>(), cut in 0_usize..140) {
        let mut bytes = header().to_bytes().unwrap();
        let place = place.min(bytes.len() - 1);
        bytes[place] = byte;
        if let Ok(leaf) = Leaf::parse(&bytes) {
            prop_assert_eq!(leaf.header().to_bytes().unwrap(), bytes.clone());
        }
        bytes.truncate(cut.min(bytes.len() - 1));
        prop_assert!(Leaf::parse(&bytes).is_err());
    }
}
