//! Messages of LDAP over a stream: one request, one answer.

use std::io::{BufReader, ErrorKind, Write};

use ravelin_feeds::ldap::{self, Message, ReadProblem, Response, read_message};

use super::stream::{ControllerStream, is_late};
use crate::failure::{FetchFailure, FetchProblem};

/// StartTLS, before there is a conversation.
pub(super) fn start_tls(stream: &mut BufReader<ControllerStream>) -> Result<(), FetchProblem> {
    send(stream, &ldap::start_tls(1))?;
    let answer = read_bounded(stream, START_TLS_BYTES_MAX)?;
    match expect(&answer, 1)?.response {
        Response::Extended(result) if result.code == 0 => Ok(()),
        Response::Extended(result) => Err(FetchProblem::new(
            FetchFailure::Tls,
            format!("StartTLS is refused: result {}: {}", result.code, result.text),
        )),
        Response::Bind(_) | Response::Entry(_) | Response::Reference | Response::Done(_) => {
            Err(malformed("an answer to StartTLS that is none"))
        }
    }
}

/// Sends one request.
pub(super) fn send(stream: &mut BufReader<ControllerStream>, request: &[u8]) -> Result<(), FetchProblem> {
    let stream = stream.get_mut();
    stream.write_all(request).and_then(|()| stream.flush()).map_err(|error| io_problem(&error))
}

/// Reads one message.
pub(super) fn read(stream: &mut BufReader<ControllerStream>) -> Result<Vec<u8>, FetchProblem> {
    read_bounded(stream, MESSAGE_BYTES_MAX)
}

fn read_bounded(stream: &mut BufReader<ControllerStream>, most: usize) -> Result<Vec<u8>, FetchProblem> {
    read_message(stream, most).map_err(|problem| match problem {
        ReadProblem::Closed => {
            FetchProblem::new(FetchFailure::Unreachable, "it closed the connection before its answer was whole")
        }
        ReadProblem::Malformed(what) => malformed(what.0),
        ReadProblem::TooLarge(bytes) => {
            FetchProblem::new(FetchFailure::TooLarge, format!("a message of {bytes} bytes; at most {most} are taken"))
        }
        ReadProblem::Io(error) => io_problem(&error),
    })
}

/// The message, where it answers this question. One that answers nothing is the server's good-bye (RFC 4511 §4.4.1).
pub(super) fn expect(answer: &[u8], id: i32) -> Result<Message<'_>, FetchProblem> {
    let message = Message::read(answer).map_err(|what| malformed(what.0))?;
    match message {
        Message { id: 0, response: Response::Extended(result), .. } => Err(FetchProblem::new(
            FetchFailure::Unreachable,
            format!("it ends the connection: result {}: {}", result.code, result.text),
        )),
        message if message.id == id => Ok(message),
        _ => Err(malformed("an answer to a question that was not asked")),
    }
}

fn io_problem(error: &std::io::Error) -> FetchProblem {
    let kind = error.kind();
    if is_late(kind) {
        return FetchProblem::new(FetchFailure::Timeout, "it does not answer in time");
    }
    let failure = if kind == ErrorKind::InvalidData { FetchFailure::Tls } else { FetchFailure::Unreachable };
    FetchProblem::new(failure, format!("the connection broke: {error}"))
}

/// Something that is no LDAP.
pub(super) fn malformed(text: &str) -> FetchProblem {
    FetchProblem::new(FetchFailure::Malformed, format!("it does not speak LDAP: {text}"))
}

/// Some servers give all members of a group at once: half a million with names of a hundred bytes.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// A result and a text, before anybody has proved who they are.
const START_TLS_BYTES_MAX: usize = 16 * 1024;
