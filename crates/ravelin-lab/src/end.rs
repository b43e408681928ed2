//! How a connection ended, or why it never became a tunnel, as one side saw it.

use std::io;

/// One word for every end, so that a test compares it with `==`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum End {
    /// The peer sent this TLS alert; see [`alert`].
    Alert(u8),
    /// The peer's response head is none.
    BadResponse(String),
    /// This side found the peer's bytes wrong, or the socket failed in a way that has no name here.
    Broken(String),
    /// The peer said close_notify. Over plain TCP: a FIN.
    CloseNotify,
    /// A FIN without close_notify.
    Fin,
    /// A reset.
    Reset,
    /// The server's certificate does not verify.
    ServerUntrusted(String),
    /// The server answered with this status, not 200.
    Status(u16),
    /// Nothing came in time.
    Timeout,
    /// No TCP connection.
    Unreachable(String),
}

impl End {
    pub(crate) fn of_tls(error: &rustls::Error) -> End {
        if let rustls::Error::AlertReceived(alert) = error {
            return End::Alert(u8::from(*alert));
        }
        if let rustls::Error::InvalidCertificate(cause) = error {
            return End::ServerUntrusted(format!("{cause:?}"));
        }
        End::Broken(error.to_string())
    }

    pub(crate) fn of_io(error: &io::Error) -> End {
        // A write after the peer's reset is a broken pipe; a read is a reset. Both say the same of the peer.
        if [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe].contains(&error.kind()) {
            return End::Reset;
        }
        End::Broken(error.to_string())
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for End {}

/// Numbers of TLS alerts (RFC 8446 §6) that the product sends.
pub mod alert {
    /// unexpected_message.
    pub const UNEXPECTED_MESSAGE: u8 = 10;
    /// handshake_failure.
    pub const HANDSHAKE_FAILURE: u8 = 40;
    /// bad_certificate.
    pub const BAD_CERTIFICATE: u8 = 42;
    /// unsupported_certificate.
    pub const UNSUPPORTED_CERTIFICATE: u8 = 43;
    /// certificate_revoked.
    pub const CERTIFICATE_REVOKED: u8 = 44;
    /// certificate_expired.
    pub const CERTIFICATE_EXPIRED: u8 = 45;
    /// certificate_unknown.
    pub const CERTIFICATE_UNKNOWN: u8 = 46;
    /// illegal_parameter.
    pub const ILLEGAL_PARAMETER: u8 = 47;
    /// unknown_ca.
    pub const UNKNOWN_CA: u8 = 48;
    /// access_denied.
    pub const ACCESS_DENIED: u8 = 49;
    /// decode_error.
    pub const DECODE_ERROR: u8 = 50;
    /// decrypt_error.
    pub const DECRYPT_ERROR: u8 = 51;
    /// protocol_version.
    pub const PROTOCOL_VERSION: u8 = 70;
    /// internal_error.
    pub const INTERNAL_ERROR: u8 = 80;
    /// unrecognized_name.
    pub const UNRECOGNIZED_NAME: u8 = 112;
    /// certificate_required.
    pub const CERTIFICATE_REQUIRED: u8 = 116;
}
