//! Any bytes for a directory snapshot: refused, or the same snapshot again when it is written anew, and one that can be indexed
//! is found by every name it has.

use ravelin_feeds::snapshot::Snapshot;
use ravelin_policy::directory::Directory;

/// Panics where a promise is broken.
pub(crate) fn run(data: &[u8]) {
    let Ok(snapshot) = Snapshot::read(data, None) else { return };
    let again = snapshot.encode(None).expect("what was read can be written");
    assert_eq!(Snapshot::read(&again, None).as_ref(), Ok(&snapshot));
    let sids: Vec<_> = snapshot.data.accounts.iter().map(|account| (account.sid, account.guid)).collect();
    let Ok(directory) = Directory::build(snapshot.data) else { return };
    assert_eq!(directory.len(), sids.len());
    for (sid, _) in sids {
        let account = directory.by_sid(&sid).expect("an account by its SID");
        assert_eq!(account.sid(), Some(sid));
        for host in account.hosts().filter(|host| host.contains('.')) {
            assert!(directory.by_host(host).iter().any(|found| found.is(&account)), "{host:?}");
        }
    }
}
