//! Records after a handshake of rustls: what may come, what is answered, and when keys are renewed.

use rustls::SupportedCipherSuite;
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::{ConnectionTrafficSecrets, Error, ExtractedSecrets};

use super::cipher::{Algorithm, Cipher};
use super::protection::{NotOpened, Protection, RecordContent, RecordShape};
use super::secrets::{TrafficSecret, TrafficSecrets};
use super::types::{OpenedRecords, RECORD_PLAINTEXT_BYTES_MAX, RecordFrame, RecordsError, SealedRecords};
use crate::alert::Alert;
use crate::connection::{
    ALERT, APPLICATION_DATA, HANDSHAKE, NextRecord, RECORD_BODY_BYTES_MAX, RECORD_HEADER_BYTES, RECORD_KINDS,
    front_record,
};

/// Both directions of one connection.
pub(crate) struct Layer {
    side: RecordSide,
    opening: Protection,
    sealing: Protection,
    /// The peer asked for our key to be renewed (RFC 8446 §4.6.3).
    renewal_due: bool,
    /// Records without data since the last one with data.
    idle_records: u8,
    /// Our side has sent close_notify or a fatal alert.
    closed: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RecordSide {
    Client,
    Server,
}

/// Why nothing more is sealed.
pub(super) enum SealingStopped {
    /// The key may seal no more, and TLS 1.2 has no other.
    KeyLimit,
    Closed,
}

/// The end of a connection whose peer broke a rule.
struct PeerViolation {
    /// Names nothing that a peer could have put there.
    why: String,
    /// What is sent to the peer.
    alert: Option<(AlertLevel, Alert)>,
}

#[derive(Clone, Copy)]
enum AlertLevel {
    Warning = 1,
    Fatal = 2,
}

impl Layer {
    /// Takes the keys of a handshake that is over. `secrets` must have been the key log of this connection.
    pub(crate) fn server(connection: UnbufferedServerConnection, secrets: &TrafficSecrets) -> Result<Layer, Error> {
        let suite = connection.negotiated_cipher_suite().ok_or(Error::HandshakeNotComplete)?;
        let (keys, _) = connection.dangerous_into_kernel_connection()?;
        Layer::new(RecordSide::Server, suite, keys, secrets)
    }

    /// The same of the other side.
    pub(crate) fn client(connection: UnbufferedClientConnection, secrets: &TrafficSecrets) -> Result<Layer, Error> {
        let suite = connection.negotiated_cipher_suite().ok_or(Error::HandshakeNotComplete)?;
        let (keys, _) = connection.dangerous_into_kernel_connection()?;
        Layer::new(RecordSide::Client, suite, keys, secrets)
    }

    fn new(
        side: RecordSide,
        suite: SupportedCipherSuite,
        keys: ExtractedSecrets,
        secrets: &TrafficSecrets,
    ) -> Result<Layer, Error> {
        let (limit, (ours, theirs)) = match suite {
            SupportedCipherSuite::Tls12(suite) => (suite.common.confidentiality_limit, (None, None)),
            SupportedCipherSuite::Tls13(suite) => {
                let (client, server) =
                    secrets.take().ok_or_else(|| Error::General("no traffic secrets were logged".to_owned()))?;
                let ordered = match side {
                    RecordSide::Client => (Some(client), Some(server)),
                    RecordSide::Server => (Some(server), Some(client)),
                };
                (suite.common.confidentiality_limit, ordered)
            }
        };
        let tls13 = matches!(suite, SupportedCipherSuite::Tls13(_));
        let opening = protection(tls13, keys.rx, limit, theirs)?;
        Ok(Layer::over(side, opening, protection(tls13, keys.tx, limit, ours)?))
    }

    pub(super) fn over(side: RecordSide, opening: Protection, sealing: Protection) -> Layer {
        Layer { side, opening, sealing, renewal_due: false, idle_records: 0, closed: false }
    }

    /// What sealing adds to the body of a record.
    pub(super) fn overhead(&self) -> usize {
        self.sealing.overhead()
    }

    /// See `Records::open`.
    pub(super) fn open(
        &mut self,
        input: &[u8],
        plaintext: &mut [u8],
        reply: &mut Vec<u8>,
    ) -> Result<OpenedRecords, RecordsError> {
        let mut opened = OpenedRecords::default();
        while !opened.ended {
            match self.open_record(input, plaintext, &mut opened) {
                Ok(true) => {}
                Ok(false) => break,
                Err(PeerViolation { why, alert }) => {
                    if let Some((level, alert)) = alert {
                        self.seal_alert(level, alert, reply);
                    }
                    self.closed = true;
                    return Err(RecordsError::Broken(why));
                }
            }
        }
        Ok(opened)
    }

    /// The next record of `input`; false where it is not there yet, or has no room.
    fn open_record(
        &mut self,
        input: &[u8],
        plaintext: &mut [u8],
        opened: &mut OpenedRecords,
    ) -> Result<bool, PeerViolation> {
        let rest = input.get(opened.consumed..).unwrap_or_default();
        let record = match front_record(rest) {
            NextRecord::Partial => return Ok(false),
            NextRecord::Whole(record) => rest.get(..record.total_bytes).unwrap_or_default(),
            NextRecord::NoRecord => return Err(no_record(rest)),
        };
        let Some((header, body)) = record.split_first_chunk::<RECORD_HEADER_BYTES>() else { return Ok(false) };
        let room = plaintext.get_mut(opened.produced..).unwrap_or_default();
        if room.len() < self.opening.room(body.len()).min(RECORD_PLAINTEXT_BYTES_MAX + 1) {
            return Ok(false);
        }
        let RecordContent { kind, length } = self.opening.open(*header, body, room)?;
        let content = room.get(..length).unwrap_or_default();
        match kind {
            APPLICATION_DATA if length > 0 => {
                self.idle_records = 0;
                opened.produced += length;
            }
            APPLICATION_DATA => self.count_idle()?,
            ALERT => opened.ended = self.alert(content)?,
            HANDSHAKE => self.handshake(content)?,
            _ => return Err(PeerViolation::by(format!("a record of type {kind} after the handshake"), UNEXPECTED)),
        }
        opened.consumed += record.len();
        Ok(true)
    }

    /// A record that brings no data costs as much as one that does.
    fn count_idle(&mut self) -> Result<(), PeerViolation> {
        self.idle_records += 1;
        if self.idle_records > IDLE_RECORDS_MAX {
            return Err(PeerViolation::by(
                format!("more than {IDLE_RECORDS_MAX} records in a row without data"),
                UNEXPECTED,
            ));
        }
        Ok(())
    }

    /// True for close_notify.
    fn alert(&mut self, content: &[u8]) -> Result<bool, PeerViolation> {
        let &[level, description] = content else {
            if content.is_empty() && self.opening.is_tls13() {
                // RFC 8446 §5.4.
                return Err(PeerViolation::by("an alert of nothing".to_owned(), UNEXPECTED));
            }
            return Err(PeerViolation::by("an alert of a length that none has".to_owned(), DECODE));
        };
        match (level, description) {
            (_, CLOSE_NOTIFY) => Ok(true),
            // RFC 8446 §6: user_canceled is the one without a meaning of its own; RFC 5246 §7.2: warnings may be ignored.
            (_, USER_CANCELED) => self.count_idle().map(|()| false),
            (1, _) if !self.opening.is_tls13() => self.count_idle().map(|()| false),
            _ => Err(PeerViolation { why: format!("the peer sent the alert {description}"), alert: None }),
        }
    }

    /// Every message must be whole: what comes after a handshake is short, and nobody cuts it.
    fn handshake(&mut self, content: &[u8]) -> Result<(), PeerViolation> {
        self.count_idle()?;
        let mut rest = content;
        loop {
            let message = match rest {
                &[kind, a, b, c, ref behind @ ..] => usize::try_from(u32::from_be_bytes([0, a, b, c]))
                    .ok()
                    .and_then(|length| behind.split_at_checked(length))
                    .map(|(body, behind)| (kind, body, behind)),
                _ => None,
            };
            let Some((kind, body, behind)) = message else {
                return Err(PeerViolation::by(
                    "a handshake message in pieces after the handshake".to_owned(),
                    UNEXPECTED,
                ));
            };
            self.handshake_message(kind, body, behind.is_empty())?;
            if behind.is_empty() {
                return Ok(());
            }
            rest = behind;
        }
    }

    fn handshake_message(&mut self, kind: u8, body: &[u8], is_last: bool) -> Result<(), PeerViolation> {
        match (self.opening.is_tls13(), self.side, kind) {
            // RFC 8446 §5.1: no message of a record may follow a change of keys.
            (true, _, KEY_UPDATE) if !is_last => {
                Err(PeerViolation::by("a handshake message behind a key update".to_owned(), UNEXPECTED))
            }
            (true, _, KEY_UPDATE) => {
                match body {
                    [0] => {}
                    [1] => self.renewal_due = true,
                    [_] => {
                        return Err(PeerViolation::by(
                            "a key update that asks for what nobody knows".to_owned(),
                            ILLEGAL,
                        ));
                    }
                    _ => return Err(PeerViolation::by("a key update of a length that none has".to_owned(), DECODE)),
                }
                self.opening.renew().map_err(|_| PeerViolation::by("no next key".to_owned(), Alert::INTERNAL_ERROR))
            }
            // Nothing is resumed, so it is of no use.
            (true, RecordSide::Client, NEW_SESSION_TICKET) => Ok(()),
            // docs/rules.md rule 10; CVE-2009-3555. RFC 5246 §7.2.2 knows a refusal that is no fatal alert.
            (false, RecordSide::Server, CLIENT_HELLO) | (false, RecordSide::Client, HELLO_REQUEST) => {
                Err(PeerViolation {
                    why: "tried to renegotiate".to_owned(),
                    alert: Some((AlertLevel::Warning, NO_RENEGOTIATION)),
                })
            }
            _ => Err(PeerViolation::by(format!("an unexpected handshake message of type {kind}"), UNEXPECTED)),
        }
    }

    /// See `Records::seal`.
    pub(super) fn seal(&mut self, plaintext: &[u8], output: &mut [u8]) -> (SealedRecords, Option<SealingStopped>) {
        let mut sealed = SealedRecords::default();
        loop {
            let rest = plaintext.get(sealed.consumed..).unwrap_or_default();
            let room = output.get_mut(sealed.produced..).unwrap_or_default();
            let renewal_due = self.renewal_due || self.sealing.is_worn();
            let before = if renewal_due { KEY_UPDATE_RECORD_BYTES } else { 0 };
            let fits = room.len().saturating_sub(before + RECORD_HEADER_BYTES + self.overhead());
            let wanted = rest.len().min(RECORD_PLAINTEXT_BYTES_MAX);
            // A record is cut short for want of room only where nothing would move otherwise.
            let length = if fits >= wanted || sealed.consumed == 0 { wanted.min(fits) } else { 0 };
            let Some(piece) = rest.get(..length).filter(|piece| !piece.is_empty()) else { return (sealed, None) };
            if self.closed {
                return (sealed, Some(SealingStopped::Closed));
            }
            let (written, consumed) = if !renewal_due {
                (self.sealing.seal(APPLICATION_DATA, piece, room), piece.len())
            } else if self.sealing.is_tls13() {
                (self.renew(room), 0)
            } else {
                return (sealed, Some(SealingStopped::KeyLimit));
            };
            let Some(written) = written else { return (sealed, Some(SealingStopped::Closed)) };
            sealed.consumed += consumed;
            sealed.produced += written;
        }
    }

    /// See `Records::frame`.
    pub(super) fn frame(&self, records: u64) -> Option<RecordFrame> {
        let data_alone = !self.closed && !self.renewal_due && self.sealing.lasts(records);
        let (front, back) = self.sealing.frame();
        data_alone.then_some(RecordFrame { front, back })
    }

    /// See `Records::seal_in_place`.
    pub(super) fn seal_in_place(&mut self, record: &mut [u8]) -> Option<()> {
        let RecordFrame { front, back } = self.frame(1)?;
        let fits = record.len() <= front + RECORD_PLAINTEXT_BYTES_MAX + back;
        fits.then(|| self.sealing.seal_in_place(APPLICATION_DATA, record)).flatten()
    }

    /// Announces to the peer that the next record is under the next key.
    fn renew(&mut self, output: &mut [u8]) -> Option<usize> {
        const UPDATE_NOT_REQUESTED: u8 = 0;
        let written = self.sealing.seal(HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, UPDATE_NOT_REQUESTED], output)?;
        self.sealing.renew().ok()?;
        self.renewal_due = false;
        Some(written)
    }

    /// See `Records::seal_end`.
    pub(super) fn seal_end(&mut self, output: &mut Vec<u8>) {
        self.seal_alert(AlertLevel::Warning, Alert(CLOSE_NOTIFY), output);
        self.closed = true;
    }

    fn seal_alert(&mut self, level: AlertLevel, Alert(description): Alert, output: &mut Vec<u8>) {
        if self.closed {
            return;
        }
        let mut record = [0; RECORD_HEADER_BYTES + ALERT_BYTES + OVERHEAD_BYTES_MAX];
        if let Some(written) = self.sealing.seal(ALERT, &[level as u8, description], &mut record) {
            output.extend_from_slice(record.get(..written).unwrap_or_default());
        }
    }
}

fn protection(
    tls13: bool,
    (sequence, keys): (u64, ConnectionTrafficSecrets),
    limit: u64,
    secret: Option<TrafficSecret>,
) -> Result<Protection, Error> {
    let unusable = || Error::General("keys of a suite that the record layer does not know".to_owned());
    let (algorithm, key, iv) = match &keys {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (Algorithm::Aes128Gcm, key, iv),
        ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (Algorithm::Aes256Gcm, key, iv),
        ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (Algorithm::ChaCha20Poly1305, key, iv),
        _ => return Err(unusable()),
    };
    let shape = if tls13 {
        RecordShape::Tls13
    } else if algorithm == Algorithm::ChaCha20Poly1305 {
        RecordShape::Tls12ChaCha20Poly1305
    } else {
        RecordShape::Tls12AesGcm
    };
    let cipher = Cipher::new(algorithm, key.as_ref()).map_err(|_| unusable())?;
    let iv = iv.as_ref().try_into().map_err(|_| unusable())?;
    Ok(Protection::new(shape, (algorithm, cipher), iv, sequence, limit, secret))
}

/// What is wrong with bytes that are no record.
fn no_record(bytes: &[u8]) -> PeerViolation {
    match bytes {
        [kind, ..] if !RECORD_KINDS.contains(kind) => {
            PeerViolation::by(format!("a record of type {kind}, which there is none of"), UNEXPECTED)
        }
        [_, major, ..] if *major != 3 => PeerViolation::by(format!("a record of version {major}.x"), DECODE),
        _ => PeerViolation::by(format!("a record of more than {RECORD_BODY_BYTES_MAX} bytes"), Alert::RECORD_OVERFLOW),
    }
}

impl PeerViolation {
    fn by(why: String, alert: Alert) -> PeerViolation {
        PeerViolation { why, alert: Some((AlertLevel::Fatal, alert)) }
    }
}

impl From<NotOpened> for PeerViolation {
    fn from(not_opened: NotOpened) -> PeerViolation {
        let (why, alert) = match not_opened {
            NotOpened::TooLong => ("a record of more plaintext than one may have", Alert::RECORD_OVERFLOW),
            NotOpened::WrongType => ("a record in the clear after the handshake", UNEXPECTED),
            NotOpened::Damaged => ("a record that does not decrypt", Alert::BAD_RECORD_MAC),
            NotOpened::NoType => ("a record of padding alone", UNEXPECTED),
        };
        PeerViolation::by(why.to_owned(), alert)
    }
}

const UNEXPECTED: Alert = Alert::UNEXPECTED_MESSAGE;
const DECODE: Alert = Alert::DECODE_ERROR;
const ILLEGAL: Alert = Alert::ILLEGAL_PARAMETER;
const NO_RENEGOTIATION: Alert = Alert(100);
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;

const HELLO_REQUEST: u8 = 0;
const CLIENT_HELLO: u8 = 1;
const NEW_SESSION_TICKET: u8 = 4;
const KEY_UPDATE: u8 = 24;

/// As many as rustls allows of each kind. A peer that sends data sends it in between.
const IDLE_RECORDS_MAX: u8 = 32;
/// Level and description.
const ALERT_BYTES: usize = 2;
/// The longest: TLS 1.2 with AES-GCM.
const OVERHEAD_BYTES_MAX: usize = 8 + 16;
/// Header, message, type and tag of a key update, which may precede a record.
pub(super) const KEY_UPDATE_RECORD_BYTES: usize = RECORD_HEADER_BYTES + 5 + 1 + 16;
