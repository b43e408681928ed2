//! Which texts are plain DNS names. Name rules, account claims and the directory's index agree on it.

/// What could be taken for a machine's DNS name: labels, a dot, no wildcard.
pub(crate) fn is_dns_name(name: &[u8]) -> bool {
    are_labels(name) && name.contains(&b'.')
}

/// Labels of 1 to 63 letters, digits, `-` and `_` (which Windows allows in machine names), 253 bytes in all.
pub(crate) fn are_labels(name: &[u8]) -> bool {
    let is_label = |label: &[u8]| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= NAME_BYTES_MAX && name.split(|&byte| byte == b'.').all(is_label)
}

/// RFC 1035 §2.3.4.
const LABEL_BYTES_MAX: usize = 63;

/// RFC 1035 §2.3.4: 255 bytes on the wire are 253 as text.
const NAME_BYTES_MAX: usize = 253;
