//! The real programs in networks of their own: messages of the network that somebody forges, and paths
//! that narrow.
//!
//! Each test makes namespaces and talks in no other network. Where that is not allowed, all are
//! reported as ignored.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../common/mod.rs"]
mod common;
mod empty;
mod forgery;
mod icmp;
mod narrow;
mod net;

use std::{
    env,
    process::{Command, ExitCode},
};

use common::has;
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    if env::var_os(INSIDE).is_some() {
        return tests(true);
    }
    // As root by itself, which works in more places than a user's namespace does.
    let ways = [&["unshare", "-n"][..], &["unshare", "-rn"]];
    let works = |way: &&&[&str]| {
        let command = [**way, &["unshare", "-n", "ip", "link", "set", "lo", "up"]].concat();
        has(&command) && has(&["nsenter", "--version"])
    };
    let Some(way) = ways.iter().find(works) else {
        return tests(false);
    };
    let mut command = Command::new(way[0]);
    command.args(&way[1..]).arg(env::current_exe().unwrap());
    let status = command.args(env::args_os().skip(1)).env(INSIDE, "1");
    if status.status().unwrap().success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn tests(possible: bool) -> ExitCode {
    let trials = [empty::trials, icmp::trials, narrow::trials];
    let trials = trials.into_iter().flat_map(|trials| trials(possible));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Set where the namespace is the tests' own already.
const INSIDE: &str = "DTLS_ECHO_TEST_NAMESPACE";
