//! What this process may use. A server that finds a way to waste it wastes this much, and once.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior, set_parent_process_death_signal, setrlimit,
};
use rustix::thread::set_no_new_privs;

use crate::failure::{FetchFailure, FetchProblem};

/// Sets every limit, or refuses to go on.
pub(super) fn confine() -> Result<(), FetchProblem> {
    let limits = [
        (Resource::As, MEMORY_BYTES_MAX),
        (Resource::Cpu, CPU_SECONDS_MAX),
        // A core file would hold the password.
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, DESCRIPTORS_MAX),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(|error| refused(&error))?;
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|error| refused(&error))?;
    set_no_new_privs(true).map_err(|error| refused(&error))?;
    // Nobody would take what it fetched.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| refused(&error))
}

fn refused(error: &rustix::io::Errno) -> FetchProblem {
    FetchProblem::new(FetchFailure::Crashed, format!("the system sets no limits: {error}"))
}

/// The largest message that is taken, twice while it grows, held values of as much, and the program.
const MEMORY_BYTES_MAX: u64 = 512 << 20;
/// Half a million accounts take some seconds.
const CPU_SECONDS_MAX: u64 = 120;
/// The controller, a name server or two, and the three that everybody has.
const DESCRIPTORS_MAX: u64 = 32;
