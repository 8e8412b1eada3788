//! Servers as processes of their own, so that their CPU and memory are told apart from ours.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::call::Client;

/// A server that runs until this is dropped.
pub(crate) struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    /// Starts a command that serves on the address given to it, and waits until `path` answers 200.
    pub(crate) fn start(
        address: SocketAddr,
        command: &mut Command,
        path: &str,
    ) -> Outcome<(Self, Duration)> {
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut served = Self { child, address };
        loop {
            if answers(address, path) {
                return Ok((served, started.elapsed()));
            }
            if let Some(status) = served.child.try_wait()? {
                return Err(format!("the server ended at once: {status}").into());
            }
            if started.elapsed() > Duration::from_secs(30) {
                return Err("the server did not answer within 30 s".into());
            }
            sleep(Duration::from_micros(200));
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks the server to end and waits for it.
    pub(crate) fn end(mut self) -> Outcome<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answers(address: SocketAddr, path: &str) -> bool {
    // Refused connections end at once; `Client` would hide whether it was that.
    if TcpStream::connect(address).is_err() {
        return false;
    }
    Client::connect(address, None)
        .and_then(|mut client| client.send("GET", path, b""))
        .is_ok_and(|answer| answer.status == 200)
}

/// An address on loopback that nothing listens on now.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
