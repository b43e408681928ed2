//! RSA PKCS#1 v1.5 with SHA-1, which the cryptographic library verifies but, rightly, no longer signs.
//!
//! Not constant in time: for throw-away keys only.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::der;

/// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.1) over `message`.
pub(super) fn sign(pkcs8: &[u8], message: &[u8]) -> Vec<u8> {
    let (modulus, private_exponent) = components(pkcs8).expect("PKCS#8 of an RSA key");
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
    let algorithm = der::sequence(&[der::oid("1.3.14.3.2.26"), der::null()]);
    let info = der::sequence(&[algorithm, der::octet_string(hash.as_ref())]);
    let mut block = vec![0xff; modulus.len()];
    block[0] = 0;
    block[1] = 1;
    let info_at = modulus.len() - info.len();
    block[info_at - 1] = 0;
    block[info_at..].copy_from_slice(&info);
    power(&block, private_exponent, modulus)
}

/// Modulus and private exponent, without leading zeros.
fn components(pkcs8: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, info, _) = der::read(pkcs8)?;
    let (_, _version, rest) = der::read(info)?;
    let (_, _algorithm, rest) = der::read(rest)?;
    let (_, key, _) = der::read(rest)?;
    let (_, numbers, _) = der::read(key)?;
    let (_, _version, rest) = der::read(numbers)?;
    let (_, modulus, rest) = der::read(rest)?;
    let (_, _public_exponent, rest) = der::read(rest)?;
    let (_, private_exponent, _) = der::read(rest)?;
    Some((modulus.strip_prefix(&[0]).unwrap_or(modulus), private_exponent))
}

/// `base ^ exponent mod modulus`, big-endian; the modulus is odd and a whole number of 64-bit limbs.
fn power(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    let n = limbs(modulus);
    let inverse = negated_inverse(n[0]);
    // R^2 mod n, by doubling 1: R = 2^(64 * limbs).
    let mut square = vec![0; n.len()];
    square[0] = 1;
    for _ in 0..2 * 64 * n.len() {
        square = doubled(&square, &n);
    }
    let base = multiply(&limbs(base), &square, &n, inverse);
    let mut one = vec![0; n.len()];
    one[0] = 1;
    let mut result = multiply(&one, &square, &n, inverse);
    for bit in exponent.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        result = multiply(&result, &result, &n, inverse);
        if bit == 1 {
            result = multiply(&result, &base, &n, inverse);
        }
    }
    multiply(&result, &one, &n, inverse).iter().rev().flat_map(|limb| limb.to_be_bytes()).collect()
}

/// Montgomery's product `a * b / R mod n`.
fn multiply(a: &[u64], b: &[u64], n: &[u64], inverse: u64) -> Vec<u64> {
    let size = n.len();
    let mut t = vec![0u64; size + 2];
    for limb in b {
        let mut carry = 0;
        for j in 0..size {
            (t[j], carry) = step(t[j], a[j], *limb, carry);
        }
        (t[size], t[size + 1]) = step(t[size], 0, 0, carry);
        let m = t[0].wrapping_mul(inverse);
        (_, carry) = step(t[0], m, n[0], 0);
        for j in 1..size {
            (t[j - 1], carry) = step(t[j], m, n[j], carry);
        }
        let (low, high) = step(t[size], 0, 0, carry);
        t[size - 1] = low;
        t[size] = t[size + 1] + high;
    }
    let overflow = t[size] != 0;
    t.truncate(size);
    reduced(t, overflow, n)
}

/// `sum + x * y + carry`, low and high.
fn step(sum: u64, x: u64, y: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(sum) + u128::from(x) * u128::from(y) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

fn doubled(value: &[u64], n: &[u64]) -> Vec<u64> {
    let mut carry = 0;
    let shifted: Vec<u64> = value
        .iter()
        .map(|limb| {
            let out = limb << 1 | carry;
            carry = limb >> 63;
            out
        })
        .collect();
    reduced(shifted, carry == 1, n)
}

/// Subtracts the modulus once, if the value (with its overflow) has reached it.
fn reduced(mut value: Vec<u64>, overflow: bool, n: &[u64]) -> Vec<u64> {
    if overflow || value.iter().rev().ge(n.iter().rev()) {
        let mut borrow = false;
        for (limb, take) in value.iter_mut().zip(n) {
            let (once, first) = limb.overflowing_sub(*take);
            let (twice, second) = once.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (twice, first || second);
        }
    }
    value
}

/// `-1 / n mod 2^64` by Newton's iteration; each round doubles the right bits, six are enough.
fn negated_inverse(n: u64) -> u64 {
    let mut inverse = 1u64;
    for _ in 0..6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(n.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg()
}

/// Little-endian limbs.
fn limbs(big_endian: &[u8]) -> Vec<u64> {
    big_endian.rchunks(8).map(|chunk| chunk.iter().fold(0, |limb, byte| limb << 8 | u64::from(*byte))).collect()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};

    use super::super::{Key, KeyType};

    #[test]
    fn the_library_verifies_what_is_signed() {
        let key = Key::shared(KeyType::Rsa2048, 0);
        let signature = super::sign(key.pkcs8_der(), b"message");
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, key.spki_der());
        assert!(public.verify(b"message", &signature).is_ok());
        assert!(public.verify(b"another", &signature).is_err());
    }
}
