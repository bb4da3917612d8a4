//! The client's `--ping`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::process::ExitCode;

use common::{Files, Server, client, has, run, s_server, trial, with_gnutls_echo};
use libtest_mimic::Arguments;
use serde_json::{Value, json};

fn main() -> ExitCode {
    let openssl = has(&["openssl", "version"]);
    let gnutls = has(&["gnutls-serv", "--version"]);
    let trials = vec![
        trial("our_server_is_pinged", true, our_server),
        trial("a_plain_echo_server_is_pinged", gnutls, plain_server),
        trial("sizes_and_sessions_go_with_it", true, sizes),
        trial("replies_in_pieces_are_put_together", true, pieces),
        trial("tools_get_an_object_a_line", true, for_tools),
        trial("what_is_odd_is_told", openssl, odd),
        trial("no_reply_at_all_is_a_failure", openssl, silent),
        trial("a_server_that_closes_is_told_of", true, closing),
        trial("a_server_that_dies_is_told_of", true, dying),
        trial("wrong_flags_are_usage_errors", true, usage),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn our_server() {
    let server = Server::start(&[]).await;
    let mut client = client(&server.addr, &["--ping", "-c", "3", "-i", "0.01"]);
    // It does not wait for stdin.
    let stdin = client.stdin.take();
    let ended = client.end().await;
    drop(stdin);
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    let lines: Vec<_> = ended.out.lines().collect();
    let addr = &server.addr;
    let start = format!(
        "PING {addr} ({addr}): 64 bytes, DTLS 1.2 ECDHE-ECDSA-AES128-GCM-SHA256, handshake "
    );
    assert!(lines[0].starts_with(&start), "{ended:?}");
    for (line, number) in lines[1..4].iter().zip(1..) {
        let start = format!("64 bytes from {addr}: seq={number} time=");
        assert!(
            line.starts_with(&start) && line.ends_with(" ms"),
            "{ended:?}"
        );
    }
    assert_eq!(
        lines[4..6],
        ["", &format!("--- {addr} ping statistics ---")]
    );
    let sum = "3 packets transmitted, 3 received, 0% packet loss, time ";
    assert!(lines[6].starts_with(sum), "{ended:?}");
    assert!(lines[7].starts_with("rtt min/avg/max/mdev = "), "{ended:?}");
    let times = lines[7]
        .trim_start_matches("rtt min/avg/max/mdev = ")
        .trim_end_matches(" ms");
    let times: Vec<f64> = times.split('/').map(|time| time.parse().unwrap()).collect();
    assert!(
        times[0] > 0.0 && times[0] <= times[1] && times[1] <= times[2],
        "{times:?}"
    );
}

async fn plain_server() {
    let ended =
        with_gnutls_echo(async |addr| run(&addr, &["--ping", "-c", "2", "-i", "0.01"], b"").await)
            .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .out
            .contains("2 packets transmitted, 2 received, 0% packet loss"),
        "{ended:?}"
    );
}

async fn sizes() {
    let server = Server::start(&[]).await;
    let files = Files::new();
    let session = files.path("session");
    for (size, resumed) in [("27", false), ("1307", true)] {
        let flags = ["--ping", "-c", "1", "-s", size, "--session", &session];
        let ended = run(&server.addr, &flags, b"").await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(
            ended.out.contains(&format!("\n{size} bytes from ")),
            "{ended:?}"
        );
        assert_eq!(
            ended.out.contains(" resumed, handshake "),
            resumed,
            "{ended:?}"
        );
    }
}

async fn for_tools() {
    let server = Server::start(&[]).await;
    let flags = ["--ping", "-c", "2", "-i", "0.01", "--json"];
    let ended = run(&server.addr, &flags, b"").await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    let lines: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let types: Vec<_> = lines.iter().map(|line| &line["type"]).collect();
    assert_eq!(types, ["start", "reply", "reply", "summary"]);
    assert_eq!(lines[0]["peer"], json!(server.addr));
    for number in [1, 2] {
        let reply = &lines[number];
        assert_eq!(
            (&reply["seq"], &reply["bytes"]),
            (&json!(number), &json!(64))
        );
        assert_eq!(
            (&reply["duplicate"], &reply["late"]),
            (&json!(false), &json!(false))
        );
        assert!(reply["time_ms"].as_f64().unwrap() > 0.0);
    }
    let summary = &lines[3];
    assert_eq!(
        (&summary["transmitted"], &summary["received"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(summary["loss_percent"], 0.0);
    assert!(summary["rtt_avg_ms"].as_f64().unwrap() > 0.0);
}

/// The test answers in the place of the server, as it likes.
async fn odd() {
    let mut peer = s_server("-dtls1_2", &[]);
    let addr = peer.says_line("ACCEPT ").await;
    let client = client(&addr, &["--ping", "-i", "0.2", "--timeout", "15"]);
    let session = client.child.id().unwrap();
    let request = async |number: u64| {
        let start = format!("{session:08x} {number:016x} ");
        let rest = peer.says_line(&start).await;
        format!("{start}{rest}\n")
    };
    let first = request(1).await;
    let second = request(2).await;
    peer.write(first.as_bytes()).await;
    client.says("64 bytes from 127.0.0.1:").await;
    client.says(": seq=1 time=").await;
    peer.write(first.as_bytes()).await;
    client.says(": seq=1 (DUP!)\n").await;
    // Nobody has asked for that.
    peer.write(b"0 is not a reply\n").await;
    client.says("17 bytes from ").await;
    client.says(": wrong reply\n").await;
    client.says(": seq=2 within 15s\n").await;
    peer.write(second.as_bytes()).await;
    client.says(" ms (late)\n").await;
    client.signal("-INT");
    let ended = client.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for words in [
        " packets transmitted, 1 received, +1 duplicates, +1 late, +1 wrong, ",
        "% packet loss, time ",
        "\nrtt min/avg/max/mdev = ",
    ] {
        assert!(ended.out.contains(words), "no {words:?} in {ended:?}");
    }
}

async fn silent() {
    let peer = s_server("-dtls1_2", &[]);
    let addr = peer.says_line("ACCEPT ").await;
    let ended = run(&addr, &["--ping", "-c", "1", "--timeout", "4"], b"").await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for words in [
        ": seq=1 within 4s\n",
        "1 packets transmitted, 0 received, 100% packet loss",
    ] {
        assert!(ended.out.contains(words), "no {words:?} in {ended:?}");
    }
    assert!(!ended.out.contains("rtt"), "{ended:?}");
}

async fn closing() {
    let server = Server::start(&[]).await;
    let client = client(&server.addr, &["--ping", "-i", "0.05"]);
    client.says("seq=2 ").await;
    server.program.signal("-TERM");
    let ended = client.end().await;
    // Replies came, and that is what was asked for.
    ended.fails_with(0, &["error: the server has closed the session"]);
    assert!(ended.out.contains(" ping statistics ---\n"), "{ended:?}");
}

async fn dying() {
    let server = Server::start(&[]).await;
    let client = client(&server.addr, &["--ping", "-i", "0.05", "--timeout", "4"]);
    client.says("seq=2 ").await;
    server.program.kill().await;
    let ended = client.end().await;
    ended.fails_with(0, &["error: the server has gone", "ICMP port unreachable"]);
    assert!(ended.out.contains(" ping statistics ---\n"), "{ended:?}");
    assert!(ended.out.contains("no reply from "), "{ended:?}");
}

/// A server with smaller datagrams cuts its replies.
async fn pieces() {
    let server = Server::start(&["--mtu", "600"]).await;
    let flags = ["--ping", "-c", "3", "-i", "0.01", "-s", "1200"];
    let ended = run(&server.addr, &flags, b"").await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{ended:?}");
    assert!(
        ended.out.contains("3 received, 0% packet loss"),
        "{ended:?}"
    );
    assert!(!ended.out.contains("wrong"), "{ended:?}");
}

async fn usage() {
    for (flags, word) in [
        (&["--ping", "-s", "26"][..], "from 27 to 1307"),
        (&["--ping", "-s", "1308"], "from 27 to 1307"),
        (&["--ping", "-s", "1308", "--mtu", "1351"], "--ca"),
        (&["--ping", "-c", "0"], "--count"),
        (&["--ping", "-i", "0"], "--interval"),
        (&["--ping", "-i", "soon"], "--interval"),
        (&["-c", "1"], "--ping"),
        (&["-i", "1"], "--ping"),
        (&["-s", "64"], "--ping"),
        (&["--ping", "--info"], "--info"),
        (&["--info", "--verbose"], "--verbose"),
        (&["--trace", "--color", "sometimes"], "--color"),
        (&["--trace=xml"], "--trace"),
    ] {
        // Where the flags are right, the next thing is wrong.
        let ended = run(
            "127.0.0.1:1",
            &[flags, &["--ca", "/no/such/file"]].concat(),
            b"",
        )
        .await;
        let code = if word == "--ca" { 1 } else { 2 };
        ended.fails_with(code, &[word]);
    }
}
