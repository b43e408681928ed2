//! What thousands of tunnels leave behind: opened, used, left idle and closed, and the process is as it was.

use std::io::{self, Write};
use std::time::Duration;

use crate::estate::Estate;
use crate::load;
use crate::product::Running;

/// Carries so many tunnels through ravelin, as many at a time as descriptors allow, and says `ok` or `not ok` for each
/// promise, a line each. True where all are kept.
pub(crate) async fn check(running: &Running, estate: &Estate, tunnels: usize) -> io::Result<bool> {
    let configs = (0..16).map(|number| estate.client(number, load::RECORD)).collect::<io::Result<Vec<_>>>()?;
    let (face, wave) = (running.faces.ecdsa, at_once(tunnels));
    // As in a gateway that has been in service: threads' caches and queues, and the allocator's first pages, are there.
    let warm = load::open_many(face, &configs, WARM_UP, load::RECORD, load::IDLE_RECORDS).await?;
    tokio::time::sleep(NOTICED).await;
    load::close_many(warm).await;
    tokio::time::sleep(SETTLED).await;
    let (descriptors, memory) = (running.meter.descriptors()?, running.meter.memory()?);
    let nobody = silence(running).await?;
    let (mut left, mut first) = (tunnels, None);
    while left > 0 {
        let count = left.min(wave);
        let opened = load::open_many(face, &configs, count, load::RECORD, load::IDLE_RECORDS).await?;
        // Later waves meet memory that was freed and not given back yet.
        if first.is_none() {
            #[expect(clippy::cast_precision_loss, reason = "thousands")]
            let each = (running.meter.memory()? - memory) / count as f64;
            first = Some((each, silence(running).await?));
        }
        load::close_many(opened).await;
        left -= count;
    }
    let (each, silent) = first.unwrap_or_default();
    let memory_max = (memory * MEMORY_BACK).max(memory + MEMORY_LEFT);
    let (descriptors_after, memory_after) = settle(running, descriptors, memory_max).await?;
    let mut kept = true;
    let mut say = |name: &str, holds: bool, figures: String| -> io::Result<()> {
        kept &= holds;
        writeln!(io::stdout(), "# {tunnels} tunnels, {wave} at a time: {figures}")?;
        writeln!(io::stdout(), "{} {name}", if holds { "ok" } else { "not ok" })
    };
    say(
        "descriptors are back",
        descriptors_after <= descriptors,
        format!("{descriptors} before, {descriptors_after} after"),
    )?;
    say(
        "memory is back",
        memory_after <= memory_max,
        format!("{:.0} kB before, {:.0} kB after", memory / 1e3, memory_after / 1e3),
    )?;
    say("an idle tunnel is small", each <= EACH_MAX, format!("{:.2} kB of user memory each", each / 1e3))?;
    say(
        "silent tunnels cost nothing",
        silent - nobody <= SILENT_MAX,
        format!("{:.4} % of a core, {:.4} % without any", silent * 100.0, nobody * 100.0),
    )?;
    Ok(kept)
}

/// Share of a core that is spent while nothing moves.
async fn silence(running: &Running) -> io::Result<f64> {
    let before = running.meter.running()?;
    tokio::time::sleep(SILENCE).await;
    Ok((running.meter.running()? - before) / SILENCE.as_secs_f64())
}

/// Waits until both are at most this, or for long enough for every timer of the product that gives back.
async fn settle(running: &Running, descriptors: usize, memory: f64) -> io::Result<(usize, f64)> {
    let mut found = (usize::MAX, f64::MAX);
    for _ in 0..SETTLING_SECONDS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        found = (running.meter.descriptors()?, running.meter.memory()?);
        if found.0 <= descriptors && found.1 <= memory && descriptors < usize::MAX {
            break;
        }
    }
    Ok(found)
}

/// Two descriptors a tunnel in either process, and some for everything else.
fn at_once(tunnels: usize) -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let descriptors = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    tunnels.min(descriptors.saturating_sub(600) / 2).min(SESSIONS)
}

const WARM_UP: usize = 500;
/// A look for memory to give back comes once a second: it must see them come, and then that they have gone.
const NOTICED: Duration = Duration::from_secs(2);
const SETTLED: Duration = Duration::from_secs(4);
const SILENCE: Duration = Duration::from_secs(60);
/// A look for memory to give back comes at most every ten seconds, and not on the second.
const SETTLING_SECONDS: usize = 15;
/// Of what it was before the first.
const MEMORY_BACK: f64 = 1.10;
/// Or so many bytes more, where that is more: 25 for each tunnel there was, in a process of three megabytes.
const MEMORY_LEFT: f64 = 524_288.0;
/// Bytes each; the promise is in the manual's table of figures.
const EACH_MAX: f64 = 8_000.0;
/// Of a core, besides what housekeeping takes without tunnels.
const SILENT_MAX: f64 = 0.001;
/// What the benchmark's settings allow, less the warm-up.
const SESSIONS: usize = 9_400;
