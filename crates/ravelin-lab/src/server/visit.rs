//! What a stand-in saw of each connection.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::end::End;

/// One connection as the server saw it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Visit {
    /// Where it came from.
    pub peer: SocketAddr,
    /// SNI, where the client sent one.
    pub server_name: Option<String>,
    /// The client's certificates, DER, where it sent some.
    pub client_chain: Vec<Vec<u8>>,
    /// Bytes up to and with the first empty line, or all that came instead.
    pub head: Vec<u8>,
    /// A 200 went out: it is, or was, a tunnel.
    pub accepted: bool,
    /// Bytes of the tunnel from the client.
    pub received: u64,
    /// SHA-256 of them, when the client's direction has ended ([`super::Body::Bulk`] only).
    pub received_sha256: Option<String>,
    /// Bytes of the tunnel to the client.
    pub sent: u64,
    /// SHA-256 of them, when all are sent ([`super::Body::Bulk`] only).
    pub sent_sha256: Option<String>,
    /// Whole IPv6 packets from the client ([`super::Body::DirectAccess`] only).
    pub packets: u64,
    /// How the client's direction ended; `None`: it has not. When the server ended it first: how the server did.
    pub end: Option<End>,
}

/// All of them, with news for those who wait.
#[derive(Debug)]
pub(super) struct Visits {
    all: Mutex<Vec<Visit>>,
    news: watch::Sender<()>,
}

impl Default for Visits {
    fn default() -> Self {
        Visits { all: Mutex::default(), news: watch::Sender::new(()) }
    }
}

impl Visits {
    /// Notes a new connection; its number.
    pub(super) fn begin(&self, peer: SocketAddr) -> usize {
        let mut all = self.lock();
        all.push(Visit {
            peer,
            server_name: None,
            client_chain: Vec::new(),
            head: Vec::new(),
            accepted: false,
            received: 0,
            received_sha256: None,
            sent: 0,
            sent_sha256: None,
            packets: 0,
            end: None,
        });
        let number = all.len() - 1;
        drop(all);
        self.news.send_replace(());
        number
    }

    pub(super) fn change(&self, number: usize, change: impl FnOnce(&mut Visit)) {
        if let Some(visit) = self.lock().get_mut(number) {
            change(visit);
        }
        self.news.send_replace(());
    }

    pub(super) fn all(&self) -> Vec<Visit> {
        self.lock().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) async fn wait_until(&self, condition: impl Fn(&[Visit]) -> bool) -> Vec<Visit> {
        let mut news = self.news.subscribe();
        loop {
            news.mark_unchanged();
            if condition(&self.lock()) {
                return self.all();
            }
            // The sender lives as long as `self`.
            let _ = news.changed().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Visit>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Long against everything on loopback, short against a test run.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(10);
