//! One record per session, written once. Logs, audit and metrics come from it and from nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use ravelin_policy::{AccountReport, Denial, Identity, Reason, RuleReport};

/// Everything that is known about one session when it has ended.
#[derive(Debug)]
pub struct SessionRecord {
    /// Number of the session since the start.
    pub session: u64,
    /// Wall clock at accept.
    pub accepted_at: time::OffsetDateTime,
    /// Accept to end.
    pub duration: Duration,
    /// Listener.
    pub listener: String,
    /// The client.
    pub client: SocketAddr,
    /// Site, once known.
    pub site: Option<String>,
    /// Generation that served it.
    pub generation: u64,
    /// Server name as sent, escaped, once known.
    pub server_name: Option<String>,
    /// Version, suite, engine, once agreed.
    pub negotiated: Option<ravelin_tls::Negotiated>,
    /// Suites the client offered; kept where the handshake failed.
    pub offered_suites: Vec<u16>,
    /// The client offered suites without encryption and nothing else.
    pub null_only_hello: bool,
    /// Accept to permit or refusal, once that far.
    pub handshake: Option<Duration>,
    /// Who the leaf says it is.
    pub identity: Option<Identity>,
    /// What the session is balanced and limited by.
    pub identity_key: Option<String>,
    /// The computer account it was mapped to, where policy asks for one.
    pub account: Option<AccountReport>,
    /// Every rule of the decision in the handshake; what withdrew its permit later is in `end` and `detail`.
    pub rules: Vec<RuleReport>,
    /// What rules under trial would have said.
    pub shadow_denial: Option<Denial>,
    /// TLS alert we sent.
    pub alert_sent: Option<u8>,
    /// Unknown headers in the request head: counted, never forwarded.
    pub extra_headers: usize,
    /// Server that was chosen.
    pub server: Option<String>,
    /// Plaintext bytes relayed.
    pub to_server_bytes: u64,
    /// Plaintext bytes relayed.
    pub to_client_bytes: u64,
    /// Permit to end of tunnel, where there was one.
    pub tunnel: Option<Duration>,
    /// How it ended.
    pub end: SessionEnd,
    /// The facts in words; a stranger's text in it is escaped and bounded.
    pub detail: String,
}

/// How a session ended, and the facts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ending {
    /// The label.
    pub end: SessionEnd,
    /// The facts, for people.
    pub detail: String,
}

impl Ending {
    /// An ending with its facts.
    pub fn new(end: SessionEnd, detail: impl Into<String>) -> Ending {
        Ending { end, detail: detail.into() }
    }

    /// A denial as an ending.
    pub fn denied(denial: Denial) -> Ending {
        Ending { end: SessionEnd::Denied(denial.reason), detail: denial.detail }
    }
}

macro_rules! ends {
    ($($(#[doc = $doc:literal])+ $variant:ident = $label:literal,)+) => {
        /// How a session ended: the `end` label. Add freely; never rename.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum SessionEnd {
            /// Policy said no, before the tunnel or (the permit was withdrawn) during it.
            Denied(Reason),
            $($(#[doc = $doc])+ $variant,)+
        }

        impl SessionEnd {
            /// Every end but the denials.
            pub const OTHERS: &[SessionEnd] = &[$(SessionEnd::$variant,)+];

            /// The stable label.
            pub fn label(self) -> &'static str {
                match self {
                    SessionEnd::Denied(reason) => reason.label(),
                    $(SessionEnd::$variant => $label,)+
                }
            }

            /// One sentence for the manual.
            pub fn meaning(self) -> &'static str {
                match self {
                    SessionEnd::Denied(reason) => reason.meaning(),
                    $(SessionEnd::$variant => concat!($($doc,)+).trim_ascii_start(),)+
                }
            }
        }
    };
}

ends! {
    /// The TLS handshake broke: bad bytes, a failed proof of the key, or the client gave up.
    HandshakeFailed = "handshake_failed",
    /// The handshake did not finish within `handshake_deadline`, or the client sent nothing for 3 s.
    HandshakeTimeout = "handshake_timeout",
    /// Client and site share no TLS version, suite, group or signature scheme.
    NoCommonSuite = "no_common_suite",
    /// The client asked for a name that no site of the listener has.
    UnknownServerName = "unknown_server_name",
    /// The identity has `tunnels_per_identity` tunnels.
    IdentityLimit = "identity_limit",
    /// The source has `unauthenticated_per_source` connections without a permit.
    SourceLimit = "source_limit",
    /// The gateway has `sessions` sessions, or `handshakes_in_flight` handshakes, or made room for another source.
    SessionLimit = "session_limit",
    /// The source opens connections faster than `unauthenticated_rate_per_source`.
    RateLimited = "rate_limited",
    /// The request is not the one legal IP-HTTPS request.
    BadRequest = "bad_request",
    /// The request head did not arrive within `request_deadline`.
    RequestTimeout = "request_timeout",
    /// None of the servers of the pool that were tried, three at most, could be reached.
    NoServer = "no_server",
    /// The server's connection broke, before or during the tunnel.
    ServerFailed = "server_failed",
    /// The server answered the request with something other than 200, or with a 200 that no tunnel can follow.
    ServerRefused = "server_refused",
    /// The gateway was draining, or a reload took the site away.
    Draining = "draining",
    /// The client ended the tunnel cleanly.
    ClientClosed = "client_closed",
    /// The server ended the tunnel cleanly.
    ServerClosed = "server_closed",
    /// The client's stream ended without close_notify.
    ClientCut = "client_cut",
    /// The server's stream ended without close_notify.
    ServerCut = "server_cut",
    /// The client's connection broke.
    ClientFailed = "client_failed",
    /// No byte moved for `idle`, or for `half_closed_idle` after one side had closed.
    Idle = "idle",
    /// The tunnel reached `lifetime`.
    MaxLifetime = "max_lifetime",
    /// A TLS key has sealed as many records as it may.
    KeyLimit = "key_limit",
    /// A bug in ravelin ended the session; the log says where. Please report it.
    InternalError = "internal_error",
    /// A packet in the tunnel broke a rule of the packet guard. Not built yet: no code path gives it today.
    PacketViolation = "packet_violation",
    /// An operator ended the tunnel.
    Operator = "operator",
    /// The gateway shut down and `drain_deadline` had passed.
    Shutdown = "shutdown",
}
