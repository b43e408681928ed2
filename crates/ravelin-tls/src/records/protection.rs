//! How one direction of a connection is protected: a key, a nonce for each record, and in TLS 1.3 the secret that the
//! next key is made of.
//!
//! Plaintext is read from where it lies and ciphertext written to where it goes, or both in one place; nothing is allocated.

use aws_lc_rs::aead::NONCE_LEN;
use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

use super::cipher::{Algorithm, Cipher, TAG_BYTES};
use super::secrets::TrafficSecret;
use super::types::RECORD_PLAINTEXT_BYTES_MAX;
use crate::connection::{APPLICATION_DATA, RECORD_HEADER_BYTES};

/// One direction's key.
pub(super) struct Protection {
    shape: RecordShape,
    algorithm: Algorithm,
    cipher: Cipher,
    /// What the sequence number is mixed into.
    iv: Zeroizing<[u8; NONCE_LEN]>,
    /// Of the next record.
    sequence: u64,
    /// Records that one key may seal.
    limit: u64,
    /// What the next key is made of; TLS 1.2 has no next one.
    secret: Option<TrafficSecret>,
}

/// What a record looks like beside its plaintext.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RecordShape {
    /// RFC 5288 §3: the latter part of the nonce in front.
    Tls12AesGcm,
    /// RFC 7905 §2: nothing in front.
    Tls12ChaCha20Poly1305,
    /// RFC 8446 §5.2: the true type behind the plaintext, sealed with it.
    Tls13,
}

/// What was in a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RecordContent {
    pub(super) kind: u8,
    pub(super) length: usize,
}

/// Why a record was not opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NotOpened {
    /// Longer than RFC 8446 §5.4 and RFC 5246 §6.2.1 allow.
    TooLong,
    /// TLS 1.3 hides every type behind that of application data.
    WrongType,
    /// Not sealed by the peer's key, or not as the next record.
    Damaged,
    /// Padding and nothing else: no type.
    NoType,
}

impl Protection {
    /// `iv` as rustls hands it out: in TLS 1.2 with AES-GCM its first four bytes are the salt, and the rest is where the
    /// explicit nonces of what *we* seal begin.
    pub(super) fn new(
        shape: RecordShape,
        (algorithm, cipher): (Algorithm, Cipher),
        iv: [u8; NONCE_LEN],
        sequence: u64,
        limit: u64,
        secret: Option<TrafficSecret>,
    ) -> Protection {
        Protection { shape, algorithm, cipher, iv: Zeroizing::new(iv), sequence, limit, secret }
    }

    pub(super) fn is_tls13(&self) -> bool {
        self.shape == RecordShape::Tls13
    }

    /// What sealing adds to the body of a record.
    pub(super) fn overhead(&self) -> usize {
        self.shape.explicit_nonce_bytes() + usize::from(self.is_tls13()) + TAG_BYTES
    }

    /// Whether the key may seal one record more and no other: that one is for a key update, or for the end.
    pub(super) fn is_worn(&self) -> bool {
        self.sequence >= self.limit.saturating_sub(1)
    }

    /// The room that opening a body of `body_bytes` takes: in TLS 1.3 the type and the padding as well.
    pub(super) fn room(&self, body_bytes: usize) -> usize {
        body_bytes.saturating_sub(self.shape.explicit_nonce_bytes() + TAG_BYTES)
    }

    /// What lies in front of a record's plaintext, and what behind.
    pub(super) fn frame(&self) -> (usize, usize) {
        (RECORD_HEADER_BYTES + self.shape.explicit_nonce_bytes(), self.overhead() - self.shape.explicit_nonce_bytes())
    }

    /// Whether the key may seal `records` more and then still one for a key update, or for the end.
    pub(super) fn lasts(&self, records: u64) -> bool {
        self.sequence.checked_add(records).is_some_and(|sequence| sequence < self.limit)
    }

    /// Writes one record to the front of `output` and returns its length; `None` where it does not fit, or the sequence
    /// numbers are used up.
    pub(super) fn seal(&mut self, kind: u8, plaintext: &[u8], output: &mut [u8]) -> Option<usize> {
        let record_bytes = RECORD_HEADER_BYTES + plaintext.len() + self.overhead();
        let UnsealedRecord { nonce, additional, text } =
            self.begin(kind, plaintext.len(), output.get_mut(..record_bytes)?)?;
        let inner: &[u8] = if self.is_tls13() { &[kind] } else { &[] };
        self.cipher.seal(nonce, additional.as_ref(), (plaintext, inner), text)?;
        self.sequence += 1;
        Some(record_bytes)
    }

    /// Seals a record whose plaintext lies in `record` already, with the room of [`Protection::frame`] around it. `None`
    /// where there is less, or the sequence numbers are used up.
    pub(super) fn seal_in_place(&mut self, kind: u8, record: &mut [u8]) -> Option<()> {
        let plaintext_bytes = record.len().checked_sub(RECORD_HEADER_BYTES + self.overhead())?;
        let tls13 = self.is_tls13();
        let UnsealedRecord { nonce, additional, text } = self.begin(kind, plaintext_bytes, record)?;
        if tls13 {
            *text.get_mut(plaintext_bytes)? = kind;
        }
        self.cipher.seal_in_place(nonce, additional.as_ref(), text)?;
        self.sequence += 1;
        Some(())
    }

    /// Writes what is in front of the plaintext of the next record.
    fn begin<'r>(&self, kind: u8, plaintext_bytes: usize, record: &'r mut [u8]) -> Option<UnsealedRecord<'r>> {
        self.sequence.checked_add(1)?;
        let (header, body) = record.split_first_chunk_mut::<RECORD_HEADER_BYTES>()?;
        let outer = if self.is_tls13() { APPLICATION_DATA } else { kind };
        let [high, low] = u16::try_from(body.len()).ok()?.to_be_bytes();
        *header = [outer, 3, 3, high, low];
        let nonce = self.nonce();
        let (explicit, text) = body.split_at_mut_checked(self.shape.explicit_nonce_bytes())?;
        if !explicit.is_empty() {
            explicit.copy_from_slice(nonce.last_chunk::<EXPLICIT_NONCE_BYTES>()?);
        }
        let additional = AdditionalData::new(self.shape, self.sequence, *header, plaintext_bytes)?;
        Some(UnsealedRecord { nonce, additional, text })
    }

    /// Opens one record to the front of `plaintext`, which must have [`Protection::room`].
    pub(super) fn open(
        &mut self,
        header: [u8; RECORD_HEADER_BYTES],
        body: &[u8],
        plaintext: &mut [u8],
    ) -> Result<RecordContent, NotOpened> {
        let [outer, ..] = header;
        if self.is_tls13() && outer != APPLICATION_DATA {
            return Err(NotOpened::WrongType);
        }
        let room = self.room(body.len());
        if room > RECORD_PLAINTEXT_BYTES_MAX + usize::from(self.is_tls13()) {
            return Err(NotOpened::TooLong);
        }
        let plaintext = plaintext.get_mut(..room).ok_or(NotOpened::Damaged)?;
        self.decrypt(header, body, plaintext).ok_or(NotOpened::Damaged)?;
        if !self.is_tls13() {
            return Ok(RecordContent { kind: outer, length: room });
        }
        let at = plaintext.iter().rposition(|byte| *byte != 0).ok_or(NotOpened::NoType)?;
        let kind = plaintext.get(at).copied().ok_or(NotOpened::NoType)?;
        Ok(RecordContent { kind, length: at })
    }

    /// `None` where the record is not what the peer's key sealed next.
    fn decrypt(&mut self, header: [u8; RECORD_HEADER_BYTES], body: &[u8], plaintext: &mut [u8]) -> Option<()> {
        let next = self.sequence.checked_add(1)?;
        let mut nonce = self.nonce();
        let (explicit, body) = body.split_at_checked(self.shape.explicit_nonce_bytes())?;
        if !explicit.is_empty() {
            // The salt is ours by agreement, the rest is the sender's choice.
            nonce = *self.iv;
            nonce.last_chunk_mut::<EXPLICIT_NONCE_BYTES>()?.copy_from_slice(explicit);
        }
        let additional = AdditionalData::new(self.shape, self.sequence, header, plaintext.len())?;
        self.cipher.open(nonce, additional.as_ref(), body, plaintext)?;
        self.sequence = next;
        Some(())
    }

    /// Goes on with the next key (RFC 8446 §7.2).
    ///
    /// # Errors
    /// There is none, as in TLS 1.2.
    pub(super) fn renew(&mut self) -> Result<(), Unspecified> {
        let secret = self.secret.as_ref().ok_or(Unspecified)?.next()?;
        let (cipher, iv) = secret.key_and_iv(self.algorithm)?;
        (self.cipher, self.iv, self.sequence, self.secret) = (cipher, iv, 0, Some(secret));
        Ok(())
    }

    /// RFC 8446 §5.3; RFC 7905 §2; and RFC 5288 §3, which wants no more than that none comes twice.
    fn nonce(&self) -> [u8; NONCE_LEN] {
        let mut nonce = *self.iv;
        for (byte, part) in nonce.iter_mut().rev().zip(self.sequence.to_le_bytes()) {
            *byte ^= part;
        }
        nonce
    }
}

impl RecordShape {
    fn explicit_nonce_bytes(self) -> usize {
        match self {
            RecordShape::Tls12AesGcm => EXPLICIT_NONCE_BYTES,
            RecordShape::Tls12ChaCha20Poly1305 | RecordShape::Tls13 => 0,
        }
    }
}

/// A record with its header.
struct UnsealedRecord<'r> {
    nonce: [u8; NONCE_LEN],
    additional: AdditionalData,
    /// Plaintext, in TLS 1.3 the type behind it, and the tag.
    text: &'r mut [u8],
}

/// What is authenticated beside the ciphertext: in TLS 1.3 the header (RFC 8446 §5.2); before it sequence number, type,
/// version and length of the plaintext (RFC 5246 §6.2.3.3).
struct AdditionalData {
    bytes: [u8; 13],
    from: usize,
}

impl AdditionalData {
    fn new(
        shape: RecordShape,
        sequence: u64,
        header: [u8; RECORD_HEADER_BYTES],
        plaintext_bytes: usize,
    ) -> Option<AdditionalData> {
        let mut bytes = [0; 13];
        let (front, back) = bytes.split_first_chunk_mut::<8>()?;
        *front = sequence.to_be_bytes();
        back.copy_from_slice(&header);
        if shape == RecordShape::Tls13 {
            return Some(AdditionalData { bytes, from: 8 });
        }
        back.last_chunk_mut::<2>()?.copy_from_slice(&u16::try_from(plaintext_bytes).ok()?.to_be_bytes());
        Some(AdditionalData { bytes, from: 0 })
    }
}

impl AsRef<[u8]> for AdditionalData {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(self.from..).unwrap_or_default()
    }
}

/// RFC 5288 §3.
/// The part of the nonce that TLS 1.2 sends with each record (RFC 5288 §3).
const EXPLICIT_NONCE_BYTES: usize = 8;
