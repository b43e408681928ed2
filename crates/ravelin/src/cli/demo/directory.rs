//! The demo's Active Directory: five computer accounts, as a snapshot.

use ravelin_feeds::snapshot::{Snapshot, SnapshotError};
use ravelin_lab::pki::{CertificateSpec, Estate};
use ravelin_policy::directory::{Account, DirectoryData, Domain, Group, MalformedSid, Sid};

/// The domain of the lab's estate.
const DOMAIN: &str = "S-1-5-21-1004336348-1177238915-682003330";
/// userAccountControl ([MS-ADTS] §2.2.16).
const WORKSTATION: u32 = 0x1000;
const DISABLED: u32 = 0x2;

/// What was known of the accounts at `now` (Unix seconds), as a file.
pub(super) fn snapshot(pki: &Estate, now: i64) -> Result<Vec<u8>, SnapshotError> {
    let data = data(pki, now).map_err(|_| SnapshotError::Body("a security identifier that is none"))?;
    Snapshot { serial: 1, created: now, complete: true, data }.encode(None)
}

/// The certificate that autoenrolment gives a machine.
pub(super) fn certificate(name: &str, number: u32) -> CertificateSpec {
    CertificateSpec::client(&host(name)).sid(&format!("{DOMAIN}-{number}"))
}

fn data(pki: &Estate, now: i64) -> Result<DirectoryData, MalformedSid> {
    let domain = Domain {
        dns_name: "corp.example.test".to_owned(),
        netbios_name: "CORP".to_owned(),
        sid: Sid::from_text(DOMAIN)?,
        nt_auth: [&pki.issuing, &pki.issuing_renewed].map(|one| one.certificate_der().to_vec()).into(),
        as_of: now,
    };
    let group = Group { sid: Sid::from_text(&format!("{DOMAIN}-1200"))?, name: "DirectAccess Clients".to_owned() };
    let accounts = [
        account("pc01", 1117, WORKSTATION, true),
        account("pc02", 1118, WORKSTATION, true),
        account("pc03", 1119, WORKSTATION, true),
        account("pc-left", 1120, WORKSTATION | DISABLED, true),
        account("pc-lab", 1121, WORKSTATION, false),
    ];
    let accounts = accounts.into_iter().collect::<Result<_, _>>()?;
    Ok(DirectoryData { domains: vec![domain], groups: vec![group], accounts })
}

fn account(name: &str, number: u32, user_account_control: u32, is_client: bool) -> Result<Account, MalformedSid> {
    Ok(Account {
        guid: u128::from(number).to_le_bytes(),
        sid: Sid::from_text(&format!("{DOMAIN}-{number}"))?,
        sam_account_name: format!("{}$", name.to_uppercase()),
        dns_host_name: Some(host(name)),
        service_hosts: vec![name.to_owned(), host(name)],
        user_account_control,
        expires: None,
        alt_security_identities: Vec::new(),
        groups: if is_client { vec![0] } else { Vec::new() },
    })
}

fn host(name: &str) -> String {
    format!("{name}.corp.example.test")
}
