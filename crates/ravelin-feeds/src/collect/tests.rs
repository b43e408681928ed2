//! Small directories, in LDIF.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ravelin_policy::directory::{Account, Directory};

use super::*;
use crate::ldif;
use crate::snapshot::Snapshot;

const DOMAIN: &str = "S-1-5-21-1004336348-1177238915-682003330";
const BASE: &str = "DC=corp,DC=example,DC=test";

fn sid(number: u32) -> Sid {
    Sid::from_text(&format!("{DOMAIN}-{number}")).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn base64_of(sid: &str) -> String {
    base64(&Sid::from_text(sid).unwrap().to_bytes())
}

fn domain() -> String {
    let sid = base64_of(DOMAIN);
    format!(
        "dn: {BASE}\nobjectClass: top\nobjectClass: domainDNS\nobjectSid:: {sid}\n\n\
         dn: CN=CORP,CN=Partitions,CN=Configuration,{BASE}\nobjectClass: crossRef\nnCName: {BASE}\nnETBIOSName: KORP\n\n\
         dn: CN=NTAuthCertificates,CN=Public Key Services,CN=Services,CN=Configuration,{BASE}\nobjectClass: certificationAuthority\n\
         cACertificate:: {}\ncACertificate:: {}\n\n",
        base64(b"one"),
        base64(b"two")
    )
}

fn group(number: u32, name: &str, kind: i64, more: &str) -> String {
    let sid = base64(&sid(number).to_bytes());
    format!(
        "dn: CN={name},OU=Groups,{BASE}\nobjectClass: group\nobjectSid:: {sid}\nsAMAccountName: {name}\ngroupType: {kind}\n{more}\n"
    )
}

fn member_of(name: &str) -> String {
    format!("memberOf: CN={name},ou=groups,{BASE}\n")
}

fn pc(number: u32, more: &str) -> String {
    let (guid, sid) = (base64(&u128::from(number).to_le_bytes()), base64(&sid(number).to_bytes()));
    format!(
        "dn: CN=PC{number},{BASE}\nobjectClass: computer\nobjectCategory: CN=Computer,CN=Schema,{BASE}\nobjectGUID:: {guid}\n\
         objectSid:: {sid}\nsAMAccountName: PC{number}$\nuserAccountControl: 4096\n{more}\n"
    )
}

fn read(text: &str) -> Result<DirectoryData, Vec<CollectProblem>> {
    let entries = ldif::read(text.as_bytes()).unwrap();
    collect(&entries, Collected { as_of: 7, netbios_names: &[] })
}

const SECURITY: i64 = -2_147_483_646;
const DISTRIBUTION: i64 = 2;

#[test]
fn domains_and_accounts() {
    let more = "dNSHostName: PC1.Corp.Example.Test\nservicePrincipalName: HOST/PC1\nservicePrincipalName: host/pc1.corp.example.test:8080\n\
                servicePrincipalName: HOST/pc1.branch.test/CORP\nservicePrincipalName: WSMAN/other.test\naccountExpires: 116444736010000000\n\
                altSecurityIdentities: Kerberos:x\naltSecurityIdentities: X509:<SKI>00\n";
    let data = read(&[domain(), pc(2, "accountExpires: 9223372036854775807\n"), pc(1, more)].concat()).unwrap();
    let domain = &data.domains[0];
    assert_eq!(
        (domain.dns_name.as_str(), domain.netbios_name.as_str(), domain.as_of),
        ("corp.example.test", "KORP", 7)
    );
    assert_eq!(domain.nt_auth, [b"one".to_vec(), b"two".to_vec()]);
    let expected = Account {
        guid: 1_u128.to_le_bytes(),
        sid: sid(1),
        sam_account_name: "PC1$".to_owned(),
        dns_host_name: Some("pc1.corp.example.test".to_owned()),
        service_hosts: ["pc1", "pc1.corp.example.test", "pc1.branch.test"].map(str::to_owned).into(),
        user_account_control: 0x1000,
        expires: Some(1),
        alt_security_identities: vec!["X509:<SKI>00".to_owned()],
        groups: vec![],
    };
    assert_eq!(data.accounts[0], expected);
    assert_eq!((data.accounts[1].sid, data.accounts[1].expires), (sid(2), None));
}

/// Whoever joined a machine may write into its entry: that costs the machine its access, and nobody else's.
#[test]
fn a_hostile_entry_spoils_itself_alone() {
    let long = |bytes: usize| "x".repeat(bytes);
    let names: String = (0..3_000).map(|at| format!("servicePrincipalName: HOST/{at}.corp.example.test\n")).collect();
    for (case, more) in [
        ("a long host name", format!("dNSHostName: {}.test\n", long(70_000))),
        ("a long service principal name", format!("servicePrincipalName: HOST/{}.test\n", long(70_000))),
        ("a long mapping", format!("altSecurityIdentities: X509:<SKI>{}\n", long(70_000))),
        ("many service principal names", names),
        ("before 1601", "accountExpires: -9000000000000000000\n".to_owned()),
        ("names that are none", "dNSHostName: \u{20ac}..\u{0} \nservicePrincipalName: HOST/...\n".to_owned()),
    ] {
        let data = read(&[domain(), pc(1, &more), pc(2, "dNSHostName: pc2.corp.example.test\n")].concat());
        let snapshot = Snapshot { serial: 1, created: 7, complete: true, data: data.expect(case) };
        let read = Snapshot::read(&snapshot.encode(None).expect(case), None).expect(case);
        let directory = Directory::build(read.data).expect(case);
        assert_eq!(directory.by_host("pc2.corp.example.test").len(), 1, "{case}");
        let own = directory.by_sid(&sid(1)).expect(case);
        assert!(own.hosts().all(|host| host.len() < 254 && directory.by_host(host).len() == 1), "{case}");
        assert_eq!(own.expires().is_some_and(|at| at < 0), case == "before 1601", "{case}");
        assert_eq!(own.hosts().count() == 3_000, case == "many service principal names", "{case}");
    }
    // An authority comes from the forest's own place alone.
    let elsewhere = domain().replace("CN=Services,CN=Configuration", "OU=Mine");
    assert!(read(&elsewhere).unwrap().domains[0].nt_auth.is_empty());
}

#[test]
fn groups_are_nested_as_in_a_token() {
    let member = |name: &str| format!("member: CN={name},{BASE}\n");
    let data = read(
        &[
            domain(),
            group(2000, "Clients", SECURITY, &member("PC4")),
            group(2001, "Europe", SECURITY, &member_of("Clients")),
            group(2002, "Berlin", SECURITY, &member_of("Europe")),
            group(2003, "Mail", DISTRIBUTION, &member_of("Clients")),
            group(2004, "Loop 1", SECURITY, &[member_of("Loop 2"), member_of("Clients")].concat()),
            group(2005, "Loop 2", SECURITY, &member_of("Loop 1")),
            group(2006, "Primary", SECURITY, &member_of("Clients")),
            group(2007, "Upwards", SECURITY, &format!("member: CN=Clients,OU=Groups,{BASE}\n")),
            pc(1, &member_of("Berlin")),
            pc(2, &member_of("Mail")),
            pc(3, &member_of("Loop 2")),
            pc(4, ""),
            pc(5, "primaryGroupID: 2006\n"),
            pc(6, "memberOf: CN=Elsewhere,DC=other\n"),
        ]
        .concat(),
    )
    .unwrap();
    let groups = |number: usize| -> Vec<&str> {
        data.accounts[number - 1].groups.iter().map(|place| data.groups[*place as usize].name.as_str()).collect()
    };
    assert_eq!(groups(1), ["Clients", "Europe", "Berlin", "Upwards"]);
    assert_eq!(groups(2), [""; 0], "a distribution group carries nothing");
    assert_eq!(groups(3), ["Clients", "Loop 1", "Loop 2", "Upwards"]);
    assert_eq!(groups(4), ["Clients", "Upwards"], "by the group's own word");
    assert_eq!(groups(5), ["Clients", "Primary", "Upwards"]);
    assert_eq!(groups(6), [""; 0]);
    assert!(data.groups.iter().all(|group| group.name != "Mail"));
}

#[test]
fn what_lacks_something_is_named() {
    let without = |line: &str| {
        pc(1, "").lines().filter(|one| !one.starts_with(line)).map(|one| format!("{one}\n")).collect::<String>()
    };
    for (case, text, words) in [
        ("no domain", pc(1, ""), "no domain"),
        ("no SID", [domain(), without("objectSid")].concat(), "objectSid"),
        ("no GUID", [domain(), without("objectGUID")].concat(), "objectGUID"),
        ("no name", [domain(), without("sAMAccountName")].concat(), "sAMAccountName"),
        ("no control", [domain(), without("userAccountControl")].concat(), "userAccountControl"),
        ("expiry", [domain(), pc(1, "accountExpires: never\n")].concat(), "accountExpires"),
        (
            "a group without type",
            [domain(), group(9, "G", SECURITY, "").replace("groupType", "x")].concat(),
            "groupType",
        ),
        ("two domains of one SID", [domain(), domain().replace("dn: DC=corp", "dn: DC=old")].concat(), "have one SID"),
        (
            "two domains of one name",
            [domain(), domain().replace(&base64_of(DOMAIN), &base64_of("S-1-5-21-1-2-3"))].concat(),
            "are called",
        ),
        ("a domain without SID", domain().replace("objectSid", "x"), "objectSid"),
    ] {
        let problems = read(&text).unwrap_err();
        assert!(problems.iter().any(|problem| problem.to_string().contains(words)), "{case}: {problems:?}");
    }
    // However many there are, each is reported once.
    let many = |count: u32| -> String {
        (0..count).map(|number| domain().replace("dn: DC=corp", &format!("dn: DC=old{number}"))).collect()
    };
    assert_eq!(read(&many(1_000)).unwrap_err().len(), 999);
    let problems = read(&many(1_001)).unwrap_err();
    assert!(problems.iter().any(|problem| problem.to_string().contains("1001 domains")), "{problems:?}");
    let large = domain().replace(&base64(b"one"), &base64(&vec![1; 40 << 20]));
    assert!(read(&large).is_ok());
    let twice = [
        large,
        domain().replace("dn: DC=corp", "dn: DC=old").replace(&base64_of(DOMAIN), &base64_of("S-1-5-21-1-2-3")),
    ];
    assert!(read(&twice.concat()).unwrap_err()[0].to_string().contains("bytes of NTAuthCertificates"));
    // The same domain in two exports is one.
    assert_eq!(read(&[domain(), domain()].concat()).unwrap().domains.len(), 1);
    // Not computers: contacts, users with a computer's name.
    let user = pc(3, "").replace("CN=Computer,", "CN=Person,");
    assert_eq!(read(&[domain(), user].concat()).unwrap().accounts, []);
}
