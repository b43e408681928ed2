//! Extensions of certificates as DER.

use super::certificate::{CertificateSpec, KeyId, Points, Template};
use super::der;
use super::general_name::{self, GeneralName};
use super::key::Key;
use super::name::Name;

/// One extension: `value` is what goes into the OCTET STRING.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Extension {
    /// Dotted decimal.
    pub oid: String,
    /// Critical.
    pub critical: bool,
    /// DER, or anything else.
    pub value: Vec<u8>,
}

impl Extension {
    /// From its parts.
    pub fn new(oid: &str, critical: bool, value: Vec<u8>) -> Extension {
        Extension { oid: oid.to_owned(), critical, value }
    }

    /// `Extension` of RFC 5280 §4.1.
    pub fn to_der(&self) -> Vec<u8> {
        let mut parts = vec![der::oid(&self.oid)];
        if self.critical {
            parts.push(der::boolean(true));
        }
        parts.push(der::octet_string(&self.value));
        der::sequence(&parts)
    }
}

/// All extensions that the specification asks for, in the order in which AD CS writes them.
pub(super) fn of_certificate(spec: &CertificateSpec, issuer: &Name, issuer_key: &Key) -> Vec<Extension> {
    let mut out = Vec::new();
    if let Some(bits) = spec.key_usage {
        out.push(Extension::new("2.5.29.15", true, der::named_bits(bits)));
    }
    if let Some(purposes) = &spec.purposes {
        let oids: Vec<_> = purposes.iter().map(|oid| der::oid(oid)).collect();
        out.push(Extension::new("2.5.29.37", spec.purposes_critical, der::sequence(&oids)));
    }
    match &spec.template {
        Some(Template::Named(name)) => {
            let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
            out.push(Extension::new("1.3.6.1.4.1.311.20.2", false, der::tlv(0x1e, &units)));
        }
        Some(Template::Versioned { oid, major, minor }) => {
            let parts = [der::oid(oid), der::integer(*major), der::integer(*minor)];
            out.push(Extension::new("1.3.6.1.4.1.311.21.7", false, der::sequence(&parts)));
        }
        None => {}
    }
    if let Some(constraints) = spec.basic_constraints {
        let mut parts = Vec::new();
        if constraints.ca {
            parts.push(der::boolean(true));
        }
        parts.extend(constraints.path_len.map(der::integer));
        out.push(Extension::new("2.5.29.19", true, der::sequence(&parts)));
    }
    if !spec.names.is_empty() {
        out.push(Extension::new(
            "2.5.29.17",
            spec.names_critical,
            der::tlv(0x30, &general_name::contents(&spec.names)),
        ));
    }
    if let Some(id) = key_id(&spec.subject_key_id, &spec.key) {
        out.push(Extension::new("2.5.29.14", false, der::octet_string(&id)));
    }
    out.extend(authority_key_id(&spec.authority_key_id, issuer_key));
    let crl_points = points(&spec.crl_points, issuer, "crl");
    if !crl_points.is_empty() {
        let points: Vec<_> = crl_points.iter().map(|names| der::sequence(&[distribution_point_name(names)])).collect();
        out.push(Extension::new("2.5.29.31", false, der::sequence(&points)));
    }
    let access = |oid: &str, name: &GeneralName| der::sequence(&[der::oid(oid), name.to_der()]);
    let mut descriptions: Vec<_> = points(&spec.issuer_points, issuer, "crt")
        .iter()
        .flatten()
        .map(|name| access("1.3.6.1.5.5.7.48.2", name))
        .collect();
    descriptions.extend(spec.ocsp.iter().map(|url| access("1.3.6.1.5.5.7.48.1", &GeneralName::uri(url))));
    if !descriptions.is_empty() {
        out.push(Extension::new("1.3.6.1.5.5.7.1.1", false, der::sequence(&descriptions)));
    }
    if let Some(constraints) = &spec.name_constraints {
        let subtrees = |number: u8, names: &[GeneralName]| {
            let bases: Vec<_> = names.iter().map(|name| der::sequence(&[name.to_der()])).collect();
            if bases.is_empty() { Vec::new() } else { der::implicit_constructed(number, &bases.concat()) }
        };
        let parts = [subtrees(0, &constraints.permitted), subtrees(1, &constraints.excluded)];
        out.push(Extension::new("2.5.29.30", true, der::sequence(&parts)));
    }
    if let Some(sid) = &spec.sid {
        // MS-WCCE §2.2.2.7.7.4: GeneralNames with one otherName whose value is the SID as text in an OCTET STRING.
        let name = GeneralName::Other { oid: SID_NAME.to_owned(), value: der::octet_string(sid.as_bytes()) };
        out.push(Extension::new("1.3.6.1.4.1.311.25.2", false, der::sequence(&[name.to_der()])));
    }
    out.extend(spec.extra.iter().cloned());
    out
}

/// Authority key identifier, of certificates and lists.
pub(super) fn authority_key_id(id: &KeyId, issuer_key: &Key) -> Option<Extension> {
    let value = der::sequence(&[der::implicit(0, &key_id(id, issuer_key)?)]);
    Some(Extension::new("2.5.29.35", false, value))
}

/// `[0] DistributionPointName` with `[0] fullName`.
pub(super) fn distribution_point_name(names: &[GeneralName]) -> Vec<u8> {
    der::explicit(0, &der::implicit_constructed(0, &general_name::contents(names)))
}

fn key_id(id: &KeyId, key: &Key) -> Option<Vec<u8>> {
    match id {
        KeyId::Usual => Some(key.identifier()),
        KeyId::Omitted => None,
        KeyId::These(bytes) => Some(bytes.clone()),
    }
}

fn points(points: &Points, issuer: &Name, ending: &str) -> Vec<Vec<GeneralName>> {
    match points {
        Points::Usual => {
            let name = issuer.common_name().unwrap_or("unnamed").replace(' ', "_");
            vec![vec![GeneralName::uri(&format!("http://pki.corp.example.test/{name}.{ending}"))]]
        }
        Points::Omitted => Vec::new(),
        Points::These(points) => points.clone(),
    }
}

const SID_NAME: &str = "1.3.6.1.4.1.311.25.2.1";
