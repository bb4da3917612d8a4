//! What the echo server asks of Rust's allocator for one datagram, and where:
//! `cargo bench --bench allocations`. It fails where that is more than stated here.
//!
//! The server runs in this process and on this thread, the load beside it. OpenSSL takes its
//! memory from C's allocator, which is not counted.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod server;
mod sites;

use std::{
    env, fs,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

use dhat::{HeapStats, Profiler};
use dtls_session::Listener;
use sites::Site;
use tokio::{runtime, time::sleep};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    println!("allocations a datagram, by Rust's allocator; what OpenSSL allocates is not counted");
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let bench = env::args().any(|arg| arg == "--bench");
    let datagrams = if bench { DATAGRAMS } else { FEW_DATAGRAMS };
    let mut failed = false;
    let works = if env::args().any(|arg| arg == "idle") {
        &[]
    } else {
        WORKS
    };
    for work in works {
        let (sample, sites) = runtime.block_on(measure(work, datagrams));
        println!("\n{}", work.name);
        println!(
            "  {:.4} allocations, {:.1} bytes a datagram, of {} datagrams",
            sample.allocations, sample.bytes, sample.datagrams
        );
        for site in sites {
            if let Some(text) = site.a_datagram(sample.datagrams) {
                println!("{text}");
            }
        }
        failed |= sample.allocations > MOST;
    }
    let sessions = if bench { SESSIONS } else { FEW_SESSIONS };
    let (kept, sites) = runtime.block_on(keep(sessions));
    println!("\n{kept:.0} bytes are kept for each of {sessions} idle sessions");
    for text in sites.iter().filter_map(|site| site.a_session(sessions)) {
        println!("{text}");
    }
    if bench && kept > MOST_KEPT {
        eprintln!("error: {MOST_KEPT} bytes may be kept for a session");
        return ExitCode::FAILURE;
    }
    if failed {
        eprintln!("error: there may be {MOST} allocations a datagram");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

struct Work {
    name: &'static str,
    flags: &'static [&'static str],
}

const WORKS: &[Work] = &[
    Work {
        name: "one request of 64 bytes at a time",
        flags: &["echo", "--sessions", "1", "--window", "1"],
    },
    Work {
        name: "100 sessions with 8 requests of 64 bytes in flight",
        flags: &["echo"],
    },
    Work {
        name: "one session with 64 requests of 1200 bytes in flight",
        flags: &["bulk", "--max-loss", "100"],
    },
];

/// What was counted, a datagram.
struct Sample {
    datagrams: u64,
    allocations: f64,
    bytes: f64,
}

async fn measure(work: &Work, datagrams: u64) -> (Sample, Vec<Site>) {
    let listener = server::start();
    let load = Load::start(work.flags, &listener);
    // Handshakes, and whatever grows once.
    reach(&listener, WARM_UP).await;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("allocations.json");
    let profiler = Profiler::builder()
        .file_name(&file)
        .trim_backtraces(Some(FRAMES))
        .build();
    let before = listener.endpoint_stats().received;
    reach(&listener, before + datagrams).await;
    let heap = HeapStats::get();
    let datagrams = listener.endpoint_stats().received - before;
    // Writes the file.
    drop(profiler);
    drop(load);
    let sites = Site::read(&fs::read(file).unwrap());
    let sample = Sample {
        datagrams,
        allocations: heap.total_blocks as f64 / datagrams as f64,
        bytes: heap.total_bytes as f64 / datagrams as f64,
    };
    (sample, sites)
}

async fn reach(listener: &Listener, received: u64) {
    while listener.endpoint_stats().received < received {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Returns how many bytes each of many sessions keeps while it is idle, and what for.
async fn keep(sessions: u64) -> (f64, Vec<Site>) {
    let listener = server::start();
    let idle = |sessions: u64| {
        let text = sessions.to_string();
        Load::start(&["idle", "--sessions", &text], &listener)
    };
    // Tables grow by halves, so what they have room for belongs to all.
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kept.json");
    let profiler = Profiler::builder()
        .file_name(&file)
        .trim_backtraces(Some(FRAMES))
        .build();
    let load = idle(sessions);
    while listener.stats().sessions < sessions as usize {
        sleep(Duration::from_millis(5)).await;
    }
    sleep(SETTLED).await;
    drop(profiler);
    drop(load);
    let mut sites = Site::read(&fs::read(file).unwrap());
    sites.sort_by_key(|site| std::cmp::Reverse(site.kept()));
    let kept: u64 = sites.iter().map(Site::kept).sum();
    (kept as f64 / sessions as f64, sites)
}

/// The load generator, until it is dropped.
struct Load(Child);

impl Load {
    fn start(flags: &[&str], listener: &Listener) -> Self {
        let load = Command::new(env!("CARGO_BIN_EXE_dtls-echo-load"))
            .arg(listener.local_addr().to_string())
            .args(flags)
            .args(["--duration", "3600"])
            .stdout(Stdio::null())
            .spawn();
        Self(load.unwrap())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many allocations a datagram there may be: a buffer for each ten of them.
const MOST: f64 = 0.1;
/// Datagrams before anything is counted.
const WARM_UP: u64 = 10_000;
const DATAGRAMS: u64 = 50_000;
/// How many suffice for `cargo test --benches`.
const FEW_DATAGRAMS: u64 = 2_000;
const SESSIONS: u64 = 1000;
const FEW_SESSIONS: u64 = 50;
/// How many bytes may be kept for a session: of a thousand, with the 2 MB of buffers that all share.
const MOST_KEPT: f64 = 6500.0;
/// Who was busy with a handshake rests by then.
const SETTLED: Duration = Duration::from_secs(12);
/// How much of a backtrace is kept.
const FRAMES: usize = 40;
