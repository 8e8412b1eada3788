//! An S3-compatible server over a folder, for tests alone: `s3_server FOLDER ADDRESS KEY_ID SECRET`.
//! Every folder in FOLDER is a bucket.

use std::io::Write as _;
use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// Serves until the process ends.
pub(crate) async fn serve(listener: TcpListener, folder: &Path, key_id: &str, secret: &str) {
    let files = s3s_fs::FileSystem::new(folder).expect("a folder of buckets");
    let mut builder = s3s::service::S3ServiceBuilder::new(files);
    builder.set_auth(s3s::auth::SimpleAuth::from_single(key_id, secret));
    let service = builder.build();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let service = service.clone();
        tokio::spawn(async move {
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| {
        arguments
            .next()
            .unwrap_or_else(|| panic!("{what} is missing"))
    };
    let (folder, address) = (next("FOLDER"), next("ADDRESS"));
    let (key_id, secret) = (next("KEY_ID"), next("SECRET"));
    let listener = TcpListener::bind(address).await.expect("an address");
    let address = listener.local_addr().expect("an address");
    println!("http://{address}");
    let _ = std::io::stdout().flush();
    serve(listener, Path::new(&folder), &key_id, &secret).await;
}
