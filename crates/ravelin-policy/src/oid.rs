//! Object identifiers as text.

/// DER contents of an OBJECT IDENTIFIER in dotted form. An arc beyond 64 bits is written as `?`: it equals no known one.
pub(crate) fn dotted(oid: &[u8]) -> String {
    let mut arcs: Vec<Option<u64>> = Vec::new();
    let mut arc: Option<u64> = Some(0);
    for &byte in oid {
        arc = arc.and_then(|arc| arc.checked_mul(128)).map(|arc| arc | u64::from(byte & 0x7f));
        if byte & 0x80 == 0 {
            arcs.push(arc);
            arc = Some(0);
        }
    }
    let mut text = match arcs.first() {
        Some(Some(first)) => format!("{}.{}", (first / 40).min(2), first - (first / 40).min(2) * 40),
        _ => "?".to_owned(),
    };
    for arc in arcs.iter().skip(1) {
        text.push('.');
        text.push_str(&arc.map_or_else(|| "?".to_owned(), |arc| arc.to_string()));
    }
    text
}

/// DER contents of a dotted OBJECT IDENTIFIER; `None` where the text is not one.
pub(crate) fn encode(dotted: &str) -> Option<Vec<u8>> {
    let arcs: Vec<u64> = dotted.split('.').map(arc).collect::<Option<_>>()?;
    let (&[first, second], rest) = arcs.split_first_chunk()?;
    if first > 2 || (first < 2 && second > 39) {
        return None;
    }
    let mut oid = Vec::with_capacity(dotted.len());
    push_arc(&mut oid, (first * 40).checked_add(second)?);
    rest.iter().for_each(|&arc| push_arc(&mut oid, arc));
    Some(oid)
}

/// Digits without sign and leading zeros.
fn arc(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

fn push_arc(oid: &mut Vec<u8>, arc: u64) {
    let septets = (u64::BITS - arc.leading_zeros()).div_ceil(7).max(1);
    for at in (0..septets).rev() {
        let septet = u8::try_from((arc >> (at * 7)) & 0x7f).unwrap_or(0x7f);
        oid.push(if at == 0 { septet } else { septet | 0x80 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        for (text, der) in [
            ("1.3.6.1.5.5.7.3.2", &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02][..]),
            ("2.5.29.37.0", &[0x55, 0x1d, 0x25, 0x00]),
            ("1.3.6.1.4.1.311.20.2.2", &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x02]),
            ("2.999.18446744073709551615", &[0x88, 0x37, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        ] {
            assert_eq!(encode(text).as_deref(), Some(der), "{text}");
            assert_eq!(dotted(der), text);
        }
    }

    #[test]
    fn not_an_identifier() {
        for text in [
            "",
            "1",
            "1.",
            ".1.2",
            "3.1",
            "1.40",
            "1.2.-3",
            "1.2.03",
            "1.2.+3",
            "client-auth",
            "1.2.99999999999999999999",
        ] {
            assert_eq!(encode(text), None, "{text}");
        }
    }

    #[test]
    fn an_arc_too_large_is_survived() {
        assert_eq!(dotted(&[0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), "1.2.?");
    }
}
