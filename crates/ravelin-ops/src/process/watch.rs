//! Notices that a file the configuration names has changed.
//!
//! By looking, once a second, at what each path leads to now: device, inode, size and both times. That sees a rename, a
//! symlink swapped, a write in place, the same modification time put back (the change time tells), and network or
//! container mounts on which inotify is silent (docs/traps.md row 24).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::process::files;

/// What some paths led to at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SeenFiles(Vec<(PathBuf, Option<FileFacts>)>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct FileFacts {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl SeenFiles {
    /// Looks at files, and at the files in folders.
    pub fn take(paths: &[PathBuf]) -> SeenFiles {
        let mut seen = Vec::new();
        for path in paths {
            seen.push((path.clone(), facts(path)));
            if path.is_dir() {
                for file in files::folder(path).unwrap_or_default() {
                    let facts = facts(&file);
                    seen.push((file, facts));
                }
            }
        }
        SeenFiles(seen)
    }
}

fn facts(path: &Path) -> Option<FileFacts> {
    let meta = fs::metadata(path).ok()?;
    let (modified, changed) = if meta.is_dir() {
        // A folder's own times change with files that are passed over; its files are looked at one by one.
        ((0, 0), (0, 0))
    } else {
        ((meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec()))
    };
    let size = if meta.is_dir() { 0 } else { meta.size() };
    Some(FileFacts { device: meta.dev(), inode: meta.ino(), size, modified, changed })
}

/// Says when a change has come to rest: files that are written one after the other make one reload, not a broken one.
#[derive(Debug)]
pub struct Watcher {
    settled: SeenFiles,
    last: SeenFiles,
    /// Looks in a row that found something else than the look before.
    restless: u32,
}

impl Watcher {
    /// Begins with what is there now.
    pub fn new(paths: &[PathBuf]) -> Watcher {
        let settled = SeenFiles::take(paths);
        Watcher { last: settled.clone(), settled, restless: 0 }
    }

    /// Whether the last look found what the one before had found.
    pub fn is_at_rest(&self) -> bool {
        self.restless == 0
    }

    /// Looks again. `true` once when something changed since the last `true` and nothing changed since the last look, or
    /// where no `RESTLESS_MAX` looks find rest: one file that is written for an hour must not hold up a revocation.
    pub fn look(&mut self, paths: &[PathBuf]) -> bool {
        let now = SeenFiles::take(paths);
        self.restless = if now == self.last { 0 } else { self.restless + 1 };
        self.last = now;
        let is_time = self.restless == 0 || self.restless >= RESTLESS_MAX;
        if is_time && self.last != self.settled {
            self.settled = self.last.clone();
            self.restless = 0;
            return true;
        }
        false
    }
}

/// At a look a second: longer than any copy of a trust file takes.
const RESTLESS_MAX: u32 = 10;

/// When a reload that was refused is tried again by itself. What refused it may be no file that changes: a disk that could not
/// be read for a moment, no free descriptor, an address in use.
#[derive(Debug, Default)]
pub struct Retry {
    /// When, and how long after the last attempt that is.
    next: Option<(Instant, Duration)>,
}

impl Retry {
    /// A reload was refused: it will be time, if no time is set yet.
    pub fn refused(&mut self, now: Instant) {
        self.next.get_or_insert((now + RETRY_FIRST, RETRY_FIRST));
    }

    /// Whether it is time.
    pub fn is_due(&self, now: Instant) -> bool {
        self.next.is_some_and(|(at, _)| at <= now)
    }

    /// Sets the next time, twice as far away as the last, before an attempt.
    pub fn begins(&mut self, now: Instant) {
        let wait = self.next.map_or(RETRY_FIRST, |(_, wait)| (wait * 2).min(RETRY_MAX));
        self.next = Some((now + wait, wait));
    }
}

/// Soon, for what mends itself within seconds (a file that is being replaced).
const RETRY_FIRST: Duration = Duration::from_secs(10);
/// Ten minutes at most between two tries, so that a mended disk is noticed without a hand.
const RETRY_MAX: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    type Change<'a> = Box<dyn Fn() + 'a>;

    #[test]
    fn every_way_to_replace_a_file_is_seen_once_it_rests() {
        // Covers: docs/traps.md row 24 (replaced CRL file not noticed).
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("one"), "1").unwrap();
        fs::write(path("two"), "2").unwrap();
        symlink("one", path("link")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        let paths = vec![path("one"), path("link"), path("folder"), path("absent")];
        let changes: Vec<(&str, Change<'_>)> = vec![
            ("write in place", Box::new(|| fs::write(path("one"), "1b").unwrap())),
            ("same size, same modification time", {
                Box::new(|| {
                    let before = fs::metadata(path("one")).unwrap().modified().unwrap();
                    fs::write(path("one"), "1c").unwrap();
                    fs::File::options().write(true).open(path("one")).unwrap().set_modified(before).unwrap();
                })
            }),
            (
                "rename over it",
                Box::new(|| {
                    fs::write(path("one.new"), "1c").unwrap();
                    fs::rename(path("one.new"), path("one")).unwrap();
                }),
            ),
            (
                "symlink swap",
                Box::new(|| {
                    symlink("two", path("link.new")).unwrap();
                    fs::rename(path("link.new"), path("link")).unwrap();
                }),
            ),
            ("a file more in a folder", Box::new(|| fs::write(path("folder/a.crl"), "a").unwrap())),
            ("a file less in a folder", Box::new(|| fs::remove_file(path("folder/a.crl")).unwrap())),
            ("an absent file comes", Box::new(|| fs::write(path("absent"), "x").unwrap())),
        ];
        let mut watcher = Watcher::new(&paths);
        assert!(!watcher.look(&paths));
        for (what, change) in changes {
            change();
            assert!(!watcher.look(&paths), "{what}: not at rest yet");
            assert!(watcher.look(&paths), "{what}: not seen");
            assert!(!watcher.look(&paths), "{what}: seen twice");
        }
        fs::write(path("folder/.hidden"), "x").unwrap();
        fs::write(path("folder/b.tmp"), "x").unwrap();
        assert!(!watcher.look(&paths) && !watcher.look(&paths), "unfinished files are passed over");
    }

    #[test]
    fn a_file_that_never_rests_holds_up_nothing_for_long() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("long"), dir.path().join("short")];
        let mut watcher = Watcher::new(&paths);
        fs::write(&paths[1], "done").unwrap();
        let mut seen = Vec::new();
        for look in 1..=25 {
            fs::write(&paths[0], "x".repeat(look)).unwrap();
            if watcher.look(&paths) {
                seen.push(look);
            }
        }
        assert_eq!(seen, [10, 20]);
        let at_rest: Vec<bool> = (0..3).map(|_| watcher.look(&paths)).collect();
        assert_eq!(at_rest, [true, false, false]);
    }

    #[test]
    fn a_refused_reload_is_tried_again_ever_less_often() {
        let start = Instant::now();
        let mut retry = Retry::default();
        assert!(!retry.is_due(start + RETRY_MAX), "nothing was refused");
        let mut now = start;
        for (attempt, seconds) in [10, 20, 40, 80, 160, 320, 600, 600].into_iter().enumerate() {
            if attempt > 0 {
                retry.begins(now);
            }
            retry.refused(now);
            let wait = Duration::from_secs(seconds);
            assert!(!retry.is_due(now + wait - Duration::from_millis(1)), "{seconds}");
            now += wait;
            assert!(retry.is_due(now), "{seconds}");
        }
    }
}
