//! How a client proves who it is: ClientHello, engines, server identities, alerts.
//!
//! The order of a handshake: [`hello::read`] looks at the ClientHello without answering a byte; the caller picks the
//! site by its name; [`accept`] hands socket, hello and site to an engine, which calls the [`Judge`] with the client's
//! certificate chain as it was presented, while a denial can still be sent as an alert. Once the client has proved its
//! key, the chain is a [`ProvenChain`], which only an engine can make.
//!
//! Absent on purpose: session resumption of any kind, tickets, early data, renegotiation. There is no switch.

mod accept;
pub mod alert;
mod choose;
mod connect;
mod connection;
mod engine;
mod escape;
pub mod hello;
mod identity;
mod legacy;
#[cfg(feature = "legacy-tls")]
mod openssl_context;
#[cfg(feature = "legacy-tls")]
mod openssl_library;
mod outcome;
mod records;
mod setting_problem;
mod site;
mod stream;
#[cfg_attr(not(feature = "legacy-tls"), expect(dead_code, reason = "that build has nobody to offer them"))]
mod suites;
mod wire;

pub use accept::{Accepted, accept, refuse};
pub use choose::EngineChoice;
pub use connect::{UpstreamTls, UpstreamTlsSpec, connect};
pub use engine::proven::ProvenChain;
pub use identity::{IdentityProblem, ServerIdentity};
pub use legacy::{LegacySuite, LegacyTls, NullEncryption, TlsVersion};
pub use outcome::{Engine, HandshakeEnd, HandshakeFailure, Judge, Negotiated};
pub use records::Records;
pub use records::rehearsal::Rehearsal;
pub use records::types::{OpenedRecords, RecordFrame, RecordsError, SealedRecords};
pub use setting_problem::SettingProblem;
pub use site::{SiteTls, SiteTlsSpec};
pub use stream::{TlsParts, TlsStream};
