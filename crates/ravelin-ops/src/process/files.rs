//! Reads the files that a configuration names: bytes and where they came from.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use ravelin_policy::{Origin, Part, Source};
use rustls_pki_types::pem::{PemObject, SectionKind};

use ravelin_config::{Problem, Severity};

/// A trust file is certificates and CRLs, not media: what is larger is a mistake.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Collects what is wrong with the files.
#[derive(Debug, Default)]
pub struct FileProblems(Vec<Problem>);

impl FileProblems {
    /// Adds an error about `file`, found under the configuration key `key`.
    pub fn error(&mut self, file: &Path, key: &str, text: impl Into<String>) {
        self.push(Severity::Error, file, key, text);
    }

    /// Adds a warning.
    pub fn warning(&mut self, file: &Path, key: &str, text: impl Into<String>) {
        self.push(Severity::Warning, file, key, text);
    }

    /// How many errors are among them.
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// All of them, errors first.
    pub fn into_inner(mut self) -> Vec<Problem> {
        self.0.sort_by_key(|problem| problem.severity);
        self.0
    }

    fn push(&mut self, severity: Severity, file: &Path, key: &str, text: impl Into<String>) {
        let problem =
            Problem { severity, file: file.to_owned(), position: None, key: key.to_owned(), text: text.into() };
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }
}

/// Bytes of a file, or a problem.
pub fn read(path: &Path, key: &str, problems: &mut FileProblems) -> Option<Vec<u8>> {
    match fs::metadata(path) {
        Ok(meta) if meta.len() > FILE_BYTES_MAX => {
            problems.error(path, key, format!("is {} bytes; more than {FILE_BYTES_MAX} is not read", meta.len()));
            None
        }
        Ok(meta) if meta.is_dir() => {
            problems.error(path, key, "is a folder; name a file");
            None
        }
        // A pipe or a device would hang whoever reads it.
        Ok(meta) if !meta.is_file() => {
            problems.error(path, key, "is no regular file; put a copy there");
            None
        }
        Ok(_) => read_bounded(path).map_err(|error| problems.error(path, key, format!("cannot be read: {error}"))).ok(),
        Err(error) => {
            problems.error(path, key, format!("cannot be read: {error}"));
            None
        }
    }
}

/// A file may grow while it is read; the bound holds all the same.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Certificates of every file, PEM (one or several) or DER. A file without a certificate is an error.
pub fn certificates(paths: &[PathBuf], key: &str, problems: &mut FileProblems) -> Vec<Source> {
    paths.iter().flat_map(|path| certificates_of(path, key, problems)).collect()
}

/// Certificates of one file.
pub fn certificates_of(path: &Path, key: &str, problems: &mut FileProblems) -> Vec<Source> {
    let Some(bytes) = read(path, key, problems) else { return Vec::new() };
    if is_der(&bytes) {
        return vec![Source { origin: Origin::file(path), der: bytes }];
    }
    let sections = match pem_sections(&bytes) {
        Ok(sections) => sections,
        Err(error) => {
            problems.error(path, key, format!("is neither DER nor readable PEM: {error}"));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for (kind, der) in sections {
        if matches!(kind, SectionKind::Certificate) {
            found.push(der);
        } else if matches!(kind, SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey) {
            problems.error(path, key, "holds a private key where only certificates belong; remove the key");
        } else {
            problems.warning(path, key, format!("holds {kind:?}, which is ignored here"));
        }
    }
    if found.is_empty() {
        problems.error(path, key, "holds no certificate (want PEM 'BEGIN CERTIFICATE' or DER)");
    }
    let several = found.len() > 1;
    found
        .into_iter()
        .enumerate()
        .map(|(index, der)| {
            let part = several.then_some(Part::Certificate(index + 1));
            Source { origin: Origin::File { path: path.to_owned(), part }, der }
        })
        .collect()
}

/// CRLs of files and folders, PEM (one or several) or DER. In a folder, files that begin with a dot or
/// end in `~`, `.tmp` or `.part` are somebody's work in progress and are passed over.
pub fn crls(paths: &[PathBuf], key: &str, problems: &mut FileProblems) -> Vec<Source> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            match folder(path) {
                Ok(files) => {
                    if files.is_empty() {
                        problems.warning(path, key, "is an empty folder: there is no CRL in it");
                    }
                    for file in files {
                        crls_of(&file, key, problems, &mut found);
                    }
                }
                Err(error) => problems.error(path, key, format!("cannot be listed: {error}")),
            }
        } else {
            crls_of(path, key, problems, &mut found);
        }
    }
    found
}

/// Files of a folder that are meant to be read, in the order of their names.
pub fn folder(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let unfinished = name.starts_with('.') || [".tmp", ".part", "~"].iter().any(|end| name.ends_with(end));
        if !unfinished && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn crls_of(path: &Path, key: &str, problems: &mut FileProblems, found: &mut Vec<Source>) {
    let Some(bytes) = read(path, key, problems) else { return };
    if is_der(&bytes) {
        found.push(Source { origin: Origin::file(path), der: bytes });
        return;
    }
    let before = found.len();
    match pem_sections(&bytes) {
        Ok(sections) => {
            for (kind, der) in sections {
                if matches!(kind, SectionKind::Crl) {
                    let number = found.len() - before + 1;
                    found.push(Source { origin: Origin::part(path, Part::Crl(number)), der });
                } else {
                    problems.warning(path, key, format!("holds {kind:?}, which is ignored here"));
                }
            }
            if found.len() == before {
                problems.error(path, key, "holds no CRL (want PEM 'BEGIN X509 CRL' or DER)");
            } else if found.len() == before + 1
                && let Some(only) = found.last_mut()
            {
                only.origin = Origin::file(path);
            }
        }
        Err(error) => problems.error(path, key, format!("is neither DER nor readable PEM: {error}")),
    }
}

/// DER of a certificate or CRL is a SEQUENCE in long form; PEM is text.
fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, length, ..] if *length >= 0x80)
}

fn pem_sections(bytes: &[u8]) -> Result<Vec<(SectionKind, Vec<u8>)>, rustls_pki_types::pem::Error> {
    // A missing END line must not make the sections before it look complete: any error spoils the file.
    <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_pass_over_unfinished_files() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.crl", "a.crl", ".hidden.crl", "c.crl.tmp", "d.crl~", "e.part"] {
            fs::write(dir.path().join(name), b"x").unwrap();
        }
        let names: Vec<_> = folder(dir.path())
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["a.crl", "b.crl"]);
    }

    #[test]
    fn wrong_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        for (name, content, want) in [
            ("empty.pem", &b""[..], "holds no certificate"),
            ("garbage.pem", b"\x00\x01garbage", "holds no certificate"),
            ("cut.pem", b"-----BEGIN CERTIFICATE-----\nMIIB", "neither DER nor readable PEM"),
            ("key.pem", b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "private key"),
        ] {
            let path = dir.path().join(name);
            fs::write(&path, content).unwrap();
            let mut problems = FileProblems::default();
            certificates_of(&path, "k", &mut problems);
            let texts = problems.into_inner();
            assert!(texts.iter().any(|p| p.text.contains(want) && p.file == path), "{name}: {texts:?}");
        }
        let mut problems = FileProblems::default();
        certificates_of(&dir.path().join("missing.pem"), "k", &mut problems);
        // Would never end if it were read.
        certificates_of(Path::new("/dev/zero"), "k", &mut problems);
        assert_eq!(problems.errors(), 2);
    }
}
