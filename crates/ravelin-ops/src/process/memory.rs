//! Gives memory back to the system when many sessions have gone. The C library keeps what was freed in the middle of its
//! arenas for later; after ten thousand tunnels that is a hundred megabytes that nothing else on the machine can have.

use std::hint::black_box;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

/// Decides when it is worth the trouble.
#[derive(Debug, Default)]
pub struct Trimmer {
    /// Most sessions since the last time.
    most: usize,
    /// At the last look.
    before: usize,
    last: Option<Instant>,
}

impl Trimmer {
    /// Looks at the number of sessions, once a second or so. True when so many have gone that memory should be given back
    /// now.
    pub fn look(&mut self, sessions: usize, now: Instant) -> bool {
        self.most = self.most.max(sessions);
        let gone = self.most - sessions;
        let rested = self.last.is_none_or(|last| now.saturating_duration_since(last) >= REST);
        // While they are going, the most is still to come.
        let settled = self.before.saturating_sub(sessions) < GONE_MIN;
        self.before = sessions;
        let worth_it = rested && settled && gone >= GONE_MIN && gone >= self.most / 8;
        if worth_it {
            (self.most, self.last) = (sessions, Some(now));
        }
        worth_it
    }
}

/// Pins what the C library would else raise whenever something large is freed (to 64 MB after a large directory was read): how
/// much it leaves at the end of each arena. For the first moment of the program, before there are threads.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "mallopt has no safe form. Test: tests/system/many_tunnels_leave_nothing.sh")]
pub fn pin() {
    for (parameter, bytes) in [(libc::M_TRIM_THRESHOLD, END), (libc::M_TOP_PAD, END_LEFT)] {
        // SAFETY: mallopt(3) takes two numbers and may be called while no other thread is there. That it refuses costs memory.
        unsafe { libc::mallopt(parameter, bytes) };
    }
}

/// Other C libraries have nothing to pin.
#[cfg(not(target_env = "gnu"))]
pub fn pin() {}

/// Gives back every whole page that is free in any thread's arena. Takes some milliseconds for each hundred megabytes, and
/// a thread that allocates meanwhile waits for its own arena's part.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "malloc_trim has no safe form. Test: tests/system/many_tunnels_leave_nothing.sh")]
pub fn give_back() {
    // SAFETY: malloc_trim(3) may be called at any time by any thread; it touches nothing but free memory.
    unsafe { libc::malloc_trim(0) };
}

/// Other C libraries give back what is freed, or have no way to ask.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}

/// The same, and what these threads keep of freed memory for their own next use (glibc's "tcache"): seven blocks of each small
/// size, each on some page of the crowd's that could go otherwise; a megabyte for each thread. Blocks until they have handed
/// it over, a moment at most.
pub fn give_back_of(threads: &[Handle]) {
    // First, so that there is less that a thread could refill itself from.
    give_back();
    let caches = ask(threads, take_cache);
    // What a thread frees it keeps; a thread that ends keeps nothing.
    let ending = std::thread::Builder::new().name("memory".to_owned()).spawn(move || drop(caches));
    // Without a thread the closure was dropped, here: no worse than not to have asked.
    let _ = ending.map(JoinHandle::join);
    ask(threads, give_back_end);
    give_back();
}

/// What each of these threads says that comes to it in time.
fn ask<T: Send + 'static>(threads: &[Handle], question: fn() -> T) -> Vec<T> {
    let (answer, answers) = mpsc::channel();
    for thread in threads {
        let answer = answer.clone();
        // A gateway that stops takes nothing.
        thread.spawn(async move { answer.send(question()).unwrap_or_default() });
    }
    drop(answer);
    let until = Instant::now() + PATIENCE;
    let patience = || until.saturating_duration_since(Instant::now());
    std::iter::from_fn(|| answers.recv_timeout(patience()).ok()).take(threads.len()).collect()
}

/// Has the end of this thread's arena given back, which [`give_back`] passes over.
fn give_back_end() {
    // Seen by somebody, or the compiler would leave out what nobody uses.
    drop(black_box([(); 2].map(|()| Vec::<u8>::with_capacity(END_HALF))));
}

/// Every block that this thread keeps for itself, and as many new ones as it could keep.
fn take_cache() -> Vec<Vec<u8>> {
    let sizes = (0..CACHE_SIZES).map(|size| CACHE_LEAST + CACHE_STEP * size);
    sizes.flat_map(|size| std::iter::repeat_with(move || Vec::with_capacity(size)).take(CACHE_EACH)).collect()
}

/// What a glibc thread keeps for itself: so many sizes from the least on, these bytes apart, and so many blocks of each.
const CACHE_SIZES: usize = 64;
const CACHE_LEAST: usize = 24;
const CACHE_STEP: usize = 16;
const CACHE_EACH: usize = 7;
/// So many bytes at the end of an arena are given back when something large is freed there, but for these few.
#[cfg(target_env = "gnu")]
const END: libc::c_int = 128 << 10;
#[cfg(target_env = "gnu")]
const END_LEFT: libc::c_int = 8 << 10;
/// Two of these at the end of an arena are more than that, and neither is so large that it comes from elsewhere.
const END_HALF: usize = (64 << 10) + 1;
/// A thread that has not come to it by then is busy, and keeps what it has.
const PATIENCE: Duration = Duration::from_millis(200);

/// Half a megabyte of handshakes, some megabytes of tunnels.
const GONE_MIN: usize = 100;
/// While clients come and go all the time, memory given back is memory asked for again.
const REST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_when_many_have_gone_and_not_all_the_time() {
        let start = Instant::now();
        let mut trimmer = Trimmer::default();
        for (second, sessions, expected) in [
            (0, 0, false),
            (1, 5000, false),
            // Too few of so many.
            (2, 4401, false),
            (3, 4400, false),
            // They are going; they have gone.
            (4, 1000, false),
            (5, 500, false),
            (6, 450, true),
            // Too soon, however many.
            (7, 10, false),
            (15, 10, false),
            (16, 10, true),
            // Few.
            (40, 99, false),
            (41, 0, false),
            (42, 200, false),
            (43, 101, false),
            (44, 100, true),
        ] {
            assert_eq!(trimmer.look(sessions, start + Duration::from_secs(second)), expected, "second {second}");
        }
    }
}
