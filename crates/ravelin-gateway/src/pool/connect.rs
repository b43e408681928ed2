//! From an authorization and a checked request to a connected server: the only way of a client's bytes to a server.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_iphttps::CheckedRequest;
use ravelin_tls::UpstreamTls;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::pool::balance;
use crate::pool::state::{Pools, Server};
use crate::pool::stream::{ConnectedServer, ServerStream};
use crate::trust::authorized::Authorized;

/// Servers tried for one client: after three the client's own retry is the better answer.
const TRIES_MAX: usize = 3;

/// Why a client has no server.
#[derive(Debug)]
pub enum NoServer {
    /// Every server that was tried failed.
    AllFailed(Vec<ConnectFailure>),
    /// The generation in force no longer has the pool of this name.
    PoolGone(String),
}

/// One server that could not be connected.
#[derive(Debug)]
pub struct ConnectFailure {
    server: String,
    address: SocketAddr,
    cause: ConnectCause,
}

#[derive(Debug)]
enum ConnectCause {
    Broken(io::Error),
    TimedOut(Duration),
}

impl fmt::Display for NoServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoServer::PoolGone(pool) => write!(f, "the configuration no longer has the pool {pool}"),
            NoServer::AllFailed(failures) => {
                let texts: Vec<String> = failures.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join("; "))
            }
        }
    }
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.server, self.address)?;
        match &self.cause {
            ConnectCause::Broken(error) => write!(f, "{error}"),
            ConnectCause::TimedOut(deadline) => write!(f, "no answer within {deadline:?}"),
        }
    }
}

/// Connects an authorized client, whose request was checked, to a server of its site's pool: in the balance's order, the next
/// one where one fails. Nothing of the client has been sent before this returns, so trying again repeats nothing. The server
/// gets the gateway's own request head, never the client's.
///
/// ```
/// use ravelin_gateway::pool::{Pools, connect};
/// use ravelin_gateway::trust::authorized::Authorized;
/// use ravelin_iphttps::CheckedRequest;
///
/// async fn reach(authorized: &Authorized, request: &CheckedRequest, pools: &Pools) -> bool {
///     connect(authorized, request, pools).await.is_ok()
/// }
/// ```
///
/// A permit alone is no key to a server: it may be of an older generation, or of `explain`, and its session is not in the live
/// index.
///
/// ```compile_fail,E0308
/// use ravelin_gateway::pool::{Pools, connect};
/// use ravelin_iphttps::CheckedRequest;
/// use ravelin_policy::Permit;
///
/// async fn reach(permit: &Permit, request: &CheckedRequest, pools: &Pools) -> bool {
///     connect(permit, request, pools).await.is_ok()
/// }
/// ```
///
/// Nor is a request that was not checked:
///
/// ```compile_fail,E0308
/// use ravelin_gateway::pool::{Pools, connect};
/// use ravelin_gateway::trust::authorized::Authorized;
///
/// async fn reach(authorized: &Authorized, head: &[u8], pools: &Pools) -> bool {
///     connect(authorized, head, pools).await.is_ok()
/// }
/// ```
///
/// # Errors
/// Every server that was tried failed, each with its cause; or there is no such pool any more.
pub async fn connect(
    authorized: &Authorized,
    _request: &CheckedRequest,
    pools: &Pools,
) -> Result<ConnectedServer, NoServer> {
    let (site, generation) = (authorized.site(), authorized.generation());
    let pool = &site.pool;
    let config = generation.config.pools.get(pool).ok_or_else(|| NoServer::PoolGone(pool.clone()))?;
    let upstream = generation.upstreams.get(pool).and_then(Option::as_ref);
    let servers = pools.servers(pool, config);
    let (turn, now, identity) = (pools.turn(pool), Instant::now(), authorized.permit().identity_key());
    let order = balance::order(&servers, config.balance, identity, turn, |server| server.state.is_up(now));
    let mut failures = Vec::new();
    for server in order.into_iter().take(TRIES_MAX) {
        let cause = match timeout(config.connect_deadline, dial(&server, upstream)).await {
            Ok(Ok(stream)) => {
                server.state.succeeded();
                return Ok(ConnectedServer::new(stream, server, Arc::clone(site)));
            }
            Ok(Err(error)) => ConnectCause::Broken(error),
            Err(_) => ConnectCause::TimedOut(config.connect_deadline),
        };
        server.state.failed(Instant::now());
        failures.push(ConnectFailure { server: server.name, address: server.address, cause });
    }
    Err(NoServer::AllFailed(failures))
}

async fn dial(server: &Server, upstream: Option<&Arc<UpstreamTls>>) -> io::Result<ServerStream> {
    let tcp = TcpStream::connect(server.address).await?;
    tcp.set_nodelay(true)?;
    match upstream {
        None => Ok(ServerStream::Plain(tcp)),
        Some(upstream) => Ok(ServerStream::Tls(Box::new(ravelin_tls::connect(tcp, upstream).await?))),
    }
}
