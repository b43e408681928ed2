//! The server behind the products, in the clear and with TLS.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ravelin_lab::clock;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::estate::Estate;
use crate::wire::{self, Order};

/// Where it listens.
pub(crate) struct Backend {
    pub(crate) plain: SocketAddr,
    pub(crate) tls: SocketAddr,
}

/// Serves for as long as the runtime lives.
pub(crate) async fn start(estate: &Estate) -> io::Result<Backend> {
    let acceptor = TlsAcceptor::from(estate.server()?);
    let (plain, tls) = (listen()?, listen()?);
    let backend = Backend { plain: plain.local_addr()?, tls: tls.local_addr()? };
    tokio::spawn(async move {
        while let Ok(stream) = accept(&plain).await {
            tokio::spawn(report(serve(stream)));
        }
    });
    tokio::spawn(async move {
        while let Ok(stream) = accept(&tls).await {
            let acceptor = acceptor.clone();
            tokio::spawn(report(async move {
                // A look whether the port is open is no client.
                let Ok(stream) = acceptor.accept(BufReader::with_capacity(1 << 17, stream)).await else {
                    return Ok(());
                };
                serve(stream).await
            }));
        }
    });
    Ok(backend)
}

/// Client after client may come faster than they are accepted.
fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    socket.listen(1024)
}

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A tunnel that fails is cut, which its client cannot miss; the cause is said here.
async fn report(served: impl Future<Output = io::Result<()>>) {
    if let Err(error) = served.await {
        eprintln!("server: {error}");
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    if wire::read_head(&mut stream).await.is_err() {
        return Ok(()); // A look whether the port is open.
    }
    let answer = ravelin_iphttps::write_response_head(&clock::http_date(clock::now()))
        .map_err(|error| io::Error::other(format!("{error:?}")))?;
    stream.write_all(&answer).await?;
    stream.flush().await?;
    match Order::read(&mut stream).await? {
        None => {}
        Some(Order::Sink { bytes }) => sink(&mut stream, bytes).await?,
        Some(Order::Source { bytes, piece, gap }) => source(&mut stream, bytes, piece, gap).await?,
        Some(Order::Echo) => echo(&mut stream).await?,
    }
    // In an orderly way, where the other side is still there.
    let _ = stream.shutdown().await;
    Ok(())
}

async fn sink<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, bytes: u64) -> io::Result<()> {
    let mut buffer = vec![0; wire::PIECE_MAX];
    let mut taken = 0;
    while taken < bytes {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Err(io::Error::other(format!("{taken} bytes instead of {bytes}")));
        }
        wire::check(taken, &buffer[..count])?;
        taken += count as u64;
    }
    stream.write_all(&taken.to_be_bytes()).await?;
    stream.flush().await?;
    // The client closes first.
    while stream.read(&mut buffer).await.unwrap_or(0) > 0 {}
    Ok(())
}

async fn source<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    bytes: u64,
    piece: usize,
    gap: Duration,
) -> io::Result<()> {
    let (mut sent, mut next) = (0, Instant::now());
    while sent < bytes {
        wait_until(next);
        let count = usize::try_from(bytes - sent).unwrap_or(usize::MAX).min(piece);
        stream.write_all(wire::pattern(sent, count)).await?;
        sent += count as u64;
        next += gap;
    }
    stream.flush().await?;
    while stream.read(&mut [0; 64]).await.unwrap_or(0) > 0 {}
    Ok(())
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<()> {
    // Small, as thousands of them wait at once; freed with the tunnel.
    let mut buffer = vec![0; 2048];
    loop {
        let count = match stream.read(&mut buffer).await {
            // A client that is done, however its product says so.
            Ok(0) | Err(_) => return Ok(()),
            Ok(count) => count,
        };
        stream.write_all(&buffer[..count]).await?;
        stream.flush().await?;
    }
}

/// Spins: the gaps are shorter than what a timer can do. One of the generator's threads does nothing else meanwhile.
pub(crate) fn wait_until(at: Instant) {
    while Instant::now() < at {
        std::hint::spin_loop();
    }
}
