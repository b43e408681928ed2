//! TLS as bytes, where the shape on the wire is the matter.

use std::net::SocketAddr;

use ravelin_lab::client::{Client, Versions};
use ravelin_lab::end::End;
use ravelin_lab::hello;

/// A small ClientHello (TLS 1.2 only: no key shares) in one record.
pub fn small_hello(server_name: &str) -> Vec<u8> {
    // Nothing connects: it only makes bytes.
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    Client::new(nowhere, server_name).versions(Versions::Tls12).hello().unwrap()
}

/// A ClientHello made by hand: version of record and hello, suites, extensions (type and body).
pub fn hello_of(version: [u8; 2], suites: &[u16], extensions: &[(u16, &[u8])]) -> Vec<u8> {
    let bytes = |count: usize| u16::try_from(count).unwrap().to_be_bytes();
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let mut body = [version.as_slice(), &[7; 32], &[0], &bytes(suites.len()), &suites, &[1, 0]].concat();
    if !extensions.is_empty() {
        let extensions: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, value)| [kind.to_be_bytes().as_slice(), &bytes(value.len()), value].concat())
            .collect();
        body.extend([bytes(extensions.len()).as_slice(), &extensions].concat());
    }
    let [_, a, b, c] = u32::try_from(body.len()).unwrap().to_be_bytes();
    hello::record(22, version, &[&[1, a, b, c], body.as_slice()].concat())
}

/// Sends bytes to a gateway and gives the first so many that come back, or how it ended before.
pub async fn answer(address: SocketAddr, pieces: &[&[u8]], bytes: usize) -> Result<Vec<u8>, End> {
    let mut connection = Client::new(address, super::NAME).silent().await?;
    for piece in pieces {
        // The gateway may have refused already; what it said is still there.
        let _ = connection.send(piece).await;
    }
    connection.receive(bytes).await
}

/// Sends bytes and gives all that comes back until the gateway ends the connection.
pub async fn last_words(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut connection = Client::new(address, super::NAME).silent().await.unwrap();
    let _ = connection.send(bytes).await;
    let mut out = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count) = connection.stream.reader.read(&mut buffer).await {
        out.extend(&buffer[..count]);
    }
    out
}
