use std::sync::Arc as Shared;

use parquet::basic::{Compression, Encoding};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::reader::ChunkReader as _;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;
use crate::families::guardian::sample::{ColumnData, Missing, Samples};

/// Cells of one column; `None` is null.
enum Cells {
    Bools(Vec<bool>),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    Doubles(Vec<Option<f64>>),
    Texts(Vec<&'static [u8]>),
}

fn texts(cells: &[&'static str]) -> Cells {
    Cells::Texts(cells.iter().map(|cell| cell.as_bytes()).collect())
}

fn write(schema: &str, columns: &[Cells], properties: WriterPropertiesBuilder) -> Bytes {
    let schema = parse_message_type(&format!("message m {{ {schema} }}")).unwrap();
    let mut file = Vec::new();
    let properties = Shared::new(properties.build());
    let mut writer = SerializedFileWriter::new(&mut file, Shared::new(schema), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for cells in columns {
        let mut column = group.next_column().unwrap().unwrap();
        match (column.untyped(), cells) {
            (ColumnWriter::BoolColumnWriter(to), Cells::Bools(cells)) => {
                to.write_batch(cells, None, None).unwrap();
            }
            (ColumnWriter::Int32ColumnWriter(to), Cells::Ints(cells)) => {
                to.write_batch(cells, None, None).unwrap();
            }
            (ColumnWriter::Int64ColumnWriter(to), Cells::Longs(cells)) => {
                to.write_batch(cells, None, None).unwrap();
            }
            (ColumnWriter::FloatColumnWriter(to), Cells::Floats(cells)) => {
                to.write_batch(cells, None, None).unwrap();
            }
            (ColumnWriter::DoubleColumnWriter(to), Cells::Doubles(cells)) => {
                let levels: Vec<i16> = cells.iter().map(|cell| cell.is_some().into()).collect();
                let values: Vec<f64> = cells.iter().flatten().copied().collect();
                to.write_batch(&values, Some(&levels), None).unwrap();
            }
            (ColumnWriter::ByteArrayColumnWriter(to), Cells::Texts(cells)) => {
                let cells: Vec<ByteArray> =
                    cells.iter().map(|cell| ByteArray::from(*cell)).collect();
                to.write_batch(&cells, None, None).unwrap();
            }
            _ => panic!("the cells do not fit the schema"),
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    file.into()
}

fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
}

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

const SCHEMA: &str = "required binary sample (UTF8); required int32 i; required int64 l; \
                      required float f; optional double d; required boolean b; \
                      required binary t (UTF8);";

fn table(properties: WriterPropertiesBuilder) -> Bytes {
    let columns = [
        texts(&["reference", "current", "current"]),
        Cells::Ints(vec![1, -2, 3]),
        Cells::Longs(vec![1 << 40, 5, 6]),
        Cells::Floats(vec![0.5, 1.5, -2.5]),
        Cells::Doubles(vec![Some(0.1), Some(0.2), Some(0.3)]),
        Cells::Bools(vec![true, false, true]),
        texts(&["x", "y", "x"]),
    ];
    write(SCHEMA, &columns, properties)
}

fn numbers(samples: &Samples, name: &str) -> (Vec<f64>, Vec<f64>) {
    let mut columns = samples.columns.iter();
    let column = columns.find(|column| column.name == name).unwrap();
    let ColumnData::Numbers(numbers) = &column.data else {
        panic!("{name} holds numbers")
    };
    (numbers.reference.clone(), numbers.current.clone())
}

fn current_texts(samples: &Samples, name: &str) -> Vec<(String, u64)> {
    let mut columns = samples.columns.iter();
    let column = columns.find(|column| column.name == name).unwrap();
    let ColumnData::Categories(texts) = &column.data else {
        panic!("{name} holds texts")
    };
    let counts = texts.current.iter();
    counts.map(|(text, rows)| (text.to_owned(), rows)).collect()
}

fn fault(body: Bytes, options: &TableOptions) -> (String, &'static str) {
    let mut faults = read(body, options).unwrap_err();
    let fault = faults.remove(0);
    (fault.field, fault.code)
}

#[test]
fn flat_columns_of_all_types_are_read_in_any_encoding() {
    let zstd = Compression::ZSTD(parquet::basic::ZstdLevel::default());
    for properties in [
        properties(),
        properties().set_compression(Compression::SNAPPY),
        properties().set_compression(zstd),
        properties().set_dictionary_enabled(false),
        properties().set_writer_version(parquet::file::properties::WriterVersion::PARQUET_2_0),
        properties()
            .set_data_page_row_count_limit(1)
            .set_write_batch_size(1),
    ] {
        // The second version of the format picks an encoding of texts that is not read here.
        let plain = Encoding::PLAIN;
        let properties = properties
            .set_column_encoding("t".into(), plain)
            .set_column_encoding("sample".into(), plain);
        let samples = read(table(properties), &options()).unwrap();
        assert_eq!((samples.columns.len(), samples.current_rows), (6, 2));
        assert_eq!(numbers(&samples, "i"), (vec![1.0], vec![-2.0, 3.0]));
        assert_eq!(
            numbers(&samples, "l"),
            (vec![1_099_511_627_776.0], vec![5.0, 6.0])
        );
        assert_eq!(numbers(&samples, "f"), (vec![0.5], vec![1.5, -2.5]));
        assert_eq!(numbers(&samples, "d"), (vec![0.1], vec![0.2, 0.3]));
        let both = [("false".to_owned(), 1), ("true".to_owned(), 1)];
        assert_eq!(current_texts(&samples, "b"), both);
        let both = [("x".to_owned(), 1), ("y".to_owned(), 1)];
        assert_eq!(current_texts(&samples, "t"), both);
    }
}

#[test]
fn whole_numbers_may_be_unsigned_decimals_or_texts() {
    let schema = "required binary sample (UTF8); required int32 u (INTEGER(32,false)); \
                  required int64 d (DECIMAL(10,2)); required int64 id; required int32 day (DATE);";
    let columns = [
        texts(&["reference", "current"]),
        Cells::Ints(vec![-1, 1]),
        Cells::Longs(vec![12_345, -50]),
        Cells::Longs(vec![9_007_199_254_740_993, 7]),
        Cells::Ints(vec![1, 2]),
    ];
    let body = write(schema, &columns, properties());
    let as_text = TableOptions {
        categorical: vec!["id".to_owned()],
        ..options()
    };
    let samples = read(body.clone(), &as_text).unwrap();
    assert_eq!(numbers(&samples, "u"), (vec![4_294_967_295.0], vec![1.0]));
    assert_eq!(numbers(&samples, "d"), (vec![123.45], vec![-0.5]));
    assert_eq!(current_texts(&samples, "id"), [("7".to_owned(), 1)]);
    assert_eq!(samples.columns.len(), 3, "dates are not compared unasked");
    let asked = TableOptions {
        columns: Some(vec!["day".to_owned()]),
        ..options()
    };
    assert_eq!(fault(body, &asked), ("/day".to_owned(), "unsupported_type"));
}

#[test]
fn nested_columns_are_refused_by_name_unless_left_out() {
    let schema = "required binary sample (UTF8); required group inner { required int32 x; } \
                  repeated int32 list; required int32 a;";
    let schema = parse_message_type(&format!("message m {{ {schema} }}")).unwrap();
    let mut file = Vec::new();
    let writer = SerializedFileWriter::new(
        &mut file,
        Shared::new(schema),
        Shared::new(properties().build()),
    );
    writer.unwrap().close().unwrap();
    let body = Bytes::from(file);
    assert_eq!(fault(body.clone(), &options()).0, "/inner");
    assert_eq!(fault(body.clone(), &options()).1, "nested_column");
    let asked = |name: &str| TableOptions {
        columns: Some(vec![name.to_owned()]),
        ..options()
    };
    assert_eq!(fault(body.clone(), &asked("list")).1, "nested_column");
    assert_eq!(read(body, &asked("a")).unwrap().current_rows, 0);
}

#[test]
fn nulls_are_refused_or_skipped_as_asked() {
    let columns = [
        texts(&["reference", "current"]),
        Cells::Doubles(vec![None, Some(2.0)]),
    ];
    let schema = "required binary sample (UTF8); optional double d;";
    let body = write(schema, &columns, properties());
    assert_eq!(
        fault(body.clone(), &options()),
        ("/d".to_owned(), "missing")
    );
    let skip = TableOptions {
        missing: Missing::Skip,
        ..options()
    };
    assert_eq!(
        numbers(&read(body, &skip).unwrap(), "d"),
        (vec![], vec![2.0])
    );
}

#[test]
fn cells_that_cannot_be_used_are_refused_with_their_column() {
    let with = |name: &str, cells: Cells| {
        let kind = if matches!(cells, Cells::Texts(_)) {
            "binary"
        } else {
            "double"
        };
        let optional = if kind == "double" {
            "optional"
        } else {
            "required"
        };
        let schema = format!("required binary sample (UTF8); {optional} {kind} {name};");
        let columns = [texts(&["current"]), cells];
        write(&schema, &columns, properties())
    };
    for (cells, code) in [
        (Cells::Texts(vec![b"\xff"]), "invalid_utf8"),
        (Cells::Doubles(vec![Some(f64::NAN)]), "not_finite"),
        (Cells::Doubles(vec![Some(f64::INFINITY)]), "not_finite"),
        (Cells::Texts(vec![&[b'x'; 300]]), "too_long"),
    ] {
        assert_eq!(fault(with("a", cells), &options()), ("/a".to_owned(), code));
    }
    let wrong_side = write(
        "required binary sample (UTF8);",
        &[texts(&["test"])],
        properties(),
    );
    assert_eq!(fault(wrong_side, &options()).0, "/sample");
}

#[test]
fn the_decisions_of_current_rows_are_read() {
    let schema = "required binary sample (UTF8); required boolean p; required int32 y; \
                  required int64 g;";
    let columns = [
        texts(&["reference", "current", "current"]),
        Cells::Bools(vec![true, true, false]),
        Cells::Ints(vec![7, 1, 1]),
        Cells::Longs(vec![1, 2, 3]),
    ];
    let body = write(schema, &columns, properties());
    let fairness = TableOptions {
        label: Some("y".to_owned()),
        prediction: Some("p".to_owned()),
        group: Some("g".to_owned()),
        ..options()
    };
    let decisions = read(body, &fairness).unwrap().decisions.unwrap();
    assert_eq!(decisions.cells.group("2").unwrap().true_positives, 1);
    assert_eq!(decisions.cells.group("3").unwrap().false_negatives, 1);
    assert_eq!(decisions.cells.rows(), 2);
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let whole = table(properties().set_compression(Compression::SNAPPY));
    for length in 0..whole.len() {
        assert!(read(whole.slice(..length), &options()).is_err(), "{length}");
    }
}

#[test]
fn a_file_with_any_byte_changed_is_read_or_refused() {
    let whole = table(properties().set_compression(Compression::SNAPPY));
    for at in 0..whole.len() {
        for change in [0x01, 0x7f, 0xff] {
            let mut broken = whole.to_vec();
            broken[at] ^= change;
            // Either is right; that it comes back at all is what counts.
            let _ = read(broken.into(), &options());
        }
    }
}

#[test]
fn more_rows_than_cells_are_allowed_are_refused_before_they_are_read() {
    let plan = Plan {
        sample: 0,
        features: Vec::new(),
        decision: None,
    };
    assert!(check_cells(20_000_000, &plan).is_ok());
    assert_eq!(
        check_cells(20_000_001, &plan).unwrap_err().code,
        "too_many_cells"
    );
    assert!(check_cells(u64::MAX, &plan).is_err());
}

/// A page header that announces so many unpacked bytes, 4 packed bytes, and those.
fn page(unpacked: u64) -> Vec<u8> {
    let mut header = vec![0x15, 0, 0x15];
    let mut rest = unpacked * 2;
    while rest >= 0x80 {
        header.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    header.push(u8::try_from(rest).unwrap());
    header.extend([0x15, 8, 0, 1, 2, 3, 4]);
    header
}

#[test]
fn a_page_may_not_unpack_to_more_than_it_may_hold() {
    for (unpacked, fine) in [(1 << 20, true), (64 << 20, true), ((64 << 20) + 1, false)] {
        let bytes = page(unpacked);
        let start = super::super::count(bytes.len() - 4);
        let guarded = Guarded::new(bytes.into());
        guarded.get_read(0).unwrap();
        assert_eq!(guarded.get_bytes(start, 4).is_ok(), fine, "{unpacked}");
        guarded.get_read(0).unwrap();
        assert!(guarded.get_bytes(start, 5).is_err(), "past the end");
        assert!(
            guarded.get_bytes(start - 1, 4).is_err(),
            "not behind the header"
        );
    }
}

#[test]
fn all_pages_together_may_not_unpack_to_more_than_they_may_hold() {
    let bytes = page(64 << 20);
    let start = super::super::count(bytes.len() - 4);
    let guarded = Guarded::new(bytes.into());
    for _ in 0..8 {
        guarded.get_read(0).unwrap();
        guarded.get_bytes(start, 4).unwrap();
    }
    assert!(guarded.get_bytes(start, 4).is_err());
}
