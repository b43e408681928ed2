//! One file per behaviour; the folder's listing is what the product promises.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test tells its failure by panicking"
)]
#![allow(unreachable_pub, missing_docs, reason = "nothing imports a test binary")]

mod admitted_client_has_a_tunnel;
mod corpora_replay;
mod manual_holds_together;
mod reload_judges_live_tunnels_again;
mod sample_configuration;
mod support;
mod wrong_configurations;
