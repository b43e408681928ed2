//! The client's request head, and the answer to it.

use std::io;
use std::time::Duration;

use ravelin_iphttps::{CheckedRequest, Progress, RequestParser};
use ravelin_ops::record::{Ending, SessionEnd};
use ravelin_tls::TlsStream;
use tokio::time::timeout;

use crate::trust::site::Site;

/// Read in one go while the head is read: a Windows client's head has some 200 bytes. What follows it is kept for the tunnel.
const HEAD_READ_BYTES: usize = 4 * 1024;

/// A request that passed every check.
pub(super) struct ClientRequest {
    /// The head.
    pub(super) head: CheckedRequest,
    /// What the client sent after its head, before any answer: held, bounded by one read.
    pub(super) early_bytes: Vec<u8>,
}

/// Reads the head and checks it. On an error the connection is closed: cleanly where the client is refused or has ended
/// cleanly itself, else by a reset.
///
/// # Errors
/// `bad_request`, `request_timeout`, `client_closed`, `client_failed` or `client_cut`.
pub(super) async fn read(
    mut client: TlsStream,
    site: &Site,
    deadline: Duration,
) -> Result<(TlsStream, ClientRequest), Ending> {
    let ending = match timeout(deadline, read_head(&mut client, site)).await {
        Ok(Ok(request)) => return Ok((client, request)),
        Ok(Err(ending)) => ending,
        Err(_) => Ending::new(SessionEnd::RequestTimeout, format!("no whole head within {deadline:?}")),
    };
    if [SessionEnd::BadRequest, SessionEnd::ClientClosed, SessionEnd::RequestTimeout].contains(&ending.end) {
        client.close().await;
    } else {
        client.reset();
    }
    Err(ending)
}

/// Sends the server's head to the client.
///
/// # Errors
/// The client's connection broke, or it took nothing within `deadline`: it was reset.
pub(super) async fn answer(mut client: TlsStream, head: &[u8], deadline: Duration) -> Result<TlsStream, Ending> {
    match timeout(deadline, client.write_all(head)).await {
        Ok(Ok(())) => Ok(client),
        Ok(Err(error)) => Err(client_broke(error)),
        Err(_) => {
            client.reset();
            let detail = format!("the client did not take the answer within {deadline:?}");
            Err(Ending::new(SessionEnd::ClientFailed, detail))
        }
    }
}

async fn read_head(client: &mut TlsStream, site: &Site) -> Result<ClientRequest, Ending> {
    let mut parser = RequestParser::new();
    let mut buffer = vec![0; HEAD_READ_BYTES];
    loop {
        let read = client.read(&mut buffer).await.map_err(client_broke)?;
        if read == 0 {
            return Err(Ending::new(SessionEnd::ClientClosed, "the client closed before its request was whole"));
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        match parser.push(&site.request, bytes) {
            Ok(Progress::NeedMore) => {}
            Ok(Progress::Complete(head, consumed)) => {
                let early_bytes = bytes.get(consumed..).unwrap_or_default().to_vec();
                return Ok(ClientRequest { head, early_bytes });
            }
            Err(error) => return Err(Ending::new(SessionEnd::BadRequest, format!("{}: {error}", error.label()))),
        }
    }
}

/// A client's socket that broke, told apart from one that was cut.
pub(super) fn client_broke(error: io::Error) -> Ending {
    let end =
        if error.kind() == io::ErrorKind::UnexpectedEof { SessionEnd::ClientCut } else { SessionEnd::ClientFailed };
    Ending::new(end, error.to_string())
}
