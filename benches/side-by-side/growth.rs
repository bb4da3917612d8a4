//! How the cost of an echo grows with the number of sessions.

use crate::{
    Setting,
    load::{measure, median},
    server::{Kind, Server},
};

pub(crate) fn table(setting: &Setting) {
    println!("\necho, 64 B, 10 000 requests a second");
    for sessions in ["1", "10", "100", "1000", "10000"] {
        for kind in [Kind::Ours, Kind::Textbook] {
            let flags: &[&str] = match kind {
                Kind::Ours => &["--max-sessions", "20000"],
                _ => &[],
            };
            let samples: Vec<_> = (0..setting.rounds)
                .map(|_| {
                    let server = Server::start(kind, &setting.programs, flags);
                    let args = ["echo", "--sessions", sessions, "--rate", "10000"];
                    let args = [&args[..], &["--timeout", "60"]].concat();
                    // The first data of each session costs more: it is most of what a short run sees.
                    measure(&server, &args, 3 * setting.seconds)
                })
                .collect();
            let sample = median(&samples);
            println!(
                "  {sessions:>6} sessions, {:<22} {:>7.2} us CPU   p50 {:>7.3} ms  p99 {:>7.3} ms",
                kind.name(),
                sample.cpu,
                sample.p50,
                sample.p99
            );
        }
    }
}
