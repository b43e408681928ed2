//! The four products, set alike: one worker; TLS 1.3 with AES-256-GCM and X25519; a client's certificate required and verified
//! against the same authorities and lists; no tickets, no session cache; three faces each.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::backend::Backend;
use crate::estate::Estate;
use crate::meter::Meter;
use crate::wire::NAME;

/// A product.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Product {
    Ravelin,
    Haproxy,
    Nginx,
    Stunnel,
}

/// In the order of the table.
pub(crate) const PRODUCTS: [Product; 4] = [Product::Ravelin, Product::Haproxy, Product::Nginx, Product::Stunnel];

/// One that runs. Ends when dropped.
pub(crate) struct Running {
    pub(crate) product: Product,
    pub(crate) meter: Meter,
    pub(crate) faces: Faces,
    child: Child,
}

/// Where it takes clients.
#[derive(Clone, Copy)]
pub(crate) struct Faces {
    /// Certificate on P-256, server in the clear.
    pub(crate) ecdsa: SocketAddr,
    /// Certificate with RSA-2048, server in the clear.
    pub(crate) rsa: SocketAddr,
    /// Certificate on P-256, server with TLS.
    pub(crate) bridge: SocketAddr,
}

impl Product {
    /// As its makers write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Product::Ravelin => "ravelin",
            Product::Haproxy => "haproxy",
            Product::Nginx => "nginx",
            Product::Stunnel => "stunnel",
        }
    }

    /// Its program, where it is installed.
    pub(crate) fn program(self, ravelin: &Path) -> Option<PathBuf> {
        match self {
            Product::Ravelin => Some(ravelin.to_owned()),
            Product::Haproxy => installed("haproxy"),
            Product::Nginx => installed("nginx").filter(|_| Path::new(NGINX_STREAM).exists()),
            Product::Stunnel => installed("stunnel4"),
        }
    }

    /// Starts it and waits until it takes clients.
    pub(crate) fn start(
        self,
        program: &Path,
        estate: &Estate,
        backend: &Backend,
        folder: &Path,
    ) -> io::Result<Running> {
        let faces = Faces { ecdsa: free_port()?, rsa: free_port()?, bridge: free_port()? };
        let settings = match self {
            Product::Ravelin => ravelin(estate, backend, faces, folder),
            Product::Haproxy => haproxy(estate, backend, faces),
            Product::Nginx => nginx(estate, backend, faces),
            Product::Stunnel => stunnel(estate, backend, faces, free_port()?),
        };
        let (file, log) = (folder.join(format!("{}.conf", self.name())), folder.join(format!("{}.log", self.name())));
        std::fs::write(&file, settings)?;
        // A benchmark that is killed takes its products along.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--"]).arg(program);
        match self {
            Product::Ravelin => command.args(["run", "--config"]).arg(&file),
            Product::Haproxy => command.args(["-db", "-q", "-f"]).arg(&file),
            Product::Nginx => command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(&file),
            Product::Stunnel => command.arg(&file),
        };
        let stderr = std::fs::File::create(&log)?;
        let child = command.stdin(Stdio::null()).stdout(stderr.try_clone()?).stderr(stderr).spawn()?;
        let mut starting = Starting(Some(child));
        for face in [faces.ecdsa, faces.rsa, faces.bridge] {
            starting.wait_for(face).map_err(|error| {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                io::Error::other(format!("{} does not start: {error}: {said}", self.name()))
            })?;
        }
        let child = starting.0.take().ok_or_else(|| io::Error::other("started twice"))?;
        let meter = Meter::of(child.id(), usize::from(self == Product::Nginx))?;
        Ok(Running { product: self, meter, faces, child })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// A process that is stopped if it never takes a client.
struct Starting(Option<Child>);

impl Starting {
    fn wait_for(&mut self, face: SocketAddr) -> io::Result<()> {
        let end = Instant::now() + START_MAX;
        loop {
            match TcpStream::connect_timeout(&face, START_MAX) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > end => return Err(error),
                Err(_) => {}
            }
            if let Some(child) = &mut self.0
                && let Some(status) = child.try_wait()?
            {
                return Err(io::Error::other(format!("{status}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(stop);
    }
}

/// SIGTERM first: nginx' master takes its worker along.
fn stop(child: &mut Child) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    let asked = pid.is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM).is_ok());
    let end = Instant::now() + STOP_MAX;
    while asked && Instant::now() < end && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(20));
    }
    // It may have ended already.
    let _ = child.kill();
    let _ = child.wait();
}

fn ravelin(estate: &Estate, backend: &Backend, faces: Faces, folder: &Path) -> String {
    let file = |name: &str| estate.file(name).display().to_string();
    let site = |name: &str, face: SocketAddr, certificate: &str, pool: &str| {
        let (chain, key) = (file(&format!("{certificate}.pem")), file(&format!("{certificate}.key")));
        format!(
            r#"
[listeners.{name}]
bind = ["{face}"]
sites = ["{name}"]
[sites.{name}]
server_names = ["{NAME}"]
certificates = [{{ chain = "{chain}", key = "{key}" }}]
policy = "computers"
pool = "{pool}"
tls = {{ min = "1.3", max = "1.3" }}
"#
        )
    };
    let sites = [
        site("ecdsa", faces.ecdsa, "ecdsa", "plain"),
        site("rsa", faces.rsa, "rsa", "plain"),
        site("bridge", faces.bridge, "ecdsa", "tls"),
    ]
    .concat();
    let (root, issuing, crl) = (file("root.pem"), file("issuing.pem"), file("crl.pem"));
    format!(
        r#"
[admin]
listen = "127.0.0.1:0"
control = "{control}"
{sites}
[policies.computers]
trust_anchors = ["{root}"]
intermediates = ["{issuing}"]
issued_by = ["{issuing}"]
names = {{ allow = ["*.corp.example.test"], deny = ["pc-lost.corp.example.test"] }}
revocation = {{ crls = ["{crl}"], check = "chain", unknown = "deny" }}
[pools.plain]
servers = [{{ name = "plain", address = "{plain}" }}]
upstream = {{ mode = "offload" }}
[pools.tls]
servers = [{{ name = "tls", address = "{tls}" }}]
upstream = {{ mode = "bridge", ca = "{root}", server_name = "{NAME}" }}
[limits]
sessions = 9500
unauthenticated_per_source = 65535
tunnels_per_identity = 1000
drain_deadline = "0s"
[threads]
relay = 1
handshake = 1
[log]
audit = "{audit}"
"#,
        control = folder.join("control.sock").display(),
        audit = folder.join("audit.jsonl").display(),
        plain = backend.plain,
        tls = backend.tls,
    )
}

fn haproxy(estate: &Estate, backend: &Backend, faces: Faces) -> String {
    let (ca, crl) = (estate.file("ca.pem"), estate.file("crl.pem"));
    let frontend = |name: &str, face: SocketAddr, certificate: &str, to: &str| {
        format!(
            "frontend {name}\n  bind {face} ssl crt {crt} ca-file {ca} verify required crl-file {crl}\n  \
             default_backend {to}\n",
            crt = estate.file(&format!("{certificate}-both.pem")).display(),
            ca = ca.display(),
            crl = crl.display(),
        )
    };
    let frontends = [
        frontend("ecdsa", faces.ecdsa, "ecdsa", "plain"),
        frontend("rsa", faces.rsa, "rsa", "plain"),
        frontend("bridge", faces.bridge, "ecdsa", "tls"),
    ]
    .concat();
    format!(
        "global
  nbthread 1
  maxconn 9500
  tune.ssl.cachesize 0
  ssl-default-bind-ciphersuites {SUITE}
  ssl-default-bind-curves X25519
  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
  ssl-default-server-ciphersuites {SUITE}
  ssl-default-server-options ssl-min-ver TLSv1.3 no-tls-tickets
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
{frontends}backend plain
  server plain {plain}
backend tls
  server tls {tls} ssl verify required ca-file {ca} verifyhost {NAME} sni str({NAME}) no-ssl-reuse
",
        plain = backend.plain,
        tls = backend.tls,
        ca = ca.display(),
    )
}

fn nginx(estate: &Estate, backend: &Backend, faces: Faces) -> String {
    let server = |face: SocketAddr, certificate: &str, to: &str| {
        format!(
            "  server {{
    listen {face} ssl backlog=1024;
    ssl_certificate {chain};
    ssl_certificate_key {key};
    {to}
  }}
",
            chain = estate.file(&format!("{certificate}.pem")).display(),
            key = estate.file(&format!("{certificate}.key")).display(),
        )
    };
    let (ca, crl) = (estate.file("ca.pem"), estate.file("crl.pem"));
    let plain = format!("proxy_pass {};", backend.plain);
    let tls = format!(
        "proxy_pass {};
    proxy_ssl on;
    proxy_ssl_protocols TLSv1.3;
    proxy_ssl_conf_command Ciphersuites {SUITE};
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 3;
    proxy_ssl_trusted_certificate {};
    proxy_ssl_name {NAME};
    proxy_ssl_server_name on;
    proxy_ssl_session_reuse off;",
        backend.tls,
        ca.display()
    );
    let servers =
        [server(faces.ecdsa, "ecdsa", &plain), server(faces.rsa, "rsa", &plain), server(faces.bridge, "ecdsa", &tls)]
            .concat();
    format!(
        "load_module {NGINX_STREAM};
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events {{
  worker_connections 19500;
}}
stream {{
  ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites {SUITE};
  ssl_ecdh_curve X25519;
  ssl_verify_client on;
  ssl_verify_depth 3;
  ssl_client_certificate {ca};
  ssl_crl {crl};
  ssl_session_tickets off;
  ssl_session_cache off;
  proxy_connect_timeout 5s;
  proxy_timeout 1h;
{servers}}}
",
        ca = ca.display(),
        crl = crl.display(),
    )
}

/// stunnel is either end of TLS, not both: the bridge is two of its services behind each other.
fn stunnel(estate: &Estate, backend: &Backend, faces: Faces, between: SocketAddr) -> String {
    let service = |name: &str, accept: SocketAddr, certificate: &str, connect: SocketAddr| {
        format!(
            "[{name}]
accept = {accept}
connect = {connect}
cert = {cert}
key = {key}
CAfile = {ca}
CRLfile = {crl}
verifyChain = yes
curves = X25519
",
            cert = estate.file(&format!("{certificate}.pem")).display(),
            key = estate.file(&format!("{certificate}.key")).display(),
            ca = estate.file("ca.pem").display(),
            crl = estate.file("crl.pem").display(),
        )
    };
    let services = [
        service("ecdsa", faces.ecdsa, "ecdsa", backend.plain),
        service("rsa", faces.rsa, "rsa", backend.plain),
        service("bridge", faces.bridge, "ecdsa", between),
    ]
    .concat();
    format!(
        "foreground = yes
debug = err
syslog = no
pid =
sslVersionMin = TLSv1.3
ciphersuites = {SUITE}
options = NO_TICKET
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
{services}[bridge-server]
client = yes
accept = {between}
connect = {tls}
CAfile = {ca}
verifyChain = yes
checkHost = {NAME}
sni = {NAME}
",
        tls = backend.tls,
        ca = estate.file("ca.pem").display(),
    )
}

fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn installed(program: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.is_file())
}

const SUITE: &str = "TLS_AES_256_GCM_SHA384";
const NGINX_STREAM: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";
const START_MAX: Duration = Duration::from_secs(10);
const STOP_MAX: Duration = Duration::from_secs(20);
