//! Appends whole lines to a file that others may move away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file opened when there is something to append.
pub(super) struct AuditFile {
    path: PathBuf,
    open: Option<File>,
    /// The last byte in the file is no line end.
    cut: bool,
}

impl AuditFile {
    pub(super) fn new(path: &Path) -> AuditFile {
        AuditFile { path: path.to_owned(), open: None, cut: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Closes the file when its path leads elsewhere, or nowhere.
    pub(super) fn close_if_moved(&mut self) {
        let Some(open) = &self.open else { return };
        let same = open.metadata().and_then(|ours| {
            let theirs = fs::metadata(&self.path)?;
            Ok((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()))
        });
        if !same.unwrap_or(false) {
            self.open = None;
        }
    }

    /// Appends `lines` and takes from it what was written, whole lines at a time where the disk allows. Opens the file
    /// even when there is nothing to append.
    ///
    /// # Errors
    /// The file cannot be opened or written; the rest stays in `lines`, from the beginning of a line.
    pub(super) fn append(&mut self, lines: &mut Vec<u8>, sync: bool) -> io::Result<()> {
        let file = match &mut self.open {
            Some(file) => file,
            closed => {
                let file = open(&self.path)?;
                // A file that may be written but not read cannot be looked at; an empty line is all that costs.
                self.cut = ends_in_mid_line(&self.path).unwrap_or(true);
                closed.insert(file)
            }
        };
        if self.cut && !lines.is_empty() {
            file.write_all(b"\n")?;
            self.cut = false;
        }
        let mut written = 0;
        let outcome = write_counted(file, lines, &mut written);
        let done = lines.get(..written).unwrap_or_default();
        if let Some(last) = done.last() {
            self.cut = *last != b'\n';
        }
        // A line that was cut is written again, whole.
        let whole = done.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        lines.drain(..whole);
        outcome?;
        if sync && file.metadata()?.is_file() {
            file.sync_data()?;
        }
        Ok(())
    }
}

/// Readable by the group, for whoever collects it; it holds names of machines and addresses of clients.
const MODE: u32 = 0o640;

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(MODE).open(path)
}

fn ends_in_mid_line(path: &Path) -> io::Result<bool> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(false);
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// `write_all` that tells how far it came.
fn write_counted(file: &mut impl Write, bytes: &[u8], written: &mut usize) -> io::Result<()> {
    while let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => *written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_stops_half_way_reports_how_far_it_came() {
        struct Small(usize);
        impl Write for Small {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let count = bytes.len().min(self.0).min(3);
                self.0 -= count;
                if count == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(count) }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut written = 0;
        let error = write_counted(&mut Small(7), b"0123456789", &mut written).unwrap_err();
        assert_eq!((error.kind(), written), (io::ErrorKind::StorageFull, 7));
    }

    #[test]
    fn a_line_that_was_cut_is_closed_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        fs::write(&path, "{\"cut\":").unwrap();
        let mut file = AuditFile::new(&path);
        file.append(&mut Vec::new(), false).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"cut\":", "nothing to append, nothing appended");
        file.append(&mut b"{}\n".to_vec(), true).unwrap();
        file.append(&mut b"{}\n".to_vec(), true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"cut\":\n{}\n{}\n");
    }
}
