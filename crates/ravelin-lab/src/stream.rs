//! A TCP connection, with TLS on it or not, that shows every way in which the peer ends it and can end in every way.
//!
//! - [`StreamReader::read`] is cancel safe.
//! - [`Writer`] is cheap to clone; writes of several clones never mix within one call.
//! - Dropping all parts sends a bare FIN, as a process that dies does.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::Connection;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::end::End;

/// Both directions.
#[derive(Debug)]
pub struct Stream {
    /// What comes in.
    pub reader: StreamReader,
    /// What goes out.
    pub writer: Writer,
}

/// The direction from the peer.
#[derive(Debug)]
pub struct StreamReader {
    shared: Arc<Shared>,
    /// From the socket, not yet given to TLS; plaintext of a plain connection never waits here.
    received: Vec<u8>,
    /// Plaintext that a caller gave back.
    opened: Vec<u8>,
    ended: Option<End>,
}

/// The direction to the peer.
#[derive(Clone, Debug)]
pub struct Writer {
    shared: Arc<Shared>,
}

/// Bytes go out in pieces of `bytes` with a wait between them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// Bytes of a piece.
    pub bytes: usize,
    /// Wait after each piece.
    pub wait: Duration,
}

#[derive(Debug)]
struct Shared {
    tcp: TcpStream,
    tls: Option<Mutex<Connection>>,
    /// Held while one caller's bytes go out.
    turn: tokio::sync::Mutex<()>,
}

impl Stream {
    /// A plain connection.
    pub fn plain(tcp: TcpStream) -> Stream {
        Stream::new(tcp, None)
    }

    /// With TLS on it; the handshake is still to be made.
    pub(crate) fn tls(tcp: TcpStream, tls: Connection) -> Stream {
        Stream::new(tcp, Some(Mutex::new(tls)))
    }

    fn new(tcp: TcpStream, tls: Option<Mutex<Connection>>) -> Stream {
        // A test that sends single bytes wants them to leave as such.
        let _ = tcp.set_nodelay(true);
        let shared = Arc::new(Shared { tcp, tls, turn: tokio::sync::Mutex::new(()) });
        let reader =
            StreamReader { shared: Arc::clone(&shared), received: Vec::new(), opened: Vec::new(), ended: None };
        Stream { reader, writer: Writer { shared } }
    }

    /// Shakes hands; `send_first` sends the first flight, whole or not.
    ///
    /// # Errors
    /// The end that came instead.
    pub(crate) async fn handshake<F>(&mut self, send_first: impl FnOnce(Writer, Vec<u8>) -> F) -> Result<(), End>
    where
        F: Future<Output = Result<(), End>>,
    {
        let first = self.writer.sealed();
        if !first.is_empty() {
            let _ = send_first(self.writer.clone(), first).await;
        }
        while self.is_handshaking() {
            // A write may come too late for a peer that has refused already: what it said is still to be read.
            self.reader.fill().await?;
            let _ = self.writer.flush().await;
        }
        // TLS 1.3: this side may be done while the peer still refuses it. The refusal is then what is read first.
        Ok(())
    }

    fn is_handshaking(&self) -> bool {
        self.with_tls(|tls| tls.is_handshaking()).unwrap_or(false)
    }

    /// Looks at the TLS connection (version, suite, peer's certificates, kind of handshake); `None` without TLS.
    pub fn with_tls<T>(&self, look: impl FnOnce(&Connection) -> T) -> Option<T> {
        self.writer.shared.tls().map(|tls| look(&tls))
    }

    /// The peer's address.
    ///
    /// # Errors
    /// The socket has none any more.
    pub fn peer(&self) -> io::Result<SocketAddr> {
        self.writer.shared.tcp.peer_addr()
    }

    /// This side's address.
    ///
    /// # Errors
    /// The socket has none any more.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.writer.shared.tcp.local_addr()
    }

    /// See [`Writer::close`].
    ///
    /// # Errors
    /// The socket broke.
    pub async fn close(&self) -> Result<(), End> {
        self.writer.close().await
    }

    /// Resets the connection.
    pub fn reset(self) {
        self.writer.reset_on_drop();
    }
}

impl StreamReader {
    /// Some plaintext, never nothing.
    ///
    /// # Errors
    /// The end, again at every further call.
    pub async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, End> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if !self.opened.is_empty() {
            let count = buffer.len().min(self.opened.len());
            for (to, from) in buffer.iter_mut().zip(self.opened.drain(..count)) {
                *to = from;
            }
            return Ok(count);
        }
        if self.shared.tls.is_none() {
            return self.receive(buffer).await;
        }
        loop {
            if let Some(count) = self.open(buffer).await? {
                return Ok(count);
            }
            self.fill().await?;
        }
    }

    /// Fills the whole buffer.
    ///
    /// # Errors
    /// The end that came before.
    pub async fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), End> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += self.read(rest).await?;
        }
        Ok(())
    }

    /// Reads and forgets until the end.
    pub async fn end(&mut self) -> End {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            if let Err(end) = self.read(&mut buffer).await {
                return end;
            }
        }
    }

    /// Gives bytes back; the next read yields them first.
    pub fn unread(&mut self, bytes: &[u8]) {
        self.opened.splice(0..0, bytes.iter().copied());
    }

    /// Plaintext from what is at hand.
    async fn open(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, End> {
        let opened = self.open_now(buffer);
        // An answer that TLS itself has to give (a key update's, an alert). If somebody is writing, it goes with that.
        if let Ok(_turn) = self.shared.turn.try_lock() {
            let sealed = self.shared.seal(&[]);
            let _ = self.shared.send(&sealed).await;
        }
        opened
    }

    fn open_now(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, End> {
        let shared = Arc::clone(&self.shared);
        let Some(mut tls) = shared.tls() else { return Ok(None) };
        loop {
            match tls.reader().read(buffer) {
                Ok(0) => return Err(self.remember(End::CloseNotify)),
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(self.remember(End::of_io(&error))),
            }
            if self.received.is_empty() {
                return self.ended.clone().map_or(Ok(None), Err);
            }
            self.process(&mut tls)?;
        }
    }

    /// Gives TLS what was received, until there is plaintext to be taken.
    fn process(&mut self, tls: &mut Connection) -> Result<(), End> {
        while !self.received.is_empty() {
            let mut rest = self.received.as_slice();
            let taken = tls.read_tls(&mut rest).map_err(|error| End::of_io(&error));
            let taken = taken.map_err(|end| self.remember(end))?;
            self.received.drain(..taken);
            let state = tls.process_new_packets().map_err(|error| self.remember(End::of_tls(&error)))?;
            if taken == 0 || state.plaintext_bytes_to_read() > 0 || state.peer_has_closed() {
                break;
            }
        }
        Ok(())
    }

    /// One read of the socket, given to TLS.
    async fn fill(&mut self) -> Result<(), End> {
        if let Some(end) = &self.ended {
            return Err(end.clone());
        }
        let mut buffer = vec![0; RECEIVE_BYTES];
        let count = self.receive(&mut buffer).await?;
        buffer.truncate(count);
        self.received.append(&mut buffer);
        let shared = Arc::clone(&self.shared);
        let processed = match shared.tls() {
            Some(mut tls) => self.process(&mut tls),
            None => Ok(()),
        };
        if processed.is_err() {
            // The alert that tells the peer what was wrong.
            let sealed = shared.seal(&[]);
            let _ = shared.send(&sealed).await;
        }
        processed
    }

    async fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, End> {
        if let Some(end) = &self.ended {
            return Err(end.clone());
        }
        let tcp = &self.shared.tcp;
        loop {
            let read = match tcp.readable().await {
                Ok(()) => tcp.try_read(buffer),
                Err(error) => Err(error),
            };
            match read {
                Ok(0) => {
                    let end = if self.shared.tls.is_some() { End::Fin } else { End::CloseNotify };
                    return Err(self.remember(end));
                }
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(self.remember(End::of_io(&error))),
            }
        }
    }

    fn remember(&mut self, end: End) -> End {
        self.ended.get_or_insert(end).clone()
    }
}

impl Writer {
    /// Sends all of it.
    ///
    /// # Errors
    /// The socket broke. What the peer said before is still to be read.
    pub async fn write_all(&self, plaintext: &[u8]) -> Result<(), End> {
        let _turn = self.shared.turn.lock().await;
        if self.shared.tls.is_none() {
            return self.shared.send(plaintext).await;
        }
        for piece in plaintext.chunks(SEAL_BYTES) {
            let sealed = self.shared.seal(piece);
            self.shared.send(&sealed).await?;
        }
        Ok(())
    }

    /// Sends all of it piece by piece; with TLS each piece is a record.
    ///
    /// # Errors
    /// The socket broke.
    pub async fn write_paced(&self, plaintext: &[u8], pace: Pace) -> Result<(), End> {
        for piece in plaintext.chunks(pace.bytes.max(1)) {
            self.write_all(piece).await?;
            tokio::time::sleep(pace.wait).await;
        }
        Ok(())
    }

    /// Sends bytes as they are, past TLS: broken records, foreign messages.
    ///
    /// # Errors
    /// The socket broke.
    pub async fn write_raw(&self, bytes: &[u8]) -> Result<(), End> {
        let _turn = self.shared.turn.lock().await;
        self.shared.send(bytes).await
    }

    /// Changes the TLS 1.3 traffic keys so many times and tells the peer.
    ///
    /// # Errors
    /// Not TLS 1.3, or the socket broke.
    pub async fn update_keys(&self, times: usize) -> Result<(), End> {
        for _ in 0..times {
            let updated = self.shared.tls().map_or(Ok(()), |mut tls| tls.refresh_traffic_keys());
            updated.map_err(|error| End::of_tls(&error))?;
            self.flush().await?;
        }
        Ok(())
    }

    /// Says close_notify and shuts the write side; reading goes on. Over plain TCP: a FIN.
    ///
    /// # Errors
    /// The socket broke.
    pub async fn close(&self) -> Result<(), End> {
        self.close_notify().await?;
        self.fin()
    }

    /// Says close_notify and leaves the socket open. Nothing happens over plain TCP.
    ///
    /// # Errors
    /// The socket broke.
    pub async fn close_notify(&self) -> Result<(), End> {
        if let Some(mut tls) = self.shared.tls() {
            tls.send_close_notify();
        }
        self.flush().await
    }

    /// Shuts the write side with a bare FIN; reading goes on.
    ///
    /// # Errors
    /// The socket broke.
    pub fn fin(&self) -> Result<(), End> {
        SockRef::from(&self.shared.tcp).shutdown(Shutdown::Write).map_err(|error| End::of_io(&error))
    }

    /// Makes the connection end with a reset as soon as its last part is dropped.
    pub fn reset_on_drop(&self) {
        let _ = SockRef::from(&self.shared.tcp).set_linger(Some(Duration::ZERO));
    }

    pub(crate) async fn flush(&self) -> Result<(), End> {
        let _turn = self.shared.turn.lock().await;
        let sealed = self.shared.seal(&[]);
        self.shared.send(&sealed).await
    }

    /// What TLS wants to send now.
    fn sealed(&self) -> Vec<u8> {
        self.shared.seal(&[])
    }
}

impl Shared {
    fn tls(&self) -> Option<MutexGuard<'_, Connection>> {
        self.tls.as_ref().map(|tls| tls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records of this plaintext and of whatever else TLS wants to send.
    fn seal(&self, plaintext: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(mut tls) = self.tls() {
            let mut rest = plaintext;
            loop {
                // The connection takes what fits its buffer; writing to memory cannot fail.
                let taken = tls.writer().write(rest).unwrap_or(0);
                rest = rest.get(taken..).unwrap_or_default();
                while tls.wants_write() {
                    if tls.write_tls(&mut out).is_err() {
                        break;
                    }
                }
                if rest.is_empty() || taken == 0 {
                    break;
                }
            }
        }
        out
    }

    async fn send(&self, mut bytes: &[u8]) -> Result<(), End> {
        while !bytes.is_empty() {
            self.tcp.writable().await.map_err(|error| End::of_io(&error))?;
            match self.tcp.try_write(bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(End::of_io(&error)),
            }
        }
        Ok(())
    }
}

/// Bytes read from the socket in one go: two full records.
const RECEIVE_BYTES: usize = 32 * 1024;
/// Plaintext sealed in one go: below the 64 KiB that rustls buffers.
const SEAL_BYTES: usize = 48 * 1024;
