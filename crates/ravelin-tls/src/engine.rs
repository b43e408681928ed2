//! Engines: libraries that terminate TLS. One interface, so that which of them took a client makes no difference to
//! anything but its `engine` label.

#[cfg(feature = "legacy-tls")]
mod gate;
mod judging;
#[cfg(feature = "legacy-tls")]
pub(crate) mod openssl;
mod proof;
pub(crate) mod proven;
mod resolver;
mod result;
pub(crate) mod rustls;
