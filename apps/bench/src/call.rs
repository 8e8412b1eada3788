//! Single calls for setting up and for reading large answers, on one keep-alive connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::Outcome;

/// Bodies up to this size are sent together with the head.
const COPIED: usize = 64 << 10;

/// A client with one connection and, where one is needed, a credential.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    key: Option<String>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Connects.
    pub(crate) fn connect(address: SocketAddr, key: Option<&str>) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(10)))?;
        Ok(Self {
            stream: BufReader::with_capacity(256 << 10, stream),
            key: key.map(str::to_owned),
        })
    }

    /// Sends JSON and reads JSON; any status but 2xx is an error.
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Outcome<Value> {
        let answer = self.send("POST", path, &serde_json::to_vec(body)?)?;
        read_json(path, &answer)
    }

    /// Sends bytes; any status but 2xx is an error.
    pub(crate) fn put(&mut self, path: &str, body: &[u8]) -> Outcome<()> {
        let answer = self.send("PUT", path, body)?;
        read_json(path, &answer).map(drop)
    }

    /// Reads JSON; any status but 2xx is an error.
    pub(crate) fn get(&mut self, path: &str) -> Outcome<Value> {
        let answer = self.send("GET", path, b"")?;
        read_json(path, &answer)
    }

    /// Sends a request and reads the whole answer.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Outcome<Answer> {
        let mut collected = Vec::new();
        let status = self.stream_to(method, path, body, |chunk| {
            collected.extend_from_slice(chunk);
        })?;
        Ok(Answer {
            status,
            body: collected,
        })
    }

    /// Sends a request and hands on the answer piece by piece; answers its status.
    pub(crate) fn stream_to(
        &mut self,
        method: &str,
        path: &str,
        body: &[u8],
        mut take: impl FnMut(&[u8]),
    ) -> Outcome<u16> {
        let mut request = Vec::with_capacity(512 + body.len().min(COPIED));
        write!(request, "{method} {path} HTTP/1.1\r\nhost: localhost\r\n")?;
        if let Some(key) = &self.key {
            write!(request, "authorization: Bearer {key}\r\n")?;
        }
        if method != "GET" {
            let (length, kind) = (body.len(), content_type(method));
            write!(
                request,
                "content-type: {kind}\r\ncontent-length: {length}\r\n"
            )?;
        }
        request.extend_from_slice(b"\r\n");
        // A small body goes in the head's segment, a large one is not copied.
        if body.len() <= COPIED {
            request.extend_from_slice(body);
            self.stream.get_mut().write_all(&request)?;
        } else {
            self.stream.get_mut().write_all(&request)?;
            self.stream.get_mut().write_all(body)?;
        }
        let (status, length) = self.head()?;
        match length {
            Some(length) => self.exactly(length, &mut take)?,
            None => self.chunks(&mut take)?,
        }
        Ok(status)
    }

    /// The status, and the length of the body unless it comes in chunks.
    fn head(&mut self) -> Outcome<(u16, Option<usize>)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.get(9..12).and_then(|digits| digits.parse().ok());
        let status = status.ok_or_else(|| format!("not an answer: {line:?}"))?;
        let mut length = Some(0);
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err("the answer broke off".into());
            }
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                return Ok((status, length));
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = Some(value.trim().parse()?);
            } else if header.starts_with("transfer-encoding:") {
                length = None;
            }
        }
    }

    fn exactly(&mut self, mut length: usize, take: &mut impl FnMut(&[u8])) -> Outcome<()> {
        let mut buffer = vec![0; (256 << 10).min(length)];
        while length > 0 {
            let room = buffer.len().min(length);
            let part = buffer.get_mut(..room).unwrap_or_default();
            self.stream.read_exact(part)?;
            take(part);
            length -= room;
        }
        Ok(())
    }

    fn chunks(&mut self, take: &mut impl FnMut(&[u8])) -> Outcome<()> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16)?;
            self.exactly(length, take)?;
            line.clear();
            self.stream.read_line(&mut line)?;
            if length == 0 {
                return Ok(());
            }
        }
    }
}

/// What is put are bytes, what is posted is JSON.
fn content_type(method: &str) -> &'static str {
    if method == "PUT" {
        "application/octet-stream"
    } else {
        "application/json"
    }
}

fn read_json(path: &str, answer: &Answer) -> Outcome<Value> {
    if !(200..300).contains(&answer.status) {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        return Err(format!("{path} answered {}: {text}", answer.status).into());
    }
    Ok(serde_json::from_slice(&answer.body)?)
}
