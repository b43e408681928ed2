//! OpenSSL as a whole: how it is initialized, and how its errors read.

use std::fmt;
use std::ptr;
use std::sync::Once;

use openssl::error::ErrorStack;
use openssl::ssl::Error;

/// Makes sure that OpenSSL reads no configuration file, neither the one at its usual place nor one that `OPENSSL_CONF` names:
/// they can take algorithms away, load code, and change what a context starts from. Comes before the first use of
/// anything of OpenSSL's; what the crates do by themselves later finds it done.
#[expect(
    unsafe_code,
    reason = "the crate `openssl` has no safe form of it. Test: no_configuration_of_openssls_own_has_a_say"
)]
pub(crate) fn without_configuration() {
    static DONE: Once = Once::new();
    // SAFETY: the call takes flags and, optionally, settings, for which it documents NULL; it may be made at any time from any
    // thread, any number of times (OPENSSL_init_ssl(3)).
    DONE.call_once(|| unsafe {
        // Fails for want of memory alone, and then nothing after it succeeds: no context, no start.
        openssl_sys::OPENSSL_init_ssl(NO_LOAD_CONFIG, ptr::null());
    });
}

/// An error of OpenSSL's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct OpenSslError {
    /// Without files, lines and numbers; escaped and bounded.
    reasons: String,
}

impl From<ErrorStack> for OpenSslError {
    fn from(errors: ErrorStack) -> OpenSslError {
        OpenSslError::of_stack(&errors)
    }
}

impl From<Error> for OpenSslError {
    fn from(error: Error) -> OpenSslError {
        match error.ssl_error() {
            Some(errors) if !errors.errors().is_empty() => OpenSslError::of_stack(errors),
            _ => OpenSslError { reasons: ravelin_policy::escape(&error.to_string()) },
        }
    }
}

impl OpenSslError {
    fn of_stack(errors: &ErrorStack) -> OpenSslError {
        let reasons: Vec<&str> = errors.errors().iter().filter_map(|error| error.reason()).collect();
        let reasons = if reasons.is_empty() { errors.to_string() } else { reasons.join("; ") };
        OpenSslError { reasons: ravelin_policy::escape(&reasons) }
    }
}

impl fmt::Display for OpenSslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons)
    }
}

/// `OPENSSL_INIT_NO_LOAD_CONFIG` of `openssl/crypto.h`, which `openssl-sys` leaves out.
const NO_LOAD_CONFIG: u64 = 0x80;
