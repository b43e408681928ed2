//! One side of a running tunnel.

use crate::codec::Codec;
use crate::ending::{Ending, Party};
use crate::outlet::{Outlet, Writing};
use crate::transport::{Transport, Watch};
use std::task::{Context, Poll};

/// One side: what came from it and is not passed on yet, and its [`Outlet`]. Idle, it holds no buffer.
pub(crate) struct Peer<'t, T> {
    pub(crate) party: Party,
    pub(crate) transport: &'t T,
    pub(crate) outlet: Outlet,
    pub(crate) inlet: Inlet,
    watch: Option<Watch<'t>>,
}

/// The reading half of one side.
pub(crate) struct Inlet {
    /// From the socket, not opened yet.
    pub(crate) received: Vec<u8>,
    /// `received` may hold whole records, so that opening it need not wait for the socket.
    pub(crate) received_is_ripe: bool,
    /// LeftOver, not sealed for the other side yet.
    pub(crate) opened: LeftOver,
    pub(crate) state: Reading,
}

/// How far the reading half has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reading {
    Open,
    /// The end was marked; what may still come up to FIN is thrown away, so far this many bytes.
    Ended {
        discarded: usize,
    },
    /// Nothing will be read any more.
    Shut,
}

/// Plaintext that the other side has not taken yet. Empty, it holds no memory.
#[derive(Debug, Default)]
pub(crate) struct LeftOver {
    bytes: Vec<u8>,
    done: usize,
}

impl LeftOver {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, done: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.done..).unwrap_or_default()
    }

    pub(crate) fn advance(&mut self, count: usize) {
        self.done += count;
        if self.done >= self.bytes.len() {
            *self = Self::default();
        }
    }

    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

impl<'t, T: Transport> Peer<'t, T> {
    pub(crate) fn new(
        party: Party,
        transport: &'t T,
        codec: Box<dyn Codec>,
        received: Vec<u8>,
        opened: Vec<u8>,
    ) -> Self {
        let received_is_ripe = !received.is_empty();
        let inlet = Inlet { received, received_is_ripe, opened: LeftOver::new(opened), state: Reading::Open };
        Self { party, transport, outlet: Outlet::new(codec), inlet, watch: None }
    }

    /// Writes what is unsent. While that is stalled, the task is woken when the socket takes more.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) -> Result<Flushed, Ending> {
        let mut moved = false;
        while !self.outlet.unsent.is_empty() {
            moved |= self.outlet.flush(self.transport).map_err(|error| self.failed(error))?;
            if self.outlet.unsent.is_empty() {
                break;
            }
            match self.transport.poll_writable(cx) {
                Poll::Pending => return Ok(Flushed { moved, stalled: true }),
                Poll::Ready(ready) => ready.map_err(|error| self.failed(error))?,
            }
        }
        if self.outlet.state == Writing::Ending {
            self.transport.shut_write().map_err(|error| self.failed(error))?;
            self.outlet.state = Writing::Shut;
            moved = true;
        }
        Ok(Flushed { moved, stalled: false })
    }

    /// Wakes the task when the connection breaks although nobody reads it: without this, a client that is gone would
    /// be noticed only when the stalled server behind it moves again.
    pub(crate) fn watch(&mut self, cx: &mut Context<'_>) -> Result<(), Ending> {
        let watch = self.watch.get_or_insert_with(|| self.transport.broken());
        match watch.as_mut().poll(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(error) => {
                self.watch = None;
                Err(self.failed(error))
            }
        }
    }

    /// The socket is read again, and tells by itself.
    pub(crate) fn unwatch(&mut self) {
        self.watch = None;
    }

    /// How this side's broken connection ends the tunnel.
    pub(crate) fn failed(&self, error: std::io::Error) -> Ending {
        match self.inlet.state {
            Reading::Open => Ending::Failed(self.party, error),
            Reading::Ended { .. } | Reading::Shut => Ending::Withdrew(self.party),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.inlet.state != Reading::Open && self.outlet.state == Writing::Shut
    }
}

/// What [`Peer::flush`] did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flushed {
    pub(crate) moved: bool,
    pub(crate) stalled: bool,
}
