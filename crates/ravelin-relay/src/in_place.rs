//! From a side without records to one with: what is read is put where its records will lie, sealed there and written.
//! Nothing is copied in between, and nothing is left over but what the socket does not take.

use crate::buffers::{Buffers, READ_MAX};
use crate::codec::Frame;
use crate::ending::Ending;
use crate::inspect::{Direction, Inspect};
use crate::outlet::PIECE_MAX;
use crate::peer::{Peer, Reading};
use crate::step::{Step, cannot_seal, read_ready};
use crate::transport::Transport;
use crate::unsent::Piece;
use std::array;
use std::io::IoSliceMut;
use std::task::{Context, Poll};

/// How one read of `from` must lie in a buffer of `room` bytes for `to` to seal it there; `None` where the bytes have to
/// be copied anyway.
pub(crate) fn frame<T: Transport>(from: &Peer<'_, T>, to: &Peer<'_, T>, room: usize) -> Option<Frame> {
    let nothing_waits = from.inlet.received.is_empty() && from.outlet.codec.passes_through();
    let frame = nothing_waits.then(|| to.outlet.codec.frame(RECORDS)).flatten()?;
    (room >= RECORDS * stride(frame)).then_some(frame)
}

/// One read, sealed where it was put, and one write.
pub(crate) fn pass_on<T: Transport>(
    cx: &mut Context<'_>,
    (from, to): (&mut Peer<'_, T>, &mut Peer<'_, T>),
    frame: Frame,
    buffers: &mut Buffers,
    (inspector, direction): (&mut impl Inspect, Direction),
) -> Result<Step, Ending> {
    let mut rooms = rooms(&mut buffers.wire, frame);
    let mut unsealed = match read_ready(cx, from.transport, &mut rooms) {
        Poll::Pending => return Ok(Step::Waiting),
        Poll::Ready(Ok(0)) => {
            from.inlet.state = Reading::Shut;
            return Ok(Step::Moved);
        }
        Poll::Ready(Ok(read)) => read.min(READ_MAX),
        Poll::Ready(Err(error)) => return Err(from.failed(error)),
    };
    buffers.pieces.clear();
    let mut sealed = 0;
    for record in buffers.wire.chunks_mut(stride(frame)) {
        let plain = unsealed.min(PIECE_MAX);
        let record = record.get_mut(..frame.front + plain + frame.back).unwrap_or_default();
        inspector.inspect(direction, record.get(frame.front..frame.front + plain).unwrap_or_default());
        to.outlet.codec.seal_in_place(record).map_err(|error| cannot_seal(to, error))?;
        buffers.pieces.push(Piece::new(plain, record.len()));
        sealed += record.len();
        unsealed -= plain;
        if unsealed == 0 {
            break;
        }
    }
    let sealed = buffers.wire.get(..sealed).unwrap_or_default();
    to.outlet.write(to.transport, sealed, &mut buffers.pieces).map_err(|error| to.failed(error))?;
    Ok(Step::Moved)
}

/// Where the plaintext of each record goes; all together have room for [`READ_MAX`].
fn rooms(wire: &mut [u8], frame: Frame) -> [IoSliceMut<'_>; RECORDS] {
    let mut records = wire.chunks_mut(stride(frame));
    let mut left = READ_MAX;
    array::from_fn(|_| {
        let plain = left.min(PIECE_MAX);
        left -= plain;
        let record = records.next().unwrap_or_default();
        IoSliceMut::new(record.get_mut(frame.front..frame.front + plain).unwrap_or_default())
    })
}

/// From the start of one full record to that of the next.
fn stride(frame: Frame) -> usize {
    frame.front + PIECE_MAX + frame.back
}

/// As many full records as one read fills.
const RECORDS: usize = READ_MAX.div_ceil(PIECE_MAX);
