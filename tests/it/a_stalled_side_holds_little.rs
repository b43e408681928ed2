//! What is offered to a side that takes nothing stays with the sender: the gateway holds a buffer's worth, and the kernel
//! two sockets' worth for it, in each direction.

use std::process::Command;
use std::time::Duration;

use ravelin_lab::client::Client;
use ravelin_lab::server::{Body, ServerSpec};
use tokio::task::JoinSet;

use crate::support::{NAME, Process, Setup, run, skip};

/// User memory for one stalled tunnel, and what the allocator rounds it up to.
const USER_BYTES_MAX: i64 = 64 * 1024 + 16 * 1024;
/// Kernel memory of both of a tunnel's sockets.
const KERNEL_BYTES_MAX: u64 = 2 << 20;
/// So many stalled tunnels, so that one page more or less does not matter.
const TUNNELS: usize = 20;
/// Offered to each: far more than everything on the way can take.
const OFFERED: u64 = 64 << 20;

/// What the kernel holds for the sockets of a process: received and not read, sent and not acknowledged.
fn kernel_bytes(pid: u32) -> Option<u64> {
    let output = run(Command::new("ss").args(["-H", "-t", "-n", "-m", "-p"]))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let owner = format!("pid={pid},");
    let mut held = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let ours = line.contains(&owner);
        let Some(memory) = lines.next_if(|next| next.trim_start().starts_with("skmem:")) else { continue };
        for field in memory.trim().trim_start_matches("skmem:(").trim_end_matches(')').split(',').filter(|_| ours) {
            // r: allocated for reading; w: for writing (`wmem_queued`).
            if let Some(bytes) = field.strip_prefix('r').or_else(|| field.strip_prefix('w')) {
                held += bytes.parse::<u64>().unwrap_or(0);
            }
        }
    }
    Some(held)
}

/// Once it stands still.
async fn held_at_rest(process: &Process) -> (i64, u64) {
    let mut before = (0, 0);
    for _ in 0..120 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = (process.resident_bytes(), kernel_bytes(process.id()).unwrap());
        if now == before {
            break;
        }
        before = now;
    }
    before
}

#[tokio::test(flavor = "multi_thread")]
async fn either_way() {
    if run(Command::new("ss").arg("-V")).is_none() {
        return skip("a_stalled_side_holds_little", "no ss here");
    }
    for (direction, body) in [
        ("to a server that reads nothing", Body::Stall),
        ("to a client that reads nothing", Body::Bulk { send: OFFERED }),
    ] {
        let (user, kernel) = stalled(body).await;
        println!("{direction}: {user} bytes of user memory, {kernel} of the kernel's, each");
        assert!(user <= USER_BYTES_MAX, "{direction}: {user} bytes of user memory each");
        assert!(kernel > 16 * 1024, "{direction}: nothing waits in the kernel, so nothing was stalled");
        assert!(kernel <= KERNEL_BYTES_MAX, "{direction}: {kernel} bytes of kernel memory each");
    }
}

/// What each stalled tunnel takes more than one at rest: user memory, and the kernel's.
async fn stalled(body: Body) -> (i64, u64) {
    let setup = Setup::new().set("log", "level", "\"error\"").set("limits", "tunnels_per_identity", "100");
    let setup = setup.set("pools.main", "upstream", r#"{ mode = "offload" }"#).set("threads", "relay", "1");
    let server = ServerSpec::plain().body(Body::Echo).start().await.unwrap();
    let process = Process::start(setup.servers(&[server.address()]));
    let client = Client::new(process.address(), NAME).deadline(Duration::from_secs(120));
    let client = client.certificate(&process.setup.estate().clients.healthy);
    // The thread's shared buffers, and the memory of as many tunnels as there will be.
    let mut resting = Vec::new();
    for _ in 0..TUNNELS {
        let mut tunnel = client.connect().await.unwrap();
        tunnel.send(&[7; 100_000]).await.unwrap();
        tunnel.receive(100_000).await.unwrap();
        resting.push(tunnel);
    }
    let at_rest = held_at_rest(&process).await;
    drop(resting);
    process.wait_until("no tunnels", || process.ask_json(&["status"])["tunnels"] == 0);

    let to_server = matches!(body, Body::Stall);
    server.serve(body);
    let mut senders = JoinSet::new();
    for _ in 0..TUNNELS {
        let tunnel = client.connect().await.unwrap();
        senders.spawn(async move {
            if to_server {
                // It ends when the tunnel is cut off.
                let _ = tunnel.send(&vec![7; usize::try_from(OFFERED).unwrap()]).await;
            }
            std::future::pending::<()>().await;
            drop(tunnel);
        });
    }
    let (user, kernel) = held_at_rest(&process).await;
    let tunnels = i64::try_from(TUNNELS).unwrap();
    ((user - at_rest.0) / tunnels, kernel.saturating_sub(at_rest.1) / tunnels.unsigned_abs())
}
