use super::*;
use crate::families::guardian::sample::{ColumnData, MAX_CATEGORIES, MAX_COLUMNS, Missing};
use std::fmt::Write as _;

fn options() -> TableOptions {
    TableOptions {
        sample: "sample".to_owned(),
        columns: None,
        categorical: Vec::new(),
        label: None,
        prediction: None,
        group: None,
        missing: Missing::Refuse,
    }
}

fn fairness() -> TableOptions {
    TableOptions {
        label: Some("y".to_owned()),
        prediction: Some("p".to_owned()),
        group: Some("g".to_owned()),
        ..options()
    }
}

/// Field, code and message of the one fault.
fn fault(body: impl AsRef<[u8]>, options: &TableOptions) -> (String, &'static str, String) {
    let mut faults = read(body.as_ref(), options).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    let fault = faults.remove(0);
    (fault.field, fault.code, fault.message)
}

#[test]
fn the_first_cell_decides_whether_a_column_is_numeric() {
    let body = "sample,a,b,c\nreference,1,x,1\ncurrent,-2.5e1,3,2\nreference, 4 ,x,3\n";
    let forced = TableOptions {
        categorical: vec!["c".to_owned()],
        ..options()
    };
    let samples = read(body.as_bytes(), &forced).unwrap();
    assert_eq!(samples.current_rows, 1);
    let [a, b, c] = samples.columns.as_slice() else {
        panic!("three columns")
    };
    let ColumnData::Numbers(numbers) = &a.data else {
        panic!("numbers")
    };
    assert_eq!(
        (numbers.reference.as_slice(), numbers.current.as_slice()),
        (&[1.0, 4.0][..], &[-25.0][..])
    );
    for (column, reference) in [(b, vec![("x", 2)]), (c, vec![("1", 1), ("3", 1)])] {
        let ColumnData::Categories(texts) = &column.data else {
            panic!("texts")
        };
        assert_eq!(texts.reference.iter().collect::<Vec<_>>(), reference);
    }
}

#[test]
fn quotes_line_breaks_and_a_byte_order_mark_are_read() {
    let body = "\u{feff}\"sample\",\"a,b\"\r\ncurrent,\"x\"\"\ny\"\r\n\r\nreference,é";
    let samples = read(body.as_bytes(), &options()).unwrap();
    let ColumnData::Categories(texts) = &samples.columns[0].data else {
        panic!("texts")
    };
    assert_eq!(samples.columns[0].name, "a,b");
    assert_eq!(texts.current.iter().collect::<Vec<_>>(), [("x\"\ny", 1)]);
    assert_eq!(texts.reference.iter().collect::<Vec<_>>(), [("é", 1)]);
}

#[test]
fn decisions_are_read_of_current_rows_only() {
    let body = "sample,y,p,g\nreference,,,\ncurrent,1,true,a\ncurrent,0,1,a\ncurrent,1,0,b\n";
    let samples = read(body.as_bytes(), &fairness()).unwrap();
    assert!(samples.columns.is_empty());
    let decisions = samples.decisions.unwrap();
    assert!(decisions.labelled);
    let a = decisions.cells.group("a").unwrap();
    assert_eq!((a.true_positives, a.false_positives, a.rows()), (1, 1, 2));
    assert_eq!(decisions.cells.group("b").unwrap().false_negatives, 1);
}

#[test]
fn missing_cells_are_refused_or_skipped_as_asked() {
    let body = "sample,a,b\nreference,,x\nreference,1,x\ncurrent,2,\n";
    assert_eq!(fault(body, &options()).1, "missing");
    let skip = TableOptions {
        missing: Missing::Skip,
        ..options()
    };
    let samples = read(body.as_bytes(), &skip).unwrap();
    let ColumnData::Numbers(numbers) = &samples.columns[0].data else {
        panic!("numbers")
    };
    assert_eq!((numbers.reference.len(), numbers.current.len()), (1, 1));
    assert_eq!(samples.current_rows, 1);
}

#[test]
fn hostile_and_broken_tables_are_refused_with_their_line() {
    let long = "x".repeat(300);
    let wide = ["c"; MAX_COLUMNS + 1].join(",");
    for (body, field, code, place) in [
        ("", "", "empty", ""),
        ("sample,a\nreference,1\ncurrent\n", "", "ragged", "line 3"),
        ("sample,a\nreference,1,2\n", "", "ragged", "line 2"),
        (
            "sample,a\nreference,1\ncurrent,x\n",
            "/a",
            "not_a_number",
            "line 3",
        ),
        ("sample,a\nreference,NaN\n", "/a", "not_finite", "line 2"),
        (
            "sample,a\nreference,1\ncurrent,-inf\n",
            "/a",
            "not_finite",
            "line 3",
        ),
        ("sample,a\nreference,1e400\n", "/a", "not_finite", "line 2"),
        (
            "sample,a\nReference,1\n",
            "/sample",
            "unknown_value",
            "line 2",
        ),
        ("sample,a/b\n,1\n", "/sample", "unknown_value", "line 2"),
        ("sample,a/b\nreference,\n", "/a~1b", "missing", "line 2"),
        ("sample,a,a\nreference,1,2\n", "/a", "duplicate", ""),
        (
            "sample,a\u{0}\nreference,1\n",
            "/1",
            "control_character",
            "",
        ),
        (&wide, "", "too_many_columns", ""),
        (
            &format!("sample,a\nreference,{long}\n"),
            "/a",
            "too_long",
            "line 2",
        ),
        ("a,b\n1,2\n", "sampleColumn", "unknown_column", ""),
    ] {
        let found = fault(body, &options());
        let start: String = body.chars().take(30).collect();
        assert_eq!((found.0.as_str(), found.1), (field, code), "{start}");
        assert!(found.2.contains(place), "{start}: {}", found.2);
    }
}

#[test]
fn what_is_not_utf_8_is_refused_where_it_stands() {
    let found = fault(b"sample,a\nreference,x\ncurrent,\xff\n", &options());
    assert_eq!((found.0.as_str(), found.1), ("/a", "invalid_utf8"));
    assert!(found.2.contains("line 3"), "{}", found.2);
    assert_eq!(
        fault(b"sample,\xff\nreference,x\n", &options()).1,
        "invalid_utf8"
    );
    // A column that plays no part may hold anything.
    let named = TableOptions {
        columns: Some(vec!["a".to_owned()]),
        ..options()
    };
    assert!(read(b"sample,a,b\nreference,1,\xff\n", &named).is_ok());
}

#[test]
fn wrong_decisions_are_refused_with_line_and_column() {
    for (row, field, code) in [
        ("current,2,1,a", "/y", "not_binary"),
        ("current,,1,a", "/y", "not_binary"),
        ("current,1,0.7,a", "/p", "not_binary"),
        ("current,1,1,", "/g", "missing"),
    ] {
        let found = fault(format!("sample,y,p,g\n{row}\n"), &fairness());
        assert_eq!((found.0.as_str(), found.1), (field, code), "{row}");
        assert!(found.2.starts_with("line 2"), "{row}");
    }
}

#[test]
fn a_record_may_not_grow_without_end() {
    for body in [
        format!("sample,a\nreference,\"{}", "x\n".repeat(MAX_RECORD)),
        format!("sample,a\nreference{}", ",".repeat(2 * MAX_RECORD)),
        ",".repeat(2 * MAX_RECORD),
    ] {
        assert_eq!(fault(body, &options()).1, "record_too_long");
    }
}

#[test]
fn many_texts_and_many_groups_are_refused() {
    let mut texts = "sample,a\n".to_owned();
    let mut groups = "sample,y,p,g\n".to_owned();
    for i in 0..=MAX_CATEGORIES {
        writeln!(texts, "reference,t{i}").unwrap();
    }
    for i in 0..100_000 {
        writeln!(groups, "current,1,1,g{i}").unwrap();
    }
    assert_eq!(fault(texts, &options()).1, "too_many_categories");
    let found = fault(groups, &fairness());
    assert_eq!((found.1, found.0.as_str()), ("too_many_groups", "/g"));
}

#[test]
fn a_table_with_a_header_alone_has_no_rows() {
    let samples = read(b"sample,a\n", &options()).unwrap();
    assert_eq!((samples.columns.len(), samples.current_rows), (1, 0));
}
