//! The hot loop: one read, open, seal, one write. No wait in between, and no buffer kept but what was left over.

use crate::buffers::{Buffers, READ_MAX, RECORD_ROOM};
use crate::codec::{CodecError, OpenProgress as Progress};
use crate::ending::{Ending, Party};
use crate::in_place;
use crate::inspect::{Direction, Inspect};
use crate::outlet::{OUT_OF_BOUNDS, Writing};
use crate::peer::{Peer, Reading};
use crate::step::{Step, cannot_send, read_ready};
use crate::transport::Transport;
use std::io::IoSliceMut;
use std::task::{Context, Poll};

/// Carries `from`'s bytes to `to`, one read's worth.
///
/// - What `to` has not taken yet goes first, and until it is gone nothing is read from `from`: a stalled side holds
///   one buffer's worth, and TCP tells the sender.
/// - `from`'s clean end is passed on when all before it is handed over.
/// - A connection that breaks while it is not read is noticed all the same.
pub(crate) fn advance<T: Transport>(
    cx: &mut Context<'_>,
    from: &mut Peer<'_, T>,
    to: &mut Peer<'_, T>,
    buffers: &mut Buffers,
    inspector: &mut impl Inspect,
) -> Result<Step, Ending> {
    let flushed = to.flush(cx)?;
    if flushed.stalled {
        from.watch(cx)?;
        return Ok(if flushed.moved { Step::Moved } else { Step::Waiting });
    }
    let step = if !from.inlet.opened.is_empty() {
        pass_on_left_over(from, to, buffers)?;
        Step::Moved
    } else {
        match from.inlet.state {
            Reading::Open => pass_on_read(cx, from, to, buffers, inspector)?,
            Reading::Ended { .. } | Reading::Shut if to.outlet.state == Writing::Open => {
                to.outlet.queue_end(buffers);
                Step::Moved
            }
            Reading::Ended { discarded } => discard(cx, from, buffers, discarded)?,
            Reading::Shut => {
                from.watch(cx)?;
                Step::Waiting
            }
        }
    };
    Ok(if flushed.moved { Step::Moved } else { step })
}

/// Plaintext that was opened earlier, when `to` took no more.
fn pass_on_left_over<T: Transport>(
    from: &mut Peer<'_, T>,
    to: &mut Peer<'_, T>,
    buffers: &mut Buffers,
) -> Result<(), Ending> {
    let rest = from.inlet.opened.rest();
    let sent = to.outlet.send(to.transport, rest, &mut buffers.wire, &mut buffers.pieces);
    from.inlet.opened.advance(sent.map_err(|error| cannot_send(to, error))?);
    Ok(())
}

/// One read and all that follows from it.
fn pass_on_read<T: Transport>(
    cx: &mut Context<'_>,
    from: &mut Peer<'_, T>,
    to: &mut Peer<'_, T>,
    buffers: &mut Buffers,
    inspector: &mut impl Inspect,
) -> Result<Step, Ending> {
    if from.outlet.unsent.reply_bytes() > REPLY_BYTES_MAX {
        // The other direction's flush wakes the task when they are gone.
        from.watch(cx)?;
        return Ok(Step::Waiting);
    }
    from.unwatch();
    let direction = match from.party {
        Party::Client => Direction::ToServer,
        Party::Server => Direction::ToClient,
    };
    if let Some(frame) = in_place::frame(from, to, buffers.wire.len()) {
        return in_place::pass_on(cx, (from, to), frame, buffers, (inspector, direction));
    }
    // Nothing to open: read to where the plaintext is wanted.
    let as_it_is = from.outlet.codec.passes_through();
    let room: &mut [u8] = if as_it_is { &mut buffers.plaintext } else { &mut buffers.wire };
    let filled = match fill(cx, from, room)? {
        Filled::Bytes(filled) => filled,
        Filled::Fin if from.outlet.codec.marks_end() => return Err(Ending::Cut(from.party)),
        Filled::Fin => {
            from.inlet.state = Reading::Shut;
            return Ok(Step::Moved);
        }
        Filled::Nothing => return Ok(Step::Waiting),
    };
    let produced = if as_it_is {
        let rest = from.inlet.received.get(filled.kept..).unwrap_or_default();
        (from.inlet.received_is_ripe, from.inlet.received) = (!rest.is_empty(), rest.to_vec());
        filled.filled
    } else {
        open(from, buffers, filled)?
    };
    let plaintext = buffers.plaintext.get(..produced).unwrap_or_default();
    inspector.inspect(direction, plaintext);
    let sent = to.outlet.send(to.transport, plaintext, &mut buffers.wire, &mut buffers.pieces);
    let sent = sent.map_err(|error| cannot_send(to, error))?;
    if let Some(rest) = plaintext.get(sent..).filter(|rest| !rest.is_empty()) {
        from.inlet.opened = crate::peer::LeftOver::new(rest.to_vec());
    }
    Ok(Step::Moved)
}

/// What is in the buffer to be opened.
enum Filled {
    /// This many bytes, of which the first `kept` are copies of the front of `received`.
    Bytes(Bytes),
    Fin,
    Nothing,
}

#[derive(Clone, Copy)]
struct Bytes {
    kept: usize,
    filled: usize,
}

/// Puts what was left over into the buffer, and behind it, unless that is enough to go on with, what the socket has.
fn fill<T: Transport>(cx: &mut Context<'_>, from: &mut Peer<'_, T>, wire: &mut [u8]) -> Result<Filled, Ending> {
    let received = &from.inlet.received;
    let kept = received.len().min(READ_MAX);
    let mut read = 0;
    if !from.inlet.received_is_ripe {
        let Some(room) = wire.get_mut(kept..READ_MAX).filter(|room| !room.is_empty()) else {
            return Err(Ending::broken(from.party, RECORD_TOO_LONG, false));
        };
        read = match read_ready(cx, from.transport, &mut [IoSliceMut::new(room)]) {
            Poll::Pending => return Ok(Filled::Nothing),
            Poll::Ready(Ok(0)) => return Ok(Filled::Fin),
            Poll::Ready(Ok(read)) => read,
            Poll::Ready(Err(error)) => return Err(from.failed(error)),
        };
    }
    if let (Some(front), Some(received)) = (wire.get_mut(..kept), received.get(..kept)) {
        front.copy_from_slice(received);
    }
    Ok(Filled::Bytes(Bytes { kept, filled: kept + read }))
}

/// Opens what is in the wire buffer into the plaintext buffer, and keeps the partial record at its end. Returns the
/// length of the plaintext.
fn open<T: Transport>(from: &mut Peer<'_, T>, buffers: &mut Buffers, bytes: Bytes) -> Result<usize, Ending> {
    let Bytes { kept, filled } = bytes;
    let mut done = Progress::default();
    // Until it makes no progress: a codec may stop at a record for a reason that it tells only when asked again.
    loop {
        let progress = open_once(from, buffers, filled, done)?;
        done.consumed += progress.consumed;
        done.produced += progress.produced;
        if progress.ended {
            from.inlet.state = Reading::Ended { discarded: 0 };
            from.inlet.received = Vec::new();
            return Ok(done.produced);
        }
        if progress.consumed == 0 || done.consumed == filled {
            break;
        }
    }
    if done.consumed == 0 && filled >= READ_MAX {
        return Err(Ending::broken(from.party, RECORD_TOO_LONG, false));
    }
    let more_received = from.inlet.received.len() > kept;
    let room_was_short = buffers.plaintext.len() - done.produced < RECORD_ROOM;
    from.inlet.received = if more_received {
        from.inlet.received.get(done.consumed..).unwrap_or_default().to_vec()
    } else {
        buffers.wire.get(done.consumed..filled).unwrap_or_default().to_vec()
    };
    from.inlet.received_is_ripe =
        done.consumed > 0 && !from.inlet.received.is_empty() && (more_received || room_was_short);
    Ok(done.produced)
}

fn open_once<T: Transport>(
    from: &mut Peer<'_, T>,
    buffers: &mut Buffers,
    filled: usize,
    done: Progress,
) -> Result<Progress, Ending> {
    let input = buffers.wire.get_mut(done.consumed..filled).unwrap_or_default();
    let room = buffers.plaintext.get_mut(done.produced..).unwrap_or_default();
    let (input_len, room_len) = (input.len(), room.len());
    buffers.reply.clear();
    let opened = from.outlet.codec.open(input, room, &mut buffers.reply);
    // Nothing may follow the mark of the end that this side was sent, no answer and no alert.
    let answers = from.outlet.state == Writing::Open && !buffers.reply.is_empty();
    if answers {
        from.outlet.unsent.queue_reply(&buffers.reply);
    }
    match opened {
        Ok(progress) if progress.consumed > input_len || progress.produced > room_len => {
            Err(Ending::broken(from.party, OUT_OF_BOUNDS, false))
        }
        Ok(progress) if progress.produced > 0 && progress.consumed == 0 => {
            Err(Ending::broken(from.party, OUT_OF_NOTHING, false))
        }
        Ok(progress) => Ok(progress),
        Err(CodecError::Broken(what)) => Err(Ending::broken(from.party, what, answers)),
        Err(CodecError::KeyLimit) => Err(Ending::KeyLimit),
    }
}

/// After the mark of the end: what still comes is ignored (RFC 8446 §6.1), but FIN and reset are wanted.
fn discard<T: Transport>(
    cx: &mut Context<'_>,
    from: &mut Peer<'_, T>,
    buffers: &mut Buffers,
    mut discarded: usize,
) -> Result<Step, Ending> {
    from.unwatch();
    while discarded < DISCARDED_MAX {
        match read_ready(cx, from.transport, &mut [IoSliceMut::new(&mut buffers.wire)]) {
            Poll::Pending => {
                from.inlet.state = Reading::Ended { discarded };
                return Ok(Step::Waiting);
            }
            Poll::Ready(Ok(0)) => break,
            Poll::Ready(Ok(read)) => discarded += read,
            Poll::Ready(Err(error)) => return Err(from.failed(error)),
        }
    }
    from.inlet.state = Reading::Shut;
    from.watch(cx)?;
    Ok(Step::Waiting)
}

/// Answers of the protocol that may wait for a side that does not read: a hundred key updates. Then the side that
/// asks for them is not read either, so that asking cannot fill memory.
const REPLY_BYTES_MAX: usize = 4 * 1024;

/// What may follow the mark of an end before nobody reads it any more: as much as is read after a FIN of ours.
const DISCARDED_MAX: usize = 64 * 1024;

const OUT_OF_NOTHING: &str = "the codec made plaintext of no bytes";
const RECORD_TOO_LONG: &str = "a record longer than any may be";
