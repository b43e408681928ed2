//! Fetches one after the other, as a child hands them over.

use ravelin_policy::directory::Sid;

use super::*;

const DOMAIN: &str = "S-1-5-21-1-2-3";

/// A fetch in LDIF: how far it goes, the domain, and further entries.
pub(crate) fn fetch(domain: &str, usn: u64, invocation: u8, entries: &[Vec<u8>]) -> Vec<u8> {
    let mut text = Vec::new();
    let base = crate::settings::base_of(domain);
    let mut write = |dn: &str, attributes: &[(&str, &[u8])]| {
        ldif::write_entry(&mut text, dn, attributes.iter().copied()).unwrap();
    };
    write("", &[("highestCommittedUSN", usn.to_string().as_bytes())]);
    write("CN=NTDS Settings", &[("invocationId", &[invocation; 16])]);
    write(&base, &[("objectClass", b"domainDNS"), ("objectSid", &sid(domain, None).to_bytes())]);
    for entry in entries {
        text.extend_from_slice(entry);
    }
    text
}

/// Each domain has its own.
pub(crate) fn sid(domain: &str, number: Option<u32>) -> Sid {
    let own = Sid::from_text(&format!("{DOMAIN}-{}", domain.len())).unwrap();
    number.map_or(own, |number| own.join(number).unwrap())
}

/// A computer, with its userAccountControl or without.
pub(crate) fn computer(domain: &str, number: u32, control: Option<u32>) -> Vec<u8> {
    moved(domain, domain, number, control)
}

/// A computer that was made in one domain and is in another: its GUID stays.
pub(crate) fn moved(from: &str, domain: &str, number: u32, control: Option<u32>) -> Vec<u8> {
    let (guid, sid) = (guid(from, number), sid(domain, Some(number)).to_bytes());
    let (name, control) = (format!("PC{number}$"), control.map(|control| control.to_string()));
    let mut attributes: Vec<(&str, &[u8])> = vec![
        ("objectCategory", b"CN=Computer,CN=Schema"),
        ("objectGUID", &guid),
        ("objectSid", &sid),
        ("sAMAccountName", name.as_bytes()),
    ];
    attributes.extend(control.as_ref().map(|control| ("userAccountControl", control.as_bytes())));
    let mut text = Vec::new();
    ldif::write_entry(&mut text, &format!("CN=PC{number}"), attributes).unwrap();
    text
}

/// A group of these members, by their SIDs.
pub(crate) fn group(domain: &str, number: u32, members: &[Sid]) -> Vec<u8> {
    let (guid, sid) = (guid(domain, number), sid(domain, Some(number)).to_bytes());
    let hex = |sid: &Sid| sid.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let members: Vec<String> = members.iter().map(|member| format!("<SID={}>", hex(member))).collect();
    let name = format!("G{number}");
    let mut attributes: Vec<(&str, &[u8])> = vec![
        ("objectClass", b"group"),
        ("objectGUID", &guid),
        ("objectSid", &sid),
        ("sAMAccountName", name.as_bytes()),
        ("groupType", b"-2147483646"),
    ];
    attributes.extend(members.iter().map(|member| ("member", member.as_bytes())));
    let mut text = Vec::new();
    ldif::write_entry(&mut text, &format!("CN={name}"), attributes).unwrap();
    text
}

fn guid(domain: &str, number: u32) -> Vec<u8> {
    (((domain.len() as u128) << 64) | u128::from(number)).to_le_bytes().to_vec()
}

fn deleted(number: u32) -> Vec<u8> {
    let mut text = Vec::new();
    let guid = guid("corp.test", number);
    let attributes: [(&str, &[u8]); 2] = [("objectGUID", &guid), ("isDeleted", b"TRUE")];
    ldif::write_entry(&mut text, "CN=gone", attributes).unwrap();
    text
}

fn pc(number: u32, control: u32) -> Vec<u8> {
    computer("corp.test", number, Some(control))
}

/// What is known: number, userAccountControl, groups.
fn known(applied: &Applied) -> Vec<(u32, u32, usize)> {
    let one = |account: &ravelin_policy::directory::Account| {
        (account.sid.split().unwrap().1, account.user_account_control, account.groups.len())
    };
    applied.data.accounts.iter().map(one).collect()
}

#[test]
fn changes_are_added_and_a_whole_fetch_sweeps() {
    let mut state = DomainState::default();
    let mut apply = |text: Vec<u8>, since: Option<Mark>, as_of: i64| {
        state.apply("corp.test", &text, since.as_ref(), as_of).unwrap_or_else(|problem| panic!("{problem}"))
    };
    let mark = |usn, invocation: u8| Some(Mark { usn, invocation: vec![invocation; 16] });
    let member = sid("corp.test", Some(2));
    let first = [pc(1, 4096), pc(2, 4096), pc(3, 4096), group("corp.test", 9, &[member])];
    let applied = apply(fetch("corp.test", 10, 7, &first), None, 100);
    assert!(applied.whole && applied.changed);
    assert_eq!(known(&applied), [(1, 4096, 0), (2, 4096, 1), (3, 4096, 0)]);
    // Nothing.
    let applied = apply(fetch("corp.test", 11, 7, &[]), mark(10, 7), 101);
    assert!(!applied.whole && !applied.changed);
    assert_eq!(applied.data.domains[0].as_of, 101);
    // One changed, one came, one went; what went before is no news.
    let applied =
        apply(fetch("corp.test", 20, 7, &[pc(1, 4098), pc(4, 4096), deleted(3), deleted(8)]), mark(11, 7), 102);
    assert!(!applied.whole && applied.changed);
    assert_eq!(known(&applied), [(1, 4098, 0), (2, 4096, 1), (4, 4096, 0)]);
    // Another invocation, and numbers that went back, tell everything.
    let applied = apply(fetch("corp.test", 99, 8, &[pc(1, 4096)]), mark(20, 7), 103);
    assert!(applied.whole && applied.changed);
    assert_eq!(known(&applied), [(1, 4096, 0)]);
    let applied = apply(fetch("corp.test", 50, 8, &[pc(1, 4096)]), mark(99, 8), 104);
    assert!(applied.whole && !applied.changed);
}

#[test]
fn what_cannot_be_used_changes_nothing() {
    let mut state = DomainState::default();
    let good = fetch("corp.test", 10, 7, &[pc(1, 4096), pc(2, 4096)]);
    state.apply("corp.test", &good, None, 100).unwrap();
    let mark = state.mark().cloned();
    let before = |state: &DomainState| (state.objects.clone(), state.forest.clone(), state.mark.clone(), state.as_of);
    let then = before(&state);
    let hidden = computer("corp.test", 1, None);
    for (text, since, failure, words) in [
        (
            fetch("corp.test", 11, 7, &[pc(3, 4096), deleted(2), hidden.clone()]),
            &mark,
            FetchFailure::Unusable,
            "userAccountControl",
        ),
        (fetch("corp.test", 11, 7, &[hidden]), &None, FetchFailure::Unusable, "userAccountControl"),
        (fetch("other.test", 11, 7, &[]), &None, FetchFailure::Unusable, "is not corp.test"),
        (fetch("corp.test", 11, 7, &[pc(3, 4096), pc(3, 4096)]), &mark, FetchFailure::Unusable, "came twice"),
        (b"dn: CN=a\ncn: b\n".to_vec(), &None, FetchFailure::Malformed, "how far it goes"),
        (b"no LDIF".to_vec(), &None, FetchFailure::Malformed, "no colon"),
    ] {
        let problem = state.apply("corp.test", &text, since.as_ref(), 200).unwrap_err();
        assert!(problem.failure == failure && problem.text.contains(words), "{problem}");
        assert_eq!(before(&state), then, "{words}");
    }
}
