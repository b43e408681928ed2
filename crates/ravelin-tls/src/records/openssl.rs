//! One TLS connection of OpenSSL's without its socket: bytes in, bytes out.

use std::io::{self, Read, Write};

use openssl::ssl::{ErrorCode, Ssl, SslRef, SslStream, SslVersion};

use super::types::{OpenedRecords, RECORD_PLAINTEXT_BYTES_MAX, RecordsError, SealedRecords};
use crate::connection::{APPLICATION_DATA, HANDSHAKE, NextRecord, RECORD_HEADER_BYTES, RecordHeader, front_record};
use crate::openssl_library::OpenSslError;
use crate::suites::{self, Overhead, Suite};

/// Handshake first, then records.
pub(crate) struct OpenSslConnection {
    stream: SslStream<MemorySocket>,
    overhead: Overhead,
}

/// What OpenSSL takes for a socket.
#[derive(Default)]
struct MemorySocket {
    input: Vec<u8>,
    /// How much of `input` was read.
    at: usize,
    output: Vec<u8>,
}

/// How far a handshake came.
pub(crate) enum OpenSslStep {
    Done,
    NeedMore,
    /// What is to be sent to the peer is in the output.
    Broken(OpenSslError),
}

/// What a handshake agreed on.
pub(crate) struct AgreedSuite {
    /// `TLSv1.0` to `TLSv1.2`.
    pub(crate) version: &'static str,
    pub(crate) suite: &'static Suite,
}

impl OpenSslConnection {
    /// `ssl` knows which side it is on.
    pub(crate) fn new(ssl: Ssl) -> Result<OpenSslConnection, OpenSslError> {
        // Until the suite is known nothing is sealed or opened.
        let overhead = Overhead { min: 0, max: 0 };
        let stream = SslStream::new(ssl, MemorySocket::default())?;
        Ok(OpenSslConnection { stream, overhead })
    }

    pub(crate) fn ssl(&self) -> &SslRef {
        self.stream.ssl()
    }

    /// Hands bytes of the handshake in.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.stream.get_mut().input.extend_from_slice(bytes);
    }

    /// Does what can be done with what was handed in.
    pub(crate) fn advance(&mut self) -> OpenSslStep {
        match self.stream.do_handshake() {
            Ok(()) => OpenSslStep::Done,
            Err(error) if error.code() == ErrorCode::WANT_READ => OpenSslStep::NeedMore,
            Err(error) => OpenSslStep::Broken(error.into()),
        }
    }

    /// What is to be sent.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.stream.get_mut().output)
    }

    /// Ends the handshake: what was agreed, and what was handed in and not read.
    pub(crate) fn established(&mut self) -> Option<(AgreedSuite, Vec<u8>)> {
        let code = self.ssl().current_cipher().map(|cipher| u16::from_be_bytes(cipher.protocol_id()))?;
        let suite = suites::find(code)?;
        let version = self.ssl().version2()?;
        let version = VERSIONS.iter().find(|(known, _, _)| *known == version)?.2;
        self.overhead = suite.overhead;
        let pipe = self.stream.get_mut();
        let rest = pipe.input.split_off(pipe.at);
        *pipe = MemorySocket { output: std::mem::take(&mut pipe.output), ..MemorySocket::default() };
        Some((AgreedSuite { version, suite }, rest))
    }

    /// The version agreed on so far, as records carry it.
    pub(crate) fn version_code(&self) -> Option<u16> {
        let version = self.ssl().version2()?;
        VERSIONS.iter().find(|(known, _, _)| *known == version).map(|(_, code, _)| *code)
    }

    /// The certificate whose key the peer has proved to hold. None before the handshake is finished: OpenSSL knows the
    /// certificate earlier, and verifies the proof later.
    pub(crate) fn proven_certificate(&self) -> Option<Vec<u8>> {
        let ssl = self.ssl();
        if !ssl.is_init_finished() {
            return None;
        }
        ssl.peer_certificate()?.to_der().ok()
    }

    /// The most that sealing adds to the body of a record.
    pub(crate) fn overhead(&self) -> usize {
        self.overhead.max
    }

    /// See `Records::open`.
    pub(crate) fn open(
        &mut self,
        input: &[u8],
        plaintext: &mut [u8],
        reply: &mut Vec<u8>,
    ) -> Result<OpenedRecords, RecordsError> {
        let mut opened = OpenedRecords::default();
        let result = self.open_records(input, plaintext, &mut opened);
        let pipe = self.stream.get_mut();
        reply.append(&mut pipe.output);
        // An idle tunnel holds no buffers.
        *pipe = MemorySocket::default();
        result.map(|()| opened)
    }

    fn open_records(
        &mut self,
        input: &[u8],
        plaintext: &mut [u8],
        opened: &mut OpenedRecords,
    ) -> Result<(), RecordsError> {
        while !opened.ended {
            let rest = input.get(opened.consumed..).unwrap_or_default();
            let (shown, kind) = match front_record(rest) {
                NextRecord::Partial => return Ok(()),
                NextRecord::Whole(record) if self.needs(record) > plaintext.len() - opened.produced => return Ok(()),
                NextRecord::Whole(record) => (record.total_bytes, Some(record.kind)),
                // The engine reports what is wrong.
                NextRecord::NoRecord => (rest.len(), None),
            };
            let pipe = self.stream.get_mut();
            pipe.input.clear();
            pipe.at = 0;
            pipe.input.extend_from_slice(rest.get(..shown).unwrap_or_default());
            self.open_record(plaintext, opened)?;
            if kind == Some(HANDSHAKE) {
                // The engine has refused by a warning, and would go on.
                return Err(RecordsError::Broken("tried to renegotiate".to_owned()));
            }
            opened.consumed += shown;
        }
        Ok(())
    }

    fn open_record(&mut self, plaintext: &mut [u8], opened: &mut OpenedRecords) -> Result<(), RecordsError> {
        loop {
            let room = plaintext.get_mut(opened.produced..).unwrap_or_default();
            // A record without plaintext is read by asking for some.
            let mut none = [0];
            let (room, is_room) = if room.is_empty() { (&mut none[..], false) } else { (room, true) };
            match self.stream.ssl_read(room) {
                Ok(produced) if is_room => opened.produced += produced,
                Ok(_) => return Err(RecordsError::Broken("a record held more than its length allows".to_owned())),
                Err(error) if error.code() == ErrorCode::WANT_READ => return Ok(()),
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => {
                    opened.ended = true;
                    return Ok(());
                }
                Err(error) => return Err(broken(error.into())),
            }
        }
    }

    /// The plaintext room that a record can need.
    fn needs(&self, record: RecordHeader) -> usize {
        let body = record.total_bytes - RECORD_HEADER_BYTES;
        match record.kind {
            APPLICATION_DATA => body.saturating_sub(self.overhead.min).min(RECORD_PLAINTEXT_BYTES_MAX),
            _ => 0,
        }
    }

    /// See `Records::seal`.
    pub(crate) fn seal(&mut self, plaintext: &[u8], output: &mut [u8]) -> Result<SealedRecords, RecordsError> {
        let mut sealed = SealedRecords::default();
        let result = self.seal_records(plaintext, output, &mut sealed);
        self.stream.get_mut().output = Vec::new();
        result.map(|()| sealed)
    }

    fn seal_records(
        &mut self,
        plaintext: &[u8],
        output: &mut [u8],
        sealed: &mut SealedRecords,
    ) -> Result<(), RecordsError> {
        loop {
            let rest = plaintext.get(sealed.consumed..).unwrap_or_default();
            let room = output.get_mut(sealed.produced..).unwrap_or_default();
            let fits = room.len().saturating_sub(RECORD_HEADER_BYTES + self.overhead.max);
            let wanted = rest.len().min(RECORD_PLAINTEXT_BYTES_MAX);
            // A record is cut short for want of room only where nothing would move otherwise.
            let length = if fits >= wanted || sealed.produced == 0 { wanted.min(fits) } else { 0 };
            let Some(piece) = rest.get(..length).filter(|piece| !piece.is_empty()) else { return Ok(()) };
            self.stream.get_mut().output.clear();
            let written = self.stream.ssl_write(piece).map_err(|error| broken(error.into()))?;
            let record = &self.stream.get_ref().output;
            let Some(room) = room.get_mut(..record.len()) else {
                return Err(RecordsError::Broken("a record was longer than its suite allows".to_owned()));
            };
            room.copy_from_slice(record);
            sealed.consumed += written;
            sealed.produced += record.len();
        }
    }

    /// Appends close_notify, once.
    pub(crate) fn seal_end(&mut self, output: &mut Vec<u8>) {
        // Whether the peer has sent its own makes no difference here.
        let _ = self.stream.shutdown();
        output.append(&mut self.take_output());
    }
}

impl Read for MemorySocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.at += length;
        Ok(length)
    }
}

impl Write for MemorySocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn broken(error: OpenSslError) -> RecordsError {
    RecordsError::Broken(error.to_string())
}

const VERSIONS: &[(SslVersion, u16, &str)] = &[
    (SslVersion::TLS1, 0x0301, "TLSv1.0"),
    (SslVersion::TLS1_1, 0x0302, "TLSv1.1"),
    (SslVersion::TLS1_2, 0x0303, "TLSv1.2"),
];
