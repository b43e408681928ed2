//! How a health check reaches a server: a door of its own, through which no byte of a client can pass. Nothing comes back
//! but whether the server answered.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// Whether the address takes a TCP connection within `deadline`. The connection is closed at once.
pub(super) async fn takes_tcp(address: SocketAddr, deadline: Duration) -> bool {
    matches!(timeout(deadline, TcpStream::connect(address)).await, Ok(Ok(_)))
}
