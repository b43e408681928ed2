//! `ravelin hello`: what does a client offer, and which engine would take it?

mod advice;
mod report;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ravelin_tls::alert::Alert;
use ravelin_tls::hello;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::{configuration_error, print, print_error};
use advice::Advisor;
use ravelin_ops::log::ascii_json;
use report::Report;

/// Show what TLS clients offer, and which engine would take them: no tunnel, an alert is all they get.
#[derive(Args, Debug)]
pub struct HelloArgs {
    /// Where to listen: that of the gateway while it is stopped, or any other that the client is sent to
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Ask the settings and certificates of a site of this configuration; without, the default settings
    #[arg(long, value_name = "FILE", requires = "site")]
    config: Option<PathBuf>,
    /// The site
    #[arg(long, value_name = "NAME", requires = "config")]
    site: Option<String>,
    /// Leave after the first ClientHello
    #[arg(long)]
    once: bool,
    /// One line of JSON for each ClientHello
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &HelloArgs) -> ExitCode {
    let advisor = match (&args.config, &args.site) {
        (Some(config), Some(site)) => Advisor::of_site(config, site),
        _ => Advisor::of_default_settings(),
    };
    let advisor = match advisor {
        Ok(advisor) => advisor,
        Err(problems) => return configuration_error(&problems),
    };
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(listen(args, &advisor)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&format!("error: {}: {error}", args.listen));
            ExitCode::FAILURE
        }
    }
}

/// Accepts until interrupted, or until the first hello with `--once`.
async fn listen(args: &HelloArgs, advisor: &Advisor) -> io::Result<()> {
    let listener = TcpListener::bind(args.listen).await?;
    print_error(&format!("listening on {}; end with Ctrl-C", listener.local_addr()?));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (sender, mut seen) = mpsc::channel(CONNECTIONS_MAX);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, client)) => {
                    // Beyond that many at a time, a client is closed at once.
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                    let sender = sender.clone();
                    tokio::spawn(async move {
                        let seen = meet(tcp).await;
                        drop(place);
                        // Fails only while the command ends.
                        let _ = sender.send((client, seen)).await;
                    });
                }
                // A client that has gone, or descriptors that expired: others are waited for, not in a tight loop.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some((client, seen)) = seen.recv() => match seen {
                Ok(hello) => {
                    let report = Report::new(client, hello, advisor);
                    print(&if args.json { ascii_json(&report.to_json()) + "\n" } else { report.to_text() });
                    if args.once {
                        return Ok(());
                    }
                }
                Err(why) => print_error(&format!("{client}: no ClientHello: {why}")),
            },
        }
    }
}

/// Reads one hello and answers it with the alert of a client that shares nothing.
async fn meet(mut tcp: TcpStream) -> Result<hello::ClientHello, String> {
    match timeout(DEADLINE, hello::read(&mut tcp)).await {
        Err(_) => Err(format!("nothing whole within {} s", DEADLINE.as_secs())),
        Ok(Err(failure)) => Err(failure.detail),
        Ok(Ok(peeked)) => {
            ravelin_tls::refuse(tcp, &peeked, Alert::HANDSHAKE_FAILURE).await;
            Ok(peeked.hello)
        }
    }
}

/// A person looks at single clients; each may hold 32 KiB.
const CONNECTIONS_MAX: usize = 64;
/// A Windows client sends its hello at once; three lost packets make it late by seven seconds.
const DEADLINE: Duration = Duration::from_secs(10);
/// Out of descriptors: a pause, so that accepting does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
