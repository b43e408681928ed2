//! The gateway as a client of an old server.
//!
//! The server's certificate chain is read from its plaintext handshake and verified by webpki, against the configured
//! authorities and name, before OpenSSL has a byte of it. OpenSSL verifies no certificate itself.

use std::io;

use openssl::ssl::{Ssl, SslContext};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{AlertDescription, Error};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::alert::Alert;
use crate::connection::{HandshakeInput, HandshakeInputError};
use crate::engine::gate::{CertificateGate, GatePeer, PresentedList};
use crate::escape::describe;
use crate::openssl_library::OpenSslError;
use crate::records::Records;
use crate::records::openssl::{OpenSslConnection, OpenSslStep};
use crate::stream::{TlsParts, TlsStream};
use crate::wire;

/// Runs one handshake as a client.
///
/// # Errors
/// See `connect`.
pub(crate) async fn connect(
    mut tcp: TcpStream,
    context: &SslContext,
    name: &ServerName<'static>,
    verifier: &dyn ServerCertVerifier,
) -> io::Result<TlsStream> {
    let mut connection = begin(context, name).map_err(|error| io::Error::other(error.to_string()))?;
    let mut gate = CertificateGate::new(GatePeer::Server);
    let mut verified = None;
    let mut inlet = HandshakeInput::default();
    loop {
        connection.feed(&gate.take_passed());
        let step = connection.advance();
        let output = connection.take_output();
        match step {
            OpenSslStep::Broken(why) => {
                wire::send_and_linger(&mut tcp, &output).await;
                return Err(invalid(format!("the handshake with the server failed: {why}")));
            }
            OpenSslStep::Done => {
                tcp.write_all(&output).await?;
                break;
            }
            OpenSslStep::NeedMore if !output.is_empty() => tcp.write_all(&output).await?,
            OpenSslStep::NeedMore => {}
        }
        drop(output);
        let input = inlet.read_more(&tcp).await.map_err(|error| match error {
            HandshakeInputError::Socket(error) => error,
            HandshakeInputError::TooMuch => invalid("more bytes than a handshake may have".to_owned()),
        })?;
        let judged = match gate.push(&input) {
            Ok(None) => Ok(()),
            Ok(Some(presented)) => verify(presented, name, verifier).map(|leaf| {
                verified = Some(leaf);
                gate.open();
            }),
            Err(unexpected) => Err((unexpected.alert, format!("the server sent {}", unexpected.what))),
        };
        if let Err((alert, why)) = judged {
            wire::send_and_linger(&mut tcp, &wire::plain_alert(alert, wire::TLS12)).await;
            return Err(invalid(why));
        }
    }
    if verified.is_none() || connection.proven_certificate() != verified {
        return Err(invalid("the server proved the key of another certificate than was verified".to_owned()));
    }
    let Some((_, mut received)) = connection.established() else {
        return Err(invalid("the engine agreed on what it did not offer".to_owned()));
    };
    received.shrink_to_fit();
    Ok(TlsStream::new(TlsParts { tcp, records: Records::openssl(connection), received, opened: Vec::new() }))
}

fn begin(context: &SslContext, name: &ServerName<'static>) -> Result<OpenSslConnection, OpenSslError> {
    let mut ssl = Ssl::new(context)?;
    ssl.set_connect_state();
    ssl.set_hostname(&name.to_str())?;
    OpenSslConnection::new(ssl)
}

/// Returns the leaf.
fn verify(
    presented: PresentedList,
    name: &ServerName<'_>,
    verifier: &dyn ServerCertVerifier,
) -> Result<Vec<u8>, (Alert, String)> {
    let refused = |alert, why: &str| (alert, format!("the server's certificate does not verify: {why}"));
    let PresentedList::List(list) = presented else {
        return Err(refused(Alert::BAD_CERTIFICATE, "more certificates than are looked at"));
    };
    let Some((leaf, others)) = list.split_first() else {
        return Err(refused(Alert::BAD_CERTIFICATE, "the server sent none"));
    };
    let Some(now) = DefaultTimeProvider.current_time() else {
        return Err(refused(Alert::INTERNAL_ERROR, "the time is unknown"));
    };
    match verifier.verify_server_cert(leaf, others, name, &[], now) {
        Ok(_) => Ok(leaf.to_vec()),
        Err(error) => {
            let alert = if let Error::InvalidCertificate(error) = &error {
                Alert(AlertDescription::from(error.clone()).into())
            } else {
                Alert::BAD_CERTIFICATE
            };
            Err(refused(alert, &describe(&error)))
        }
    }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
