//! A whole estate: authorities, servers, and a client for every reason to be let in or not.

use std::io;
use std::path::Path;

use super::authority::{Authority, Issued, self_signed};
use super::certificate::{CertificateSpec, Points, purpose};
use super::crl::{Crl, CrlEntry, CrlSpec, reason};
use super::general_name::GeneralName;
use super::key::{Key, KeyType};
use crate::clock::{DAY, HOUR};

/// Corp's two-tier PKI, a partner's, a forger's, and certificates of all of them. What is RSA shares its keys within the
/// process; everything else is new each time.
#[derive(Clone, Debug)]
pub struct Estate {
    /// Unix seconds everything was made for.
    pub now: i64,
    /// `CN=Corp Root CA`, RSA 2048.
    pub root: Authority,
    /// `DC=test,DC=example,DC=corp,CN=Corp Issuing CA 1`, RSA 2048, below the root.
    pub issuing: Authority,
    /// The issuing authority after its renewal with a new key (P-256): the same name, also below the root.
    pub issuing_renewed: Authority,
    /// A root of another company.
    pub partner_root: Authority,
    /// A forger's self-signed authority with the issuing authority's name and a key of its own.
    pub forger: Authority,
    /// The public face `da.corp.example.test`, RSA 2048.
    pub face_rsa: Issued,
    /// The public face `da.corp.example.test`, P-256.
    pub face_ecdsa: Issued,
    /// What the DirectAccess servers show to the gateway: `da1`, `da2` and `da` `.corp.example.test`.
    pub server: Issued,
    /// One certificate for each story.
    pub clients: Clients,
    /// The root's list: complete, empty, current.
    pub root_crl: Crl,
    /// The issuing authority's list: revokes [`Clients::revoked`].
    pub issuing_crl: Crl,
    /// The list of the renewed issuing authority: empty. Same issuer name as [`Estate::issuing_crl`], other key.
    pub issuing_renewed_crl: Crl,
}

/// One certificate for each story. Names end in `.corp.example.test` where nothing else is said.
#[derive(Clone, Debug)]
pub struct Clients {
    /// `pc01`: RSA 2048 as Windows makes them, SID extension, by the issuing authority.
    pub healthy: Issued,
    /// `pc02`: P-256, by the renewed issuing authority.
    pub healthy_renewed: Issued,
    /// `pc03`: empty subject, SAN critical, as strict readings of the Workstation template make it.
    pub healthy_no_subject: Issued,
    /// `pc-expired`: ended an hour ago.
    pub expired: Issued,
    /// `pc-early`: begins tomorrow.
    pub not_yet_valid: Issued,
    /// `pc-revoked`: on the issuing authority's list.
    pub revoked: Issued,
    /// `pc-server`: server authentication only.
    pub server_purpose: Issued,
    /// `pc-nopurpose`: no extended key usage.
    pub no_purpose: Issued,
    /// `laptop.evilcorp.example.test`: ends like the estate's suffix, but is not in it.
    pub wrong_name: Issued,
    /// `pc-lost`: good, but a deny list by name is meant to hold it.
    pub deny_listed: Issued,
    /// `pc01`, issued by the partner's root.
    pub partner: Issued,
    /// `pc01`, issued by the forger.
    pub forged: Issued,
    /// `pc-ca`: a leaf with CA:TRUE.
    pub authority: Issued,
    /// `pc-alone`: signed with its own key.
    pub self_signed: Issued,
    /// `pc-broken`: one bit of the signature is wrong.
    pub tampered: Issued,
    /// `pc-nul.corp.example.test\0.evil.test`: NUL in the SAN.
    pub nul_in_name: Issued,
    /// No SAN, no subject.
    pub nameless: Issued,
    /// `pc-weak`: an RSA key of 1024 bits, whose private half nobody has.
    pub weak_key: Issued,
}

impl Clients {
    /// All of them with the names of their files.
    pub fn all(&self) -> Vec<(&'static str, &Issued)> {
        vec![
            ("healthy", &self.healthy),
            ("healthy-renewed", &self.healthy_renewed),
            ("healthy-no-subject", &self.healthy_no_subject),
            ("expired", &self.expired),
            ("not-yet-valid", &self.not_yet_valid),
            ("revoked", &self.revoked),
            ("server-purpose", &self.server_purpose),
            ("no-purpose", &self.no_purpose),
            ("wrong-name", &self.wrong_name),
            ("deny-listed", &self.deny_listed),
            ("partner", &self.partner),
            ("forged", &self.forged),
            ("authority", &self.authority),
            ("self-signed", &self.self_signed),
            ("tampered", &self.tampered),
            ("nul-in-name", &self.nul_in_name),
            ("nameless", &self.nameless),
            ("weak-key", &self.weak_key),
        ]
    }
}

impl Estate {
    /// The standard estate, made for this time. The first in a process takes a second or so for its RSA keys.
    pub fn standard(now: i64) -> Estate {
        let root = Authority::root_from(root_spec(), now);
        let issuing =
            root.issue_authority(CertificateSpec::authority(ISSUING).key(Key::shared(KeyType::Rsa2048, ISSUING_KEY)));
        let issuing_renewed = root.issue_authority(CertificateSpec::authority(ISSUING));
        let partner_root = Authority::root("DC=test,DC=example,DC=partner,CN=Partner Root CA", now);
        let forger = Authority::root(ISSUING, now);
        let clients = clients(&issuing, &issuing_renewed, &partner_root, &forger, now);
        let face = || CertificateSpec::server(&["da.corp.example.test"]);
        let revocation = CrlEntry::new(&clients.revoked.serial).date(now - 2 * HOUR).reason(reason::KEY_COMPROMISE);
        Estate {
            now,
            face_rsa: issuing.issue(face().key(Key::shared(KeyType::Rsa2048, FACE_KEY))),
            face_ecdsa: issuing.issue(face()),
            server: issuing.issue(CertificateSpec::server(&[
                "da1.corp.example.test",
                "da2.corp.example.test",
                "da.corp.example.test",
            ])),
            root_crl: root.crl(CrlSpec::new()),
            issuing_crl: issuing.crl(CrlSpec::new().number(41).entry(revocation)),
            issuing_renewed_crl: issuing_renewed.crl(CrlSpec::new()),
            root,
            issuing,
            issuing_renewed,
            partner_root,
            forger,
            clients,
        }
    }

    /// Writes everything as PEM:
    ///
    /// - `ca/root.pem`, `ca/issuing.pem`, `ca/issuing-renewed.pem`, `ca/partner.pem`, `ca/forger.pem`
    /// - `crl/root.crl`, `crl/issuing.crl`, `crl/issuing-renewed.crl`
    /// - `tls/face-rsa.pem`, `tls/face-ecdsa.pem`, `tls/server.pem` (chains) with `.key` beside each
    /// - `clients/NAME.pem` (leaf first, then its authorities without the root) with `NAME.key`, see [`Clients::all`]
    ///
    /// # Errors
    /// A file or folder cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        for sub in ["ca", "crl", "tls", "clients"] {
            std::fs::create_dir_all(folder.join(sub))?;
        }
        for (name, authority) in [
            ("root", &self.root),
            ("issuing", &self.issuing),
            ("issuing-renewed", &self.issuing_renewed),
            ("partner", &self.partner_root),
            ("forger", &self.forger),
        ] {
            std::fs::write(folder.join(format!("ca/{name}.pem")), authority.pem())?;
        }
        for (name, list) in
            [("root", &self.root_crl), ("issuing", &self.issuing_crl), ("issuing-renewed", &self.issuing_renewed_crl)]
        {
            std::fs::write(folder.join(format!("crl/{name}.crl")), list.pem())?;
        }
        for (name, face) in [("face-rsa", &self.face_rsa), ("face-ecdsa", &self.face_ecdsa), ("server", &self.server)] {
            write_pair(&folder.join("tls"), name, face)?;
        }
        self.clients.all().into_iter().try_for_each(|(name, client)| write_pair(&folder.join("clients"), name, client))
    }
}

fn root_spec() -> CertificateSpec {
    CertificateSpec::authority("CN=Corp Root CA")
        .key(Key::shared(KeyType::Rsa2048, ROOT_KEY))
        .crl_points(Points::Omitted)
        .issuer_points(Points::Omitted)
}

fn clients(issuing: &Authority, renewed: &Authority, partner: &Authority, forger: &Authority, now: i64) -> Clients {
    let client = |host: &str| CertificateSpec::client(&format!("{host}.corp.example.test"));
    Clients {
        healthy: issuing.issue(
            client("pc01")
                .key(Key::shared(KeyType::Rsa2048, HEALTHY_KEY))
                .sid("S-1-5-21-1004336348-1177238915-682003330-1117"),
        ),
        healthy_renewed: renewed.issue(client("pc02").sid("S-1-5-21-1004336348-1177238915-682003330-1118")),
        healthy_no_subject: issuing
            .issue(client("pc03").subject("").names_critical().sid("S-1-5-21-1004336348-1177238915-682003330-1119")),
        expired: issuing.issue(client("pc-expired").not_before(now - 90 * DAY).not_after(now - HOUR)),
        not_yet_valid: issuing.issue(client("pc-early").not_before(now + DAY)),
        revoked: issuing.issue(client("pc-revoked")),
        server_purpose: issuing.issue(client("pc-server").purposes(&[purpose::SERVER_AUTH])),
        no_purpose: issuing.issue(client("pc-nopurpose").without_purposes()),
        wrong_name: issuing.issue(CertificateSpec::client("laptop.evilcorp.example.test")),
        deny_listed: issuing.issue(client("pc-lost")),
        partner: partner.issue(client("pc01")),
        forged: forger.issue(client("pc01")),
        authority: issuing.issue(client("pc-ca").basic_constraints(true, None)),
        self_signed: self_signed(client("pc-alone"), now),
        tampered: issuing.issue(client("pc-broken").tampered()),
        nul_in_name: issuing
            .issue(client("pc-nul").names(&[GeneralName::Dns(b"pc-nul.corp.example.test\0.evil.test".to_vec())])),
        nameless: issuing.issue(client("").subject("").names(&[])),
        weak_key: issuing.issue(client("pc-weak").key(Key::public_rsa(1024))),
    }
}

fn write_pair(folder: &Path, name: &str, issued: &Issued) -> io::Result<()> {
    std::fs::write(folder.join(format!("{name}.pem")), issued.chain_pem())?;
    // A public key alone has no private half to write.
    issued
        .key
        .has_private_half()
        .then(|| std::fs::write(folder.join(format!("{name}.key")), issued.key_pem()))
        .transpose()?;
    Ok(())
}

const ISSUING: &str = "DC=test,DC=example,DC=corp,CN=Corp Issuing CA 1";

// Numbers of the shared RSA keys; below 100 is left to tests.
const ROOT_KEY: usize = 100;
const ISSUING_KEY: usize = 101;
const FACE_KEY: usize = 102;
const HEALTHY_KEY: usize = 103;
