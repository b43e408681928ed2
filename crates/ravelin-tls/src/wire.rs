//! What the handshake does to a socket besides reading and writing.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::alert::Alert;

/// The most bytes a handshake may bring in, counted at the socket: four certificates of 4 KiB behind a leaf of 8 KiB
/// (the largest chain whose shape policy accepts) and a generous hello make 30 KiB. rustls' own limit is twice that.
pub(crate) const HANDSHAKE_INPUT_BYTES_MAX: usize = 32 * 1024;

/// The version that records and alerts in the clear carry, unless the client is too old for it.
pub(crate) const TLS12: u16 = 0x0303;

/// A fatal alert in the clear, for a client that no engine has taken.
pub(crate) fn plain_alert(alert: Alert, version: u16) -> [u8; PLAIN_ALERT_BYTES] {
    let [major, minor] = version.to_be_bytes();
    const ALERT: u8 = 21;
    const FATAL: u8 = 2;
    [ALERT, major, minor, 0, 2, FATAL, alert.0]
}

/// Header, level and description.
pub(crate) const PLAIN_ALERT_BYTES: usize = 7;

/// Sends the last bytes of a connection and gives them time to arrive: a socket that is closed with unread bytes in it
/// answers with a reset, and the peer's kernel then throws away what it had not read yet (docs/rules.md rule 8).
pub(crate) async fn send_and_linger(stream: &mut TcpStream, last: &[u8]) {
    let lingering = async {
        stream.write_all(last).await?;
        stream.shutdown().await?;
        let mut left = LINGER_BYTES_MAX;
        while left > 0 {
            stream.readable().await?;
            match drain_some(stream) {
                Ok(0) => break,
                Ok(drained) => left = left.saturating_sub(drained),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        io::Result::Ok(())
    };
    // Whether it went out in time or not, nobody is left to report it to.
    let _ = tokio::time::timeout(LINGER_TIME_MAX, lingering).await;
}

/// Not async, so that its buffer is no part of the waiting task.
fn drain_some(stream: &TcpStream) -> io::Result<usize> {
    let mut scratch = [0; 4096];
    stream.try_read(&mut scratch)
}

/// What a peer has in flight at most: the usual receive window of its connection.
const LINGER_BYTES_MAX: usize = 64 * 1024;
/// Two round trips across the world, 250 ms each.
const LINGER_TIME_MAX: Duration = Duration::from_millis(500);
