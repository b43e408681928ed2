//! `[limits]`.

use std::time::Duration;

use crate::checked::LimitsConfig;
use crate::declare::{Presence, keys};
use crate::forms::{Number, OrOff, Rate, Section, Span, Words, duration_text};
use crate::table::Table;

keys! {
    /// Limits of the whole gateway.
    LIMITS: Section = "limits", Section { words: Words::NONE }, Presence::Optional;

    /// From accept to permit, in total, however slowly the client sends. TCP and a full handshake are three round
    /// trips, of a second each on the worst links; the default is about three times that. A client that sends nothing
    /// at all is disconnected after 3 s.
    HANDSHAKE_DEADLINE: Span = "limits.handshake_deadline", BEFORE_TUNNEL, Presence::Default("\"10s\"");

    /// From permit to the end of the client's request head; the same again for the server's answer.
    REQUEST_DEADLINE: Span = "limits.request_deadline", BEFORE_TUNNEL, Presence::Default("\"10s\"");

    /// Sessions at one time, all of them. Each needs two descriptors, and 256 are kept for everything else: a start is
    /// refused where the process may not open that many (`LimitNOFILE` of the unit).
    SESSIONS: Number = "limits.sessions",
        Number { min: 1, max: 524_160, why: "the kernel's fs.nr_open is 1,048,576 descriptors; less 256, two a session" },
        Presence::Default("20000");

    /// Connections that have no permit yet, at one time. When all places are taken, the newest connection of the source
    /// that has the most makes room for one of a source that has fewer: a flood displaces itself. If all sources have
    /// the same number, the connection that has waited longest makes room, after two seconds at the earliest. 1,024
    /// handshakes of a millisecond each are a second of one processor.
    HANDSHAKES_IN_FLIGHT: Number = "limits.handshakes_in_flight",
        Number { min: 1, max: 65_536, why: "each may hold 32 KiB of a stranger's input: 2 GiB in all" }, Presence::Default("1024");

    /// Connections of one source (an IPv4 address, an IPv6 /64) that have not been admitted yet. Tunnels are not counted:
    /// many clients share the address of one NAT.
    UNAUTHENTICATED_PER_SOURCE: Number = "limits.unauthenticated_per_source",
        Number { min: 1, max: 65_535, why: "one address has no more ports" }, Presence::Default("64");

    /// New connections per second of one source that have not been admitted yet. More are closed as `rate_limited`.
    UNAUTHENTICATED_RATE: OrOff<Rate> = "limits.unauthenticated_rate_per_source",
        OrOff(Rate { max: 100_000, why: "no gateway accepts more; \"off\" says the same" }), Presence::Default("\"off\"");

    /// Tunnels of one identity. A client that reconnects overlaps with its dead tunnel, perhaps with two; one more is for
    /// a change of network at the same moment.
    TUNNELS_PER_IDENTITY: Number = "limits.tunnels_per_identity",
        Number { min: 1, max: 1_000, why: "one machine needs one; more is a shared certificate" }, Presence::Default("4");

    /// A tunnel in which no byte moved for this long is closed. Windows' own listener had two minutes, which cut live
    /// clients until a fix (KB2535133). IPsec re-keys every hour.
    IDLE: Span = "limits.idle",
        Span { min: SECOND, max: DAY.saturating_mul(30), why: "shorter cuts slow links, longer keeps the dead" },
        Presence::Default("\"1h\"");

    /// The same for a tunnel of which one direction is closed.
    HALF_CLOSED_IDLE: Span = "limits.half_closed_idle",
        Span { min: Duration::from_millis(100), max: DAY, why: "the rest of an answer, and no tunnel" },
        Presence::Default("\"60s\"");

    /// A tunnel is closed after this long, however busy. The client connects again within half a minute and is judged
    /// again. Live authorization does not need it.
    LIFETIME: OrOff<Span> = "limits.lifetime",
        OrOff(Span { min: SECOND, max: DAY.saturating_mul(365), why: "a year is for ever" }), Presence::Default("\"off\"");

    /// SIGTERM and `ravelin drain`: stop accepting, wait this long for tunnels to end, close the rest with close_notify.
    DRAIN_DEADLINE: Span = "limits.drain_deadline",
        Span { min: Duration::ZERO, max: DAY, why: "a service manager waits less; keep TimeoutStopSec above it" },
        Presence::Default("\"30s\"");
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const BEFORE_TUNNEL: Span = Span {
    min: Duration::from_millis(100),
    max: Duration::from_secs(120),
    why: "a round trip by satellite takes 600ms; a stranger may hold a place as long as this",
};

pub(crate) fn read(root: &Table<'_>) -> Option<LimitsConfig> {
    let table = root.section(&LIMITS);
    let handshake_deadline = table.read(&HANDSHAKE_DEADLINE);
    let request_deadline = table.read(&REQUEST_DEADLINE);
    let sessions = table.read(&SESSIONS);
    let handshakes_in_flight = table.read(&HANDSHAKES_IN_FLIGHT);
    let unauthenticated_per_source = table.read(&UNAUTHENTICATED_PER_SOURCE);
    let unauthenticated_rate_per_source = table.read(&UNAUTHENTICATED_RATE);
    let tunnels_per_identity = table.read(&TUNNELS_PER_IDENTITY);
    let idle = table.read(&IDLE);
    let half_closed_idle = table.read(&HALF_CLOSED_IDLE);
    let lifetime = table.read(&LIFETIME);
    let drain_deadline = table.read(&DRAIN_DEADLINE);
    let limits = LimitsConfig {
        handshake_deadline: handshake_deadline?,
        request_deadline: request_deadline?,
        sessions: sessions?,
        handshakes_in_flight: handshakes_in_flight?,
        unauthenticated_per_source: unauthenticated_per_source?,
        unauthenticated_rate_per_source: unauthenticated_rate_per_source?,
        tunnels_per_identity: tunnels_per_identity?,
        idle: idle?,
        half_closed_idle: half_closed_idle?,
        lifetime: lifetime?,
        drain_deadline: drain_deadline?,
    };
    warn(&table, &limits);
    Some(limits)
}

/// Values that are good each for itself and odd together.
fn warn(table: &Table<'_>, limits: &LimitsConfig) {
    if limits.idle < IDLE_SHORT && table.has(&IDLE) {
        table.place_of(&IDLE).warn("is shorter than two minutes: quiet clients lose their tunnel, as under KB2535133");
    }
    if limits.half_closed_idle > limits.idle {
        let text = format!("is longer than `idle` ({}), which ends the tunnel first", duration_text(limits.idle));
        table.place_of(&HALF_CLOSED_IDLE).warn(text);
    }
    if limits.unauthenticated_per_source > limits.handshakes_in_flight {
        let place = table.place_of(&UNAUTHENTICATED_PER_SOURCE);
        place.warn("is more than `handshakes_in_flight`: one source can keep everybody else out");
    }
}

/// What http.sys has by default.
const IDLE_SHORT: Duration = Duration::from_secs(120);
