//! Requests of the load: the same figures go to the server and to every reference.

use std::fmt::Write as _;

/// Of so many snapshots in a hundred the figures are bad, half of them AMBER and half RED.
pub(crate) const BAD_PERCENT: u64 = 5;

/// Which headers a request carries beyond what HTTP demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers<'a> {
    /// None.
    Bare,
    /// The credential.
    Key(&'a str),
    /// The credential, and an `Idempotency-Key` of its own for each request.
    KeyAndIdempotency(&'a str),
}

/// Makes single snapshots, spread evenly over the models.
pub(crate) struct Snapshots<'a> {
    models: &'a [String],
    headers: Headers<'a>,
    batch: u64,
    number: u64,
    body: String,
    run: String,
}

impl<'a> Snapshots<'a> {
    /// Requests of one snapshot, or of `batch` of them; `run` tells the keys of runs apart.
    pub(crate) fn new(
        models: &'a [String],
        headers: Headers<'a>,
        batch: u64,
        run: impl Into<String>,
    ) -> Self {
        Self {
            models,
            headers,
            batch,
            number: 0,
            body: String::with_capacity(16 << 10),
            run: run.into(),
        }
    }

    /// Writes the next request.
    pub(crate) fn next(&mut self, into: &mut Vec<u8>) {
        self.body.clear();
        if self.batch == 1 {
            self.snapshot();
        } else {
            self.body.push_str(r#"{"snapshots":["#);
            for index in 0..self.batch {
                if index > 0 {
                    self.body.push(',');
                }
                self.snapshot();
            }
            self.body.push_str("]}");
        }
        let path = if self.batch == 1 {
            "/api/v1/metrics"
        } else {
            "/api/v1/metrics/batch"
        };
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n",
            self.body.len()
        );
        if let Headers::Key(key) | Headers::KeyAndIdempotency(key) = self.headers {
            add(&mut head, format_args!("authorization: Bearer {key}\r\n"));
        }
        if matches!(self.headers, Headers::KeyAndIdempotency(_)) {
            let (run, number) = (&self.run, self.number);
            add(
                &mut head,
                format_args!("idempotency-key: {run}-{number:x}\r\n"),
            );
        }
        into.extend_from_slice(head.as_bytes());
        into.extend_from_slice(b"\r\n");
        into.extend_from_slice(self.body.as_bytes());
    }

    fn snapshot(&mut self) {
        let number = self.number;
        self.number += 1;
        let (drift, fairness) = figures(number);
        let count = u64::try_from(self.models.len()).unwrap_or(1).max(1);
        let index = usize::try_from(number % count).unwrap_or_default();
        let model = self.models.get(index).map_or("", String::as_str);
        add(
            &mut self.body,
            format_args!(
                r#"{{"modelId":"{model}","driftScore":{drift},"fairnessScore":{fairness},"psi":0.05,"disparateImpact":0.95,"sampleSize":5000,"notes":"Weekly scheduled run"}}"#
            ),
        );
    }
}

fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a String never fails.
    let _ = text.write_fmt(more);
}

/// Drift and fairness of a snapshot: bad ones are strewn over the models by a multiplicative hash.
fn figures(number: u64) -> (f64, f64) {
    let strewn = (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) % 200;
    if strewn < BAD_PERCENT {
        (60.5, 92.1)
    } else if strewn < 2 * BAD_PERCENT {
        (15.2, 75.5)
    } else {
        (15.2, 92.1)
    }
}

/// A request without a body.
pub(crate) fn get(path: &str, key: Option<&str>) -> Vec<u8> {
    let mut text = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n");
    if let Some(key) = key {
        add(&mut text, format_args!("authorization: Bearer {key}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A request with a JSON body.
pub(crate) fn post(path: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nauthorization: Bearer {key}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{BAD_PERCENT, Headers, Snapshots, figures};

    #[test]
    fn the_share_of_bad_figures_is_as_stated() {
        let bad = (0..100_000)
            .filter(|number| figures(*number) != (15.2, 92.1))
            .count();
        let expected = usize::try_from(BAD_PERCENT).unwrap() * 1000;
        assert!(bad.abs_diff(expected) < expected / 20, "{bad}");
    }

    #[test]
    fn a_batch_holds_as_many_snapshots_as_asked_for() {
        let models = ["a".to_owned(), "b".to_owned()];
        let mut maker = Snapshots::new(&models, Headers::KeyAndIdempotency("k"), 100, "run");
        let mut bytes = Vec::new();
        maker.next(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())));
        assert!(head.contains("idempotency-key: run-64"));
        let parsed: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(parsed["snapshots"].as_array().unwrap().len(), 100);
    }
}
