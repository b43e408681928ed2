//! Handshakes with real peers over loopback: `openssl s_client`, `openssl s_server`, rustls, and hostile bytes.
// So that the lints' exemption for tests covers the helpers too.
#![cfg(test)]

mod admitted_clients_are_served;
mod broken_handshakes_end_alone;
mod clients_get_a_certificate_they_can_verify;
mod denied_clients_are_told_by_alert;
mod nothing_is_resumed;
#[cfg(feature = "legacy-tls")]
mod old_clients_are_served;
#[cfg(feature = "legacy-tls")]
mod old_servers_are_met;
mod servers_are_verified;
mod support;
#[cfg(feature = "legacy-tls")]
mod which_clients_are_served;
