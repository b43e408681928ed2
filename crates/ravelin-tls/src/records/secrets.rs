//! The secrets of a connection on their way from rustls to the record layer.
//!
//! rustls hands out keys (`dangerous_into_kernel_connection`), and beside them an object that makes the next ones. That object
//! keeps the peer's certificates and more, 2 kB a tunnel; so the secrets that the next keys are made of are taken where
//! rustls offers them, by its key log, and the object is dropped (docs/decisions/0014-a-record-layer-of-our-own.md).

use std::fmt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::aead::NONCE_LEN;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf;
use rustls::KeyLog;
use zeroize::Zeroizing;

use super::cipher::{Algorithm, Cipher};

/// The traffic secrets of one connection; belongs into the configuration of that connection and of no other.
#[derive(Default)]
pub(crate) struct TrafficSecrets(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    client: Option<TrafficSecret>,
    server: Option<TrafficSecret>,
}

impl TrafficSecrets {
    /// Takes them out: the client's, and the server's. There are none before the end of a handshake of TLS 1.3.
    pub(super) fn take(&self) -> Option<(TrafficSecret, TrafficSecret)> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some((taken.client.take()?, taken.server.take()?))
    }
}

impl KeyLog for TrafficSecrets {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match label {
            CLIENT => taken.client = TrafficSecret::new(secret),
            SERVER => taken.server = TrafficSecret::new(secret),
            _ => {}
        }
    }

    fn will_log(&self, label: &str) -> bool {
        matches!(label, CLIENT | SERVER)
    }
}

impl fmt::Debug for TrafficSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrafficSecrets").finish_non_exhaustive()
    }
}

/// `client_application_traffic_secret_N` or the server's (RFC 8446 §7.1).
pub(super) struct TrafficSecret {
    /// Of the suite's hash.
    algorithm: hkdf::Algorithm,
    /// Boxed: what is moved would leave a copy where it was.
    bytes: Box<Zeroizing<[u8; SECRET_BYTES_MAX]>>,
}

impl TrafficSecret {
    /// The length of a secret is its hash's, and there are two.
    pub(super) fn new(secret: &[u8]) -> Option<TrafficSecret> {
        let algorithm = [hkdf::HKDF_SHA256, hkdf::HKDF_SHA384].into_iter().find(|it| length(*it) == secret.len())?;
        let mut bytes = Box::new(Zeroizing::new([0; SECRET_BYTES_MAX]));
        bytes.get_mut(..secret.len())?.copy_from_slice(secret);
        Some(TrafficSecret { algorithm, bytes })
    }

    /// RFC 8446 §7.2.
    pub(super) fn next(&self) -> Result<TrafficSecret, Unspecified> {
        let mut bytes = Box::new(Zeroizing::new([0; SECRET_BYTES_MAX]));
        self.expand(b"traffic upd", bytes.get_mut(..length(self.algorithm)).unwrap_or_default())?;
        Ok(TrafficSecret { algorithm: self.algorithm, bytes })
    }

    /// RFC 8446 §7.3.
    pub(super) fn key_and_iv(&self, algorithm: Algorithm) -> Result<(Cipher, Zeroizing<[u8; NONCE_LEN]>), Unspecified> {
        let mut key = Zeroizing::new([0; KEY_BYTES_MAX]);
        let key = key.get_mut(..algorithm.key_bytes()).ok_or(Unspecified)?;
        self.expand(b"key", key)?;
        let mut iv = Zeroizing::new([0; NONCE_LEN]);
        self.expand(b"iv", iv.as_mut())?;
        Ok((Cipher::new(algorithm, key)?, iv))
    }

    /// HKDF-Expand-Label without a context (RFC 8446 §7.1).
    fn expand(&self, label: &[u8], output: &mut [u8]) -> Result<(), Unspecified> {
        const PREFIX: &[u8] = b"tls13 ";
        let secret = self.bytes.get(..length(self.algorithm)).ok_or(Unspecified)?;
        let output_bytes = u16::try_from(output.len()).map_err(|_| Unspecified)?.to_be_bytes();
        let label_bytes = u8::try_from(PREFIX.len() + label.len()).map_err(|_| Unspecified)?;
        let info: [&[u8]; 5] = [&output_bytes, &[label_bytes], PREFIX, label, &[0]];
        hkdf::Prk::new_less_safe(self.algorithm, secret).expand(&info, Length(output.len()))?.fill(output)
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn length(algorithm: hkdf::Algorithm) -> usize {
    hkdf::KeyType::len(&algorithm)
}

/// SSLKEYLOGFILE's names, by which rustls offers the secrets.
const CLIENT: &str = "CLIENT_TRAFFIC_SECRET_0";
const SERVER: &str = "SERVER_TRAFFIC_SECRET_0";
/// The longest hash of a suite is SHA-384.
const SECRET_BYTES_MAX: usize = 48;
/// The longest keys are those of AES-256 and ChaCha20.
const KEY_BYTES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom};

    use super::*;

    /// The bytes of a value itself, without what it points to.
    fn shallow(secrets: &TrafficSecrets) -> Vec<u8> {
        let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
        memory.seek(SeekFrom::Start(std::ptr::from_ref(secrets).addr() as u64)).unwrap();
        let mut bytes = vec![0; size_of::<TrafficSecrets>()];
        memory.read_exact(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn secrets_that_were_taken_leave_no_copy() {
        let secrets = Box::new(TrafficSecrets::default());
        secrets.log(CLIENT, &[], &[0x5a; 48]);
        secrets.log(SERVER, &[], &[0xa5; 48]);
        drop(secrets.take().unwrap());
        let left = shallow(&secrets);
        for byte in [0x5a, 0xa5] {
            assert!(!left.windows(16).any(|window| window == [byte; 16]), "{byte:x}");
        }
    }

    #[test]
    fn secrets_are_not_printed_and_none_but_two_are_taken() {
        let secrets = TrafficSecrets::default();
        for label in ["CLIENT_RANDOM", "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "EXPORTER_SECRET"] {
            assert!(!secrets.will_log(label));
            secrets.log(label, &[], &[7; 48]);
        }
        assert!(secrets.take().is_none());
        assert!(secrets.will_log(CLIENT) && secrets.will_log(SERVER));
        secrets.log(CLIENT, &[], &[0x5a; 48]);
        assert!(secrets.take().is_none(), "one is not enough");
        assert!(!format!("{secrets:?}").contains("90"));
        secrets.log(CLIENT, &[], &[1; 32]);
        secrets.log(SERVER, &[], &[2; 31]);
        assert!(secrets.take().is_none(), "no hash is so long");
    }
}
