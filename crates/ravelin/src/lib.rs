//! Where it meets: configuration, listeners, the session pipeline, pools, live authorization, admin, command line.

pub mod admin;
pub mod audit;
pub mod cli;
pub mod config;
pub mod log;
#[cfg(test)]
mod manual;
pub mod metrics;
pub mod notify;
pub mod operator;
pub mod record;
#[cfg(test)]
mod samples;
