//! ClientHello as bytes: split over records, with server names that no library would send.

/// Splits every record of a flight into records of at most `bytes` of payload.
pub fn split_records(flight: &[u8], bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = flight;
    while let Some((header, after)) = rest.split_first_chunk::<5>() {
        let [kind, major, minor, high, low] = *header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (payload, after) = after.split_at(length.min(after.len()));
        for piece in payload.chunks(bytes.max(1)) {
            out.extend(record(kind, [major, minor], piece));
        }
        rest = after;
    }
    out
}

/// One TLS record.
pub fn record(kind: u8, version: [u8; 2], payload: &[u8]) -> Vec<u8> {
    [&[kind], version.as_slice(), &length_of::<2>(payload), payload].concat()
}

/// The same hello (one record) with its server_name extension replaced: name type and bytes of each entry. No entry:
/// the extension is left out. `None` if the bytes are no hello.
pub fn with_server_names(hello: &[u8], names: &[(u8, &[u8])]) -> Option<Vec<u8>> {
    let (header, payload) = hello.split_first_chunk::<5>()?;
    let (message_header, body) = payload.split_first_chunk::<4>()?;
    // legacy_version and random; then session id, suites and compression methods, each with its length.
    let (fixed, rest) = body.split_at_checked(34)?;
    let (_, rest) = split_vector::<1>(rest)?;
    let (_, rest) = split_vector::<2>(rest)?;
    let (_, rest) = split_vector::<1>(rest)?;
    let middle = body.get(fixed.len()..body.len() - rest.len())?;
    let (extensions, _) = split_vector::<2>(rest)?;
    let mut kept = Vec::new();
    if !names.is_empty() {
        let entries: Vec<u8> =
            names.iter().flat_map(|(kind, name)| [&[*kind], length_of::<2>(name).as_slice(), name].concat()).collect();
        let list = [length_of::<2>(&entries).as_slice(), &entries].concat();
        kept.extend([[0, 0].as_slice(), &length_of::<2>(&list), &list].concat());
    }
    let mut rest = extensions;
    while let Some((kind, after)) = rest.split_first_chunk::<2>() {
        let (value, after) = split_vector::<2>(after)?;
        if *kind != [0, 0] {
            kept.extend([kind.as_slice(), &length_of::<2>(value), value].concat());
        }
        rest = after;
    }
    let body = [fixed, middle, &length_of::<2>(&kept), &kept].concat();
    let message = [&message_header[..1], &length_of::<3>(&body), &body].concat();
    Some(record(header[0], [header[1], header[2]], &message))
}

/// Contents of a vector with a length of so many bytes, and what follows it.
fn split_vector<const BYTES: usize>(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = input.split_first_chunk::<BYTES>()?;
    rest.split_at_checked(length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

/// A length in so many bytes, cut if it does not fit.
fn length_of<const BYTES: usize>(contents: &[u8]) -> [u8; BYTES] {
    let bytes = contents.len().to_be_bytes();
    bytes.last_chunk::<BYTES>().copied().unwrap_or([0; BYTES])
}
