//! The body of a ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2), strict: every length exact, no extension twice.

use super::client_hello::ClientHello;
use super::error::HelloError;
use super::server_name::ServerName;
use crate::escape::printable;

/// Parses the body of a ClientHello handshake message.
pub(super) fn parse(body: &[u8]) -> Result<ClientHello, HelloError> {
    let mut body = FieldReader(body);
    let legacy_version = body.u16("legacy_version")?;
    body.take(RANDOM_BYTES, "random")?;
    if body.prefixed_u8("session_id")?.len() > SESSION_ID_BYTES_MAX {
        return Err(HelloError::Malformed("session_id"));
    }
    let suites = u16_list(body.prefixed_u16("cipher_suites")?, "cipher_suites")?;
    if body.prefixed_u8("compression_methods")?.is_empty() {
        return Err(HelloError::Malformed("compression_methods"));
    }
    let mut hello = ClientHello { suites, versions: vec![legacy_version], ..ClientHello::default() };
    // A hello of TLS 1.0 or 1.1 may end here (RFC 5246 §7.4.1.2).
    if !body.is_empty() {
        let extensions = body.prefixed_u16("extensions")?;
        body.end("extensions")?;
        parse_extensions(extensions, &mut hello)?;
    }
    Ok(hello)
}

fn parse_extensions(extensions: &[u8], hello: &mut ClientHello) -> Result<(), HelloError> {
    let mut rest = FieldReader(extensions);
    let mut seen = Vec::new();
    while !rest.is_empty() {
        let kind = rest.u16("extension type")?;
        let mut body = FieldReader(rest.prefixed_u16("extension")?);
        if seen.len() == EXTENSIONS_MAX {
            return Err(HelloError::Malformed("too many extensions"));
        }
        if seen.contains(&kind) {
            return Err(HelloError::DuplicateExtension(kind));
        }
        seen.push(kind);
        match kind {
            SERVER_NAME => hello.server_name = server_name(&mut body)?,
            SUPPORTED_GROUPS => {
                hello.groups = u16_list(body.prefixed_u16("supported_groups")?, "supported_groups")?;
                body.end("supported_groups")?;
            }
            SIGNATURE_ALGORITHMS => {
                let list = body.prefixed_u16("signature_algorithms")?;
                hello.signature_schemes = u16_list(list, "signature_algorithms")?;
                body.end("signature_algorithms")?;
            }
            SUPPORTED_VERSIONS => {
                hello.versions = u16_list(body.prefixed_u8("supported_versions")?, "supported_versions")?;
                body.end("supported_versions")?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Spec: RFC 6066 §3. Exactly one entry and that a `host_name`: two names, or a kind nobody has defined, are a name
/// that no site has, not a reason to guess.
fn server_name(body: &mut FieldReader<'_>) -> Result<ServerName, HelloError> {
    let list = body.prefixed_u16("server_name")?;
    body.end("server_name")?;
    if list.is_empty() {
        return Err(HelloError::Malformed("server_name"));
    }
    let mut entries = FieldReader(list);
    let kind = entries.u8("server_name")?;
    let name = entries.prefixed_u16("server_name")?;
    if kind != HOST_NAME || !entries.is_empty() {
        return Ok(ServerName::Unusable(printable(list)));
    }
    Ok(ServerName::from_host_name(name))
}

fn u16_list(bytes: &[u8], field: &'static str) -> Result<Vec<u16>, HelloError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return Err(HelloError::Malformed(field));
    }
    Ok(pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect())
}

/// Takes from the front, or reports which field is short.
struct FieldReader<'a>(&'a [u8]);

impl<'a> FieldReader<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    fn end(&self, field: &'static str) -> Result<(), HelloError> {
        if self.0.is_empty() { Ok(()) } else { Err(HelloError::Malformed(field)) }
    }
    fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], HelloError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(HelloError::Malformed(field))?;
        self.0 = rest;
        Ok(head)
    }
    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], HelloError> {
        self.take(N, field)?.try_into().map_err(|_| HelloError::Malformed(field))
    }
    fn u8(&mut self, field: &'static str) -> Result<u8, HelloError> {
        self.array(field).map(u8::from_be_bytes)
    }
    fn u16(&mut self, field: &'static str) -> Result<u16, HelloError> {
        self.array(field).map(u16::from_be_bytes)
    }
    fn prefixed_u8(&mut self, field: &'static str) -> Result<&'a [u8], HelloError> {
        let length = self.u8(field)?;
        self.take(length.into(), field)
    }
    fn prefixed_u16(&mut self, field: &'static str) -> Result<&'a [u8], HelloError> {
        let length = self.u16(field)?;
        self.take(length.into(), field)
    }
}

/// RFC 5246 §7.4.1.2.
const RANDOM_BYTES: usize = 32;
/// RFC 5246 §7.4.1.2.
const SESSION_ID_BYTES_MAX: usize = 32;
/// Clients in the field send some 20; the search for duplicates is quadratic.
const EXTENSIONS_MAX: usize = 64;

const HOST_NAME: u8 = 0;
const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const SUPPORTED_VERSIONS: u16 = 43;
