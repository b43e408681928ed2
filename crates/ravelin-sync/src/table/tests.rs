//! Domains that are fetched, and domains that are known from the file alone.

use ravelin_policy::directory::Directory;

use super::*;
use crate::state::tests::{computer, fetch, group, moved, sid};

const CORP: &str = "corp.test";
const BRANCH: &str = "branch.corp.test";

fn open(path: &std::path::Path) -> DomainTable {
    let (publisher, before) = Publisher::open(path.to_owned(), None, 60).unwrap();
    DomainTable::new(vec![CORP.to_owned(), BRANCH.to_owned()], publisher, before, 300)
}

fn read(path: &std::path::Path) -> DirectoryData {
    let data = Snapshot::read(&std::fs::read(path).unwrap(), None).unwrap().data;
    assert!(Directory::build(data.clone()).is_ok());
    data
}

/// Accounts by domain's name and number, with the names of their groups.
fn facts(data: &DirectoryData) -> Vec<(String, Vec<String>)> {
    let group = |place: &u32| data.groups[usize::try_from(*place).unwrap()].name.clone();
    let mut facts: Vec<_> = data
        .accounts
        .iter()
        .map(|account| (account.sid.to_string(), account.groups.iter().map(group).collect::<Vec<_>>()))
        .collect();
    facts.sort();
    facts
}

#[test]
fn a_domain_that_is_away_is_carried_over_and_groups_count_across() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.snapshot");
    let corp = |members: &[Sid]| {
        fetch(CORP, 1, 7, &[computer(CORP, 1, Some(4096)), group(CORP, 9, members), group(CORP, 8, &[])])
    };
    let branch = fetch(
        BRANCH,
        1,
        7,
        &[computer(BRANCH, 1, Some(4096)), computer(BRANCH, 2, Some(4096)), group(BRANCH, 9, &[sid(BRANCH, Some(2))])],
    );
    let mut table = open(&path);
    let members = [sid(CORP, Some(1)), sid(BRANCH, Some(1))];
    table.apply(0, &corp(&members), None, 1_000).unwrap();
    assert_eq!(table.publish(None, 1_000).unwrap(), Published::Waiting(BRANCH.to_owned()));
    assert!(!path.exists());
    table.apply(1, &branch, None, 1_001).unwrap();
    assert_eq!(table.publish(None, 1_001).unwrap(), Published::Written(1));
    let first = read(&path);
    let expected = |corp: &[&str]| {
        let mut expected = vec![
            (sid(CORP, Some(1)).to_string(), corp.iter().map(|name| (*name).to_owned()).collect()),
            // A group of the other domain's.
            (sid(BRANCH, Some(1)).to_string(), vec!["G9".to_owned()]),
            (sid(BRANCH, Some(2)).to_string(), vec!["G9".to_owned()]),
        ];
        expected.sort();
        expected
    };
    assert_eq!(facts(&first), expected(&["G9"]));
    assert_eq!(table.publish(None, 1_002).unwrap(), Published::NotDue);
    assert_eq!(table.publish(None, 1_301).unwrap(), Published::Written(2), "to say that somebody looked");

    // Started anew; the branch is away.
    let mut table = open(&path);
    assert_eq!((table.as_of(0), table.as_of(1), table.mark(0)), (Some(1_000), Some(1_001), None));
    table.apply(0, &corp(&members[1..]), None, 2_000).unwrap();
    assert_eq!(table.publish(None, 2_000).unwrap(), Published::Written(3));
    let later = read(&path);
    assert_eq!(facts(&later), expected(&[]));
    let as_of = |name: &str| later.domains.iter().find(|domain| domain.dns_name == name).unwrap().as_of;
    assert_eq!((as_of(CORP), as_of(BRANCH)), (2_000, 1_001));
    assert_eq!(later.groups.len(), 3, "a group without members, too");
}

#[test]
fn a_machine_that_was_moved_has_both_domains_fetched_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.snapshot");
    let mut table = open(&path);
    let pc = |domain: &str, number| computer(domain, number, Some(4096));
    table.apply(0, &fetch(CORP, 1, 7, &[pc(CORP, 1), pc(CORP, 2)]), None, 1_000).unwrap();
    table.apply(1, &fetch(BRANCH, 1, 7, &[pc(BRANCH, 1)]), None, 1_000).unwrap();
    table.publish(None, 1_000).unwrap();
    // It is seen where it came, and not that it went.
    let mark = table.mark(1);
    assert!(mark.is_some());
    let came = fetch(BRANCH, 2, 7, &[moved(CORP, BRANCH, 2, Some(4096))]);
    table.apply(1, &came, mark.as_ref(), 1_030).unwrap();
    let problem = table.publish(None, 1_030).unwrap_err().to_string();
    assert!(problem.contains("objectGUID"), "{problem}");
    assert_eq!((table.mark(0), table.mark(1)), (None, None));
    let both = [pc(BRANCH, 1), moved(CORP, BRANCH, 2, Some(4096))];
    table.apply(1, &fetch(BRANCH, 2, 7, &both), None, 1_031).unwrap();
    assert!(table.publish(None, 1_031).is_err() && table.mark(1).is_some(), "once is enough");
    table.apply(0, &fetch(CORP, 2, 7, &[pc(CORP, 1)]), None, 1_032).unwrap();
    assert_eq!(table.publish(None, 1_032).unwrap(), Published::Written(2));
    assert_eq!(read(&path).accounts.len(), 3);
}
