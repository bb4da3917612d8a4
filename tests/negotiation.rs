//! What the flags let the programs negotiate, with other people's clients and servers.
//!
//! A peer that this machine lacks is reported as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::process::ExitCode;

use common::{Files, Program, Server, cert, client, has, run, self_signed, trial};
use libtest_mimic::Arguments;
use serde_json::Value;

const KEY: &str = "00112233445566778899aabbccddeeff";

fn main() -> ExitCode {
    let openssl = has(&["openssl", "version"]);
    let gnutls = has(&["gnutls-cli", "--version"]);
    let trials = vec![
        trial("s_client_has_a_pre_shared_key", openssl, s_client_psk),
        trial("gnutls_cli_has_a_pre_shared_key", gnutls, gnutls_psk),
        trial("s_server_has_our_pre_shared_key", openssl, s_server_psk),
        trial(
            "s_client_is_asked_for_its_certificate",
            openssl,
            s_client_certificate,
        ),
        trial(
            "s_server_asks_for_our_certificate",
            openssl,
            s_server_certificate,
        ),
        trial("s_client_asks_for_a_server_by_name", openssl, s_client_name),
        trial("s_client_agrees_on_a_protocol", openssl, s_client_protocol),
        trial("s_server_agrees_on_a_protocol", openssl, s_server_protocol),
        trial("the_client_tells_what_was_negotiated", true, facts),
        trial(
            "keys_are_read_again_and_bad_ones_change_nothing",
            true,
            reload,
        ),
        trial(
            "a_socket_that_is_passed_is_served",
            has(&["python3", "--version"]),
            passed,
        ),
        trial("flags_that_are_of_no_use_are_named", true, refusals),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn s_client_psk() {
    let files = Files::new();
    let keys = files.write("keys", format!("# ours\nother:00\ndevice:{KEY}\n"));
    let server = Server::start(&[
        "--psk-file",
        &keys,
        "--allow-plain-psk",
        "--psk-hint",
        "which?",
    ])
    .await;
    for suite in [
        "ECDHE-PSK-CHACHA20-POLY1305",
        "PSK-AES128-GCM-SHA256",
        "PSK-AES128-CCM",
        "PSK-AES128-CCM8",
    ] {
        let suite_at_0 = format!("{suite}:@SECLEVEL=0");
        let flags = [
            "-psk_identity",
            "device",
            "-psk",
            KEY,
            "-cipher",
            &suite_at_0,
        ];
        let mut peer = s_client(&server, &flags);
        echoes(&mut peer).await;
        peer.says(suite).await;
        peer.says("PSK identity: device").await;
        peer.says("PSK identity hint: which?").await;
        assert_eq!(peer.end().await.code, Some(0));
    }
    server.program.logs_times("psk=\"device\"", 4).await;
    // Certificates go on beside it.
    let ended = run(&server.addr, &[], b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
}

async fn gnutls_psk() {
    let files = Files::new();
    let keys = files.write("keys", format!("device:{KEY}"));
    let server = Server::start(&["--psk-file", &keys]).await;
    let priority = "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+ECDHE-PSK";
    let args = [
        "--udp",
        "--port",
        server.port(),
        "--pskusername",
        "device",
        "--pskkey",
        KEY,
        "--priority",
        priority,
        "127.0.0.1",
    ];
    let _peer = Program::start("gnutls-cli", &args);
    // 3.7.9 crashes when it is to tell what it has negotiated, so it has no more to say.
    let program = &server.program;
    program.logs("cipher=\"ECDHE-PSK-CHACHA20-POLY1305\"").await;
    program.logs("psk=\"device\"").await;
}

async fn s_server_psk() {
    let files = Files::new();
    let file = files.write("key", format!("device:{KEY}\n"));
    let argument = format!("device:{KEY}");
    for flags in [["--psk", &argument], ["--psk-file", &file]] {
        let peer = s_server(&["-nocert", "-psk_identity", "device", "-psk", KEY]);
        let addr = peer.says_line("ACCEPT ").await;
        let flags = [&flags[..], &["--timeout", "60", "-v"]].concat();
        let mut client = client(&addr, &flags);
        client.logs("pre-shared key          device").await;
        client.write(b"ping\n").await;
        peer.says("ping\n").await;
    }
}

async fn s_client_certificate() {
    let ca = cert("ca.pem");
    let (pem, key) = (cert("client.pem"), cert("client.key"));
    for how in ["request", "require"] {
        let server = Server::start(&["--client-ca", &ca, "--client-auth", how]).await;
        let mut peer = s_client(&server, &["-cert", &pem, "-key", &key]);
        echoes(&mut peer).await;
        assert_eq!(peer.end().await.code, Some(0));
        server.program.logs("DTLS echo development client").await;
        let mut peer = s_client(&server, &[]);
        if how == "request" {
            echoes(&mut peer).await;
        } else {
            server.program.logs("it sent none").await;
            assert_ne!(peer.end().await.code, Some(0));
        }
    }
    let files = Files::new();
    let (stranger, stranger_key) = self_signed();
    let (pem, key) = (
        files.write("pem", stranger),
        files.write("key", stranger_key),
    );
    let server = Server::start(&["--client-ca", &ca, "--client-auth", "request"]).await;
    let peer = s_client(&server, &["-cert", &pem, "-key", &key]);
    server.program.logs("certificate is refused").await;
    assert_ne!(peer.end().await.code, Some(0));
}

async fn s_server_certificate() {
    let (ca, pem, key) = (cert("ca.pem"), cert("client.pem"), cert("client.key"));
    let (server_pem, server_key) = (cert("server.pem"), cert("server.key"));
    let peer = s_server(&[
        "-cert",
        &server_pem,
        "-key",
        &server_key,
        "-Verify",
        "2",
        "-verify_return_error",
        "-CAfile",
        &ca,
    ]);
    let addr = peer.says_line("ACCEPT ").await;
    let mut client = client(&addr, &["--cert", &pem, "--key", &key, "--timeout", "60"]);
    client.write(b"ping\n").await;
    peer.says("ping\n").await;
    peer.says("DTLS echo development client").await;
}

async fn s_client_name() {
    let files = Files::new();
    let (pem, key) = self_signed();
    let named = format!(
        "named.example={},{}",
        files.write("pem", pem),
        files.write("key", key)
    );
    let server = Server::start(&["--sni", &named]).await;
    for (name, subject) in [
        ("named.example", "self-signed"),
        ("else.example", "DTLS echo development server"),
    ] {
        let args = [
            "s_client",
            "-dtls1_2",
            "-connect",
            &server.addr,
            "-servername",
            name,
        ];
        let mut peer = Program::start("openssl", &args);
        echoes(&mut peer).await;
        peer.says(&format!("subject=CN = {subject}")).await;
    }
    server.program.logs("name=\"named.example\"").await;
}

async fn s_client_protocol() {
    let server = Server::start(&["--alpn", "coap,echo"]).await;
    let mut peer = s_client(&server, &["-alpn", "x,echo"]);
    echoes(&mut peer).await;
    peer.says("ALPN protocol: echo").await;
    server.program.logs("protocol=\"echo\"").await;
    let ended = s_client(&server, &["-alpn", "x"]).end().await;
    assert!(ended.err.contains("no application protocol"), "{ended:?}");
}

async fn s_server_protocol() {
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let peer = s_server(&["-cert", &pem, "-key", &key, "-alpn", "echo"]);
    let addr = peer.says_line("ACCEPT ").await;
    let client = client(&addr, &["--alpn", "coap,echo", "-v"]);
    client.logs("protocol                echo").await;
}

async fn facts() {
    let server = Server::start(&[
        "--groups",
        "P-256",
        "--ciphers",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ])
    .await;
    let ended = run(&server.addr, &["--json"], b"x\n").await;
    assert_eq!(
        (ended.code, &*ended.out),
        (Some(0), "Echo: x\n"),
        "{ended:?}"
    );
    let facts: Value = serde_json::from_str(&ended.err).unwrap();
    for (name, value) in [
        ("version", "DTLSv1.2"),
        ("cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("cipher_suite", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ("group", "secp256r1"),
    ] {
        assert_eq!(facts[name], value, "{facts}");
    }
    assert_eq!(
        (&facts["resumed"], &facts["mtu"]),
        (&false.into(), &1350.into())
    );
    let certificate = &facts["peer_certificates"][0];
    assert_eq!(certificate["subject"], "CN=DTLS echo development server");
    assert_eq!(certificate["sha256"].as_str().unwrap().len(), 95);
    let ended = run(&server.addr, &["-v"], b"x\n").await;
    assert!(
        ended.err.starts_with("version                 DTLSv1.2\n"),
        "{ended:?}"
    );
    assert!(ended.err.contains("\n  SHA-256 "), "{ended:?}");
}

async fn reload() {
    let files = Files::new();
    let keys = files.write("keys", "a:0011");
    let server = Server::start(&["--psk-file", &keys]).await;
    let mut live = client(&server.addr, &["--psk", "a:0011"]);
    live.write(b"one\n").await;
    live.says("Echo: one\n").await;
    files.write("keys", "b:2233\nb:secret\n");
    server.program.signal("-HUP");
    server
        .program
        .logs("cannot reload, and goes on as before")
        .await;
    server.program.logs("line 2").await;
    let ended = run(&server.addr, &["--psk", "a:0011"], b"x\n").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    files.write("keys", "b:2233");
    server.program.signal("-HUP");
    server
        .program
        .logs("INFO dtls_echo_server::reload: reloaded")
        .await;
    let ended = run(&server.addr, &["--psk", "b:2233"], b"x\n").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = run(&server.addr, &["--psk", "a:0011", "--timeout", "1"], b"x\n").await;
    ended.fails_with(1, &["not finished"]);
    live.write(b"two\n").await;
    live.says("Echo: two\n").await;
    let ended = server.program.kill().await;
    assert!(!ended.err.contains("secret"), "{ended:?}");
}

async fn passed() {
    let pass = "\
import os, socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(('127.0.0.1', 0))
os.dup2(udp.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
os.execv(sys.argv[1], sys.argv[1:])
";
    let program = env!("CARGO_BIN_EXE_dtls-echo-server");
    let server = Program::start("python3", &["-c", pass, program, "--socket-activation"]);
    let addr = server.says_line("listening on ").await;
    let ended = run(&addr, &[], b"x\n").await;
    assert_eq!(
        (ended.code, &*ended.out),
        (Some(0), "Echo: x\n"),
        "{ended:?}"
    );
    let ended = Program::start(program, &["--socket-activation"])
        .end()
        .await;
    ended.fails_with(1, &["no socket was passed", ".socket unit"]);
    let ended = Program::start(program, &["--socket-activation", "127.0.0.1:0"])
        .end()
        .await;
    ended.fails_with(2, &["--socket-activation", "ADDR"]);
}

async fn refusals() {
    let files = Files::new();
    let bad = files.write("bad", "device:secret");
    let missing = files.path("missing");
    let server = |flags: &[&str]| {
        let args = [&["127.0.0.1:0"], flags].concat();
        Program::start(env!("CARGO_BIN_EXE_dtls-echo-server"), &args)
    };
    let client = |flags: &[&str]| client("127.0.0.1:9", flags);
    for (program, code, words) in [
        (
            server(&["--psk-file", &bad]),
            1,
            ["bad for --psk-file", "line 1"],
        ),
        (
            server(&["--psk-file", &missing]),
            1,
            ["missing", "No such file"],
        ),
        (server(&["--psk-hint", "x"]), 2, ["--psk-file", "required"]),
        (
            server(&["--client-auth", "require"]),
            2,
            ["--client-ca", "required"],
        ),
        (
            server(&["--client-ca", &missing]),
            1,
            ["--client-ca", "No such file"],
        ),
        (
            server(&["--sni", "x"]),
            2,
            ["--sni", "NAME=CERT,KEY is needed"],
        ),
        (
            server(&["--sni", "x=a,b"]),
            1,
            ["cannot read a", "No such file"],
        ),
        (
            server(&["--ciphers", "x"]),
            1,
            ["cipher suite list `x`", "nothing in it"],
        ),
        (
            server(&["--groups", "x"]),
            1,
            ["group list `x`", "nothing in it"],
        ),
        (
            server(&["--sigalgs", "x"]),
            1,
            ["signature algorithm list `x`", "nothing in it"],
        ),
        (
            server(&["--srtp", "x"]),
            1,
            ["SRTP profile list `x`", "nothing in it"],
        ),
        (
            server(&["--max-version", "1.3"]),
            1,
            ["DTLS 1.3", "OpenSSL"],
        ),
        (
            client(&["--max-version", "1.3"]),
            1,
            ["DTLS 1.3", "OpenSSL"],
        ),
        (
            server(&["--max-version", "1.1"]),
            2,
            ["--max-version", "1.3"],
        ),
        (
            server(&["--keylog", "/"]),
            1,
            ["cannot write secrets to /", "directory"],
        ),
        (
            client(&["--psk", "device:secret"]),
            2,
            ["--psk: ", "hexadecimal"],
        ),
        (
            client(&["--psk", "x:00", "--ca", "x"]),
            2,
            ["--psk", "--ca"],
        ),
        (
            client(&["--psk-file", &missing]),
            1,
            ["missing for --psk-file", "No such file"],
        ),
        (client(&["--cert", "x"]), 2, ["--key", "required"]),
        (
            client(&["--ciphers", "x"]),
            1,
            ["cipher suite list `x`", "nothing in it"],
        ),
    ] {
        let ended = program.end().await;
        ended.fails_with(code, &words);
        assert!(
            !ended.err.contains("secret\n") && !ended.err.contains("device:"),
            "{ended:?}"
        );
        assert_eq!(ended.out, "");
    }
}

async fn echoes(peer: &mut Program) {
    peer.write(b"hello\n").await;
    peer.says("Echo: hello\n").await;
}

fn s_client(server: &Server, flags: &[&str]) -> Program {
    let args = ["s_client", "-dtls1_2", "-connect", &server.addr];
    Program::start("openssl", &[&args, flags].concat())
}

fn s_server(flags: &[&str]) -> Program {
    let args = ["s_server", "-dtls1_2", "-accept", "127.0.0.1:0"];
    Program::start("openssl", &[&args, flags].concat())
}
