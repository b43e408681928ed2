//! Bytes in bulk: a stream that both ends can make, and its hash.

use aws_lc_rs::digest::{Context, SHA256};

/// An endless stream of bytes that does not compress and is the same for the same seed.
#[derive(Clone, Debug)]
pub struct Pattern {
    state: u64,
    hash: Hash,
}

impl Pattern {
    /// From its beginning.
    pub fn new(seed: u64) -> Pattern {
        Pattern { state: seed ^ 0x9e37_79b9_7f4a_7c15 | 1, hash: Hash::new() }
    }

    /// The next bytes.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        // xorshift64: any further quality would cost time and prove nothing.
        for word in buffer.chunks_mut(8) {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            for (to, from) in word.iter_mut().zip(self.state.to_le_bytes()) {
                *to = from;
            }
        }
        self.hash.update(buffer);
    }

    /// SHA-256 of everything that was made so far, lower-case hex.
    pub fn sha256(&self) -> String {
        self.hash.sha256()
    }

    /// SHA-256 of the first so many bytes, made in pieces as [`Pattern::fill`] is called for them.
    pub fn sha256_of(seed: u64, bytes: u64) -> String {
        let mut pattern = Pattern::new(seed);
        for_each_piece(bytes, |piece| pattern.fill(piece));
        pattern.sha256()
    }
}

/// SHA-256 as bytes go by.
#[derive(Clone)]
pub struct Hash(Context);

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hash({})", self.sha256())
    }
}

impl Default for Hash {
    fn default() -> Self {
        Hash::new()
    }
}

impl Hash {
    /// Of nothing yet.
    pub fn new() -> Hash {
        Hash(Context::new(&SHA256))
    }

    /// More bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Lower-case hex.
    pub fn sha256(&self) -> String {
        self.0.clone().finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Bytes made and sent in one go. A multiple of 8: [`Pattern::fill`] spends whole words.
pub const PIECE_BYTES: usize = 64 * 1024;

fn for_each_piece(bytes: u64, mut piece: impl FnMut(&mut [u8])) {
    let mut buffer = vec![0; PIECE_BYTES];
    let mut left = bytes;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
        piece(buffer.get_mut(..count).unwrap_or_default());
        left -= u64::try_from(count).unwrap_or(left);
    }
}

/// What one side sent and received.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BulkReport {
    /// Bytes received.
    pub received: u64,
    /// SHA-256 of them.
    pub received_sha256: String,
    /// SHA-256 of what was sent.
    pub sent_sha256: String,
}

/// Sends so many bytes of a pattern.
///
/// # Errors
/// The end that came before.
pub async fn send(writer: &crate::stream::Writer, seed: u64, bytes: u64) -> Result<String, crate::end::End> {
    let mut pattern = Pattern::new(seed);
    let mut buffer = vec![0; PIECE_BYTES];
    let mut left = bytes;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
        let piece = buffer.get_mut(..count).unwrap_or_default();
        pattern.fill(piece);
        writer.write_all(piece).await?;
        left -= u64::try_from(count).unwrap_or(left);
    }
    Ok(pattern.sha256())
}
