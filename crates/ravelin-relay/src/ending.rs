//! How a tunnel ends, and what each side is then shown: one table.
//!
//! | what happened | the side it came from | the other side | reported as |
//! | --- | --- | --- | --- |
//! | clean end of one side (close_notify; FIN where the end has no mark) | goes on being written to | close_notify and FIN, once all before it is handed over | nothing yet: half-closed |
//! | clean end of both | closed | closed | `ClientClosed` or `ServerClosed`, whoever was first |
//! | FIN where the end has a mark, and it was not sent | RST | all bytes, then RST | `ClientCut`, `ServerCut` |
//! | RST, or another error of the connection | RST | RST | `ClientFailed`, `ServerFailed` |
//! | a record that cannot be, or the peer's fatal alert | the alert if there is one to send, FIN; else RST | RST | `ClientFailed`, `ServerFailed` |
//! | RST after a clean end of its own: it wants no more of the other's bytes | RST | FIN if its stream was already ended cleanly, else RST | `ClientClosed`, `ServerClosed` |
//! | idle, lifetime, key limit, stop | what is sealed, close_notify, FIN | the same | `Idle`, `MaxLifetime`, `KeyLimit`, `Stopped` |
//!
//! In the last row, a side that does not take what it is owed at once gets RST instead: FIN in the middle of its bytes would
//! look like their end. A side's own FIN that is not preceded by close_notify is a cut also in answer to ours (RFC
//! 8446 §6.1 wants one each way).

use crate::report::RelayEnd;
use std::io;

/// Which side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Party {
    Client,
    Server,
}

/// The first thing that ended a tunnel.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Both streams ended cleanly.
    BothEnded { first: Party },
    /// The protocol was broken; an alert waits to be sent, or not.
    Broken { party: Party, what: String, alerted: bool },
    /// FIN without the mark that belongs before it.
    Cut(Party),
    /// The connection broke.
    Failed(Party, io::Error),
    /// Nothing moved for too long.
    Idle,
    /// A key may seal no more.
    KeyLimit,
    /// The tunnel is too old.
    MaxLifetime,
    /// The caller's stop came.
    Stopped,
    /// It had ended its own stream cleanly, and then broke the connection.
    Withdrew(Party),
}

/// What is done to one side's socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Closing {
    /// Send the alert that is queued and FIN, and wait a little for the peer to take it.
    Alert,
    /// All is said: close.
    Close,
    /// Let the kernel send what it has, then RST.
    Deliver,
    /// Send what is owed, the mark of the end and FIN, and wait a little for the peer to take it.
    End,
    /// RST at once.
    Reset,
    /// Close if its stream has ended cleanly, else RST.
    Settle,
}

/// A [`Closing`] a side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Closings {
    pub(crate) client: Closing,
    pub(crate) server: Closing,
}

impl Ending {
    pub(crate) fn broken(party: Party, what: impl Into<String>, alerted: bool) -> Self {
        Self::Broken { party, what: what.into(), alerted }
    }

    /// The table's two middle columns.
    pub(crate) fn closings(&self) -> Closings {
        let sides = |party: &Party, own, other| match party {
            Party::Client => Closings { client: own, server: other },
            Party::Server => Closings { client: other, server: own },
        };
        match self {
            Self::BothEnded { .. } => Closings { client: Closing::Close, server: Closing::Close },
            Self::Broken { party, alerted: true, .. } => sides(party, Closing::Alert, Closing::Reset),
            Self::Broken { party, alerted: false, .. } => sides(party, Closing::Reset, Closing::Reset),
            Self::Cut(party) => sides(party, Closing::Reset, Closing::Deliver),
            Self::Failed(party, _) => sides(party, Closing::Reset, Closing::Reset),
            Self::Idle | Self::KeyLimit | Self::MaxLifetime | Self::Stopped => {
                Closings { client: Closing::End, server: Closing::End }
            }
            Self::Withdrew(party) => sides(party, Closing::Reset, Closing::Settle),
        }
    }
}

/// The table's last column.
impl From<Ending> for RelayEnd {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::BothEnded { first: Party::Client } | Ending::Withdrew(Party::Client) => Self::ClientClosed,
            Ending::BothEnded { first: Party::Server } | Ending::Withdrew(Party::Server) => Self::ServerClosed,
            Ending::Broken { party: Party::Client, what, .. } => Self::ClientFailed(invalid(what)),
            Ending::Broken { party: Party::Server, what, .. } => Self::ServerFailed(invalid(what)),
            Ending::Cut(Party::Client) => Self::ClientCut,
            Ending::Cut(Party::Server) => Self::ServerCut,
            Ending::Failed(Party::Client, error) => Self::ClientFailed(error),
            Ending::Failed(Party::Server, error) => Self::ServerFailed(error),
            Ending::Idle => Self::Idle,
            Ending::KeyLimit => Self::KeyLimit,
            Ending::MaxLifetime => Self::MaxLifetime,
            Ending::Stopped => Self::Stopped,
        }
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
