//! Where it meets: configuration, listeners, the session pipeline, pools, live authorization, admin, command line.

pub mod config;
pub mod operator;
pub mod record;
