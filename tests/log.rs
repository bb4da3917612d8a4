//! A log and an output that cannot be written: nobody waits, nothing ends, and what is lost is told of.
//!
//! A machine that lets nobody mount reports that test as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{ExitCode, Stdio},
};

use common::{Files, Program, cert, has, run, trial, within};
use libtest_mimic::Arguments;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixDatagram,
    process::{Child, Command},
};

const SERVER: &str = env!("CARGO_BIN_EXE_dtls-echo-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_dtls-echo-client");
const LOAD: &str = env!("CARGO_BIN_EXE_dtls-echo-load");

fn main() -> ExitCode {
    let full = fs::exists("/dev/full").unwrap_or_default();
    let mount = "mount -t tmpfs none /tmp";
    let mounts = full && has(&["unshare", "-rm", "sh", "-c", mount]);
    let trials = vec![
        trial("a_full_disk_ends_nobody", full, full_log),
        trial("a_reader_that_is_gone_ends_nobody", true, closed_log),
        trial("a_reader_that_does_not_read_stops_nobody", true, stuck_log),
        trial("what_finds_no_room_is_told_of", true, too_much),
        trial("a_disk_with_room_again_is_told_of_it", mounts, room_again),
        trial("a_full_stdout_is_an_error", full, full_stdout),
        trial("nobody_has_to_read_the_servers_stdout", true, unread_stdout),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn full_log() {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let server = Server::start("info", full().into(), &["--verbose"]).await;
    server.serves().await;
    load(&server.addr, full().into()).await;
    traced(&server.addr, full().into()).await;
    server.serves().await;
    server.stops().await;
    let failing = command(CLIENT, &["127.0.0.1:9", "--ca", "/nowhere"], full().into())
        .output()
        .await
        .unwrap();
    assert_eq!(failing.status.code(), Some(1));
}

async fn closed_log() {
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let server = Server::start("trace", closed(), &["--json"]).await;
    server.serves().await;
    load(&server.addr, closed()).await;
    traced(&server.addr, closed()).await;
    server.stops().await;
}

/// Everybody's first word meets a pipe that is full.
async fn stuck_log() {
    let (mut log, stderr) = stuck();
    let server = Server::start("trace", stderr, &["--verbose", "--shards", "2"]).await;
    for _ in 0..4 {
        server.serves().await;
    }
    let (_unread, stderr) = stuck();
    load(&server.addr, stderr).await;
    let (_unread, stderr) = stuck();
    traced(&server.addr, stderr).await;
    server.signal("-HUP");
    server.serves().await;
    server.stops().await;
    // Not a word came through.
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    assert_eq!(text.trim_start_matches('.'), "");
}

async fn too_much() {
    let (mut log, stderr) = stuck();
    let server = Server::start("trace", stderr, &["--metrics", "127.0.0.1:0"]).await;
    let input = "x\n".repeat(20_000);
    let ended = run(&server.addr, &[], input.as_bytes()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    // Somebody reads again.
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text
    });
    server.serves().await;
    server.stops().await;
    let text = within(reading).await.unwrap();
    let lost = "warning: lines of this log that could not be written: ";
    let (before, after) = text.split_once(lost).unwrap();
    let (count, after) = after.split_once('\n').unwrap();
    assert!(count.parse::<u64>().unwrap() > 0);
    assert!(before.contains("listening") && !before.contains("handshakes in all"));
    assert!(after.contains("handshakes in all"), "{after}");
}

async fn room_again() {
    let files = Files::new();
    let script = format!(
        "mount -t tmpfs -o size=64k none {0} && cd {0} && head -c 65536 /dev/zero >filler
        {SERVER} 127.0.0.1:0 --log-format json 2>log & server=$!
        read line; rm filler; echo freed
        read line; kill $server; wait $server; echo ended $?; cat log; echo all",
        files.path("")
    );
    let mut command = Command::new("unshare");
    command
        .args(["-rm", "sh", "-c", &script])
        .env("RUST_LOG", "info");
    let mut server = Program::start_with(&mut command);
    let addr = server.says_line("listening on ").await;
    let echo = || async {
        let ended = run(&addr, &[], b"x\n").await;
        assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
    };
    echo().await;
    server.write(b"free\n").await;
    server.says("freed\n").await;
    echo().await;
    server.write(b"show\n").await;
    server.says("all\n").await;
    let ended = server.end().await;
    let (_, log) = ended.out.split_once("ended 0\n").unwrap();
    let mut events = log.lines().take_while(|line| *line != "all").map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["message"].as_str().unwrap().to_owned()
    });
    let notice = events.next().unwrap();
    let (words, count) = notice.split_once(": ").unwrap();
    assert_eq!(words, "lines of this log that could not be written");
    // That it listens was said long before.
    assert!(count.parse::<u64>().unwrap() >= 1, "{notice}");
    let events: Vec<_> = events.collect();
    for event in ["session ended", "handshakes in all"] {
        assert!(
            events.contains(&event.to_owned()),
            "no {event} in {events:?}"
        );
    }
}

async fn full_stdout() {
    let server = Server::start("info", Stdio::null(), &[]).await;
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let addr = &*server.addr;
    for (program, args) in [
        (SERVER, &["127.0.0.1:0"][..]),
        (
            SERVER,
            &[
                "127.0.0.1:0",
                "--cert",
                &pem,
                "--key",
                &key,
                "--check-config",
            ],
        ),
        (SERVER, &["--generate", "man"]),
        (CLIENT, &[addr]),
        (CLIENT, &[addr, "--info"]),
        (CLIENT, &[addr, "--info", "--json"]),
        (CLIENT, &[addr, "--ping", "-c", "1"]),
        (LOAD, &[addr, "--sessions", "1", "--duration", "1"]),
        (
            LOAD,
            &[addr, "--sessions", "1", "--duration", "1", "--json"],
        ),
    ] {
        let script = "program=$1; shift; printf 'x\\n' | exec $program \"$@\" >/dev/full";
        let args = [&["-c", script, "sh", program], args].concat();
        let ended = Program::start("sh", &args).end().await;
        ended.fails_with(
            1,
            &["error: cannot write to stdout: No space left on device"],
        );
    }
    server.stops().await;
}

/// Nor its log in the same pipe, which is full before it starts.
async fn unread_stdout() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = command(SERVER, &["127.0.0.1:0"], Stdio::piped())
        .env("RUST_LOG", "info")
        .stdout(writer)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let addr = loop {
        let line = within(log.next_line()).await.unwrap().unwrap();
        if let Some((_, rest)) = line.split_once("listening addr=") {
            break rest.split(' ').next().unwrap().to_owned();
        }
    };
    let server = Server { child, addr };
    server.serves().await;
    server.stops().await;

    let files = Files::new();
    let manager = UnixDatagram::bind(files.path("notify")).unwrap();
    let (_unread, both) = stuck_socket();
    let log = OwnedFd::from(both.try_clone().unwrap());
    let child = command(SERVER, &["127.0.0.1:0"], log.into())
        .env("RUST_LOG", "trace")
        .env("NOTIFY_SOCKET", files.path("notify"))
        .stdout(OwnedFd::from(both))
        .spawn()
        .unwrap();
    let mut buf = [0; 256];
    let length = within(manager.recv(&mut buf)).await.unwrap();
    let ready = str::from_utf8(&buf[..length]).unwrap();
    let addr = ready.trim().rsplit_once(' ').unwrap().1.to_owned();
    let server = Server { child, addr };
    server.serves().await;
    server.stops().await;
}

/// A client's trace, which is much for one session.
async fn traced(addr: &str, stderr: Stdio) {
    let mut child = command(CLIENT, &[addr, "--trace", "--verbose"], stderr)
        .env("RUST_LOG", "trace")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\ntwo\n").await.unwrap();
    drop(stdin);
    let output = within(child.wait_with_output()).await.unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        (output.status.code(), &*out),
        (Some(0), "Echo: one\nEcho: two\n")
    );
}

async fn load(addr: &str, stderr: Stdio) {
    let args = [addr, "--sessions", "2", "--duration", "1"];
    let mut command = command(LOAD, &args, stderr);
    let output = within(command.env("RUST_LOG", "trace").output())
        .await
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(out.contains("throughput"), "{out}");
}

/// Something like a pipe that has no room left, with what reads from it.
fn stuck() -> (UnixStream, Stdio) {
    let (reader, writer) = stuck_socket();
    (reader, OwnedFd::from(writer).into())
}

fn stuck_socket() -> (UnixStream, UnixStream) {
    let (reader, mut writer) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    let full = loop {
        if let Err(error) = writer.write(b".") {
            break error.kind();
        }
    };
    assert_eq!(full, ErrorKind::WouldBlock);
    writer.set_nonblocking(false).unwrap();
    (reader, writer)
}

fn command(program: &str, args: &[&str], stderr: Stdio) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .kill_on_drop(true);
    command
}

/// A server whose stderr is the test's own affair.
struct Server {
    child: Child,
    addr: String,
}

impl Server {
    async fn start(log: &str, stderr: Stdio, flags: &[&str]) -> Self {
        let args = [&["127.0.0.1:0"], flags].concat();
        let mut child = command(SERVER, &args, stderr)
            .env("RUST_LOG", log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = within(lines.next_line()).await.unwrap().unwrap();
        let addr = line.strip_prefix("listening on ").unwrap().to_owned();
        Self { child, addr }
    }

    async fn serves(&self) {
        let ended = run(&self.addr, &[], b"x\n").await;
        assert_eq!(
            (ended.code, &*ended.out),
            (Some(0), "Echo: x\n"),
            "{ended:?}"
        );
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let status = std::process::Command::new("kill")
            .args([name, &id])
            .status();
        assert!(status.unwrap().success());
    }

    async fn stops(mut self) {
        self.signal("-TERM");
        let status = within(self.child.wait()).await.unwrap();
        assert_eq!(status.code(), Some(0));
    }
}
