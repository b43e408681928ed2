//! What every label means, and what the client is reported: the manual's page, from the code.

use std::collections::HashSet;

use ravelin_policy::Reason;
use ravelin_tls::alert::{self, Alert};

use super::hold;
use ravelin_ops::record::SessionEnd;

/// The TLS alert that goes with an end.
enum Told {
    /// One of these.
    Alerts(&'static [u8]),
    /// The one that fits what broke.
    WhatBroke,
    /// None: there is no handshake, or it was over. How the connection then ends is the relay's business.
    None,
}

/// Every end but the denials. A new one must be looked at here. Denials are read from [`alert::for_reason`]; this
/// table is written by hand after what the session pipeline does.
fn told(end: SessionEnd) -> Told {
    match end {
        SessionEnd::Denied(reason) => unreachable!("{reason:?} has a table of its own"),
        SessionEnd::HandshakeFailed => Told::WhatBroke,
        // handshake_failure where no suite, group or scheme fits; protocol_version where no version does.
        SessionEnd::NoCommonSuite => Told::Alerts(&[40, 70]),
        SessionEnd::UnknownServerName => Told::Alerts(&[112]),
        SessionEnd::BadRequest
        | SessionEnd::ClientClosed
        | SessionEnd::ClientCut
        | SessionEnd::ClientFailed
        | SessionEnd::Draining
        | SessionEnd::HandshakeTimeout
        | SessionEnd::IdentityLimit
        | SessionEnd::InternalError
        | SessionEnd::Idle
        | SessionEnd::KeyLimit
        | SessionEnd::MaxLifetime
        | SessionEnd::NoServer
        | SessionEnd::Operator
        | SessionEnd::PacketViolation
        | SessionEnd::RateLimited
        | SessionEnd::RequestTimeout
        | SessionEnd::ServerClosed
        | SessionEnd::ServerCut
        | SessionEnd::ServerFailed
        | SessionEnd::ServerRefused
        | SessionEnd::SessionLimit
        | SessionEnd::Shutdown
        | SessionEnd::SourceLimit => Told::None,
    }
}

fn alert_cell(number: u8) -> String {
    format!("`{}` ({number})", alert::name(Alert(number)))
}

fn page() -> String {
    let mut page = "# Endings\n\n\
        Every session ends with one label. It is the same in the log and the audit file (`end`), in the metrics\n\
        (`ravelin_sessions_total`, `ravelin_denials_total`), in `ravelin explain` (`reason`) and on this page, which is\n\
        made from the code. Labels may be added; none is ever renamed.\n\n\
        A client gets a TLS alert and nothing else. What Windows makes of the alert is shown by\n\
        `netsh interface httpstunnel show interfaces` and `Get-NetIPHttpsState` on the client.\n\n\
        ## Denials\n\n\
        The policy denied the client. During a tunnel the same label means that the permit was withdrawn: the client then sees its\n\
        tunnel end, and this alert when it connects again.\n\n\
        | label | meaning | TLS alert | the client shows |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for reason in Reason::ALL {
        let alert = alert::for_reason(*reason);
        page += &format!(
            "| `{}` | {} | {} | `{}` |\n",
            reason.label(),
            reason.meaning(),
            alert_cell(alert.0),
            alert::client_shows(alert)
        );
    }
    page += "\n## Other endings\n\n\
        The policy did not deny the client: something failed, a limit was reached, or the tunnel was closed.\n\n\
        | label | meaning | TLS alert | the client shows |\n| --- | --- | --- | --- |\n";
    for end in SessionEnd::OTHERS {
        let (alerts, shown) = match told(*end) {
            Told::Alerts(numbers) => {
                let cells = numbers.iter().map(|number| alert_cell(*number)).collect::<Vec<_>>();
                let shown = numbers.iter().map(|number| format!("`{}`", alert::client_shows(Alert(*number))));
                (cells.join(" or "), shown.collect::<Vec<_>>().join(" or "))
            }
            Told::WhatBroke => ("the one that fits what broke".to_owned(), "its code".to_owned()),
            Told::None => ("none".to_owned(), "that the connection ended".to_owned()),
        };
        page += &format!("| `{}` | {} | {alerts} | {shown} |\n", end.label(), end.meaning());
    }
    page
}

#[test]
fn endings_page() {
    hold("endings.md", &page());
}

#[test]
fn every_label_is_there_once_with_a_sentence_and_a_code() {
    let page = page();
    let labels =
        Reason::ALL.iter().map(|reason| reason.label()).chain(SessionEnd::OTHERS.iter().map(|end| end.label()));
    let mut seen = HashSet::new();
    for label in labels {
        assert!(seen.insert(label), "{label} is there twice");
        let row = page.lines().find(|line| line.starts_with(&format!("| `{label}` |")));
        let row = row.unwrap_or_else(|| panic!("{label} is not in the manual"));
        let meaning = row.split('|').nth(2).unwrap().trim();
        assert!(meaning.ends_with('.') && meaning.len() > 10, "{label}: {meaning:?}");
        assert!(!row.contains("unknown` (") && !row.contains("``"), "{label} has no alert or code: {row}");
    }
}
