//! The load generator as its users run it: what it counts, and when it complains.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../common/mod.rs"]
mod common;
mod faults;
mod modes;
mod servers;

use common::{Ended, Program};
use serde_json::Value;

const LOAD: &str = env!("CARGO_BIN_EXE_dtls-echo-load");

async fn load(addr: &str, flags: &[&str]) -> Ended {
    Program::start(LOAD, &[&[addr], flags].concat()).end().await
}

/// Runs it with `--json` and returns a report in which nothing is wrong.
async fn passes(addr: &str, flags: &[&str]) -> Value {
    let mut flags = flags.to_vec();
    if !flags.contains(&"--json") {
        flags.push("--json");
    }
    if !flags.contains(&"--max-loss") {
        // Where nothing may be lost, nothing is given up because the machine is busy.
        flags.extend(["--reply-timeout", "20"]);
    }
    let ended = load(addr, &flags).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{ended:?}");
    let report = consistent(&ended);
    assert_eq!(
        (number(&report, "failed"), number(&report, "wrong")),
        (0, 0),
        "{report}"
    );
    report
}

/// The report, whose numbers have to belong together.
fn consistent(ended: &Ended) -> Value {
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let [requests, replies, lost] =
        ["requests", "replies", "lost"].map(|name| number(&report, name));
    assert_eq!(requests, replies + lost, "{report}");
    for name in ["handshake_ms", "round_trip_ms"] {
        let Some(times) = report.get(name) else {
            continue;
        };
        let times = ["p50", "p90", "p99", "p99_9", "max"].map(|name| times[name].as_f64().unwrap());
        assert!(times.is_sorted(), "{report}");
        let any = if name == "handshake_ms" {
            number(&report, "established")
        } else {
            replies
        };
        assert_eq!(times[0] > 0.0, any > 0, "{report}");
    }
    report
}

fn number(report: &Value, name: &str) -> u64 {
    report[name]
        .as_u64()
        .unwrap_or_else(|| panic!("no {name} in {report}"))
}
