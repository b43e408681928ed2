//! `[threads]`.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::checked::ThreadsConfig;
use crate::declare::{Presence, keys};
use crate::forms::{Moment, Number, Section, Words};
use crate::table::Table;

keys! {
    /// Threads. Unauthenticated clients are served on other threads than tunnels.
    THREADS: Section = "threads", Section { words: Words::NONE }, Presence::Optional;

    /// Threads that relay tunnels; 0: one for each core.
    RELAY: Number = "threads.relay", Number { min: 0, max: THREADS_MAX, why: THREADS_WHY }, Presence::Default("0");

    /// Threads that do handshakes and decisions; 0: half the cores, at least one.
    HANDSHAKE: Number = "threads.handshake", Number { min: 0, max: THREADS_MAX, why: THREADS_WHY }, Presence::Default("0");

    /// How long a busy relay thread waits between two wake-ups, so that small packets merge: less CPU for each, up to this
    /// much later. A thread whose tunnels are read now and then never waits. `"0us"`: never.
    LINGER: Moment = "threads.linger", Moment { max: LINGER_MAX, why: LINGER_WHY }, Presence::Default("\"0us\"");
}

/// Longer waits were not measured, and are felt.
const LINGER_MAX: Duration = Duration::from_micros(100);
const LINGER_WHY: &str = "longer waits were not measured, and are felt";

/// Beyond the cores of the largest machines.
const THREADS_MAX: u64 = 1_024;
const THREADS_WHY: &str = "more threads than cores gain nothing";

pub(crate) fn read(root: &Table<'_>) -> Option<ThreadsConfig> {
    let table = root.section(&THREADS);
    let (relay, handshake, linger) = (table.read(&RELAY), table.read(&HANDSHAKE), table.read(&LINGER));
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let or = |count: usize, default: usize| if count == 0 { default } else { count };
    let (relay, handshake) = (or(relay?, cores), or(handshake?, (cores / 2).max(1)));
    table.place_of(&RELAY).note(relay.into());
    table.place_of(&HANDSHAKE).note(handshake.into());
    Some(ThreadsConfig { relay, handshake, linger: linger? })
}
