//! A connection whose keys everybody knows.

use aws_lc_rs::aead::NONCE_LEN;

use super::cipher::{Algorithm, Cipher};
use super::layer::{Layer, RecordSide};
use super::protection::{Protection, RecordShape};
use super::secrets::TrafficSecret;
use super::{RecordEngine, Records};
use crate::connection::{HANDSHAKE, RECORD_BODY_BYTES_MAX, RECORD_HEADER_BYTES};

/// Records past a handshake that never was, and a peer that can put anything into a properly protected record: for tests
/// and for fuzzing of what may come after a handshake.
pub struct Rehearsal {
    /// Our side.
    pub records: Records,
    /// What the peer seals with.
    peer: Protection,
}

impl Rehearsal {
    /// In TLS 1.3, or 1.2, with AES-GCM; as the server's side or the client's.
    pub fn new(tls13: bool, server: bool) -> Option<Rehearsal> {
        let shape = if tls13 { RecordShape::Tls13 } else { RecordShape::Tls12AesGcm };
        let protection = || {
            let cipher = Cipher::new(Algorithm::Aes128Gcm, &[7; 16]).ok()?;
            let secret = if tls13 { Some(TrafficSecret::new(&[9; 32])?) } else { None };
            Some(Protection::new(shape, (Algorithm::Aes128Gcm, cipher), [5; NONCE_LEN], 0, 1 << 24, secret))
        };
        let side = if server { RecordSide::Server } else { RecordSide::Client };
        let layer = Layer::over(side, protection()?, protection()?);
        Some(Rehearsal { records: Records::new(RecordEngine::Own(Box::new(layer))), peer: protection()? })
    }

    /// A record of any type, or none where no record can be so long. After a key update that our side takes, the peer goes
    /// on with its next key.
    pub fn forge(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut record = vec![0; RECORD_HEADER_BYTES + RECORD_BODY_BYTES_MAX];
        let written = self.peer.seal(kind, content, &mut record).unwrap_or_default();
        record.truncate(written);
        if self.peer.is_tls13() && kind == HANDSHAKE && matches!(content, [24, 0, 0, 1, 0 | 1]) {
            // There is a next one, as this is TLS 1.3.
            let _ = self.peer.renew();
        }
        record
    }
}
