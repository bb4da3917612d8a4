//! Whether sharding adds to what an echo costs: both shards on one core, beside one alone.

use crate::{
    Setting,
    load::{measure, median},
    server::{Kind, Server},
};

pub(crate) fn compare(setting: &Setting) {
    println!("\necho, 64 B, 100 sessions x 8 in flight, by shards on one core");
    let args = ["echo", "--sessions", "100", "--size", "64", "--window", "8"];
    let counts = ["1", "2", "4"];
    let mut results = [const { Vec::new() }; 3];
    for _ in 0..setting.rounds {
        for (count, results) in counts.iter().zip(&mut results) {
            let server = Server::start(Kind::Ours, &setting.programs, &["--shards", count]);
            results.push(measure(&server, &args, setting.seconds));
        }
    }
    let one = median(&results[0]);
    for (count, results) in counts.iter().zip(&results) {
        let sample = median(results);
        println!(
            "  {count} shards {:>22.2} us CPU {:>9.0} /s   x{:.2} CPU",
            sample.cpu,
            sample.rate,
            sample.cpu / one.cpu
        );
    }
}
