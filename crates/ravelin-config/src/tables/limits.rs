//! `[limits]`.

use std::time::Duration;

use crate::declare::Presence;
use crate::forms::{Number, OrOff, Rate, Span, duration_text};
use crate::one_declaration::table;
use crate::table::Table;

table! {
    /// Limits of the whole gateway.
    pub struct LimitsConfig, keys LimitsKeys;
    at LIMITS, KEYS = "limits", Presence::Optional;
    fields {
        /// From accept to permit, in total, however slowly the client sends. TCP and a full handshake are three round
        /// trips, of a second each on the worst links; the default is about three times that. A client that sends nothing
        /// at all is disconnected after 3 s.
        handshake_deadline: Duration = Span => BEFORE_TUNNEL, default("\"10s\"");

        /// From permit to the end of the client's request head; the same again for the server's answer.
        request_deadline: Duration = Span => BEFORE_TUNNEL, default("\"10s\"");

        /// Sessions at one time, all of them. Each needs two descriptors, and 256 are kept for everything else: a start is
        /// refused where the process may not open that many (`LimitNOFILE` of the unit).
        sessions: usize = Number => Number { min: 1, max: 524_160, why: "the kernel's fs.nr_open is 1,048,576 descriptors; less 256, two a session" }, default("20000");

        /// Connections that have no permit yet, at one time. When all places are taken, the newest connection of the source
        /// that has the most makes room for one of a source that has fewer: a flood displaces itself. If all sources have
        /// the same number, the connection that has waited longest makes room, after two seconds at the earliest. 1,024
        /// handshakes of a millisecond each are a second of one processor.
        handshakes_in_flight: usize = Number => Number { min: 1, max: 65_536, why: "each may hold 32 KiB of a stranger's input: 2 GiB in all" }, default("1024");

        /// Connections of one source (an IPv4 address, an IPv6 /64) that have not been admitted yet. Tunnels are not counted:
        /// many clients share the address of one NAT.
        unauthenticated_per_source: usize = Number => Number { min: 1, max: 65_535, why: "one address has no more ports" }, default("64");

        /// New connections per second of one source that have not been admitted yet. More are closed as `rate_limited`.
        unauthenticated_rate_per_source: Option<u32> = OrOff<Rate> => OrOff(Rate { max: 100_000, why: "no gateway accepts more; \"off\" says the same" }), default("\"off\"");

        /// Tunnels of one identity. A client that reconnects overlaps with its dead tunnel, perhaps with two; one more is for
        /// a change of network at the same moment.
        tunnels_per_identity: usize = Number => Number { min: 1, max: 1_000, why: "one machine needs one; more is a shared certificate" }, default("4");

        /// A tunnel in which no byte moved for this long is closed. Windows' own listener had two minutes, which cut live
        /// clients until a fix (KB2535133). IPsec re-keys every hour.
        idle: Duration = Span => Span { min: SECOND, max: DAY.saturating_mul(30), why: "shorter cuts slow links, longer keeps the dead" }, default("\"1h\"");

        /// The same for a tunnel of which one direction is closed.
        half_closed_idle: Duration = Span => Span { min: Duration::from_millis(100), max: DAY, why: "the rest of an answer, and no tunnel" }, default("\"60s\"");

        /// A tunnel is closed after this long, however busy. The client connects again within half a minute and is judged
        /// again. Live authorization does not need it.
        lifetime: Option<Duration> = OrOff<Span> => OrOff(Span { min: SECOND, max: DAY.saturating_mul(365), why: "a year is for ever" }), default("\"off\"");

        /// SIGTERM and `ravelin drain`: stop accepting, wait this long for tunnels to end, close the rest with close_notify.
        drain_deadline: Duration = Span => Span { min: Duration::ZERO, max: DAY, why: "a service manager waits less; keep TimeoutStopSec above it" }, default("\"30s\"");
    }
}

/// A bound below which a duration is a slip.
const SECOND: Duration = Duration::from_secs(1);
/// The unit of the longest bounds.
const DAY: Duration = Duration::from_secs(86_400);
const BEFORE_TUNNEL: Span = Span {
    min: Duration::from_millis(100),
    max: Duration::from_secs(120),
    why: "a round trip by satellite takes 600ms; a stranger may hold a place as long as this",
};

pub(crate) fn read(root: &Table<'_>) -> Option<LimitsConfig> {
    let table = root.section(&LIMITS.table);
    let limits = LimitsConfig::read_keys(&table, &LIMITS)?;
    warn(&table, &limits);
    Some(limits)
}

/// Values that are good each for itself and odd together.
fn warn(table: &Table<'_>, limits: &LimitsConfig) {
    if limits.idle < IDLE_SHORT && table.has(&LIMITS.idle) {
        table
            .place_of(&LIMITS.idle)
            .warn("is shorter than two minutes: quiet clients lose their tunnel, as under KB2535133");
    }
    if limits.half_closed_idle > limits.idle {
        let text = format!("is longer than `idle` ({}), which ends the tunnel first", duration_text(limits.idle));
        table.place_of(&LIMITS.half_closed_idle).warn(text);
    }
    if limits.unauthenticated_per_source > limits.handshakes_in_flight {
        let place = table.place_of(&LIMITS.unauthenticated_per_source);
        place.warn("is more than `handshakes_in_flight`: one source can keep everybody else out");
    }
}

/// What http.sys has by default.
const IDLE_SHORT: Duration = Duration::from_secs(120);
