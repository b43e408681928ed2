//! What client and server of the benchmark say to each other: an IP-HTTPS request and its answer, as ravelin wants them and
//! as the other products pass them on; then one order, and bytes that follow one pattern.

use std::io::{self, BufRead, BufReader, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;

/// The server's name, outside and inside.
pub(crate) const NAME: &str = "da.corp.example.test";
/// No step of a benchmark takes this long on a machine that can be measured.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What the server is to do with a tunnel.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// Take so many bytes, check them, say how many.
    Sink { bytes: u64 },
    /// Send so many bytes, this many in each write, and wait between them.
    Source { bytes: u64, piece: usize, gap: Duration },
    /// Send back what comes.
    Echo,
}

/// A blocking tunnel.
pub(crate) type Tunnel = StreamOwned<ClientConnection, Wire>;
/// A tunnel for many on few threads.
pub(crate) type AsyncTunnel = tokio_rustls::client::TlsStream<tokio::io::BufReader<tokio::net::TcpStream>>;

/// A socket that is read in large pieces: TLS asks for small ones.
pub(crate) struct Wire(BufReader<TcpStream>);

/// Connects through a product, handshakes, and exchanges heads.
pub(crate) fn open(face: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Tunnel> {
    let socket = TcpStream::connect_timeout(&face, PATIENCE)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let mut connection = ClientConnection::new(config.clone(), server_name()).map_err(io::Error::other)?;
    connection.set_buffer_limit(None);
    let mut tunnel = StreamOwned::new(connection, Wire(BufReader::with_capacity(1 << 17, socket)));
    tunnel.write_all(request().as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(END_OF_HEAD) {
        let mut byte = [0];
        tunnel.read_exact(&mut byte)?;
        head.push(byte[0]);
        answered(&head)?;
    }
    Ok(tunnel)
}

/// Says that the client is done, and waits for the product to be. How a product ends is not what is measured: some reset,
/// some say close_notify, some do not.
pub(crate) fn close(mut tunnel: Tunnel) {
    tunnel.conn.send_close_notify();
    let _ = tunnel.conn.complete_io(&mut tunnel.sock);
    let _ = tunnel.sock.0.get_ref().shutdown(Shutdown::Write);
    let _ = io::copy(&mut tunnel.sock.0, &mut io::sink());
}

/// [`open`], not blocking.
pub(crate) async fn open_async(face: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<AsyncTunnel> {
    let socket = tokio::net::TcpStream::connect(face).await?;
    socket.set_nodelay(true)?;
    let socket = tokio::io::BufReader::with_capacity(1 << 13, socket);
    let mut tunnel = TlsConnector::from(config.clone()).connect(server_name(), socket).await?;
    tunnel.write_all(request().as_bytes()).await?;
    let head = read_head(&mut tunnel).await?;
    answered(&head)?;
    Ok(tunnel)
}

/// Octets up to and with the empty line. One at a time, so that nothing behind it is taken.
pub(crate) async fn read_head(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(END_OF_HEAD) {
        head.push(from.read_u8().await?);
        if head.len() > HEAD_MAX {
            return Err(io::Error::other("a head without end"));
        }
    }
    Ok(head)
}

/// An answer so far is not another one than `200`.
fn answered(head: &[u8]) -> io::Result<()> {
    if head.len() > HEAD_MAX || (head.len() >= ACCEPTED.len() && !head.starts_with(ACCEPTED)) {
        return Err(io::Error::other(format!("refused: {}", String::from_utf8_lossy(head).escape_debug())));
    }
    Ok(())
}

impl Order {
    /// As it is sent.
    pub(crate) fn encode(self) -> [u8; ORDER_LEN] {
        let (kind, bytes, piece, gap) = match self {
            Order::Sink { bytes } => (b'S', bytes, 0, Duration::ZERO),
            Order::Source { bytes, piece, gap } => (b'D', bytes, piece, gap),
            Order::Echo => (b'E', 0, 0, Duration::ZERO),
        };
        let mut order = [0; ORDER_LEN];
        order[0] = kind;
        order[1..9].copy_from_slice(&bytes.to_be_bytes());
        order[9..13].copy_from_slice(&u32::try_from(piece).unwrap_or(u32::MAX).to_be_bytes());
        order[13..].copy_from_slice(&u32::try_from(gap.as_micros()).unwrap_or(u32::MAX).to_be_bytes());
        order
    }

    /// The next one, or that there is none.
    pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Order>> {
        let Ok(kind) = from.read_u8().await else { return Ok(None) };
        let (bytes, piece, gap) = (from.read_u64().await?, from.read_u32().await?, from.read_u32().await?);
        let (piece, gap) = (usize::try_from(piece).map_err(io::Error::other)?, Duration::from_micros(gap.into()));
        match kind {
            b'S' => Ok(Some(Order::Sink { bytes })),
            b'D' => Ok(Some(Order::Source { bytes, piece, gap })),
            b'E' => Ok(Some(Order::Echo)),
            _ => Err(io::Error::other("no order")),
        }
    }
}

/// The bytes of the pattern at this place; at most [`PIECE_MAX`].
pub(crate) fn pattern(offset: u64, len: usize) -> &'static [u8] {
    static PATTERN: OnceLock<Vec<u8>> = OnceLock::new();
    let whole = PATTERN.get_or_init(|| {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let period: Vec<u8> = (0..PERIOD)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[0]
            })
            .collect();
        period.into_iter().cycle().take(PERIOD + PIECE_MAX).collect()
    });
    let start = usize::try_from(offset % PERIOD as u64).unwrap_or(0);
    &whole[start..start + len]
}

/// Compares bytes with the pattern.
pub(crate) fn check(offset: u64, bytes: &[u8]) -> io::Result<()> {
    if bytes == pattern(offset, bytes.len()) {
        Ok(())
    } else {
        Err(io::Error::other(format!("bytes from {offset} on are not those that were sent")))
    }
}

/// Writes a packet and waits for its return.
pub(crate) async fn echo<S: AsyncRead + AsyncWrite + Unpin>(
    tunnel: &mut S,
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<()> {
    tunnel.write_all(pattern(offset, buffer.len())).await?;
    tunnel.flush().await?;
    tunnel.read_exact(buffer).await?;
    check(offset, buffer)
}

fn server_name() -> ServerName<'static> {
    ServerName::try_from(NAME).unwrap()
}

fn request() -> String {
    format!(
        "POST /IPHTTPS HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {}\r\n\r\n",
        ravelin_iphttps::TUNNEL_CONTENT_LENGTH
    )
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let waiting = self.0.fill_buf()?;
        let taken = waiting.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&waiting[..taken]);
        self.0.consume(taken);
        Ok(taken)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.get_mut().write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Largest piece that is written or compared at once.
pub(crate) const PIECE_MAX: usize = 1 << 18;
/// A prime, so that lost, repeated or swapped bytes do not meet the same ones again.
const PERIOD: usize = 65_521;
const ORDER_LEN: usize = 17;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
const ACCEPTED: &[u8] = b"HTTP/1.1 200";
/// Heads here have some 150 bytes.
const HEAD_MAX: usize = 4096;
