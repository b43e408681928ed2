//! The account rule: which certificates lead to which accounts, and which accounts pass.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ravelin_lab::pki::{CertificateSpec, GeneralName, Name, der};

use super::*;
use directory::{Account, Directory, DirectoryData, Domain, Group, Sid};

const DOMAIN: &str = "S-1-5-21-1004336348-1177238915-682003330";
const OTHER_DOMAIN: &str = "S-1-5-21-1-2-3";
const CLIENTS: u32 = 0;
const NESTED: u32 = 1;
pub(super) const BLOCKED: u32 = 2;

/// One estate: an authority in NTAuthCertificates, a partner's that is not, and their accounts.
pub(super) struct Accounts {
    pub(super) root: Authority,
    pub(super) partner: Authority,
    data: DirectoryData,
}

pub(super) fn sid(number: u32) -> String {
    format!("{DOMAIN}-{number}")
}

/// Workstation, enabled, among the clients: `PC<number>`, found by all of its names.
pub(super) fn pc(number: u32) -> Account {
    named(number, &format!("pc{number}"))
}

pub(super) fn named(number: u32, name: &str) -> Account {
    let host = format!("{name}.corp.example.test");
    Account {
        guid: u128::from(number).to_le_bytes(),
        sid: Sid::from_text(&sid(number)).unwrap(),
        sam_account_name: format!("{}$", name.to_uppercase().chars().take(15).collect::<String>()),
        dns_host_name: Some(host.clone()),
        service_hosts: vec![name.to_owned(), host],
        user_account_control: 0x1000,
        expires: None,
        alt_security_identities: Vec::new(),
        groups: vec![CLIENTS],
    }
}

impl Accounts {
    pub(super) fn new(accounts: Vec<Account>) -> Accounts {
        let (root, partner) = (Authority::root("Corp Root", NOW), Authority::root("Partner Root", NOW));
        let group =
            |number: u32, name: &str| Group { sid: Sid::from_text(&sid(number)).unwrap(), name: name.to_owned() };
        let domain = |dns: &str, netbios: &str, sid: &str| Domain {
            dns_name: dns.to_owned(),
            netbios_name: netbios.to_owned(),
            sid: Sid::from_text(sid).unwrap(),
            nt_auth: vec![root.certificate_der().to_vec()],
            as_of: NOW - 60,
        };
        let domains = vec![
            domain("corp.example.test", "CORP", DOMAIN),
            Domain { nt_auth: Vec::new(), ..domain("lab.example.test", "LAB", OTHER_DOMAIN) },
        ];
        let groups = vec![group(2001, "DirectAccess Clients"), group(2002, "Pilot"), group(2003, "Blocked")];
        Accounts { data: DirectoryData { domains, groups, accounts }, root, partner }
    }

    pub(super) fn spec(&self) -> AccountSpec {
        AccountSpec {
            directory: Some(Arc::new(Directory::build(self.data.clone()).unwrap())),
            mapping: AccountMapping::Strong,
            explicit_issuers: None,
            allow_groups: vec!["CORP\\directaccess clients".to_owned(), sid(2002)],
            deny_groups: vec!["Blocked".to_owned()],
            max_age: Duration::from_secs(24 * 3600),
            override_until: None,
        }
    }

    pub(super) fn policy(&self, account: AccountSpec) -> Arc<Policy> {
        let trust_anchors = vec![
            source("root.pem", self.root.certificate_der()),
            source("partner.pem", self.partner.certificate_der()),
        ];
        build(PolicySpec { trust_anchors, account: Some(account), ..spec(&self.root) })
    }

    pub(super) fn mapping(&self, mapping: AccountMapping) -> Arc<Policy> {
        self.policy(AccountSpec { mapping, ..self.spec() })
    }
}

fn dns(name: &str) -> GeneralName {
    GeneralName::dns(name)
}

fn sid_uri(sid: &str) -> GeneralName {
    GeneralName::uri(&format!("tag:microsoft.com,2022-09-14:sid:{sid}"))
}

/// The certificate that autoenrolment gives a machine.
pub(super) fn of(name: &str, number: u32) -> CertificateSpec {
    CertificateSpec::client(&format!("{name}.corp.example.test")).sid(&sid(number))
}

/// Covers: docs/traps.md rows 47, 48, 67 (names alone, doubled names, another's identifier).
#[test]
fn a_certificate_leads_to_its_account() {
    let disjoint = Account { dns_host_name: Some("pc20.branch.test".to_owned()), service_hosts: vec![], ..pc(20) };
    let by_service =
        Account { dns_host_name: None, service_hosts: vec!["pc21".into(), "pc21.corp.example.test".into()], ..pc(21) };
    let by_sam = Account { dns_host_name: None, service_hosts: vec![], ..pc(22) };
    let long = named(23, "laptop-with-a-long-name");
    let double = |number| Account {
        dns_host_name: Some("twice.corp.example.test".to_owned()),
        service_hosts: vec![],
        ..pc(number)
    };
    let estate = Accounts::new(vec![pc(1), pc(2), disjoint, by_service, by_sam, long, double(30), double(31)]);
    let [strong, compatible, names] = [AccountMapping::Strong, AccountMapping::Compatible, AccountMapping::Names]
        .map(|mapping| estate.mapping(mapping));
    let unsigned = |name: &str| CertificateSpec::client(name);
    let with = |names: &[GeneralName]| of("pc1", 1).names(names);
    let without = |names: &[GeneralName]| unsigned("x.test").names(names);
    let (missing, gone) = (Err(Reason::SidMissing), Err(Reason::AccountNotFound));
    let (mismatch, malformed) = (Err(Reason::SidMismatch), Err(Reason::SidMalformed));
    let ambiguous = Err(Reason::AccountAmbiguous);
    let host = "pc1.corp.example.test";
    let padded = format!("{}0", sid(1).replace("-5-", "-05-"));
    for (case, leaf, by_strong, by_compatible) in [
        ("name and SID", of("pc1", 1), Ok(()), Ok(())),
        ("name in capitals", with(&[dns("PC1.Corp.Example.TEST")]), Ok(()), Ok(())),
        ("SID as URI", unsigned(host).names(&[dns(host), sid_uri(&sid(1))]), Ok(()), Ok(())),
        ("SID both ways", with(&[dns(host), sid_uri(&sid(1))]), Ok(()), Ok(())),
        ("two SIDs", with(&[dns(host), sid_uri(&sid(2))]), mismatch, mismatch),
        ("two URIs", unsigned(host).names(&[dns(host), sid_uri(&sid(1)), sid_uri(&sid(1))]), malformed, malformed),
        ("SID of another machine", of("pc1", 2), mismatch, mismatch),
        ("SID of nobody", of("pc1", 999), mismatch, mismatch),
        ("name of nobody", of("pc99", 1), gone, gone),
        ("neither", of("pc99", 999), gone, gone),
        ("SID that is none", unsigned(host).sid("S-1-5-21-x"), malformed, malformed),
        ("SID with a zero before", unsigned(host).sid(&padded), malformed, malformed),
        ("URI that is none", unsigned(host).names(&[dns(host), sid_uri("S-1-")]), malformed, malformed),
        (
            "extension that is none",
            unsigned(host).extension("1.3.6.1.4.1.311.25.2", false, vec![5, 0]),
            malformed,
            malformed,
        ),
        ("no SID", unsigned(host), missing, Ok(())),
        ("no SID, two machines", without(&[dns(host), dns("pc2.corp.example.test")]), missing, ambiguous),
        ("no SID, two of a name", unsigned("twice.corp.example.test"), missing, ambiguous),
        ("two of a name, settled", unsigned("twice.corp.example.test").sid(&sid(31)), Ok(()), Ok(())),
        ("one name of several", with(&[dns("vpn.other.test"), dns("PC1"), dns(host)]), Ok(()), Ok(())),
        ("disjoint suffix", unsigned("pc20.branch.test").sid(&sid(20)), Ok(()), Ok(())),
        ("its name in the domain, too", of("pc20", 20), Ok(()), Ok(())),
        ("by service principal name", of("pc21", 21), Ok(()), Ok(())),
        ("by sAMAccountName", of("pc22", 22), Ok(()), Ok(())),
        ("by sAMAccountName, another domain's", unsigned("pc22.lab.example.test").sid(&sid(22)), gone, gone),
        ("more than fifteen characters", of("laptop-with-a-long-name", 23), Ok(()), Ok(())),
        ("cut to fifteen", of("laptop-with-a-l", 23), Ok(()), Ok(())),
        ("common name alone", unsigned("x").names(&[]).subject(Name::cn(host)).sid(&sid(1)), gone, gone),
        ("common name, no SID", unsigned("x").names(&[]).subject(Name::cn(host)), missing, gone),
        ("user principal name", without(&[GeneralName::Upn("PC1$@corp.example.test".into())]), missing, gone),
        ("one label", without(&[dns("pc1")]), missing, gone),
        ("wildcard", without(&[dns("*.corp.example.test")]), missing, gone),
        ("filter", without(&[dns("x)(|(objectClass=*")]), missing, gone),
        ("asterisk", without(&[dns("pc1*.corp.example.test")]), missing, gone),
        (
            "NUL",
            without(&[dns("pc1.corp.example.test\0.evil.test")]),
            Err(Reason::NameMalformed),
            Err(Reason::NameMalformed),
        ),
        ("look-alike", without(&[dns("p\u{441}1.corp.example.test")]), missing, gone),
        ("look-alike as A-label", unsigned("xn--p1-ymc.corp.example.test"), missing, gone),
    ] {
        let issued = estate.root.issue(leaf);
        check_issued(&format!("{case}, strong"), &strong, &issued, by_strong);
        check_issued(&format!("{case}, compatible"), &compatible, &issued, by_compatible);
        check_issued(&format!("{case}, names"), &names, &issued, by_compatible);
    }
}

/// Covers: docs/traps.md rows 49, 50, 51 (state and groups).
#[test]
fn an_account_must_be_live_and_in_the_right_group() {
    let control = |number, user_account_control| Account { user_account_control, ..pc(number) };
    let expires = |number, at| Account { expires: Some(at), ..pc(number) };
    let groups = |number, groups: &[u32]| Account { groups: groups.to_vec(), ..pc(number) };
    let (computer, disabled, expired) = (Reason::AccountNotComputer, Reason::AccountDisabled, Reason::AccountExpired);
    let rows = vec![
        ("live", pc(1), Ok(())),
        ("disabled", control(2, 0x1002), Err(disabled)),
        ("a domain controller", control(3, 0x2000), Err(computer)),
        ("a read-only domain controller", control(4, 0x0400_1000), Err(computer)),
        ("a user", control(5, 0x200), Err(computer)),
        ("both kinds of trust", control(6, 0x3000), Err(computer)),
        ("no kind", control(7, 0), Err(computer)),
        ("trusted for delegation", control(8, 0x0008_1000), Ok(())),
        ("a managed service account of no trust", control(9, 0x2), Err(computer)),
        ("expired", expires(10, NOW), Err(expired)),
        ("expires later", expires(11, NOW + 1), Ok(())),
        ("in no group", groups(12, &[]), Err(Reason::GroupMissing)),
        ("in the other group", groups(13, &[NESTED]), Ok(())),
        ("in the denied group alone", groups(14, &[BLOCKED]), Err(Reason::GroupDenied)),
        ("in a denied group, too", groups(15, &[CLIENTS, BLOCKED]), Err(Reason::GroupDenied)),
    ];
    let estate = Accounts::new(rows.iter().map(|(_, account, _)| account.clone()).collect());
    let policy = estate.policy(estate.spec());
    for (number, (case, _, expected)) in (1..).zip(&rows) {
        let issued = estate.root.issue(of(&format!("pc{number}"), number));
        check_issued(case, &policy, &issued, *expected);
    }
    let nobody = estate.policy(AccountSpec { allow_groups: Vec::new(), ..estate.spec() });
    check_issued("no group is allowed", &nobody, &estate.root.issue(of("pc1", 1)), Err(Reason::GroupMissing));
}

#[test]
fn the_issuer_must_be_in_nt_auth_or_the_mapping_explicit() {
    let partner = Authority::root("Partner Root", NOW);
    let client = |serial: u8| {
        CertificateSpec::client("machine.partner.test").subject("O=Partner,CN=machine").serial(&[0x5b, serial, 0x6c])
    };
    let issued: Vec<Issued> = (1..=6).map(|serial| partner.issue(client(serial))).collect();
    let with_sid = partner.issue(client(7).sid(&sid(7)));
    let wrong_sid = partner.issue(client(8).sid(&sid(1)));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let sha1 = |bytes: &[u8]| hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    let key_bytes = |issued: &Issued| {
        let (_, spki, _) = der::read(issued.key.spki_der()).unwrap();
        let (_, _, bits) = der::read(spki).unwrap();
        der::read(bits).unwrap().1[1..].to_vec()
    };
    let issuer = "CN=Partner Root";
    let mapped = |number: u32, mapping: String| Account {
        alt_security_identities: vec!["Kerberos:x".into(), mapping],
        ..pc(number)
    };
    let accounts = vec![
        mapped(1, format!("X509:<I>{issuer}<SR>6c015b")),
        mapped(2, format!("X509:<SHA1-PUKEY>{}", sha1(&issued[1].certificate_der))),
        mapped(3, format!("X509:<SHA1-PUKEY>{}", sha1(&key_bytes(&issued[2])).to_uppercase())),
        mapped(4, format!("x509:<i>{issuer}<s>O=Partner,CN=machine")),
        mapped(6, format!("X509:<I>{issuer}<SR>6c065b")),
        mapped(7, format!("X509:<I>{issuer}<SID>{}", sid(7))),
        mapped(8, format!("X509:<I>{issuer}<SR>6c085b")),
        mapped(10, "X509:<I>CN=Corp Root<S>CN=pc1".to_owned()),
        Account { alt_security_identities: vec![format!("X509:<I>{issuer}<SR>6c065b")], ..pc(9) },
    ];
    let mut estate = Accounts::new(accounts);
    estate.partner = partner;
    let strong = estate.mapping(AccountMapping::Strong);
    let compatible = estate.mapping(AccountMapping::Compatible);
    let names = estate.mapping(AccountMapping::Names);
    let out = Err(Reason::IssuerNotInNtauth);
    for (case, issued, by_strong, by_compatible, by_names) in [
        ("issuer and serial number", &issued[0], Ok(()), Ok(()), out),
        ("hash of the certificate", &issued[1], Ok(()), Ok(()), out),
        ("hash of the key", &issued[2], Ok(()), Ok(()), out),
        ("issuer and subject", &issued[3], out, Ok(()), out),
        ("on two accounts", &issued[5], Err(Reason::AccountAmbiguous), Err(Reason::AccountAmbiguous), out),
        ("issuer and SID", &with_sid, Ok(()), Ok(()), out),
        ("another account's SID", &wrong_sid, Err(Reason::SidMismatch), Err(Reason::SidMismatch), out),
    ] {
        check_issued(&format!("{case}, strong"), &strong, issued, by_strong);
        check_issued(&format!("{case}, compatible"), &compatible, issued, by_compatible);
        check_issued(&format!("{case}, names"), &names, issued, by_names);
    }
    let both = estate.root.issue(of("pc1", 1).subject("CN=pc1"));
    check_issued("a weak mapping to another, and a SID", &compatible, &both, Ok(()));
    let weak = estate.root.issue(CertificateSpec::client("x.test").subject("CN=pc1"));
    let decision = decide(&compatible, &chain(&weak.chain()));
    assert_eq!(decision.account.map(|account| account.name).as_deref(), Some("PC10"), "without a SID it counts");
    check_issued("a partner's own word", &strong, &estate.partner.issue(of("pc1", 1)), out);
    let listed = |authority: &Authority| AccountSpec {
        explicit_issuers: Some(vec![source("listed.pem", authority.certificate_der())]),
        ..estate.spec()
    };
    check_issued("listed for it", &estate.policy(listed(&estate.partner)), &issued[0], Ok(()));
    check_issued("not listed for it", &estate.policy(listed(&estate.root)), &issued[0], out);
    // A domain whose NTAuthCertificates are others: its accounts are not reached by this authority.
    let lab = Account {
        sid: Sid::from_text(&format!("{OTHER_DOMAIN}-50")).unwrap(),
        dns_host_name: Some("pc50.lab.example.test".into()),
        ..pc(50)
    };
    let estate = Accounts::new(vec![lab]);
    let issued = estate.root.issue(CertificateSpec::client("pc50.lab.example.test").sid(&format!("{OTHER_DOMAIN}-50")));
    check_issued("another domain's authority", &estate.policy(estate.spec()), &issued, out);
}

#[test]
fn data_that_are_too_old_admit_nobody() {
    let mut estate = Accounts::new(vec![pc(1)]);
    let client = estate.root.issue(of("pc1", 1));
    let stranger = estate.root.issue(of("pc99", 99));
    let day = 24 * 3600;
    for (case, as_of, override_until, expected) in [
        ("fresh", NOW, None, Ok(())),
        ("its last second", NOW - day, None, Ok(())),
        ("past it", NOW - day - 1, None, Err(Reason::DirectoryStale)),
        ("past it, overridden", NOW - day - 1, Some(NOW), Ok(())),
        ("past it, and past the override", NOW - day - 1, Some(NOW - 1), Err(Reason::DirectoryStale)),
        ("an override shortens nothing", NOW - 60, Some(NOW - 30), Ok(())),
        ("ahead of our clock", NOW + 600, None, Ok(())),
    ] {
        estate.data.domains[0].as_of = as_of;
        estate.data.domains[1].as_of = as_of;
        let policy = estate.policy(AccountSpec { override_until, ..estate.spec() });
        check_issued(case, &policy, &client, expected);
        let gone = if expected.is_ok() { Err(Reason::AccountNotFound) } else { expected };
        check_issued(&format!("{case}, unknown"), &policy, &stranger, gone);
        let decision = decide(&policy, &chain(&client.chain()));
        let Verdict::Permit(permit) = decision.verdict else { continue };
        let until = override_until.unwrap_or(i64::MIN).max(as_of + day);
        assert_eq!(permit.valid_until(), at(until), "{case}: no tunnel outlives what it rests on");
        assert_eq!(permit.identity_key(), sid(1), "{case}");
    }
    let none = estate.policy(AccountSpec { directory: None, ..estate.spec() });
    check_issued("no snapshot", &none, &client, Err(Reason::DirectoryUnavailable));
    // One domain's controller is away, the other's is not.
    estate.data.domains[0].as_of = NOW - day - 1;
    estate.data.domains[1].as_of = NOW;
    check_issued("its own domain", &estate.policy(estate.spec()), &client, Err(Reason::DirectoryStale));
}

#[test]
fn a_permit_expires_with_its_account_and_names_it() {
    let estate = Accounts::new(vec![Account { expires: Some(NOW + 5), ..pc(1) }, pc(2)]);
    let policy = estate.mapping(AccountMapping::Compatible);
    let decision = decide(&policy, &chain(&estate.root.issue(of("pc1", 1)).chain()));
    let Verdict::Permit(permit) = &decision.verdict else { panic!("{decision:#?}") };
    assert_eq!(permit.valid_until(), at(NOW + 4), "in the second of its expiry an account is denied");
    let account = decision.account.unwrap();
    assert_eq!(
        (account.name.as_str(), account.sid, account.domain.as_str(), account.mapping, account.is_weak),
        ("PC1", sid(1), "corp.example.test", "SID", false)
    );
    assert_eq!(account.guid, "00000001-0000-0000-0000-000000000000");
    assert_eq!((account.groups, account.as_of), (vec!["DirectAccess Clients".to_owned()], NOW - 60));
    let decision =
        decide(&policy, &chain(&estate.root.issue(CertificateSpec::client("pc2.corp.example.test")).chain()));
    let account = decision.account.unwrap();
    assert_eq!((account.mapping, account.is_weak), ("name", true));
    let report = decision.rules.last().unwrap();
    let told = format!(
        "PC2 of corp.example.test ({}) by name (weak); in DirectAccess Clients; known as of 2026-11-24T11:59:00Z (60 s ago)",
        sid(2)
    );
    assert_eq!(report.detail, told);
}
