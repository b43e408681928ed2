//! One connection of a stand-in.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ravelin_iphttps::{Packet, TUNNEL_CONTENT_LENGTH};
use rustls::{Connection, ServerConnection};
use tokio::net::TcpStream;
use tokio::sync::broadcast::{self, error::RecvError};

use super::visit::Visit;
use super::{Behaviour, Body, Ending, Order, Shared};
use crate::bulk::{self, Hash};
use crate::clock;
use crate::end::End;
use crate::stream::{Stream, StreamReader, Writer};

/// From accept to the end.
pub(super) async fn serve(tcp: TcpStream, number: usize, orders: broadcast::Receiver<Order>, shared: Arc<Shared>) {
    let (behaviour, body) = shared.manners.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut guest = Guest { number, shared, orders };
    let stream = match guest.welcome(tcp, &behaviour).await {
        Ok(stream) => stream,
        Err(end) => return guest.note(|visit| visit.end = Some(end)),
    };
    if let Body::HandOver(taker) = &body {
        let _ = taker.send(stream);
        return;
    }
    let end = guest.serve(stream, body).await;
    guest.note(|visit| visit.end = Some(end));
}

struct Guest {
    number: usize,
    shared: Arc<Shared>,
    orders: broadcast::Receiver<Order>,
}

/// What came next.
enum Next {
    Bytes(usize),
    End(End),
    Order(Order),
}

/// Whose end it was.
enum Finish {
    Ours(Ending),
    Theirs(End),
}

impl Guest {
    /// Up to the response head: the tunnel, or the end that came instead.
    async fn welcome(&mut self, tcp: TcpStream, behaviour: &Behaviour) -> Result<Stream, End> {
        if let Behaviour::EndAtOnce(ending) = behaviour {
            return Err(end(Stream::plain(tcp), *ending).await);
        }
        if let Behaviour::Silent = behaviour {
            return Err(self.until_ordered(Stream::plain(tcp)).await);
        }
        let mut stream = match &self.shared.tls {
            None => Stream::plain(tcp),
            Some(config) => {
                let tls = ServerConnection::new(Arc::clone(config)).map_err(|error| End::Broken(error.to_string()))?;
                let mut stream = Stream::tls(tcp, Connection::from(tls));
                stream.handshake(|_, _| async { Ok(()) }).await?;
                stream
            }
        };
        self.note_names(&stream);
        let head = self.read_head(&mut stream.reader).await?;
        let answer = match behaviour {
            Behaviour::Accept => match refusal(&head) {
                None => response_head(),
                Some(refusal) => return Err(answer_and_close(stream, refusal).await),
            },
            Behaviour::AnswerAndServe(bytes) => bytes.clone(),
            Behaviour::Answer(bytes) => return Err(answer_and_close(stream, bytes).await),
            Behaviour::EndAfterHead(ending) => return Err(end(stream, *ending).await),
            Behaviour::Hang | Behaviour::EndAtOnce(_) | Behaviour::Silent => {
                return Err(self.until_ordered(stream).await);
            }
        };
        stream.writer.write_all(&answer).await?;
        self.note(|visit| visit.accepted = true);
        Ok(stream)
    }

    /// Bytes up to and with the empty line; what follows stays in the reader.
    async fn read_head(&mut self, reader: &mut StreamReader) -> Result<Vec<u8>, End> {
        let mut buffer = [0; 4096];
        let mut head: Vec<u8> = Vec::new();
        loop {
            let count = reader.read(&mut buffer).await?;
            head.extend_from_slice(buffer.get(..count).unwrap_or_default());
            let whole = head.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|at| at + 4);
            if let Some(length) = whole {
                reader.unread(head.get(length..).unwrap_or_default());
                head.truncate(length);
            }
            self.note(|visit| visit.head.clone_from(&head));
            if whole.is_some() || head.len() > HEAD_BYTES_MAX {
                return Ok(head);
            }
        }
    }

    /// The tunnel, up to its end.
    async fn serve(&mut self, mut stream: Stream, body: Body) -> End {
        if let Body::Stall = body {
            return self.until_ordered(stream).await;
        }
        let sending = match &body {
            Body::Bulk { send } => {
                Some(tokio::spawn(send_bulk(stream.writer.clone(), self.number, *send, Arc::clone(&self.shared))))
            }
            Body::AnswerAtEnd(_) | Body::DirectAccess | Body::Echo | Body::HandOver(_) | Body::Stall => None,
        };
        let (mut hash, mut packets) = (Hash::new(), Vec::new());
        let mut buffer = vec![0; bulk::PIECE_BYTES];
        let finish = loop {
            let count = match self.next(&mut stream.reader, &mut buffer).await {
                Next::Bytes(count) => count,
                Next::End(end) => break Finish::Theirs(end),
                Next::Order(Order::End(ending)) => break Finish::Ours(ending),
                Next::Order(Order::Send(bytes)) => {
                    if self.send(&stream.writer, &bytes).await.is_err() {
                        break Finish::Theirs(stream.reader.end().await);
                    }
                    continue;
                }
            };
            let received = buffer.get(..count).unwrap_or_default();
            self.note(|visit| visit.received += u64::try_from(count).unwrap_or(0));
            let sent = match &body {
                Body::Echo => self.send(&stream.writer, received).await,
                Body::DirectAccess => self.route(&stream.writer, &mut packets, received).await,
                Body::Bulk { .. } => {
                    hash.update(received);
                    Ok(())
                }
                Body::AnswerAtEnd(_) | Body::HandOver(_) | Body::Stall => Ok(()),
            };
            match sent {
                Ok(()) => {}
                // The client sent what is no packet: MS-IPHTTPS §3.2.5.2 ends its session.
                Err(End::Broken(_)) => break Finish::Ours(Ending::Reset),
                Err(_) => break Finish::Theirs(stream.reader.end().await),
            }
        };
        if let Body::Bulk { .. } = body {
            self.note(|visit| visit.received_sha256 = Some(hash.sha256()));
        }
        let clean = matches!(finish, Finish::Theirs(End::CloseNotify));
        if let Some(sending) = sending {
            // A client that closed its direction cleanly still gets all that it was promised.
            if !clean {
                sending.abort();
            }
            let _ = sending.await;
        }
        if let (true, Body::AnswerAtEnd(bytes)) = (clean, &body) {
            let _ = self.send(&stream.writer, bytes).await;
        }
        match finish {
            Finish::Theirs(end) => {
                if clean {
                    let _ = stream.close().await;
                }
                end
            }
            Finish::Ours(ending) => end(stream, ending).await,
        }
    }

    /// Answers whole packets; what is not whole waits in `packets`.
    async fn route(&self, writer: &Writer, packets: &mut Vec<u8>, received: &[u8]) -> Result<(), End> {
        packets.extend_from_slice(received);
        let mut answers = Vec::new();
        let mut rest = packets.as_slice();
        let mut count = 0;
        let outcome = loop {
            match Packet::split_first(rest) {
                Ok(None) => break Ok(()),
                Err(error) => break Err(End::Broken(error.to_string())),
                Ok(Some((packet, after))) => {
                    self.shared.router.answer(self.number, &packet, &mut answers);
                    count += 1;
                    rest = after;
                }
            }
        };
        let taken = packets.len() - rest.len();
        packets.drain(..taken);
        self.note(|visit| visit.packets += count);
        self.send(writer, &answers).await?;
        outcome
    }

    async fn send(&self, writer: &Writer, bytes: &[u8]) -> Result<(), End> {
        if bytes.is_empty() {
            return Ok(());
        }
        writer.write_all(bytes).await?;
        self.note(|visit| visit.sent += u64::try_from(bytes.len()).unwrap_or(0));
        Ok(())
    }

    async fn next(&mut self, reader: &mut StreamReader, buffer: &mut [u8]) -> Next {
        tokio::select! {
            order = order(&mut self.orders) => Next::Order(order),
            read = reader.read(buffer) => read.map_or_else(Next::End, Next::Bytes),
        }
    }

    /// Reads nothing and writes nothing.
    async fn until_ordered(&mut self, stream: Stream) -> End {
        loop {
            match order(&mut self.orders).await {
                Order::End(ending) => return end(stream, ending).await,
                Order::Send(bytes) => {
                    let _ = stream.writer.write_all(&bytes).await;
                }
            }
        }
    }

    fn note_names(&self, stream: &Stream) {
        let seen = stream.with_tls(|tls| {
            let server_name = match tls {
                Connection::Server(tls) => tls.server_name().map(str::to_owned),
                Connection::Client(_) => None,
            };
            let chain = tls.peer_certificates().unwrap_or_default();
            (server_name, chain.iter().map(|certificate| certificate.to_vec()).collect::<Vec<_>>())
        });
        if let Some((server_name, client_chain)) = seen {
            self.note(|visit| (visit.server_name, visit.client_chain) = (server_name, client_chain));
        }
    }

    fn note(&self, change: impl FnOnce(&mut Visit)) {
        self.shared.visits.change(self.number, change);
    }
}

async fn order(orders: &mut broadcast::Receiver<Order>) -> Order {
    loop {
        match orders.recv().await {
            Ok(order) => return order,
            Err(RecvError::Lagged(_)) => {}
            // The server is gone; its tasks are about to be.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn send_bulk(writer: Writer, number: usize, bytes: u64, shared: Arc<Shared>) {
    let seed = u64::try_from(number).unwrap_or(0);
    if let Ok(sha256) = bulk::send(&writer, seed, bytes).await {
        shared.visits.change(number, |visit| {
            visit.sent += bytes;
            visit.sent_sha256 = Some(sha256);
        });
    }
}

async fn answer_and_close(stream: Stream, bytes: &[u8]) -> End {
    let _ = stream.writer.write_all(bytes).await;
    end(stream, Ending::CloseNotify).await
}

/// Ends a connection as ordered.
async fn end(mut stream: Stream, ending: Ending) -> End {
    let end = match ending {
        Ending::CloseNotify => {
            let _ = stream.close().await;
            End::CloseNotify
        }
        Ending::Fin => {
            let _ = stream.writer.fin();
            End::Fin
        }
        Ending::Reset => {
            stream.reset();
            return End::Reset;
        }
    };
    // Closing a socket with unread bytes makes the kernel reset it: the peer is heard out for a while.
    tokio::spawn(async move { tokio::time::timeout(HEAR_OUT_MAX, stream.reader.end()).await });
    end
}

/// What http.sys says to a head that is not IP-HTTPS.
fn refusal(head: &[u8]) -> Option<&'static [u8]> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = format!("\r\ncontent-length: {TUNNEL_CONTENT_LENGTH}\r\n");
    if !text.starts_with("post /") || !text.contains(" http/1.1\r\n") {
        Some(b"HTTP/1.1 400 Bad Request\r\nServer: Microsoft-HTTPAPI/2.0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    } else if !text.starts_with("post /iphttps http/1.1\r\n") {
        Some(b"HTTP/1.1 404 Not Found\r\nServer: Microsoft-HTTPAPI/2.0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    } else if !text.contains(&length) {
        Some(b"HTTP/1.1 411 Length Required\r\nServer: Microsoft-HTTPAPI/2.0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    } else {
        None
    }
}

fn response_head() -> Vec<u8> {
    ravelin_iphttps::write_response_head(&clock::http_date(clock::now())).unwrap_or_default()
}

/// The peer of a test closes at once when it sees the end.
const HEAR_OUT_MAX: Duration = Duration::from_secs(2);
/// http.sys reads 16 KiB of head unless told otherwise.
const HEAD_BYTES_MAX: usize = 16 * 1024;
