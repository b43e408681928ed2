//! Handshakes with real peers.
