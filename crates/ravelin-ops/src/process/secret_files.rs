//! Files that hold a secret: passwords, and who may read a private key.

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use super::files::{self, FileProblems};

/// The first line of a file.
pub fn read_password(file: &Path, key: &str, problems: &mut FileProblems) -> Option<Zeroizing<String>> {
    warn_of_readers(file, key, problems);
    let bytes = Zeroizing::new(files::read(file, key, problems)?);
    match std::str::from_utf8(&bytes) {
        Ok(text) => Some(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())),
        Err(_) => {
            problems.error(file, key, "the password is not UTF-8; save the file as UTF-8");
            None
        }
    }
}

/// A private key that everybody may read is worth a word.
pub fn warn_of_readers(path: &Path, key: &str, problems: &mut FileProblems) {
    use std::os::unix::fs::PermissionsExt;

    if let Ok(meta) = fs::metadata(path)
        && meta.permissions().mode() & 0o004 != 0
    {
        problems.warning(path, key, "holds a secret and every user of this machine may read it; cure: chmod o-r");
    }
}
