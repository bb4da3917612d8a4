//! Our programs against OpenSSL's and GnuTLS's, and what else not every machine has.
//!
//! A test whose peer is not on this machine is reported as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::process::ExitCode;

use common::{Ended, Files, Program, Server, cert, client, has, run, trial, with_gnutls_echo};
use libtest_mimic::Arguments;

const LOAD: &str = env!("CARGO_BIN_EXE_dtls-echo-load");

fn main() -> ExitCode {
    let openssl = has(&["openssl", "version"]);
    let gnutls = has(&["gnutls-cli", "--version"]) && has(&["gnutls-serv", "--version"]);
    let trials = vec![
        trial("s_client_is_answered_line_by_line", openssl, || {
            s_client(&[], "x")
        }),
        trial("s_client_sends_1200_bytes", openssl, || async {
            s_client(&[], &"x".repeat(1200)).await;
        }),
        trial("s_client_with_a_small_mtu", openssl, || {
            s_client(&["-mtu", "300"], "x")
        }),
        trial(
            "s_client_sends_several_lines_at_once",
            openssl,
            several_lines,
        ),
        trial(
            "s_client_that_trusts_others_refuses",
            openssl,
            s_client_refuses,
        ),
        trial("s_client_speaks_dtls_1_0", openssl, old_s_client),
        trial("s_server_is_talked_to", openssl, || s_server(&[])),
        trial("s_server_with_a_cookie_is_talked_to", openssl, || {
            s_server(&["-listen"])
        }),
        trial(
            "s_server_bears_load_with_a_pre_shared_key",
            openssl,
            pre_shared_key,
        ),
        trial(
            "s_client_resumes_on_another_server_of_the_same_secret",
            openssl,
            s_client_resumes,
        ),
        trial(
            "s_client_resumes_by_the_name_it_began_with",
            openssl,
            s_client_resumes_by_one_name,
        ),
        trial("s_server_resumes_by_ticket", openssl, || {
            s_server_resumes(&[])
        }),
        trial("s_server_resumes_by_session_id", openssl, || {
            s_server_resumes(&["-no_ticket"])
        }),
        trial("gnutls_cli_is_answered_line_by_line", gnutls, || {
            gnutls_cli("x")
        }),
        trial("gnutls_cli_sends_1200_bytes", gnutls, || async {
            gnutls_cli(&"x".repeat(1200)).await;
        }),
        trial("gnutls_serv_echoes", gnutls, gnutls_serv),
        trial("gnutls_serv_bears_load", gnutls, gnutls_load),
        trial("s_client_meets_records_of_both_kinds", openssl, || {
            both_kinds(async |server| start_s_client(server, &cert("ca.pem"), &[]))
        }),
        trial("gnutls_cli_meets_records_of_both_kinds", gnutls, || {
            both_kinds(async |server| {
                let peer = start_gnutls_cli(server);
                peer.says("Handshake was completed").await;
                peer
            })
        }),
        trial(
            "info_says_whose_records_s_server_meets",
            openssl,
            info_of_s_server,
        ),
        trial(
            "info_says_whose_records_gnutls_serv_meets",
            gnutls,
            info_of_gnutls_serv,
        ),
        trial("ipv6_works_as_ipv4_does", has_ipv6(), ipv6),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn s_client(flags: &[&str], line: &str) {
    let server = Server::start(&[]).await;
    let mut peer = start_s_client(&server, &cert("ca.pem"), flags);
    for turn in 0..3 {
        peer.write(format!("{line} {turn}\n").as_bytes()).await;
        peer.says(&format!("Echo: {line} {turn}\n")).await;
    }
    peer.says("Verification: OK").await;
    let ended = peer.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // s_client says goodbye, and the server heard it.
    server
        .program
        .logs("reason=\"the peer has closed the session\" received=3")
        .await;
}

/// A server with this project's records, and one with OpenSSL's.
async fn both_kinds(start: impl AsyncFn(&Server) -> Program) {
    for whose in ["own", "openssl"] {
        let server = Server::start(&["--records", whose]).await;
        let mut peer = start(&server).await;
        for turn in 0..3 {
            peer.write(format!("{turn}\n").as_bytes()).await;
            peer.says(&format!("Echo: {turn}\n")).await;
        }
        let ended = peer.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let program = &server.program;
        program
            .logs(&format!("record_protection=\"{whose}\""))
            .await;
        program
            .logs("reason=\"the peer has closed the session\" received=3")
            .await;
    }
}

async fn info_of_s_server() {
    for whose in ["own", "openssl"] {
        let peer = common::s_server("-dtls1_2", &[]);
        let addr = peer.says_line("ACCEPT ").await;
        let flags = ["--info", "--timeout", "60", "--records", whose];
        tells_whose(&run(&addr, &flags, b"").await, whose);
        // It has understood the goodbye.
        peer.says("DONE").await;
    }
}

async fn info_of_gnutls_serv() {
    for whose in ["own", "openssl"] {
        let ended =
            with_gnutls_echo(async |addr| run(&addr, &["--info", "--records", whose], b"").await)
                .await;
        tells_whose(&ended, whose);
    }
}

fn tells_whose(ended: &Ended, whose: &str) {
    let line = format!("record protection       {whose}\n");
    assert!(ended.out.contains(&line), "{ended:?}");
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
}

async fn several_lines() {
    let server = Server::start(&[]).await;
    let mut peer = start_s_client(&server, &cert("ca.pem"), &[]);
    // What is there before the handshake is over goes out in one record.
    peer.write(b"one\ntwo\n\nthree\n").await;
    peer.says("Echo: one\nEcho: two\nEcho: \nEcho: three\n")
        .await;
    assert_eq!(peer.end().await.code, Some(0));
}

async fn s_client_refuses() {
    let server = Server::start(&[]).await;
    let peer = start_s_client(&server, &cert("client.pem"), &[]);
    let ended = peer.end().await;
    assert_ne!(ended.code, Some(0), "{ended:?}");
    server
        .program
        .logs("the peer refused the handshake with the alert unknown_ca")
        .await;
}

async fn old_s_client() {
    let server = Server::start(&["--min-version", "1.0"]).await;
    let ca = cert("ca.pem");
    let args = [
        "s_client",
        "-dtls1",
        "-connect",
        &server.addr,
        "-CAfile",
        &ca,
    ];
    let args = [&args[..], &["-cipher", "ALL:@SECLEVEL=0"]].concat();
    let mut peer = Program::start("openssl", &args);
    peer.write(b"x\n").await;
    peer.says("Echo: x\n").await;
    assert_eq!(peer.end().await.code, Some(0));
    server.program.logs("version=\"DTLS 1.0\"").await;
    server.program.logs("record_protection=\"openssl\"").await;
}

fn start_s_client(server: &Server, ca: &str, flags: &[&str]) -> Program {
    let args = [
        "s_client",
        "-dtls1_2",
        "-connect",
        &server.addr,
        "-CAfile",
        ca,
        "-verify_return_error",
        "-verify_ip",
        "127.0.0.1",
    ];
    Program::start("openssl", &[&args, flags].concat())
}

async fn s_server(flags: &[&str]) {
    let mut peer = common::s_server("-dtls1_2", flags);
    let addr = peer.says_line("ACCEPT ").await;
    let mut client = client(&addr, &["--timeout", "60"]);
    for line in ["short".to_owned(), "x".repeat(1200)] {
        client.write(format!("{line}\n").as_bytes()).await;
        peer.says(&format!("{line}\n")).await;
        // It does not echo by itself.
        peer.write(format!("typed: {line}\n").as_bytes()).await;
        client.says(&format!("typed: {line}\n")).await;
    }
    let ended = client.end().await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    peer.says("DONE").await;
}

async fn s_client_resumes() {
    let files = Files::new();
    let secret = files.write("secret", "0a".repeat(32));
    let flags = ["--shared-secret", &*secret];
    let servers = [Server::start(&flags).await, Server::start(&flags).await];
    let session = files.path("session");
    for (server, file, says) in [
        (&servers[0], "-sess_out", "New, "),
        (&servers[0], "-sess_in", "Reused, "),
        (&servers[1], "-sess_in", "Reused, "),
    ] {
        let mut peer = start_s_client(server, &cert("ca.pem"), &[file, &session]);
        peer.says(says).await;
        peer.write(b"x\n").await;
        peer.says("Echo: x\n").await;
        assert_eq!(peer.end().await.code, Some(0));
    }
    servers[1].program.logs("resumed=true").await;
}

/// RFC 6066 3: a session belongs to the name that it began with.
async fn s_client_resumes_by_one_name() {
    let server = Server::start(&[]).await;
    let files = Files::new();
    let session = files.path("session");
    for (name, file, says) in [
        ("a.example", "-sess_out", "New, "),
        ("A.example", "-sess_in", "Reused, "),
        ("b.example", "-sess_in", "New, "),
    ] {
        let flags = [file, &session, "-servername", name];
        let mut peer = start_s_client(&server, &cert("ca.pem"), &flags);
        peer.says(says).await;
        peer.write(b"x\n").await;
        peer.says("Echo: x\n").await;
        assert_eq!(peer.end().await.code, Some(0));
    }
}

async fn s_server_resumes(flags: &[&str]) {
    let files = Files::new();
    let session = files.path("session");
    let mut peer = common::s_server("-dtls1_2", flags);
    let addr = peer.says_line("ACCEPT ").await;
    for reused in [0, 1] {
        let mut client = client(&addr, &["--timeout", "60", "--session", &session]);
        client.write(b"ping\n").await;
        peer.says_times("ping\n", reused + 1).await;
        peer.write(b"pong\n").await;
        client.says("pong\n").await;
        let ended = client.end().await;
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
        peer.says_times("DONE", reused + 1).await;
        assert_eq!(peer.said("Reused session-id"), reused);
    }
}

async fn gnutls_cli(line: &str) {
    let server = Server::start(&[]).await;
    let mut peer = start_gnutls_cli(&server);
    peer.says("Handshake was completed").await;
    for turn in 0..3 {
        peer.write(format!("{line} {turn}\n").as_bytes()).await;
        peer.says(&format!("Echo: {line} {turn}\n")).await;
    }
    let ended = peer.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    server
        .program
        .logs("reason=\"the peer has closed the session\" received=3")
        .await;
}

fn start_gnutls_cli(server: &Server) -> Program {
    let ca = cert("ca.pem");
    let args = [
        "--udp",
        "--port",
        server.port(),
        "--x509cafile",
        &ca,
        "--mtu",
        "1400",
        "127.0.0.1",
    ];
    Program::start("gnutls-cli", &args)
}

async fn gnutls_serv() {
    let line = "x".repeat(1200);
    let input = format!("short\n{line}\n");
    let ended = with_gnutls_echo(async |addr| {
        let mut client = client(&addr, &["--timeout", "10"]);
        client.write(input.as_bytes()).await;
        client.end().await
    })
    .await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    assert_eq!(ended.out, input);
}

async fn gnutls_load() {
    let ended = with_gnutls_echo(async |addr| {
        // It has one session at a time.
        let flags = [&addr, "--sessions", "1", "--duration", "0.5"];
        Program::start(LOAD, &flags).end().await
    })
    .await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{ended:?}");
    for fact in [" 1 established, 0 failed,", "record protection own\n"] {
        assert!(ended.out.contains(fact), "{ended:?}");
    }
}

async fn pre_shared_key() {
    let key = "00112233445566778899aabbccddeeff";
    let args = [
        "s_server",
        "-dtls1_2",
        "-accept",
        "127.0.0.1:0",
        "-nocert",
        "-psk_identity",
        "device",
        "-psk",
        key,
    ];
    let peer = Program::start("openssl", &args);
    let addr = peer.says_line("ACCEPT ").await;
    // One at a time, as it has one session at a time.
    let load = async |key: &str, timeout: &str| {
        let psk = format!("device:{key}");
        let flags = [&addr, "handshakes", "--sessions", "1", "--duration", "0.5"];
        let flags = [&flags[..], &["--psk", &psk, "--timeout", timeout]].concat();
        Program::start(LOAD, &flags).end().await
    };
    let ended = load(key, "30").await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{ended:?}");
    assert!(ended.out.contains(" established, 0 failed,"), "{ended:?}");
    let ended = load("00", "1").await;
    ended.fails_with(1, &["no session was established"]);
}

async fn ipv6() {
    let server = Server::start_on("[::1]:0", &[]).await;
    assert!(server.addr.starts_with("[::1]:"));
    // By its interface, too, which on Linux is the first; the certificate's name is without it.
    let zoned = server.addr.replace("[::1]", "[::1%1]");
    for addr in [&server.addr, &zoned] {
        let ended = run(addr, &[], b"x\n").await;
        assert_eq!(
            (ended.code, &*ended.out),
            (Some(0), "Echo: x\n"),
            "{ended:?}"
        );
    }
}

fn has_ipv6() -> bool {
    std::net::UdpSocket::bind("[::1]:0").is_ok()
}
