//! A gateway in a process of its own, where what the process uses is the matter: memory, processor, descriptors.
//!
//! The child is this very test binary, told to run [`body`] and nothing else. Configuration, files and stand-ins belong to
//! the parent.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use ravelin_gateway::server;
use ravelin_lab::client::Client;
use ravelin_lab::pki::Estate;
use ravelin_ops::metrics::Metrics;
use ravelin_ops::record_sink::RecordSink;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{NAME, Setup};

/// The process. Ends when dropped.
pub struct ChildGate {
    /// Where clients connect.
    pub address: SocketAddr,
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    setup: Setup,
}

impl ChildGate {
    /// Starts it.
    pub fn start(setup: Setup) -> ChildGate {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "support::child::body", "--ignored", "--nocapture"])
            .env(CONFIG, setup.write())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut gate = ChildGate { address: SocketAddr::from(([0; 4], 0)), child, orders, answers, setup };
        gate.address = gate.read_answer().parse().unwrap();
        gate
    }

    /// What the estate's certificates are.
    pub fn estate(&self) -> &Estate {
        self.setup.estate()
    }

    /// A client without a certificate.
    pub fn client(&self) -> Client {
        Client::new(self.address, NAME).trust(&self.estate().root)
    }

    /// Lets the process open descriptors only so far above its highest one; how many are free then. `None`: as far as before.
    pub fn allow_descriptors(&mut self, more: Option<u64>) -> usize {
        let order = more.map_or("free".to_owned(), |more| more.to_string());
        writeln!(self.orders, "{order}").unwrap();
        self.read_answer().parse().unwrap()
    }

    /// Resident memory, bytes.
    pub fn resident_bytes(&self) -> i64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<i64>().unwrap() * 1024
    }

    /// Processor time used, user and system, in ticks of 10 ms.
    pub fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Fields 14 and 15 of proc_pid_stat(5); the name in field 2 may hold anything but ends with the last `)`.
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    fn read_answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "the child has gone");
            // The test harness writes to the same stream, without line ends.
            if let Some((_, answer)) = line.split_once(MARK) {
                return answer.trim_end().to_owned();
            }
        }
    }
}

impl Drop for ChildGate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "what ChildGate runs in its process; nothing by itself"]
fn body() {
    let Some(file) = std::env::var_os(CONFIG) else { return };
    let loaded = ravelin_config::load(file.as_ref()).unwrap_or_else(|problems| panic!("{problems:?}"));
    let sinks: Vec<Box<dyn RecordSink>> = Vec::new();
    let running = server::start(loaded, Arc::new(Metrics::new()), sinks).unwrap_or_else(|all| panic!("{all:?}"));
    let before = getrlimit(Resource::Nofile);
    println!("{MARK}{}", running.addresses("edge")[0]);
    for order in std::io::stdin().lines() {
        let open = descriptors();
        let current = match order.unwrap().parse::<u64>() {
            Ok(more) => Some(open.iter().max().unwrap() + 1 + more),
            Err(_) => before.current,
        };
        setrlimit(Resource::Nofile, Rlimit { current, ..before }).unwrap();
        println!("{MARK}{}", current.unwrap_or(0).saturating_sub(open.len() as u64));
    }
}

fn descriptors() -> Vec<u64> {
    let listing = std::fs::read_dir("/proc/self/fd").unwrap();
    // The listing's own descriptor is among them, and is free again when this returns.
    listing.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok()).collect()
}

const CONFIG: &str = "RAVELIN_CHILD_CONFIG";
const MARK: &str = "child: ";
