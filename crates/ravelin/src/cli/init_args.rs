//! Arguments of `ravelin init`.

use std::path::PathBuf;

/// Write a commented configuration. What no flag says is asked for, where there is a terminal.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct InitArgs {
    /// File to write; one that is there is never overwritten
    #[arg(long, value_name = "FILE", default_value = "ravelin.toml")]
    pub output: PathBuf,
    /// Name that clients ask for: the host of the IP-HTTPS URL (repeatable)
    #[arg(long = "server-name", value_name = "NAME")]
    pub server_names: Vec<String>,
    /// Address to accept clients on (repeatable) [default: all, port 443]
    #[arg(long, value_name = "IP:PORT")]
    pub bind: Vec<String>,
    /// PEM file: certificate shown to clients, then its authorities'
    #[arg(long, value_name = "FILE", requires = "key")]
    pub chain: Option<String>,
    /// PEM file: private key of --chain
    #[arg(long, value_name = "FILE", requires = "chain")]
    pub key: Option<String>,
    /// PFX file instead of --chain and --key
    #[arg(long, value_name = "FILE", conflicts_with_all = ["chain", "key"])]
    pub pfx: Option<String>,
    /// File with the password of --pfx
    #[arg(long, value_name = "FILE", requires = "pfx")]
    pub password_file: Option<String>,
    /// File of the authority that the computers' certificates lead to (repeatable)
    #[arg(long = "ca", value_name = "FILE")]
    pub authorities: Vec<String>,
    /// File of an authority between --ca and the computers (repeatable)
    #[arg(long = "intermediate", value_name = "FILE")]
    pub intermediates: Vec<String>,
    /// Name pattern of computers that may pass: "*.corp.example.com" (repeatable)
    #[arg(long = "allow", value_name = "PATTERN")]
    pub allow: Vec<String>,
    /// File or folder of CRLs (repeatable) [default: /var/lib/ravelin/crl/]
    #[arg(long = "crl", value_name = "PATH")]
    pub lists: Vec<String>,
    /// A DirectAccess server (repeatable)
    #[arg(long = "server", value_name = "[NAME=]IP:PORT")]
    pub servers: Vec<String>,
    /// File of the authority that the servers' certificates lead to [default: the first --ca]
    #[arg(long, value_name = "FILE", conflicts_with = "offload")]
    pub upstream_ca: Option<String>,
    /// Speak plain HTTP with the servers
    #[arg(long)]
    pub offload: bool,
}

/// Where the package lets lists be put.
pub(super) const DEFAULT_CRLS: &str = "/var/lib/ravelin/crl/";
