//! Sessions that say nothing.

use std::{thread, time::Duration};

use crate::{
    Setting,
    load::Load,
    server::{Kind, Server},
};

/// What an idle session takes of memory.
pub(crate) fn resident(setting: &Setting) {
    println!("\nresident memory of an idle session, of 1000");
    for kind in [Kind::Ours, Kind::Textbook] {
        let kib = (0..setting.rounds).map(|_| {
            let server = Server::start(kind, &setting.programs, &[]);
            // What the allocator and the libraries take once is no session's.
            Load::start(&server, &["echo", "--sessions", "50"], 1).finish();
            let before = server.resident();
            let mut load = Load::start(&server, &["idle", "--sessions", "1000"], 2);
            load.established();
            thread::sleep(Duration::from_secs(1));
            let used = server.resident() - before;
            load.finish();
            used / 1000.0
        });
        println!("  {:<22} {:>9.1} KiB", kind.name(), crate::median(kib));
    }
}

/// What idle sessions cost, and how soon they answer.
pub(crate) fn quiet(setting: &Setting) {
    println!("\nidle sessions, of which one after the other is asked once");
    for (sessions, rate) in [("10", "100"), ("10000", "100"), ("10000", "1")] {
        let flags = ["--max-sessions", "20000"];
        let server = Server::start(Kind::Ours, &setting.programs, &flags);
        let args = ["idle", "--sessions", sessions, "--rate", rate];
        let mut load = Load::start(&server, &args, setting.seconds + 1);
        load.established();
        // The handshakes' last timers have expired by then.
        thread::sleep(Duration::from_secs(1));
        let before = server.cpu();
        thread::sleep(Duration::from_secs(setting.seconds.into()));
        let cpu = (server.cpu() - before) * 1e3 / f64::from(setting.seconds);
        let report = load.finish();
        println!(
            "  {sessions:>6} sessions, {rate:>4} requests a second {cpu:>7.2} ms CPU a second   \
             p50 {:>7.3} ms  p99 {:>7.3} ms",
            report["round_trip_ms"]["p50"].as_f64().unwrap(),
            report["round_trip_ms"]["p99"].as_f64().unwrap(),
        );
    }
}
