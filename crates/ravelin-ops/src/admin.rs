//! How a gateway is looked at (HTTP, read-only) and told what to do (a Unix socket). Each has a thread of its own that
//! no session shares, and each bounds what its own clients may cost.

pub mod control;
pub mod http;
mod page;
mod worker;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use crate::metrics::Metrics;
use crate::operator::Operator;
use control::ControlSocket;
use http::{GatewayPages, Pages};
pub use page::plain;
use ravelin_config::AdminConfig;
use worker::Worker;

/// Both interfaces, until it is dropped or shut down.
pub struct AdminHandle {
    listen: Option<SocketAddr>,
    http: Option<Worker>,
    control: Option<(Worker, ControlSocket)>,
}

/// Opens what the configuration names and serves it.
///
/// # Errors
/// An address or the socket cannot be opened; the text says which and what to do.
pub fn serve(config: &AdminConfig, operator: Arc<dyn Operator>, metrics: Arc<Metrics>) -> io::Result<AdminHandle> {
    let mut handle = AdminHandle { listen: None, http: None, control: None };
    if let Some(address) = config.listen {
        let listener = TcpListener::bind(address).map_err(|error| named(&error, &format!("admin.listen {address}")))?;
        handle.listen = Some(listener.local_addr()?);
        let pages = Arc::new(GatewayPages { operator: Arc::clone(&operator), metrics });
        handle.http = Some(Worker::start("admin", move |stop| http::serve(listener, pages, stop))?);
    }
    if let Some(path) = &config.control {
        let socket =
            ControlSocket::bind(path).map_err(|error| named(&error, &format!("admin.control {}", path.display())))?;
        let listener = socket.listener()?;
        handle.control =
            Some((Worker::start("control", move |stop| control::serve(listener, operator, stop))?, socket));
    }
    Ok(handle)
}

/// Opens an address, named `key` in the configuration, and serves pages there.
///
/// # Errors
/// It cannot be opened; the text says which and what to do.
pub fn serve_pages(key: &str, address: SocketAddr, pages: Arc<impl Pages>) -> io::Result<AdminHandle> {
    let listener = TcpListener::bind(address).map_err(|error| named(&error, &format!("{key} {address}")))?;
    let listen = Some(listener.local_addr()?);
    let http = Some(Worker::start("admin", move |stop| http::serve(listener, pages, stop))?);
    Ok(AdminHandle { listen, http, control: None })
}

impl AdminHandle {
    /// The HTTP address as bound: port 0 resolved.
    pub fn listen(&self) -> Option<SocketAddr> {
        self.listen
    }

    /// The control socket.
    pub fn control(&self) -> Option<&Path> {
        self.control.as_ref().map(|(_, socket)| socket.path())
    }

    /// Stops serving, lets answers under way go out for a moment, and removes the socket.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for AdminHandle {
    fn drop(&mut self) {
        // Both at once: the end of the process waits for the slower one, not for the sum.
        let workers = self.http.iter_mut().chain(self.control.iter_mut().map(|(worker, _)| worker));
        workers.for_each(Worker::stop);
    }
}

fn named(error: &io::Error, what: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

#[cfg(test)]
mod tests;
