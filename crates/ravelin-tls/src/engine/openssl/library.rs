//! OpenSSL as a whole: what it is told before its first use.

use std::ptr;
use std::sync::Once;

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

/// `OPENSSL_INIT_NO_LOAD_CONFIG` of `openssl/crypto.h`, which `openssl-sys` leaves out.
const NO_LOAD_CONFIG: u64 = 0x80;
