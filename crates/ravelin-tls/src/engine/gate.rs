//! Stands in front of an engine that parses certificates: reads the peer's plaintext handshake records (TLS 1.2 and
//! older) as far as its Certificate message, and lets nothing of that message through before somebody has judged it.
//!
//! Sans-I/O. The result does not depend on how the bytes are cut, into segments or into records.

use rustls::pki_types::CertificateDer;

use super::judging::CERTIFICATES_MAX;
use crate::alert::Alert;
use crate::connection::{ALERT, HANDSHAKE, NextRecord, RECORD_HEADER_BYTES, front_record};
use crate::wire::HANDSHAKE_INPUT_BYTES_MAX;

/// Which side the peer is on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum GatePeer {
    Client,
    Server,
}

/// The scanner.
pub(crate) struct CertificateGate {
    peer: GatePeer,
    stage: GateStage,
    /// Pushed and not yet looked at: less than a record.
    partial: Vec<u8>,
    /// The handshake messages as far as they are there.
    messages: Vec<u8>,
    /// Looked at and held back.
    held: Vec<u8>,
    /// May go on to the engine.
    passed: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum GateStage {
    Hello,
    Certificate,
    /// The chain was handed out; the engine must not have it yet.
    Judging,
    Open,
}

/// A peer's certificate chain as it was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum PresentedList {
    /// Nothing of it has been parsed.
    List(Vec<CertificateDer<'static>>),
    /// More certificates than are looked at; not copied.
    TooMany(usize),
    /// Longer than a handshake may be; not waited for.
    TooLong(usize),
}

/// Bytes that no peer sends here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct UnexpectedBytes {
    pub(crate) alert: Alert,
    pub(crate) what: &'static str,
}

impl CertificateGate {
    pub(crate) fn new(peer: GatePeer) -> CertificateGate {
        CertificateGate {
            peer,
            stage: GateStage::Hello,
            partial: Vec::new(),
            messages: Vec::new(),
            held: Vec::new(),
            passed: Vec::new(),
        }
    }

    /// Takes the next bytes from the socket. A chain is handed out once; then nothing more passes before
    /// [`CertificateGate::open`].
    ///
    /// # Errors
    /// What no peer sends before its Certificate message. Push no more.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<PresentedList>, UnexpectedBytes> {
        if self.stage == GateStage::Open {
            self.passed.extend_from_slice(bytes);
            return Ok(None);
        }
        self.partial.extend_from_slice(bytes);
        if self.stage == GateStage::Judging {
            return Ok(None);
        }
        loop {
            let (kind, total_bytes) = match front_record(&self.partial) {
                NextRecord::Partial => return Ok(None),
                NextRecord::Whole(record) => (record.kind, record.total_bytes),
                NextRecord::NoRecord => {
                    return Err(UnexpectedBytes {
                        alert: Alert::UNEXPECTED_MESSAGE,
                        what: "something that is no TLS record",
                    });
                }
            };
            let record: Vec<u8> = self.partial.drain(..total_bytes).collect();
            let body = record.get(RECORD_HEADER_BYTES..).unwrap_or_default();
            match kind {
                HANDSHAKE if body.is_empty() => {
                    return Err(UnexpectedBytes {
                        alert: Alert::UNEXPECTED_MESSAGE,
                        what: "an empty handshake record",
                    });
                }
                HANDSHAKE => self.messages.extend_from_slice(body),
                // The engine reports it; what it belongs to goes first.
                ALERT => {
                    self.held.extend_from_slice(&record);
                    self.passed.append(&mut self.held);
                    continue;
                }
                _ => {
                    let what = "a record that is neither handshake nor alert before the Certificate message";
                    return Err(UnexpectedBytes { alert: Alert::UNEXPECTED_MESSAGE, what });
                }
            }
            self.held.extend_from_slice(&record);
            if let Some(presented) = self.read_messages()? {
                self.stage = GateStage::Judging;
                return Ok(Some(presented));
            }
        }
    }

    /// The chain was permitted: it, and all that follows, goes on.
    pub(crate) fn open(&mut self) {
        if self.stage == GateStage::Judging {
            self.stage = GateStage::Open;
            self.messages = Vec::new();
            self.passed.append(&mut self.held);
            self.passed.append(&mut self.partial);
        }
    }

    /// What may go on to the engine.
    pub(crate) fn take_passed(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.passed)
    }

    fn read_messages(&mut self) -> Result<Option<PresentedList>, UnexpectedBytes> {
        loop {
            let Some((&[kind, a, b, c], body)) = self.messages.split_first_chunk::<MESSAGE_HEADER_BYTES>() else {
                return self.check_kind(self.messages.first().copied()).map(|()| None);
            };
            self.check_kind(Some(kind))?;
            let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
            if length > HANDSHAKE_INPUT_BYTES_MAX {
                if self.stage == GateStage::Certificate {
                    return Ok(Some(PresentedList::TooLong(length)));
                }
                return Err(UnexpectedBytes { alert: Alert::DECODE_ERROR, what: "a hello that is too long" });
            }
            let Some((body, rest)) = body.split_at_checked(length) else { return Ok(None) };
            if self.stage == GateStage::Certificate {
                return read_list(body).map(Some);
            }
            if self.peer == GatePeer::Client {
                if !rest.is_empty() {
                    // A client waits for the answer to its hello; nor would the engine get the one without the other.
                    let what = "a message behind the ClientHello in its record";
                    return Err(UnexpectedBytes { alert: Alert::UNEXPECTED_MESSAGE, what });
                }
                self.passed.append(&mut self.held);
            }
            self.stage = GateStage::Certificate;
            self.messages.drain(..MESSAGE_HEADER_BYTES + length);
        }
    }

    /// No message but the one that is due.
    fn check_kind(&self, kind: Option<u8>) -> Result<(), UnexpectedBytes> {
        let due = match (self.stage, self.peer) {
            (GateStage::Hello, GatePeer::Client) => CLIENT_HELLO,
            (GateStage::Hello, GatePeer::Server) => SERVER_HELLO,
            (GateStage::Certificate | GateStage::Judging | GateStage::Open, _) => CERTIFICATE,
        };
        if kind.is_some_and(|kind| kind != due) {
            let what = "a handshake message other than the one that is due";
            return Err(UnexpectedBytes { alert: Alert::UNEXPECTED_MESSAGE, what });
        }
        Ok(())
    }
}

/// The body of a Certificate message (RFC 5246 §7.4.2): every length exact, no entry empty.
fn read_list(body: &[u8]) -> Result<PresentedList, UnexpectedBytes> {
    let malformed = UnexpectedBytes { alert: Alert::DECODE_ERROR, what: "a malformed Certificate message" };
    let (mut rest, behind) = prefixed_u24(body).ok_or(malformed)?;
    if !behind.is_empty() {
        return Err(malformed);
    }
    let mut list = Vec::new();
    let mut count = 0;
    while !rest.is_empty() {
        let (certificate, behind) = prefixed_u24(rest).ok_or(malformed)?;
        if certificate.is_empty() {
            return Err(malformed);
        }
        count += 1;
        if count <= CERTIFICATES_MAX {
            list.push(CertificateDer::from(certificate.to_vec()));
        }
        rest = behind;
    }
    Ok(if count > CERTIFICATES_MAX { PresentedList::TooMany(count) } else { PresentedList::List(list) })
}

fn prefixed_u24(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[a, b, c], rest) = bytes.split_first_chunk::<3>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?)
}

/// Type and length of a handshake message (RFC 8446 §4).
const MESSAGE_HEADER_BYTES: usize = 4;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;

#[cfg(test)]
mod tests;
