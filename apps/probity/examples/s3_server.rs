//! An S3-compatible server over a folder, for tests alone: `s3_server FOLDER ADDRESS KEY_ID SECRET`.
//! Every folder in FOLDER is a bucket.

use std::io::Write as _;
use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Serves until the process ends.
pub(crate) async fn serve(
    listener: TcpListener,
    folder: &Path,
    key_id: &str,
    secret: &str,
) -> Result<(), Fault> {
    let files = s3s_fs::FileSystem::new(folder).map_err(|error| format!("{error:?}"))?;
    let mut builder = s3s::service::S3ServiceBuilder::new(files);
    builder.set_auth(s3s::auth::SimpleAuth::from_single(key_id, secret));
    let service = builder.build();
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, address, key_id, secret] = arguments.as_slice() else {
        return Err("s3_server FOLDER ADDRESS KEY_ID SECRET".into());
    };
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    serve(listener, Path::new(folder), key_id, secret).await
}
