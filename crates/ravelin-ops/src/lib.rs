//! How a gateway is watched and steered: records, log, audit, metrics, admin interface, control socket, process matters.
//!
//! A session's one record goes to the metrics, the log and the audit file; what an operator sees and asks is one trait
//! ([`operator::Operator`]) that the gateway implements.

pub mod admin;
pub mod audit;
pub mod iana;
pub mod log;
pub mod metrics;
pub mod operator;
pub mod process;
pub mod record;
pub mod record_sink;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
pub mod tables;
