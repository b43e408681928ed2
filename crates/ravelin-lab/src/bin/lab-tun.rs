//! `lab-tun`: a kernel's IPv6 packets through IP-HTTPS, for system tests in network namespaces.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use ravelin_lab::bulk::{self, Hash};
use ravelin_lab::client::{Client, Versions};
use ravelin_lab::end::End;
use ravelin_lab::pki::{Estate, Key};
use ravelin_lab::server::ServerSpec;
use ravelin_lab::stream::Stream;
use ravelin_lab::{clock, tun};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};

#[derive(Parser)]
#[command(about = "A kernel's IPv6 packets through IP-HTTPS")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Connects and pumps until the tunnel ends; tries again every second with --retry.
    Client(ClientArgs),
    /// Listens and pumps for any number of clients.
    Server(ServerArgs),
    /// Accepts one TCP connection and exchanges bytes over it; prints what came and went.
    Accept {
        /// Address and port to listen on.
        #[arg(long)]
        listen: SocketAddr,
        #[command(flatten)]
        bulk: Bulk,
    },
    /// Makes one TCP connection and exchanges bytes over it; prints what came and went.
    Exchange {
        /// Address and port to connect to.
        #[arg(long)]
        connect: SocketAddr,
        #[command(flatten)]
        bulk: Bulk,
    },
    /// Writes the standard estate of throw-away certificates to a folder.
    Estate {
        /// The folder; made if it is not there.
        folder: PathBuf,
    },
}

#[derive(Args)]
struct ClientArgs {
    /// Name of the TUN device to make.
    #[arg(long)]
    tun: String,
    /// Address and port of the gateway or server.
    #[arg(long)]
    connect: SocketAddr,
    /// SNI and Host.
    #[arg(long)]
    server_name: String,
    /// Root of the server's certificate, PEM; without it any certificate will do.
    #[arg(long)]
    ca: Option<PathBuf>,
    #[command(flatten)]
    identity: Identity,
    /// TLS version: 1.2 or 1.3; both unless told.
    #[arg(long)]
    tls: Option<String>,
    /// Plain HTTP.
    #[arg(long)]
    plain: bool,
    /// Connects again when the tunnel ends.
    #[arg(long)]
    retry: bool,
}

#[derive(Args)]
struct ServerArgs {
    /// Name of the TUN device to make.
    #[arg(long)]
    tun: String,
    /// Address and port to listen on.
    #[arg(long)]
    listen: SocketAddr,
    /// The /64 that is advertised to clients.
    #[arg(long)]
    prefix: Ipv6Addr,
    #[command(flatten)]
    identity: Identity,
}

#[derive(Args)]
struct Identity {
    /// Certificates, PEM, leaf first.
    #[arg(long, requires = "key")]
    chain: Option<PathBuf>,
    /// Private key, PEM, PKCS#8.
    #[arg(long, requires = "chain")]
    key: Option<PathBuf>,
}

#[derive(Args)]
struct Bulk {
    /// Bytes to send; what comes is received to its end.
    #[arg(long)]
    bytes: u64,
    /// Seed of the pattern that is sent.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl Identity {
    fn read(&self) -> io::Result<Option<(Vec<Vec<u8>>, Key)>> {
        let (Some(chain), Some(key)) = (&self.chain, &self.key) else { return Ok(None) };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(chain).map_err(io::Error::other)?.collect();
        let chain = chain.map_err(io::Error::other)?.iter().map(|certificate| certificate.to_vec()).collect();
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_file(key).map_err(io::Error::other)?;
        let key =
            Key::from_pkcs8(pkcs8.secret_pkcs8_der()).ok_or_else(|| io::Error::other("a key of no known kind"))?;
        Ok(Some((chain, key)))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Client(arguments) => client(&arguments).await,
        Command::Server(arguments) => server(arguments).await,
        Command::Accept { listen, bulk } => accept(listen, &bulk).await,
        Command::Exchange { connect, bulk } => match TcpStream::connect(connect).await {
            Ok(tcp) => exchange(tcp, &bulk).await,
            Err(error) => Err(error),
        },
        Command::Estate { folder } => Estate::standard(clock::now()).write(&folder),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn client(arguments: &ClientArgs) -> io::Result<()> {
    let mut client = Client::new(arguments.connect, &arguments.server_name);
    if let Some(path) = &arguments.ca {
        client = client.trust_der(&CertificateDer::from_pem_file(path).map_err(io::Error::other)?);
    }
    if let Some((chain, key)) = arguments.identity.read()? {
        client = client.chain(chain, &key);
    }
    match arguments.tls.as_deref() {
        None => {}
        Some("1.2") => client = client.versions(Versions::Tls12),
        Some("1.3") => client = client.versions(Versions::Tls13),
        Some(other) => return Err(io::Error::other(format!("no TLS version: {other}"))),
    }
    if arguments.plain {
        client = client.without_tls();
    }
    let device = tun::Device::create(&arguments.tun)?;
    loop {
        let end = tun::run_client(&device, &client).await?;
        say(&format!("ended: {end}"));
        if !arguments.retry {
            return Err(io::Error::other("the tunnel ended"));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn server(arguments: ServerArgs) -> io::Result<()> {
    let spec = match arguments.identity.read()? {
        Some((chain, key)) => ServerSpec::tls_chain(chain, &key),
        None => ServerSpec::plain(),
    };
    tun::run_server(tun::Device::create(&arguments.tun)?, spec.bind(arguments.listen), arguments.prefix).await
}

async fn accept(listen: SocketAddr, bulk: &Bulk) -> io::Result<()> {
    let (tcp, _) = TcpListener::bind(listen).await?.accept().await?;
    exchange(tcp, bulk).await
}

/// Both directions at once, each to its end; one line: `sent SHA256 received SHA256`.
async fn exchange(tcp: TcpStream, bulk: &Bulk) -> io::Result<()> {
    let Stream { mut reader, writer } = Stream::plain(tcp);
    let sending = async {
        let sha256 = bulk::send(&writer, bulk.seed, bulk.bytes).await?;
        writer.close().await?;
        Ok(sha256)
    };
    let receiving = async {
        let mut hash = Hash::new();
        let mut buffer = vec![0; bulk::PIECE_BYTES];
        loop {
            match reader.read(&mut buffer).await {
                Ok(count) => hash.update(buffer.get(..count).unwrap_or_default()),
                Err(End::CloseNotify) => return Ok(hash.sha256()),
                Err(end) => return Err(end),
            }
        }
    };
    let (sent, received) = tokio::try_join!(sending, receiving).map_err(io::Error::other)?;
    println(&format!("sent {sent} received {received}"));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is a command line")]
fn println(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "this is a command line")]
fn say(text: &str) {
    eprintln!("lab-tun: {text}");
}
