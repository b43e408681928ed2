//! Public keys and signature algorithms: which are accepted, and one signature verified.

use rustls_pki_types::{SignatureVerificationAlgorithm, alg_id};
use webpki::aws_lc_rs as algorithms;

use crate::der::{self, DerReader, Malformed, tag};

/// A SubjectPublicKeyInfo and what is thought of it.
#[derive(Debug)]
pub(crate) struct PublicKey {
    /// DER of the SubjectPublicKeyInfo.
    pub(crate) spki: Vec<u8>,
    /// `None`: accepted.
    pub(crate) weakness: Option<Weakness>,
    /// Contents of the AlgorithmIdentifier.
    algorithm: Vec<u8>,
    /// Contents of the BIT STRING.
    key: Vec<u8>,
}

/// Why a key or an algorithm is not accepted: a fixed text, safe to print.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Weakness(pub(crate) &'static str);

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    ///
    /// # Errors
    /// It is not one. A key that is merely not accepted is read, with its [`Weakness`].
    pub(crate) fn read(spki: &[u8]) -> Result<PublicKey, Malformed> {
        let mut fields = DerReader::new(der::only(spki, tag::SEQUENCE)?);
        let algorithm = fields.read(tag::SEQUENCE)?;
        let bits = fields.read(tag::BIT_STRING)?;
        fields.end()?;
        der::oid(DerReader::new(algorithm).read(tag::OID)?)?;
        let key = der::bit_string_bytes(bits)?;
        Ok(PublicKey {
            spki: spki.to_vec(),
            weakness: weakness(algorithm, key),
            algorithm: algorithm.to_vec(),
            key: key.to_vec(),
        })
    }

    /// Contents of the BIT STRING.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.key
    }

    /// Whether this key made the signature. Costs 15 to 400 microseconds where an algorithm fits: count the calls.
    pub(crate) fn verifies(&self, algorithm: &SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        self.weakness.is_none()
            && algorithm.weakness.is_none()
            && ACCEPTED.iter().any(|accepted| {
                *accepted.public_key_alg_id() == *self.algorithm
                    && *accepted.signature_alg_id() == *algorithm.id
                    && accepted.verify_signature(&self.key, message, signature).is_ok()
            })
    }
}

/// An AlgorithmIdentifier of a signature.
#[derive(Debug)]
pub(crate) struct SignatureAlgorithm {
    /// Contents of the AlgorithmIdentifier.
    id: Vec<u8>,
    /// `None`: accepted.
    pub(crate) weakness: Option<Weakness>,
}

impl SignatureAlgorithm {
    /// From the contents of an AlgorithmIdentifier.
    ///
    /// # Errors
    /// They do not begin with an object identifier.
    pub(crate) fn read(id: &[u8]) -> Result<SignatureAlgorithm, Malformed> {
        let oid = der::oid(DerReader::new(id).read(tag::OID)?)?;
        let accepted = ACCEPTED.iter().any(|accepted| *accepted.signature_alg_id() == *id);
        let weakness = (!accepted).then(|| {
            let broken = BROKEN_SIGNATURES.iter().find(|(broken, _)| *broken == oid);
            broken.map_or(Weakness("a signature algorithm that is not supported"), |(_, weakness)| *weakness)
        });
        Ok(SignatureAlgorithm { id: id.to_vec(), weakness })
    }
}

/// docs/rules.md rule 2: RSA 2048 to 4096 bits, P-256, P-384, P-521, Ed25519.
fn weakness(algorithm: &[u8], key: &[u8]) -> Option<Weakness> {
    let point_bytes = match algorithm {
        id if *id == *alg_id::RSA_ENCRYPTION => return rsa_weakness(key).err(),
        id if *id == *alg_id::ED25519 => {
            return (key.len() != 32).then_some(Weakness("an Ed25519 key that is not 32 bytes"));
        }
        id if *id == *alg_id::ECDSA_P256 => 32,
        id if *id == *alg_id::ECDSA_P384 => 48,
        id if *id == *alg_id::ECDSA_P521 => 66,
        _ => return Some(Weakness("a key of a type that is not supported (RSA, P-256, P-384, P-521, Ed25519 are)")),
    };
    // RFC 5480 §2.2: uncompressed or compressed, nothing else.
    let fits = match key.first() {
        Some(0x04) => key.len() == 1 + 2 * point_bytes,
        Some(0x02 | 0x03) => key.len() == 1 + point_bytes,
        _ => false,
    };
    (!fits).then_some(Weakness("a key that is no point of its curve"))
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 §A.1.1).
fn rsa_weakness(key: &[u8]) -> Result<(), Weakness> {
    const UNREADABLE: Weakness = Weakness("an RSA key that cannot be read");
    let read = || -> Result<(&[u8], &[u8]), Malformed> {
        let mut fields = DerReader::new(der::only(key, tag::SEQUENCE)?);
        let numbers = (der::integer(fields.read(tag::INTEGER)?)?, der::integer(fields.read(tag::INTEGER)?)?);
        fields.end()?;
        Ok(numbers)
    };
    let (modulus, exponent) = read().map_err(|_| UNREADABLE)?;
    let modulus_bits = positive_bits(modulus).ok_or(UNREADABLE)?;
    let exponent_bits = positive_bits(exponent).ok_or(UNREADABLE)?;
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if modulus_bits < RSA_BITS_MIN {
        Err(Weakness("an RSA key of fewer than 2048 bits"))
    } else if modulus_bits > RSA_BITS_MAX {
        Err(Weakness("an RSA key of more than 4096 bits"))
    } else if !modulus_bits.is_multiple_of(8) {
        Err(Weakness("an RSA key whose size is no whole number of bytes"))
    } else if !(2..=RSA_EXPONENT_BITS_MAX).contains(&exponent_bits) || !is_odd(exponent) || !is_odd(modulus) {
        Err(Weakness("an RSA key whose modulus or exponent is even or out of bounds"))
    } else {
        Ok(())
    }
}

/// Bits of a positive INTEGER; `None` for zero and negative ones.
fn positive_bits(integer: &[u8]) -> Option<usize> {
    let magnitude = integer.strip_prefix(&[0]).unwrap_or(integer);
    let first = magnitude.first().filter(|_| integer.first().is_some_and(|sign| sign & 0x80 == 0))?;
    Some(magnitude.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(8))
}

/// NIST SP 800-131A: 112 bits of strength. A certificate or CRL under a key of 1024 bits could be forged.
pub(crate) const RSA_BITS_MIN: usize = 2048;
/// A verification grows with the square of the size: 4096 bits cost 50 microseconds, 16384 bits a millisecond.
pub(crate) const RSA_BITS_MAX: usize = 4096;
/// 65537 has 17. A large exponent makes a verification as dear as a signature (CVE-2023-0286 and its kin); aws-lc
/// itself stops at 33.
const RSA_EXPONENT_BITS_MAX: usize = 33;

/// What signs. Each entry is one key type with one signature algorithm, compared as whole DER.
static ACCEPTED: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P256_SHA512,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ECDSA_P384_SHA512,
    algorithms::ECDSA_P521_SHA256,
    algorithms::ECDSA_P521_SHA384,
    algorithms::ECDSA_P521_SHA512,
    algorithms::ED25519,
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
    algorithms::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
    algorithms::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    algorithms::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// Named, so that an administrator learns what to change.
const BROKEN_SIGNATURES: &[(&[u8], Weakness)] = &[
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04], Weakness("an MD5 signature")),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05], Weakness("a SHA-1 signature")),
    (&[0x2b, 0x0e, 0x03, 0x02, 0x1d], Weakness("a SHA-1 signature")),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], Weakness("a SHA-1 signature")),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03], Weakness("a DSA signature")),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
        Weakness("an RSASSA-PSS signature with other parameters than one of SHA-256, SHA-384, SHA-512 throughout"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, value: &[u8]| {
            [&[tag, 0x83, 0, 0, 0][..2], &u16::try_from(value.len()).unwrap().to_be_bytes(), value]
                .concat()
                .into_iter()
                .collect::<Vec<u8>>()
        };
        let integer = |value: &[u8]| match value.len() {
            0..0x80 => [&[0x02, u8::try_from(value.len()).unwrap()], value].concat(),
            0x80..0x100 => [&[0x02, 0x81, u8::try_from(value.len()).unwrap()], value].concat(),
            _ => {
                let mut der = wrap(0x02, value);
                der[1] = 0x82;
                der
            }
        };
        let body = [integer(modulus), integer(exponent)].concat();
        let mut der = wrap(0x30, &body);
        der[1] = 0x82;
        der
    }

    #[test]
    fn rsa_sizes_and_exponents() {
        let modulus = |bytes: usize| [vec![0x00, 0x80], vec![0xff; bytes - 1]].concat();
        let e = [0x01, 0x00, 0x01];
        for (case, key, accepted) in [
            ("2048", rsa(&modulus(256), &e), true),
            ("4096", rsa(&modulus(512), &e), true),
            ("2052", rsa(&[vec![0x0f], vec![0xff; 256]].concat(), &e), false),
            ("2047", rsa(&[vec![0x40], vec![0xff; 255]].concat(), &e), false),
            ("4097", rsa(&[vec![0x01], vec![0xff; 512]].concat(), &e), false),
            ("16384", rsa(&modulus(2048), &e), false),
            ("even modulus", rsa(&[modulus(256)[..256].to_vec(), vec![0xfe]].concat(), &e), false),
            ("negative modulus", rsa(&[0x80; 257], &e), false),
            ("exponent 1", rsa(&modulus(256), &[1]), false),
            ("exponent 3", rsa(&modulus(256), &[3]), true),
            ("even exponent", rsa(&modulus(256), &[4]), false),
            ("exponent 2^32 + 1", rsa(&modulus(256), &[1, 0, 0, 0, 1]), true),
            ("exponent of 2047 bits", rsa(&modulus(256), &[0x7f; 256]), false),
            ("nothing", Vec::new(), false),
        ] {
            assert_eq!(rsa_weakness(&key).is_ok(), accepted, "{case}");
        }
    }
}
