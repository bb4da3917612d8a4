//! The programs of `examples/`, run as docs/cookbook.md says, against each other and OpenSSL's tools.
//!
//! A test whose peer is not on this machine is reported as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{fs, path::PathBuf, process::ExitCode};

use common::{Capture, Program, Relay, Weather, cert, client, has, s_server, trial, within};
use libtest_mimic::Arguments;
use tokio::net::UdpSocket;

fn main() -> ExitCode {
    let openssl = has(&["openssl", "version"]);
    let trials = vec![
        trial("echo_over_dtls", true, echo_over_dtls),
        trial("echo_over_udp", true, echo_over_udp),
        trial("a_chat_of_three", true, chat),
        trial("syslog_from_sender_to_receiver", true, syslog),
        trial("syslog_is_received_from_s_client", openssl, syslog_s_client),
        trial("syslog_is_sent_to_s_server", openssl, syslog_s_server),
        trial("udp_is_forwarded_both_ways", true, forward),
        trial("forwarding_for_s_client", openssl, forward_s_client),
        trial("forwarding_to_s_server", openssl, forward_s_server),
        trial("wrong_arguments_are_explained", true, usage),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn echo_over_dtls() {
    let (server, addr) = listen("echo", &["dtls", "127.0.0.1:0"]).await;
    let mut client = client(&addr, &[]);
    client.write(b"one\ntwo\n").await;
    client.says("Echo: one\nEcho: two\n").await;
    assert_eq!(client.end().await.code, Some(0));
    server.says(": 2 requests\n").await;
}

async fn echo_over_udp() {
    let (_server, addr) = listen("echo", &["udp", "127.0.0.1:0"]).await;
    let peer = Peer::new(&addr).await;
    assert_eq!(peer.ask(b"one\ntwo\n").await, b"Echo: one\nEcho: two\n");
}

async fn chat() {
    let (_server, addr) = listen("chat", &["serve", "127.0.0.1:0"]).await;
    let join = |name: &str| example("chat", &["join", &addr, name]);
    let mut ann = join("ann");
    ann.says("* in, by ").await;
    let mut bob = join("bob");
    ann.says(" has joined\n").await;
    bob.says("* in, by ").await;
    let eve = join("eve");
    eve.says("* in, by ").await;
    ann.says_times(" has joined\n", 2).await;
    bob.says(" has joined\n").await;
    ann.write(b"hello\n").await;
    bob.says("ann: hello\n").await;
    eve.says("ann: hello\n").await;
    // Too long for a datagram: told, and survived.
    bob.write(format!("{}\n", "x".repeat(2000)).as_bytes())
        .await;
    bob.logs("not sent: a datagram of 2005 bytes is too large")
        .await;
    bob.write("good \u{1b}[31mday\n".as_bytes()).await;
    ann.says("bob: good [31mday\n").await;
    assert_eq!(bob.end().await.code, Some(0));
    ann.says(" has left\n").await;
    let said = ann.end().await.out;
    assert!(
        !said.contains("ann: hello"),
        "its own line came back: {said}"
    );
}

async fn syslog() {
    let (receiver, addr) = listen("syslog", &["receive", "127.0.0.1:0"]).await;
    let mut sender = example("syslog", &["send", &addr]);
    sender.write(b"disk full\n").await;
    receiver
        .says(" <13>1 - - dtls-echo - - - disk full\n")
        .await;
    sender
        .write(format!("{}\nall well\n", "x".repeat(2000)).as_bytes())
        .await;
    sender.logs("not sent: a datagram of ").await;
    receiver.says(" <13>1 - - dtls-echo - - - all well\n").await;
    assert_eq!(sender.end().await.code, Some(0));
}

async fn syslog_s_client() {
    let (receiver, addr) = listen("syslog", &["receive", "127.0.0.1:0"]).await;
    let ca = cert("ca.pem");
    let flags = ["s_client", "-dtls1_2", "-connect", &addr, "-CAfile", &ca];
    let mut sender = Program::start("openssl", &flags);
    sender.says("Verification: OK").await;
    // s_client adds nothing: the newline that it sends is the second message's last octet.
    sender.write(b"5 <1>ab7 <1>cde\n").await;
    receiver.says(" <1>ab\n").await;
    receiver.says(" <1>cde\n").await;
    for (bad, why) in [
        ("no length\n", "a frame without its length\n"),
        ("05 <1>ab\n", "a frame without its length\n"),
        ("5\n", "no space after a length\n"),
        ("99 <1>ab\n", "99 bytes promised, 6 there\n"),
        ("99999999999999999999999 <1>ab\n", "number too large"),
    ] {
        let times = receiver.logged(why);
        sender.write(bad.as_bytes()).await;
        receiver.logs_times(why, times + 1).await;
    }
    sender.write(b"7 <1>end\n").await;
    receiver.says(" <1>end\n").await;
    assert_eq!(sender.end().await.code, Some(0));
}

async fn syslog_s_server() {
    let (receiver, addr) = start_s_server().await;
    let mut sender = example("syslog", &["send", &addr]);
    sender.write(b"disk full\nall well\n").await;
    receiver
        .says("35 <13>1 - - dtls-echo - - - disk full")
        .await;
    receiver.says("34 <13>1 - - dtls-echo - - - all well").await;
    assert_eq!(sender.end().await.code, Some(0));
    // The close_notify.
    receiver.says("DONE").await;
}

async fn forward() {
    let service = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let service_addr = service.local_addr().unwrap().to_string();
    // It tells its peers apart by their addresses, as plain UDP services do.
    tokio::spawn(async move {
        let mut buf = [0; 2048];
        let mut peers = Vec::new();
        loop {
            let (length, peer) = service.recv_from(&mut buf).await.unwrap();
            if !peers.contains(&peer) {
                peers.push(peer);
            }
            let number = peers.iter().position(|known| *known == peer).unwrap();
            let reply = [&buf[..length], format!(" {number}").as_bytes()].concat();
            service.send_to(&reply, peer).await.unwrap();
        }
    });
    let (_server, server) = listen("forward", &["server", "127.0.0.1:0", &service_addr]).await;
    let (server, capture) = (server.parse().unwrap(), Capture::default());
    let relay = Relay::start_recording(server, Weather::default(), capture.clone()).await;
    let relay = relay.unwrap();
    let between = relay.addr().to_string();
    let (client, addr) = listen("forward", &["client", "127.0.0.1:0", &between]).await;
    let peers = [Peer::new(&addr).await, Peer::new(&addr).await];
    let mut numbers = Vec::new();
    for peer in &peers {
        for _ in 0..2 {
            let reply = String::from_utf8(peer.ask(b"a plain secret").await).unwrap();
            numbers.push(reply.strip_prefix("a plain secret ").unwrap().to_owned());
        }
    }
    assert_eq!(
        numbers,
        ["0", "0", "1", "1"],
        "each peer has a session of its own"
    );
    // What does not fit a record is dropped and told of; the session goes on.
    peers[1].0.send(&[b'x'; 1400]).await.unwrap();
    client.logs("a datagram of 1400 bytes is too large").await;
    assert_eq!(peers[1].ask(b"again").await, b"again 1");
    let wire = capture.pcap(server);
    assert!(wire.len() > 1000, "nothing was captured");
    let secret = b"a plain secret";
    assert!(!wire.windows(secret.len()).any(|part| part == secret));
}

async fn forward_s_client() {
    let service = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let service_addr = service.local_addr().unwrap().to_string();
    let (_server, addr) = listen("forward", &["server", "127.0.0.1:0", &service_addr]).await;
    let ca = cert("ca.pem");
    let flags = ["s_client", "-dtls1_2", "-connect", &addr, "-CAfile", &ca];
    let mut peer = Program::start("openssl", &flags);
    peer.says("Verification: OK").await;
    peer.write(b"question\n").await;
    let mut buf = [0; 64];
    let (length, from) = within(service.recv_from(&mut buf)).await.unwrap();
    assert_eq!(&buf[..length], b"question\n");
    service.send_to(b"answer\n", from).await.unwrap();
    peer.says("answer\n").await;
    assert_eq!(peer.end().await.code, Some(0));
}

async fn forward_s_server() {
    let (mut server, server_addr) = start_s_server().await;
    let (_client, addr) = listen("forward", &["client", "127.0.0.1:0", &server_addr]).await;
    let peer = Peer::new(&addr).await;
    peer.0.send(b"question\n").await.unwrap();
    server.says("question\n").await;
    server.write(b"answer\n").await;
    assert_eq!(peer.receive().await, b"answer\n");
}

async fn usage() {
    for name in ["echo", "chat", "syslog", "forward"] {
        let ended = example(name, &["wrong"]).end().await;
        ended.fails_with(1, &[&format!("usage: {name} ")]);
    }
}

/// A peer that speaks plain UDP.
struct Peer(UdpSocket);

impl Peer {
    async fn new(addr: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(addr).await.unwrap();
        Self(socket)
    }

    async fn ask(&self, request: &[u8]) -> Vec<u8> {
        self.0.send(request).await.unwrap();
        self.receive().await
    }

    async fn receive(&self) -> Vec<u8> {
        let mut buf = vec![0; 2048];
        let length = within(self.0.recv(&mut buf)).await.unwrap();
        buf.truncate(length);
        buf
    }
}

async fn start_s_server() -> (Program, String) {
    let server = s_server("-dtls1_2", &[]);
    let addr = server.says_line("ACCEPT ").await;
    (server, addr)
}

async fn listen(name: &str, args: &[&str]) -> (Program, String) {
    let program = example(name, args);
    let addr = program.says_line("listening on ").await;
    (program, addr)
}

fn example(name: &str, args: &[&str]) -> Program {
    Program::start(built(name).to_str().unwrap(), args)
}

/// The program of an example, which Cargo has put beside the tests; `cargo test` builds it, and
/// `cargo test --test cookbook` does not.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().unwrap().parent().unwrap();
    let program = profile.join("examples").join(name);
    let program = program.with_extension(std::env::consts::EXE_EXTENSION);
    let source = format!("{}/examples/{name}.rs", env!("CARGO_MANIFEST_DIR"));
    let made = |path: &PathBuf| {
        fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    assert!(
        made(&program) >= made(&source.into()),
        "{} is not there or older than its source: cargo build --examples",
        program.display()
    );
    program
}
