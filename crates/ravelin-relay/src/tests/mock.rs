//! A transport that cuts reads and writes wherever a test wants.

use crate::transport::{Transport, Watch};
use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What the next read finds.
#[derive(Clone, Debug)]
pub(crate) enum Arrival {
    Bytes(Vec<u8>),
    Fin,
    /// Nothing yet: the reader has to wait once.
    Gap,
    /// The socket says it is readable and is not.
    FalseAlarm,
    Reset,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) incoming: VecDeque<Arrival>,
    /// How much each write in turn takes, over and over; 0: it takes nothing, and the writer has to wait once. Empty:
    /// everything.
    pub(crate) takes: Vec<usize>,
    /// Writes take nothing, and nobody is woken.
    pub(crate) stalled: bool,
    pub(crate) written: Vec<u8>,
    pub(crate) shut: bool,
    pub(crate) closed_cleanly: bool,
    pub(crate) reads: usize,
    turn: usize,
    full: bool,
    reader: Option<Waker>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Mock(Arc<Mutex<State>>);

impl Mock {
    pub(crate) fn new(incoming: impl IntoIterator<Item = Arrival>, takes: &[usize]) -> Self {
        assert!(takes.is_empty() || takes.iter().any(|&take| take > 0), "a socket that never takes anything");
        let state = State { incoming: incoming.into_iter().collect(), takes: takes.to_vec(), ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.0.lock().unwrap())
    }

    pub(crate) fn arrive(&self, arrival: Arrival) {
        let reader = self.with(|state| {
            state.incoming.push_back(arrival);
            state.reader.take()
        });
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Transport for Mock {
    fn prepare(&self) {}

    fn try_read(&self, rooms: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.with(|state| {
            state.reads += 1;
            match state.incoming.pop_front() {
                Some(Arrival::Bytes(mut bytes)) => {
                    let mut read = 0;
                    for room in rooms {
                        let rest = bytes.split_off(bytes.len().min(room.len()));
                        room[..bytes.len()].copy_from_slice(&bytes);
                        read += bytes.len();
                        bytes = rest;
                    }
                    if !bytes.is_empty() {
                        state.incoming.push_front(Arrival::Bytes(bytes));
                    }
                    Ok(read)
                }
                Some(Arrival::Fin) => {
                    state.incoming.push_front(Arrival::Fin);
                    Ok(0)
                }
                Some(Arrival::Reset) => Err(io::ErrorKind::ConnectionReset.into()),
                Some(Arrival::FalseAlarm) | None => Err(io::ErrorKind::WouldBlock.into()),
                Some(Arrival::Gap) => {
                    state.incoming.push_front(Arrival::Gap);
                    Err(io::ErrorKind::WouldBlock.into())
                }
            }
        })
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|state| {
            assert!(!state.shut, "a write after FIN");
            if state.stalled {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let take = match state.takes.get(state.turn % state.takes.len().max(1)) {
                Some(&take) => take.min(bytes.len()),
                None => bytes.len(),
            };
            state.turn += 1;
            state.full = take < bytes.len();
            state.written.extend_from_slice(&bytes[..take]);
            if take == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(take) }
        })
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|state| match state.incoming.front() {
            Some(Arrival::Gap) => {
                state.incoming.pop_front();
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(_) => Poll::Ready(Ok(())),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        })
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|state| {
            if state.stalled {
                return Poll::Pending;
            }
            if std::mem::take(&mut state.full) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Ok(()))
        })
    }

    fn broken(&self) -> Watch<'_> {
        Box::pin(std::future::pending())
    }

    fn shut_write(&self) -> io::Result<()> {
        self.with(|state| state.shut = true);
        Ok(())
    }

    fn close_cleanly(&self) {
        self.with(|state| state.closed_cleanly = true);
    }

    fn expect_no_more_writes(&self) {}

    fn all_sent(&self) -> bool {
        true
    }
}
