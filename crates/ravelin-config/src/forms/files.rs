//! Paths of files.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::basic::ListOf;
use super::form::{Form, read_text};
use crate::declare::Shape;
use crate::place::Place;
use crate::problems::shown;

/// A file or folder, relative to the folder of the configuration. Whether it is there is not asked here.
pub(crate) struct File;

/// A Unix socket.
pub(crate) struct Socket;

impl Shape for File {
    fn words(&self) -> String {
        "path".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

impl Form for File {
    type Value = PathBuf;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<PathBuf> {
        let text = read_text(self, place, value, |text| check(text).map(|()| text.to_owned()))?;
        Some(place.reader.path(&text))
    }
    /// Without the folder that reading puts before it.
    fn show(&self, value: &Self::Value, folder: &Path) -> Json {
        let rest = value.strip_prefix(folder).ok().filter(|rest| !rest.as_os_str().is_empty());
        Json::from(rest.unwrap_or(value).to_string_lossy())
    }
}

impl Shape for Socket {
    fn words(&self) -> String {
        "path of a socket".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

impl Form for Socket {
    type Value = PathBuf;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<PathBuf> {
        let path = File.read(place, value)?;
        let length = path.as_os_str().len();
        if length > SOCKET_PATH_MAX {
            place.error(format!(
                "the whole path of the socket has {length} bytes; the system takes at most {SOCKET_PATH_MAX}: choose a shorter folder"
            ));
            return None;
        }
        Some(path)
    }
    fn show(&self, value: &Self::Value, folder: &Path) -> Json {
        File.show(value, folder)
    }
}

/// What is never a path, said without repeating what may be a secret.
fn check(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("the path is empty".to_owned());
    }
    if text.contains("-----BEGIN") {
        return Err("wants the path of a file, not the text of a certificate or key".to_owned());
    }
    if text.contains(char::is_control) {
        return Err("a path has no control characters; in TOML, write a Windows path between single quotes".to_owned());
    }
    if let Some((scheme, _)) = text.split_once("://")
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    {
        return Err(format!(
            "{} is a URL, which is not supported yet: fetch the file on a schedule and name its path here",
            shown(text)
        ));
    }
    if text.starts_with('~') {
        return Err(format!("`~` is not expanded in {}: write the whole path", shown(text)));
    }
    Ok(())
}

/// `sun_path` of Linux has 108 bytes, the last one a NUL (unix(7)).
const SOCKET_PATH_MAX: usize = 107;

/// Every authority is compared with every certificate list; estates with more than a dozen are rare.
pub(crate) const FILES_MAX: usize = 256;

/// A list of files, at least one.
pub(crate) const FILES_NEEDED: ListOf<File> =
    ListOf { of: File, min: 1, max: FILES_MAX, twice_is_error: false, single: false };
