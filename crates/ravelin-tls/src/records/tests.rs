//! Records against the client of rustls, over memory; forged ones too.

mod forger;
mod in_place;

use std::io::{Read, Write};
use std::sync::Arc;

use proptest::prelude::*;
use ravelin_lab::clock;
use ravelin_lab::pki::{CertificateSpec, self_signed};
use rustls::client::UnbufferedClientConnection;
use rustls::crypto::CryptoProvider;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{CipherSuite, ClientConfig, ClientConnection, RootCertStore, ServerConfig};

use super::*;
use crate::connection::{ALERT, APPLICATION_DATA, RustlsConnection, append};
use forger::{FORGED, forging_provider, limited_provider};

const SUITES: &[CipherSuite] = &[
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
];
const TLS13: CipherSuite = CipherSuite::TLS13_AES_256_GCM_SHA384;
const TLS12: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;

/// A client of rustls and our records, past the handshake.
struct Pair {
    client: ClientConnection,
    records: Records,
    /// From the client, not opened yet.
    input: Vec<u8>,
}

impl Pair {
    fn new(suite: CipherSuite) -> Pair {
        Pair::with_server(suite, Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
    }

    fn with_server(suite: CipherSuite, server: Arc<CryptoProvider>) -> Pair {
        let (client, server, secrets) = configs(suite, server);
        let mut client = ClientConnection::new(client, "da.example.test".try_into().unwrap()).unwrap();
        let mut server = UnbufferedServerConnection::new(server).unwrap();
        let mut input = Vec::new();
        for _ in 0..20 {
            while client.wants_write() {
                client.write_tls(&mut input).unwrap();
            }
            let mut output = Vec::new();
            let done = advance(&mut server, &mut input, &mut output);
            receive(&mut client, &output);
            if done && !client.is_handshaking() {
                assert!(input.is_empty());
                return Pair { client, records: Records::server(server, &secrets.server).unwrap(), input };
            }
        }
        panic!("no end of the handshake");
    }

    /// The client sends these bytes.
    fn send(&mut self, plaintext: &[u8]) {
        let mut rest = plaintext;
        while !rest.is_empty() {
            rest = &rest[self.client.writer().write(rest).unwrap()..];
            self.flush();
        }
    }

    /// The client sends a message of any type, in one record.
    fn forge(&mut self, kind: u8, body: &[u8]) {
        self.send(&[FORGED, &[kind], body].concat());
    }

    fn flush(&mut self) {
        while self.client.wants_write() {
            self.client.write_tls(&mut self.input).unwrap();
        }
    }

    /// Opens everything that is there.
    fn open(&mut self) -> (Result<OpenedRecords, RecordsError>, Vec<u8>, Vec<u8>) {
        let (mut plaintext, mut reply) = (vec![0; 1 << 20], Vec::new());
        let opened = self.records.open(&mut self.input, &mut plaintext, &mut reply);
        let (consumed, produced) = opened.as_ref().map_or((0, 0), |opened| (opened.consumed, opened.produced));
        self.input.drain(..consumed);
        plaintext.truncate(produced);
        (opened, plaintext, reply)
    }

    /// Seals, and has the client read it.
    fn answer(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let mut output = vec![0; self.records.sealed_len_max(plaintext.len())];
        let sealed = self.records.seal(plaintext, &mut output).unwrap();
        assert_eq!(sealed.consumed, plaintext.len());
        receive(&mut self.client, &output[..sealed.produced])
    }

    /// Why the records are broken.
    fn broken(&mut self) -> (String, Vec<u8>) {
        let (opened, _, reply) = self.open();
        match opened {
            Err(RecordsError::Broken(why)) => (why, reply),
            other => panic!("{other:?}"),
        }
    }

    /// The client reads an alert from these bytes, and that is the end of it.
    fn alert_in(&mut self, reply: &[u8]) -> rustls::AlertDescription {
        let mut rest = reply;
        self.client.read_tls(&mut rest).unwrap();
        match self.client.process_new_packets() {
            Err(rustls::Error::AlertReceived(alert)) => alert,
            other => panic!("{other:?}"),
        }
    }
}

/// The secrets of both sides.
#[derive(Default)]
struct Secrets {
    client: Arc<TrafficSecrets>,
    server: Arc<TrafficSecrets>,
}

fn configs(suite: CipherSuite, server: Arc<CryptoProvider>) -> (Arc<ClientConfig>, Arc<ServerConfig>, Secrets) {
    let secrets = Secrets::default();
    let face = self_signed(CertificateSpec::server(&["da.example.test"]), clock::now());
    let mut roots = RootCertStore::empty();
    roots.add(face.certificates()[0].clone()).unwrap();
    let mut provider = forging_provider();
    provider.cipher_suites.retain(|each| each.suite() == suite);
    let mut client = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .or_else(|_| {
            let mut provider = forging_provider();
            provider.cipher_suites.retain(|each| each.suite() == suite);
            let version = provider.cipher_suites[0].version();
            ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[version])
        })
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut server = ServerConfig::builder_with_provider(server)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(face.certificates(), face.private_key())
        .unwrap();
    server.send_tls13_tickets = 0;
    (client.enable_secret_extraction, server.enable_secret_extraction) = (true, true);
    (client.key_log, server.key_log) = (secrets.client.clone(), secrets.server.clone());
    (Arc::new(client), Arc::new(server), secrets)
}

/// One side's turn; true once application data may flow.
#[expect(clippy::wildcard_enum_match_arm, reason = "any other state is a failed test")]
fn advance<C: RustlsConnection>(connection: &mut C, input: &mut Vec<u8>, output: &mut Vec<u8>) -> bool {
    loop {
        let UnbufferedStatus { discard, state } = connection.process(input);
        let done = match state.unwrap() {
            ConnectionState::EncodeTlsData(mut data) => {
                append(&mut data, output);
                None
            }
            ConnectionState::TransmitTlsData(data) => {
                data.done();
                None
            }
            ConnectionState::BlockedHandshake => Some(false),
            ConnectionState::WriteTraffic(_) => Some(true),
            other => panic!("{other:?}"),
        };
        input.drain(..discard);
        if let Some(done) = done {
            return done;
        }
    }
}

/// What the client makes of these bytes.
fn receive(client: &mut ClientConnection, mut bytes: &[u8]) -> Vec<u8> {
    let mut plaintext = Vec::new();
    while !bytes.is_empty() {
        client.read_tls(&mut bytes).unwrap();
        client.process_new_packets().unwrap();
        let mut buffer = [0; 20_000];
        while let Ok(length @ 1..) = client.reader().read(&mut buffer) {
            plaintext.extend_from_slice(&buffer[..length]);
        }
    }
    plaintext
}

#[test]
fn data_flows_both_ways_under_every_suite() {
    let data: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    for suite in SUITES {
        let mut pair = Pair::new(*suite);
        for length in [1, 100, 16_384, 16_385, data.len()] {
            pair.send(&data[..length]);
            assert_eq!(pair.open().1, data[..length], "{suite:?}");
            assert_eq!(pair.answer(&data[..length]), data[..length], "{suite:?}");
            let record = &data[..length.min(16_384)];
            assert_eq!(pair.answer_in_place(record).unwrap(), record, "{suite:?}, in place");
        }
        assert!(pair.input.is_empty());
    }
}

#[test]
fn our_client_and_our_server_understand_each_other() {
    let (client, server, secrets) = configs(TLS13, Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let mut client = UnbufferedClientConnection::new(client, "da.example.test".try_into().unwrap()).unwrap();
    let mut server = UnbufferedServerConnection::new(server).unwrap();
    let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
    let mut done = (false, false);
    for _ in 0..10 {
        done.0 = advance(&mut client, &mut to_client, &mut to_server);
        done.1 = advance(&mut server, &mut to_server, &mut to_client);
    }
    assert_eq!(done, (true, true));
    let mut client = Records::client(client, &secrets.client).unwrap();
    let mut server = Records::server(server, &secrets.server).unwrap();
    for _ in 0..3 {
        let mut sealed = vec![0; client.sealed_len_max(5)];
        let length = client.seal(b"hello", &mut sealed).unwrap().produced;
        let mut plaintext = [0; 64];
        let opened = server.open(&mut sealed[..length], &mut plaintext, &mut Vec::new()).unwrap();
        assert_eq!((opened.consumed, &plaintext[..opened.produced]), (length, &b"hello"[..]));
        std::mem::swap(&mut client, &mut server);
    }
}

#[test]
fn close_notify_is_reported_after_the_data_before_it_and_ends_one_direction() {
    for suite in [TLS12, TLS13] {
        let mut pair = Pair::new(suite);
        pair.send(b"last");
        pair.client.send_close_notify();
        pair.flush();
        pair.input.extend_from_slice(b"whatever follows");
        let (opened, plaintext, _) = pair.open();
        let opened = opened.unwrap();
        assert!(opened.ended && pair.input.is_empty(), "{suite:?}");
        assert_eq!(plaintext, b"last");
        assert_eq!(pair.answer(b"still here"), b"still here");
        let mut output = Vec::new();
        pair.records.seal_end(&mut output);
        let before = output.len();
        pair.records.seal_end(&mut output);
        assert_eq!(output.len(), before, "a second end is no second close_notify");
        let mut bytes = output.as_slice();
        pair.client.read_tls(&mut bytes).unwrap();
        assert!(pair.client.process_new_packets().unwrap().peer_has_closed());
        assert!(pair.records.open(&mut [1, 2, 3], &mut [0; 8], &mut Vec::new()).unwrap().ended);
        assert!(matches!(pair.records.seal(b"x", &mut [0; 200]), Err(RecordsError::Broken(_))));
    }
}

#[test]
fn opening_stops_where_the_room_ends() {
    let mut pair = Pair::new(TLS13);
    for _ in 0..4 {
        pair.send(&[7; 1000]);
    }
    let total = pair.input.len();
    let mut plaintext = [0; 2500];
    let opened = pair.records.open(&mut pair.input, &mut plaintext, &mut Vec::new()).unwrap();
    assert_eq!((opened.produced, opened.consumed, opened.ended), (2000, total / 2, false));
    pair.input.drain(..opened.consumed);
    assert_eq!(pair.open().1, [7; 2000]);
}

#[test]
fn sealing_fills_the_room_and_moves_on_in_little() {
    let mut pair = Pair::new(TLS13);
    let mut output = vec![0; 2 * (16_384 + 22) + 200];
    let sealed = pair.records.seal(&[7; 60_000], &mut output).unwrap();
    assert_eq!(sealed.consumed, 2 * 16_384, "whole records");
    assert_eq!(receive(&mut pair.client, &output[..sealed.produced]).len(), sealed.consumed);
    let sealed = pair.records.seal(&[7; 60_000], &mut output[..1000]).unwrap();
    assert!(sealed.consumed > 800, "a short record where none would fit");
    assert_eq!(receive(&mut pair.client, &output[..sealed.produced]).len(), sealed.consumed);
    assert_eq!(pair.records.seal(&[7; 10], &mut output[..20]).unwrap(), SealedRecords::default());
}

#[test]
fn key_updates_work_both_ways() {
    let mut pair = Pair::new(TLS13);
    for _ in 0..100 {
        pair.client.refresh_traffic_keys().unwrap();
        pair.send(b"under a new key");
        assert_eq!(pair.open().1, b"under a new key");
        // The client's request is answered in front of the next record.
        assert_eq!(pair.answer(b"so is this"), b"so is this");
    }
}

#[test]
fn key_updates_without_data_are_limited() {
    // Covers: docs/rules.md rule 10.
    let mut pair = Pair::new(TLS13);
    for _ in 0..32 {
        pair.client.refresh_traffic_keys().unwrap();
    }
    pair.flush();
    assert_eq!(pair.open().0.map(|opened| opened.produced), Ok(0));
    pair.client.refresh_traffic_keys().unwrap();
    pair.flush();
    assert!(pair.broken().0.contains("records in a row without data"));
}

#[test]
fn empty_records_in_a_row_are_limited() {
    // Covers: docs/rules.md rule 10.
    for suite in [TLS12, TLS13] {
        let mut pair = Pair::new(suite);
        for _ in 0..32 {
            pair.forge(APPLICATION_DATA, b"");
        }
        assert_eq!(pair.open().0.map(|opened| opened.produced), Ok(0), "{suite:?}");
        pair.forge(APPLICATION_DATA, b"");
        assert!(pair.broken().0.contains("records in a row without data"), "{suite:?}");
    }
}

#[test]
fn nothing_but_data_and_key_updates_is_accepted() {
    // Covers: docs/rules.md rule 10; docs/traps.md row 12.
    const CLIENT_HELLO: &[u8] = &[1, 0, 0, 43];
    let hello = [CLIENT_HELLO, &[3, 3], &[9; 32], &[0, 0, 2, 0xc0, 0x2c, 1, 0, 0, 0]].concat();
    for (case, suite, kind, body, why, alert) in [
        ("renegotiation", TLS12, 22, hello.as_slice(), "renegotiate", None),
        ("a ClientHello", TLS13, 22, &hello, "unexpected handshake message of type 1", Some(10)),
        ("half a message", TLS13, 22, &[24, 0, 0, 1], "in pieces", Some(10)),
        ("half a message", TLS12, 22, &CLIENT_HELLO[..3], "in pieces", Some(10)),
        ("no message", TLS13, 22, b"", "in pieces", Some(10)),
        ("a key update in TLS 1.2", TLS12, 22, &[24, 0, 0, 1, 0], "of type 24", Some(10)),
        ("a key update and more", TLS13, 22, &[24, 0, 0, 1, 0, 24, 0, 0, 1, 0], "behind a key update", Some(10)),
        ("a key update too short", TLS13, 22, &[24, 0, 0, 0], "of a length that none has", Some(50)),
        ("a key update that asks for more", TLS13, 22, &[24, 0, 0, 1, 2], "nobody knows", Some(47)),
        ("a ticket from a client", TLS13, 22, &[4, 0, 0, 1, 0], "of type 4", Some(10)),
        ("a finished", TLS13, 22, &[20, 0, 0, 1, 0], "of type 20", Some(10)),
        ("a fatal alert", TLS12, 21, &[2, 80], "alert 80", None),
        ("a fatal alert", TLS13, 21, &[2, 80], "alert 80", None),
        // RFC 8446 §6: in TLS 1.3 every alert but two is fatal, whatever its level is.
        ("a warning in TLS 1.3", TLS13, 21, &[1, 100], "alert 100", None),
        ("two alerts at once", TLS12, 21, &[1, 100, 1, 100], "of a length that none has", Some(50)),
        ("change_cipher_spec", TLS12, 20, &[1], "a record of type 20", Some(10)),
        ("another type", TLS13, 99, b"x", "a record of type 99", Some(10)),
    ] {
        let mut pair = Pair::new(suite);
        pair.send(b"before");
        pair.forge(kind, body);
        let (opened, _, reply) = pair.open();
        let Err(RecordsError::Broken(said)) = opened else { panic!("{case}: {opened:?}") };
        assert!(said.contains(why), "{case}: {said}");
        match alert {
            Some(alert) => assert_eq!(u8::from(pair.alert_in(&reply)), alert, "{case}"),
            // A peer that sent an alert gets nothing more; a renegotiation is refused by a warning.
            None => assert_eq!(reply.is_empty(), kind == ALERT, "{case}"),
        }
        // Nothing comes or goes any more.
        assert_eq!(pair.records.open(&mut [], &mut [], &mut Vec::new()), Err(RecordsError::Broken(said.clone())));
        assert_eq!(pair.records.seal(b"x", &mut [0; 200]), Err(RecordsError::Broken(said)));
        let mut output = Vec::new();
        pair.records.seal_end(&mut output);
        assert!(output.is_empty(), "{case}");
    }
}

#[test]
fn damaged_records_are_answered_by_an_alert() {
    for (case, at, alert) in [("type", 0, 10), ("version", 1, 50), ("length", 3, 22), ("body", 9, 20), ("tag", 30, 20)]
    {
        for suite in [TLS12, TLS13] {
            let mut pair = Pair::new(suite);
            pair.send(b"some plaintext, not too short");
            pair.input[at] ^= 0x80;
            let (why, reply) = pair.broken();
            assert!(!why.is_empty());
            assert_eq!(u8::from(pair.alert_in(&reply)), alert, "{case} {suite:?}: {why}");
        }
    }
}

#[test]
fn a_key_of_tls_12_has_a_limit_and_it_is_named() {
    // The limit is 2^24 - 1 records; here the server's suite allows 50.
    const LIMIT: u64 = 50;
    let mut pair = Pair::with_server(TLS12, Arc::new(limited_provider(LIMIT)));
    let mut output = vec![0; 64 * 1024];
    let mut records = 0;
    let error = loop {
        match pair.records.seal(b"packet", &mut output) {
            Ok(sealed) => {
                records += 1;
                assert_eq!(receive(&mut pair.client, &output[..sealed.produced]), b"packet");
            }
            Err(error) => break error,
        }
    };
    assert_eq!(error, RecordsError::KeyLimit);
    assert!((LIMIT - 2..=LIMIT).contains(&records), "{records}");
    assert_eq!(pair.records.seal(b"packet", &mut output), Err(RecordsError::KeyLimit));
    // The other direction is not over, and the end is a clean one, in whatever order they come.
    pair.send(b"still coming in");
    assert_eq!(pair.open().1, b"still coming in");
    pair.client.send_close_notify();
    pair.flush();
    assert!(pair.open().0.unwrap().ended);
    assert_eq!(pair.records.seal(b"packet", &mut output), Err(RecordsError::KeyLimit));
    let mut last = Vec::new();
    pair.records.seal_end(&mut last);
    let mut bytes = last.as_slice();
    pair.client.read_tls(&mut bytes).unwrap();
    assert!(pair.client.process_new_packets().unwrap().peer_has_closed());
}

#[test]
fn what_was_sealed_before_the_limit_goes_out_first() {
    let mut pair = Pair::with_server(TLS12, Arc::new(limited_provider(6)));
    let data = vec![7; 20 * 16_384];
    let mut output = vec![0; pair.records.sealed_len_max(data.len())];
    let sealed = pair.records.seal(&data, &mut output).unwrap();
    assert!(sealed.consumed > 0 && sealed.consumed < data.len());
    assert_eq!(receive(&mut pair.client, &output[..sealed.produced]).len(), sealed.consumed);
    assert_eq!(pair.records.seal(&data, &mut output), Err(RecordsError::KeyLimit));
}

#[test]
fn keys_of_tls_13_are_updated_before_their_limit() {
    let mut pair = Pair::with_server(TLS13, Arc::new(limited_provider(50)));
    for _ in 0..500 {
        assert_eq!(pair.answer(b"packet"), b"packet");
    }
}

#[test]
fn little_room_loses_no_key_update() {
    let mut pair = Pair::new(TLS13);
    pair.client.refresh_traffic_keys().unwrap();
    pair.send(b"x");
    assert_eq!(pair.open().1, b"x");
    // Now an update is due in front of the next record. Whoever seals looks at what was consumed, and drops the rest.
    let plaintext = [7; 1_000];
    for room in 0..200 {
        let mut output = vec![0; room];
        let sealed = pair.records.seal(&plaintext, &mut output).unwrap();
        assert_eq!(sealed.consumed == 0, sealed.produced == 0, "room for {room}: {sealed:?}");
        if sealed.consumed > 0 {
            assert_eq!(receive(&mut pair.client, &output[..sealed.produced]), plaintext[..sealed.consumed]);
            assert_eq!(pair.answer(&plaintext), plaintext);
            return;
        }
    }
    panic!("nothing was sealed");
}

#[test]
fn an_empty_alert_is_refused() {
    let mut pair = Pair::new(TLS13);
    pair.forge(ALERT, b"");
    let (_, reply) = pair.broken();
    assert_eq!(pair.alert_in(&reply), rustls::AlertDescription::UnexpectedMessage);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes_arrive_whole_and_in_order_however_they_are_cut(
        pieces in prop::collection::vec(1_usize..40_000, 1..6),
        cuts in prop::collection::vec(1_usize..30_000, 1..6),
        // Room for one record and its type at least, as a relay has.
        room in 16_385_usize..70_000,
        tls13 in any::<bool>(),
    ) {
        let mut pair = Pair::new(if tls13 { TLS13 } else { TLS12 });
        let data: Vec<u8> = (0..pieces.iter().sum::<usize>()).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut rest = data.as_slice();
        for piece in pieces {
            pair.send(&rest[..piece]);
            rest = &rest[piece..];
        }
        let stream = std::mem::take(&mut pair.input);
        let (mut got, mut held, mut stream) = (Vec::new(), Vec::new(), stream.as_slice());
        let mut plaintext = vec![0; room];
        let mut cuts = cuts.iter().cycle();
        while !stream.is_empty() || !held.is_empty() {
            let (arrived, later) = stream.split_at((*cuts.next().unwrap()).min(stream.len()));
            stream = later;
            held.extend_from_slice(arrived);
            let before = (held.len(), stream.len() + arrived.len());
            let opened = pair.records.open(&mut held, &mut plaintext, &mut Vec::new()).unwrap();
            got.extend_from_slice(&plaintext[..opened.produced]);
            held.drain(..opened.consumed);
            prop_assert!((held.len(), stream.len()) != before, "no progress");
        }
        prop_assert_eq!(got, data.clone());
        // And back, through rooms of any size.
        let (mut rest, mut back) = (data.as_slice(), Vec::new());
        let mut output = vec![0; room];
        while !rest.is_empty() {
            let sealed = pair.records.seal(rest, &mut output).unwrap();
            prop_assert!(sealed.consumed > 0);
            back.extend(receive(&mut pair.client, &output[..sealed.produced]));
            rest = &rest[sealed.consumed..];
        }
        prop_assert_eq!(back, data);
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..300), tls13 in any::<bool>()) {
        let mut pair = Pair::new(if tls13 { TLS13 } else { TLS12 });
        pair.input = noise.clone();
        let _ = pair.open();
        let mut pair = Pair::new(if tls13 { TLS13 } else { TLS12 });
        pair.input = [&[23, 3, 3, 0, u8::try_from(noise.len().min(255)).unwrap()], noise.as_slice()].concat();
        let _ = pair.open();
    }
}
