//! The lines before the body.

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ravelin_policy::directory::DirectoryData;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::contents::Snapshot;
use super::error::SnapshotError;
use super::key::{PublicKey, SigningKey};

/// What the lines say.
pub(super) struct Header<'a> {
    pub(super) serial: u64,
    pub(super) created: i64,
    pub(super) complete: bool,
    domains: &'a str,
    groups: usize,
    accounts: usize,
    body_bytes: usize,
    sha256: &'a str,
    /// What is under the digest, with the body: the lines above its own.
    digested: &'a [u8],
    signature: Option<Vec<u8>>,
    /// What is under the signature: the lines above its own.
    signed: &'a [u8],
}

/// The lines, their empty end included.
pub(super) fn write(snapshot: &Snapshot, body: &[u8], signer: Option<&SigningKey>) -> Result<Vec<u8>, SnapshotError> {
    let Snapshot { serial, created, data, .. } = snapshot;
    let moment = OffsetDateTime::from_unix_timestamp(*created).ok().and_then(|moment| moment.format(&Rfc3339).ok());
    let moment = moment.ok_or(SnapshotError::Header("a time beyond the calendar"))?;
    let complete = if snapshot.complete { "yes" } else { "no" };
    let domains = domain_names(data);
    if domains.contains(['\n', '\r']) {
        return Err(SnapshotError::Body("a domain's name with a line end"));
    }
    let mut header = format!(
        "{MAGIC} {VERSION}\ncreated: {created} {moment}\nserial: {serial}\ncomplete: {complete}\ndomains: {domains}\n\
         groups: {}\naccounts: {}\nbody-octets: {}\n",
        data.groups.len(),
        data.accounts.len(),
        body.len(),
    );
    header.push_str(&format!("sha256: {}\n", sha256(header.as_bytes(), body)));
    let signature = signer.map_or_else(|| NONE.to_owned(), |key| STANDARD.encode(key.sign(header.as_bytes())));
    header.push_str(&format!("signature: {signature}\n\n"));
    Ok(header.into_bytes())
}

/// The lines, and the body behind them.
pub(super) fn read(file: &[u8]) -> Result<(Header<'_>, &[u8]), SnapshotError> {
    if !file.starts_with(MAGIC.as_bytes()) {
        return Err(SnapshotError::NotASnapshot);
    }
    let head = file.get(..HEADER_BYTES_MAX).unwrap_or(file);
    let end = head.windows(2).position(|pair| pair == b"\n\n");
    let end = end.ok_or(SnapshotError::Damaged("its header does not end"))?;
    let (text, body) = (file.get(..end).unwrap_or_default(), file.get(end + 2..).unwrap_or_default());
    let text = std::str::from_utf8(text).map_err(|_| SnapshotError::Header("its header is not text"))?;
    let mut lines = text.split('\n');
    let version = lines.next().and_then(|line| line.strip_prefix(MAGIC)).map(str::trim_start).unwrap_or_default();
    if version != VERSION {
        return Err(SnapshotError::Version(version.chars().take(20).filter(|c| !c.is_control()).collect()));
    }
    let mut line = |name: &'static str| {
        let line = lines.next().and_then(|line| line.strip_prefix(name)).and_then(|line| line.strip_prefix(": "));
        line.ok_or(SnapshotError::Header("a line is missing, or another stands in its place"))
    };
    let created = line("created")?;
    let (seconds, _for_people) = created.split_once(' ').ok_or(NOT_A_NUMBER)?;
    let created = seconds.parse().map_err(|_| NOT_A_NUMBER)?;
    let serial = decimal(line("serial")?)?;
    let complete = match line("complete")? {
        "yes" => true,
        "no" => false,
        _ => return Err(SnapshotError::Header("complete is neither yes nor no")),
    };
    let domains = line("domains")?;
    let [groups, accounts, body_bytes] = [line("groups")?, line("accounts")?, line("body-octets")?];
    let sha256 = line("sha256")?;
    let signature = line("signature")?;
    if lines.next().is_some() {
        return Err(SnapshotError::Header("a line too many"));
    }
    let signature = match signature {
        NONE => None,
        text => {
            let bytes = STANDARD.decode(text).ok().filter(|bytes| bytes.len() == SIGNATURE_BYTES);
            Some(bytes.ok_or(SnapshotError::Header("a signature that is none"))?)
        }
    };
    let header = Header {
        serial,
        created,
        complete,
        domains,
        groups: size(groups)?,
        accounts: size(accounts)?,
        body_bytes: size(body_bytes)?,
        sha256,
        digested: above(file, text, "sha256: "),
        signature,
        signed: above(file, text, "signature: "),
    };
    Ok((header, body))
}

impl Header<'_> {
    /// Whether the body is the one that was written.
    pub(super) fn check_body(&self, body: &[u8]) -> Result<(), SnapshotError> {
        if body.len() < self.body_bytes {
            return Err(SnapshotError::Damaged("its body is cut short"));
        }
        if body.len() > self.body_bytes {
            return Err(SnapshotError::Damaged("something follows its body"));
        }
        if sha256(self.digested, body) != self.sha256 {
            return Err(SnapshotError::Damaged("it has another digest"));
        }
        Ok(())
    }

    /// Whether it is signed by this key.
    pub(super) fn check_signature(&self, key: &PublicKey) -> Result<(), SnapshotError> {
        let signature = self.signature.as_deref().ok_or(SnapshotError::Unsigned)?;
        if key.verifies(self.signed, signature) { Ok(()) } else { Err(SnapshotError::BadSignature) }
    }

    /// Whether it says of the body what is in it.
    pub(super) fn check_contents(&self, data: &DirectoryData) -> Result<(), SnapshotError> {
        let same = (self.groups, self.accounts) == (data.groups.len(), data.accounts.len());
        if same && self.domains == domain_names(data) {
            Ok(())
        } else {
            Err(SnapshotError::Header("it says something else than its body"))
        }
    }
}

fn domain_names(data: &DirectoryData) -> String {
    data.domains.iter().map(|domain| domain.dns_name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The lines of the header above the last that begins so.
fn above<'a>(file: &'a [u8], header: &str, line: &str) -> &'a [u8] {
    header.rfind(line).and_then(|at| file.get(..at)).unwrap_or_default()
}

fn sha256(header: &[u8], body: &[u8]) -> String {
    let mut digest = Context::new(&SHA256);
    digest.update(header);
    digest.update(body);
    digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Digits alone.
fn decimal(text: &str) -> Result<u64, SnapshotError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(NOT_A_NUMBER)
}

fn size(text: &str) -> Result<usize, SnapshotError> {
    decimal(text).and_then(|number| usize::try_from(number).map_err(|_| NOT_A_NUMBER))
}

const MAGIC: &str = "ravelin directory snapshot";
const VERSION: &str = "1";
const NONE: &str = "none";
/// Of Ed25519 (RFC 8032 §5.1.6).
const SIGNATURE_BYTES: usize = 64;
/// A hundred domains with long names fit.
const HEADER_BYTES_MAX: usize = 32 * 1024;
const NOT_A_NUMBER: SnapshotError = SnapshotError::Header("a number that is none");
