//! `ravelin sessions`.

use std::process::ExitCode;

use super::control::{self, ControlArgs, EXIT_DONE};
use super::table::table;
use ravelin_ops::admin::control::Request;
use ravelin_ops::operator::SessionView;

/// List live tunnels, oldest first.
#[derive(clap::Args, Clone, Debug)]
pub struct SessionsArgs {
    /// Where.
    #[command(flatten)]
    pub control: ControlArgs,
}

/// Prints live tunnels, oldest first.
pub fn run(args: &SessionsArgs) -> ExitCode {
    control::run(&args.control, &Request::Sessions {}, |sessions: &Vec<SessionView>| (text(sessions), EXIT_DONE))
}

fn text(sessions: &[SessionView]) -> String {
    if sessions.is_empty() {
        return "no tunnels\n".to_owned();
    }
    let heads =
        ["session", "identity", "client", "site", "server", "since", "permit until", "to server", "to client", "tls"];
    let rows: Vec<_> = sessions
        .iter()
        .map(|session| {
            vec![
                session.session.to_string(),
                session.identity.clone(),
                session.client.clone(),
                session.site.clone(),
                session.server.clone(),
                session.since.clone(),
                session.valid_until.clone(),
                bytes(session.to_server_bytes),
                bytes(session.to_client_bytes),
                format!("{} {}", session.version, session.suite),
            ]
        })
        .collect();
    table(&heads, &rows)
}

/// Three digits are enough for the eye; the exact number is in the JSON.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    // The largest unit of which there is at least one: each is ten bits.
    let step = u64::from(count.ilog2() / 10);
    let tenths = u128::from(count) * 10 / (1_u128 << (10 * step));
    let unit = usize::try_from(step - 1).ok().and_then(|index| UNITS.get(index)).unwrap_or(&"");
    if tenths < 100 { format!("{}.{} {unit}", tenths / 10, tenths % 10) } else { format!("{} {unit}", tenths / 10) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_ops::samples::session_view;

    #[test]
    fn a_table() {
        assert_eq!(text(&[]), "no tunnels\n");
        assert_eq!(
            text(&[session_view()]),
            "SESSION  IDENTITY               CLIENT            SITE    SERVER  SINCE                     PERMIT UNTIL              \
             TO SERVER  TO CLIENT  TLS\n\
             7        pc17.corp.example.com  192.0.2.17:50123  europe  da1     2026-01-02T03:04:05.000Z  2026-02-11T03:04:05.000Z  \
             1000 B     1.9 MiB    TLSv1.3 TLS_AES_256_GCM_SHA384\n"
        );
    }

    #[test]
    fn byte_counts() {
        for (count, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10 * 1024, "10 KiB"),
            (1024 * 1024 - 1, "1023 KiB"),
            (1024 * 1024, "1.0 MiB"),
            (5_000_000_000_000, "4.5 TiB"),
            (u64::MAX, "15 EiB"),
        ] {
            assert_eq!(bytes(count), expected, "{count}");
        }
    }
}
