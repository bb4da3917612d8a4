//! The three servers, each pinned to core 0.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    Textbook,
    Udp,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Textbook, Self::Udp];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "dtls-echo-server",
            Self::Textbook => "plain C on OpenSSL",
            Self::Udp => "UDP without DTLS",
        }
    }
}

/// The programs in C.
#[derive(Debug)]
pub(crate) struct Programs {
    dtls: PathBuf,
    udp: PathBuf,
}

pub(crate) fn build() -> Programs {
    let compile = |name: &str, libraries: &[&str]| {
        let source = root().join(format!("benches/side-by-side/{name}.c"));
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-Wall", "-o"]).arg(&program).arg(source);
        assert!(cc.args(libraries).status().expect("cc runs").success());
        program
    };
    Programs {
        dtls: compile("plain_dtls", &["-lssl", "-lcrypto"]),
        udp: compile("plain_udp", &[]),
    }
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) addr: String,
    child: Child,
}

impl Server {
    /// The flags are for ours, which has one shard unless they say otherwise.
    pub(crate) fn start(kind: Kind, programs: &Programs, flags: &[&str]) -> Self {
        let certs = root().join("certs");
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]);
        match kind {
            Kind::Ours => command
                .args([env!("CARGO_BIN_EXE_dtls-echo-server"), "127.0.0.1:0"])
                .args((!flags.contains(&"--shards")).then_some("--shards=1"))
                .args(flags),
            Kind::Textbook => command
                .arg(&programs.dtls)
                .arg("0")
                .args([certs.join("server.pem"), certs.join("server.key")]),
            Kind::Udp => command.arg(&programs.udp).arg("0"),
        };
        let mut child = command
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let addr = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        Self { kind, addr, child }
    }

    /// Seconds on a CPU until now, of all threads.
    pub(crate) fn cpu(&self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        tasks
            .map(|task| {
                let path = task.unwrap().path().join("schedstat");
                let text = fs::read_to_string(path).unwrap();
                let nanos = text.split_whitespace().next().unwrap();
                nanos.parse::<f64>().unwrap() / 1e9
            })
            .sum()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.unwrap().split_whitespace().next().unwrap();
        number.parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
