//! The command: arguments and exit codes; everything else is in the library.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
#[cfg(feature = "demo")]
use ravelin::cli::demo;
use ravelin::cli::{
    check, directory, drain, explain, hello, init, kill, override_age, reload, run, sessions, status, sync,
};
use ravelin_ops::process::memory;

/// IP-HTTPS preauthentication in front of Microsoft DirectAccess servers
#[derive(Parser)]
#[command(name = "ravelin", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway
    Run(run::RunArgs),
    /// Fetch computer accounts from domain controllers, and keep their snapshot fresh
    Sync(sync::SyncArgs),
    /// Speak to one controller, for `sync`
    #[command(name = sync::FETCH, hide = true)]
    SyncFetch,
    /// Read everything a start would read and print every problem
    Check(check::CheckArgs),
    /// Dry-run the decision for a certificate chain
    Explain(explain::ExplainArgs),
    /// Make a snapshot of the directory of an export, or show what one knows
    Directory(directory::DirectoryArgs),
    /// Show what TLS clients offer, and which engine would take them
    Hello(hello::HelloArgs),
    /// Show a running gateway's state
    Status(status::StatusArgs),
    /// List live tunnels
    Sessions(sessions::SessionsArgs),
    /// End live tunnels
    Kill(kill::KillArgs),
    /// Stop accepting, wait for tunnels, exit
    Drain(drain::DrainArgs),
    /// Have facts about accounts count that are past max_age, for a while
    Override(override_age::OverrideArgs),
    /// Load configuration and files again
    Reload(reload::ReloadArgs),
    /// Show a whole estate at work in this process
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
    /// Write a commented configuration
    Init(init::InitArgs),
}

fn main() -> ExitCode {
    memory::pin();
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Sync(args) => sync::run(&args),
        Command::SyncFetch => sync::fetch(),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Directory(args) => directory::run(&args),
        Command::Hello(args) => hello::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Sessions(args) => sessions::run(&args),
        Command::Kill(args) => kill::run(&args),
        Command::Drain(args) => drain::run(&args),
        Command::Override(args) => override_age::run(&args),
        Command::Reload(args) => reload::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(&args),
        Command::Init(args) => init::run(&args),
    }
}
