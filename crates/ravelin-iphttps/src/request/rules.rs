//! What a site's requests may ask for.

/// Paths and names of one site. An empty set admits nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestRules {
    paths: Vec<String>,
    path_len_max: usize,
    hosts: Vec<String>,
}

impl RequestRules {
    /// Paths begin with `/`; names are host names. Both are compared without regard to ASCII case, names also without
    /// their trailing dot. An empty name is dropped, so that an empty `Host` fits no site.
    pub fn new<Path, Name>(paths: impl IntoIterator<Item = Path>, hosts: impl IntoIterator<Item = Name>) -> RequestRules
    where
        Path: Into<String>,
        Name: AsRef<str>,
    {
        let paths: Vec<String> = paths.into_iter().map(Into::into).collect();
        let hosts = hosts.into_iter().map(|name| bare(name.as_ref()).to_ascii_lowercase());
        RequestRules {
            path_len_max: paths.iter().map(String::len).max().unwrap_or(0),
            paths,
            hosts: hosts.filter(|name| !name.is_empty()).collect(),
        }
    }

    /// The site's path that `sent` spells. Windows' own server compares without case, and Microsoft's samples write
    /// both `/IPHTTPS` and `/IPHTTPs`.
    pub(super) fn path(&self, sent: &[u8]) -> Option<&str> {
        self.paths.iter().map(String::as_str).find(|path| path.as_bytes().eq_ignore_ascii_case(sent))
    }

    pub(super) fn path_len_max(&self) -> usize {
        self.path_len_max
    }

    /// The site's name that `sent` spells.
    pub(super) fn host(&self, sent: &str) -> Option<&str> {
        let sent = bare(sent);
        self.hosts.iter().map(String::as_str).find(|name| name.eq_ignore_ascii_case(sent))
    }
}

/// A name without its trailing dot: one, since two make no name.
fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
