//! Pools: which server takes an admitted client, and the way to it.
//!
//! ```text
//! connect    Authorized + CheckedRequest > a connected server         the only door for a client's bytes
//! stream     a connected server > asked > AnsweredServer
//! renewed    Authorized + AnsweredServer > RenewedTunnel               judged once more
//! probe      an address > whether it answers                           a door that carries nothing of a client
//! ```

mod balance;
mod connect;
mod health;
mod probe;
mod renewed;
mod state;
mod stream;

pub use balance::Order;
pub use connect::{NoServer, connect};
pub(crate) use health::check_forever;
pub use renewed::RenewedTunnel;
pub use state::Pools;
pub use stream::ConnectedServer;
pub(crate) use stream::ServerStream;
