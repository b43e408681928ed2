//! The demo's table: coloured on a terminal, plain when piped.

use std::net::SocketAddr;
use std::path::Path;

use super::script::Row;

/// Characters of the widest client, and of the longest label.
const CLIENT_WIDTH: usize = 40;
const END_WIDTH: usize = 18;

/// Above the table.
pub(super) fn heading(address: SocketAddr, coloured: bool) -> String {
    let paint = Paint(coloured);
    format!(
        "ravelin at {address}, two DirectAccess stand-ins behind it\n\n{}\n",
        paint.bold(&format!(
            "   {:<CLIENT_WIDTH$} {:<END_WIDTH$} {}",
            "client", "session", "why / what the client shows"
        ))
    )
}

/// One client.
pub(super) fn row(row: &Row, coloured: bool) -> String {
    let paint = Paint(coloured);
    let mark = if row.as_expected() { paint.green("ok") } else { paint.red("!!") };
    let padded = format!("{:<END_WIDTH$}", row.ended);
    let end = if row.admitted() { paint.green(&padded) } else { paint.yellow(&padded) };
    let why = match (row.detail.is_empty(), row.tunnel_worked) {
        (true, true) => "tunnel up: router advertisement, echo request and reply".to_owned(),
        _ => row.detail.clone(),
    };
    let mut text = format!("{mark} {:<CLIENT_WIDTH$} {end} {why}\n", row.client);
    if !row.client_saw.is_empty() {
        let indent = CLIENT_WIDTH + END_WIDTH + 5;
        text += &paint.grey(&format!("{:indent$}{}\n", "", row.client_saw));
    }
    if !row.as_expected() {
        text += &paint.red(&format!("   expected {}, tunnel {}\n", row.expected, row.admitted()));
    }
    text
}

/// Below the table.
pub(super) fn closing(all_expected: bool, visits: usize, visits_expected: usize, coloured: bool) -> String {
    let paint = Paint(coloured);
    let servers = format!("the servers saw {visits} connections; {visits_expected} clients were admitted");
    let verdict = if all_expected {
        paint.green("every client met its expected end")
    } else {
        paint.red("NOT every client met its expected end")
    };
    format!("\n{verdict}; {servers}\n")
}

/// What there is to look at.
pub(super) fn invitation(admin: Option<SocketAddr>, control: &Path, coloured: bool) -> String {
    let paint = Paint(coloured);
    let admin =
        admin.map(|address| format!("  status page  http://{address}/\n  metrics      http://{address}/metrics\n"));
    format!(
        "\n{}\n{}  sessions     ravelin sessions --control {}\n\nCtrl-C ends the demo.\n",
        paint.bold("The gateway stays up for a look:"),
        admin.unwrap_or_default(),
        control.display()
    )
}

/// Colours, or none.
struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }
    fn green(&self, text: &str) -> String {
        self.with("32", text)
    }
    fn grey(&self, text: &str) -> String {
        self.with("90", text)
    }
    fn red(&self, text: &str) -> String {
        self.with("31", text)
    }
    fn yellow(&self, text: &str) -> String {
        self.with("33", text)
    }
}
