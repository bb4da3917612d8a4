//! Our echo server beside a textbook's and beside UDP without DTLS, on one core each in turn, the
//! load on another: `cargo bench --bench side-by-side`. Linux with two cores or more, and `cc`.
//!
//! Figures are medians of interleaved rounds; what counts are the ratios within one run.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod memory;
mod server;

use std::{env, process::Command};

use serde_json::Value;
use server::{Kind, Server};

fn main() {
    // What `cargo test --benches` would call.
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let filter = env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let chosen = |name: &str| filter.as_ref().is_none_or(|part| name.contains(part));
    let (rounds, seconds) = (setting("ROUNDS", 3), setting("SECONDS", 3));
    let programs = server::build();
    println!("{rounds} rounds of {seconds} s; medians");
    println!("server on core 0, load on core 1; CPU is the server's");
    for work in WORKS.iter().filter(|work| chosen(work.name)) {
        let mut results = [const { Vec::new() }; 3];
        for _ in 0..rounds {
            for (kind, results) in Kind::ALL.into_iter().zip(&mut results) {
                if kind != Kind::Udp || work.plaintext {
                    results.push(measure(work, Server::start(kind, &programs), seconds));
                }
            }
        }
        println!("\n{}", work.name);
        let ours = median(&results[0]);
        for (kind, results) in Kind::ALL.into_iter().zip(&results) {
            if results.is_empty() {
                continue;
            }
            let sample = median(results);
            println!(
                "  {:<22} {:>9.2} us CPU {:>9.0} /s   p50 {:>7.3} ms  p99 {:>7.3} ms   x{:.2} CPU, x{:.2} rate",
                kind.name(),
                sample.cpu,
                sample.rate,
                sample.p50,
                sample.p99,
                sample.cpu / ours.cpu,
                ours.rate / sample.rate,
            );
        }
    }
    if filter.is_some() {
        return;
    }
    println!("\nserver's half of a handshake in memory");
    println!(
        "  {:<22} {:>9.2} us CPU",
        "OpenSSL alone",
        memory::handshake()
    );
    println!("\nresident memory of an idle session");
    for kind in [Kind::Ours, Kind::Textbook] {
        let server = Server::start(kind, &programs);
        println!("  {:<22} {:>9.1} KiB", kind.name(), idle(server));
    }
}

struct Work {
    name: &'static str,
    plaintext: bool,
    args: &'static [&'static str],
}

const WORKS: &[Work] = &[
    Work {
        name: "echo, 64 B, 100 sessions x 8 in flight",
        plaintext: true,
        args: &["echo", "--sessions", "100", "--size", "64", "--window", "8"],
    },
    Work {
        name: "echo, 1200 B, 100 sessions x 8 in flight",
        plaintext: true,
        args: &[
            "echo",
            "--sessions",
            "100",
            "--size",
            "1200",
            "--window",
            "8",
        ],
    },
    Work {
        name: "bulk, 1200 B, 1 session x 64 in flight, sent with GSO",
        plaintext: true,
        args: &["bulk", "--size", "1200", "--window", "64"],
    },
    Work {
        name: "echo, 64 B, 1 session x 1 in flight",
        plaintext: true,
        args: &["echo", "--sessions", "1", "--size", "64", "--window", "1"],
    },
    Work {
        name: "full handshakes, ECDSA P-256, 64 at a time",
        plaintext: false,
        args: &["handshakes", "--sessions", "64"],
    },
];

struct Sample {
    /// Microseconds of the server's CPU for each reply or handshake.
    cpu: f64,
    rate: f64,
    p50: f64,
    p99: f64,
}

fn measure(work: &Work, server: Server, seconds: u32) -> Sample {
    let before = server.cpu();
    let report = load(&server, work.args, seconds);
    let spent = server.cpu() - before;
    let handshakes = work.args[0] == "handshakes";
    let (done, times) = if handshakes {
        ("established", "handshake_ms")
    } else {
        ("replies", "round_trip_ms")
    };
    let number = |value: &Value| value.as_f64().unwrap();
    Sample {
        cpu: spent * 1e6 / number(&report[done]),
        rate: number(&report["per_second"]),
        p50: number(&report[times]["p50"]),
        p99: number(&report[times]["p99"]),
    }
}

fn idle(server: Server) -> f64 {
    // What the allocator and the libraries take once is no session's.
    load(&server, &["echo", "--sessions", "50"], 1);
    let before = server.resident();
    let mut command = command(&server, &["idle", "--sessions", "1000"], 4);
    let child = command.stdout(std::process::Stdio::null()).spawn();
    let mut child = child.unwrap();
    let mut most = before;
    while child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(50));
        most = most.max(server.resident());
    }
    (most - before) / 1000.0
}

fn load(server: &Server, args: &[&str], seconds: u32) -> Value {
    let output = command(server, args, seconds).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {error}"))
}

fn command(server: &Server, args: &[&str], seconds: u32) -> Command {
    let mut command = Command::new("taskset");
    command
        .args([
            "-c",
            "1",
            env!("CARGO_BIN_EXE_dtls-echo-load"),
            &server.addr,
        ])
        .args(args)
        .args([
            "--json",
            "--max-loss",
            "100",
            "--duration",
            &seconds.to_string(),
        ])
        .stderr(std::process::Stdio::piped());
    if server.kind == Kind::Udp {
        command.arg("--plaintext");
    }
    command
}

fn median(samples: &[Sample]) -> Sample {
    let middle = |of: fn(&Sample) -> f64| {
        let mut values: Vec<f64> = samples.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Sample {
        cpu: middle(|sample| sample.cpu),
        rate: middle(|sample| sample.rate),
        p50: middle(|sample| sample.p50),
        p99: middle(|sample| sample.p99),
    }
}

fn setting(name: &str, default: u32) -> u32 {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}
