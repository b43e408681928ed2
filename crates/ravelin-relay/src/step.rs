//! One step of one direction: what it came to, and what its reads and writes may fail with.

use crate::codec::CodecError;
use crate::ending::Ending;
use crate::outlet::SendError;
use crate::peer::Peer;
use crate::transport::Transport;
use std::io::{self, IoSliceMut};
use std::task::{Context, Poll};

/// What one step of one direction came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// Bytes moved, or a side's end was passed on; there may be more to do.
    Moved,
    /// Nothing to do until the task is woken.
    Waiting,
}

/// One read when the socket has something; otherwise the task is woken when it has.
pub(crate) fn read_ready<T: Transport>(
    cx: &mut Context<'_>,
    transport: &T,
    rooms: &mut [IoSliceMut<'_>],
) -> Poll<io::Result<usize>> {
    loop {
        match transport.poll_readable(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
        }
        match transport.try_read(rooms) {
            // The readiness was a false alarm; asking again either waits or finds a new one.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            outcome => return Poll::Ready(outcome),
        }
    }
}

/// What it means that bytes could not be sent to a side.
pub(crate) fn cannot_send<T: Transport>(to: &Peer<'_, T>, error: SendError) -> Ending {
    match error {
        SendError::Codec(error) => cannot_seal(to, error),
        SendError::Socket(error) => to.failed(error),
    }
}

/// What it means that a codec could not seal bytes for a side.
pub(crate) fn cannot_seal<T: Transport>(to: &Peer<'_, T>, error: CodecError) -> Ending {
    match error {
        CodecError::KeyLimit => Ending::KeyLimit,
        CodecError::Broken(what) => Ending::broken(to.party, what, false),
    }
}
