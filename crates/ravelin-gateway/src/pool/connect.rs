//! From a permit to a connected server: the only dialler of the gateway.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use ravelin_policy::Permit;
use ravelin_tls::{TlsStream, UpstreamTls};
use tokio::net::TcpStream;
use tokio::time::timeout;

use ravelin_config::PoolConfig;

use super::{Pools, Server, balance};

/// Servers tried for one client: after three the client's own retry is the better answer.
const TRIES_MAX: usize = 3;

/// A server that took the connection.
pub(crate) struct Connected {
    /// The way to it.
    pub(crate) stream: ServerStream,
    /// Which.
    pub(crate) server: Server,
}

/// The way to a server.
pub(crate) enum ServerStream {
    /// Plain HTTP (offload).
    Plain(TcpStream),
    /// TLS (bridge).
    Tls(Box<TlsStream>),
}

/// No server of the pool could be reached: each tried one with its error.
#[derive(Debug)]
pub(crate) struct NoServer(pub String);

/// Connects an admitted client to a server of its pool: in the balance's order, the next one where one fails. Nothing of
/// the client has been sent before this returns, so trying again repeats nothing.
///
/// # Errors
/// Every server that was tried failed; the text names each with its cause.
pub(crate) async fn connect(
    permit: &Permit,
    pools: &Pools,
    pool: &str,
    config: &PoolConfig,
    upstream: Option<&Arc<UpstreamTls>>,
) -> Result<Connected, NoServer> {
    let servers = pools.servers(pool, config);
    let turn = pools.turn(pool);
    let now = Instant::now();
    let order = balance::order(&servers, config.balance, permit.identity_key(), turn, |server| server.state.is_up(now));
    let mut causes = Vec::new();
    for server in order.into_iter().take(TRIES_MAX) {
        match timeout(config.connect_deadline, dial(&server, upstream)).await {
            Ok(Ok(stream)) => {
                server.state.succeeded();
                return Ok(Connected { stream, server });
            }
            Ok(Err(error)) => causes.push(format!("{} ({}): {error}", server.name, server.address)),
            Err(_) => causes
                .push(format!("{} ({}): no answer within {:?}", server.name, server.address, config.connect_deadline)),
        }
        server.state.failed(Instant::now());
    }
    Err(NoServer(causes.join("; ")))
}

async fn dial(server: &Server, upstream: Option<&Arc<UpstreamTls>>) -> io::Result<ServerStream> {
    let tcp = TcpStream::connect(server.address).await?;
    tcp.set_nodelay(true)?;
    match upstream {
        None => Ok(ServerStream::Plain(tcp)),
        Some(upstream) => Ok(ServerStream::Tls(Box::new(ravelin_tls::connect(tcp, upstream).await?))),
    }
}

impl ServerStream {
    /// Sends all of it.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            ServerStream::Plain(tcp) => tokio::io::AsyncWriteExt::write_all(tcp, bytes).await,
            ServerStream::Tls(tls) => tls.write_all(bytes).await,
        }
    }

    /// Reads what has come; 0 is the end.
    ///
    /// # Errors
    /// The connection broke, or was cut.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            ServerStream::Plain(tcp) => tokio::io::AsyncReadExt::read(tcp, buffer).await,
            ServerStream::Tls(tls) => tls.read(buffer).await,
        }
    }
}
