//! The directory snapshot of a policy: read, held against the one in use, and indexed.
//!
//! A snapshot that is refused takes nothing down: the one in use goes on with its own age, which ends what it admits. Only
//! where there is none in use, at a start, does it stop the start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ravelin_feeds::snapshot::{PublicKey, SNAPSHOT_BYTES_MAX, Snapshot, Summary, TOO_LARGE, check_successor};
use ravelin_policy::directory::Directory;

use ravelin_config::DirectoryConfig;
use ravelin_ops::process::clock;
use ravelin_ops::process::files::{self, FileProblems};
use ravelin_ops::process::watch;

/// A snapshot in use.
#[derive(Debug)]
pub struct LoadedDirectory {
    /// The accounts.
    pub directory: Arc<Directory>,
    /// What the next is held against.
    pub summary: Summary,
    /// Why the file that is there now is not in use; `None`: it is.
    pub refused: Option<String>,
    source: SnapshotSource,
    file: watch::SeenFiles,
}

/// What makes two policies use one snapshot: the file, who must have signed it, and how much may be gone.
#[derive(Clone, Debug, Eq, PartialEq)]
struct SnapshotSource {
    path: PathBuf,
    public_key: Option<PathBuf>,
    max_shrink: u8,
}

/// Every snapshot of a generation.
pub type LoadedDirectories = Vec<Arc<LoadedDirectory>>;

/// The snapshots of a generation in the making.
#[derive(Default)]
pub struct Directories<'a> {
    /// Those of the generation in force.
    pub in_use: &'a [Arc<LoadedDirectory>],
    /// Those that the policies so far have named.
    pub loaded: LoadedDirectories,
    /// Until then facts past `max_age` count (Unix seconds).
    pub override_until: Option<i64>,
}

impl Directories<'_> {
    /// The snapshot that a policy names: as another policy has read it, as it was in use if it did not change, or read anew.
    /// `None`: there is none, and `problems` says why.
    pub fn load(
        &mut self,
        config: &DirectoryConfig,
        key: &str,
        problems: &mut FileProblems,
    ) -> Option<Arc<LoadedDirectory>> {
        let source = SnapshotSource {
            path: config.snapshot.clone(),
            public_key: config.public_key.clone(),
            max_shrink: config.max_shrink,
        };
        if let Some(known) = self.loaded.iter().find(|known| known.source == source) {
            return Some(Arc::clone(known));
        }
        // Looked at before it is read: what changes meanwhile is seen as a change next time.
        let paths: Vec<PathBuf> =
            [Some(&source.path), source.public_key.as_ref()].into_iter().flatten().cloned().collect();
        let file = watch::SeenFiles::take(&paths);
        let previous = self.in_use.iter().find(|known| known.source == source);
        let found = match previous {
            Some(previous) if previous.file == file && previous.refused.is_none() => Arc::clone(previous),
            // What was refused is read again, though it did not change: the clock that it was held against may be right now.
            _ => Arc::new(read(source, file, key, previous, problems)?),
        };
        self.loaded.push(Arc::clone(&found));
        Some(found)
    }
}

fn read(
    source: SnapshotSource,
    file: watch::SeenFiles,
    key: &str,
    previous: Option<&Arc<LoadedDirectory>>,
    problems: &mut FileProblems,
) -> Option<LoadedDirectory> {
    let demanded = match &source.public_key {
        None => None,
        Some(path) => {
            let pem = files::read(path, &format!("{key}.public_key"), problems)?;
            match PublicKey::from_pem(&pem) {
                Ok(public_key) => Some(public_key),
                Err(problem) => {
                    problems.error(path, &format!("{key}.public_key"), problem.to_string());
                    return None;
                }
            }
        }
    };
    match index(&source, demanded.as_ref(), previous.map(|previous| &previous.summary)) {
        Ok((directory, summary)) => {
            Some(LoadedDirectory { directory: Arc::new(directory), summary, refused: None, source, file })
        }
        Err(why) => {
            let snapshot_key = format!("{key}.snapshot");
            let Some(previous) = previous else {
                problems.error(&source.path, &snapshot_key, why);
                return None;
            };
            let why = format!("{why}; the snapshot {} goes on", previous.summary.serial);
            problems.warning(&source.path, &snapshot_key, &why);
            Some(LoadedDirectory {
                directory: Arc::clone(&previous.directory),
                summary: previous.summary.clone(),
                refused: Some(why),
                source,
                file,
            })
        }
    }
}

fn index(
    source: &SnapshotSource,
    demanded: Option<&PublicKey>,
    in_use: Option<&Summary>,
) -> Result<(Directory, Summary), String> {
    let unix_now = clock::to_unix(clock::now());
    let bytes = read_whole(&source.path)?;
    let snapshot = Snapshot::read(&bytes, demanded).map_err(|error| error.to_string())?;
    drop(bytes);
    check_successor(in_use, &snapshot, source.max_shrink, unix_now).map_err(|refused| refused.to_string())?;
    let summary = snapshot.summary();
    let directory = Directory::build(snapshot.data).map_err(|why| format!("holds a contradiction: {why}"))?;
    Ok((directory, summary))
}

fn read_whole(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(SNAPSHOT_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}; `ravelin sync` or `ravelin directory import` writes one"))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > SNAPSHOT_BYTES_MAX) {
        return Err(TOO_LARGE.to_owned());
    }
    Ok(bytes)
}
