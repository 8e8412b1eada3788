//! A web server that hands files to the kernel, where one is installed.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::content::Content;
use crate::Outcome;
use crate::child::{Served, free_address};

/// Where the content is served.
pub(super) const PATH: &str = "/file.bin";

/// Runs until this is dropped.
pub(super) struct Nginx {
    address: SocketAddr,
    served: Option<Served>,
    _folder: tempfile::TempDir,
}

impl Drop for Nginx {
    /// Asks it to end: killed, it would leave its workers behind.
    fn drop(&mut self) {
        let ended = self.served.take().map(Served::end);
        if let Some(Err(error)) = ended {
            eprintln!("the web server was not ended: {error}");
        }
    }
}

impl Nginx {
    /// Serves the content as a file; nothing when there is no `nginx` to start.
    pub(super) fn start(content: &Content) -> Outcome<Option<Self>> {
        match Command::new("nginx").arg("-v").output() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            tried => tried?,
        };
        let folder = tempfile::tempdir()?;
        write(&folder.path().join("file.bin"), content)?;
        fs::write(folder.path().join("ready"), "ready\n")?;
        let address = free_address()?;
        fs::write(
            folder.path().join("nginx.conf"),
            settings(address, folder.path()),
        )?;
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(folder.path())
            .args(["-c", "nginx.conf"]);
        let (served, _) = Served::start(address, &mut command, "/ready")?;
        Ok(Some(Self {
            address,
            served: Some(served),
            _folder: folder,
        }))
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

fn write(path: &Path, content: &Content) -> Outcome<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for part in content.parts(1 << 20) {
        file.write_all(part)?;
    }
    file.into_inner()?.sync_all()?;
    Ok(())
}

fn settings(address: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log;
         events {{ worker_connections 64; }}
         http {{
           access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
           client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
           fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
           scgi_temp_path {folder}/scgi;
           server {{ listen {address}; root {folder}; }}
         }}"
    )
}
