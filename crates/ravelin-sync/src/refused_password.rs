//! Remembers that a controller refused a password, so that nobody is locked out by trying again.
//!
//! In a file beside the snapshot, because `--once` from a timer, and a service that is restarted, would else begin anew each time.
//! It holds a name and a reason, and its time: when it is older than the password's file, the password is another one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ravelin_feeds::snapshot::write_atomically;

/// The memory of one domain.
pub(super) struct RefusedPassword {
    path: PathBuf,
    /// Where the file cannot be written: when, Unix seconds.
    at: Option<i64>,
}

impl RefusedPassword {
    /// Beside the snapshot.
    pub(super) fn beside(snapshot: &Path, domain: &str) -> RefusedPassword {
        let mut path = snapshot.as_os_str().to_owned();
        path.push(format!(".{domain}.refused"));
        RefusedPassword { path: path.into(), at: None }
    }

    /// Seconds until the next try; 0: now. A new password, or another name, is tried at once.
    pub(super) fn rest(&self, name: &str, password_file: Option<&Path>, now: i64) -> i64 {
        let told = fs::read_to_string(&self.path).unwrap_or_default();
        let of_another = told.lines().next().is_some_and(|first| first != name);
        let told_at = modified(&self.path).max(self.at.map(|at| (at, 0)));
        let Some(at) = told_at.filter(|_| !of_another) else { return 0 };
        if password_file.and_then(modified).is_some_and(|changed| changed > at) {
            return 0;
        }
        // A clock that was set back does not make it longer.
        at.0.saturating_add(BACKOFF_S).saturating_sub(now).clamp(0, BACKOFF_S)
    }

    /// It was refused.
    pub(super) fn note(&mut self, name: &str, why: &str, now: i64) {
        self.at = Some(now);
        let told = format!("{name}\n{}\n", ravelin_policy::escape(why));
        if let Err(error) = write_atomically(&self.path, told.as_bytes()) {
            tracing::warn!(file = %self.path.display(), %error, "that a password was refused cannot be written down");
        }
    }

    /// It was taken.
    pub(super) fn forget(&mut self) {
        self.at = None;
        // It may never have been there.
        let _ = fs::remove_file(&self.path);
    }
}

/// Seconds and nanoseconds: a password may be changed in the second in which it was refused.
fn modified(path: &Path) -> Option<(i64, i64)> {
    fs::metadata(path).ok().map(|meta| (meta.mtime(), meta.mtime_nsec()))
}

/// The window in which Active Directory counts bad passwords is half an hour by default, and five of them a usual limit: one
/// an hour never adds up.
const BACKOFF_S: i64 = 3_600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_password_is_not_tried_for_an_hour_or_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (snapshot, password) = (folder.path().join("s"), folder.path().join("p"));
        fs::write(&password, "x").unwrap();
        let mut refused = RefusedPassword::beside(&snapshot, "corp");
        let (now, _) = modified(&password).unwrap();
        assert_eq!(refused.rest("a", Some(&password), now), 0);
        refused.note("a", "data 52e\n", now);
        let rest = |seconds: i64| RefusedPassword::beside(&snapshot, "corp").rest("a", Some(&password), now + seconds);
        assert!((3_590..=3_600).contains(&rest(0)), "{}", rest(0));
        assert!((90..=110).contains(&rest(3_500)), "{}", rest(3_500));
        assert_eq!((rest(4_000), rest(-10_000)), (0, BACKOFF_S));
        assert_eq!(refused.rest("b", Some(&password), now), 0, "another name");
        let later = fs::metadata(&password).unwrap().modified().unwrap() + std::time::Duration::from_secs(10);
        fs::File::options().write(true).open(&password).unwrap().set_modified(later).unwrap();
        assert_eq!(rest(0), 0, "another password");
        refused.forget();
        assert_eq!(refused.rest("a", None, now), 0);
    }
}
