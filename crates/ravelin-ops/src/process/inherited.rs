//! Listening sockets that the service manager opened and passed on (sd_listen_fds(3)). It keeps them while the gateway is
//! started anew, and clients that come meanwhile wait in the kernel's queue: a restart refuses nobody (docs/rules.md rule 14).

use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

/// Sockets that were passed, by their addresses.
#[derive(Debug, Default)]
pub struct Inherited(Vec<(SocketAddr, TcpListener)>);

impl Inherited {
    /// From the environment that systemd set, which is changed: to be called before any thread is started.
    ///
    /// # Errors
    /// One of them is no TCP socket that listens.
    pub fn from_env() -> io::Result<Inherited> {
        let mut passed = ListenFd::from_env();
        let mut inherited = Vec::new();
        for index in 0..passed.len() {
            if let Some(socket) = passed.take_tcp_listener(index)? {
                let address = socket.local_addr()?;
                if !socket_acceptconn(&socket)? {
                    return Err(io::Error::other(format!("the socket on {address} does not listen")));
                }
                inherited.push((address, socket));
            }
        }
        Ok(Inherited(inherited))
    }

    /// The socket on this address, if it was passed: another handle on it, so that a reload may close it and another one
    /// take it again.
    pub fn on(&self, address: SocketAddr) -> Option<io::Result<TcpListener>> {
        self.0.iter().find(|(one, _)| *one == address).map(|(_, socket)| socket.try_clone())
    }

    /// Where the sockets are.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.0.iter().map(|(address, _)| *address)
    }
}
