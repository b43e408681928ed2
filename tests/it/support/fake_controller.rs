//! A domain controller that does what Samba does not: pages of a thousand, members by parts, referrals, and everything that a
//! hostile or broken one might. It speaks LDAP by hand, so that nothing of the product judges itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ravelin_lab::pki::{Authority, CertificateSpec, Issued};
use ravelin_policy::directory::Sid;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::unix_now;

/// What is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Refuses every bind with this result and text.
    Refuses(u8, &'static str),
    /// Takes connections and says nothing, not even in TLS.
    Silent,
    /// Answers the first search with these bytes.
    Says(Vec<u8>),
    /// Answers the search for computers with entries without end.
    Endless,
    /// Answers the search for computers at one byte in a hundred milliseconds.
    Drips,
    /// Ends the connection in the middle of the second page of computers.
    CutsSecondPage,
    /// Says good-bye (RFC 4511 §4.4.1) instead of the second page of computers.
    SaysGoodBye,
    /// Ends the search for computers with this result.
    Ends(u8),
    /// Says nothing of pages.
    PagesAreUnknown,
    /// Is a controller of another domain.
    OfAnotherDomain,
    /// Computers have no userAccountControl.
    HidesControl,
}

/// What it knows.
pub struct Model {
    /// Computers `PC1`, `PC2`, …: userAccountControl and the number of the last change.
    pub computers: Vec<(u32, u64)>,
    /// Members of `DirectAccess Clients`, by number; its last change.
    pub members: (Vec<u32>, u64),
    /// highestCommittedUSN.
    pub usn: u64,
    /// invocationId.
    pub invocation: u8,
}

/// A running one. Stops when dropped.
pub struct FakeController {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

/// How its domain, authority and certificate are named.
pub struct FakeEstate {
    pub folder: tempfile::TempDir,
    pub root: Authority,
}

struct Shared {
    domain: String,
    model: Mutex<Model>,
    fault: Mutex<Fault>,
    start_tls: bool,
    config: Arc<ServerConfig>,
    binds: AtomicUsize,
    certified: AtomicUsize,
    connections: AtomicUsize,
    searches: Mutex<Vec<String>>,
    stop: AtomicBool,
}

pub const DOMAIN: &str = "corp.example.test";
const SID: &str = "S-1-5-21-1004336348-1177238915";
const PAGE: usize = 1000;
const VALUES: usize = 1500;

impl FakeEstate {
    pub fn new() -> FakeEstate {
        let folder = tempfile::tempdir().unwrap();
        let root = Authority::root("Controllers", unix_now());
        std::fs::write(folder.path().join("root.pem"), root.pem()).unwrap();
        let password = folder.path().join("reader.pass");
        std::fs::write(&password, "Secret-0f-The-Reader\n").unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
        FakeEstate { folder, root }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A configuration of `ravelin sync` with these controllers, in order, of one domain.
    pub fn config(&self, controllers: &[&FakeController], more: &str) -> PathBuf {
        self.config_of(&[(DOMAIN, controllers, "")], more)
    }

    /// The same of several domains, each with further keys.
    pub fn config_of(&self, domains: &[(&str, &[&FakeController], &str)], more: &str) -> PathBuf {
        let mut text = format!("[sync]\nsnapshot = \"directory.snapshot\"\nlisten = \"127.0.0.1:0\"\n{more}\n");
        for (domain, controllers, keys) in domains {
            let scheme = if keys.contains("start_tls") { "ldap" } else { "ldaps" };
            let rows: Vec<String> = controllers
                .iter()
                .enumerate()
                .map(|(index, one)| {
                    format!("{{ url = \"{scheme}://dc{}.{domain}\", address = \"{}\" }}", index + 1, one.address)
                })
                .collect();
            let login = "bind = \"reader@corp.example.test\"\npassword_file = \"reader.pass\"";
            let login = if keys.contains("certificate") { "" } else { login };
            text += &format!(
                "[[sync.domains]]\ndomain = \"{domain}\"\ncontrollers = [{}]\nca = \"root.pem\"\n{login}\n{keys}\n",
                rows.join(", ")
            );
        }
        std::fs::write(self.path("sync.toml"), text).unwrap();
        self.path("sync.toml")
    }

    pub fn snapshot(&self) -> PathBuf {
        self.path("directory.snapshot")
    }
}

impl FakeController {
    /// The first controller of the usual domain, with so many computers, of which the first half are members.
    pub fn start(estate: &FakeEstate, computers: u32) -> FakeController {
        FakeController::of(estate, DOMAIN, "dc1", computers, false)
    }

    /// Any other.
    pub fn of(estate: &FakeEstate, domain: &str, host: &str, computers: u32, start_tls: bool) -> FakeController {
        let certificate = estate.root.issue(CertificateSpec::server(&[&format!("{host}.{domain}")]));
        FakeController::showing(estate, &certificate, domain, computers, start_tls)
    }

    /// One that shows this certificate.
    pub fn showing(
        estate: &FakeEstate,
        certificate: &Issued,
        domain: &str,
        computers: u32,
        start_tls: bool,
    ) -> FakeController {
        let mut roots = RootCertStore::empty();
        roots.add(estate.root.certificate_der().to_vec().into()).unwrap();
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
            .with_single_cert(certificate.certificates(), certificate.private_key())
            .unwrap();
        let model = Model {
            computers: (0..computers).map(|_| (0x1000, 1)).collect(),
            members: ((1..=computers / 2).collect(), 1),
            usn: 2,
            invocation: 7,
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            domain: domain.to_owned(),
            model: Mutex::new(model),
            fault: Mutex::new(Fault::None),
            start_tls,
            config: Arc::new(config),
            binds: AtomicUsize::new(0),
            certified: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            searches: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stop.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                serving.connections.fetch_add(1, Ordering::Relaxed);
                let serving = Arc::clone(&serving);
                // A connection that breaks has ended.
                std::thread::spawn(move || serving.serve(stream).unwrap_or_default());
            }
        });
        FakeController { address, shared }
    }

    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = fault;
    }

    /// Changes what it knows; the change gets the next number.
    pub fn change(&self, change: impl FnOnce(&mut Model, u64)) {
        let mut model = self.shared.model.lock().unwrap();
        model.usn += 1;
        let usn = model.usn;
        change(&mut model, usn);
    }

    pub fn binds(&self) -> usize {
        self.shared.binds.load(Ordering::Relaxed)
    }

    /// Connections with a client's certificate.
    pub fn certified(&self) -> usize {
        self.shared.certified.load(Ordering::Relaxed)
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// What was searched, each with its base and what it looked for.
    pub fn searches(&self) -> Vec<String> {
        self.shared.searches.lock().unwrap().clone()
    }
}

impl Drop for FakeController {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// One search as it was asked.
struct Asked {
    base: String,
    filter: Vec<u8>,
    attributes: Vec<String>,
    cookie: Option<Vec<u8>>,
}

type Tls = StreamOwned<ServerConnection, TcpStream>;

impl Shared {
    fn serve(&self, mut tcp: TcpStream) -> std::io::Result<()> {
        tcp.set_read_timeout(Some(Duration::from_secs(60)))?;
        if *self.fault.lock().unwrap() == Fault::Silent {
            // Until whoever waits goes away.
            return tcp.read_to_end(&mut Vec::new()).map(|_| ());
        }
        if self.start_tls {
            let request = read(&mut tcp)?;
            let (id, operation, _, _) = take_apart(&request);
            assert_eq!(operation, 0x77, "StartTLS");
            tcp.write_all(&message(id, 0x78, &result(0, ""), None))?;
        }
        let connection = ServerConnection::new(Arc::clone(&self.config)).unwrap();
        let mut tls = StreamOwned::new(connection, tcp);
        loop {
            let request = read(&mut tls)?;
            if tls.conn.peer_certificates().is_some() && self.binds.load(Ordering::Relaxed) == 0 {
                self.certified.store(1, Ordering::Relaxed);
            }
            let (id, operation, body, controls) = take_apart(&request);
            let fault = self.fault.lock().unwrap().clone();
            match operation {
                0x60 => {
                    self.binds.fetch_add(1, Ordering::Relaxed);
                    let (code, text) = if let Fault::Refuses(code, text) = fault { (code, text) } else { (0, "") };
                    tls.write_all(&message(id, 0x61, &result(code, text), None))?;
                }
                0x63 => {
                    if let Fault::Says(bytes) = fault {
                        return tls.write_all(&bytes);
                    }
                    self.answer(&mut tls, id, &asked(body, controls), &fault)?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Each domain has its own.
    fn sid(&self) -> Sid {
        Sid::from_text(&format!("{SID}-{}", 600_000_000 + self.domain.len())).unwrap()
    }

    fn guid(&self, number: u32) -> Vec<u8> {
        ((u128::try_from(self.domain.len()).unwrap() << 64) | u128::from(number)).to_le_bytes().to_vec()
    }

    fn base(&self) -> String {
        self.domain.split('.').map(|label| format!("DC={label}")).collect::<Vec<_>>().join(",")
    }

    fn answer(&self, tls: &mut Tls, id: i64, asked: &Asked, fault: &Fault) -> std::io::Result<()> {
        let base = self.base();
        let configuration = format!("CN=Configuration,{base}");
        let has = |text: &str| asked.filter.windows(text.len()).any(|part| part == text.as_bytes());
        let kind =
            ["group", "computer", "isDeleted", "crossRef"].into_iter().find(|kind| has(kind)).unwrap_or("object");
        self.searches.lock().unwrap().push(format!("{kind} {} {}", asked.base, asked.attributes.join(",")));
        let model = self.model.lock().unwrap();
        let sid = self.sid();
        let since = since(&asked.filter);
        let mut entries: Vec<Vec<u8>> = Vec::new();
        let (mut code, mut cookie) = (0, asked.cookie.as_ref().map(|_| Vec::new()));
        let group_dn = format!("CN=DirectAccess Clients,OU=Groups,{base}");
        match (kind, asked.base.as_str()) {
            ("object", "") => {
                let own = if *fault == Fault::OfAnotherDomain { "DC=other,DC=test" } else { &base };
                entries.push(entry(
                    "",
                    &[
                        ("defaultNamingContext", vec![own.as_bytes().to_vec()]),
                        ("configurationNamingContext", vec![configuration.as_bytes().to_vec()]),
                        ("dsServiceName", vec![format!("CN=NTDS Settings,{configuration}").into_bytes()]),
                        ("highestCommittedUSN", vec![model.usn.to_string().into_bytes()]),
                    ],
                ));
            }
            ("object", dn) if dn.starts_with("CN=NTDS") => {
                entries.push(entry(dn, &[("invocationId", vec![vec![model.invocation; 16]])]));
            }
            ("object", dn) if dn == base => {
                let classes = vec![b"top".to_vec(), b"domainDNS".to_vec()];
                entries.push(entry(dn, &[("objectClass", classes), ("objectSid", vec![sid.to_bytes()])]));
            }
            ("object", dn) if dn.starts_with("CN=NTAuth") => {
                entries.push(entry(dn, &[("cACertificate", vec![b"one".to_vec(), b"two".to_vec()])]));
            }
            ("object", dn) if dn == group_dn => {
                // A part of the members.
                let description = &asked.attributes[0];
                let from: usize = description.split_once("range=").unwrap().1.trim_end_matches("-*").parse().unwrap();
                entries.push(entry(
                    &group_dn,
                    &[self.members(&model, from)].map(|(name, values)| (name.leak() as &str, values)),
                ));
            }
            ("crossRef", dn) => {
                let values = [
                    ("objectClass", b"crossRef".to_vec()),
                    ("nCName", base.clone().into_bytes()),
                    ("nETBIOSName", b"CORP".to_vec()),
                ];
                entries.push(entry(&format!("CN=CORP,{dn}"), &values.map(|(name, value)| (name, vec![value]))));
                // Elsewhere there is more: nothing is followed.
                entries.push(element(0x73, &octets(b"ldap://127.0.0.1:1/DC=elsewhere")));
            }
            ("group", _) if since.is_none_or(|since| model.members.1 >= since) => {
                let (name, values) = self.members(&model, 0);
                let mut attributes = vec![
                    ("objectClass", vec![b"top".to_vec(), b"group".to_vec()]),
                    ("objectGUID", vec![self.guid(u32::MAX)]),
                    ("objectSid", vec![sid.join(9000).unwrap().to_bytes()]),
                    ("sAMAccountName", vec![b"DirectAccess Clients".to_vec()]),
                    ("groupType", vec![b"-2147483646".to_vec()]),
                    // Active Directory says so beside the part.
                    ("member", if name.contains(';') { Vec::new() } else { values.clone() }),
                ];
                if name.contains(';') {
                    attributes.push((name.leak(), values));
                }
                entries.push(entry(&format!("<GUID=ff>;<SID=00>;{group_dn}"), &attributes));
            }
            ("computer", _) => {
                if let Fault::Ends(result) = fault {
                    code = *result;
                } else {
                    let of_interest: Vec<u32> = (1..)
                        .zip(&model.computers)
                        .filter(|(_, (_, changed))| since.is_none_or(|since| *changed >= since))
                        .map(|(number, _)| number)
                        .collect();
                    let from = asked
                        .cookie
                        .as_deref()
                        .map_or(0, |cookie| String::from_utf8_lossy(cookie).parse().unwrap_or(0));
                    let until = of_interest.len().min(from + PAGE);
                    for number in &of_interest[from..until] {
                        entries.push(self.computer(&model, *number, fault));
                    }
                    if until < of_interest.len() {
                        cookie = Some(until.to_string().into_bytes());
                    }
                }
            }
            ("isDeleted", _) => code = 32,
            _ => {}
        }
        drop(model);
        let mut text: Vec<u8> = Vec::new();
        let second = kind == "computer" && asked.cookie.as_ref().is_some_and(|cookie| !cookie.is_empty());
        for one in &entries {
            text.extend(message_of(id, one, None));
        }
        if *fault == Fault::Endless && kind == "computer" {
            loop {
                tls.write_all(&text)?;
            }
        }
        if *fault == Fault::CutsSecondPage && second {
            tls.write_all(&text[..text.len() / 2])?;
            tls.flush()?;
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        }
        if *fault == Fault::SaysGoodBye && second {
            return tls.write_all(&message(0, 0x78, &result(52, "going down"), None));
        }
        if *fault == Fault::PagesAreUnknown && kind == "computer" {
            cookie = None;
        }
        text.extend(message(id, 0x65, &result(code, "of the fake"), cookie.as_deref()));
        if *fault == Fault::Drips && kind == "computer" {
            for byte in text {
                tls.write_all(&[byte])?;
                std::thread::sleep(Duration::from_millis(100));
            }
            return Ok(());
        }
        tls.write_all(&text)
    }

    /// As many members as are given at once, from that one on, under the description that says so.
    fn members(&self, model: &Model, from: usize) -> (String, Vec<Vec<u8>>) {
        let all = &model.members.0;
        let until = all.len().min(from + VALUES);
        let name = match (from, until) {
            (0, until) if until == all.len() => "member".to_owned(),
            (from, until) if until == all.len() => format!("member;range={from}-*"),
            (from, until) => format!("member;range={from}-{}", until - 1),
        };
        let sid = self.sid();
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let value = |number: &u32| {
            let sid = hex(sid.join(*number).unwrap().to_bytes());
            format!("<GUID=00>;<SID={sid}>;CN=PC{number},{}", self.base()).into_bytes()
        };
        (name, all[from..until].iter().map(value).collect())
    }

    fn computer(&self, model: &Model, number: u32, fault: &Fault) -> Vec<u8> {
        let base = self.base();
        let sid = self.sid().join(number).unwrap();
        let text = |text: String| vec![text.into_bytes()];
        let mut attributes = vec![
            ("objectCategory", text(format!("CN=Computer,CN=Schema,CN=Configuration,{base}"))),
            ("objectGUID", vec![self.guid(number)]),
            ("objectSid", vec![sid.to_bytes()]),
            ("sAMAccountName", text(format!("PC{number}$"))),
            ("dNSHostName", text(format!("pc{number}.{}", self.domain))),
            ("primaryGroupID", text("515".to_owned())),
        ];
        if *fault != Fault::HidesControl {
            attributes.push(("userAccountControl", text(model.computers[number as usize - 1].0.to_string())));
        }
        entry(&format!("CN=PC{number},{base}"), &attributes)
    }
}

fn entry(dn: &str, attributes: &[(&str, Vec<Vec<u8>>)]) -> Vec<u8> {
    let list: Vec<u8> = attributes
        .iter()
        .flat_map(|(name, values)| {
            let set: Vec<u8> = values.iter().flat_map(|value| octets(value)).collect();
            element(0x30, &[octets(name.as_bytes()), element(0x31, &set)].concat())
        })
        .collect();
    element(0x64, &[octets(dn.as_bytes()), element(0x30, &list)].concat())
}

fn result(code: u8, text: &str) -> Vec<u8> {
    [vec![0x0a, 1, code], octets(b""), octets(text.as_bytes())].concat()
}

fn message(id: i64, operation: u8, body: &[u8], cookie: Option<&[u8]>) -> Vec<u8> {
    message_of(id, &element(operation, body), cookie)
}

fn message_of(id: i64, operation: &[u8], cookie: Option<&[u8]>) -> Vec<u8> {
    let controls = cookie.map(|cookie| {
        let page = element(0x30, &[vec![2, 1, 0], octets(cookie)].concat());
        element(0xa0, &element(0x30, &[octets(b"1.2.840.113556.1.4.319"), octets(&page)].concat()))
    });
    let id = u32::try_from(id).unwrap().to_be_bytes();
    element(0x30, &[element(2, &id), operation.to_vec(), controls.unwrap_or_default()].concat())
}

fn octets(text: &[u8]) -> Vec<u8> {
    element(4, text)
}

/// With a length in four bytes, as Active Directory has it.
pub fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], &length[..], contents].concat()
}

fn tlv(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (head, length) = match bytes[1] {
        short @ 0..0x80 => (2, usize::from(short)),
        long => {
            let count = usize::from(long - 0x80);
            (2 + count, bytes[2..2 + count].iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)))
        }
    };
    (bytes[0], &bytes[head..head + length], &bytes[head + length..])
}

/// Number, operation, its body, and the controls.
fn take_apart(message: &[u8]) -> (i64, u8, &[u8], &[u8]) {
    let (_, contents, _) = tlv(message);
    let (_, id, rest) = tlv(contents);
    let (operation, body, rest) = tlv(rest);
    let controls = if rest.is_empty() { rest } else { tlv(rest).1 };
    (id.iter().fold(0, |id, byte| (id << 8) | i64::from(*byte)), operation, body, controls)
}

fn asked(body: &[u8], mut controls: &[u8]) -> Asked {
    let (_, base, mut rest) = tlv(body);
    for _ in 0..5 {
        rest = tlv(rest).2;
    }
    let (tag, filter, rest) = tlv(rest);
    let mut list = tlv(rest).1;
    let mut attributes = Vec::new();
    while !list.is_empty() {
        let (_, attribute, after) = tlv(list);
        attributes.push(String::from_utf8(attribute.to_vec()).unwrap());
        list = after;
    }
    let mut cookie = None;
    while !controls.is_empty() {
        let (_, control, after) = tlv(controls);
        let (_, identifier, rest) = tlv(control);
        if identifier == b"1.2.840.113556.1.4.319" {
            let value = tlv(tlv(tlv(rest).2).1).1;
            cookie = Some(tlv(tlv(value).2).1.to_vec());
        }
        controls = after;
    }
    Asked { base: String::from_utf8(base.to_vec()).unwrap(), filter: [&[tag], filter].concat(), attributes, cookie }
}

/// The number in `uSNChanged>=`.
fn since(filter: &[u8]) -> Option<u64> {
    let name = b"uSNChanged";
    let at = filter.windows(name.len()).position(|part| part == name)?;
    String::from_utf8(tlv(&filter[at + name.len()..]).1.to_vec()).unwrap().parse().ok()
}

fn read(stream: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut head = vec![0; 2];
    stream.read_exact(&mut head)?;
    let more = usize::from(head[1].saturating_sub(0x80));
    let mut length = vec![0; if head[1] < 0x80 { 0 } else { more }];
    stream.read_exact(&mut length)?;
    let contents = match head[1] {
        short @ 0..0x80 => usize::from(short),
        _ => length.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)),
    };
    let mut body = vec![0; contents];
    stream.read_exact(&mut body)?;
    Ok([head, length, body].concat())
}

/// What a snapshot says of the usual domain.
pub fn read_snapshot(path: &Path) -> ravelin_feeds::snapshot::Snapshot {
    ravelin_feeds::snapshot::Snapshot::read(&std::fs::read(path).unwrap(), None).unwrap()
}
