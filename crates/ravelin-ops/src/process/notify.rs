//! Tells systemd how the service is (sd_notify(3)); without `NOTIFY_SOCKET` every call does nothing.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt::Write, io};

use sd_notify::NotifyState;
use tokio::time::{Instant, sleep_until};

/// The service manager, or nobody; clones talk to the same.
#[derive(Clone, Default)]
pub struct Notifier {
    socket: Option<Arc<UnixDatagram>>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// From the environment that systemd set. A manager that cannot be reached is reported to the log and then left alone:
    /// it would not hear us anyway, and ends the start by its own deadline.
    pub fn from_env() -> Notifier {
        let Some(address) = std::env::var_os("NOTIFY_SOCKET") else { return Notifier::default() };
        match Notifier::to(&address, sd_notify::watchdog_enabled()) {
            Ok(notifier) => notifier,
            Err(error) => {
                tracing::warn!(socket = %address.display(), %error, "service manager cannot be reached");
                Notifier::default()
            }
        }
    }

    /// To a socket of the file system or, with a leading `@`, of the abstract name space. `watchdog` is the time in
    /// which the manager wants to hear of us.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn to(address: &OsStr, watchdog: Option<Duration>) -> io::Result<Notifier> {
        let socket = UnixDatagram::unbound()?;
        // A manager that does not read must not hold us up.
        socket.set_nonblocking(true)?;
        match address.as_bytes().strip_prefix(b"@") {
            Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
            None => socket.connect(address)?,
        }
        Ok(Notifier { socket: Some(Arc::new(socket)), watchdog })
    }

    /// The service is up, or a reload is over.
    pub fn ready(&self) {
        self.send(&[NotifyState::Ready]);
    }

    /// A reload begins; [`Notifier::ready`] ends it, accepted or not. The time is what `Type=notify-reload` asks for.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[NotifyState::Reloading, now]),
            Err(error) => tracing::warn!(%error, "monotonic clock cannot be read"),
        }
    }

    /// The service drains and will end.
    pub fn stopping(&self) {
        self.send(&[NotifyState::Stopping]);
    }

    /// One line for `systemctl status`.
    pub fn status(&self, text: &str) {
        // A line end would begin another assignment.
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.send(&[NotifyState::Status(&line)]);
    }

    /// The signs of life that the manager asks for, if it does.
    pub fn watchdog(&self) -> Watchdog {
        let period = self.watchdog.map(|watchdog| watchdog / 2);
        Watchdog { notifier: self.clone(), next: period.map(|period| (period, Instant::now())) }
    }

    fn send(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else { return };
        let mut message = String::new();
        for state in states {
            // Writing to a String cannot fail.
            let _ = writeln!(message, "{state}");
        }
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::warn!(%error, "service manager was not told");
        }
    }
}

/// Signs of life for the manager's watchdog. Tick it from the loop whose health matters.
pub struct Watchdog {
    notifier: Notifier,
    /// Half of what the manager asks for, as sd_watchdog_enabled(3) recommends, and when.
    next: Option<(Duration, Instant)>,
}

impl Watchdog {
    /// Waits until a sign of life is due; for ever where none is asked for. May be dropped and called again without
    /// losing its place.
    pub async fn due(&mut self) {
        let Some((period, due)) = &mut self.next else { return std::future::pending().await };
        sleep_until(*due).await;
        *due = Instant::now() + *period;
    }

    /// Gives the sign of life.
    pub fn beat(&self) {
        self.notifier.send(&[NotifyState::Watchdog]);
    }

    /// How long the process may take to find out whether it lives: half of what is left when a sign is due.
    pub fn patience(&self) -> Duration {
        self.next.map_or(Duration::ZERO, |(period, _)| period / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service manager, and a notifier that talks to it.
    fn manager(watchdog: Option<Duration>) -> (UnixDatagram, Notifier) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        (manager, Notifier::to(path.as_os_str(), watchdog).unwrap())
    }

    fn hear(manager: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_life() {
        let (manager, notifier) = manager(None);
        notifier.ready();
        assert_eq!(hear(&manager), "READY=1\n");
        notifier.reloading();
        let reloading = hear(&manager);
        let stamp = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|rest| rest.strip_suffix('\n'));
        assert!(stamp.is_some_and(|stamp| stamp.parse::<u64>().is_ok_and(|stamp| stamp > 0)), "{reloading:?}");
        notifier.status("3 tunnels\nMAINPID=1");
        assert_eq!(hear(&manager), "STATUS=3 tunnels MAINPID=1\n");
        notifier.stopping();
        assert_eq!(hear(&manager), "STOPPING=1\n");
    }

    #[test]
    fn an_abstract_socket() {
        let name = format!("ravelin-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        Notifier::to(OsStr::new(&format!("@{name}")), None).unwrap().ready();
        assert_eq!(hear(&manager), "READY=1\n");
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_come_twice_as_often_as_asked_for() {
        let (manager, notifier) = manager(Some(Duration::from_secs(30)));
        let mut watchdog = notifier.watchdog();
        let start = Instant::now();
        watchdog.due().await;
        watchdog.beat();
        assert_eq!(start.elapsed(), Duration::ZERO);
        // A loop that does other things in between starts the wait anew each time, and must not put it off for ever.
        for _ in 0..14 {
            assert!(tokio::time::timeout(Duration::from_secs(1), watchdog.due()).await.is_err());
        }
        watchdog.due().await;
        watchdog.beat();
        assert!(start.elapsed() <= Duration::from_secs(16), "{:?}", start.elapsed());
        assert_eq!(hear(&manager) + &hear(&manager), "WATCHDOG=1\nWATCHDOG=1\n");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_without_a_service_manager() {
        let notifier = Notifier::default();
        notifier.ready();
        notifier.stopping();
        let mut watchdog = notifier.watchdog();
        assert!(tokio::time::timeout(Duration::from_secs(3600), watchdog.due()).await.is_err());
    }

    #[test]
    fn a_manager_that_does_not_read_holds_nobody_up() {
        let (_manager, notifier) = manager(None);
        for _ in 0..10_000 {
            notifier.ready();
        }
    }

    #[test]
    fn a_manager_that_is_not_there_is_an_error() {
        assert!(Notifier::to(OsStr::new("/nonexistent/notify"), None).is_err());
    }
}
