//! Writing a file so that whoever reads it sees the old one or the new one, and never a part.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes beside the file, to the disk, and renames. Readable by owner and group.
///
/// # Errors
/// The folder cannot be written, or the disk is full; the file is as it was.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    // One writer a file: what a writer that died left is overwritten.
    let beside = folder.join(format!(".{}.tmp", name.to_string_lossy()));
    let written = write_whole(&beside, content).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&beside);
        return written;
    }
    File::open(folder)?.sync_all()
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Readable by owner and group: the gateway runs as another user of the same group.
const MODE: u32 = 0o640;

/// The largest file that is read or written: five million accounts need less, and a reader holds it in memory once.
pub const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;
/// What is said of a larger one.
pub const TOO_LARGE: &str = "is larger than 1 GiB, more than five million accounts need";
