//! The generator, and what it cost the server.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::server::{Kind, Server};

/// What one run showed.
pub(crate) struct Sample {
    /// Microseconds of the server's CPU for each reply or handshake.
    pub(crate) cpu: f64,
    pub(crate) rate: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

pub(crate) fn measure(server: &Server, args: &[&str], seconds: u32) -> Sample {
    let handshakes = args[0] == "handshakes";
    let (done, times) = if handshakes {
        ("established", "handshake_ms")
    } else {
        ("replies", "round_trip_ms")
    };
    let mut load = Load::start(server, args, seconds);
    let before = server.cpu();
    // What the sessions cost to make and to close is not what is asked for.
    let (report, spent) = if handshakes {
        let report = load.finish();
        (report, server.cpu() - before)
    } else {
        load.established();
        let before = server.cpu();
        thread::sleep(Duration::from_secs(seconds.into()));
        let spent = server.cpu() - before;
        (load.finish(), spent)
    };
    let number = |value: &Value| value.as_f64().unwrap();
    Sample {
        cpu: spent * 1e6 / number(&report[done]),
        rate: number(&report["per_second"]),
        p50: number(&report[times]["p50"]),
        p99: number(&report[times]["p99"]),
    }
}

/// A generator that runs.
pub(crate) struct Load {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
}

impl Load {
    pub(crate) fn start(server: &Server, args: &[&str], seconds: u32) -> Self {
        let mut command = Command::new("taskset");
        let generator = env!("CARGO_BIN_EXE_dtls-echo-load");
        let seconds = seconds.to_string();
        command
            .args(["-c", "1", generator, &server.addr])
            .args(args)
            .args(["--json", "--max-loss", "100", "--duration", &seconds])
            .args((server.kind == Kind::Udp).then_some("--plaintext"))
            .env("RUST_LOG", "dtls_echo_load=info")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Waits until all sessions are there.
    pub(crate) fn established(&mut self) {
        let mut line = String::new();
        while !line.contains("established") {
            line.clear();
            let length = self.log.read_line(&mut line).unwrap();
            assert!(length > 0, "the generator has ended");
        }
    }

    pub(crate) fn finish(mut self) -> Value {
        let mut report = String::new();
        let mut out = self.child.stdout.take().unwrap();
        out.read_to_string(&mut report).unwrap();
        self.child.wait().unwrap();
        serde_json::from_str(&report).expect("the generator reports in JSON")
    }
}

pub(crate) fn median(samples: &[Sample]) -> Sample {
    let middle = |of: fn(&Sample) -> f64| crate::median(samples.iter().map(of));
    Sample {
        cpu: middle(|sample| sample.cpu),
        rate: middle(|sample| sample.rate),
        p50: middle(|sample| sample.p50),
        p99: middle(|sample| sample.p99),
    }
}
