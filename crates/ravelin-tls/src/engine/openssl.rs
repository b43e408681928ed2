//! OpenSSL, for what rustls lacks: null encryption, old suites, TLS 1.0 and 1.1.
//!
//! The client's Certificate message is in the clear in these versions. A [`CertificateGate`] reads it first;
//! the judge is asked before OpenSSL has a byte of it, and a denial is sent as an alert of our own. What OpenSSL does with a
//! certificate is to verify the proof of its key, and that the key is the judged leaf's is checked byte for byte.

pub(crate) mod connect;

use std::sync::Arc;

use openssl::ssl::{NameType, Ssl};
use ravelin_policy::{Decision, PresentedChain, Verdict};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::gate::{CertificateGate, GatePeer, PresentedList};
use super::judging::{too_long, too_many};
use super::proven::ProvenChain;
use super::result::{RefusedHandshake, TerminatedHandshake};
use crate::alert::{self, Alert};
use crate::connection::{HandshakeInput, HandshakeInputError, alert_in_the_clear};
use crate::hello::PeekedHello;
use crate::hello::server_name::ServerName;
use crate::openssl_library::OpenSslError;
use crate::outcome::{Engine, HandshakeEnd, Judge, Negotiated};
use crate::records::Records;
use crate::records::openssl::{OpenSslConnection, OpenSslStep};
use crate::site::offer::Offer;
use crate::wire;

/// Runs one handshake.
pub(crate) async fn terminate(
    tcp: &mut TcpStream,
    hello: PeekedHello,
    offer: &Offer,
    judge: Arc<dyn Judge>,
) -> Result<TerminatedHandshake, RefusedHandshake> {
    let mut handshake =
        OpenSslHandshake::begin(offer, hello.hello.server_name, judge).map_err(|error| failed(error.to_string()))?;
    let mut inlet = HandshakeInput::after(hello.bytes.len());
    let mut input = hello.bytes;
    loop {
        let step = handshake.push(&input);
        let output = handshake.connection.take_output();
        match step {
            Ok(HandshakeProgress::Done) => {
                tcp.write_all(&output).await.map_err(socket)?;
                return handshake.finish();
            }
            Ok(HandshakeProgress::NeedMore) => {
                if !output.is_empty() {
                    tcp.write_all(&output).await.map_err(socket)?;
                }
            }
            Err(broken) => return Err(broken.into_refused(output)),
        }
        drop(output);
        input = inlet.read_more(tcp).await.map_err(|error| match error {
            HandshakeInputError::Socket(error) => socket(error),
            HandshakeInputError::TooMuch => failed("more bytes than a handshake may have".to_owned()),
        })?;
    }
}

/// A handshake without its socket.
struct OpenSslHandshake {
    connection: OpenSslConnection,
    gate: CertificateGate,
    judge: Arc<dyn Judge>,
    peeked: ServerName,
    judged: Option<(PresentedChain, Decision)>,
}

enum HandshakeProgress {
    Done,
    NeedMore,
}

struct OpenSslHandshakeError {
    end: HandshakeEnd,
    detail: String,
    /// To be sent in the clear by ourselves, in records of this version; else OpenSSL has queued its own.
    alert: Option<(Alert, u16)>,
}

impl OpenSslHandshake {
    fn begin(offer: &Offer, peeked: ServerName, judge: Arc<dyn Judge>) -> Result<OpenSslHandshake, OpenSslError> {
        let mut ssl = Ssl::new(&offer.context)?;
        ssl.set_accept_state();
        Ok(OpenSslHandshake {
            connection: OpenSslConnection::new(ssl)?,
            gate: CertificateGate::new(GatePeer::Client),
            judge,
            peeked,
            judged: None,
        })
    }

    fn push(&mut self, input: &[u8]) -> Result<HandshakeProgress, OpenSslHandshakeError> {
        let presented = self.gate.push(input).map_err(|unexpected| {
            let detail = format!("the client sent {}", unexpected.what);
            self.broken(HandshakeEnd::Failed, detail, unexpected.alert)
        })?;
        let progress = self.advance()?;
        let Some(presented) = presented else { return Ok(progress) };
        self.judge(presented)?;
        self.gate.open();
        self.advance()
    }

    /// Has OpenSSL do what it can with what has passed the gate.
    fn advance(&mut self) -> Result<HandshakeProgress, OpenSslHandshakeError> {
        self.connection.feed(&self.gate.take_passed());
        match self.connection.advance() {
            OpenSslStep::Done => Ok(HandshakeProgress::Done),
            OpenSslStep::NeedMore => {
                let name = self.connection.ssl().servername_raw(NameType::HOST_NAME);
                let name = name.map_or(ServerName::Absent, ServerName::from_host_name);
                if name != self.peeked {
                    // What the engine read and what the site was chosen by must not differ (docs/traps.md rows 3, 14).
                    let detail = "the server name read by the engine is not the one the site was chosen by".to_owned();
                    return Err(self.broken(HandshakeEnd::Failed, detail, Alert::UNRECOGNIZED_NAME));
                }
                Ok(HandshakeProgress::NeedMore)
            }
            OpenSslStep::Broken(error) => {
                Err(OpenSslHandshakeError { end: HandshakeEnd::Failed, detail: error.to_string(), alert: None })
            }
        }
    }

    fn judge(&mut self, presented: PresentedList) -> Result<(), OpenSslHandshakeError> {
        let (chain, decision) = match presented {
            PresentedList::List(certificates) => {
                let chain = PresentedChain { certificates };
                let decision = self.judge.judge(&chain);
                (chain, decision)
            }
            PresentedList::TooMany(count) => (PresentedChain::default(), too_many(count)),
            PresentedList::TooLong(bytes) => (PresentedChain::default(), too_long(bytes)),
        };
        match &decision.verdict {
            Verdict::Permit(_) => {
                self.judged = Some((chain, decision));
                Ok(())
            }
            Verdict::Denial(denial) => {
                let (detail, alert) = (denial.detail.clone(), alert::for_reason(denial.reason));
                Err(self.broken(HandshakeEnd::Denied(Box::new(decision)), detail, alert))
            }
        }
    }

    fn broken(&self, end: HandshakeEnd, detail: String, alert: Alert) -> OpenSslHandshakeError {
        let version = self.connection.version_code().unwrap_or(wire::TLS12);
        OpenSslHandshakeError { end, detail, alert: Some((alert, version)) }
    }

    /// Fail closed: an engine that reports success without a permit for the very certificate has a fault, or this file has.
    fn finish(mut self) -> Result<TerminatedHandshake, RefusedHandshake> {
        let unpermitted = || Err(failed("the engine finished a handshake that nobody permitted".to_owned()));
        let Some((presented, decision)) = self.judged.take() else { return unpermitted() };
        let (Verdict::Permit(permit), report) = decision.into_parts() else { return unpermitted() };
        let Some(chain) = ProvenChain::by_openssl(&self.connection, presented, permit) else {
            return Err(failed("the client proved the key of another certificate than was judged".to_owned()));
        };
        let Some((agreed, mut received)) = self.connection.established() else {
            return Err(failed("the engine agreed on what it was not offered".to_owned()));
        };
        received.shrink_to_fit();
        let negotiated = Negotiated { version: agreed.version, suite: agreed.suite.name, engine: Engine::OpenSsl };
        Ok(TerminatedHandshake { records: Records::openssl(self.connection), received, chain, report, negotiated })
    }
}

impl OpenSslHandshakeError {
    fn into_refused(self, mut output: Vec<u8>) -> RefusedHandshake {
        if let Some((alert, version)) = self.alert {
            output.extend_from_slice(&wire::plain_alert(alert, version));
        }
        // Before its own Finished, which is the end, OpenSSL sends alerts in the clear.
        let last = output.len().saturating_sub(wire::PLAIN_ALERT_BYTES);
        let alert = output.get(last..).and_then(alert_in_the_clear);
        let nothing_shared = [Alert::HANDSHAKE_FAILURE, Alert::PROTOCOL_VERSION].map(Some).contains(&alert);
        let by_openssl = matches!(self.end, HandshakeEnd::Failed) && self.alert.is_none();
        let end = if by_openssl && nothing_shared { HandshakeEnd::NoCommonSuite } else { self.end };
        RefusedHandshake { end, alert, detail: self.detail, last_words: Some(output) }
    }
}

fn failed(detail: String) -> RefusedHandshake {
    RefusedHandshake { end: HandshakeEnd::Failed, alert: None, detail, last_words: Some(Vec::new()) }
}

fn socket(error: std::io::Error) -> RefusedHandshake {
    let detail = format!("in the handshake: {error}");
    RefusedHandshake { end: HandshakeEnd::Socket(error), alert: None, detail, last_words: None }
}
