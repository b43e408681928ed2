//! Certificates a site shows: PEM pairs and PFX files.

/// A certificate chain with its private key, checked to belong together.
pub struct ServerIdentity {}

/// Why a certificate or key cannot be used, and the cure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdentityProblem {
    /// The file.
    pub origin: String,
    /// What and the cure.
    pub text: String,
}

impl ServerIdentity {
    /// From PEM text: chain (leaf first) and key (PKCS#8, PKCS#1 or SEC1). `origin`s are for messages.
    ///
    /// # Errors
    /// Unreadable, empty, key and leaf do not match, encrypted key, …
    pub fn from_pem(
        chain_origin: &str,
        chain: &[u8],
        key_origin: &str,
        key: &[u8],
    ) -> Result<ServerIdentity, IdentityProblem> {
        let _ = (chain_origin, chain, key);
        Err(IdentityProblem { origin: key_origin.to_owned(), text: String::new() })
    }

    /// From PKCS#12, legacy RC2/3DES included.
    ///
    /// # Errors
    /// Wrong password, no key, unsupported protection (says how to re-export), …
    pub fn from_pfx(origin: &str, pfx: &[u8], password: &str) -> Result<ServerIdentity, IdentityProblem> {
        let _ = (pfx, password);
        Err(IdentityProblem { origin: origin.to_owned(), text: String::new() })
    }

    /// Subject for metrics, RFC 4514, else the first DNS name.
    pub fn subject(&self) -> &str {
        ""
    }
    /// DNS names of the leaf, lower case (wildcards as they are).
    pub fn dns_names(&self) -> &[String] {
        &[]
    }
    /// Validity, Unix seconds.
    pub fn validity(&self) -> (i64, i64) {
        (0, 0)
    }
}
