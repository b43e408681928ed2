//! `ravelin status`.

use std::process::ExitCode;

use super::control::{self, ControlArgs, EXIT_DONE};
use super::table::table;
use ravelin_ops::admin::control::Request;
use ravelin_ops::admin::plain;
use ravelin_ops::operator::{GatewayStatus, OverrideView};
use ravelin_ops::tables::{self, ViewTable};

/// Show a running gateway's state.
#[derive(clap::Args, Clone, Debug)]
pub struct StatusArgs {
    /// Where.
    #[command(flatten)]
    pub control: ControlArgs,
}

/// Prints the state of the gateway, ready or not.
pub fn run(args: &StatusArgs) -> ExitCode {
    control::run(&args.control, &Request::Status {}, |status: &GatewayStatus| (text(status), EXIT_DONE))
}

fn text(status: &GatewayStatus) -> String {
    let state = match (status.draining, status.unready.is_empty()) {
        (true, _) => "draining",
        (false, true) => "ready",
        (false, false) => "not ready",
    };
    let mut text = plain(&format!(
        "ravelin {}: {state}, generation {} since {}",
        status.version, status.generation, status.generation_since
    )) + "\n";
    text += &(plain(&format!(
        "process {}, up since {}, configuration {}",
        status.pid, status.started_at, status.config_file
    )) + "\n");
    text += &format!("{} tunnels, {} handshakes in flight\n", status.tunnels, status.handshakes_in_flight);
    if let Some(listen) = &status.admin_listen {
        text += &format!("status page and metrics at http://{}/\n", plain(listen));
    }
    list(&mut text, "not ready", &status.unready);
    if let Some(OverrideView { until, reason }) = &status.age_override {
        text += &(plain(&format!("OVERRIDE: facts past max_age count until {until}: {reason}")) + "\n");
    }
    list(&mut text, "warning", &status.warnings);
    if let Some(reload) = &status.last_reload {
        let verdict = if reload.accepted { "accepted" } else { "REFUSED, the generation before serves on" };
        text += &(plain(&format!("last reload at {}, by {}: {verdict}", reload.at, reload.trigger)) + "\n");
        list(&mut text, "problem", &reload.problems);
    }
    for ViewTable { heads, rows, .. } in tables::of_status(status) {
        let table = table(heads, &rows);
        if !table.is_empty() {
            text += "\n";
            text += &table;
        }
    }
    text
}

fn list(text: &mut String, title: &str, items: &[String]) {
    for item in items {
        // A configuration's problems begin with how grave they are.
        let graded = item.starts_with("warning: ") || item.starts_with("error: ");
        let line = if graded { plain(item) } else { format!("{title}: {}", plain(item)) };
        *text += &(line + "\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_ops::samples::status;

    #[test]
    fn a_healthy_gateway() {
        assert_eq!(
            text(&status()),
            "ravelin 0.1.0: ready, generation 3 since 2026-01-03T00:00:00.000Z\n\
             process 4242, up since 2026-01-02T03:04:05.000Z, configuration /etc/ravelin/ravelin.toml\n\
             1 tunnels, 2 handshakes in flight\n\
             status page and metrics at http://127.0.0.1:9180/\n\
             warning: sites.europe.certificates[0]: ends in 30 days\n\
             last reload at 2026-01-03T00:00:00.000Z, by control: accepted\n\
             \n\
             LISTENER  ADDRESSES              SITES\n\
             edge      0.0.0.0:443, [::]:443  europe\n\
             \n\
             SITE    NAMES              POLICY            POOL    TUNNELS\n\
             europe  da-eu.example.com  domain-computers  europe  1\n\
             \n\
             SITE    CERTIFICATE           UNTIL\n\
             europe  CN=da-eu.example.com  2026-12-31T00:00:00.000Z\n\
             \n\
             POOL    SERVER  ADDRESS        STATE  TUNNELS\n\
             europe  da1     10.0.0.11:443  up     1\n\
             europe  da2     10.0.0.11:443  down   0\n\
             \n\
             POLICY            CRL OF         NUMBER  FROM                      UNTIL                     ENTRIES  FILE\n\
             domain-computers  CN=Issuing CA  17      2026-01-01T00:00:00.000Z  2026-01-08T00:00:00.000Z  12       /var/lib/ravelin/crl/issuing.crl\n\
             \n\
             POLICY            DOMAIN            ACCOUNTS  KNOWN AS OF               AGE   STATE  SNAPSHOT  FILE\n\
             domain-computers  corp.example.com  3023      2026-01-02T23:59:30.000Z  45 s  fresh  42        /var/lib/ravelin/directory.snapshot\n"
        );
    }

    #[test]
    fn trouble_comes_first() {
        let mut status = status();
        status.unready = vec!["pool \"europe\": no server is up".to_owned()];
        let reload = status.last_reload.as_mut().unwrap();
        reload.accepted = false;
        reload.problems = vec!["error: ravelin.toml:3:1: sites.x: unknown key".to_owned()];
        let text = text(&status);
        assert!(text.starts_with("ravelin 0.1.0: not ready,"), "{text}");
        assert!(text.contains("\nnot ready: pool \"europe\": no server is up\n"), "{text}");
        assert!(text.contains(": REFUSED, the generation before serves on\nerror: ravelin.toml:3:1"), "{text}");
        status.draining = true;
        assert!(super::text(&status).starts_with("ravelin 0.1.0: draining,"));
    }
}
