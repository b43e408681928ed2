//! Which library seals and opens. AES-GCM (RFC 5288, RFC 8446 §5.2) and ChaCha20-Poly1305 (RFC 7905) are aws-lc-rs', except where
//! a processor has wide AES instructions (VAES) without AVX-512: aws-lc has no code for it and falls back to narrow ones, ring
//! has (docs/decisions/0015-ring-for-vaes-without-avx-512.md).

use aws_lc_rs::aead::{self, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;

/// A suite's way to seal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Algorithm {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
}

/// One key, at one library.
pub(super) enum Cipher {
    AwsLc(LessSafeKey),
    #[cfg(target_arch = "x86_64")]
    Ring(Box<by_ring::Key>),
}

impl Algorithm {
    pub(super) fn key_bytes(self) -> usize {
        self.aws_lc().key_len()
    }

    fn aws_lc(self) -> &'static aead::Algorithm {
        match self {
            Algorithm::Aes128Gcm => &aead::AES_128_GCM,
            Algorithm::Aes256Gcm => &aead::AES_256_GCM,
            Algorithm::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }
}

impl Cipher {
    /// At the library that is the faster one on this processor.
    ///
    /// # Errors
    /// The key is not as long as the algorithm's.
    pub(super) fn new(algorithm: Algorithm, key: &[u8]) -> Result<Cipher, Unspecified> {
        #[cfg(target_arch = "x86_64")]
        if by_ring::is_faster()
            && let Some(key) = by_ring::Key::new(algorithm, key)?
        {
            return Ok(Cipher::Ring(Box::new(key)));
        }
        Cipher::by_aws_lc(algorithm, key)
    }

    pub(super) fn by_aws_lc(algorithm: Algorithm, key: &[u8]) -> Result<Cipher, Unspecified> {
        Ok(Cipher::AwsLc(LessSafeKey::new(UnboundKey::new(algorithm.aws_lc(), key)?)))
    }

    /// Seals `plaintext`, and `inner` behind it, to `output`, which has their length and that of the tag. `None` where it has
    /// not.
    pub(super) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        additional: &[u8],
        (plaintext, inner): (&[u8], &[u8]),
        output: &mut [u8],
    ) -> Option<()> {
        match self {
            Cipher::AwsLc(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let (ciphertext, trailer) = output.split_at_mut_checked(plaintext.len())?;
                key.seal_out_of_place_scatter(nonce, Aad::from(additional), plaintext, ciphertext, inner, trailer).ok()
            }
            #[cfg(target_arch = "x86_64")]
            Cipher::Ring(key) => key.seal(nonce, additional, (plaintext, inner), output),
        }
    }

    /// The same where `record` holds the plaintext already, `inner` behind it, and the room for the tag.
    pub(super) fn seal_in_place(&self, nonce: [u8; NONCE_LEN], additional: &[u8], record: &mut [u8]) -> Option<()> {
        let (text, tag) = record.split_last_chunk_mut::<TAG_BYTES>()?;
        match self {
            Cipher::AwsLc(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(additional), text).ok()?;
                tag.copy_from_slice(sealed.as_ref());
                Some(())
            }
            #[cfg(target_arch = "x86_64")]
            Cipher::Ring(key) => key.seal_in_place(nonce, additional, (text, tag)),
        }
    }

    /// Opens `sealed`, a ciphertext and its tag, to `plaintext`, which is as long as the ciphertext. `None`, and nothing of the
    /// plaintext, where it was not sealed so.
    pub(super) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        additional: &[u8],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Option<()> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
        match self {
            Cipher::AwsLc(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.open_separate_gather(nonce, Aad::from(additional), ciphertext, tag, plaintext).ok()
            }
            #[cfg(target_arch = "x86_64")]
            Cipher::Ring(key) => key.open(nonce, additional, (ciphertext, tag), plaintext),
        }
    }
}

/// Of every algorithm here.
pub(super) const TAG_BYTES: usize = 16;

#[cfg(target_arch = "x86_64")]
mod by_ring {
    use std::arch::is_x86_feature_detected;

    use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};
    use zeroize::optimization_barrier;

    use super::{Algorithm, TAG_BYTES, Unspecified};

    /// Overwritten when it is dropped, which ring does not do by itself. What the stack held while it was made is not.
    pub(in super::super) struct Key(LessSafeKey);

    impl Key {
        /// By the key of nothing but zeros.
        fn overwrite(&mut self) {
            let algorithm = self.0.algorithm();
            // As long as the algorithm's, so there is no error.
            if let Some(Ok(zeros)) = ZEROS.get(..algorithm.key_len()).map(|zeros| UnboundKey::new(algorithm, zeros)) {
                self.0 = LessSafeKey::new(zeros);
                optimization_barrier(&self.0);
            }
        }
    }

    impl Drop for Key {
        fn drop(&mut self) {
            self.overwrite();
        }
    }

    const ZEROS: [u8; 32] = [0; 32];

    /// Whether it is, with AES-GCM.
    pub(in super::super) fn is_faster() -> bool {
        let wide_aes = is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("vpclmulqdq")
            && is_x86_feature_detected!("avx2");
        let avx_512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        wide_aes && !avx_512
    }

    impl Key {
        /// `None` for an algorithm that it is not faster at.
        pub(in super::super) fn new(algorithm: Algorithm, key: &[u8]) -> Result<Option<Key>, Unspecified> {
            let algorithm = match algorithm {
                Algorithm::Aes128Gcm => &AES_128_GCM,
                Algorithm::Aes256Gcm => &AES_256_GCM,
                Algorithm::ChaCha20Poly1305 => return Ok(None),
            };
            let key = UnboundKey::new(algorithm, key).map_err(|_| Unspecified)?;
            Ok(Some(Key(LessSafeKey::new(key))))
        }

        pub(super) fn seal(
            &self,
            nonce: [u8; NONCE_LEN],
            additional: &[u8],
            (plaintext, inner): (&[u8], &[u8]),
            output: &mut [u8],
        ) -> Option<()> {
            let (text, tag) = output.split_last_chunk_mut::<TAG_BYTES>()?;
            let (front, back) = text.split_at_mut_checked(plaintext.len())?;
            if back.len() != inner.len() {
                return None;
            }
            front.copy_from_slice(plaintext);
            back.copy_from_slice(inner);
            self.seal_in_place(nonce, additional, (text, tag))
        }

        pub(super) fn seal_in_place(
            &self,
            nonce: [u8; NONCE_LEN],
            additional: &[u8],
            (text, tag): (&mut [u8], &mut [u8; TAG_BYTES]),
        ) -> Option<()> {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let sealed = self.0.seal_in_place_separate_tag(nonce, Aad::from(additional), text).ok()?;
            tag.copy_from_slice(sealed.as_ref());
            Some(())
        }

        pub(super) fn open(
            &self,
            nonce: [u8; NONCE_LEN],
            additional: &[u8],
            (ciphertext, tag): (&[u8], &[u8; TAG_BYTES]),
            plaintext: &mut [u8],
        ) -> Option<()> {
            if plaintext.len() != ciphertext.len() {
                return None;
            }
            plaintext.copy_from_slice(ciphertext);
            let nonce = Nonce::assume_unique_for_key(nonce);
            let opened = self
                .0
                .open_in_place_separate_tag(nonce, Aad::from(additional), Tag::from(*tag), plaintext, 0..)
                .is_ok();
            if !opened {
                plaintext.fill(0);
            }
            opened.then_some(())
        }
    }

    #[cfg(test)]
    mod tests {
        use std::fs::File;
        use std::io::{Read, Seek, SeekFrom};

        use super::*;

        /// A key's own memory, by blocks of AES.
        fn blocks(key: &Key) -> Vec<[u8; 16]> {
            let mut memory = File::open("/proc/self/mem").unwrap();
            memory.seek(SeekFrom::Start(std::ptr::from_ref(key).addr() as u64)).unwrap();
            let mut bytes = [0; size_of::<Key>()];
            memory.read_exact(&mut bytes).unwrap();
            bytes.as_chunks().0.to_vec()
        }

        #[test]
        fn keys_are_wiped_when_they_are_dropped() {
            for (algorithm, bytes) in [(Algorithm::Aes128Gcm, 16), (Algorithm::Aes256Gcm, 32)] {
                let secret: Vec<u8> = (1..).take(bytes).collect();
                let mut key = Box::new(Key::new(algorithm, &secret).unwrap().unwrap());
                let before = blocks(&key);
                assert!(before.contains(secret.first_chunk().unwrap()), "it was there");
                // What dropping does, while the memory is still ours to look at.
                key.overwrite();
                // Of the round keys and the table of GCM none; the number of rounds is one for all keys.
                let left = before.iter().zip(blocks(&key)).filter(|(was, is)| **was == *is && *is != [0; 16]).count();
                assert!(left <= 2, "{algorithm:?}: {left} blocks of {}", before.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; NONCE_LEN] = [3; NONCE_LEN];

    /// Whatever this processor would choose.
    fn every_way(algorithm: Algorithm, key: &[u8]) -> Vec<Cipher> {
        let mut ciphers = vec![Cipher::by_aws_lc(algorithm, key).unwrap()];
        #[cfg(target_arch = "x86_64")]
        ciphers.extend(by_ring::Key::new(algorithm, key).unwrap().map(|key| Cipher::Ring(Box::new(key))));
        ciphers
    }

    #[test]
    fn what_one_library_seals_the_other_opens_and_nothing_else() {
        for algorithm in [Algorithm::Aes128Gcm, Algorithm::Aes256Gcm, Algorithm::ChaCha20Poly1305] {
            let key: Vec<u8> = (0..).take(algorithm.key_bytes()).collect();
            let ciphers = every_way(algorithm, &key);
            assert_eq!(
                ciphers.len(),
                if algorithm == Algorithm::ChaCha20Poly1305 || cfg!(not(target_arch = "x86_64")) { 1 } else { 2 }
            );
            for length in (0..300).chain([1_400, 4_095, 16_383, 16_384]) {
                let plaintext: Vec<u8> = (0..length).map(|at: usize| at.to_le_bytes()[0]).collect();
                for inner in [&[] as &[u8], &[23]] {
                    let sealed: Vec<Vec<u8>> = ciphers
                        .iter()
                        .flat_map(|cipher| {
                            let mut copied = vec![0; length + inner.len() + TAG_BYTES];
                            cipher.seal(NONCE, b"with", (&plaintext, inner), &mut copied).unwrap();
                            let mut in_place = [&plaintext, inner, &[0; TAG_BYTES]].concat();
                            cipher.seal_in_place(NONCE, b"with", &mut in_place).unwrap();
                            [copied, in_place]
                        })
                        .collect();
                    assert!(sealed.iter().all(|each| *each == sealed[0]), "{algorithm:?}, {length}");
                    let mut opened = vec![0; length + inner.len()];
                    for cipher in &ciphers {
                        cipher.open(NONCE, b"with", &sealed[0], &mut opened).unwrap();
                        assert_eq!(opened, [&plaintext, inner].concat());
                    }
                }
            }
        }
    }

    #[test]
    fn a_damaged_record_leaves_no_plaintext() {
        for cipher in every_way(Algorithm::Aes256Gcm, &[7; 32]) {
            let (mut sealed, mut opened) = ([0; 100 + TAG_BYTES], [1; 100]);
            cipher.seal(NONCE, b"with", (&[9; 100], b""), &mut sealed).unwrap();
            for at in [0, 50, 99, 100, 115] {
                sealed[at] ^= 1;
                assert!(cipher.open(NONCE, b"with", &sealed, &mut opened).is_none(), "byte {at}");
                assert!(!opened.contains(&9), "byte {at}");
                sealed[at] ^= 1;
            }
            assert!(cipher.open(NONCE, b"without", &sealed, &mut opened).is_none());
            assert!(cipher.open([4; NONCE_LEN], b"with", &sealed, &mut opened).is_none());
            // Room that does not fit is an error, not a panic.
            assert!(cipher.open(NONCE, b"with", &sealed, &mut opened[1..]).is_none());
            assert!(cipher.open(NONCE, b"with", &sealed[..TAG_BYTES - 1], &mut opened).is_none());
            for room in [0, 15, 99, 115, 117] {
                assert!(cipher.seal(NONCE, b"with", (&[9; 100], b""), &mut vec![0; room]).is_none(), "{room}");
            }
            assert!(cipher.open(NONCE, b"with", &sealed, &mut opened).is_some());
        }
    }

    #[test]
    fn keys_of_a_wrong_length_are_refused() {
        for (algorithm, length) in
            [(Algorithm::Aes128Gcm, 32), (Algorithm::Aes256Gcm, 16), (Algorithm::ChaCha20Poly1305, 16)]
        {
            assert!(Cipher::new(algorithm, &vec![0; length]).is_err());
        }
    }
}
