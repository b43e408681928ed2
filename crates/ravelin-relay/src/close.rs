//! Does to a side's socket what the table of endings says, and closes it.

use crate::buffers::{Buffers, with_buffers};
use crate::codec::CodecError;
use crate::ending::{Closing, Closings, Ending};
use crate::limits::later;
use crate::outlet::{Outlet, SendError, Writing};
use crate::peer::LeftOver;
use crate::step::read_ready;
use crate::transport::Transport;
use std::future::{Future, poll_fn};
use std::io::IoSliceMut;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How a cut (an end without its mark) is shown to the other side.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PassCutAs {
    /// RST after all bytes: nobody can take it for a clean end.
    #[default]
    Reset,
    /// FIN without a mark, for a server that resets harm. To a plain server this looks like a clean end; the report
    /// says `ClientCut` all the same.
    Fin,
}

/// What is left of one side when its tunnel is over. The socket closes, by RST unless said otherwise, when this is
/// dropped.
pub(crate) struct Remains<T> {
    pub(crate) transport: T,
    pub(crate) outlet: Outlet,
    /// The other side's plaintext that is owed to this one.
    pub(crate) owed: LeftOver,
}

/// Closes both sides as the table of endings says. Returns the plaintext handed in all to the client and to the
/// server.
pub(crate) async fn close<T: Transport>(
    client: Remains<T>,
    server: Remains<T>,
    ending: &Ending,
    patience: Duration,
    pass_cut_as: PassCutAs,
    stop: impl Future<Output = ()>,
) -> (u64, u64) {
    let handed = (client.outlet.handed, server.outlet.handed);
    let Closings { client: of_client, server: of_server } = ending.closings();
    let closed = async {
        tokio::join!(client.close(of_client, patience, pass_cut_as), server.close(of_server, patience, pass_cut_as))
    };
    if matches!(ending, Ending::Cut(_)) {
        // The only wait that may be long; a stop has not come before.
        tokio::select! {
            handed = closed => handed,
            () = stop => handed,
        }
    } else {
        closed.await
    }
}

impl<T: Transport> Remains<T> {
    /// Closes the connection. Bounded by `patience` where bytes are still to be delivered, else by [`LINGER`].
    /// Returns the plaintext handed to this side in all.
    pub(crate) async fn close(mut self, closing: Closing, patience: Duration, pass_cut_as: PassCutAs) -> u64 {
        match closing {
            Closing::Alert => {
                if self.outlet.flush(&self.transport).is_ok() && self.outlet.unsent.is_empty() {
                    finish_and_drain(&self.transport, self.outlet.state).await;
                }
            }
            Closing::Close => {
                let _ = with_buffers(|buffers| self.transport.try_read(&mut [IoSliceMut::new(&mut buffers.wire)]));
                self.transport.close_cleanly();
            }
            Closing::Deliver if pass_cut_as == PassCutAs::Fin => {
                finish_and_drain(&self.transport, self.outlet.state).await
            }
            Closing::Deliver => until_sent(&self.transport, patience).await,
            Closing::End => {
                if with_buffers(|buffers| self.end(buffers)) {
                    finish_and_drain(&self.transport, self.outlet.state).await;
                }
            }
            Closing::Reset => {}
            Closing::Settle => {
                if self.outlet.state == Writing::Shut {
                    finish_and_drain(&self.transport, self.outlet.state).await;
                }
            }
        }
        self.outlet.handed
    }

    /// Hands over what is owed and the mark of the end, as far as the socket takes it at once. True if it took all.
    fn end(&mut self, buffers: &mut Buffers) -> bool {
        if self.outlet.flush(&self.transport).is_err() {
            return false;
        }
        if self.outlet.state == Writing::Open {
            let owed = self.outlet.send(&self.transport, self.owed.rest(), &mut buffers.wire, &mut buffers.pieces);
            match owed {
                Ok(sent) => self.owed.advance(sent),
                // The key is spent: what it sealed is the stream, and its end can still be marked.
                Err(SendError::Codec(CodecError::KeyLimit)) => self.owed = LeftOver::default(),
                Err(SendError::Codec(CodecError::Broken(_)) | SendError::Socket(_)) => return false,
            }
            if !self.outlet.unsent.is_empty() || !self.owed.is_empty() {
                return false;
            }
            self.outlet.queue_end(buffers);
        }
        self.outlet.flush(&self.transport).is_ok() && self.outlet.unsent.is_empty()
    }
}

/// FIN, unless it is sent already; then reads on for a bounded while, because the kernel answers bytes that nobody
/// reads with a reset, which would take back what was just written; then closes.
///
/// Spec: RFC 9293 §3.6.1 (reset when unread data remain at close).
async fn finish_and_drain(transport: &impl Transport, state: Writing) {
    if state != Writing::Shut && transport.shut_write().is_err() {
        return;
    }
    let drained = async {
        let mut left = LINGER_BYTES;
        while left > 0 {
            let read = poll_fn(|cx| {
                with_buffers(|buffers| {
                    let room = buffers.wire.get_mut(..left).unwrap_or_default();
                    read_ready(cx, transport, &mut [IoSliceMut::new(room)])
                })
            });
            match read.await {
                Ok(0) | Err(_) => break,
                Ok(read) => left = left.saturating_sub(read),
            }
        }
    };
    let _ = timeout(LINGER, drained).await;
    transport.close_cleanly();
}

/// Waits until the kernel has sent what it has. No event tells that, so it is asked at growing intervals.
async fn until_sent(transport: &impl Transport, patience: Duration) {
    let deadline = later(Instant::now(), patience);
    let mut pause = SENT_PAUSE_MIN;
    transport.expect_no_more_writes();
    while !transport.all_sent() && Instant::now() < deadline {
        sleep(pause).await;
        pause = (pause * 2).min(SENT_PAUSE_MAX);
    }
}

/// How long a peer's bytes are still read after FIN: more than a round trip to a client on a bad link (docs/rules.md rule 8).
const LINGER: Duration = Duration::from_millis(500);
/// How many bytes are still read after FIN: one receive window of a peer that sends on (docs/rules.md rule 8).
const LINGER_BYTES: usize = 64 * 1024;

/// A peer that reads has taken all within a round trip; one that does not is waited for at next to no cost.
const SENT_PAUSE_MIN: Duration = Duration::from_millis(1);
/// Twenty questions a second cost nothing, and what is sent waits no longer than that to be closed.
const SENT_PAUSE_MAX: Duration = Duration::from_millis(50);
