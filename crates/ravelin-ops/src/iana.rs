//! Names of TLS numbers, as IANA's registries have them, for records and for `ravelin hello`.

use rustls::{CipherSuite, NamedGroup, SignatureScheme};

/// The suite's name; its number where it has none.
pub fn suite(number: u16) -> String {
    if number == FALLBACK_SCSV {
        return "TLS_FALLBACK_SCSV".to_owned();
    }
    // rustls names those of TLS 1.3 in its own way.
    match CipherSuite::from(number).as_str() {
        Some(name) => name.replacen("TLS13_", "TLS_", 1),
        None => hex(number),
    }
}

/// The version as records write it.
pub fn version(number: u16) -> String {
    match number {
        0x0300 => "SSLv3".to_owned(),
        0x0301 => "TLSv1.0".to_owned(),
        0x0302 => "TLSv1.1".to_owned(),
        0x0303 => "TLSv1.2".to_owned(),
        0x0304 => "TLSv1.3".to_owned(),
        _ => hex(number),
    }
}

/// The group's name; its number where it has none.
pub fn group(number: u16) -> String {
    NamedGroup::from(number).as_str().map_or_else(|| hex(number), str::to_owned)
}

/// The signature scheme's name; its number where it has none.
pub fn scheme(number: u16) -> String {
    SignatureScheme::from(number).as_str().map_or_else(|| hex(number), str::to_owned)
}

fn hex(number: u16) -> String {
    format!("0x{number:04x}")
}

/// RFC 7507.
const FALLBACK_SCSV: u16 = 0x5600;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every suite that schannel has had since Windows 7 bears its name.
    #[test]
    fn names() {
        for (number, name) in [
            (0x003b, "TLS_RSA_WITH_NULL_SHA256"),
            (0x0002, "TLS_RSA_WITH_NULL_SHA"),
            (0x0001, "TLS_RSA_WITH_NULL_MD5"),
            (0x1301, "TLS_AES_128_GCM_SHA256"),
            (0x1302, "TLS_AES_256_GCM_SHA384"),
            (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
            (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
            (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
            (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
            (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
            (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
            (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
            (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
            (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
            (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
            (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
            (0x0004, "TLS_RSA_WITH_RC4_128_MD5"),
            (0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA"),
            (0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
            (0x5600, "TLS_FALLBACK_SCSV"),
            (0x0a0a, "0x0a0a"),
        ] {
            assert_eq!(suite(number), name);
        }
        assert_eq!(
            [version(0x0300), version(0x0301), version(0x0304), version(0x7a7a)],
            ["SSLv3", "TLSv1.0", "TLSv1.3", "0x7a7a"]
        );
        assert_eq!([group(29), group(0x0017), group(0x9999)], ["X25519", "secp256r1", "0x9999"]);
        assert_eq!([scheme(0x0401), scheme(0x0201), scheme(0x9999)], ["RSA_PKCS1_SHA256", "RSA_PKCS1_SHA1", "0x9999"]);
    }
}
