//! Our echo server beside a textbook's and beside UDP without DTLS, on one core each in turn, the
//! load on another: `cargo bench --bench side-by-side [-- SECTION]`. Linux with two cores or more,
//! and `cc`. ROUNDS and SECONDS can be set in the environment.
//!
//! Figures are medians of interleaved rounds; what counts are the ratios within one run.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod flood;
mod growth;
mod idle;
mod load;
mod memory;
mod server;
mod shards;
mod work;

use std::env;

use server::Programs;

/// How much to measure, and with what.
struct Setting {
    programs: Programs,
    rounds: u32,
    seconds: u32,
}

type Section = (&'static str, fn(&Setting));

const SECTIONS: &[Section] = &[
    ("work", work::compare),
    ("handshake", memory::compare),
    ("resident", idle::resident),
    ("idle", idle::quiet),
    ("growth", growth::table),
    ("flood", flood::table),
    ("shards", shards::compare),
];

fn main() {
    // `cargo test --benches` calls this too, without that flag.
    if !env::args().any(|arg| arg == "--bench") {
        return;
    }
    let asked: Vec<_> = env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let number = |name: &str, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let setting = Setting {
        programs: server::build(),
        rounds: number("ROUNDS", 3),
        seconds: number("SECONDS", 3),
    };
    println!(
        "{} rounds of {} s; medians; server on core 0, load on core 1; CPU is the server's",
        setting.rounds, setting.seconds
    );
    for (name, section) in SECTIONS {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            section(&setting);
        }
    }
}

/// The middle of the values, which are not empty.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
