//! Which alert each reason sends, and what the Windows client then shows. One table.
//!
//! The alert is all that a refused client gets. schannel turns it into the code that
//! `netsh interface httpstunnel show interfaces` prints (Microsoft Learn, "Schannel Error Codes for TLS and SSL
//! Alerts"), so the alert is chosen by what the person before that screen should read.

use ravelin_policy::Reason;

/// A TLS alert description by its number (RFC 8446 §6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Alert(pub u8);

impl Alert {
    /// The certificate cannot be read or breaks a rule.
    pub const BAD_CERTIFICATE: Alert = Alert(42);
    /// The certificate is of a kind that is not accepted: EKU, key.
    pub const UNSUPPORTED_CERTIFICATE: Alert = Alert(43);
    /// The certificate was revoked.
    pub const CERTIFICATE_REVOKED: Alert = Alert(44);
    /// The certificate is expired, or not yet valid.
    pub const CERTIFICATE_EXPIRED: Alert = Alert(45);
    /// Anything else about the certificate.
    pub const CERTIFICATE_UNKNOWN: Alert = Alert(46);
    /// No trust in the certificate's issuer, or its revocation status is unknown.
    pub const UNKNOWN_CA: Alert = Alert(48);
    /// The certificate is good and its holder may not enter.
    pub const ACCESS_DENIED: Alert = Alert(49);
    /// The client was asked for a certificate and sent none.
    pub const CERTIFICATE_REQUIRED: Alert = Alert(116);

    /// A message at the wrong time (`handshake_failed`).
    pub const UNEXPECTED_MESSAGE: Alert = Alert(10);
    /// A record that does not decrypt (`handshake_failed`).
    pub const BAD_RECORD_MAC: Alert = Alert(20);
    /// A record that is too long (`handshake_failed`).
    pub const RECORD_OVERFLOW: Alert = Alert(22);
    /// No suite, group or signature scheme in common (`no_common_suite`).
    pub const HANDSHAKE_FAILURE: Alert = Alert(40);
    /// A field that contradicts another (`handshake_failed`).
    pub const ILLEGAL_PARAMETER: Alert = Alert(47);
    /// A message that cannot be parsed (`handshake_failed`).
    pub const DECODE_ERROR: Alert = Alert(50);
    /// A failed proof of the key (`handshake_failed`).
    pub const DECRYPT_ERROR: Alert = Alert(51);
    /// No protocol version in common (`no_common_suite`).
    pub const PROTOCOL_VERSION: Alert = Alert(70);
    /// Nothing the client did (limits, draining).
    pub const INTERNAL_ERROR: Alert = Alert(80);
    /// A name that no site has (`unknown_server_name`, RFC 6066 §3).
    pub const UNRECOGNIZED_NAME: Alert = Alert(112);
}

/// The alert for a denial.
pub fn for_reason(reason: Reason) -> Alert {
    match reason {
        Reason::NoCertificate => Alert::CERTIFICATE_REQUIRED,

        // "The certificate chain was issued by an authority that is not trusted." Unknown revocation
        // status sends the same, as OpenSSL, BoringSSL and rustls do: what is missing is a statement of the authority.
        Reason::UnknownIssuer | Reason::RevocationUnknown | Reason::CrlExpired => Alert::UNKNOWN_CA,

        Reason::Expired | Reason::NotYetValid => Alert::CERTIFICATE_EXPIRED,
        Reason::Revoked => Alert::CERTIFICATE_REVOKED,

        // RFC 8446 §6.2: "corrupt, contained signatures that did not verify correctly, etc."
        Reason::BadSignature | Reason::ChainTooLong | Reason::MalformedCertificate | Reason::NameConstraint => {
            Alert::BAD_CERTIFICATE
        }

        Reason::WeakKey | Reason::WrongPurpose => Alert::UNSUPPORTED_CERTIFICATE,

        // The certificate proves who the client is; who it is may not enter. SEC_E_LOGON_DENIED means just that.
        Reason::IssuerNotAllowed
        | Reason::NameMalformed
        | Reason::NameMissing
        | Reason::NameNotAllowed
        | Reason::DenyListed
        | Reason::SidMissing
        | Reason::SidMalformed
        | Reason::SidMismatch
        | Reason::AccountNotFound
        | Reason::AccountAmbiguous
        | Reason::AccountDisabled
        | Reason::AccountExpired
        | Reason::AccountNotComputer
        | Reason::IssuerNotInNtauth
        | Reason::GroupMissing
        | Reason::GroupDenied
        | Reason::DirectoryStale
        | Reason::DirectoryUnavailable => Alert::ACCESS_DENIED,
    }
}

/// The code and symbol that a Windows client shows for an alert, such as `0x80090325 SEC_E_UNTRUSTED_ROOT`.
pub fn client_shows(alert: Alert) -> &'static str {
    row(alert).map_or(SHOWN_BY_DEFAULT, |(_, _, shown)| shown)
}

/// The alert's name in the IANA registry, such as `unknown_ca`; `unknown` for a number that has none.
pub fn name(alert: Alert) -> &'static str {
    row(alert).map_or("unknown", |(_, name, _)| name)
}

fn row(alert: Alert) -> Option<(u8, &'static str, &'static str)> {
    TABLE.iter().copied().find(|(number, _, _)| *number == alert.0)
}

/// What schannel makes of an alert that it has no code for.
const SHOWN_BY_DEFAULT: &str = "0x80090326 SEC_E_ILLEGAL_MESSAGE";

/// Number, name, what the client shows. Numbers above 110 are younger than Microsoft's table: the default.
const TABLE: &[(u8, &str, &str)] = &[
    (0, "close_notify", "0x00090317 SEC_I_CONTEXT_EXPIRED"),
    (10, "unexpected_message", SHOWN_BY_DEFAULT),
    (20, "bad_record_mac", "0x8009030F SEC_E_MESSAGE_ALTERED"),
    (22, "record_overflow", SHOWN_BY_DEFAULT),
    (40, "handshake_failure", SHOWN_BY_DEFAULT),
    (42, "bad_certificate", "0x80090327 SEC_E_CERT_UNKNOWN"),
    (43, "unsupported_certificate", "0x80090327 SEC_E_CERT_UNKNOWN"),
    (44, "certificate_revoked", "0x80092010 CRYPT_E_REVOKED"),
    (45, "certificate_expired", "0x80090328 SEC_E_CERT_EXPIRED"),
    (46, "certificate_unknown", "0x80090327 SEC_E_CERT_UNKNOWN"),
    (47, "illegal_parameter", SHOWN_BY_DEFAULT),
    (48, "unknown_ca", "0x80090325 SEC_E_UNTRUSTED_ROOT"),
    (49, "access_denied", "0x8009030C SEC_E_LOGON_DENIED"),
    (50, "decode_error", SHOWN_BY_DEFAULT),
    (51, "decrypt_error", "0x80090330 SEC_E_DECRYPT_FAILURE"),
    (70, "protocol_version", "0x80090302 SEC_E_UNSUPPORTED_FUNCTION"),
    (71, "insufficient_security", "0x80090331 SEC_E_ALGORITHM_MISMATCH"),
    (80, "internal_error", "0x80090304 SEC_E_INTERNAL_ERROR"),
    (86, "inappropriate_fallback", SHOWN_BY_DEFAULT),
    (90, "user_canceled", "0x80090333 SEC_E_UNFINISHED_CONTEXT_DELETED"),
    (100, "no_renegotiation", SHOWN_BY_DEFAULT),
    (109, "missing_extension", SHOWN_BY_DEFAULT),
    (110, "unsupported_extension", SHOWN_BY_DEFAULT),
    (112, "unrecognized_name", SHOWN_BY_DEFAULT),
    (113, "bad_certificate_status_response", SHOWN_BY_DEFAULT),
    (115, "unknown_psk_identity", SHOWN_BY_DEFAULT),
    (116, "certificate_required", SHOWN_BY_DEFAULT),
    (120, "no_application_protocol", SHOWN_BY_DEFAULT),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_an_alert_with_a_name_and_a_code() {
        for reason in Reason::ALL {
            let alert = for_reason(*reason);
            assert_ne!(name(alert), "unknown", "{}", reason.label());
            assert!(client_shows(alert).starts_with("0x8009"), "{}", reason.label());
        }
    }

    #[test]
    fn the_client_shows_what_an_administrator_expects() {
        for (reason, shown) in [
            (Reason::NoCertificate, "0x80090326 SEC_E_ILLEGAL_MESSAGE"),
            (Reason::UnknownIssuer, "0x80090325 SEC_E_UNTRUSTED_ROOT"),
            (Reason::Expired, "0x80090328 SEC_E_CERT_EXPIRED"),
            (Reason::Revoked, "0x80092010 CRYPT_E_REVOKED"),
            (Reason::WrongPurpose, "0x80090327 SEC_E_CERT_UNKNOWN"),
            (Reason::NameNotAllowed, "0x8009030C SEC_E_LOGON_DENIED"),
        ] {
            assert_eq!(client_shows(for_reason(reason)), shown);
        }
    }

    #[test]
    fn the_table_is_sorted_without_doubles() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
