//! The beginning of a distinguished name.

/// Whether a distinguished name begins with these RDNs.
pub(super) fn begins_so(dn: &str, rdns: &str) -> bool {
    let parts = dn.split_at_checked(rdns.len());
    parts.is_some_and(|(first, rest)| first.eq_ignore_ascii_case(rdns) && rest.starts_with(','))
}
