//! One artifact to the server in chunks, and back.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use probity_kernel::text::hex;
use serde_json::{Value, json};

use super::content::Content;
use crate::Outcome;
use crate::call::Client;
use crate::child::Served;
use crate::number::float_len;
use crate::product::Home;

/// Where artifacts go.
pub(super) struct Upload<'a> {
    pub(super) home: &'a Home,
    pub(super) served: &'a Served,
    pub(super) product: &'a str,
    /// Bytes of a chunk, as the server is set.
    pub(super) chunk: u64,
}

/// What became of an upload.
pub(super) struct Uploaded {
    /// Where it is downloaded.
    pub(super) path: String,
    /// How long completion took of it.
    pub(super) completion: Duration,
}

/// Sends all chunks in order on one connection, and completes.
pub(super) fn upload(to: &Upload<'_>, content: &Content, digest: &str) -> Outcome<Uploaded> {
    let mut client = to.home.client(to.served)?;
    let base = format!("/api/v1.0/catalog/products/{}/model-artifacts", to.product);
    let session = client.post(
        &format!("{base}/uploads"),
        &json!({
            "file_name": "weights.bin",
            "content_type": "application/octet-stream",
            "total_size_bytes": content.size(),
            "sha256": digest,
        }),
    )?;
    let path = format!("{base}/uploads/{}", id(&session)?);
    for (index, chunk) in content.parts(usize::try_from(to.chunk)?).enumerate() {
        client.put(&format!("{path}/chunks/{index}"), chunk)?;
    }
    let started = Instant::now();
    let made = client.post(&format!("{path}/complete"), &json!({}))?;
    let completion = started.elapsed();
    Ok(Uploaded {
        path: format!("{base}/{}/download", id(&made)?),
        completion,
    })
}

fn id(thing: &Value) -> Outcome<&str> {
    let id = thing.get("id").and_then(Value::as_str);
    Ok(id.ok_or("an answer without an id")?)
}

/// The same bytes to the limit's server; answers the digest that came back.
pub(super) fn upload_to_limit(address: SocketAddr, content: &Content) -> Outcome<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&content.size().to_be_bytes())?;
    for part in content.parts(1 << 20) {
        stream.write_all(part)?;
    }
    let mut digest = [0; 32];
    stream.read_exact(&mut digest)?;
    Ok(hex(&digest))
}

/// Reads a file and counts its bytes.
pub(super) fn download(
    address: SocketAddr,
    key: Option<&str>,
    path: &str,
    content: &Content,
) -> Outcome<()> {
    let mut client = Client::connect(address, key)?;
    let mut bytes = 0.0;
    let status = client.stream_to("GET", path, b"", |part| bytes += float_len(part.len()))?;
    let whole = crate::number::float(content.size());
    if status == 200 && (bytes - whole).abs() < 0.5 {
        return Ok(());
    }
    Err(format!("{path} answered {status} with {bytes} of {whole} bytes").into())
}
