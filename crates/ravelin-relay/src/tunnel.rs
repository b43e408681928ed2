//! Both directions of one tunnel, under its limits.

use crate::buffers::{Buffers, with_buffers};
use crate::codec::Codec;
use crate::direction::advance;
use crate::ending::{Ending, Party};
use crate::inspect::{Direction, Inspect};
use crate::limits::{Deadlines, Limits, Reached};
use crate::outlet::Outlet;
use crate::pace;
use crate::peer::{LeftOver, Peer, Reading};
use crate::report::Counters;
use crate::step::Step;
use crate::transport::Transport;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};

/// One side's state besides its socket.
pub(crate) struct Start {
    pub(crate) codec: Box<dyn Codec>,
    pub(crate) received: Vec<u8>,
    pub(crate) opened: Vec<u8>,
}

/// A tunnel that is relayed.
pub(crate) struct Tunnel<'t, T, I> {
    pub(crate) client: Peer<'t, T>,
    pub(crate) server: Peer<'t, T>,
    inspector: I,
    counters: Arc<Counters>,
    started: Instant,
    deadlines: Deadlines,
    first_ended: Option<Party>,
}

/// What outlives the borrow of the sockets when a tunnel is over.
pub(crate) struct Over {
    pub(crate) duration: Duration,
    pub(crate) counters: Arc<Counters>,
    pub(crate) client_outlet: Outlet,
    pub(crate) to_client_owed: LeftOver,
    pub(crate) server_outlet: Outlet,
    pub(crate) to_server_owed: LeftOver,
}

impl<'t, T: Transport, I: Inspect> Tunnel<'t, T, I> {
    pub(crate) fn new(
        (client, client_start): (&'t T, Start),
        (server, server_start): (&'t T, Start),
        limits: Limits,
        mut inspector: I,
        counters: Arc<Counters>,
    ) -> Self {
        client.prepare();
        server.prepare();
        for (direction, opened) in
            [(Direction::ToServer, &client_start.opened), (Direction::ToClient, &server_start.opened)]
        {
            if !opened.is_empty() {
                inspector.inspect(direction, opened);
            }
        }
        let peer =
            |party, transport, Start { codec, received, opened }| Peer::new(party, transport, codec, received, opened);
        let started = Instant::now();
        Self {
            client: peer(Party::Client, client, client_start),
            server: peer(Party::Server, server, server_start),
            inspector,
            counters,
            started,
            deadlines: Deadlines::new(limits, started),
            first_ended: None,
        }
    }

    /// Relays until something ends the tunnel.
    pub(crate) async fn relay(&mut self, mut stop: Pin<&mut impl Future<Output = ()>>) -> Ending {
        let mut timer = pin!(sleep_until(self.deadlines.next()));
        loop {
            let ending = poll_fn(|cx| {
                if stop.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Some(Ending::Stopped));
                }
                let turned = match with_buffers(|buffers| self.turn(cx, buffers)) {
                    Ok(turned) => turned,
                    Err(ending) => return Poll::Ready(Some(ending)),
                };
                match self.poll_limits(cx, timer.as_mut()) {
                    Poll::Ready(ending) => Poll::Ready(Some(ending)),
                    Poll::Pending if turned == Step::Moved => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
            match ending {
                Some(ending) => return ending,
                // There is more, but the thread's other tunnels come first, and so do new events.
                None => yield_now().await,
            }
        }
    }

    pub(crate) fn over(self) -> Over {
        Over {
            duration: self.started.elapsed(),
            counters: self.counters,
            client_outlet: self.client.outlet,
            to_client_owed: self.server.inlet.opened,
            server_outlet: self.server.outlet,
            to_server_owed: self.client.inlet.opened,
        }
    }

    /// Both directions, until neither has anything to do or this wake-up's share is used up (`Moved`).
    fn turn(&mut self, cx: &mut Context<'_>, buffers: &mut Buffers) -> Result<Step, Ending> {
        let mut moved = false;
        for _ in 0..STEPS_PER_WAKE {
            let step = self.step(cx, buffers);
            if !matches!(step, Ok(Step::Waiting)) {
                moved = true;
                self.publish();
            }
            if step? == Step::Waiting {
                if moved {
                    pace::note(self.deadlines.moved(Instant::now()));
                }
                return Ok(Step::Waiting);
            }
        }
        pace::note(self.deadlines.moved(Instant::now()));
        Ok(Step::Moved)
    }

    /// Each direction once.
    fn step(&mut self, cx: &mut Context<'_>, buffers: &mut Buffers) -> Result<Step, Ending> {
        let to_server = advance(cx, &mut self.client, &mut self.server, buffers, &mut self.inspector)?;
        let to_client = advance(cx, &mut self.server, &mut self.client, buffers, &mut self.inspector)?;
        if to_server == Step::Waiting && to_client == Step::Waiting {
            return Ok(Step::Waiting);
        }
        self.note_ends();
        if self.client.is_done() && self.server.is_done() {
            return Err(Ending::BothEnded { first: self.first_ended.unwrap_or(Party::Client) });
        }
        Ok(Step::Moved)
    }

    fn note_ends(&mut self) {
        if self.first_ended.is_none() {
            self.first_ended = [&self.client, &self.server]
                .into_iter()
                .find(|peer| peer.inlet.state != Reading::Open)
                .map(|peer| peer.party);
        }
    }

    fn poll_limits(&mut self, cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>) -> Poll<Ending> {
        if self.first_ended.is_some() && self.deadlines.half_close() {
            timer.as_mut().reset(self.deadlines.next());
        }
        while timer.as_mut().poll(cx).is_ready() {
            match self.deadlines.reached(Instant::now()) {
                Some(Reached::Idle) => return Poll::Ready(Ending::Idle),
                Some(Reached::Lifetime) => return Poll::Ready(Ending::MaxLifetime),
                None => timer.as_mut().reset(self.deadlines.next()),
            }
        }
        Poll::Pending
    }

    fn publish(&self) {
        self.counters.to_client.store(self.client.outlet.handed, Ordering::Relaxed);
        self.counters.to_server.store(self.server.outlet.handed, Ordering::Relaxed);
    }
}

/// Steps before a busy tunnel lets others go first. The second finds that a lone packet was all, without another visit
/// to the event queue; more were measured to save nothing, and only make others wait.
const STEPS_PER_WAKE: usize = 2;
