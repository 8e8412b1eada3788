//! A receiver that judges requests as they come, and can take one without answering it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Got {
    pub(super) method: String,
    pub(super) path: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What comes back.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Answer(u16, String),
    /// The request was taken and the connection broke.
    Lost,
}

impl Reply {
    pub(super) fn text(status: u16, text: &str) -> Self {
        Self::Answer(status, text.to_owned())
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is made where it is sent")]
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self::Answer(status, body.to_string())
    }
}

/// The receiver. A fault in a request is kept until somebody asks.
pub(super) struct Receiver {
    address: std::net::SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    count: usize,
    faults: Vec<String>,
}

type Judge = Box<dyn FnMut(&Got, usize) -> Reply + Send>;

impl Receiver {
    /// A receiver that answers what `judge` says to the n-th request.
    pub(super) async fn start(judge: impl FnMut(&Got, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let judge: Arc<Mutex<Judge>> = Arc::new(Mutex::new(Box::new(judge)));
        let keeper = kept.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, judge.clone(), keeper.clone()));
            }
        });
        Self { address, kept }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn count(&self) -> usize {
        self.kept.lock().unwrap().count
    }

    /// Nothing that came was at fault.
    #[track_caller]
    pub(super) fn fine(&self) {
        let faults = &self.kept.lock().unwrap().faults;
        assert!(faults.is_empty(), "{faults:?}");
    }
}

/// One request of a connection, which is then closed.
async fn serve(mut stream: TcpStream, judge: Arc<Mutex<Judge>>, kept: Arc<Mutex<Kept>>) {
    let Some(got) = read(&mut stream).await else {
        return;
    };
    let reply = {
        let mut kept = kept.lock().unwrap();
        let number = kept.count;
        kept.count += 1;
        let mut judge = judge
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let judged = catch_unwind(AssertUnwindSafe(|| judge(&got, number)));
        judged.unwrap_or_else(|fault| {
            let text = fault.downcast_ref::<String>().cloned();
            let text = text.or_else(|| fault.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let body = String::from_utf8_lossy(&got.body).into_owned();
            let told = format!("{} {}: {text:?} in {body}", got.method, got.path);
            kept.faults.push(told);
            Reply::text(418, "")
        })
    };
    if let Reply::Answer(status, body) = reply {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Got> {
    let mut bytes = Vec::new();
    loop {
        if let Some(got) = whole(&bytes) {
            return Some(got);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn whole(bytes: &[u8]) -> Option<Got> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let body = bytes.get(end + 4..end + 4 + length)?.to_vec();
    Some(Got {
        method,
        path,
        headers,
        body,
    })
}
