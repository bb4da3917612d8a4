//! A client behind a slow interface of the server's machine, and others that are not.
//!
//! A machine that makes no networks for its users, or has no shaper, reports these tests as ignored, never
//! as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::process::{Command, ExitCode, Stdio};

use common::{Ended, Program, cert, has, trial, within};
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let shapes = has(&[
        "unshare",
        "-rnm",
        "sh",
        "-c",
        &format!("set -e; {NETWORKS}"),
    ]) && has(&["nsenter", "--version"]);
    let trials = vec![trial(
        "a_client_behind_a_slow_interface_costs_others_nothing",
        shapes,
        costs_others_nothing,
    )];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn costs_others_nothing() {
    let networks = Networks::start().await;
    let (cert, key) = (cert("server.pem"), cert("server.key"));
    // One socket for all, as each shard has.
    let server = [SERVER, "0.0.0.0:9000", "--shards", "1"];
    let identity = ["--cert", &cert, "--key", &key];
    let server = networks.program("self", &[&server[..], &identity].concat());
    server.says("listening on").await;

    // It asks for far more than its way back can carry: 400 bytes a reply, 64 kbit a second.
    let ask = [LOAD, "10.77.1.1:9000", "--insecure", "--sessions", "1"];
    let rate = ["--rate", "1000", "--size", "400", "--duration", "600"];
    let greedy = networks.program("slow", &[&ask[..], &rate[..]].concat());
    // Several times as much as a send buffer holds.
    within(networks.have_brought("slow", 6000)).await;

    // A full buffer takes longer to drain than these have patience.
    for _ in 0..5 {
        let ended = networks.client(&[]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let ended = networks
        .client(&["--ping", "-c", "200", "-i", "0.01"])
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("200 received"), "{ended:?}");

    greedy.kill().await;
    server.signal("-TERM");
    let log = server.end().await.err;
    assert!(!log.contains("send_delayed=0"), "{log}");
}

/// Three networks, which end with the process that keeps them.
struct Networks(Program);

impl Networks {
    async fn start() -> Self {
        let script = format!("set -e; {NETWORKS} echo ready; exec cat");
        let keeper = Program::start("unshare", &["-rnm", "sh", "-c", &script]);
        keeper.says("ready").await;
        Self(keeper)
    }

    /// Runs a program of that network.
    fn program(&self, network: &str, command: &[&str]) -> Program {
        let args = [&self.enter(network)[..], &strings(command)].concat();
        let mut program = tokio::process::Command::new("nsenter");
        Program::start_with(program.args(args).env("RUST_LOG", "info"))
    }

    async fn client(&self, flags: &[&str]) -> Ended {
        let client = [CLIENT, "10.77.2.1:9000", "--insecure"];
        self.program("idle", &[&client[..], flags].concat())
            .end()
            .await
    }

    /// Waits until that interface of the server has received so many packets.
    async fn have_brought(&self, interface: &str, packets: u64) {
        let file = format!("/sys/class/net/{interface}/statistics/rx_packets");
        while self.output(&["cat", &file]).trim().parse::<u64>().unwrap() < packets {
            tokio::task::yield_now().await;
        }
    }

    fn output(&self, command: &[&str]) -> String {
        let args = [&self.enter("self")[..], &strings(command)].concat();
        let output = Command::new("nsenter")
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn enter(&self, network: &str) -> Vec<String> {
        let keeper = self.0.child.id().unwrap().to_string();
        let mut enter = strings(&["--preserve-credentials", "-U", "-n", "-m", "-t", &keeper]);
        if network != "self" {
            enter.extend(strings(&[
                "nsenter",
                &format!("--net=/run/netns/{network}"),
            ]));
        }
        enter
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The server's, and one behind each of its two interfaces.
const NETWORKS: &str = "
    mount -t tmpfs none /run
    mount -t sysfs none /sys
    for name in slow idle; do
        ip netns add $name
        ip link add $name type veth peer name eth0 netns $name
        ip link set $name up
        ip -n $name link set eth0 up
    done
    ip addr add 10.77.1.1/24 dev slow
    ip addr add 10.77.2.1/24 dev idle
    ip -n slow addr add 10.77.1.2/24 dev eth0
    ip -n idle addr add 10.77.2.2/24 dev eth0
    tc qdisc add dev slow root tbf rate 64kbit burst 4kb limit 20mb;
";

const SERVER: &str = env!("CARGO_BIN_EXE_dtls-echo-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_dtls-echo-client");
const LOAD: &str = env!("CARGO_BIN_EXE_dtls-echo-load");
