//! Who may wait for a handshake: counts of connections that have not authenticated, per source and in total.
//!
//! - A source is an IPv4 address or an IPv6 /64; an IPv4-mapped address is its IPv4 address.
//! - Admitted tunnels are not counted: many clients share a NAT address.
//! - When all places are taken, the newest connection of the heaviest source makes room for one of a lighter source:
//!   a flood displaces itself and nobody else.
//! - Where every source holds as little as the newcomer, the one that has waited longest makes room, once it has had
//!   the time of a handshake: an IPv6 allocation has 65,536 sources, and a silent connection from each of a thousand
//!   would otherwise keep everybody out for as long as they may wait.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use ravelin_config::LimitsConfig;
use ravelin_ops::record::SessionEnd;

/// Sources whose rate is remembered. Full: those that have been quiet for a second are forgotten first, then all.
const RATE_SOURCES_MAX: usize = 65_536;
/// Nobody is displaced by a source that holds as little before this: a handshake takes three round trips, and the
/// longest (by satellite, or around the world and back) take 0.6 s and 0.3 s each, rarely both ways lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// The counts. Shared by the accept loops and the handshake threads.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<IpAddr, Vec<WaitingConnection>>,
    total: usize,
    rates: HashMap<IpAddr, Rate>,
}

#[derive(Debug)]
struct WaitingConnection {
    session: u64,
    since: Instant,
    shed: Arc<Notify>,
}

/// A token bucket of one second's worth.
#[derive(Debug)]
struct Rate {
    tokens: f64,
    at: Instant,
}

/// A place among those who wait; given back when dropped, at the permit or at the end.
#[derive(Debug)]
pub(crate) struct WaitingPlace {
    admission: Arc<Admission>,
    source: IpAddr,
    session: u64,
    /// Notified when this connection must make room.
    pub(crate) shed: Arc<Notify>,
}

impl Admission {
    /// Takes a place for a new connection, or says which limit forbids it. `full`: there are as many sessions as there
    /// may be, so that somebody who waits has to make room whether or not there are places.
    ///
    /// # Errors
    /// `rate_limited`, `source_limit` or `session_limit`.
    pub(crate) fn enter(
        self: &Arc<Self>,
        client: IpAddr,
        session: u64,
        limits: &LimitsConfig,
        full: bool,
        now: Instant,
    ) -> Result<WaitingPlace, SessionEnd> {
        let source = source_of(client);
        let mut state = self.lock();
        if let Some(per_second) = limits.unauthenticated_rate_per_source
            && !state.spend(source, per_second, now)
        {
            return Err(SessionEnd::RateLimited);
        }
        let own = state.waiting.get(&source).map_or(0, Vec::len);
        if own >= limits.unauthenticated_per_source {
            return Err(SessionEnd::SourceLimit);
        }
        if (full || state.total >= limits.handshakes_in_flight) && !state.make_room(own, now) {
            return Err(SessionEnd::SessionLimit);
        }
        let shed = Arc::new(Notify::new());
        state.waiting.entry(source).or_default().push(WaitingConnection {
            session,
            since: now,
            shed: Arc::clone(&shed),
        });
        state.total += 1;
        Ok(WaitingPlace { admission: Arc::clone(self), source, session, shed })
    }

    /// Connections that wait for a permit.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().total
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counts stay true through a panic elsewhere: every change below is a single step.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    fn spend(&mut self, source: IpAddr, per_second: u32, now: Instant) -> bool {
        if self.rates.len() >= RATE_SOURCES_MAX && !self.rates.contains_key(&source) {
            self.rates.retain(|_, rate| now.duration_since(rate.at) < Duration::from_secs(1));
            if self.rates.len() >= RATE_SOURCES_MAX {
                self.rates.clear();
            }
        }
        let full = f64::from(per_second);
        let rate = self.rates.entry(source).or_insert(Rate { tokens: full, at: now });
        let gained = now.duration_since(rate.at).as_secs_f64() * full;
        rate.tokens = (rate.tokens + gained).min(full);
        rate.at = now;
        if rate.tokens < 1.0 {
            return false;
        }
        rate.tokens -= 1.0;
        true
    }

    /// Sheds the newest connection of the heaviest source if that source holds more than the newcomer's would; else the
    /// one that has waited longest, and longer than [`PATIENCE`], of the sources that hold as much as the newcomer's would.
    fn make_room(&mut self, newcomer_holds: usize, now: Instant) -> bool {
        let heaviest =
            self.waiting.iter().max_by_key(|(_, list)| list.len()).map(|(source, list)| (*source, list.len()));
        let Some((source, held)) = heaviest else { return false };
        if held > newcomer_holds + 1 {
            return self.leave(source, None);
        }
        // Connections of a source are in the order of their coming.
        let peers = self.waiting.iter().filter(|(_, list)| list.len() > newcomer_holds);
        let oldest = peers
            .filter_map(|(source, list)| list.first().map(|first| (*source, first)))
            .min_by_key(|(_, first)| first.since)
            .filter(|(_, first)| now.duration_since(first.since) >= PATIENCE)
            .map(|(source, first)| (source, first.session, Arc::clone(&first.shed)));
        let Some((source, session, shed)) = oldest else { return false };
        shed.notify_one();
        self.leave(source, Some(session))
    }

    fn leave(&mut self, source: IpAddr, session: Option<u64>) -> bool {
        let Some(list) = self.waiting.get_mut(&source) else { return false };
        let index = match session {
            Some(session) => list.iter().position(|waiting| waiting.session == session),
            None => list.len().checked_sub(1),
        };
        let Some(index) = index else { return false };
        let waiting = list.remove(index);
        if session.is_none() {
            waiting.shed.notify_one();
        }
        if list.is_empty() {
            self.waiting.remove(&source);
        }
        self.total = self.total.saturating_sub(1);
        true
    }
}

impl Drop for WaitingPlace {
    fn drop(&mut self) {
        // A shed place is gone already; then this finds nothing.
        self.admission.lock().leave(self.source, Some(self.session));
    }
}

/// What counts as one source.
pub(crate) fn source_of(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> LimitsConfig {
        LimitsConfig {
            handshake_deadline: Duration::from_secs(10),
            request_deadline: Duration::from_secs(10),
            sessions: 100,
            handshakes_in_flight: 4,
            unauthenticated_per_source: 3,
            unauthenticated_rate_per_source: None,
            tunnels_per_identity: 4,
            idle: Duration::from_secs(3600),
            half_closed_idle: Duration::from_secs(60),
            lifetime: None,
            drain_deadline: Duration::from_secs(30),
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn sources() {
        for (client, source) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ] {
            assert_eq!(source_of(ip(client)), ip(source), "{client}");
        }
    }

    #[test]
    fn one_source_is_bounded_and_its_places_come_back() {
        let admission = Arc::new(Admission::default());
        let now = Instant::now();
        let mut places: Vec<_> =
            (0..3).map(|n| admission.enter(ip("192.0.2.1"), n, &limits(), false, now).unwrap()).collect();
        assert_eq!(admission.enter(ip("192.0.2.1"), 9, &limits(), false, now).unwrap_err(), SessionEnd::SourceLimit);
        places.pop();
        assert!(admission.enter(ip("192.0.2.1"), 10, &limits(), false, now).is_ok());
        drop(places);
        assert_eq!(admission.waiting(), 0);
        assert!(admission.lock().waiting.is_empty());
    }

    #[tokio::test]
    async fn a_flood_displaces_itself() {
        let admission = Arc::new(Admission::default());
        let now = Instant::now();
        let heavy: Vec<_> =
            (0..3).map(|n| admission.enter(ip("192.0.2.1"), n, &limits(), false, now).unwrap()).collect();
        let _other = admission.enter(ip("192.0.2.2"), 3, &limits(), false, now).unwrap();
        let _light = admission.enter(ip("192.0.2.3"), 4, &limits(), false, now).unwrap();
        // The heaviest source's newest was asked to go, and only that one.
        heavy[2].shed.notified().await;
        assert_eq!(admission.waiting(), 4);
        // Everybody holds little now: there is no room to make.
        assert_eq!(admission.enter(ip("192.0.2.2"), 5, &limits(), false, now).unwrap_err(), SessionEnd::SessionLimit);
        drop(heavy);
        assert_eq!(admission.waiting(), 2);
    }

    #[tokio::test]
    async fn a_thousand_light_sources_keep_nobody_out() {
        let admission = Arc::new(Admission::default());
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut places: Vec<_> = (0..4)
            .map(|n| admission.enter(ip(&format!("2001:db8:0:{n}::1")), n, &limits(), false, at(n)).unwrap())
            .collect();
        let newcomer = |millis| admission.enter(ip("192.0.2.1"), 9, &limits(), false, at(millis));
        assert_eq!(newcomer(1999).unwrap_err(), SessionEnd::SessionLimit, "a handshake has its time");
        let place = newcomer(2000).unwrap();
        // The one that had waited longest was asked to go.
        places[0].shed.notified().await;
        assert_eq!(admission.waiting(), 4);
        // Whoever holds one already displaces nobody who holds one.
        assert_eq!(newcomer(9000).unwrap_err(), SessionEnd::SessionLimit);
        places.push(place);
        drop(places);
        assert_eq!(admission.waiting(), 0);
    }

    #[tokio::test]
    async fn strangers_make_room_where_sessions_run_out() {
        let admission = Arc::new(Admission::default());
        let now = Instant::now();
        let tunnels_alone = admission.enter(ip("192.0.2.9"), 0, &limits(), true, now);
        assert_eq!(tunnels_alone.unwrap_err(), SessionEnd::SessionLimit, "tunnels are never touched");
        let strangers: Vec<_> =
            (1..3).map(|n| admission.enter(ip("192.0.2.1"), n, &limits(), false, now).unwrap()).collect();
        let _place = admission.enter(ip("192.0.2.2"), 3, &limits(), true, now).unwrap();
        strangers[1].shed.notified().await;
        assert_eq!(admission.waiting(), 2);
    }

    #[test]
    fn rate() {
        let admission = Arc::new(Admission::default());
        let limits = LimitsConfig { unauthenticated_rate_per_source: Some(2), ..limits() };
        let start = Instant::now();
        let try_at =
            |ms: u64| admission.enter(ip("192.0.2.1"), ms, &limits, false, start + Duration::from_millis(ms)).map(drop);
        assert!(try_at(0).is_ok());
        assert!(try_at(1).is_ok());
        assert_eq!(try_at(2).unwrap_err(), SessionEnd::RateLimited);
        assert!(try_at(600).is_ok());
        assert_eq!(try_at(601).unwrap_err(), SessionEnd::RateLimited);
    }
}
