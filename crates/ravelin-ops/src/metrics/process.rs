//! What the kernel knows of this process, under the names that every dashboard knows. Read at each scrape from
//! `/proc/self`; what cannot be read keeps its last value.

use std::fs;

use prometheus::Registry;

use super::table::ProcessMetrics;

impl ProcessMetrics {
    pub(super) fn of_this_process(registry: &Registry) -> ProcessMetrics {
        let process = ProcessMetrics::register(registry);
        process.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        process
    }

    pub(super) fn read(&self) {
        let file = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        if let Some(seconds) = cpu_seconds(&file("stat")) {
            // Never down: a counter that falls panics.
            self.cpu_seconds.inc_by((seconds - self.cpu_seconds.get()).max(0.0));
        }
        let status = file("status");
        if let Some(kib) = field(&status, "VmRSS:") {
            self.resident_bytes.set(kib.saturating_mul(1024));
        }
        if let Some(threads) = field(&status, "Threads:") {
            self.threads.set(threads);
        }
        if let Some(max) = field(&file("limits"), "Max open files") {
            self.max_fds.set(max);
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            // The descriptor that lists them is one of them.
            self.open_fds.set(i64::try_from(entries.count()).unwrap_or(i64::MAX).saturating_sub(1));
        }
    }
}

/// The first number behind a name at a line's beginning.
fn field(text: &str, name: &str) -> Option<i64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// User and system time (proc_pid_stat(5), fields 14 and 15). The process' name, field 2, may hold spaces and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(system)) / TICKS_PER_SECOND)
}

/// USER_HZ: what `/proc` counts in, 100 on every architecture that Rust's standard library supports on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat() {
        let line = "42 (a b) c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 777 1 2";
        assert_eq!(cpu_seconds(line), Some(3.0));
        assert_eq!(cpu_seconds(""), None);
        assert_eq!(cpu_seconds("42 (x) S 1"), None);
    }

    #[test]
    fn fields() {
        let status = "Name:\tx\nVmRSS:\t   1234 kB\nThreads:\t9\n";
        assert_eq!(field(status, "VmRSS:"), Some(1234));
        assert_eq!(field(status, "Threads:"), Some(9));
        assert_eq!(field(status, "VmSwap:"), None);
        assert_eq!(
            field("Max open files            1024                 524288               files\n", "Max open files"),
            Some(1024)
        );
    }

    #[test]
    fn this_process() {
        let process = ProcessMetrics::of_this_process(&Registry::new());
        process.read();
        let before = process.open_fds.get();
        assert!(before >= 3 && process.max_fds.get() >= before, "{before} of {}", process.max_fds.get());
        assert!(process.resident_bytes.get() > 1024 * 1024);
        assert!(process.threads.get() >= 1);
        process.read();
        assert!(process.cpu_seconds.get() >= 0.0);
    }
}
