//! What a product uses, as the kernel counts it.

use std::io;
use std::time::Duration;

/// A product's processes.
pub(crate) struct Meter {
    pids: Vec<u32>,
    ticks_per_second: f64,
}

impl Meter {
    /// The process and its workers, which it may still be starting: it may take connections before.
    pub(crate) fn of(pid: u32, workers: usize) -> io::Result<Meter> {
        for _ in 0..LOOKS_MAX {
            let meter = Meter::of_now(pid)?;
            if meter.pids.len() > workers {
                return Ok(meter);
            }
            std::thread::sleep(LOOK);
        }
        Err(io::Error::other(format!("process {pid} has not started its {workers} workers")))
    }

    fn of_now(pid: u32) -> io::Result<Meter> {
        let mut pids = vec![pid];
        for entry in std::fs::read_dir("/proc")? {
            let Some(child) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // One that has ended meanwhile is none of ours.
            let parent = stat(child).ok().and_then(|fields| fields.get(PARENT)?.parse::<u32>().ok());
            if parent == Some(pid) {
                pids.push(child);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "it is 100")]
        let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
        Ok(Meter { pids, ticks_per_second })
    }

    /// CPU seconds so far, user and system, threads that have ended included. In steps of a tick (10 ms).
    pub(crate) fn cpu(&self) -> io::Result<f64> {
        let mut ticks = 0.0;
        for pid in &self.pids {
            let fields = stat(*pid)?;
            for field in [USER_TICKS, SYSTEM_TICKS] {
                ticks += fields.get(field).and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN);
            }
        }
        Ok(ticks / self.ticks_per_second)
    }

    /// CPU seconds of the threads that there are, to the nanosecond.
    pub(crate) fn running(&self) -> io::Result<f64> {
        self.threads("")
    }

    /// Descriptors that are open.
    pub(crate) fn descriptors(&self) -> io::Result<usize> {
        let count = |pid: &u32| Ok(std::fs::read_dir(format!("/proc/{pid}/fd"))?.count());
        self.pids.iter().map(count).sum()
    }

    /// CPU seconds of the threads whose name begins so.
    pub(crate) fn threads(&self, name: &str) -> io::Result<f64> {
        let mut seconds = 0.0;
        for pid in &self.pids {
            for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
                let folder = thread?.path();
                if std::fs::read_to_string(folder.join("comm"))?.starts_with(name) {
                    let spent = std::fs::read_to_string(folder.join("schedstat"))?;
                    let nanoseconds = spent.split(' ').next().and_then(|field| field.parse::<f64>().ok());
                    seconds += nanoseconds.unwrap_or(f64::NAN) / 1e9;
                }
            }
        }
        Ok(seconds)
    }

    /// User memory: resident pages that belong to no file.
    pub(crate) fn memory(&self) -> io::Result<f64> {
        let mut kibibytes = 0.0;
        for pid in &self.pids {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
            kibibytes += line.trim().trim_end_matches(" kB").parse::<f64>().map_err(io::Error::other)?;
        }
        Ok(kibibytes * 1024.0)
    }
}

/// Fields of `/proc/PID/stat` after the name, which may hold blanks (proc_pid_stat(5), from field 3 on).
fn stat(pid: u32) -> io::Result<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = text.rsplit_once(')').unwrap_or_default();
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

const LOOK: Duration = Duration::from_millis(10);
const LOOKS_MAX: u32 = 500;
const PARENT: usize = 4 - 3;
const USER_TICKS: usize = 14 - 3;
const SYSTEM_TICKS: usize = 15 - 3;
