//! Real certificates, read with another parser than ours.

use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::*;

/// What is asked about a certificate.
pub(super) struct Certificate {
    pub(super) label: String,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    key_identifier: Option<Vec<u8>>,
    distribution_points: Option<Vec<u8>>,
    pub(super) is_authority: bool,
    pub(super) may_sign_crls: bool,
}

impl Certificate {
    pub(super) fn read(label: &str, der: &[u8]) -> Certificate {
        let (_, read) = X509Certificate::from_der(der).unwrap();
        let value_of = |id: &str| {
            read.extensions().iter().find(|found| found.oid.to_id_string() == id).map(|found| found.value.to_vec())
        };
        let key_usage = read.key_usage().unwrap();
        Certificate {
            label: label.to_owned(),
            serial: read.raw_serial().to_vec(),
            issuer: read.issuer().as_raw().to_vec(),
            subject: read.subject().as_raw().to_vec(),
            spki: read.public_key().raw.to_vec(),
            key_identifier: value_of("2.5.29.14")
                .map(|value| crate::der::only(&value, crate::der::tag::OCTET_STRING).unwrap().to_vec()),
            distribution_points: value_of("2.5.29.31"),
            is_authority: read.is_ca() || label.ends_with("CRLSigningCert"),
            may_sign_crls: key_usage.is_none_or(|usage| usage.value.crl_sign()),
        }
    }

    pub(super) fn authority(&self) -> Authority<'_> {
        Authority {
            subject: &self.subject,
            spki: &self.spki,
            key_identifier: self.key_identifier.as_deref(),
            may_sign_crls: self.may_sign_crls,
        }
    }

    pub(super) fn to_check(&self) -> CertificateToCheck<'_> {
        CertificateToCheck {
            serial: &self.serial,
            issuer_name: &self.issuer,
            distribution_points: self.distribution_points.as_deref(),
            is_authority: self.is_authority,
        }
    }
}
