//! Looks at a ClientHello before any engine has seen a byte.
//!
//! - Nothing is answered and nothing is allocated for a client that sends nothing.
//! - The first bytes are looked at at once: what is not TLS is refused at its first byte.
//! - The result does not depend on how the hello is cut into TCP segments or TLS records.

pub(crate) mod client_hello;
mod error;
mod fields;
mod parser;
pub(crate) mod server_name;

pub use client_hello::ClientHello;
pub use error::HelloError;
pub use parser::{HelloParser, HelloProgress};
pub use server_name::ServerName;

use std::io;

use tokio::net::TcpStream;

use crate::outcome::{HandshakeEnd, HandshakeFailure};
use crate::wire;

/// A hello and the very bytes it was read from: the engine gets them first.
#[derive(Clone, Debug)]
pub struct PeekedHello {
    /// The parsed fields.
    pub hello: ClientHello,
    /// Every byte read from the socket so far.
    pub bytes: Vec<u8>,
}

/// Reads until the ClientHello is whole, split over any number of segments and records. The first bytes are looked at
/// at once: what is not a TLS handshake record is refused without waiting for more. Total time is the caller's.
///
/// # Errors
/// Not TLS, too large, malformed, closed. The alert was sent where the peer spoke TLS.
pub async fn read(stream: &mut TcpStream) -> Result<PeekedHello, HandshakeFailure> {
    let mut parser = HelloParser::default();
    loop {
        if let Err(error) = stream.readable().await {
            return Err(socket_failure(error, &parser));
        }
        match read_some(stream, &mut parser) {
            Ok(Some(hello)) => return Ok(PeekedHello { hello, bytes: parser.into_bytes() }),
            Ok(None) => {}
            Err(HelloReadError::Socket(error)) => return Err(socket_failure(error, &parser)),
            Err(HelloReadError::Hello(error)) => {
                let alert = error.alert();
                if let Some(alert) = alert {
                    wire::send_and_linger(stream, &wire::plain_alert(alert, wire::TLS12)).await;
                }
                return Err(HandshakeFailure {
                    end: HandshakeEnd::Failed,
                    alert_sent: alert,
                    detail: error.to_string(),
                });
            }
        }
    }
}

enum HelloReadError {
    Hello(HelloError),
    Socket(io::Error),
}

/// Everything that is there right now. Not async, so that its buffer is no part of a waiting client's memory.
fn read_some(stream: &TcpStream, parser: &mut HelloParser) -> Result<Option<ClientHello>, HelloReadError> {
    let mut buffer = [0; READ_BYTES];
    loop {
        match stream.try_read(&mut buffer) {
            Ok(0) => return Err(HelloReadError::Socket(io::ErrorKind::UnexpectedEof.into())),
            Ok(length) => match parser.push(buffer.get(..length).unwrap_or_default()) {
                Ok(HelloProgress::NeedMore) => {}
                Ok(HelloProgress::Complete(hello)) => return Ok(Some(hello)),
                Err(error) => return Err(HelloReadError::Hello(error)),
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(HelloReadError::Socket(error)),
        }
    }
}

fn socket_failure(error: io::Error, parser: &HelloParser) -> HandshakeFailure {
    let detail = match (error.kind(), parser.bytes_read()) {
        (io::ErrorKind::UnexpectedEof, 0) => "closed without a byte".to_owned(),
        (io::ErrorKind::UnexpectedEof, read) => format!("closed after {read} bytes of a ClientHello"),
        (_, read) => format!("after {read} bytes: {error}"),
    };
    HandshakeFailure { end: HandshakeEnd::Socket(error), alert_sent: None, detail }
}

/// Two Ethernet frames: a whole hello, post-quantum key share included.
const READ_BYTES: usize = 3072;

#[cfg(test)]
mod tests;
