//! `[threads]`.

use std::num::NonZeroUsize;

use crate::config::ThreadsConfig;
use crate::config::declare::{Presence, keys};
use crate::config::forms::{Number, Section, Words};
use crate::config::reader::Table;

keys! {
    /// Threads. Strangers are met on other threads than tunnels are relayed on.
    THREADS: Section = "threads", Section { words: Words::NONE }, Presence::Optional;

    /// Threads that relay tunnels; 0: one for each core.
    RELAY: Number = "threads.relay", Number { min: 0, max: THREADS_MAX, why: THREADS_WHY }, Presence::Default("0");

    /// Threads that shake hands and decide; 0: half the cores, at least one.
    HANDSHAKE: Number = "threads.handshake", Number { min: 0, max: THREADS_MAX, why: THREADS_WHY }, Presence::Default("0");
}

const THREADS_MAX: u64 = 1_024;
const THREADS_WHY: &str = "more threads than cores gain nothing";

pub(crate) fn read(root: &Table<'_>) -> Option<ThreadsConfig> {
    let table = root.section(&THREADS);
    let (relay, handshake) = (table.read(&RELAY), table.read(&HANDSHAKE));
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let or = |count: usize, default: usize| if count == 0 { default } else { count };
    Some(ThreadsConfig { relay: or(relay?, cores), handshake: or(handshake?, (cores / 2).max(1)) })
}
