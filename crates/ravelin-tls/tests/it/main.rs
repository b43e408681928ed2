//! Handshakes with real peers over loopback: `openssl s_client`, `openssl s_server`, rustls, and hostile bytes.
// So that the lints' exemption for tests covers the helpers too.
#![cfg(test)]

mod admitted_clients_are_served;
mod broken_handshakes_affect_no_other_connection;
mod clients_get_a_certificate_they_can_verify;
mod denied_clients_get_the_alert_of_their_reason;
mod nothing_is_resumed;
#[cfg(feature = "legacy-tls")]
mod old_clients_are_served;
#[cfg(feature = "legacy-tls")]
mod old_servers_can_be_connected_to;
mod servers_are_verified;
mod support;
#[cfg(feature = "legacy-tls")]
mod which_clients_are_served;
