use proptest::prelude::*;

use super::*;

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3], &length[..], body].concat()
}

fn list(certificates: &[Vec<u8>]) -> Vec<u8> {
    let prefixed = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[1..], bytes].concat();
    let entries: Vec<u8> = certificates.iter().flat_map(|each| prefixed(each)).collect();
    prefixed(&entries)
}

/// The messages in records of these sizes, the last of which repeats.
fn in_records(messages: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut sizes = sizes.iter().copied().chain(std::iter::repeat(*sizes.last().unwrap()));
    let mut rest = messages;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (body, behind) = rest.split_at(sizes.next().unwrap().clamp(1, 16_384).min(rest.len()));
        records.extend(record(HANDSHAKE, body));
        rest = behind;
    }
    records
}

/// Pushes the bytes in pieces of these sizes; what came out of it, what passed before the list was permitted, and after.
fn push(
    peer: GatePeer,
    bytes: &[u8],
    pieces: &[usize],
) -> (Result<Option<PresentedList>, UnexpectedBytes>, Vec<u8>, Vec<u8>) {
    let mut gate = CertificateGate::new(peer);
    let mut sizes = pieces.iter().copied().chain(std::iter::repeat(*pieces.last().unwrap()));
    let mut rest = bytes;
    let mut presented = None;
    let mut before = Vec::new();
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(sizes.next().unwrap().max(1).min(rest.len()));
        rest = behind;
        match gate.push(piece) {
            Ok(None) => {}
            Ok(found) => {
                assert!(presented.is_none(), "handed out twice");
                presented = found;
            }
            Err(unexpected) => return (Err(unexpected), before, Vec::new()),
        }
        before.extend(gate.take_passed());
    }
    gate.open();
    (Ok(presented), before, gate.take_passed())
}

#[test]
fn a_chain_is_handed_out_before_the_engine_gets_a_byte_of_it() {
    let hello = in_records(&message(CLIENT_HELLO, &[7; 200]), &[90]);
    let certificates = vec![vec![0x30; 900], vec![0x31; 700]];
    let flight = [message(CERTIFICATE, &list(&certificates)), message(16, &[1; 66])].concat();
    let bytes = [hello.clone(), in_records(&flight, &[500]), record(20, &[1])].concat();
    let (presented, before, after) = push(GatePeer::Client, &bytes, &[1]);
    let expected = certificates.into_iter().map(CertificateDer::from).collect();
    assert_eq!(presented, Ok(Some(PresentedList::List(expected))));
    assert_eq!(before, hello);
    assert_eq!([before, after].concat(), bytes);
}

#[test]
fn a_server_may_have_hello_and_certificate_in_one_record() {
    let flight = [message(SERVER_HELLO, &[7; 70]), message(CERTIFICATE, &list(&[vec![0x30; 900]])), message(14, &[])];
    let bytes = in_records(&flight.concat(), &[16_384]);
    let (presented, before, after) = push(GatePeer::Server, &bytes, &[13]);
    assert!(matches!(presented, Ok(Some(PresentedList::List(list))) if list.len() == 1));
    assert_eq!((before, after), (Vec::new(), bytes));
}

#[test]
fn hostile_chains_are_limited_before_they_are_parsed() {
    // Covers: docs/rules.md rule 2; docs/traps.md row 55.
    let hello = in_records(&message(CLIENT_HELLO, &[7; 200]), &[200]);
    let after_hello = |bytes: Vec<u8>| push(GatePeer::Client, &[hello.clone(), bytes].concat(), &[977]).0;
    let certificate = |list: Vec<u8>| after_hello(in_records(&message(CERTIFICATE, &list), &[4_000]));
    assert_eq!(certificate(list(&[])), Ok(Some(PresentedList::List(Vec::new()))));
    assert!(
        matches!(certificate(list(&vec![vec![0x30]; 10])), Ok(Some(PresentedList::List(list))) if list.len() == 10)
    );
    assert_eq!(certificate(list(&vec![vec![0x30]; 11])), Ok(Some(PresentedList::TooMany(11))));
    assert_eq!(certificate(list(&vec![vec![0x30]; 5_000])), Ok(Some(PresentedList::TooMany(5_000))));
    // Refused by the length it announces: 16 MiB are not waited for.
    assert_eq!(
        after_hello(record(HANDSHAKE, &[CERTIFICATE, 0xff, 0xff, 0xff])),
        Ok(Some(PresentedList::TooLong(0x00ff_ffff)))
    );
}

#[test]
fn messages_that_no_client_sends_are_refused() {
    let hello = in_records(&message(CLIENT_HELLO, &[7; 200]), &[200]);
    let certificate = message(CERTIFICATE, &list(&[vec![0x30; 9]]));
    for (bytes, alert) in [
        (record(HANDSHAKE, &message(16, &[0; 66])), Alert::UNEXPECTED_MESSAGE),
        (record(HANDSHAKE, &[16]), Alert::UNEXPECTED_MESSAGE),
        (record(HANDSHAKE, &message(CLIENT_HELLO, &[0; 66])), Alert::UNEXPECTED_MESSAGE),
        (record(HANDSHAKE, &[]), Alert::UNEXPECTED_MESSAGE),
        (record(20, &[1]), Alert::UNEXPECTED_MESSAGE),
        (record(23, &[1]), Alert::UNEXPECTED_MESSAGE),
        (b"POST / HTTP/1.1".to_vec(), Alert::UNEXPECTED_MESSAGE),
        (record(HANDSHAKE, &message(CERTIFICATE, &[0, 0, 4, 0, 0, 0, 0])), Alert::DECODE_ERROR),
        (record(HANDSHAKE, &message(CERTIFICATE, &[0, 0, 3, 0, 0, 0])), Alert::DECODE_ERROR),
        (record(HANDSHAKE, &message(CERTIFICATE, &[0, 0, 4, 0, 0, 2, 1])), Alert::DECODE_ERROR),
        (record(HANDSHAKE, &message(CERTIFICATE, &[0, 0, 0, 0])), Alert::DECODE_ERROR),
        (record(HANDSHAKE, &message(CERTIFICATE, &[0, 0])), Alert::DECODE_ERROR),
    ] {
        let (refused, before, _) = push(GatePeer::Client, &[hello.clone(), bytes].concat(), &[1]);
        assert_eq!(refused.unwrap_err().alert, alert);
        assert_eq!(before, hello);
    }
    let at_once = [message(CLIENT_HELLO, &[7; 200]), certificate].concat();
    assert!(push(GatePeer::Client, &in_records(&at_once, &[9_999]), &[50]).0.is_err());
}

#[test]
fn an_alert_instead_of_a_certificate_goes_to_the_engine() {
    let hello = in_records(&message(CLIENT_HELLO, &[7; 200]), &[200]);
    let bytes = [hello, record(ALERT, &[2, 48])].concat();
    let (presented, before, _) = push(GatePeer::Client, &bytes, &[3]);
    assert_eq!((presented, before), (Ok(None), bytes));
}

proptest! {
    #[test]
    fn no_cut_makes_a_difference(
        certificates in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..400), 0..12),
        records in proptest::collection::vec(1usize..600, 1..8),
        pieces in proptest::collection::vec(1usize..900, 1..8),
    ) {
        let hello = in_records(&message(CLIENT_HELLO, &[7; 200]), &records);
        let flight = [message(CERTIFICATE, &list(&certificates)), message(16, &[1; 66])].concat();
        let bytes = [hello.clone(), in_records(&flight, &records), record(20, &[1])].concat();
        let (presented, before, after) = push(GatePeer::Client, &bytes, &pieces);
        let expected = if certificates.len() > CERTIFICATES_MAX {
            PresentedList::TooMany(certificates.len())
        } else {
            PresentedList::List(certificates.into_iter().map(CertificateDer::from).collect())
        };
        prop_assert_eq!(presented, Ok(Some(expected)));
        prop_assert_eq!(&before, &hello);
        prop_assert_eq!([before, after].concat(), bytes);
    }

    #[test]
    fn noise_passes_nothing_that_was_not_judged(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let hello = in_records(&message(CLIENT_HELLO, &[7; 50]), &[50]);
        let (presented, before, _) = push(GatePeer::Client, &[hello.clone(), bytes].concat(), &[7]);
        if let Ok(Some(PresentedList::List(_))) = presented {
            prop_assert!(before.starts_with(&hello));
        }
        prop_assert!(before.is_empty() || before.starts_with(&hello));
    }
}
