//! Accept loops: one task per address, all on the accept thread.
//!
//! Running out of descriptors or memory pauses accepting for a moment and never spins; tunnels do not notice.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::gateway::Gateway;
use crate::session;
use crate::session::draft::Draft;
use ravelin_config::{Config, Problem, Severity};
use ravelin_ops::process::inherited::Inherited;
use ravelin_ops::record::{Ending, SessionEnd};

/// Connections that the kernel holds for us while we are busy: Linux's own default limit.
const BACKLOG: i32 = 4096;
/// The pause after descriptors or memory ran out (docs/rules.md rule 6): long enough that a loop of failures costs no
/// processor, short enough that no client notices.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The sockets that accept, across generations: a reload opens the new ones before it closes the old.
#[derive(Default)]
pub(crate) struct Listeners {
    inherited: Inherited,
    open: Mutex<HashMap<Key, OpenListener>>,
}

/// A listener's name and the address as configured.
type Key = (String, SocketAddr);

struct OpenListener {
    bound: SocketAddr,
    task: AbortHandle,
}

/// Sockets opened for a configuration that is not in force yet.
#[derive(Default)]
pub(crate) struct OpenedSockets(Vec<(Key, StdTcpListener)>);

/// An address that cannot be listened on.
#[derive(Debug)]
pub(crate) struct CannotListen {
    /// The listener's name in the configuration.
    pub(crate) listener: String,
    /// The address as configured.
    pub(crate) address: SocketAddr,
    /// Why.
    pub(crate) error: io::Error,
}

impl CannotListen {
    /// The key in the configuration.
    pub(crate) fn key(&self) -> String {
        format!("listeners.{}.bind", self.listener)
    }
}

impl fmt::Display for CannotListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: {}", self.address, self.error)
    }
}

impl Listeners {
    /// None yet; what the service manager opened is taken from there.
    pub(crate) fn new(inherited: Inherited) -> Listeners {
        Listeners { inherited, open: Mutex::default() }
    }

    /// Opens what `config` has and is not open yet.
    ///
    /// # Errors
    /// The first address that cannot be had, with its listener's name. Nothing has changed then.
    pub(crate) fn open(&self, config: &Config) -> Result<OpenedSockets, CannotListen> {
        let mut opened = Vec::new();
        let open = self.lock();
        for (name, listener) in &config.listeners {
            for address in &listener.bind {
                let key = (name.clone(), *address);
                if !open.contains_key(&key) {
                    let socket = self.inherited.on(*address).unwrap_or_else(|| bind(*address));
                    let socket = socket
                        .and_then(|socket| socket.set_nonblocking(true).map(|()| socket))
                        .map_err(|error| CannotListen { listener: name.clone(), address: *address, error })?;
                    opened.push((key, socket));
                }
            }
        }
        Ok(OpenedSockets(opened))
    }

    /// Takes opened sockets in, closes those that `config` no longer has, and accepts on all of them.
    fn apply(&self, opened: OpenedSockets, config: &Config, gateway: &Arc<Gateway>, accept_thread: &Handle) {
        let mut open = self.lock();
        if gateway.is_draining() {
            // It has closed everything, and what it closed stays closed.
            return;
        }
        for (key, socket) in opened.0 {
            let bound = socket.local_addr().unwrap_or(key.1);
            let task = accept_thread.spawn(accept_forever(Arc::clone(gateway), key.0.clone(), socket));
            open.insert(key, OpenListener { bound, task: task.abort_handle() });
        }
        open.retain(|(name, address), _| {
            config.listeners.get(name).is_some_and(|listener| listener.bind.contains(address))
        });
    }

    /// A warning for each address that the service manager holds open and `config` does not have.
    pub(crate) fn unclaimed(&self, config: &Config) -> Vec<Problem> {
        let claimed: Vec<&SocketAddr> = config.listeners.values().flat_map(|listener| &listener.bind).collect();
        let warning = |address| {
            let text = format!(
                "the service manager holds {address} open, which no listener has: clients wait there for nobody. Cure: the \
                 address in `bind` of a listener, or out of the .socket unit"
            );
            Problem { severity: Severity::Warning, ..Problem::error(&config.file, "listeners", text) }
        };
        self.inherited.addresses().filter(|address| !claimed.contains(&address)).map(warning).collect()
    }

    /// Closes all of them.
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    /// Addresses of a listener as bound.
    pub(crate) fn bound(&self, name: &str) -> Vec<SocketAddr> {
        let mut bound: Vec<_> =
            self.lock().iter().filter(|((listener, _), _)| listener == name).map(|(_, open)| open.bound).collect();
        bound.sort();
        bound
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, OpenListener>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The sockets that accept, and the thread that they accept on.
#[derive(Clone)]
pub(crate) struct Accepting {
    /// The sockets.
    pub(crate) listeners: Arc<Listeners>,
    /// The thread's runtime.
    pub(crate) thread: Handle,
}

impl Accepting {
    /// See [`Listeners::apply`].
    pub(crate) fn apply(&self, opened: OpenedSockets, config: &Config, gateway: &Arc<Gateway>) {
        self.listeners.apply(opened, config, gateway, &self.thread);
    }
}

fn bind(address: SocketAddr) -> io::Result<StdTcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the old connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `0.0.0.0:443` and `[::]:443` are two listeners, each for its own family.
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

async fn accept_forever(gateway: Arc<Gateway>, name: String, socket: StdTcpListener) {
    let listener = match TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(listener = %name, %error, "cannot accept");
            return;
        }
    };
    loop {
        match listener.accept().await {
            Ok((tcp, client)) => receive(&gateway, &name, tcp, client),
            Err(error) if is_shortage(&error) => {
                gateway.metrics.accept_paused();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            // The client was gone before we took it (ECONNABORTED and the like): the next one is none the worse.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

fn receive(gateway: &Arc<Gateway>, listener: &str, tcp: TcpStream, client: SocketAddr) {
    let draft = Draft::begin(gateway, listener, client);
    match gateway.enter(client.ip(), draft.record.session) {
        Ok(place) => {
            // From the accept thread's runtime to a handshake thread's.
            let Ok(tcp) = tcp.into_std() else { return };
            let gateway = Arc::clone(gateway);
            let in_flight = gateway.metrics.handshake();
            gateway.handshake_thread().spawn(async move {
                match TcpStream::from_std(tcp) {
                    Ok(tcp) => session::serve(Arc::clone(&gateway), tcp, (place, in_flight), draft).await,
                    Err(error) => {
                        draft.finish(Ending::new(SessionEnd::ClientFailed, error.to_string()));
                    }
                }
            });
        }
        Err(end) => draft.finish(Ending::new(end, "")),
    }
}

/// Out of descriptors (EMFILE, ENFILE) or memory (ENOBUFS, ENOMEM).
fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}
