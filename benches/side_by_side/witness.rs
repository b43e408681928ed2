//! Says when the host gave this machine no time.
//!
//! On a shared host a virtual processor stands still now and then, for milliseconds, whoever runs on it; the slowest
//! hundredth of all packets are then those that were under way, and their time says nothing of the product. A thread on
//! each processor, before which the kernel lets no other go (`SCHED_FIFO`), sleeps for a millisecond at a time: when it
//! wakes late, the processor stood still.

use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};

/// Watches every processor until it is ended.
pub(crate) struct Witness {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<Vec<Stall>>>>,
}

/// A processor stood still within this time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stall {
    from: Instant,
    to: Instant,
}

/// A packet's way there and back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trip {
    pub(crate) sent: Instant,
    pub(crate) took: Duration,
}

impl Witness {
    /// Returns when all of them watch.
    pub(crate) fn start() -> io::Result<Witness> {
        let allowed = sched_getaffinity(None)?;
        let processors: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|number| allowed.is_set(*number)).collect();
        let over = Arc::new(AtomicBool::new(false));
        let ready = Arc::new(Barrier::new(processors.len() + 1));
        let threads = processors
            .into_iter()
            .map(|processor| (processor, over.clone(), ready.clone()))
            .map(|(processor, over, ready)| std::thread::spawn(move || watch(processor, &over, &ready)))
            .collect();
        ready.wait();
        Ok(Witness { over, threads })
    }

    /// What they saw.
    ///
    /// # Errors
    /// They were not let before all others: that takes root and CAP_SYS_NICE.
    pub(crate) fn end(self) -> io::Result<Vec<Stall>> {
        self.over.store(true, Ordering::Relaxed);
        let ended = self
            .threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("a witness panicked"))));
        let mut stalls = Vec::new();
        for seen in ended {
            stalls.extend(seen?);
        }
        Ok(stalls)
    }
}

/// Trips during which no processor stood still.
pub(crate) fn undisturbed(trips: &[Trip], stalls: &[Stall]) -> Vec<Trip> {
    let meets = |trip: &Trip, stall: &Stall| trip.sent < stall.to && stall.from < trip.sent + trip.took;
    trips.iter().filter(|trip| !stalls.iter().any(|stall| meets(trip, stall))).copied().collect()
}

fn watch(processor: usize, over: &AtomicBool, ready: &Barrier) -> io::Result<Vec<Stall>> {
    let placed = place(processor);
    ready.wait();
    placed?;
    let (mut stalls, mut awake) = (Vec::new(), Instant::now());
    while !over.load(Ordering::Relaxed) {
        let due = awake + NAP;
        std::thread::sleep(NAP);
        let from = std::mem::replace(&mut awake, Instant::now());
        if awake > due + LATE {
            // When in that time it began cannot be known.
            stalls.push(Stall { from, to: awake });
        }
    }
    Ok(stalls)
}

/// Puts this thread on the processor, before all others.
fn place(processor: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(processor);
    sched_setaffinity(None, &only)?;
    // util-linux's; the system call would need `unsafe`.
    let thread = gettid().as_raw_nonzero().to_string();
    let said = Command::new("chrt").args(["--fifo", "--pid", "50", &thread]).output();
    let said = said.map_err(|error| io::Error::other(format!("chrt: {error}")))?;
    if said.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&said.stderr).trim().to_owned()))
    }
}

const NAP: Duration = Duration::from_millis(1);
/// An undisturbed thread is some 0.1 ms late here.
const LATE: Duration = Duration::from_micros(250);
