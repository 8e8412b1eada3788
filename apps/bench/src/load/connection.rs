//! One keep-alive connection and the request under way on it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::{Maker, Parsed, parse};
use crate::Outcome;
use crate::number::nanos;

/// How far a connection came.
pub(super) enum Progress {
    /// The answer is not complete.
    Waiting,
    /// An answer came and the next request is on its way.
    Answered { status: u16, took: u32 },
}

pub(super) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    request: Vec<u8>,
    written: usize,
    answer: Vec<u8>,
    filled: usize,
    body: (usize, usize),
    sent_at: Option<Instant>,
}

impl Connection {
    /// Connects; the first request is sent when the connection stands.
    pub(super) fn open(address: SocketAddr, token: Token, registry: &Registry) -> Outcome<Self> {
        let mut stream = TcpStream::connect(address)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut stream, token, interest)?;
        Ok(Self {
            address,
            stream,
            request: Vec::with_capacity(1024),
            written: 0,
            answer: vec![0; 16 << 10],
            filled: 0,
            body: (0, 0),
            sent_at: None,
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The start of the last answer's body.
    pub(super) fn last_body(&self) -> String {
        let (start, end) = self.body;
        let bytes = self.answer.get(start..end.min(start + 300));
        String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
    }

    /// Goes on where the connection stands.
    pub(super) fn advance(&mut self, make: &mut Maker<'_>) -> Outcome<Progress> {
        let Some(sent_at) = self.sent_at else {
            if let Some(error) = self.stream.take_error()? {
                return Err(error.into());
            }
            if self.stream.peer_addr().is_err() {
                return Ok(Progress::Waiting);
            }
            self.stream.set_nodelay(true)?;
            self.send(make)?;
            return Ok(Progress::Waiting);
        };
        self.flush()?;
        loop {
            let room = self.answer.get_mut(self.filled..).unwrap_or_default();
            match self.stream.read(room) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Progress::Waiting);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            match parse(self.answer.get(..self.filled).unwrap_or_default()) {
                Parsed::Whole { status, body, end } => {
                    self.body = (body, end);
                    let took = nanos(sent_at.elapsed());
                    self.send(make)?;
                    return Ok(Progress::Answered { status, took });
                }
                Parsed::Partial => {
                    if self.filled == self.answer.len() {
                        self.answer.resize(self.filled * 2, 0);
                    }
                }
                Parsed::Chunked { .. } | Parsed::Broken => {
                    return Err("an answer without a length".into());
                }
            }
        }
    }

    fn send(&mut self, make: &mut Maker<'_>) -> Outcome<()> {
        self.request.clear();
        make(&mut self.request);
        self.written = 0;
        self.filled = 0;
        self.sent_at = Some(Instant::now());
        self.flush()
    }

    fn flush(&mut self) -> Outcome<()> {
        while let Some(rest) = self.request.get(self.written..)
            && !rest.is_empty()
        {
            match self.stream.write(rest) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
