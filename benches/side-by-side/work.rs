//! The same work for each server in turn.

use crate::{
    Setting,
    load::{Sample, measure, median},
    server::{Kind, Server},
};

struct Work {
    name: &'static str,
    plaintext: bool,
    args: &'static [&'static str],
}

pub(crate) fn compare(setting: &Setting) {
    for work in WORKS {
        let mut results = [const { Vec::new() }; 3];
        for _ in 0..setting.rounds {
            for (kind, results) in Kind::ALL.into_iter().zip(&mut results) {
                if kind != Kind::Udp || work.plaintext {
                    let server = Server::start(kind, &setting.programs, &[]);
                    results.push(measure(&server, work.args, setting.seconds));
                }
            }
        }
        println!("\n{}", work.name);
        let ours = median(&results[0]);
        for (kind, results) in Kind::ALL.into_iter().zip(&results) {
            if !results.is_empty() {
                print(kind.name(), &median(results), &ours);
            }
        }
    }
}

fn print(name: &str, sample: &Sample, ours: &Sample) {
    println!(
        "  {name:<22} {:>9.2} us CPU {:>9.0} /s   p50 {:>7.3} ms  p99 {:>7.3} ms   x{:.2} CPU, x{:.2} rate",
        sample.cpu,
        sample.rate,
        sample.p50,
        sample.p99,
        sample.cpu / ours.cpu,
        ours.rate / sample.rate,
    );
}

#[rustfmt::skip]
const WORKS: &[Work] = &[
    Work {
        name: "echo, 64 B, 100 sessions x 8 in flight",
        plaintext: true,
        args: &["echo", "--sessions", "100", "--size", "64", "--window", "8"],
    },
    Work {
        name: "echo, 64 B, 800 sessions x 1 in flight",
        plaintext: true,
        args: &["echo", "--sessions", "800", "--size", "64", "--window", "1"],
    },
    Work {
        name: "echo, 1200 B, 100 sessions x 8 in flight",
        plaintext: true,
        args: &["echo", "--sessions", "100", "--size", "1200", "--window", "8"],
    },
    Work {
        name: "bulk, 1200 B, 1 session x 64 in flight",
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
