//! Whole files: what is written is read, and nothing else is.

use std::process::Command;

use proptest::prelude::*;
use ravelin_policy::directory::{Account, Domain, Group, Sid};

use ravelin_policy::directory::DirectoryData;

use super::*;

const DOMAIN: &str = "S-1-5-21-1004336348-1177238915-682003330";

fn sid(number: u32) -> Sid {
    Sid::from_text(&format!("{DOMAIN}-{number}")).unwrap()
}

fn account(number: u32) -> Account {
    Account {
        guid: u128::from(number).to_le_bytes(),
        sid: sid(number),
        sam_account_name: format!("PC{number}$"),
        dns_host_name: (!number.is_multiple_of(3)).then(|| format!("pc{number}.corp.example.test")),
        service_hosts: vec![format!("pc{number}"), format!("pc{number}.corp.example.test")],
        user_account_control: 0x1000,
        expires: number.is_multiple_of(2).then_some(1_900_000_000),
        alt_security_identities: vec![format!("X509:<SKI>0{number:07x}")],
        groups: if number.is_multiple_of(2) { vec![0, 1] } else { vec![1] },
    }
}

fn snapshot(accounts: u32) -> Snapshot {
    let domain = |dns: &str, sid: &str| Domain {
        dns_name: dns.to_owned(),
        netbios_name: dns[..3].to_uppercase(),
        sid: Sid::from_text(sid).unwrap(),
        nt_auth: vec![vec![0x30, 0x03, 1, 2, 3], vec![]],
        as_of: 1_795_521_540,
    };
    Snapshot {
        serial: 42,
        created: 1_795_521_600,
        complete: true,
        data: DirectoryData {
            domains: vec![domain("corp.example.test", DOMAIN), domain("lab.example.test", "S-1-5-21-1-2-3")],
            groups: vec![
                Group { sid: sid(9001), name: "DirectAccess Clients".to_owned() },
                Group { sid: sid(9000), name: "Süd, \"Nord\"\n".to_owned() },
            ],
            accounts: (1..=accounts).map(account).collect(),
        },
    }
}

#[test]
fn what_is_written_is_read() {
    for accounts in [0, 1, 2, 300] {
        let snapshot = snapshot(accounts);
        let file = snapshot.encode(None).unwrap();
        assert_eq!(Snapshot::read(&file, None).unwrap(), snapshot);
    }
    // In whatever order they were collected.
    let mut mixed = snapshot(9);
    mixed.data.accounts.reverse();
    assert_eq!(Snapshot::read(&mixed.encode(None).unwrap(), None).unwrap(), snapshot(9));
}

#[test]
fn a_person_can_read_the_head() {
    let file = snapshot(2).encode(None).unwrap();
    let text = String::from_utf8_lossy(&file);
    let head: Vec<&str> = text.lines().take(10).collect();
    assert_eq!(
        head[..7],
        [
            "ravelin directory snapshot 1",
            "created: 1795521600 2026-11-24T12:00:00Z",
            "serial: 42",
            "complete: yes",
            "domains: corp.example.test, lab.example.test",
            "groups: 2",
            "accounts: 2",
        ]
    );
    assert!(head[7].starts_with("body-octets: ") && head[8].starts_with("sha256: "), "{head:?}");
    assert_eq!(head[9], "signature: none");
}

#[test]
fn a_file_that_is_not_whole_is_refused() {
    let file = snapshot(3).encode(None).unwrap();
    for length in 0..file.len() {
        assert!(Snapshot::read(&file[..length], None).is_err(), "cut after {length} bytes");
    }
    for at in 0..file.len() {
        for flip in [0x01, 0x20, 0x80] {
            let mut changed = file.clone();
            changed[at] ^= flip;
            assert!(Snapshot::read(&changed, None).is_err(), "byte {at} ^ {flip:#x}");
        }
    }
    assert_eq!(
        Snapshot::read(&[&file[..], b"\n"].concat(), None),
        Err(SnapshotError::Damaged("something follows its body"))
    );
}

#[test]
fn what_no_writer_writes_is_refused() {
    let body_of = |data: &DirectoryData| body::write(data).unwrap();
    let with =
        |body: &[u8]| header::write(&snapshot(3), body, None).map(|header| [header, body.to_vec()].concat()).unwrap();
    let good = body_of(&snapshot(3).data);
    assert!(Snapshot::read(&with(&good), None).is_ok());
    // A body that contradicts its header, or itself, under a right digest.
    for length in 0..good.len() {
        assert!(Snapshot::read(&with(&good[..length]), None).is_err(), "a body of {length} bytes");
    }
    assert!(Snapshot::read(&with(&[&good[..], &[0]].concat()), None).is_err());
    assert!(Snapshot::read(&with(&body_of(&snapshot(4).data)), None).is_err());
    let changed = |change: fn(&mut DirectoryData)| {
        let mut data = snapshot(3).data;
        change(&mut data);
        data
    };
    for (case, data) in [
        ("a group that is not there", changed(|data| data.accounts[0].groups = vec![2])),
        ("groups out of order", changed(|data| data.accounts[0].groups = vec![1, 0])),
        ("a group twice", changed(|data| data.groups[1].sid = data.groups[0].sid)),
        ("a domain twice", changed(|data| data.domains[1] = data.domains[0].clone())),
    ] {
        assert!(matches!(Snapshot::read(&with(&body_of(&data)), None), Err(SnapshotError::Body(_))), "{case}");
    }
    for (case, data) in [
        ("an account twice", changed(|data| data.accounts[1].sid = data.accounts[0].sid)),
        ("an account of no domain", changed(|data| data.accounts[0].sid = Sid::from_text("S-1-5-21-9-9-9-1").unwrap())),
        ("a long name", changed(|data| data.accounts[0].sam_account_name = "x".repeat(70_000))),
    ] {
        assert!(matches!(body::write(&data), Err(SnapshotError::Body(_))), "{case}");
    }
    let text = String::from_utf8_lossy(&with(&[])).into_owned();
    for (case, from, to) in [
        ("another version", "snapshot 1\n", "snapshot 2\n"),
        ("no version", "snapshot 1\n", "snapshot\n"),
        ("a line missing", "serial: 42\n", ""),
        ("a line twice", "serial: 42\n", "serial: 42\nserial: 42\n"),
        ("a sign", "serial: 42\n", "serial: +42\n"),
        ("another word", "complete: yes\n", "complete: perhaps\n"),
        ("not base64", "signature: none\n", "signature: some!\n"),
        ("a line too many", "signature: none\n", "signature: none\nmore: 1\n"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{case}");
        let error = Snapshot::read(changed.as_bytes(), None).unwrap_err();
        assert!(matches!(error, SnapshotError::Header(_) | SnapshotError::Version(_)), "{case}: {error:?}");
    }
    assert_eq!(Snapshot::read(b"dn: CN=PC1", None), Err(SnapshotError::NotASnapshot));
}

/// Keys as OpenSSL makes them.
fn keys(folder: &std::path::Path, name: &str) -> Option<(SigningKey, PublicKey)> {
    let [private, public] = ["key", "pub"].map(|kind| folder.join(format!("{name}.{kind}")));
    let made =
        Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&private).status().ok()?;
    let told = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&private).arg("-out").arg(&public).status();
    assert!(made.success() && told.unwrap().success());
    let [private, public] = [private, public].map(|path| std::fs::read(path).unwrap());
    Some((SigningKey::from_pem(&private).unwrap(), PublicKey::from_pem(&public).unwrap()))
}

#[test]
fn a_demanded_signature_must_be_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let Some(((signing, public), (other, _))) = keys(folder.path(), "one").zip(keys(folder.path(), "two")) else {
        use std::io::Write as _;
        let _ =
            writeln!(std::io::stderr(), "skip a_demanded_signature_must_be_the_right_one: needs the command openssl");
        return;
    };
    let snapshot = snapshot(3);
    let signed = snapshot.encode(Some(&signing)).unwrap();
    assert_eq!(Snapshot::read(&signed, Some(&public)).unwrap(), snapshot);
    assert_eq!(Snapshot::read(&signed, None).unwrap(), snapshot);
    let read = |file: &[u8]| Snapshot::read(file, Some(&public)).unwrap_err();
    assert_eq!(read(&snapshot.encode(None).unwrap()), SnapshotError::Unsigned);
    assert_eq!(read(&snapshot.encode(Some(&other)).unwrap()), SnapshotError::BadSignature);
    for at in 0..signed.len() {
        let mut changed = signed.clone();
        changed[at] ^= 0x01;
        assert!(Snapshot::read(&changed, Some(&public)).is_err(), "byte {at}");
    }
    assert_eq!(format!("{signing:?}"), "SigningKey");
    assert!(SigningKey::from_pem(b"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n").is_err());
    assert!(PublicKey::from_pem(b"MAA=").is_err());
}

#[test]
fn only_what_may_follow_follows() {
    let in_use = snapshot(100);
    let summary = in_use.summary();
    assert_eq!(summary.accounts["corp.example.test"], 100);
    let next = |change: fn(&mut Snapshot)| {
        let mut next = snapshot(100);
        next.serial = 43;
        change(&mut next);
        check_successor(Some(&summary), &next, 20, 1_795_521_600)
    };
    let shrunk = |left| Err(SuccessorRefused::Shrunk { domain: "corp.example.test".to_owned(), accounts: (100, left) });
    assert_eq!(next(|_| {}), Ok(()));
    assert_eq!(next(|next| next.serial = 42), Ok(()), "the same one again");
    assert_eq!(next(|next| next.serial = 41), Err(SuccessorRefused::Older));
    assert_eq!(next(|next| next.created -= 1), Err(SuccessorRefused::Older));
    assert_eq!(next(|next| next.complete = false), Err(SuccessorRefused::Incomplete));
    assert_eq!(next(|next| next.created += 600), Ok(()), "clocks differ");
    assert_eq!(next(|next| next.created += 601), Err(SuccessorRefused::FromTheFuture));
    assert_eq!(next(|next| next.data.domains[1].as_of += 700), Err(SuccessorRefused::FromTheFuture));
    assert_eq!(
        next(|next| next.data.domains[1].as_of -= 7),
        Err(SuccessorRefused::OlderFacts { domain: in_use.data.domains[1].dns_name.clone(), older: 7 })
    );
    assert_eq!(next(|next| next.data.accounts.truncate(80)), Ok(()));
    assert_eq!(next(|next| next.data.accounts.truncate(79)), shrunk(79));
    assert_eq!(
        next(|next| {
            next.data.domains.remove(0);
        }),
        shrunk(0)
    );
    assert_eq!(
        next(|next| {
            next.data.domains.remove(1);
        }),
        Ok(()),
        "it had no accounts"
    );
    let mut first = snapshot(0);
    assert_eq!(check_successor(None, &first, 20, 1_795_521_600), Ok(()));
    first.complete = false;
    assert_eq!(check_successor(None, &first, 20, 1_795_521_600), Err(SuccessorRefused::Incomplete));
}

#[test]
fn a_file_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.snapshot");
    write_atomically(&path, b"one").unwrap();
    write_atomically(&path, b"two").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"two");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o640);
    assert!(write_atomically(&folder.path().join("no/such"), b"x").is_err());
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = body::read(&body);
        let _ = Snapshot::read(&[b"ravelin directory snapshot 1\n", &body[..]].concat(), None);
    }
}
