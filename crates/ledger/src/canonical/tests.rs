use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::*;

fn canonical(value: &Value) -> String {
    String::from_utf8(to_canonical(value).unwrap()).unwrap()
}

#[test]
fn rfc_8785_structures() {
    let value: Value = serde_json::from_str(
        r#"{"1":{"f":{"f":"hi","F":5},"\n":56.0},"10":{},"":"empty","a":{},"111":[{"e":"yes","E":"no"}],"A":{}}"#,
    )
    .unwrap();
    assert_eq!(
        canonical(&value),
        r#"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}"#
    );
}

#[test]
fn rfc_8785_numbers() {
    let value: Value =
        serde_json::from_str("[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001]")
            .unwrap();
    assert_eq!(
        canonical(&value),
        "[333333333.3333333,1e+30,4.5,0.002,1e-27]"
    );
    for (bits, text) in [
        (0x4340_0000_0000_0001, "9007199254740994"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x8000_0000_0000_0000, "0"),
    ] {
        assert_eq!(
            to_canonical(&f64::from_bits(bits)).unwrap(),
            text.as_bytes()
        );
    }
}

#[test]
fn rfc_8785_strings_and_order() {
    assert_eq!(
        canonical(&json!("€$\u{0f}\nA'B\"\\\\\"/")),
        r#""€$\u000f\nA'B\"\\\\\"/""#
    );
    assert_eq!(
        canonical(&json!("\u{0}\u{8}\t\n\u{c}\r\u{1f}\u{7f}")),
        "\"\\u0000\\b\\t\\n\\f\\r\\u001f\u{7f}\""
    );
    assert_eq!(
        canonical(&json!({"unnormalised": "A\u{030a}"})),
        "{\"unnormalised\":\"A\u{030a}\"}"
    );
    let value = json!({"€": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "😂": 5, "\u{80}": 6, "ö": 7});
    assert_eq!(
        canonical(&value),
        "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😂\":5,\"\u{fb33}\":3}"
    );
}

#[test]
fn every_ascii_character_is_escaped_as_the_reference_implementation_does() {
    for byte in 0..=0x7f_u8 {
        let text = format!("a{}b", char::from(byte));
        let expected = serde_json_canonicalizer::to_vec(&text).unwrap();
        assert_eq!(to_canonical(&text).unwrap(), expected, "{byte:#x}");
    }
}

#[test]
fn integers_are_exact_or_refused() {
    let edge = 1_i64 << 53;
    assert_eq!(to_canonical(&edge).unwrap(), b"9007199254740992");
    assert_eq!(to_canonical(&-edge).unwrap(), b"-9007199254740992");
    assert_eq!(to_canonical(&0).unwrap(), b"0");
    assert_eq!(
        to_canonical(&(edge + 1)),
        Err(CanonicalError::Integer(9_007_199_254_740_993))
    );
    assert_eq!(
        to_canonical(&(-edge - 1)),
        Err(CanonicalError::Integer(-9_007_199_254_740_993))
    );
    assert_eq!(
        to_canonical(&u64::MAX),
        Err(CanonicalError::Integer(u64::MAX.into()))
    );
    assert_eq!(
        to_canonical(&i128::MIN),
        Err(CanonicalError::Integer(i128::MIN))
    );
    assert_eq!(to_canonical(&u128::MAX), Err(CanonicalError::HugeInteger));
    assert_eq!(
        to_canonical(&json!({"a": [edge + 1]})),
        Err(CanonicalError::Integer(9_007_199_254_740_993))
    );
}

#[test]
fn what_json_cannot_hold_is_refused() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(to_canonical(&bad), Err(CanonicalError::NotFinite));
    }
    assert_eq!(to_canonical(&f32::NAN), Err(CanonicalError::NotFinite));
    assert_eq!(
        to_canonical(&BTreeMap::from([(1, 2)])),
        Err(CanonicalError::NameNotString)
    );
}

#[test]
fn a_name_that_occurs_twice_is_refused() {
    #[derive(Serialize)]
    struct Outer {
        id: u8,
        #[serde(flatten)]
        inner: BTreeMap<&'static str, u8>,
    }
    let value = Outer {
        id: 1,
        inner: BTreeMap::from([("id", 1), ("x", 2)]),
    };
    assert_eq!(
        to_canonical(&value),
        Err(CanonicalError::DuplicateName("id".to_owned()))
    );
    let value = Outer {
        id: 1,
        inner: BTreeMap::from([("aa", 1), ("x", 2)]),
    };
    assert_eq!(to_canonical(&value).unwrap(), br#"{"aa":1,"id":1,"x":2}"#);
}

#[derive(Serialize)]
enum Shape {
    Unit,
    New(u8),
    Tuple(u8, Option<bool>),
    Struct { b: char, a: () },
}

#[derive(Serialize)]
struct Everything<'a> {
    zeta: Shape,
    shapes: Vec<Shape>,
    tuple: (i8, u16, f32),
    unit: (),
    map: HashMap<String, i64>,
    text: &'a str,
    none: Option<u8>,
    some: Option<u8>,
    float: f64,
}

#[test]
fn every_shape_of_serde_is_the_reference_implementation_s() {
    let value = Everything {
        zeta: Shape::Struct { b: 'ß', a: () },
        shapes: vec![
            Shape::Unit,
            Shape::New(1),
            Shape::Tuple(2, None),
            Shape::Tuple(3, Some(true)),
        ],
        tuple: (-8, 16, 0.5),
        unit: (),
        map: [("b\n", 1), ("a\"", 2), ("", 3)]
            .map(|(k, v)| (k.to_owned(), v))
            .into(),
        text: "tab\there",
        none: None,
        some: Some(255),
        float: 1e-9,
    };
    assert_eq!(
        to_canonical(&value).unwrap(),
        serde_json_canonicalizer::to_vec(&value).unwrap()
    );
}

#[test]
fn a_failing_serialize_is_reported() {
    struct Failing;
    impl Serialize for Failing {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    assert_eq!(
        to_canonical(&[Failing]),
        Err(CanonicalError::Custom("no".to_owned()))
    );
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-MAX_INTEGER..=MAX_INTEGER).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\x00-\\x7f😂\u{fb33}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_the_reference_implementation_s(value in any_value()) {
        let expected = serde_json_canonicalizer::to_vec(&value).unwrap();
        prop_assert_eq!(to_canonical(&value).unwrap(), expected);
    }

    #[test]
    fn decimal_is_the_standard_library_s(value in any::<i64>(), width in 0_usize..=20) {
        let mut out = Vec::new();
        push_integer(&mut out, value);
        let expected = value.to_string();
        prop_assert_eq!(&out, expected.as_bytes());
        out.clear();
        push_decimal(&mut out, value.unsigned_abs(), width);
        let expected = format!("{:0width$}", value.unsigned_abs());
        prop_assert_eq!(&out, expected.as_bytes());
    }
}
