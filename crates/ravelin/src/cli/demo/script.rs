//! The scripted clients, each with the end that its session must have.

use std::future::Future;
use std::net::SocketAddr;

use ravelin_lab::client::{Client, Tunnel};
use ravelin_lab::end::End;
use ravelin_policy::Reason;
use ravelin_tls::alert::{self, Alert};

use super::directory;
use super::estate::DemoEstate;
use super::records::EndedSession;
use ravelin_ops::record::SessionEnd;

/// One client and what must come of it.
pub(super) struct Step {
    what: &'static str,
    expected: SessionEnd,
    client: Client,
    /// Keep its tunnel open, for a look at it: the record is then not awaited.
    stays: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) client: String,
    pub(super) expected: &'static str,
    pub(super) ended: String,
    pub(super) detail: String,
    /// What the client was reported.
    pub(super) client_saw: String,
    /// Packets went both ways.
    pub(super) tunnel_worked: bool,
}

impl Row {
    /// Whether the session's end is the expected one, and a tunnel was there exactly if it should have been.
    pub(super) fn as_expected(&self) -> bool {
        self.ended == self.expected && self.tunnel_worked == self.admitted()
    }

    /// Whether the client should get a tunnel.
    pub(super) fn admitted(&self) -> bool {
        [LIVE, SessionEnd::ClientClosed.label()].contains(&self.expected)
    }
}

/// The word for a session that goes on.
const LIVE: &str = "live";

/// Every client of the demo, in the order of the table.
pub(super) fn steps(estate: &DemoEstate, address: SocketAddr) -> Vec<Step> {
    let client = || Client::new(address, "da.corp.example.test").trust(&estate.pki.root);
    let clients = &estate.pki.clients;
    let machine =
        |name: &str, number| client().certificate(&estate.pki.issuing.issue(directory::certificate(name, number)));
    let denied = |what, reason, client| Step { what, expected: SessionEnd::Denied(reason), client, stays: false };
    let other = |what, expected, client| Step { what, expected, client, stays: false };
    vec![
        Step {
            what: "healthy PC, stays connected",
            expected: SessionEnd::ClientClosed,
            client: client().certificate(&clients.healthy),
            stays: true,
        },
        other(
            "healthy PC, CA renewed with a new key",
            SessionEnd::ClientClosed,
            client().certificate(&clients.healthy_renewed),
        ),
        other(
            "healthy PC, sends its leaf alone",
            SessionEnd::ClientClosed,
            client().certificate_alone(&clients.healthy_no_subject),
        ),
        denied("no certificate", Reason::NoCertificate, client().without_certificate()),
        denied("another company's CA", Reason::UnknownIssuer, client().certificate(&clients.partner)),
        denied("CA of the same name, another key", Reason::BadSignature, client().certificate(&clients.forged)),
        denied("expired certificate", Reason::Expired, client().certificate(&clients.expired)),
        denied("revoked certificate", Reason::Revoked, client().certificate(&clients.revoked)),
        denied("server-only purpose", Reason::WrongPurpose, client().certificate(&clients.server_purpose)),
        denied("name outside the estate", Reason::NameNotAllowed, client().certificate(&clients.wrong_name)),
        denied("lost laptop, on the deny list", Reason::DenyListed, client().certificate(&clients.deny_listed)),
        denied("account disabled", Reason::AccountDisabled, machine("pc-left", 1120)),
        denied("account not in the group", Reason::GroupMissing, machine("pc-lab", 1121)),
        denied("account deleted", Reason::AccountNotFound, machine("pc-gone", 1122)),
        denied("another machine's name", Reason::SidMismatch, machine("pc01", 1121)),
        other(
            "browser with a good certificate",
            SessionEnd::BadRequest,
            client().certificate(&clients.healthy).head(BROWSER),
        ),
        other(
            "POST of the wrong length",
            SessionEnd::BadRequest,
            client().certificate(&clients.healthy).head(WRONG_LENGTH),
        ),
    ]
}

impl Step {
    /// Runs the client; gives its row, and its tunnel where that stays open.
    pub(super) async fn run<F, R>(self, record: F) -> (Row, Option<Tunnel>)
    where
        F: FnOnce() -> R,
        R: Future<Output = Option<EndedSession>>,
    {
        let Step { what, expected, client, stays } = self;
        let (saw, mut tunnel) = match client.connect().await {
            Ok(tunnel) => (String::new(), Some(tunnel)),
            Err(end) => (saw(&end), None),
        };
        let mut tunnel_worked = false;
        if let Some(tunnel) = &mut tunnel {
            tunnel_worked = tunnel.solicit().await.is_ok() && tunnel.ping().await.is_ok();
        }
        let mut row = Row {
            client: what.to_owned(),
            expected: if stays { LIVE } else { expected.label() },
            ended: LIVE.to_owned(),
            detail: String::new(),
            client_saw: saw,
            tunnel_worked,
        };
        if stays && tunnel.is_some() {
            return (row, tunnel);
        }
        if let Some(tunnel) = &tunnel {
            // A client that is refused meanwhile cannot close; its record says how it ended.
            let _ = tunnel.close().await;
        }
        match record().await {
            Some(EndedSession { end, detail, alert: sent }) => {
                row.ended = end.to_owned();
                row.detail = detail;
                if let Some(sent) = sent {
                    row.client_saw = told(Alert(sent));
                }
            }
            None => row.ended = "no record".to_owned(),
        }
        (row, None)
    }
}

fn saw(end: &End) -> String {
    if let End::Alert(number) = end {
        return told(Alert(*number));
    }
    if *end == End::CloseNotify { "connection closed".to_owned() } else { end.to_string() }
}

fn told(alert: Alert) -> String {
    format!("alert {}: {}", alert::name(alert), alert::client_shows(alert))
}

/// What a browser sends.
const BROWSER: &str = "GET / HTTP/1.1\r\nHost: da.corp.example.test\r\nAccept: text/html\r\n\r\n";
/// Right in everything but the length.
const WRONG_LENGTH: &str = "POST /IPHTTPS HTTP/1.1\r\nHost: da.corp.example.test\r\nContent-Length: 1024\r\n\r\n";
