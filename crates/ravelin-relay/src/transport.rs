//! A side's socket, as little of it as the relay needs, so that tests can put any pattern of reads and writes in its
//! place.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendFlags, send};
use socket2::SockRef;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// A future that outlives no borrow of its transport.
pub(crate) type Watch<'t> = Pin<Box<dyn Future<Output = io::Error> + Send + 't>>;

/// A connected stream socket that never blocks.
pub(crate) trait Transport: Send + Sync {
    /// Sets what a relayed socket needs, and makes an unforeseen close (a panic, a dropped future, a killed process)
    /// a reset: only [`Transport::close_cleanly`] takes that back. So a cut never looks like a clean end by accident.
    fn prepare(&self);

    /// Reads once, filling one of `rooms` after the other. `Ok(0)` is FIN.
    fn try_read(&self, rooms: &mut [IoSliceMut<'_>]) -> io::Result<usize>;

    /// Writes once.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Ready when a read is worth trying; otherwise the task is woken when it is.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ready when a write is worth trying; otherwise the task is woken when it is.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Resolves when the connection breaks, also while nobody reads it.
    fn broken(&self) -> Watch<'_>;

    /// Sends FIN after what was written.
    fn shut_write(&self) -> io::Result<()>;

    /// From now on a close is a FIN, and the kernel still delivers what was written.
    fn close_cleanly(&self);

    /// Asks for a sharp answer of [`Transport::all_sent`]; nothing more may be written.
    fn expect_no_more_writes(&self);

    /// Whether the kernel has sent all that was written, so that a reset takes nothing back.
    fn all_sent(&self) -> bool;
}

impl Transport for TcpStream {
    fn prepare(&self) {
        // Failures can only mean a connection that is already gone; the first read or write reports it.
        let _ = self.set_nodelay(true);
        let _ = SockRef::from(self).set_tcp_notsent_lowat(NOTSENT_LOWAT);
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }

    fn try_read(&self, rooms: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let asked = rooms.iter().map(|room| room.len()).sum();
        tell_short(self, Interest::READABLE, asked, || rustix::io::readv(self, rooms))
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        tell_short(self, Interest::WRITABLE, bytes.len(), || send(self, bytes, SendFlags::NOSIGNAL))
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(cx)
    }

    fn broken(&self) -> Watch<'_> {
        Box::pin(async move {
            match self.ready(Interest::ERROR).await {
                Ok(_) => match self.take_error() {
                    Ok(Some(error)) | Err(error) => error,
                    // The error was reported to somebody else.
                    Ok(None) => io::ErrorKind::ConnectionReset.into(),
                },
                Err(error) => error,
            }
        })
    }

    fn shut_write(&self) -> io::Result<()> {
        SockRef::from(self).shutdown(Shutdown::Write)
    }

    fn close_cleanly(&self) {
        let _ = SockRef::from(self).set_linger(None);
    }

    fn expect_no_more_writes(&self) {
        // Linux calls a socket writable when fewer bytes than this (counted twice) are unsent, and when no more than
        // two thirds of the send buffer are in use: with the least of both that means that all is sent, and all but a
        // small last segment acknowledged.
        let _ = SockRef::from(self).set_tcp_notsent_lowat(1);
        let _ = SockRef::from(self).set_send_buffer_size(0);
    }

    fn all_sent(&self) -> bool {
        let mut sockets = [PollFd::new(self, PollFlags::OUT)];
        // An error, or a connection that broke (which polls as an error event), has nothing left to wait for.
        poll(&mut sockets, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) != Ok(0)
    }
}

/// Runs one read or write; when it moved less than `asked`, the socket is empty (or full), and tokio's readiness is
/// cleared at once instead of by a second call that finds nothing. tokio does the same in its own `poll_read`: the
/// event was taken before the call, so that one which comes meanwhile is kept.
fn tell_short(
    stream: &TcpStream,
    interest: Interest,
    asked: usize,
    call: impl FnOnce() -> rustix::io::Result<usize>,
) -> io::Result<usize> {
    let mut short = None;
    let outcome = stream.try_io(interest, || {
        let moved = call()?;
        if moved > 0 && moved < asked {
            short = Some(moved);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(moved)
    });
    short.map_or(outcome, Ok)
}

/// Unsent bytes that one socket may queue in the kernel. Enough for one whole write, so that a fast peer is never
/// waited for; little enough that a tunnel's own packets do not queue behind seconds of bulk.
const NOTSENT_LOWAT: u32 = 128 * 1024;
