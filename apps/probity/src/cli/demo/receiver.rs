//! Somebody who receives the events of the demo: a listener of its own on the loopback, so that there is
//! real traffic to look at. One path takes what is sent to it, the other is always out of order.

use std::net::{SocketAddr, TcpListener};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};

/// Where events are taken.
pub(super) const TAKES: &str = "governance";
/// Where they are not.
pub(super) const FAILS: &str = "ticketing";

/// A listener that does not listen yet.
pub(super) struct Receiver {
    listener: TcpListener,
    address: SocketAddr,
}

impl Receiver {
    /// Takes a free port.
    pub(super) fn bind() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it is.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from now on, until it is stopped.
    pub(super) fn start(self) -> std::io::Result<ServerHandle> {
        let server = HttpServer::new(|| {
            let taken = || async { HttpResponse::NoContent().finish() };
            let failed = || async { HttpResponse::ServiceUnavailable().finish() };
            App::new()
                .route(&format!("/{TAKES}"), web::post().to(taken))
                .route(&format!("/{FAILS}"), web::post().to(failed))
        })
        .workers(1)
        .disable_signals()
        .listen(self.listener)?
        .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Ok(handle)
    }
}
