//! The YAML of a front matter as JSON: the core schema of YAML 1.2, without what makes a small text
//! large or a value ambiguous. Aliases, merge keys, tags and a key that is there twice are refused.

use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

/// The deepest nesting; the front matter itself is at depth 1.
const DEEPEST: usize = 32;
/// The largest integer that JSON readers agree on: 2^53.
const LARGEST_INTEGER: i64 = 1 << 53;

/// What is wrong with a text, and on which of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    line: usize,
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Reads one document that is a mapping; an empty one is an empty mapping.
pub(super) fn read(text: &str) -> Result<Map<String, Value>, Fault> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => {
                let line = span.start.line();
                reader.take(event).map_err(|what| Fault { line, what })?;
            }
            Err(error) => {
                return Err(Fault {
                    line: error.marker().line(),
                    what: error.info().to_owned(),
                });
            }
        }
    }
    match reader.whole {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(Fault {
                line: 1,
                what: "must be a mapping of keys to values".to_owned(),
            })
        }
    }
}

enum Open {
    Mapping(Map<String, Value>, Option<String>),
    Sequence(Vec<Value>),
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    whole: Option<Value>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Alias(_) => return Err("aliases are not read".to_owned()),
            Event::DocumentStart(_) if self.whole.is_some() => {
                return Err("there must be one document".to_owned());
            }
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, None)?;
                return self.scalar(&text, style, tag.as_deref());
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.as_deref())?;
                self.enter(Open::Sequence(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.as_deref())?;
                self.enter(Open::Mapping(Map::new(), None))?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let closed = match self.open.pop() {
                    Some(Open::Mapping(members, _)) => Value::Object(members),
                    Some(Open::Sequence(items)) => Value::Array(items),
                    None => Value::Null,
                };
                return self.put(closed);
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn enter(&mut self, what: Open) -> Result<(), String> {
        if let Some(Open::Mapping(_, None)) = self.open.last() {
            return Err("a key must be a text".to_owned());
        }
        if self.open.len() >= DEEPEST {
            return Err(format!("must be nested at most {DEEPEST} levels deep"));
        }
        self.open.push(what);
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<(), String> {
        if let Some(Open::Mapping(members, pending @ None)) = self.open.last_mut() {
            if style == ScalarStyle::Plain && text == "<<" {
                return Err("merge keys are not read".to_owned());
            }
            if members.contains_key(text) {
                let shown: String = text.chars().take(100).collect();
                return Err(format!("the key `{shown}` is there twice"));
            }
            *pending = Some(text.to_owned());
            return Ok(());
        }
        let is_text = match tag {
            None => style != ScalarStyle::Plain,
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => true,
            Some(_) => return Err("tags are not read".to_owned()),
        };
        let value = if is_text {
            Value::String(text.to_owned())
        } else {
            resolve(text)?
        };
        self.put(value)
    }

    fn put(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut() {
            None => self.whole = Some(value),
            Some(Open::Sequence(items)) => items.push(value),
            Some(Open::Mapping(members, pending)) => {
                let key = pending.take().ok_or("a key must be a text")?;
                members.insert(key, value);
            }
        }
        Ok(())
    }
}

/// Whether a node is neither named for aliases nor tagged.
fn plain(anchor: usize, tag: Option<&Tag>) -> Result<(), String> {
    if anchor != 0 {
        return Err("anchors are not read".to_owned());
    }
    if tag.is_some() {
        return Err("tags are not read".to_owned());
    }
    Ok(())
}

/// A plain scalar as the core schema reads it. `no`, `on` and dates are texts.
fn resolve(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(text) => number(text)?,
        _ => Value::String(text.to_owned()),
    })
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts = |c: char| c.is_ascii_digit() || c == '.';
    digits.starts_with(starts)
        && digits.contains(|c: char| c.is_ascii_digit())
        && !digits.contains(|c: char| !(c.is_ascii_digit() || "eE.+-".contains(c)))
        && text.parse::<f64>().is_ok()
}

fn number(text: &str) -> Result<Value, String> {
    if text.contains(['.', 'e', 'E']) {
        let read = text.parse::<f64>().ok().and_then(Number::from_f64);
        return read
            .map(Value::Number)
            .ok_or_else(|| format!("{text} is no number that JSON can hold"));
    }
    let read = text.parse::<i64>().ok();
    let fits = read.filter(|n| (-LARGEST_INTEGER..=LARGEST_INTEGER).contains(n));
    fits.map(Value::from)
        .ok_or_else(|| format!("the integer {text} is beyond 2^53; quote it to keep it as a text"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_core_schema_and_nothing_more() {
        let text = "language: [no, en]\nlicense: 'apache-2.0'\ndate: 2026-03-13\nfloat: 1.0e+3\n\
                    int: -7\nnone: ~\nyes: on\nverdict: True\n1: one\nlong: |\n  a: b\n  c\n\
                    nested:\n- x: {y: [1, '2']}\nversion: 1.2.3\nhash: 0x10\nexp: 1e5\n";
        let read = read(text).unwrap();
        let expected = json!({
            "language": ["no", "en"], "license": "apache-2.0", "date": "2026-03-13", "float": 1000.0,
            "int": -7, "none": null, "yes": "on", "verdict": true, "1": "one", "long": "a: b\nc\n",
            "nested": [{"x": {"y": [1, "2"]}}], "version": "1.2.3", "hash": "0x10", "exp": 100_000.0
        });
        assert_eq!(Value::Object(read), expected);
    }

    #[test]
    fn what_is_ambiguous_or_grows_is_refused_with_its_line() {
        let deep = format!("a: {}", "[".repeat(5_000));
        let deep_block: String =
            (0..60).fold(String::new(), |text, n| text + &" ".repeat(n) + "a:\n");
        for (text, line, told) in [
            ("a: &x 1\nb: *x\n", 1, "anchors"),
            ("a: 1\nb: *x\n", 2, ""),
            ("a: 1\nb: 2\na: 3\n", 3, "twice"),
            ("a: {<<: {b: 1}}\n", 1, "merge"),
            ("a: !!binary aGk=\n", 1, "tags"),
            ("a: !thing {}\n", 1, "tags"),
            ("? [a]\n: b\n", 1, "text"),
            ("a: 9007199254740993\n", 1, "2^53"),
            ("a: 1e999\n", 1, "JSON"),
            ("- a\n", 1, "mapping"),
            ("a: [1\n", 0, ""),
            ("a: 1\n---\nb: 2\n", 2, "one document"),
            ("a: \"\\q\"\n", 1, ""),
            (&deep, 1, ""),
            (&deep_block, 0, "deep"),
        ] {
            let fault = read(text).unwrap_err();
            if line > 0 {
                assert_eq!(fault.line, line, "{text:.60}: {fault}");
            }
            assert!(fault.what.contains(told), "{text:.60}: {fault}");
        }
        assert!(read("").unwrap().is_empty());
        assert!(read("# nothing\n").unwrap().is_empty());
    }
}
